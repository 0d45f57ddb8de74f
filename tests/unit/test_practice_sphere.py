"""Footprints and circles on the sphere: RA 0, the poles, edges, shapes MAST writes."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from mast.practice import sphere

RING = "POLYGON 151.742264 -40.409398 151.793040 -40.425277 151.772089 -40.464111 151.721289 -40.448223"
anywhere = st.tuples(st.floats(0, 360, exclude_max=True), st.floats(-89.99, 89.99))


def arcsec(region: str, ra: float, dec: float) -> float:
    distance = sphere.distance_arcsec(sphere.read_region(region), ra, dec)
    assert distance is not None
    return distance


def test_a_point_inside_a_footprint_is_at_distance_nought() -> None:
    assert arcsec(RING, 151.755, -40.437) == 0.0


def test_a_point_outside_is_as_far_as_the_nearest_edge() -> None:
    square = "POLYGON ICRS 9.9 -0.1 10.1 -0.1 10.1 0.1 9.9 0.1"
    assert arcsec(square, 10.2, 0.0) == pytest.approx(360.0, rel=1e-6)
    assert arcsec(square, 10.2, 0.2) == pytest.approx(np.hypot(360, 360), rel=1e-4)


def test_the_order_of_corners_does_not_matter() -> None:
    corners = sphere.corners_of(RING)
    assert arcsec(sphere.polygon_text(corners[::-1]), 151.755, -40.437) == 0.0
    assert arcsec(sphere.polygon_text([*corners, corners[0]]), 151.755, -40.437) == 0.0


def test_a_footprint_across_ra_nought_is_one_piece() -> None:
    across = sphere.polygon_text(sphere.box(0.004, -12.3, 5.1 / 60, 2.2 / 60, 63.0))
    assert arcsec(across, 0.004, -12.3) == 0.0
    assert arcsec(across, 359.999, -12.3) == 0.0
    assert 0 < arcsec(across, 359.9, -12.3) < 360


def test_a_footprint_over_the_pole_holds_the_pole() -> None:
    polar = sphere.polygon_text(sphere.box(120.0, 89.985, 5.1 / 60, 2.2 / 60, 0.0))
    assert arcsec(polar, 0.0, 90.0) == 0.0
    assert arcsec(polar, 300.0, 89.999) == 0.0
    assert arcsec(polar, 120.0, 89.9) > 0


def test_circles_and_several_polygons_are_read() -> None:
    assert arcsec("CIRCLE ICRS 210.9 54.5 0.5", 210.9, 54.9) == 0.0
    assert arcsec("CIRCLE ICRS 210.9 54.5 0.5", 210.9, 55.5) == pytest.approx(1800)
    two = "POLYGON ICRS 1 1 2 1 2 2 1 2 POLYGON ICRS 11 1 12 1 12 2 11 2"
    assert arcsec(two, 11.5, 1.5) == 0.0
    assert arcsec(two, 1.5, 1.5) == 0.0
    assert arcsec(two, 6.5, 1.5) > 0


@pytest.mark.parametrize("text", [None, "", "POLYGON ICRS", "POLYGON 1 2 3", "nonsense", "CIRCLE ICRS 1 2"])
def test_what_cannot_be_read_is_no_shape(text: str | None) -> None:
    assert sphere.read_region(text) == ()
    assert sphere.distance_arcsec((), 1.0, 1.0) is None


@given(anywhere, anywhere)
def test_separations_are_those_of_astropy(one: tuple[float, float], two: tuple[float, float]) -> None:
    expected = SkyCoord(*one, unit="deg").separation(SkyCoord(*two, unit="deg")).to_value(u.deg)
    assert sphere.separation_deg(*one, *two) == pytest.approx(expected, abs=1e-9)


@given(anywhere, st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_offsets_are_undone(centre: tuple[float, float], east: float, north: float) -> None:
    point = sphere.offset(*centre, east, north)
    assert 0 <= point[0] < 360
    assert sphere.plane(*point, *centre) == pytest.approx((east, north), abs=1e-8)


@given(anywhere, st.floats(0, 360))
def test_the_middle_of_a_box_is_inside_and_twice_its_size_away_is_not(
    centre: tuple[float, float], angle: float
) -> None:
    text = sphere.polygon_text(sphere.box(*centre, 0.1, 0.05, angle))
    assert arcsec(text, *centre) == 0.0
    assert arcsec(text, *sphere.offset(*centre, 0.2, 0.0)) > 0
