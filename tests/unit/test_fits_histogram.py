"""Histograms against numpy's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mast.errors import BadQuery
from mast.fits.histogram import histogram
from mast.fits.inspect import inspect_file
from mast.fits.overview import build
from mast.fits.planes import ArrayPlane, plane_of
from tests.unit.test_fits_readout import written


def test_a_histogram_counts_as_numpy_does(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(3, 2, (200, 100)).astype("f4")
    values[:10] = np.nan
    values[50, 50] = 1e6
    path = written(tmp_path, fits.ImageHDU(values, name="SCI"))
    pyramid = build(plane_of(path, inspect_file(path)))
    found = histogram(pyramid, 40, (0.0, 6.0))
    good = values[np.isfinite(values)]
    assert found.counts == np.histogram(good.astype("f8"), 40, (0.0, 6.0))[0].tolist()
    assert (found.below, found.above, found.not_finite) == ((good < 0).sum(), (good > 6).sum(), 1000)
    automatic = histogram(pyramid)
    assert automatic.high < 100 < automatic.maximum == 1e6
    assert sum(automatic.counts) + automatic.below + automatic.above == good.size
    with pytest.raises(BadQuery, match="bins"):
        histogram(pyramid, 0)


@pytest.mark.parametrize("value", [np.nan, 0.0, 4.0, -1e9, 1e30])
def test_a_plane_of_one_value_has_a_histogram(tmp_path: Path, value: float) -> None:
    path = written(tmp_path, fits.ImageHDU(np.full((4, 4), value, "f4"), name="SCI"))
    found = histogram(build(plane_of(path, inspect_file(path))), 10)
    assert found.low < found.high
    assert sum(found.counts) + found.not_finite == 16


@pytest.mark.parametrize("kind", ["f4", "f8", "i2", "u4", "i8"])
@given(data=st.data(), bins=st.integers(1, 300))
def test_every_pixel_is_in_the_bin_numpy_puts_it_into(kind: str, data: Any, bins: int) -> None:
    dtype = np.dtype(kind)
    values = data.draw(arrays(dtype, (4, 5), elements=_elements(dtype)))
    low, high = sorted(data.draw(st.tuples(*[st.sampled_from(values.ravel().tolist()) | st.integers(-9, 9)] * 2)))
    pyramid = build(ArrayPlane(values))
    edges = np.linspace(low, high, bins + 1)
    if not (np.diff(edges) > 0).all():
        with pytest.raises(BadQuery, match="to tell apart"):
            histogram(pyramid, bins, (low, high))
        return
    # What lies on an edge is where rounding would show: every edge that the type can hold is a pixel as well.
    values = np.concatenate([values.ravel(), edges.astype(dtype)])[None]
    found = histogram(build(ArrayPlane(values)), bins, (low, high))
    exact = values.astype("f8")
    assert found.counts == np.histogram(exact, edges)[0].tolist()
    assert (found.below, found.above) == ((exact < low).sum(), (exact > high).sum())


def _elements(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        return st.floats(-(2.0**40), 2.0**40, width=dtype.itemsize * 8) | st.integers(-9, 9).map(float)
    return st.integers(max(-(2**40), int(np.iinfo(dtype).min)), min(2**40, int(np.iinfo(dtype).max)))


def test_values_as_close_as_their_type_allows_are_shown_with_room_around_them() -> None:
    near = np.array([[1e16, 1e16, np.nextafter(1e16, np.inf)]])
    found = histogram(build(ArrayPlane(near)), 4096)
    assert found.low < 1e16 < found.high
    assert sum(found.counts) == 3


def test_limits_so_far_apart_that_no_bin_has_a_width_are_refused() -> None:
    pyramid = build(ArrayPlane(np.arange(20.0).reshape(4, 5)))
    with pytest.raises(BadQuery, match="to tell apart"):
        histogram(pyramid, 10, (-1.7e308, 1.7e308))
