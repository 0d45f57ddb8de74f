"""Pyramids: block means at every level against numpy, the kept file, tiles, limits and percentiles against astropy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.visualization import AsymmetricPercentileInterval, MinMaxInterval, PercentileInterval, ZScaleInterval
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mast.errors import FileNotFound
from mast.fits import overview, pyramid
from mast.fits.inspect import inspect_file
from mast.fits.limits import knots_of, limits_of, order_statistics, percentiles
from mast.fits.options import Look, Percentiles
from mast.fits.planes import PlaneRows, plane_of
from mast.fits.pyramid import TILE, Pyramid, level_count, level_shape
from mast.fits.render import paint, picture, reduced, whole

RNG = np.random.default_rng(11)


def written(folder: Path, data: NDArray[np.generic], name: str = "a_i2d.fits") -> Path:
    path = folder / name
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(data, name="SCI")]).writeto(path, overwrite=True)
    return path


def opened(folder: Path, data: NDArray[np.generic]) -> PlaneRows:
    path = written(folder, data)
    return plane_of(path, inspect_file(path))


def sky(shape: tuple[int, int], dtype: str = "f4") -> NDArray[np.generic]:
    values = RNG.normal(0.3, 0.05, shape) + RNG.exponential(40, shape) * (RNG.random(shape) < 0.03)
    if dtype.startswith("f"):
        values[RNG.random(shape) < 0.1] = np.nan
        values[: shape[0] // 3, : shape[1] // 5] = np.nan
        values[-1, -1] = np.inf
        return values.astype(dtype)
    return (values * 100).astype(dtype)


def plain_level(values: NDArray[np.generic], level: int) -> NDArray[np.float64]:
    """Means of the finite pixels of blocks that begin at the upper left corner, one by one."""
    upright = values[::-1].astype("f8")
    upright[~np.isfinite(upright)] = np.nan
    side = 1 << level
    rows, columns = level_shape(values.shape, level)
    found = np.full((rows, columns), np.nan)
    for row, column in np.ndindex(rows, columns):
        block = upright[row * side : (row + 1) * side, column * side : (column + 1) * side]
        if np.isfinite(block).any():
            found[row, column] = np.nanmean(block)
    return found


def levels_of(made: Pyramid) -> list[NDArray[np.generic]]:
    return [made.window(z, 0, rows, 0, columns) for z in range(made.level_count) for rows, columns in
            [level_shape(made.shape, z)]]  # fmt: skip


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", "i2", "u2", "i4", "u1"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (257, 64), (300, 1030), (1111, 65)])
def test_every_level_is_the_mean_of_the_finite_pixels_of_its_blocks(
    tmp_path: Path, shape: tuple[int, int], dtype: str
) -> None:
    data = sky(shape, dtype)
    made = overview.build(opened(tmp_path, data))
    for z, ours in enumerate(levels_of(made)):
        expected = data[::-1] if z == 0 else plain_level(data, z)
        np.testing.assert_allclose(ours, expected, rtol=3e-6, atol=1e-6)
    assert max(level_shape(shape, made.level_count - 1)) <= TILE


@pytest.mark.parametrize("shape", [(700, 1030), (64, 20_000)])
def test_the_kept_file_holds_what_was_made_and_is_read_again(
    tmp_path: Path, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Strips of a few columns, as of a plane too wide to be read row by row.
    monkeypatch.setattr(overview, "STRIP_BYTES", 64 * 64 * 4 * 3)
    plane = opened(tmp_path, sky(shape))
    place = tmp_path / "kept.pyramid"
    in_memory, in_file = overview.build(plane), overview.build_file(plane, place)
    again = pyramid.read(place, plane)
    assert again is not None
    assert in_memory.facts == in_file.facts == again.facts
    for ours, theirs in zip(levels_of(again), levels_of(in_memory), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(again.usable_per_row, in_memory.usable_per_row)
    assert list(tmp_path.glob("*.part")) == []


def test_the_kept_file_is_less_than_a_tenth_of_the_plane(tmp_path: Path) -> None:
    plane = opened(tmp_path, sky((2000, 3000)))
    place = tmp_path / "kept.pyramid"
    overview.build_file(plane, place)
    assert place.stat().st_size <= 0.1 * 2000 * 3000 * 4


def test_a_kept_file_that_is_torn_or_of_another_plane_is_not_used(tmp_path: Path) -> None:
    plane = opened(tmp_path, sky((600, 700)))
    place = tmp_path / "kept.pyramid"
    overview.build_file(plane, place)
    whole_file = place.read_bytes()
    other = opened(tmp_path, sky((601, 700)))
    assert pyramid.read(place, other) is None
    torn = [whole_file[:-1], whole_file[:100], b"", whole_file[:-16] + b"\0" * 16, whole_file[1000:]]
    for content in torn:
        place.unlink()
        place.write_bytes(content)
        assert pyramid.read(place, plane) is None
    place.unlink()
    assert pyramid.read(place, plane) is None


def test_a_pyramid_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    plane = opened(tmp_path, sky((600, 700)))
    folder = tmp_path / "full"
    folder.mkdir()
    place = folder / "taken"
    place.mkdir()
    with pytest.raises(OSError, match="directory"):
        overview.build_file(plane, place)
    assert list(folder.iterdir()) == [place]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(1, 90),
    columns=st.integers(1, 90),
    dtype=st.sampled_from(["f4", "f8", "i2", "u1", "i4"]),
    seed=st.integers(0, 1000),
)
def test_any_shape_and_type_gives_the_same_means(
    tmp_path: Path, rows: int, columns: int, dtype: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    data = rng.normal(10, 30, (rows, columns)).clip(0, 255).astype(dtype)
    if dtype.startswith("f"):
        data[rng.random(data.shape) < 0.3] = np.nan
    made = overview.build(opened(tmp_path, data))
    # Level 2 is kept of pictures too that need none.
    for z in range(3):
        height, width = level_shape(data.shape, z)
        np.testing.assert_allclose(made.window(z, 0, height, 0, width), plain_level(data, z), rtol=3e-6, atol=1e-6)


def test_values_whose_sum_is_beyond_float32_keep_their_mean(tmp_path: Path) -> None:
    data = np.full((300, 300), 2e38, "f4")
    made = overview.build(opened(tmp_path, data))
    np.testing.assert_allclose(made.window(2, 0, 75, 0, 75), 2e38, rtol=1e-6)


# --- tiles ------------------------------------------------------------------------------------------------------


def test_tiles_are_cut_from_the_upper_left_and_cover_the_level(tmp_path: Path) -> None:
    data = np.arange(600 * 530, dtype="f4").reshape(600, 530)
    made = overview.build(opened(tmp_path, data))
    rows = [np.hstack([made.tile(0, column, row) for column in range(3)]) for row in range(3)]
    np.testing.assert_array_equal(np.vstack(rows), data[::-1])
    assert [made.tile(0, 2, 2).shape, made.tile(1, 1, 1).shape, made.tile(2, 0, 0).shape] == [
        (88, 18), (44, 9), (150, 133),
    ]  # fmt: skip


@pytest.mark.parametrize("place", [(3, 0, 0), (-1, 0, 0), (0, 3, 0), (0, 0, 3), (0, -1, 0), (2, 1, 0)])
def test_a_tile_outside_is_not_found(tmp_path: Path, place: tuple[int, int, int]) -> None:
    made = overview.build(opened(tmp_path, np.zeros((600, 530), "f4")))
    with pytest.raises(FileNotFound):
        made.tile(*place)


def test_levels_end_where_all_fits_one_tile() -> None:
    assert [level_count(shape) for shape in [(1, 1), (256, 256), (257, 1), (512, 512), (8000, 14000)]] == [
        1, 1, 2, 2, 7,
    ]  # fmt: skip


def test_flags_of_any_pixel_and_labels_of_one_are_seen_from_afar(tmp_path: Path) -> None:
    flags = np.zeros((700, 900), "u4")
    flags[3, 5], flags[2, 4], flags[690, 899] = 1 << 31, 4, 2
    made = overview.build(opened(tmp_path, flags), "flags")
    far = made.window(2, 0, 175, 0, 225)
    assert far[174, 1] == (1 << 31) | 4
    assert far[2, 224] == 2
    assert np.count_nonzero(far) == 2
    assert made.window(1, 0, 350, 0, 450)[348, 2] == (1 << 31) | 4
    labels = np.repeat(np.repeat(np.arange(42, dtype="i4").reshape(6, 7), 100, axis=0), 100, axis=1)
    small = overview.build(opened(tmp_path, labels), "labels").window(2, 0, 150, 0, 175)
    np.testing.assert_array_equal(small, labels[::-1][::4, ::4])


# --- limits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u2", "i4", "i8", "u1"])
def test_limits_are_astropys_to_the_bit(tmp_path: Path, dtype: str) -> None:
    data = sky((310, 401), dtype)
    made = overview.build(opened(tmp_path, data))
    assert limits_of(made, "zscale") == tuple(map(float, ZScaleInterval().get_limits(data)))
    finite = data[np.isfinite(data)]
    assert limits_of(made, "minmax") == tuple(map(float, MinMaxInterval().get_limits(finite)))
    assert limits_of(made, (0.1, 5)) == (0.1, 5)
    for percent in (50.0, 90.0, 99.5, 100.0):
        theirs = tuple(map(float, PercentileInterval(percent).get_limits(finite)))
        outside = (100 - percent) * 0.5
        assert limits_of(made, Percentiles(outside, 100 - outside)) == theirs
    theirs = tuple(map(float, AsymmetricPercentileInterval(1, 97.3).get_limits(finite)))
    assert limits_of(made, Percentiles(1, 97.3)) == theirs


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_the_pixel_of_any_rank_is_found_without_sorting(tmp_path: Path, dtype: str) -> None:
    if dtype.startswith("f"):
        data = np.concatenate([RNG.normal(0, 1e3, 5000), [0.0, -0.0, 1e-30, -1e-30, 1e30, -1e30]]).astype(dtype)
    else:
        info = np.iinfo(dtype)
        data = RNG.integers(info.min, info.max, 5006, dtype=dtype, endpoint=True)
        data[:100] = data[100]
    plane = opened(tmp_path, data.reshape(2, -1))
    ranks = [0, 1, 2500, 2501, 5004, 5005]
    found = order_statistics(plane, ranks)
    ordered = np.sort(data)
    assert [each.value for each in found] == [ordered[rank] for rank in ranks]
    for each in found:
        equal = np.flatnonzero(ordered == each.value)
        assert (each.first, each.last) == (equal[0], equal[-1])


@given(st.lists(st.floats(width=32, allow_infinity=True, allow_nan=True), min_size=1, max_size=40), st.floats(0, 100))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_percentiles_are_numpys(tmp_path: Path, numbers: list[float], percent: float) -> None:
    data = np.array([numbers], "f4")
    finite = data[np.isfinite(data)]
    if not finite.size:
        return
    (ours,) = percentiles(opened(tmp_path, data), (percent,))
    with np.errstate(over="ignore", invalid="ignore"):
        (theirs,) = np.percentile(finite, [percent])
    assert ours == pytest.approx(float(theirs), rel=1e-6, abs=1e-40) or not np.isfinite(theirs)


def test_a_plane_without_a_number_has_limits(tmp_path: Path) -> None:
    made = overview.build(opened(tmp_path, np.full((30, 40), np.nan, "f4")))
    for wanted in ("zscale", "minmax", Percentiles(1, 99)):
        assert limits_of(made, wanted) == (0.0, 1.0)
    assert made.facts.finite == 0
    assert knots_of(made)[0].size == 0


# --- pictures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [900, 450, 300, 225, 113, 100, 50, 7, 1])
def test_a_picture_of_any_width_holds_means_of_its_squares(tmp_path: Path, width: int) -> None:
    data = sky((800, 900))
    data[np.isinf(data)] = np.nan
    made = overview.build(opened(tmp_path, data))
    ours = reduced(made, width, whole(made))
    factor = -(-900 // width)
    upright = data[::-1].astype("f8")
    rows, columns = -(-800 // factor), -(-900 // factor)
    padding = ((0, rows * factor - 800), (0, columns * factor - 900))
    squares = np.pad(upright, padding, constant_values=np.nan).reshape(rows, factor, columns, factor)
    counts = np.isfinite(squares).sum(axis=(1, 3))
    expected = np.where(counts, np.nansum(squares, axis=(1, 3)) / np.maximum(counts, 1), np.nan)
    assert ours.shape == expected.shape
    if factor in {1, 2, 4}:
        np.testing.assert_allclose(ours, expected, rtol=1e-5)
    # Squares that do not fall on blocks share the blocks at their borders.
    assert np.nanmedian(np.abs(ours - expected) / np.abs(expected)) < 0.2


def test_a_part_of_a_picture_is_that_part(tmp_path: Path) -> None:
    data = sky((800, 900))
    made = overview.build(opened(tmp_path, data))
    np.testing.assert_array_equal(reduced(made, 500, (100, 50, 300, 450)), data[::-1][50:450, 100:300])
    look = Look(limits=(0.0, 1.0))
    np.testing.assert_array_equal(
        picture(made, look, 500, (100, 50, 300, 450)), paint(made, data[::-1][50:450, 100:300], look)
    )
    assert reduced(made, 100, (100, 50, 300, 450)).shape == (100, 50)


def test_the_pyramid_of_a_file_is_made_in_little_memory(tmp_path: Path) -> None:
    """64 megapixels in bands of rows: what is allocated at once stays far below the plane."""
    import tracemalloc

    path = tmp_path / "a_i2d.fits"
    header = fits.ImageHDU(np.zeros((1, 1), "f4"), name="SCI").header
    header["NAXIS1"], header["NAXIS2"] = 8000, 8000
    with path.open("wb") as file:
        file.write(fits.PrimaryHDU().header.tostring().encode() + header.tostring().encode())
        file.truncate(file.tell() + -(-4 * 8000 * 8000 // 2880) * 2880)
    plane = plane_of(path, inspect_file(path))
    tracemalloc.start()
    try:
        overview.build_file(plane, tmp_path / "kept.pyramid")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24e6
    assert (tmp_path / "kept.pyramid").stat().st_size > 16e6
