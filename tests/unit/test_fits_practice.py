"""Every kind of product the practice archive makes: what View does with it, and that the badge says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from mast.fits.inspect import inspect_files
from mast.fits.plan import Plan
from mast.fits.render import first_picture
from mast.fits.spectra import spectrum
from mast.fits.tables import table_rows
from mast.fits.texttables import TEXT_KINDS, text_rows
from mast.practice.holdings import Catalogue, Held
from mast.terms import Badge, badge_of, suffix_of

SHOWN = {
    "amilg": "CTRD, integration 1 of",
    "cal": "SCI",
    "calints": "SCI, integration 1 of",
    "crf": "SCI",
    "crfints": "SCI, integration 1 of",
    "i2d": "SCI",
    "msa": "SHUTTER_IMAGE",
    "psfalign": "SCI, reference 1 of",
    "psfstack": "SCI, reference 1 of",
    "psfsub": "SCI, integration 1 of",
    "rate": "SCI",
    "rateints": "SCI, integration 1 of",
    "s2d": "SCI",
    "s3d": "SCI, median of",
    "segm": "SCI",
    "uncal": "SCI, integration 1 of",
}
SPECTRA = {"x1d", "x1dints", "c1d"}


def smallest_of_each_kind() -> dict[tuple[str, str], Held]:
    """One file per suffix and extension."""
    catalogue = Catalogue()
    found: dict[tuple[str, str], Held] = {}
    for observation in catalogue.observations():
        for row in catalogue.products(observation["obsid"]):
            name = str(row["productFilename"])
            held = catalogue.find(name)
            key = (suffix_of(name), name.rpartition(".")[2])
            if held and held.make and (key not in found or held.size_bytes < found[key].size_bytes):
                found[key] = held
    return found


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Plan]]:
    folder = tmp_path_factory.mktemp("products")
    paths = []
    for held in smallest_of_each_kind().values():
        paths.append(folder / held.subject.file_name)
        assert held.make
        with paths[-1].open("wb") as file:
            held.make(file)
    plans = inspect_files([(path, path.name) for path in paths])
    return list(zip(paths, plans, strict=True))


def test_every_product_has_a_plan_without_complaint(products: list[tuple[Path, Plan]]) -> None:
    assert len(products) >= 35
    assert [(plan.file_name, plan.view.why) for _, plan in products if plan.error_code] == []


def test_images_open_on_the_plane_of_their_suffix(products: list[tuple[Path, Plan]]) -> None:
    viewable = [(path, plan) for path, plan in products if plan.view.viewable]
    for path, plan in viewable:
        assert plan.view.title.startswith(SHOWN[suffix_of(path.name)])
        assert first_picture(path, plan, width=200).startswith(b"\x89PNG")
    assert {suffix_of(path.name) for path, _ in viewable} == SHOWN.keys()


def test_the_badge_and_the_plan_agree(products: list[tuple[Path, Plan]]) -> None:
    for path, plan in products:
        if suffix_of(path.name) != "msa":
            assert plan.view.viewable == (badge_of(path.name) is Badge.IMAGE), path.name


def test_tables_are_read_and_spectra_plotted(products: list[tuple[Path, Plan]]) -> None:
    for path, plan in products:
        if plan.kind in TEXT_KINDS:
            assert text_rows(path, plan).rows
        elif plan.kind == "fits" and not plan.view.viewable:
            assert table_rows(path, plan).rows
            if suffix_of(path.name) in SPECTRA:
                found = spectrum(path, plan)
                assert len(found.wavelength) == len(found.flux) > 10
                assert found.wavelength_unit == "um"
