"""One file of every suffix, imported from a MAST that lists just these, opened in Chromium as its actions open it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mast.practice import PracticeServer, columns
from mast.practice.holdings import Catalogue
from mast.terms import suffix_of
from tests.e2e.conftest import SHOTS, Visit, shot
from tests.e2e.holdings import Held, bring
from tests.every_product import DISPERSED, IMAGE, MASKS, PRODUCTS, SERIES
from tests.stack.archive import Archive, started

pytestmark = pytest.mark.e2e
PATIENCE_MS = 30_000
# What View says it shows first of each, as the pipeline's data products are meant to be looked at.
SHOWN = {
    "uncal": "SCI, integration 1 of",
    "ramp": "SCI, integration 1 of",
    "dark": "SCI, integration",
    "trapsfilled": "SCI, trap family 1 of 3",
    "rateints": "SCI, integration 1 of",
    "calints": "SCI, integration 1 of",
    "crfints": "SCI, integration 1 of",
    "bsubints": "SCI, integration 1 of",
    "fitopt": "SLOPE, integration",
    "s3d": "SCI, median of",
    "psfstack": "SCI, reference 1 of",
    "psfalign": "SCI, reference 1 of",
    "psfsub": "SCI, integration 1 of",
    "amilg": "CTRD, integration 1 of",
    "msa": "SHUTTER_IMAGE",
}
SPECTRA = {"x1d", "x1dints", "c1d"}
TABLES = {"stream", "ami-oi", "aminorm-oi", "cat", "phot", "whtlt", "pool", *SPECTRA}
FILES = {f"{name}.fits": obs_id for name, *_, obs_id in PRODUCTS} | {
    f"{MASKS}_ami-oi.fits": MASKS,
    f"{DISPERSED}_uncal.fits": SERIES,
    f"{IMAGE}_cat.ecsv": IMAGE,
    f"{SERIES}_phot.ecsv": SERIES,
    f"{SERIES}_whtlt.ecsv": SERIES,
    "jw02733_20230127t104421_pool.csv": IMAGE,
}


def recordings(folder: Path) -> None:
    """A folder as `mast.practice.recorded` reads it."""
    rows = {row["obs_id"]: row for row in Catalogue().observations()}
    (folder / "observations").mkdir(parents=True)
    (folder / "products").mkdir()
    listed = [rows[obs_id] for obs_id in sorted({*FILES.values()})]
    (folder / "observations" / "all.json").write_text(json.dumps({"results": listed}))
    with (folder / "products" / "all.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, list(columns.PRODUCT))
        table.writeheader()
        table.writerows(product(name, rows[obs_id]) for name, obs_id in FILES.items())


def product(name: str, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "obsID": row["obsid"], "obs_collection": "JWST", "obs_id": row["obs_id"], "type": "S",
        "dataURI": f"mast:JWST/product/{name}", "productType": "SCIENCE", "proposal_id": row["proposal_id"],
        "productFilename": name, "parent_obsid": row["obsid"], "dataRights": "PUBLIC", "calib_level": 3,
    }  # fmt: skip


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("every")


@pytest.fixture(scope="module")
def archive(recorded: Path) -> Iterator[Archive]:
    """The archive every visit here is of."""
    recordings(recorded / "mast")
    with PracticeServer(recorded / "made", recorded=recorded / "mast", fill=True) as server:
        asked = {
            "MAST_ARCHIVE": "live",
            "MAST_URL": server.url,
            "MAST_RESOLVER_URL": f"{server.url}/Santa-war/query",
            "MAST_S3_ENDPOINT_URL": f"{server.url}/s3",
        }
        with started(recorded, **asked) as running:
            yield running


@pytest.fixture(scope="module")
def files(archive: Archive) -> dict[str, Held]:
    """One file of each suffix, the first by name."""
    found = bring(archive, {obs_id: [1, 2, 3] for obs_id in sorted({*FILES.values()})})
    return {file.suffix: file for file in sorted(found, key=lambda file: file.name, reverse=True)}


def schemes() -> list[str]:
    """Both themes where a person will look at the pictures; each file once otherwise."""
    return ["light", "dark"] if SHOTS else ["dark"]


@pytest.mark.parametrize("scheme", schemes())
def test_every_image_is_drawn(visit: Visit, files: dict[str, Held], scheme: str) -> None:
    assert set(files) == {suffix_of(name) for name in FILES}
    images = {suffix for suffix, file in files.items() if file.is_viewable}
    assert images == set(files) - TABLES
    with visit(color_scheme=scheme) as page:
        for suffix in sorted(images):
            page.goto(files[suffix].view)
            expect(page.locator("#stage")).to_have_attribute("data-drawn", "1", timeout=PATIENCE_MS)
            expect(page.locator("#title")).to_contain_text(SHOWN.get(suffix, "SCI"))
            fits_the_window(page)
            shot(page, f"viewer-{suffix}-{scheme}")


def test_the_difference_of_a_ramp_follows_the_integration(visit: Visit, files: dict[str, Held]) -> None:
    with visit() as page:
        page.goto(files["uncal"].view)
        expect(page.locator("#stage")).to_have_attribute("data-drawn", "1", timeout=PATIENCE_MS)
        page.get_by_role("button", name="Last − first group").click()
        expect(page.locator("#title")).to_contain_text("integration 1 of 12, group 4 minus group 1")
        page.get_by_role("slider", name="integration").focus()
        page.keyboard.press("End")
        expect(page.locator("#title")).to_contain_text("integration 12 of 12, group 4 minus group 1")
        page.get_by_role("button", name="Last − first group").click()
        expect(page.locator("#title")).to_contain_text("integration 12 of 12, group")
        expect(page.locator("#title")).not_to_contain_text("minus")


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
        for suffix in sorted(TABLES - {"pool"}):
            page.goto(f"/files/{files[suffix].pk}/table/")
            expect(page.get_by_role("region", name="Rows").locator("tbody tr").first).to_be_visible()
            fits_the_window(page)
            shot(page, f"table-{suffix}-{scheme}")


@pytest.mark.parametrize("suffix", ["i2d", "uncal", "x1dints", "cat"])
def test_the_narrowest_window_holds_each_kind_of_page(visit: Visit, files: dict[str, Held], suffix: str) -> None:
    with visit(width=360) as page:
        actions = {"i2d": "view", "uncal": "view", "x1dints": "spectrum", "cat": "table"}
        page.goto(f"/files/{files[suffix].pk}/{actions[suffix]}/")
        if actions[suffix] == "view":
            expect(page.locator("#stage")).to_have_attribute("data-drawn", "1", timeout=PATIENCE_MS)
        fits_the_window(page)
        shot(page, f"narrow-{suffix}")


def fits_the_window(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0, f"{page.url} is {wide} px wider than its window"
