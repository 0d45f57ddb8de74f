"""Every kind of product the practice archive makes: HDUs, dimensions, units, WCS, sizes, the same bytes twice."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS, FITSFixedWarning

from mast.practice import fits_factory, kinds
from mast.practice.columns import Row
from mast.practice.holdings import Catalogue
from mast.practice.store import Store
from mast.practice.subject import Subject
from tests.every_product import CUBE, DISPERSED, EXPOSURE, IMAGE, PRODUCTS, SERIES, SHUTTERS


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    return {row["obs_id"]: row for row in Catalogue().observations()}


def read_wcs(header: fits.Header, hdus: fits.HDUList | None = None) -> WCS:
    with warnings.catch_warnings():
        # As in the pipeline's own files: MJD-BEG stands beside SCI, DATE-BEG in the primary header.
        warnings.simplefilter("ignore", FITSFixedWarning)
        return WCS(header, hdus)


def made(name: str, row: Row) -> tuple[bytes, Subject]:
    subject = Subject(f"{name}.fits", row, "planetary")
    stream = io.BytesIO()
    fits_factory.write(subject, stream)
    return stream.getvalue(), subject


@pytest.mark.parametrize(("name", "parts", "dimensions", "unit", "obs_id"), PRODUCTS, ids=[row[0] for row in PRODUCTS])
def test_a_product_has_the_hdus_dimensions_and_units_of_its_kind(
    name: str, parts: str, dimensions: int | None, unit: str | None, obs_id: str, rows: dict[str, Row]
) -> None:
    content, subject = made(name, rows[obs_id])
    assert len(content) == kinds.layout_of(subject).size_bytes
    with fits.open(io.BytesIO(content)) as hdus:
        hdus.verify("exception")
        assert [hdu.name for hdu in hdus] == ["PRIMARY", *parts.split(), "ASDF"]
        assert hdus[0].data is None
        assert hdus[0].header["FILENAME"] == f"{name}.fits"
        assert hdus[0].header["TELESCOP"] == "JWST"
        pictures = [hdu for hdu in hdus[1:] if hdu.is_image]
        if dimensions:
            assert pictures[0].data.ndim == dimensions
            assert pictures[0].header.get("BUNIT") == unit
        for hdu in hdus[1:]:
            assert hdu.data is not None, hdu.name
            assert hdu.data.size > 0, hdu.name


def test_the_table_of_products_covers_every_kind_the_factory_knows() -> None:
    tested = {re.split(r"[_]", name)[-1] for name, *_ in PRODUCTS}
    assert set(kinds.KINDS) <= tested


@pytest.mark.parametrize("name", [f"{EXPOSURE}_rate", f"{EXPOSURE}_cal", f"{EXPOSURE}_i2d", f"{IMAGE}_i2d"])
def test_an_image_points_at_its_target(name: str, rows: dict[str, Row]) -> None:
    content, _ = made(name, rows[IMAGE])
    with fits.open(io.BytesIO(content)) as hdus:
        wcs = read_wcs(hdus["SCI"].header)
        assert wcs.has_celestial
        corners = wcs.calc_footprint()
        ra, dec = hdus[0].header["TARG_RA"], hdus[0].header["TARG_DEC"]
        assert np.hypot((corners[:, 0] - ra) * np.cos(np.radians(dec)), corners[:, 1] - dec).max() < 0.06
        listed = np.array(hdus["SCI"].header["S_REGION"].split()[2:], float).reshape(4, 2)
        # astropy goes round the other way, and from the centres of the outermost pixels: half a pixel off each edge.
        assert np.abs(corners - listed[[0, 3, 2, 1]]).max() < 2 * abs(wcs.wcs.cdelt[0])


def test_a_calibrated_exposure_carries_distortion_and_a_rate_does_not(rows: dict[str, Row]) -> None:
    for suffix, kind in (("cal", "RA---TAN-SIP"), ("rate", "RA---TAN")):
        content, _ = made(f"{EXPOSURE}_{suffix}", rows[IMAGE])
        with fits.open(io.BytesIO(content)) as hdus:
            assert hdus["SCI"].header["CTYPE1"] == kind
            assert (read_wcs(hdus["SCI"].header).sip is not None) == (suffix == "cal")


def test_only_sci_carries_the_whole_wcs(rows: dict[str, Row]) -> None:
    content, _ = made(f"{IMAGE}_i2d", rows[IMAGE])
    with fits.open(io.BytesIO(content)) as hdus:
        assert [hdu.name for hdu in hdus if "CTYPE1" in hdu.header] == ["SCI"]


def test_a_cube_finds_its_wavelengths_in_a_table(rows: dict[str, Row]) -> None:
    content, _ = made(f"{CUBE}_s3d", rows[CUBE])
    with fits.open(io.BytesIO(content)) as hdus:
        header = hdus["SCI"].header
        assert header["CTYPE3"] == "WAVE-TAB"
        wcs = read_wcs(header, hdus)
        tabled = hdus["WCS-TABLE"].data["wavelength"][0].ravel()
        _, _, wave = wcs.wcs_pix2world([[10, 10, 0], [10, 10, 119]], 0).T
        assert wave == pytest.approx([tabled[0], tabled[-1]], rel=1e-5)


def test_unsigned_integers_read_back_as_unsigned(rows: dict[str, Row]) -> None:
    content, _ = made(f"{EXPOSURE}_uncal", rows[IMAGE])
    with fits.open(io.BytesIO(content)) as hdus:
        assert hdus["SCI"].header["BZERO"] == 32768
        assert hdus["SCI"].data.dtype == np.uint16
        # Ramps climb from group to group.
        levels = np.median(hdus["SCI"].data[0].astype(float), axis=(1, 2))
        assert (np.diff(levels) > 0).all()
    content, _ = made(f"{EXPOSURE}_cal", rows[IMAGE])
    with fits.open(io.BytesIO(content)) as hdus:
        assert hdus["DQ"].data.dtype == np.uint32
        assert set(np.unique(hdus["DQ"].data)) <= {0, 1, 4, 5}


def test_slits_of_one_exposure_are_told_apart_by_extver(rows: dict[str, Row]) -> None:
    content, _ = made("jw05437003001_03101_00001_nrs1_cal", rows[SHUTTERS])
    with fits.open(io.BytesIO(content)) as hdus:
        slits = [hdu for hdu in hdus if hdu.name == "SCI"]
        assert [slit.ver for slit in slits] == [1, 2, 3]
        assert len({slit.header["SLTNAME"] for slit in slits}) == 3
        assert hdus["WAVELENGTH", 2].header["BUNIT"] == "um"


def test_a_spectrum_has_the_columns_and_units_of_a_real_one(rows: dict[str, Row], shared_data: Path) -> None:
    real = fits.getdata(shared_data / "fits" / "jwst" / "jw01373-o019_t001_nirspec_g395h-f290lp_x1d.fits", 1)
    content, _ = made(f"{CUBE}_x1d", rows[CUBE])
    with fits.open(io.BytesIO(content)) as hdus:
        ours = hdus["EXTRACT1D"]
        assert ours.columns.names == real.columns.names
        assert [str(column.unit) for column in ours.columns] == [str(column.unit) for column in real.columns]
        assert (np.diff(ours.data["WAVELENGTH"]) > 0).all()
        assert ours.data["DQ"].dtype == np.uint32


def test_a_time_series_has_one_row_for_each_integration(rows: dict[str, Row]) -> None:
    content, _ = made(f"{SERIES}_x1dints", rows[SERIES])
    with fits.open(io.BytesIO(content)) as hdus:
        table = hdus["EXTRACT1D"].data
        assert list(table["INT_NUM"]) == list(range(1, 13))
        assert table["FLUX"].shape == (12, 300)
        assert (np.diff(table["MJD-AVG"]) > 0).all()


def test_segments_say_which_integrations_they_hold(rows: dict[str, Row]) -> None:
    content, _ = made(f"{DISPERSED}_calints", rows[SERIES])
    header = fits.getheader(io.BytesIO(content))
    assert (header["EXSEGNUM"], header["INTSTART"], header["INTEND"]) == (2, 13, 24)


def test_filters_of_one_target_show_the_same_sky(rows: dict[str, Row]) -> None:
    pictures = []
    for obs_id in ("jw02733-o001_t001_nircam_clear-f187n", "jw02733-o001_t001_nircam_clear-f212n"):
        content, _ = made(f"{obs_id}_i2d", rows[obs_id])
        picture = fits.getdata(io.BytesIO(content), "SCI")
        pictures.append(np.arcsinh(np.nan_to_num(picture))[60:460, 60:460])
    assert np.corrcoef(pictures[0].ravel(), pictures[1].ravel())[0, 1] > 0.95
    assert not np.array_equal(pictures[0], pictures[1])


def test_an_image_looks_like_sky(rows: dict[str, Row]) -> None:
    content, _ = made(f"{IMAGE}_i2d", rows[IMAGE])
    with fits.open(io.BytesIO(content)) as hdus:
        picture = hdus["SCI"].data
        assert np.isnan(picture[0]).all(), "no exposure reaches the border"
        assert 0.01 < np.isnan(picture).mean() < 0.1
        assert np.nanmax(picture) > 50 * np.nanmedian(picture), "stars stand out"
        assert (hdus["WHT"].data[np.isnan(picture)] == 0).all()
        assert (hdus["CON"].data[0][np.isfinite(picture)] > 0).all()


def test_text_products_are_valid(tmp_path: Path) -> None:
    catalogue, store = Catalogue(), Store(tmp_path)
    for name, length in (
        (f"{IMAGE}_cat.ecsv", 120),
        ("jw01177-o007_t001_miri_f1500w_phot.ecsv", 240),
        (f"{SERIES}_whtlt.ecsv", 240),
    ):
        held = catalogue.find(name)
        assert held is not None
        table = Table.read(store.path(held), format="ascii.ecsv")
        assert len(table) == length
        assert table.meta["telescope"] == "JWST"
    sky = Table.read(store.path(catalogue.find(f"{IMAGE}_cat.ecsv")), format="ascii.ecsv")  # type: ignore[arg-type]
    assert str(sky["sky_ra"].unit) == "deg"


def test_the_same_name_gives_the_same_bytes_in_another_folder(tmp_path: Path) -> None:
    names = [f"{IMAGE}_i2d.jpg", f"{EXPOSURE}_cal.fits", f"{IMAGE}_cat.ecsv", "jw02733_20230127t104421_pool.csv"]
    contents = []
    for folder in ("one", "two"):
        catalogue, store = Catalogue(), Store(tmp_path / folder)
        if folder == "two":
            catalogue.products("87602450")  # another observation of the program asked first
        held = [catalogue.find(name) for name in names]
        contents.append([store.path(one).read_bytes() for one in held if one])
    assert contents[0] == contents[1]
    assert len(contents[0]) == len(names)
