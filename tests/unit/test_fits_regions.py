"""Statistics, profiles, cut-outs and what there is in a cube, against numpy and astropy on the same pixels."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mast.errors import BadQuery
from mast.fits import overview
from mast.fits.axes import axes_of
from mast.fits.cube import describe_file, shown
from mast.fits.cutout import cutout, picture_cards
from mast.fits.flags import flag_counts
from mast.fits.inspect import inspect_file
from mast.fits.planes import ArrayPlane, plane_of
from mast.fits.regions import Box, Circle, along_cube, profile, statistics
from mast.fits.roles import draw_of, qualities_of, role_of
from mast.fits.wcs import image_wcs
from tests.unit.test_fits_readout import cards

RNG = np.random.default_rng(3)


def sky(shape: tuple[int, ...]) -> NDArray[np.float32]:
    values = RNG.normal(5, 2, shape).astype("f4")
    values[RNG.random(shape) < 0.1] = np.nan
    return values


def written(folder: Path, name: str, *hdus: fits.ImageHDU | fits.BinTableHDU) -> Path:
    path = folder / name
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path, overwrite=True)
    return path


# --- statistics -------------------------------------------------------------------------------------------------


def compare(found: object, good: NDArray[np.generic]) -> None:
    wide = good.astype("f8")
    expected = {
        "mean": wide.mean(), "median": np.median(wide), "std": wide.std(), "sum": wide.sum(), "min": wide.min(),
        "max": wide.max(),
    }  # fmt: skip
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(float(value), rel=1e-6, abs=1e-9), name


@settings(max_examples=60, deadline=None)
@given(st.integers(-5, 40), st.integers(-5, 30), st.integers(1, 50), st.integers(1, 50), st.integers(0, 99))
def test_a_boxs_statistics_are_numpys(left: int, lower: int, width: int, height: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(1e4, 3, (35, 45)).astype("f4")
    values[3, 4] = np.nan
    box = Box(left, lower, left + width, lower + height)
    part = values[max(0, lower) : max(0, lower + height), max(0, left) : max(0, left + width)]
    if not part.size:
        with pytest.raises(BadQuery, match="outside"):
            statistics(ArrayPlane(values), box)
        return
    found = statistics(ArrayPlane(values), box)
    good = part[np.isfinite(part)]
    assert (found.count, found.pixels) == (good.size, part.size)
    if good.size:
        compare(found, good)


@pytest.mark.parametrize("dtype", ["f4", "i2", "u2", "i4"])
@pytest.mark.parametrize(("x", "y", "r"), [(20, 15, 6.5), (0, 0, 10), (44.4, 34.2, 3), (20, 15, 0.2)])
def test_a_circles_statistics_are_those_of_pixels_whose_centres_lie_inside(
    x: float, y: float, r: float, dtype: str
) -> None:
    values = sky((35, 45))
    values = values if dtype == "f4" else np.nan_to_num(values * 10).astype(dtype)
    rows, columns = np.mgrid[0:35, 0:45]
    inside = (columns - x) ** 2 + (rows - y) ** 2 <= r * r
    good = values[inside & np.isfinite(values)]
    found = statistics(ArrayPlane(values), Circle(x, y, r))
    assert (found.count, found.pixels) == (good.size, np.count_nonzero(inside))
    if good.size:
        compare(found, good)


def test_a_region_without_a_number_has_none() -> None:
    found = statistics(ArrayPlane(np.full((4, 5), np.nan)), Box(0, 0, 5, 4))
    assert (found.count, found.pixels, found.mean, found.median, found.sum) == (0, 20, None, None, None)


# --- profiles ---------------------------------------------------------------------------------------------------


def test_a_profile_holds_the_pixels_along_the_line() -> None:
    values = np.arange(30 * 40, dtype="f4").reshape(30, 40)
    found = profile(ArrayPlane(values), (5, 7), (15, 7))
    assert found.value == values[7, 5:16].tolist()
    assert (found.distance[0], found.distance[-1], found.x[-1]) == (0.0, 10.0, 15.0)
    steep = profile(ArrayPlane(values), (3, 2), (6, 22))
    expected = [values[round(y), round(x)] for x, y in zip(steep.x, steep.y, strict=True)]
    assert steep.value == expected
    wide = profile(ArrayPlane(values), (5, 7), (15, 7), across=3)
    np.testing.assert_allclose(wide.value, values[6:9, 5:16].mean(axis=0))


def test_a_profile_outside_the_image_is_empty_there() -> None:
    found = profile(ArrayPlane(np.ones((5, 5), "f4")), (-2, 2), (6, 2))
    assert found.value == [None, None, 1, 1, 1, 1, 1, None, None]
    assert profile(ArrayPlane(np.ones((5, 5), "f4")), (2, 2), (2, 2)).value == [1]
    for stop, across in [((9000, 0), 1), ((3, 3), 0), ((3, 3), 102)]:
        with pytest.raises(BadQuery):
            profile(ArrayPlane(np.ones((5, 5), "f4")), (0, 0), stop, across)


# --- cut-outs ---------------------------------------------------------------------------------------------------


def science(shape: tuple[int, ...], dtype: str = "f4", **options: bool) -> fits.ImageHDU:
    data = sky(shape) if dtype.startswith("f") else RNG.integers(0, 60_000, shape).astype(dtype)
    header = fits.Header(cards(1, form="PC", sip=options.get("sip", True)))
    header["BUNIT"] = "MJy/sr"
    header["LONGTEXT"] = "a text that goes on for longer than one card of eighty characters can hold, and more"
    return fits.ImageHDU(data, header, name="SCI")


@pytest.mark.parametrize("dtype", ["f4", "f8", "u2", "i2"])
def test_a_cutout_is_the_region_and_lies_where_it_lay(tmp_path: Path, dtype: str) -> None:
    image = science((60, 80), dtype)
    path = written(tmp_path, "a_cal.fits", image, fits.ImageHDU(sky((60, 80)), name="ERR"))
    plan = inspect_file(path)
    with fits.open(io.BytesIO(cutout(path, plan, Box(10, 20, 35, 50)))) as cut, fits.open(path) as whole:
        cut.verify("exception")
        np.testing.assert_array_equal(cut["SCI"].data, whole["SCI"].data[20:50, 10:35])
        assert cut["SCI"].data.dtype == whole["SCI"].data.dtype
        assert len(cut) == 2
        ours = WCS(cut["SCI"].header).all_pix2world(3.0, 4.0, 0)
        theirs = WCS(whole["SCI"].header).all_pix2world(13.0, 24.0, 0)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
        assert cut["SCI"].header["LONGTEXT"] == whole["SCI"].header["LONGTEXT"]
        assert "11:35, 21:50" in str(cut["SCI"].header["HISTORY"])
    inspected = inspect_file_of(tmp_path, cutout(path, plan, Box(10, 20, 35, 50), with_all=True))
    assert [hdu.name for hdu in inspected.hdus] == ["PRIMARY", "SCI", "ERR"]


def inspect_file_of(folder: Path, content: bytes) -> object:
    path = folder / "cut_cal.fits"
    path.write_bytes(content)
    return inspect_file(path)


def test_a_plane_of_a_cube_is_cut_to_two_axes(tmp_path: Path) -> None:
    image = science((5, 30, 40), sip=False)
    image.data[:, 3, 4] = np.nan
    image.header["CTYPE3"], image.header["CRVAL3"], image.header["WCSAXES"] = "WAVE", 5.0, 3
    path = written(tmp_path, "a_s3d.fits", image)
    plan = inspect_file(path)
    with fits.open(io.BytesIO(cutout(path, plan, Box(3, 4, 20, 15), 1, (2,)))) as cut, fits.open(path) as whole:
        np.testing.assert_array_equal(cut[1].data, whole[1].data[2, 4:15, 3:20])
        assert WCS(cut[1].header).naxis == 2
        assert "CTYPE3" not in cut[1].header
    with fits.open(io.BytesIO(cutout(path, plan, Box(0, 0, 40, 30), 1, "median"))) as cut:
        with pytest.warns(RuntimeWarning, match="All-NaN"):
            expected = np.nanmedian(image.data.astype("f8"), axis=0)
        np.testing.assert_allclose(cut[1].data, expected, rtol=1e-6)


def test_a_cutout_of_a_plane_beside_lies_where_its_image_lies(tmp_path: Path) -> None:
    image = science((60, 80))
    image.header["S_REGION"] = "POLYGON ICRS 1 1 2 1 2 2 1 2"
    weight = fits.ImageHDU(sky((60, 80)), name="WHT")
    path = written(tmp_path, "a_i2d.fits", image, weight)
    with (
        fits.open(io.BytesIO(cutout(path, inspect_file(path), Box(10, 20, 35, 50), 2))) as cut,
        fits.open(path) as whole,
    ):
        cut.verify("exception")
        ours = WCS(cut["WHT"].header).all_pix2world(3.0, 4.0, 0)
        theirs = WCS(whole["SCI"].header).all_pix2world(13.0, 24.0, 0)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    with fits.open(io.BytesIO(cutout(path, inspect_file(path), Box(10, 20, 35, 50)))) as cut:
        assert "S_REGION" not in cut["SCI"].header, "the footprint of the whole"
        # Physical coordinates, as IRAF and DS9 have them: pixel 1 of the cut is pixel 11 of the whole.
        assert (cut["SCI"].header["LTV1"], cut["SCI"].header["LTV2"]) == (-10, -20)


@pytest.mark.parametrize(("suffix", "shape"), [("cal", (30, 40)), ("rateints", (5, 30, 40)), ("uncal", (2, 5, 30, 40))])
def test_a_spectrograms_pixels_have_no_place_on_the_sky(tmp_path: Path, suffix: str, shape: tuple[int, ...]) -> None:
    image = science(shape, sip=False)
    image.header["CTYPE3"], image.header["CRVAL3"], image.header["WCSAXES"] = "WAVE", 5.0, 3
    path = written(tmp_path, f"a_{suffix}.fits", image)
    plan = inspect_file(path)
    assert image_wcs(plan, plan.image()) is None
    assert "wavelength" not in [axis.name for axis in axes_of(path, plan, plan.image())]
    with fits.open(io.BytesIO(cutout(path, plan, Box(3, 4, 20, 15)))) as cut:
        assert not {"CTYPE1", "CRVAL1", "CRPIX1", "PC1_1"} & set(cut[1].header)
        assert not WCS(cut[1].header).has_celestial
    assert "CRVAL1" not in picture_cards(plan, None, Box(3, 4, 20, 15), 11, 1)


def test_a_cutout_outside_or_too_large_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "a_cal.fits", science((60, 80)))
    with pytest.raises(BadQuery, match="outside"):
        cutout(path, inspect_file(path), Box(80, 0, 90, 10))


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_a_pictures_cards_place_its_pixels_on_the_sky(tmp_path: Path, factor: int) -> None:
    path = written(tmp_path, "a_cal.fits", science((60, 81), sip=False))
    plan = inspect_file(path)
    box = Box(7, 11, 81, 60)
    rows = -(-box.shape[0] // factor)
    words = picture_cards(plan, None, box, rows, factor)
    header = fits.Header()
    for name, text in words.items():
        if name[:5] in {"CRPIX", "CRVAL", "CDELT"} or name.startswith("PC"):
            header[name] = float(text)
        elif name.startswith(("CTYPE", "CUNIT")):
            header[name] = text
    # The middle of the picture's upper left pixel is that of the block of pixels it is the mean of.
    ours = WCS(header).all_pix2world(0, rows - 1, 0)
    theirs = WCS(fits.getheader(path, 1)).all_pix2world(7 + (factor - 1) / 2, 59 - (factor - 1) / 2, 0)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-11)


# --- cubes ------------------------------------------------------------------------------------------------------


def test_a_cubes_wavelengths_are_linear_or_those_of_its_table(tmp_path: Path) -> None:
    cube = fits.ImageHDU(sky((6, 4, 5)), name="SCI")
    cube.header.update(CTYPE3="WAVE", CUNIT3="um", CRVAL3=4.9, CRPIX3=1.0, CDELT3=0.001)
    path = written(tmp_path, "a_s3d.fits", cube)
    plan = inspect_file(path)
    (axis,) = axes_of(path, plan, plan.image())
    assert (axis.name, axis.unit, axis.length) == ("wavelength", "um", 6)
    np.testing.assert_allclose(
        axis.values, WCS(fits.getheader(path, 1)).spectral.pixel_to_world_values(np.arange(6)) * 1e6
    )
    cube.header.update(CTYPE3="WAVE-TAB", PS3_0="WCS-TABLE", PS3_1="wavelength")
    waves = np.array([1.0, 1.5, 2.5, 4.0, 7.0, 12.0], "f4")
    table = fits.BinTableHDU.from_columns(
        [fits.Column("wavelength", "6E", unit="um", dim="(1,6)", array=waves.reshape(1, 6, 1))], name="WCS-TABLE"
    )
    path = written(tmp_path, "b_s3d.fits", cube, table)
    plan = inspect_file(path)
    assert axes_of(path, plan, plan.image())[0].values == waves.tolist()


def test_the_spectrum_at_a_place_of_a_cube_is_numpys(tmp_path: Path) -> None:
    cube = fits.ImageHDU(sky((9, 12, 14)), name="SCI")
    path = written(tmp_path, "a_s3d.fits", cube)
    plan = inspect_file(path)
    one = along_cube(path, plan, None, 3, 5)
    np.testing.assert_array_equal(np.array(one, "f8"), cube.data[:, 5, 3].astype("f8"))
    rows, columns = np.mgrid[0:12, 0:14]
    inside = (columns - 3) ** 2 + (rows - 5) ** 2 <= 4
    np.testing.assert_allclose(
        along_cube(path, plan, None, 3, 5, 2), np.nanmean(cube.data[:, inside], axis=1), rtol=1e-5
    )
    flat = written(tmp_path, "b_cal.fits", science((4, 5)))
    with pytest.raises(BadQuery, match="no cube"):
        along_cube(flat, inspect_file(flat), None, 1, 1)


def test_the_difference_of_a_ramp_is_its_last_group_minus_its_first(tmp_path: Path) -> None:
    ramp = RNG.integers(0, 60_000, (2, 5, 30, 40)).astype("u2")
    path = written(tmp_path, "a_uncal.fits", fits.ImageHDU(ramp, name="SCI"))
    plan = inspect_file(path)
    for integration in (0, 1):
        plane = plane_of(path, plan, 1, f"difference,{integration}")
        expected = ramp[integration, -1].astype("f4") - ramp[integration, 0].astype("f4")
        np.testing.assert_array_equal(plane.rows(0, 30), expected)
        np.testing.assert_array_equal(plane.window(3, 9, 5, 20), expected[3:9, 5:20])
    for wrong in ("difference,2", "difference,-1"):
        with pytest.raises(BadQuery):
            plane_of(path, plan, 1, wrong)


# --- what there is ----------------------------------------------------------------------------------------------


def test_a_multi_slit_file_names_its_slits_and_each_images_role(tmp_path: Path) -> None:
    hdus = []
    for ver, slit in enumerate(("S200A1", "S400A1"), start=1):
        image = fits.ImageHDU(sky((10, 50 + ver)), name="SCI", ver=ver)
        image.header["SLTNAME"], image.header["SOURCEID"] = slit, ver + 10
        flags = fits.ImageHDU(np.zeros((10, 50 + ver), "u4"), name="DQ", ver=ver)
        hdus += [image, flags, fits.ImageHDU(sky((10, 50 + ver)), name="VAR_POISSON", ver=ver)]
    path = written(tmp_path, "a_cal.fits", *hdus, fits.ImageHDU(np.zeros(7, "f4"), name="LINE"))
    plan = inspect_file(path)
    found = describe_file(path, plan)
    assert [version.label for version in found.versions] == ["slit S200A1, source 11", "slit S400A1, source 12"]
    assert [image.role for image in found.images] == ["science", "quality", "variance"] * 2
    assert [image.draw for image in found.images] == ["values", "flags", "values"] * 2
    assert [left.label for left in found.left] == ["LINE"]
    second = plan.hdu(4)
    assert role_of(second) == "science"
    assert [(quality.index, plane) for quality, plane in qualities_of(plan, second, ())] == [(5, ())]


def test_what_is_shown_says_how_to_draw_it(tmp_path: Path) -> None:
    cube = science((3, 300, 400), sip=False)
    path = written(tmp_path, "a_calints.fits", cube, fits.ImageHDU(np.ones((3, 300, 400), "u4"), name="DQ"))
    plan = inspect_file(path)
    made = overview.build(plane_of(path, plan, 1, (2,)), draw_of(plan, plan.image()))
    found = shown(path, plan, made, 1, (2,))
    assert (found.width, found.height, found.levels, found.tile_size) == (400, 300, 2, 256)
    assert [(axis.name, axis.at) for axis in found.axes] == [("integration", 2)]
    assert (found.quality_hdu, found.plane, found.unit) == (2, "2", "MJy/sr")
    wcs = WCS(fits.getheader(path, 1)).celestial
    assert found.scale == pytest.approx(float(np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix))) * 3600), rel=1e-4)
    x, y = (400 - 1) / 2, (300 - 1) / 2
    ra, dec = wcs.all_pix2world(x, y, 0)
    north = np.array(wcs.all_world2pix(ra, dec + 1e-4, 0)) - (x, y)
    assert found.north == pytest.approx(float(np.degrees(np.arctan2(-north[0], north[1]))), abs=1e-2)


def test_the_place_of_a_pixel_leads_back_to_it(tmp_path: Path) -> None:
    for seed in range(40):
        header = fits.Header(cards(seed, form=["CD", "PC", "CROTA2"][seed % 3], sip=False))
        path = written(tmp_path, "a_cal.fits", fits.ImageHDU(np.zeros((4, 4), "f4"), header, name="SCI"))
        plan = inspect_file(path)
        wcs = image_wcs(plan, plan.image())
        assert wcs is not None
        ra, dec = wcs.pixel_to_sky(1000.0, 55.0)
        assert wcs.sky_to_pixel(float(ra), float(dec)) == pytest.approx((1000.0, 55.0), abs=1e-4)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000))
def test_flags_are_counted_bit_by_bit(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    flags = np.where(rng.random((20, 30)) < 0.3, rng.integers(0, 2**32, (20, 30), dtype="u8"), 0).astype("u4")
    path = written(tmp_path, "a_cal.fits", fits.ImageHDU(flags, name="DQ"))
    plan = inspect_file(path)
    found = flag_counts(path, plan, [(plan.hdu(1), ())])
    counts = {flag.bit: flag.count for flag in found.flags}
    assert counts == {bit: n for bit in range(32) if (n := int(np.count_nonzero(flags >> bit & 1)))}
    assert all(flag.name for flag in found.flags)
