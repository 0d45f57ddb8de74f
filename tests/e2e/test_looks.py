"""Every page in both themes, on a desk and in a hand: whole, quiet, and photographed for a person to look at."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import pytest

from tests.e2e.conftest import Visit, shot
from tests.stack.archive import Archive

pytestmark = pytest.mark.e2e
OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
WANTED = [OBS_ID, "jw02733-o002_t001_miri_f1130w", "jw02733-o002_t001_miri_f770w"]
PAGES = {
    "dashboard": "/",
    "search": "/search/",
    "results": "/search/?kind=target&q=NGC+3132",
    "results-levels": "/search/?kind=program&q=99999&all_levels=on",
    "nothing-found": "/search/?kind=program&q=4681",
    "unknown-target": "/search/?kind=target&q=Carena+Nebula",
    "plan": f"/import/preview/?obs_id={OBS_ID}&levels=3",
    "imports": "/imports/",
    "refresh": "/refresh/",
    "observation": f"/observations/{OBS_ID}/?find=t_",
    "file": "/files/{image}/",
    "view": "/files/{image}/view/",
    "header": "/files/{image}/header/?hdu=1",
    "table": "/files/{table}/table/",
    "members": "/files/{asn}/",
    "not-here": "/files/999999/",
}


def call(archive: Archive, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(archive.url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def files(archive: Archive) -> dict[str, int]:
    """Three observations in the library; ids of a file of each kind."""
    jobs = [call(archive, "/api/mast/import", {"obsId": name})["jobId"] for name in WANTED]
    deadline = time.monotonic() + 90
    while not all(call(archive, f"/api/mast/import-progress/{job}")["isComplete"] for job in jobs):
        assert time.monotonic() < deadline, "the imports did not end"
        time.sleep(0.5)
    rows = call(archive, f"/api/files?obsId={OBS_ID}")["results"]
    kinds = {row["suffix"]: row["id"] for row in rows}
    return {"image": kinds["i2d"], "table": kinds["cat"], "asn": kinds["asn"]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 380])
def test_every_page_fits_its_window(visit: Visit, files: dict[str, int], scheme: str, width: int) -> None:
    with visit(width=width, color_scheme=scheme) as page:
        for name, address in PAGES.items():
            page.goto(address.format(**files), wait_until="load")
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide == 0, f"{name} is {wide} px wider than a window of {width}"
            assert page.locator("h1").count() == 1
            shot(page, f"{name}-{scheme}-{width}")


@pytest.mark.parametrize("width", [360, 2560])
def test_the_narrowest_and_the_widest_window_hold_every_page(visit: Visit, files: dict[str, int], width: int) -> None:
    with visit(width=width) as page:
        for address in PAGES.values():
            page.goto(address.format(**files))
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_dashboard_as_the_readme_shows_it(visit: Visit, files: dict[str, int]) -> None:
    with visit(width=1280, color_scheme="light") as page:
        page.goto("/")
        shot(page, "readme-dashboard", full_page=False)
