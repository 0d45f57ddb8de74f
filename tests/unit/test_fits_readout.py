"""Pixels with their place on the sky, quality flags and histograms, against astropy and numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from mast.errors import BadQuery, NoCelestialWcs
from mast.fits.dq import flag_names
from mast.fits.inspect import inspect_file
from mast.fits.readout import pixel
from mast.fits.wcs import tan_wcs
from mast.fitscards import Value

Cards = dict[str, Value]


def cards(seed: int, *, form: str, sip: bool = False) -> Cards:
    """A random gnomonic WCS; `form` is how its matrix is written."""
    rng = np.random.default_rng(seed)
    dec = float(rng.choice([rng.uniform(-90, 90), 89.99, -89.99, 90.0, -90.0, 0.0]))
    made: Cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CUNIT1": "deg", "CUNIT2": "deg"}
    made |= {"CRPIX1": rng.uniform(0, 2048), "CRPIX2": rng.uniform(0, 2048)}
    made |= {"CRVAL1": rng.choice([rng.uniform(0, 360), 0.0, 359.9999]), "CRVAL2": dec}
    pairs = [(i, j) for i in (1, 2) for j in (1, 2)]
    if form == "CD":
        made |= {f"CD{i}_{j}": rng.normal() * 1e-5 for i, j in pairs}
    else:
        made |= {"CDELT1": -8.7e-6, "CDELT2": 8.9e-6}
        made |= {f"PC{i}_{j}": rng.normal() for i, j in pairs} if form == "PC" else {"CROTA2": rng.uniform(-180, 180)}
    if sip:
        made |= {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 4, "B_ORDER": 4}
        terms = [(letter, p, q) for letter in "AB" for p in range(5) for q in range(5 - p) if p + q > 1]
        made |= {f"{letter}_{p}_{q}": rng.normal() * 10.0 ** (-3 * (p + q)) for letter, p, q in terms}
    if seed % 3 == 0:
        made["LONPOLE"] = rng.uniform(0, 360)
    return {keyword: float(value) if isinstance(value, np.floating) else value for keyword, value in made.items()}


def pixels_apart(ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray]) -> float:
    """The greatest distance on the sky in pixels of 0.03 arcseconds."""
    east = ((ours[0] - theirs[0] + 180) % 360 - 180) * np.cos(np.radians(theirs[1]))
    return float(np.hypot(east, ours[1] - theirs[1]).max() / 8.7e-6)


@pytest.mark.parametrize("form", ["CD", "PC", "CROTA2"])
@pytest.mark.parametrize("sip", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_pixels_lie_where_astropy_says(seed: int, form: str, sip: bool) -> None:
    made = cards(seed, form=form, sip=sip)
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-50, 2100, 200), rng.uniform(-50, 2100, 200)
    ours = tan_wcs(made).pixel_to_sky(x, y)
    assert pixels_apart(ours, WCS(fits.Header(made)).all_pix2world(x, y, 0)) < 1e-6
    assert ((ours[0] >= 0) & (ours[0] < 360)).all()


def test_axes_may_come_in_either_order() -> None:
    made = cards(1, form="CD")
    swapped = made | {"CTYPE1": "DEC--TAN", "CTYPE2": "RA---TAN", "CRVAL1": 12.5, "CRVAL2": 80.0}
    theirs = WCS(fits.Header(swapped)).all_pix2world([5.0], [9.0], 0)
    assert pixels_apart(tan_wcs(swapped).pixel_to_sky(np.array([5.0]), np.array([9.0])), theirs[::-1]) < 1e-6


@pytest.mark.parametrize(
    "change",
    [
        {"CTYPE1": "WAVE"},
        {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN"},
        {"CTYPE2": "RA---TAN"},
        {"CRVAL1": "somewhere"},
        {"CRPIX1": True},
        {"CUNIT1": "arcsec"},
    ],
)
def test_what_is_no_sky_is_said_to_be_none(change: Cards) -> None:
    with pytest.raises(NoCelestialWcs):
        tan_wcs(cards(1, form="CD") | change)
    with pytest.raises(NoCelestialWcs):
        tan_wcs({})


# --- pixels -----------------------------------------------------------------------------------------------------


def written(folder: Path, *hdus: fits.ImageHDU, name: str = "a_cal.fits") -> Path:
    path = folder / name
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    return path


def science(shape: tuple[int, ...] = (5, 7), dtype: str = "f4") -> fits.ImageHDU:
    data = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    header = fits.Header(cards(1, form="CD", sip=True))
    header["BUNIT"] = "MJy/sr"
    return fits.ImageHDU(data, header, name="SCI")


def test_a_pixel_has_value_unit_sky_and_both_conventions(tmp_path: Path) -> None:
    path = written(tmp_path, science(), fits.ImageHDU(np.ones((5, 7), "f4"), name="ERR"))
    plan = inspect_file(path)
    found = pixel(path, plan, 3, 2)
    assert (found.value, found.unit, found.hdu) == (17.0, "MJy/sr", "SCI")
    assert (found.x, found.y, found.fits_x, found.fits_y) == (3, 2, 4, 3)
    ra, dec = WCS(fits.getheader(path, 1)).all_pix2world(3, 2, 0)
    assert found.ra_deg == pytest.approx(float(ra), abs=1e-10)
    assert found.dec_deg == pytest.approx(float(dec), abs=1e-10)
    borrowed = pixel(path, plan, 3, 2, hdu=2)
    assert (borrowed.value, borrowed.ra_deg, borrowed.dec_deg) == (1.0, found.ra_deg, found.dec_deg)


def test_a_pixel_without_value_or_sky_has_none(tmp_path: Path) -> None:
    path = written(tmp_path, fits.ImageHDU(np.full((3, 3), np.nan, "f4"), name="SCI"))
    found = pixel(path, inspect_file(path), 0, 0)
    assert (found.value, found.ra_deg, found.dec_deg, found.flags) == (None, None, None, [])


def test_a_spectrogram_is_not_taken_for_the_sky(tmp_path: Path) -> None:
    image = science()
    image.header["WCSAXES"], image.header["CTYPE3"] = 3, "WAVE-TAB"
    path = written(tmp_path, image, name="a_s2d.fits")
    found = pixel(path, inspect_file(path), 3, 2)
    assert (found.value, found.ra_deg, found.dec_deg) == (17.0, None, None)


def test_a_pixel_outside_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, science())
    for x, y in [(7, 0), (0, 5), (-1, 0)]:
        with pytest.raises(BadQuery, match="7 x 5 pixels"):
            pixel(path, inspect_file(path), x, y)


def test_quality_flags_are_named_under_the_pixel(tmp_path: Path) -> None:
    flags = np.zeros((5, 7), "u4")
    flags[2, 3] = 1 | 1 << 2 | 1 << 31
    path = written(tmp_path, science(), fits.ImageHDU(flags, name="DQ"))
    plan = inspect_file(path)
    names = ["DO_NOT_USE", "JUMP_DET", "REFERENCE_PIXEL"]
    assert pixel(path, plan, 3, 2).flags == names
    own = pixel(path, plan, 3, 2, hdu=2)
    assert (own.value, own.flags) == (0x80000005, names)
    assert pixel(path, plan, 0, 0).flags == []


def test_flags_of_a_cube_are_those_of_the_plane_that_is_shown(tmp_path: Path) -> None:
    flags = np.zeros((4, 5, 7), "u4")
    flags[2, 1, 1] = 2
    path = written(tmp_path, science((4, 5, 7)), fits.ImageHDU(flags, name="DQ"), name="a_calints.fits")
    plan = inspect_file(path)
    assert pixel(path, plan, 1, 1).flags == []
    assert pixel(path, plan, 1, 1, plane=(2,)).flags == ["SATURATED"]
    cube = path.rename(tmp_path / "a_s3d.fits")
    assert pixel(cube, inspect_file(cube), 1, 1).flags == []


def test_a_square_around_a_pixel_brings_values_and_flags_of_what_is_in_the_image(tmp_path: Path) -> None:
    flags = np.zeros((5, 7), "u4")
    flags[0, 1] = 0x80000001
    path = written(tmp_path, science((5, 7)), fits.ImageHDU(flags, name="DQ"), name="a_cal.fits")
    values = fits.getdata(path, "SCI")
    found = pixel(path, inspect_file(path), 0, 0, box=3)
    assert found.values == [[None] * 3, [None, *values[0, :2].tolist()], [None, *values[1, :2].tolist()]]
    assert found.flag_values == [[None] * 3, [None, 0, 0x80000001], [None, 0, 0]]
    assert pixel(path, inspect_file(path), 0, 0).flag_values is None


@given(st.integers(0, 2**32 - 1))
def test_every_bit_of_a_quality_value_has_a_name(value: int) -> None:
    names = flag_names(value)
    assert len(names) == value.bit_count() == len(set(names))
