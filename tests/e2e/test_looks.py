"""Every page in both themes, on a desk and in a hand: whole, quiet, and photographed for a person to look at."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import Visit, shot

pytestmark = pytest.mark.e2e
OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
PAGES = {
    "dashboard": "/",
    "dashboard-files": "/?view=files&instrument=NIRCAM",
    "dashboard-nothing": "/?q=nothing+like+that",
    "trash": "/trash/",
    "guide": "/guide/",
    "whats-new": "/whats-new/?days=365",
    "search": "/search/",
    "results": "/search/?kind=target&q=NGC+3132",
    "results-filtered": "/search/?q=2733&instrument=MIRI&sort=-date&col=pi&col=title&col=position",
    "results-no-fit": "/search/?q=2733&year=1999",
    "results-levels": "/search/?kind=program&q=99999&all_levels=on",
    "nothing-found": "/search/?kind=program&q=4681",
    "unknown-target": "/search/?kind=target&q=Carena+Nebula",
    "plan": f"/import/preview/?obs_id={OBS_ID}&levels=3",
    "plan-search": "/import/preview/?search=q%3D2733&levels=1&levels=2",
    "imports": "/imports/",
    "imports-finished": "/imports/?state=finished",
    "job": "/imports/{job}/",
    "look": "/look/?obs_id=jw02733-o001_t001_nircam_f405n-f444w",
    "refresh": "/refresh/",
    "observation": f"/observations/{OBS_ID}/?find=t_",
    "file": "/files/{image}/",
    "view": "/files/{image}/view/",
    "header": "/files/{image}/header/?hdu=1",
    "table": "/files/{table}/table/",
    "members": "/files/{asn}/",
    "not-here": "/files/999999/",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 380])
def test_every_page_fits_its_window(visit: Visit, files: dict[str, Any], scheme: str, width: int) -> None:
    with visit(width=width, color_scheme=scheme) as page:
        for name, address in PAGES.items():
            page.goto(address.format(**files), wait_until="load")
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide == 0, f"{name} is {wide} px wider than a window of {width}"
            assert page.locator("h1").count() == 1
            shot(page, f"{name}-{scheme}-{width}")


@pytest.mark.parametrize("width", [360, 2560])
def test_the_narrowest_and_the_widest_window_hold_every_page(visit: Visit, files: dict[str, Any], width: int) -> None:
    with visit(width=width) as page:
        for address in PAGES.values():
            page.goto(address.format(**files))
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_dashboard_as_the_readme_shows_it(visit: Visit, files: dict[str, Any]) -> None:
    with visit(width=1280, color_scheme="light") as page:
        page.goto("/")
        shot(page, "readme-dashboard", full_page=False)
