"""Every kind of file the practice archive makes, opened in Chromium as its own actions open it."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit, shot
from tests.e2e.holdings import Held, bring
from tests.stack.archive import Archive

pytestmark = pytest.mark.e2e
WANTED = {
    "jw02733-o001_t001_nircam_clear-f090w": [3],
    "jw99999005001_02101_00001_guider1": [1, 2],
    "jw01093-c1014_t005_niriss_f480m-nrm-sub80": [2, 3],
    "jw01386-c1021_t001_miri_f1140c-mask1140": [2, 3],
    "jw01366-o001_t001_niriss_clear-gr700xd-substrip256": [2, 3],
    "jw08051-o005_t002_miri_p750l": [3],
    "jw07140-c1017_t005_miri_ch2-long": [3],
    "jw05437-o003_s000004711_nirspec_clear-prism": [3],
}
IMAGES = {"uncal", "rate", "rateints", "cal", "calints", "crf", "crfints", "i2d", "s2d", "s3d", "segm", "amilg",
          "psfstack", "psfalign", "psfsub"}  # fmt: skip
SPECTRA = {"x1d", "x1dints", "c1d"}
TABLES = {"cat", "whtlt", "ami-oi", "aminorm-oi", *SPECTRA}
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def files(archive: Archive) -> dict[str, Held]:
    """One file of each suffix, the first by name."""
    found = sorted(bring(archive, WANTED), key=lambda file: file.name, reverse=True)
    return {file.suffix: file for file in found}


def schemes() -> list[str]:
    """Both themes where a person will look at the pictures; each file once otherwise."""
    return ["light", "dark"] if os.environ.get("E2E_SHOTS") else ["dark"]


@pytest.mark.parametrize("scheme", schemes())
def test_every_image_is_drawn(visit: Visit, files: dict[str, Held], scheme: str) -> None:
    assert {suffix for suffix, file in files.items() if file.is_viewable} == IMAGES
    with visit(color_scheme=scheme) as page:
        for suffix in sorted(IMAGES):
            page.goto(files[suffix].view)
            expect(page.locator("#stage")).to_have_attribute("data-drawn", "1", timeout=PATIENCE_MS)
            fits_the_window(page)
            shot(page, f"viewer-{suffix}-{scheme}")


@pytest.mark.parametrize("scheme", schemes())
def test_every_spectrum_is_plotted(visit: Visit, files: dict[str, Held], scheme: str) -> None:
    with visit(color_scheme=scheme) as page:
        for suffix in sorted(SPECTRA):
            page.goto(f"/files/{files[suffix].pk}/spectrum/")
            expect(page.locator("#plot")).to_have_attribute("data-drawn", "1", timeout=PATIENCE_MS)
            fits_the_window(page)
            shot(page, f"spectrum-{suffix}-{scheme}")


@pytest.mark.parametrize("scheme", schemes())
def test_every_table_shows_its_rows(visit: Visit, files: dict[str, Held], scheme: str) -> None:
    with visit(color_scheme=scheme) as page:
        for suffix in sorted(TABLES):
            page.goto(f"/files/{files[suffix].pk}/table/")
            expect(page.get_by_role("region", name="Rows").locator("tbody tr").first).to_be_visible()
            fits_the_window(page)
            shot(page, f"table-{suffix}-{scheme}")


@pytest.mark.parametrize("suffix", ["i2d", "uncal", "x1dints", "cat", "asn"])
def test_the_narrowest_window_holds_each_kind_of_page(visit: Visit, files: dict[str, Held], suffix: str) -> None:
    with visit(width=360) as page:
        actions = {"i2d": "view", "uncal": "view", "x1dints": "spectrum", "cat": "table", "asn": "members"}
        page.goto(f"/files/{files[suffix].pk}/{actions[suffix]}/")
        if actions[suffix] == "view":
            expect(page.locator("#stage")).to_have_attribute("data-drawn", "1", timeout=PATIENCE_MS)
        fits_the_window(page)
        shot(page, f"narrow-{suffix}")


def fits_the_window(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0, f"{page.url} is {wide} px wider than its window"
