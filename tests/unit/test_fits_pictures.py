"""Limits, stretches, colours and the first picture, against astropy.visualization on the same pixels."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.visualization import (
    AsinhStretch,
    HistEqStretch,
    LinearStretch,
    LogStretch,
    ManualInterval,
    PowerStretch,
    SqrtStretch,
    ZScaleInterval,
)
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from mast.errors import BadQuery, NotViewable
from mast.fits.colours import colormap, paint, paint_flags, paint_labels
from mast.fits.inspect import inspect_file
from mast.fits.limits import knots_of
from mast.fits.options import COLORMAPS, MIME_TYPES, STRETCHES, Look, Percentiles, parse_limits, parse_plane
from mast.fits.overview import build
from mast.fits.planes import ArrayPlane
from mast.fits.render import first_picture
from mast.fits.stretch import stretched, zscale_limits

NAN_COLOUR = (0x3B, 0x4A, 0x6B)
THEIRS = {
    "asinh": AsinhStretch(),
    "linear": LinearStretch(),
    "log": LogStretch(),
    "sqrt": SqrtStretch(),
    "power": PowerStretch(2.0),
}


def sky(seed: int, shape: tuple[int, ...], dtype: str = "f4", gaps: float = 0.1) -> NDArray[np.generic]:
    rng = np.random.default_rng(seed)
    values = rng.normal(0.3, 0.05, shape) + rng.exponential(40, shape) * (rng.random(shape) < 0.03)
    if dtype.startswith("f"):
        values[rng.random(shape) < gaps] = np.nan
    return (values * (1 if dtype.startswith("f") else 1000)).astype(dtype)


# --- limits and stretches ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f4", ">f4", "f8", "i2", "u2", "i4", "i8"])
@pytest.mark.parametrize("size", [1, 2, 4, 5, 6, 50, 999, 1000, 1001, 1999, 2000, 12345])
def test_zscale_limits_are_astropys_to_the_bit(dtype: str, size: int) -> None:
    for seed in range(10):
        values = sky(seed, (size,), dtype, gaps=0.0 if size < 10 else 0.2)
        low, high = ZScaleInterval().get_limits(values)
        assert zscale_limits(values) == (float(low), float(high))


FLOATS = st.floats(width=32, allow_subnormal=False, min_value=-(2.0**100), max_value=2.0**100)
ODD = st.sampled_from([np.nan, np.inf, 0.0, 1.0])


@given(st.lists(FLOATS | ODD, min_size=1, max_size=60))
def test_zscale_limits_are_astropys_for_any_numbers(numbers: list[float]) -> None:
    values = np.array(numbers, "f4")
    if np.isfinite(values).any():
        low, high = ZScaleInterval().get_limits(values)
        assert zscale_limits(values) == (float(low), float(high))


def test_a_plane_without_a_finite_pixel_has_limits_too() -> None:
    assert zscale_limits(np.full((3, 3), np.nan)) == (0.0, 1.0)


@pytest.mark.parametrize("stretch", THEIRS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("limits", [(0.2, 0.5), (-1.0, 30.0), (0.3, 0.3), (5.0, 1.0)])
def test_stretched_values_are_astropys(stretch: str, dtype: str, limits: tuple[float, float]) -> None:
    values = sky(3, (200, 100), dtype)
    theirs = THEIRS[stretch](ManualInterval(*limits)(values))
    np.testing.assert_array_equal(stretched(values, limits, stretch), theirs)


@pytest.mark.parametrize("limits", [(0.2, 0.5), (-1.0, 30.0), (0.25, 0.2501)])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u1"])
@pytest.mark.parametrize("shape", [(4, 9), (120, 80), (1025, 256), (900, 1100)])
def test_histogram_equalisation_is_astropys_of_the_same_pixels(
    dtype: str, limits: tuple[float, float], shape: tuple[int, int]
) -> None:
    """Level for level, however few of the pixels are ranked."""
    values = sky(4, shape, "f8")
    if not dtype.startswith("f"):
        values, limits = np.nan_to_num(values * 50 + 60, posinf=9, neginf=9).clip(0, 250), (20.0, 110.0)
    values = values.astype(dtype)
    finite = values[np.isfinite(values)]
    wide = values if dtype.startswith("f") else values.astype("f8")
    theirs = HistEqStretch(np.clip(finite, *limits))(ManualInterval(*limits)(wide))
    ours = stretched(wide, limits, "histeq", knots=knots_of(build(ArrayPlane(values))))
    assert theirs.size > 30
    missing = np.isnan(theirs)
    np.testing.assert_array_equal(np.isnan(ours), missing)
    # Differences smaller than a rounding may change the level of a pixel in the middle between two.
    level, expected = (np.floor(each[~missing] * 256) for each in (ours, theirs))
    assert np.count_nonzero(level != expected) <= 1e-5 * values.size
    np.testing.assert_allclose(ours[~missing], theirs[~missing], rtol=0, atol=1 / 1024)


@pytest.mark.parametrize("stretch", THEIRS)
@pytest.mark.parametrize("gamma", [0.5, 2.2])
def test_gamma_is_a_power_stretch_after_the_stretch(stretch: str, gamma: float) -> None:
    values = sky(3, (50, 40))
    theirs = PowerStretch(1 / gamma)(THEIRS[stretch](ManualInterval(0.2, 0.5)(values)))
    np.testing.assert_array_equal(stretched(values, (0.2, 0.5), stretch, gamma=gamma), theirs)


def test_an_unknown_stretch_is_refused_with_those_there_are() -> None:
    assert set(STRETCHES) == {*THEIRS, "histeq"}
    with pytest.raises(BadQuery, match="asinh, linear, log, sqrt, power, histeq"):
        stretched(np.zeros(3), (0, 1), "cube root")


# --- colours ----------------------------------------------------------------------------------------------------

# First half of sha256 of matplotlib.colormaps[name](numpy.arange(256), bytes=True)[:, :3].tobytes(), matplotlib 3.11.2
DIGESTS = {
    "gray": "c15598e2bf5c6ff3",
    "viridis": "96a1f6f37d4041f9",
    "inferno": "8092f65256023cef",
    "magma": "e2e7c21b2cdebd6f",
    "plasma": "3c079586af5e9371",
    "cividis": "8a6c6bf382be7cc3",
    "hot": "066ecce53a06d80b",
    "cool": "028505039b063732",
    "rainbow": "fbd04bdc32813b59",
}


@pytest.mark.parametrize("name", COLORMAPS)
def test_colour_maps_are_matplotlibs_tables(name: str) -> None:
    assert hashlib.sha256(colormap(name).tobytes()).hexdigest()[:16] == DIGESTS[name]


def test_a_map_can_be_inverted_and_an_unknown_one_is_refused() -> None:
    np.testing.assert_array_equal(colormap("viridis_r"), colormap("viridis")[::-1])
    with pytest.raises(BadQuery, match="gray, viridis"):
        colormap("jet")


def test_nan_has_a_colour_no_map_gives_it() -> None:
    painted = paint(np.array([[0.0, 0.5, 1.0, np.nan]]), "gray")
    colours = [tuple(pixel) for pixel in painted[0, :, :3].tolist()]
    assert colours == [(0, 0, 0), (128, 128, 128), (255, 255, 255), NAN_COLOUR]
    assert painted[..., 3].min() == 255
    assert paint(np.array([[np.nan]]), "gray", "ff8000")[0, 0].tolist() == [255, 128, 0, 255]
    assert paint(np.array([[np.nan]]), "gray", "transparent")[0, 0, 3] == 0
    for name in COLORMAPS:
        assert NAN_COLOUR not in {tuple(colour) for colour in colormap(name).tolist()}


def test_a_flag_wears_the_colour_of_its_lowest_bit_that_is_wanted() -> None:
    flags = np.array([[0, 1, 2, 5, 1 << 31, 1 << 20]], np.uint32)
    painted = paint_flags(flags)[0]
    assert painted[:, 3].tolist() == [0, 255, 255, 255, 255, 255]
    assert painted[1].tolist() == painted[3].tolist() != painted[2].tolist()
    assert paint_flags(flags, 0b110)[0, :, 3].tolist() == [0, 0, 255, 255, 0, 0]


def test_labels_have_colours_of_their_own_and_zero_is_transparent() -> None:
    painted = paint_labels(np.array([[0, 1, 2, 3, 257]]))[0]
    assert painted[:, 3].tolist() == [0, 255, 255, 255, 255]
    assert len({tuple(colour) for colour in painted[1:4, :3].tolist()}) == 3


# --- pictures ---------------------------------------------------------------------------------------------------


def written(folder: Path, data: NDArray[np.generic], name: str = "a_i2d.fits") -> Path:
    path = folder / name
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(data, name="SCI")]).writeto(path)
    return path


def decoded(picture: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(picture)))


def test_a_picture_is_what_astropy_and_the_colour_map_give_pixel_for_pixel(tmp_path: Path) -> None:
    data = sky(5, (120, 90))
    path = written(tmp_path, data)
    ours = decoded(first_picture(path, inspect_file(path), cmap="inferno"))
    scaled = AsinhStretch()(ZScaleInterval()(data))
    expected = colormap("inferno")[np.clip(np.nan_to_num(scaled) * 256, 0, 255).astype(int)]
    expected[np.isnan(data)] = NAN_COLOUR
    difference = np.abs(ours.astype(int) - expected[::-1].astype(int)).max(axis=-1)
    assert (difference > 8).mean() <= 1e-4
    assert ours.shape == (120, 90, 3)


def test_y_points_up(tmp_path: Path) -> None:
    data = np.zeros((10, 10), "f4")
    data[0] = 1
    path = written(tmp_path, data)
    ours = decoded(first_picture(path, inspect_file(path), limits=(0, 1), stretch="linear"))
    assert ours[-1].min() == 255
    assert ours[:-1].max() == 0


@pytest.mark.parametrize("fmt", MIME_TYPES)
def test_each_kind_of_picture_can_be_opened(tmp_path: Path, fmt: str) -> None:
    path = written(tmp_path, sky(1, (300, 500)))
    with Image.open(io.BytesIO(first_picture(path, inspect_file(path), width=100, fmt=fmt))) as image:
        assert image.format == fmt.upper()
        assert image.size == (100, 60)


def test_a_segmentation_map_is_drawn_in_colours(tmp_path: Path) -> None:
    labels = np.zeros((20, 20), "i4")
    labels[5:9, 5:9] = 3
    path = written(tmp_path, labels, "a_segm.fits")
    plan = inspect_file(path)
    ours = decoded(first_picture(path, plan))
    assert ours.shape == (20, 20, 4)
    assert np.count_nonzero(ours[..., 3]) == 16
    assert decoded(first_picture(path, plan, fmt="jpeg")).shape == (20, 20, 3)


@pytest.mark.parametrize("value", [np.nan, 0.0, 5.0, 1e38])
def test_a_plane_of_one_value_gives_a_picture(tmp_path: Path, value: float) -> None:
    path = written(tmp_path, np.full((2000, 30), value, "f4"))
    for limits in ("zscale", "minmax"):
        assert decoded(first_picture(path, inspect_file(path), limits=limits, width=100)).shape == (100, 2, 3)


def test_options_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, sky(1, (20, 20)))
    plan = inspect_file(path)
    with pytest.raises(BadQuery, match="1 to 8000"):
        first_picture(path, plan, width=0)
    with pytest.raises(BadQuery, match="png, jpeg, webp"):
        first_picture(path, plan, fmt="gif")
    with pytest.raises(BadQuery, match="no colour map"):
        first_picture(path, plan, cmap="jet")
    with pytest.raises(BadQuery, match="zscale, minmax"):
        first_picture(path, plan, limits="auto")
    with pytest.raises(NotViewable):
        first_picture(path, plan, hdu=0)


def test_limits_are_read_from_text() -> None:
    assert (parse_limits("minmax"), parse_limits("-0.5, 2e3")) == ("minmax", (-0.5, 2000.0))
    assert parse_limits("percentile:99") == parse_limits("99%") == Percentiles(0.5, 99.5)
    assert parse_limits("percentile:1,99.5") == Percentiles(1, 99.5)
    for text in ("1,2,3", "a,b", "nan,1", "2,1", "1,1", "percentile:", "percentile:101", "percentile:9,3", "x%"):
        with pytest.raises(BadQuery):
            parse_limits(text)


def test_planes_are_read_from_text() -> None:
    assert (parse_plane(" 0, 4"), parse_plane("median"), parse_plane("")) == ((0, 4), "median", ())
    assert (parse_plane("difference"), parse_plane("difference,2")) == ("difference", "difference,2")
    for text in ("difference,", "last", "1;2", "difference,-1"):
        with pytest.raises(BadQuery, match="no plane"):
            parse_plane(text)


@pytest.mark.parametrize("wrong", [{"gamma": 0}, {"gamma": 11}, {"nan": "red"}, {"cmap": "jet"}, {"limits": "low"}])
def test_a_look_that_cannot_be_is_refused(wrong: dict[str, str | float]) -> None:
    with pytest.raises(BadQuery):
        Look(**wrong)  # type: ignore[arg-type]


def test_real_files_give_pictures(shared_data: Path) -> None:
    shown = 0
    for path in sorted((shared_data / "fits" / "jwst").glob("*.fits")):
        plan = inspect_file(path)
        if plan.view.viewable:
            picture = decoded(first_picture(path, plan))
            assert len(np.unique(picture)) > 20
            shown += 1
    assert shown == 3
