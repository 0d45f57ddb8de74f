"""Flagged pixels: which belong to a plane, and that limits are made without those that say nothing of the sky."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.visualization import ZScaleInterval

from mast.errors import BadQuery
from mast.fits import overview, pyramid
from mast.fits.dq import UNUSABLE, flag_names
from mast.fits.flags import flag_counts
from mast.fits.histogram import histogram
from mast.fits.inspect import inspect_file
from mast.fits.limits import limits_of
from mast.fits.options import Percentiles
from mast.fits.planes import made_planes, plane_of
from mast.fits.quality import flags_beside
from mast.fits.readout import pixel
from mast.fits.regions import Box, statistics
from mast.fits.roles import axis_names, qualities_of

RNG = np.random.default_rng(6)


def written(folder: Path, name: str, *hdus: fits.ImageHDU) -> Path:
    path = folder / name
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    return path


def flagged_frame(dtype: str = "f4") -> tuple[np.ndarray, np.ndarray]:
    """A frame whose unusable pixels are far brighter than the others."""
    data = RNG.normal(100, 5, (300, 200)).astype(dtype)
    flags = np.where(RNG.random(data.shape) < 0.1, 4, 0).astype("u4")
    for bit in (0, 9, 31):
        flags[RNG.random(data.shape) < 0.02] |= np.uint32(1 << bit)
    data[(flags & UNUSABLE) != 0] = 30_000
    if dtype == "f4":
        data[RNG.random(data.shape) < 0.01] = np.nan
    return data, flags


def test_what_says_nothing_of_the_sky_has_these_names() -> None:
    assert flag_names(UNUSABLE) == ["DO_NOT_USE", "NON_SCIENCE", "REFERENCE_PIXEL"]


@pytest.mark.parametrize("dtype", ["f4", "i2"])
def test_limits_are_made_without_unusable_pixels(tmp_path: Path, dtype: str) -> None:
    data, flags = flagged_frame(dtype)
    path = written(tmp_path, "a_rate.fits", fits.ImageHDU(data, name="SCI"), fits.ImageHDU(flags, name="DQ"))
    plan = inspect_file(path)
    plane, beside = plane_of(path, plan), flags_beside(path, plan, plan.image(), ())
    good = data.astype("f8" if dtype == "i2" else dtype)
    good[(flags & UNUSABLE) != 0] = np.nan
    usable = good[np.isfinite(good)]
    for made in (overview.build(plane, "values", beside), overview.build_file(plane, tmp_path / "p", "values", beside)):
        assert limits_of(made, "zscale") == ZScaleInterval().get_limits(usable)
        assert limits_of(made, "minmax") == (usable.min(), usable.max())
        found = limits_of(made, Percentiles(1, 99))
        assert found == pytest.approx(tuple(np.percentile(usable, [1, 99])), rel=1e-6)
        counted = histogram(made)
        assert sum(counted.counts) + counted.below + counted.above == usable.size
        assert counted.unusable == np.isfinite(data).sum() - usable.size > 0
        assert counted.not_finite == (~np.isfinite(data)).sum()
    # The picture itself is of every pixel that has a value.
    again = pyramid.read(tmp_path / "p", plane, beside)
    assert again is not None
    assert np.nanmax(again.window(0, 0, 300, 0, 200)) == 30_000


def test_a_frame_that_is_flagged_all_over_has_limits_all_the_same(tmp_path: Path) -> None:
    data = RNG.normal(100, 5, (40, 50)).astype("f4")
    flags = np.ones((40, 50), "u4")
    path = written(tmp_path, "a_cal.fits", fits.ImageHDU(data, name="SCI"), fits.ImageHDU(flags, name="DQ"))
    plan = inspect_file(path)
    beside = flags_beside(path, plan, plan.image(), ())
    made = overview.build(plane_of(path, plan), "values", beside)
    assert limits_of(made, "minmax") == (data.min(), data.max())
    kept = overview.build_file(plane_of(path, plan), tmp_path / "p", "values", beside)
    assert kept.facts == made.facts
    assert sum(histogram(kept).counts) > 0


def test_statistics_say_how_many_pixels_are_good(tmp_path: Path) -> None:
    data, flags = flagged_frame()
    path = written(tmp_path, "a_cal.fits", fits.ImageHDU(data, name="SCI"), fits.ImageHDU(flags, name="DQ"))
    plan = inspect_file(path)
    found = statistics(plane_of(path, plan), Box(10, 20, 90, 70), flags_beside(path, plan, plan.image(), ()))
    part, bits = data[20:70, 10:90], flags[20:70, 10:90]
    assert found.count == np.isfinite(part).sum()
    assert found.good == (np.isfinite(part) & ((bits & UNUSABLE) == 0)).sum() < found.count
    assert found.mean == pytest.approx(np.nanmean(part.astype("f8")))


def test_a_ramps_flags_are_those_of_the_group_and_those_of_all_groups(tmp_path: Path) -> None:
    shape = (2, 3, 20, 30)
    group = RNG.choice([0, 2, 4], shape).astype("u1")
    whole = RNG.choice([0, 1, 1 << 31], shape[2:]).astype("u4")
    path = written(
        tmp_path,
        "a_ramp.fits",
        fits.ImageHDU(RNG.normal(0, 1, shape).astype("f4"), name="SCI"),
        fits.ImageHDU(whole, name="PIXELDQ"),
        fits.ImageHDU(group, name="GROUPDQ"),
    )
    plan = inspect_file(path)
    image = plan.image()
    for plane, at in (((1, 0), (1, 0)), ("difference,1", (1, 2)), ("difference", (0, 2))):
        joined = whole | group[at]
        beside = flags_beside(path, plan, image, plane)
        assert beside is not None
        np.testing.assert_array_equal(beside.rows(3, 9), joined[3:9])
        found = pixel(path, plan, 4, 5, image.index, plane, box=3)
        assert (found.flag_value, found.flags) == (joined[5, 4], flag_names(int(joined[5, 4])))
        assert found.flag_values == joined[4:7, 3:6].tolist()
        counts = {flag.bit: flag.count for flag in flag_counts(path, plan, qualities_of(plan, image, plane)).flags}
        assert counts == {bit: n for bit in range(32) if (n := int(np.count_nonzero(joined >> np.uint32(bit) & 1)))}


def test_axes_are_named_by_what_the_product_holds(tmp_path: Path) -> None:
    cube = fits.ImageHDU(np.zeros((2, 3, 4, 5), "f4"), name="SCI")
    flags = fits.ImageHDU(np.zeros((2, 3, 4, 5), "u4"), name="DQ")
    for name, axes, planes, first in (
        ("a_uncal.fits", ("integration", "group"), ["difference"], (0, 2)),
        ("a_psfalign.fits", ("integration", "reference"), [], (0, 0)),
        ("a_fitopt.fits", ("integration", "segment"), [], (1, 1)),
        ("other.fits", ("axis 4", "axis 3"), [], (0, 0)),
    ):
        path = written(tmp_path, name, cube.copy(), flags.copy())
        plan = inspect_file(path)
        suffix = name.removesuffix(".fits").removeprefix("a_")
        assert axis_names(suffix, plan.image()) == axes
        assert (made_planes(plan, plan.image()), made_planes(plan, plan.hdu(2))) == (planes, [])
        assert plan.view.plane == first
        if not planes:
            with pytest.raises(BadQuery, match="no ramp"):
                plane_of(path, plan, 1, "difference")


def test_bits_have_no_median(tmp_path: Path) -> None:
    cube = fits.ImageHDU(np.zeros((3, 4, 5), "f4"), name="SCI")
    path = written(tmp_path, "a_calints.fits", cube, fits.ImageHDU(np.zeros((3, 4, 5), "u4"), name="DQ"))
    plan = inspect_file(path)
    assert (made_planes(plan, plan.hdu(1)), made_planes(plan, plan.hdu(2))) == (["median"], [])
    with pytest.raises(BadQuery, match="median"):
        plane_of(path, plan, 2, "median")
