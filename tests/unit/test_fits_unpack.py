"""Tile-compressed images unpacked in the limited child, and compressed files that mean harm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.utils.data import get_pkg_data_path
from numpy.typing import NDArray

from mast.errors import NotViewable
from mast.fits.inspect import ChildLimits, inspect_file
from mast.fits.plan import UNPACKED_BYTES, Plan
from mast.fits.planes import plane_of
from mast.fits.unpack import unpack

ASTROPY_DATA = Path(get_pkg_data_path("data", package="astropy.io.fits.tests"))
RNG = np.random.default_rng(5)


def compressed(folder: Path, data: NDArray[np.generic], form: str, **options: object) -> Path:
    path = folder / "a_i2d.fits"
    image = fits.CompImageHDU(data, name="SCI", compression_type=form, **options)
    image.header["CRVAL1"], image.header["CTYPE1"], image.header["BUNIT"] = 151.75, "RA---TAN", "MJy/sr"
    error = fits.ImageHDU(data, name="ERR")
    table = fits.BinTableHDU.from_columns([fits.Column("A", "J", array=[1, 2])], name="HDRTAB")
    fits.HDUList([fits.PrimaryHDU(), table, image, error]).writeto(path, overwrite=True)
    return path


@pytest.mark.parametrize("form", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"])
@pytest.mark.parametrize("dtype", ["i2", "i4"])
def test_whole_numbers_come_out_as_astropy_reads_them(tmp_path: Path, form: str, dtype: str) -> None:
    data = RNG.integers(0, 4000, (70, 90)).astype(dtype)
    path = compressed(tmp_path, data, form)
    plan = inspect_file(path)
    assert plan.image(3).name == "ERR"
    only = tmp_path / "only_i2d.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(data, name="SCI", compression_type=form)]).writeto(only)
    packed = inspect_file(only)
    assert (packed.view.viewable, packed.view.title, packed.view.hdu) == (True, "SCI", 1)
    with pytest.raises(NotViewable, match="unpacked copy"):
        packed.image()
    found = unpack(only, packed, tmp_path / "plain.fits")
    assert found.image().shape == (70, 90)
    np.testing.assert_array_equal(plane_of(tmp_path / "plain.fits", found).rows(0, 70), fits.getdata(only, 1))


def test_floats_are_those_astropy_unpacks_and_cards_stay(tmp_path: Path) -> None:
    data = RNG.normal(3, 1, (64, 80)).astype("f4")
    path = tmp_path / "a_i2d.fits"
    image = fits.CompImageHDU(data, name="SCI", compression_type="RICE_1", quantize_level=16)
    image.header["CRVAL1"], image.header["CTYPE1"], image.header["BUNIT"] = 151.75, "RA---TAN", "MJy/sr"
    table = fits.BinTableHDU.from_columns([fits.Column("A", "J", array=[1, 2])], name="HDRTAB")
    fits.HDUList([fits.PrimaryHDU(), table, image]).writeto(path)
    plan = inspect_file(path)
    found = unpack(path, plan, tmp_path / "plain.fits")
    assert [(hdu.name, hdu.index) for hdu in found.hdus] == [("PRIMARY", 0), ("HDRTAB", 1), ("SCI", 2)]
    assert (found.image().unit, found.wcs["CRVAL1"]) == ("MJy/sr", 151.75)
    with fits.open(path) as theirs:
        np.testing.assert_array_equal(plane_of(tmp_path / "plain.fits", found).rows(0, 64), theirs[2].data)
    assert list(tmp_path.glob("*.part")) == []


def test_a_file_with_a_plain_image_beside_shows_that(tmp_path: Path) -> None:
    plan = inspect_file(compressed(tmp_path, RNG.integers(0, 9, (20, 30)).astype("i2"), "RICE_1"))
    assert plan.view.title == "ERR"


def test_astropys_own_compressed_file_is_unpacked(tmp_path: Path) -> None:
    path = ASTROPY_DATA / "comp.fits"
    plan = inspect_file(path)
    found = unpack(path, plan, tmp_path / "plain.fits")
    with fits.open(path) as theirs:
        expected = theirs[1].data
    np.testing.assert_array_equal(plane_of(tmp_path / "plain.fits", found).rows(0, len(expected)), expected)


def broken(folder: Path) -> tuple[Path, Plan]:
    """Compressed bytes overwritten with others: the header is right, what it tells of is not."""
    path = folder / "a_i2d.fits"
    fits.HDUList(
        [
            fits.PrimaryHDU(),
            fits.CompImageHDU(RNG.integers(0, 4000, (300, 300)).astype("i4"), compression_type="GZIP_1"),
        ]
    ).writeto(path)
    content = bytearray(path.read_bytes())
    content[-60_000:-3_000] = bytes(RNG.integers(0, 256, 57_000, dtype=np.uint8))
    path.write_bytes(content)
    return path, inspect_file(path)


def test_damaged_bytes_are_refused_in_words_and_leave_nothing(tmp_path: Path) -> None:
    path, plan = broken(tmp_path)
    assert plan.view.viewable
    with pytest.raises(NotViewable, match="could not be unpacked"):
        unpack(path, plan, tmp_path / "plain.fits")
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("limits", [ChildLimits(wall_s=0.01), ChildLimits(memory_bytes=200 << 20)])
def test_a_child_that_would_take_too_much_is_given_up(tmp_path: Path, limits: ChildLimits) -> None:
    path = tmp_path / "a_i2d.fits"
    data = np.zeros((8000, 8000), "i4")
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(data, compression_type="RICE_1")]).writeto(path)
    plan = inspect_file(path)
    with pytest.raises(NotViewable, match="could not be unpacked"):
        unpack(path, plan, tmp_path / "plain.fits", limits=limits)
    assert not (tmp_path / "plain.fits").exists()


def test_what_unpacks_to_more_than_is_allowed_is_not_shown(tmp_path: Path) -> None:
    side = 20_000
    assert side * side * 4 > UNPACKED_BYTES
    path = tmp_path / "a_i2d.fits"
    small = fits.CompImageHDU(np.zeros((100, 100), "i4"), compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), small]).writeto(path)
    content = path.read_bytes()
    for axis in ("ZNAXIS1", "ZNAXIS2"):
        content = content.replace(f"{axis} = {100:>20}".encode(), f"{axis} = {side:>20}".encode())
    path.write_bytes(content)
    plan = inspect_file(path)
    assert not plan.view.viewable
    assert "larger than the 512 MiB" in plan.view.why
