"""Planes read by offset, block means and samples, against astropy and numpy on the same pixels."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.visualization import ZScaleInterval
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mast.errors import BadQuery, DamagedFile, NotViewable
from mast.fits.inspect import inspect_file
from mast.fits.overview import build
from mast.fits.plan import Plan, Plane
from mast.fits.planes import open_plane, plane_of
from mast.fits.sample import finite_sample
from mast.fits.stored import BAND_BYTES, bands
from mast.fits.stretch import zscale_of_sample

ROOT = Path(__file__).resolve().parents[2]
RNG = np.random.default_rng(7)


def read_plane(path: Path, plan: Plan, hdu: int | None = None, plane: Plane | None = None) -> NDArray[np.generic]:
    pixels = plane_of(path, plan, hdu, plane)
    return pixels.rows(0, pixels.shape[0])


def written(folder: Path, *hdus: fits.ImageHDU, name: str = "a_i2d.fits") -> Path:
    path = folder / name
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path, overwrite=True)
    return path


def numbers(dtype: str, shape: tuple[int, ...]) -> NDArray[np.generic]:
    if dtype.startswith("f"):
        values = RNG.normal(5, 100, shape).astype(dtype)
        values[..., ::3, ::4] = np.nan
        values[..., 1, 1] = np.inf
        return values
    info = np.iinfo(dtype)
    return RNG.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
@pytest.mark.parametrize("shape", [(9, 11), (3, 9, 11), (2, 3, 9, 11)])
def test_every_number_format_and_plane_is_read_as_astropy_reads_it(
    tmp_path: Path, dtype: str, shape: tuple[int, ...]
) -> None:
    data = numbers(dtype, shape)
    path = written(tmp_path, fits.ImageHDU(data, name="SCI"))
    plan = inspect_file(path)
    with fits.open(path) as theirs:
        for index in np.ndindex(shape[:-2]):
            with open_plane(path, plan, 1, index) as plane:
                ours = plane.rows(0, 9)
            np.testing.assert_array_equal(ours, theirs[1].data[index])
            assert ours.dtype == theirs[1].data.dtype.newbyteorder("=")


@pytest.mark.parametrize(
    ("stored", "bscale", "bzero", "blank"),
    [
        ("i2", 0.5, 3.0, None),
        ("i2", 1.0, 0.0, -5),
        ("i2", 2.0, -1.0, 7),
        ("i4", 1.0, 100.0, None),
        ("u1", 0.1, 0.0, 255),
        ("i8", 0.25, 0.0, None),
        ("f4", 3.0, 1.0, None),
        ("f8", 1.0, -2.5, None),
    ],
)
def test_scaled_and_blank_pixels_are_those_of_astropy(
    tmp_path: Path, stored: str, bscale: float, bzero: float, blank: int | None
) -> None:
    path = tmp_path / "a_i2d.fits"
    data = numbers(stored, (9, 11))
    if blank is not None:
        data[2:4, 3] = blank
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(data, name="SCI")]).writeto(path)
    with fits.open(path, mode="update", do_not_scale_image_data=True) as file:
        file[1].header["BSCALE"], file[1].header["BZERO"] = bscale, bzero
        if blank is not None:
            file[1].header["BLANK"] = blank
    with fits.open(path) as theirs, open_plane(path, inspect_file(path)) as plane:
        np.testing.assert_array_equal(plane.rows(0, 9), theirs[1].data)
        assert plane.rows(0, 9).dtype == theirs[1].data.dtype.newbyteorder("=")


def test_versions_of_a_name_are_kept_apart(tmp_path: Path) -> None:
    images = [fits.ImageHDU(np.full((3, 4), ver, "f4"), name="SCI", ver=ver) for ver in (1, 2, 3)]
    path = written(tmp_path, *images)
    plan = inspect_file(path)
    for ver in (1, 2, 3):
        hdu = plan.find("SCI", ver)
        assert hdu is not None
        assert read_plane(path, plan, hdu.index)[0, 0] == ver


def test_a_plane_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    path = written(tmp_path, fits.ImageHDU(np.zeros((2, 3, 4, 5), "f4"), name="SCI"), name="a_uncal.fits")
    plan = inspect_file(path)
    for plane in [(2, 0), (0, 3), (-1, 0), (0,), ()]:
        with pytest.raises(BadQuery, match="2 x 3 planes"), open_plane(path, plan, 1, plane):
            pass
    with pytest.raises(BadQuery, match="median"), open_plane(path, plan, 1, "median"):
        pass
    with pytest.raises(NotViewable), open_plane(path, plan, 0):
        pass


def test_a_file_that_changed_since_its_inspection_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path, fits.ImageHDU(np.zeros((9, 9), "f4"), name="SCI"))
    plan = inspect_file(path)
    path.write_bytes(path.read_bytes()[:-2880])
    with pytest.raises(DamagedFile, match="changed"):
        read_plane(path, plan)
    path.unlink()
    with pytest.raises(DamagedFile, match="not on disk"):
        read_plane(path, plan)


# --- the median of a cube ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("planes", [1, 2, 7, 8])
def test_the_median_of_a_cube_leaves_nan_and_infinities_out(tmp_path: Path, planes: int) -> None:
    cube = RNG.normal(size=(planes, 5, 6)).astype("f4")
    cube[RNG.random(cube.shape) < 0.3] = np.nan
    cube[0, 0, 0] = np.inf
    cube[:, 2, 2] = np.nan
    path = written(tmp_path, fits.ImageHDU(cube, name="SCI"), name="a_s3d.fits")
    with open_plane(path, inspect_file(path)) as plane:
        ours = plane.rows(0, 5)
    cube[np.isinf(cube)] = np.nan
    expected = np.full((5, 6), np.nan, "f4")
    for y, x in np.ndindex(5, 6):
        good = cube[:, y, x][~np.isnan(cube[:, y, x])]
        if good.size:
            expected[y, x] = np.median(good)
    np.testing.assert_allclose(ours, expected, rtol=1e-6)


def test_a_cube_too_large_for_its_median_opens_on_its_middle_plane(tmp_path: Path) -> None:
    path = tmp_path / "a_s3d.fits"
    sparse_image(path, (3001, 150, 150))
    plan = inspect_file(path)
    assert plan.view.title == "SCI, wavelength 1501 of 3001"
    with pytest.raises(BadQuery, match="256 MiB"), open_plane(path, plan, 1, "median"):
        pass


def test_numbers_beyond_float32_make_no_fuss(tmp_path: Path) -> None:
    cube = np.full((3, 2, 2), 1e300)
    path = written(tmp_path, fits.ImageHDU(cube, name="SCI"), name="a_s3d.fits")
    assert np.isnan(read_plane(path, inspect_file(path))).all()
    assert (read_plane(path, inspect_file(path), 1, (0,)) == 1e300).all()
    made = build(plane_of(path, inspect_file(path), 1, (0,)))
    assert np.isinf(made.window(2, 0, 1, 0, 1)).all()
    assert made.window(1, 0, 1, 0, 1).shape == (1, 1)


# --- bands ------------------------------------------------------------------------------------------------------


@given(st.integers(1, 300), st.integers(1, 3 * BAND_BYTES))
def test_bands_cover_every_row_once(height: int, row_bytes: int) -> None:
    rows: list[int] = []
    for start, stop in bands(height, row_bytes):
        assert stop - start == 1 or (stop - start) * row_bytes <= BAND_BYTES
        rows += range(start, stop)
    assert rows == list(range(height))


# --- limits of the whole plane ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u2", "i4"])
@pytest.mark.parametrize("shape", [(7, 9), (100, 100), (333, 517), (1300, 900)])
def test_limits_from_counts_per_row_are_those_of_astropy_to_the_bit(
    tmp_path: Path, dtype: str, shape: tuple[int, int]
) -> None:
    rng = np.random.default_rng(shape[0])
    values = (rng.normal(200, 30, shape) + rng.exponential(300, shape) * (rng.random(shape) < 0.02)).astype(dtype)
    if dtype.startswith("f"):
        values[rng.random(shape) < 0.2] = np.nan
        values[: shape[0] // 5] = np.nan
    path = written(tmp_path, fits.ImageHDU(values, name="SCI"))
    with fits.open(path) as theirs, open_plane(path, inspect_file(path)) as plane:
        counts = np.isfinite(theirs[1].data).sum(axis=1)
        low, high = ZScaleInterval().get_limits(theirs[1].data)
        assert zscale_of_sample(finite_sample(plane, counts)) == (float(low), float(high))


# --- memory -----------------------------------------------------------------------------------------------------

PEAK = """
import resource, sys
from mast.fits.inspect import inspect_file
import mast.fits.render
plan = inspect_file(sys.argv[1])
idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
mast.fits.render.first_picture(sys.argv[1], plan)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle)
"""


def sparse_image(path: Path, shape: tuple[int, ...]) -> None:
    """An image of zeros that takes no room on disk."""
    header = fits.ImageHDU(np.zeros((1,) * len(shape), "f4"), name="SCI").header
    for axis, length in enumerate(reversed(shape), start=1):
        header[f"NAXIS{axis}"] = length
    with path.open("wb") as file:
        file.write(fits.PrimaryHDU().header.tostring().encode() + header.tostring().encode())
        file.truncate(file.tell() + -(-4 * math.prod(shape) // 2880) * 2880)


@pytest.mark.parametrize(
    ("suffix", "shape"),
    [
        ("i2d", (2000, 2000)),
        ("i2d", (8000, 14000)),
        ("i2d", (30, 1_000_000)),
        ("s3d", (1400, 215, 215)),
        ("uncal", (2, 10, 2048, 2048)),
    ],
)
def test_a_picture_takes_less_than_100_mb_whatever_the_file(
    tmp_path: Path, suffix: str, shape: tuple[int, ...]
) -> None:
    path = tmp_path / f"a_{suffix}.fits"
    sparse_image(path, shape)
    answer = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(answer.stdout) * unit < 100e6
