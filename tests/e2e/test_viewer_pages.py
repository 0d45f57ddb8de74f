"""Spectra, tables, members and the look at what is not imported, in Chromium; and nothing of it in anybody's way."""

from __future__ import annotations

import re

import numpy as np
import pytest
from astropy.io import fits
from playwright.sync_api import Page, expect

from tests.e2e.axe import violations
from tests.e2e.conftest import Visit, shot
from tests.e2e.holdings import Held, bring, named
from tests.stack.archive import Archive

pytestmark = pytest.mark.e2e
IMAGE = "jw02733-o001_t001_nircam_clear-f090w"
REMOTE = "jw02733-o001_t001_nircam_clear-f187n"
WANTED = {
    IMAGE: [3],
    "jw08051-o005_t002_miri_p750l": [3],
    "jw07140-c1017_t005_miri_ch2-long": [3],
    "jw01366-o001_t001_niriss_clear-gr700xd-substrip256": [3],
}
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def files(archive: Archive) -> list[Held]:
    return bring(archive, WANTED)


def plain(text: str) -> str:
    return text.replace("−", "-")


def numbers(text: str) -> list[float]:
    return [float(part) for part in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", plain(text))]


def test_a_spectrum_is_read_point_by_point_with_its_error(visit: Visit, files: list[Held]) -> None:
    file = named(files, "p750l_x1d.fits")
    table = fits.getdata(file.path, "EXTRACT1D")
    with visit() as page:
        page.goto(f"/files/{file.pk}/spectrum/")
        plot = page.locator("#plot")
        expect(plot).to_have_attribute("data-drawn", "1", timeout=PATIENCE_MS)
        plot.focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        wavelength = page.locator("[data-of=wavelength]")
        expect(wavelength).to_have_text(re.compile(r" um$"))
        (shown,) = numbers(wavelength.inner_text())
        at = int(np.abs(table["WAVELENGTH"] - shown).argmin())
        assert shown == pytest.approx(table["WAVELENGTH"][at], rel=1e-6)
        flux = page.locator("[data-of=flux]").inner_text()
        assert flux.endswith(" Jy")
        assert numbers(flux) == pytest.approx([table["FLUX"][at], table["FLUX_ERROR"][at]], rel=1e-2)


def test_all_integrations_are_plotted_together(visit: Visit, files: list[Held]) -> None:
    with visit() as page:
        page.goto(f"/files/{named(files, '_x1dints.fits').pk}/spectrum/")
        plot = page.locator("#plot")
        expect(plot).to_have_attribute("data-drawn", "1", timeout=PATIENCE_MS)
        count = page.locator("#choice option").count()
        page.get_by_role("button", name=f"All {count}").click()
        expect(plot).to_have_attribute("data-drawn", str(count), timeout=PATIENCE_MS)
        page.get_by_role("button", name="Closer").click()
        page.get_by_role("button", name="Whole").click()
        shot(page, "spectrum-all", full_page=False)


def test_a_spectrum_is_drawn_without_scripts(visit: Visit, files: list[Held]) -> None:
    with visit(java_script_enabled=False) as page:
        page.goto(f"/files/{named(files, 'p750l_c1d.fits').pk}/spectrum/")
        expect(page.get_by_role("img", name=re.compile("against wavelength"))).to_be_visible()
        shot(page, "spectrum-no-scripts", full_page=False)


def test_a_pixel_of_a_cube_is_seen_through_all_wavelengths(visit: Visit, files: list[Held]) -> None:
    with visit() as page:
        page.goto(named(files, "_s3d.fits").view)
        stage = page.locator("#stage")
        expect(stage).to_have_attribute("data-drawn", "1", timeout=PATIENCE_MS)
        expect(page.get_by_role("button", name="Median")).to_have_attribute("aria-pressed", "true")
        stage.click()
        through = page.get_by_role("region", name="Through the planes")
        expect(through).to_contain_text("Click in the plot to see that plane")
        through.locator(".u-over").click()
        expect(page.locator("#title")).to_contain_text(re.compile(r"plane \d+ of|wavelength"))
        expect(page.get_by_role("button", name="Median")).to_have_attribute("aria-pressed", "false")
        expect(page.get_by_role("slider", name="wavelength")).to_have_attribute("aria-valuetext", re.compile(" um"))
        shot(page, "viewer-cube", full_page=False)


def test_a_table_is_sorted_turned_and_taken_away_whole(visit: Visit, files: list[Held]) -> None:
    file = named(files, "p750l_x1d.fits")
    table = fits.getdata(file.path, "EXTRACT1D")
    with visit() as page:
        page.goto(f"/files/{file.pk}/table/")
        # By its text: the arrow of the order is part of the link's name, not of its text.
        head = page.locator("thead th", has=page.locator("a", has_text=re.compile("^FLUX$")))
        for order in ("ascending", "descending"):
            head.locator("a").click()
            expect(head).to_have_attribute("aria-sort", order)
        first = page.get_by_role("region", name="Rows").locator("tbody tr").first.locator("td")
        assert float(first.nth(1).inner_text()) == pytest.approx(table["FLUX"].max(), rel=1e-6)
        page.get_by_label("From row").fill("101")
        page.get_by_role("button", name="Go").click()
        expect(page.get_by_text(f"rows 101 to 200 of {len(table)}")).to_be_visible()
        for name, start in (("CSV", b"WAVELENGTH,"), ("VOTable", b"<?xml")):
            answer = page.request.get(page.get_by_role("link", name=name).get_attribute("href") or "")
            assert answer.ok
            assert answer.body().startswith(start) or start in answer.body()[:400]


def test_a_member_that_is_missing_is_imported_from_the_list(visit: Visit, files: list[Held]) -> None:
    with visit() as page:
        page.goto(f"/files/{named(files, 'image3_').pk}/members/")
        page.get_by_role("button", name=re.compile("^Import")).first.click()
        expect(page.locator("#started article")).to_have_count(1)
        shot(page, "members", full_page=False)


def test_an_observation_is_looked_at_before_it_is_imported(visit: Visit, files: list[Held]) -> None:
    with visit() as page:
        page.goto(f"/search/?kind=observation&q={REMOTE}")
        page.get_by_role("link", name=f"Look at {REMOTE}").click()
        stage = page.locator("#stage")
        expect(stage).to_have_attribute("data-drawn", "1", timeout=PATIENCE_MS)
        expect(page.get_by_text(re.compile(r"read so far, never more than [\d.]+ MB"))).to_be_visible()
        expect(page.get_by_role("img", name=f"MAST's preview of {REMOTE}")).to_be_visible()
        expect(page.get_by_role("rowheader", name="EXTNAME")).to_be_visible()
        stage.hover()
        expect(page.locator("#readout [data-of=sky]")).to_have_text(re.compile(r"^10h0[67]m"))
        page.get_by_label("Colour map").select_option("magma")
        page.get_by_role("button", name="Show").click()
        expect(page.locator("#reduced")).to_have_attribute("src", re.compile("cmap=magma"))
        shot(page, "look", full_page=False)


def test_a_look_needs_no_scripts(visit: Visit, files: list[Held]) -> None:
    with visit(java_script_enabled=False) as page:
        page.goto(f"/look/?obs_id={REMOTE}")
        picture = page.get_by_role("img", name=re.compile("reduced$"))
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.naturalWidth") > 100


# --- for everybody ----------------------------------------------------------------------------------------------


def pages_of(files: list[Held]) -> dict[str, str]:
    image, ints = named(files, "f090w_i2d.fits"), named(files, "_x1dints.fits")
    return {
        "view": f"{image.view}?marks=box:100,100,200,200;line:10,10,90,90&grid=1",
        "cube": named(files, "_s3d.fits").view,
        "labels": named(files, "_segm.fits").view,
        "spectrum": f"/files/{ints.pk}/spectrum/",
        "table": f"/files/{named(files, '_cat.ecsv').pk}/table/?sort=label",
        "members": f"/files/{named(files, 'image3_').pk}/members/",
        "header": f"/files/{image.pk}/header/?hdu=all&find=crval",
        "look": f"/look/?obs_id={REMOTE}",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 360])
def test_nothing_is_in_the_way_of_those_who_see_hear_or_point_differently(
    visit: Visit, files: list[Held], scheme: str, width: int
) -> None:
    with visit(width=width, color_scheme=scheme) as page:
        for name, address in pages_of(files).items():
            page.goto(address)
            settled(page)
            assert violations(page) == [], name
        page.goto(named(files, "f090w_i2d.fits").view)
        settled(page)
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        assert violations(page) == [], "keys"


def settled(page: Page) -> None:
    """The page as its scripts leave it."""
    for place in ("#stage", "#plot"):
        if page.locator(place).count():
            expect(page.locator(place)).to_have_attribute("data-drawn", re.compile(r"\d"), timeout=PATIENCE_MS)
