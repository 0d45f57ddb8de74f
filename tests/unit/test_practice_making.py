"""How the practice archive paints, writes and keeps files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from astropy.io import fits

from mast.practice import dispersed, fits_writer, scene
from mast.practice.fits_layout import Image, Layout
from mast.practice.holdings import Catalogue
from mast.practice.store import Store
from mast.practice.subject import Frame

SCENES = ["planetary", "nebula", "stars", "galaxy", "cluster", "field", "star", "planet"]


@pytest.mark.parametrize("kind", SCENES)
def test_a_scene_is_finite_and_the_same_each_time(kind: str) -> None:
    frame = Frame((180, 240), 0.5, 33.0, (3.0, -2.0), (10.0, 20.0))
    one, two = (scene.paint(kind, 7, frame, 2.0) for _ in range(2))
    assert one.shape == frame.shape
    assert one.dtype == np.float32
    assert np.isfinite(one).all()
    assert (one == two).all()
    assert one.max() > 10 * np.median(one)


@pytest.mark.parametrize("mode", ["IFU", "MSA", "SLIT", "SOSS", "WFSS", "GRISM"])
def test_a_spectrograph_sees_traces(mode: str) -> None:
    picture = dispersed.paint(mode, 7, (128, 256))
    assert np.isfinite(picture).all()
    assert picture.max() > 3 * np.median(picture)


def test_a_dither_moves_the_stars_by_what_its_wcs_says() -> None:
    frames = [Frame((200, 200), 0.5, 0.0, (east, 0.0), (10.0, 20.0)) for east in (0.0, 5.0)]
    one, two = (scene.paint("star", 7, frame, 2.0) for frame in frames)
    peaks = [np.unravel_index(picture.argmax(), picture.shape) for picture in (one, two)]
    assert peaks[0][0] == peaks[1][0]
    assert peaks[1][1] - peaks[0][1] == 10, "the field went 5 arcsec east, so the star went 10 pixels west"


@pytest.mark.parametrize(
    "value",
    ["", "short", "it's", "x" * 68, "y" * 69, "POLYGON ICRS " + "151.123456789 " * 20, "'" * 40, "ab'" * 60],
)
def test_texts_of_any_length_survive_a_header(value: str) -> None:
    stream = io.BytesIO()
    layout = Layout(())
    fits_writer.write(stream, layout, [("TEXT", value, "a comment")], {}, [np.zeros(1, "u1").repeat(2880)])
    header = fits.getheader(io.BytesIO(stream.getvalue()))
    assert header["TEXT"] == value.rstrip()
    assert len(stream.getvalue()) == layout.size_bytes


@pytest.mark.parametrize("value", [True, False, 0, -7, 2**40, 0.1, -1.5e-300, 1e22, 59733.70454250509])
def test_numbers_survive_a_header(value: float) -> None:
    text = fits_writer.header([("SIMPLE", True, ""), ("VALUE", value, "")], 1)
    assert fits.Header.fromstring(text)["VALUE"] == value


def test_a_header_that_outgrows_its_room_is_an_error() -> None:
    with pytest.raises(fits_writer.HeaderTooLong, match="36 cards where 35 fit"):
        fits_writer.header([("KEY", 1, "")] * 36, 1)


def test_data_of_another_shape_than_the_layout_is_an_error() -> None:
    layout = Layout((Image("SCI", "f4", (4, 4)),))
    with pytest.raises(ValueError, match="SCI: 36 bytes where the layout has 64"):
        fits_writer.write(io.BytesIO(), layout, [], {}, [np.zeros((3, 3), "f4"), np.zeros(1)])


@pytest.mark.parametrize("extra_blocks", [0, 1, 4, 5, 400])
def test_a_layout_is_filled_up_to_a_length(extra_blocks: int) -> None:
    layout = Layout((Image("SCI", "f4", (4, 4)),))
    wanted = layout.size_bytes + extra_blocks * 2880
    assert layout.filled(wanted).size_bytes == wanted


@pytest.mark.parametrize("size", [0, 2880, 14_400 + 1])
def test_a_layout_cannot_be_filled_up_to_less_or_to_a_part_of_a_block(size: int) -> None:
    with pytest.raises(ValueError, match="cannot be filled up"):
        Layout((Image("SCI", "f4", (4, 4)),)).filled(size)


def test_a_file_whose_making_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(stream: IO[bytes]) -> None:
        stream.write(b"half")
        raise OSError("disk full")

    held = Catalogue().find("jw02733001001_02105_00001_nrcb1_rate.fits")
    assert held is not None
    store = Store(tmp_path)
    with pytest.raises(OSError, match="disk full"):
        store.path(held._replace(make=fail))
    assert list((tmp_path / "files").iterdir()) == []
    assert store.path(held).stat().st_size == held.size_bytes
