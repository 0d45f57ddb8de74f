"""Footprints on the sphere: across RA 0, over a pole, and against astropy's own distances."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mast.archive import footprints, sky
from mast.archive.footprints import Circle, Polygon

SOUTHERN_RING = (
    "POLYGON 151.753816584 -40.408577487 151.792454739 -40.429033015 151.752352095 -40.472916799 "
    "151.713700926 -40.452447915"
)
ACROSS_ZERO = "POLYGON ICRS 359.9 -0.1 0.1 -0.1 0.1 0.1 359.9 0.1"
OVER_THE_POLE = "POLYGON ICRS 0 89.9 90 89.9 180 89.9 270 89.9"


def test_a_footprint_is_read_with_and_without_its_frame() -> None:
    for frame in "", "ICRS", "ICRS ", "J2000", "icrs":
        text = SOUTHERN_RING.replace("POLYGON", f"POLYGON {frame}")
        (shape,) = footprints.parse_footprint(text)
        assert isinstance(shape, Polygon)
        assert len(shape.corners) == 4
        assert shape.corners[0] == (151.753816584, -40.408577487)


def test_several_polygons_and_circles_stand_in_one_footprint() -> None:
    shapes = footprints.parse_footprint(f"{SOUTHERN_RING} CIRCLE ICRS 10.0 -5.0 0.01 {ACROSS_ZERO}")
    assert [type(shape) for shape in shapes] == [Polygon, Circle, Polygon]
    assert shapes[1] == Circle(10.0, -5.0, 0.01)


def test_a_closed_polygon_counts_its_first_corner_once() -> None:
    (shape,) = footprints.parse_footprint("POLYGON ICRS 1 1 2 1 2 2 1 1")
    assert isinstance(shape, Polygon)
    assert len(shape.corners) == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "POLYGON",
        "POLYGON ICRS",
        "POLYGON ICRS 1 2 3 4",
        "POLYGON ICRS 1 2 3 4 5",
        "POLYGON 1 2 3 95 5 6",
        "CIRCLE ICRS 1 2",
        "CIRCLE ICRS 1 2 0",
        "CIRCLE ICRS 1 2 -3",
        "nonsense",
        "NaN",
        "POLYGON 1e999 0 1 1 2 2",
    ],
)
def test_what_cannot_be_read_is_no_footprint(text: str) -> None:
    assert footprints.parse_footprint(text) == []
    assert footprints.distance_to([], 10, 10) is None
    assert not footprints.circle_intersects([], 10, 10, 10)


@given(st.text(max_size=60))
def test_any_text_is_a_footprint_or_none(text: str) -> None:
    for shape in footprints.parse_footprint(f"POLYGON {text}"):
        assert shape.distance(10, 10) >= 0


def test_a_point_inside_has_no_distance_and_one_outside_has_that_to_the_edge() -> None:
    shapes = footprints.parse_footprint(SOUTHERN_RING)
    assert footprints.distance_to(shapes, 151.755, -40.437) == 0
    assert footprints.distance_to(shapes, 151.755, -41.437) == pytest.approx(0.964, abs=0.002)


def test_a_circle_touches_a_footprint_whose_centre_it_misses() -> None:
    shapes = footprints.parse_footprint(SOUTHERN_RING)
    ra, dec = 151.755, -40.50
    assert not footprints.circle_intersects(shapes, ra, dec, 0.02)
    assert footprints.circle_intersects(shapes, ra, dec, 0.04)
    assert sky.separation(ra, dec, 151.755, -40.437) > 0.04


def test_a_footprint_across_ra_nought_is_one_piece() -> None:
    shapes = footprints.parse_footprint(ACROSS_ZERO)
    assert footprints.distance_to(shapes, 0.0, 0.0) == 0
    assert footprints.distance_to(shapes, 359.95, 0.05) == 0
    assert footprints.distance_to(shapes, 0.2, 0.0) == pytest.approx(0.1, abs=1e-6)
    assert footprints.distance_to(shapes, 359.8, 0.0) == pytest.approx(0.1, abs=1e-6)
    # On the far side the nearest point is a corner.
    assert footprints.distance_to(shapes, 180.0, 0.0) == pytest.approx(180 - 0.1 * 2**0.5, abs=1e-3)
    minus = footprints.parse_footprint("POLYGON -0.1 -0.1 0.1 -0.1 0.1 0.1 -0.1 0.1")
    assert footprints.distance_to(minus, 359.95, 0.05) == 0


def test_a_footprint_around_the_pole_holds_the_pole() -> None:
    shapes = footprints.parse_footprint(OVER_THE_POLE)
    assert footprints.distance_to(shapes, 123.0, 90.0) == 0
    assert footprints.distance_to(shapes, 45.0, 89.95) == 0
    outside = footprints.distance_to(shapes, 45.0, 89.0)
    assert outside is not None
    assert outside > 0.9
    assert footprints.distance_to(shapes, 0.0, -90.0) == pytest.approx(179.93, abs=0.05)


def test_the_antipode_of_a_footprint_is_outside() -> None:
    shapes = footprints.parse_footprint(SOUTHERN_RING)
    distance = footprints.distance_to(shapes, 331.755, 40.437)
    assert distance is not None
    assert distance > 179


def test_a_corner_shared_by_start_and_end_does_not_divide_by_nothing() -> None:
    shapes = footprints.parse_footprint("POLYGON 10 10 10 10 11 10 11 11")
    assert footprints.distance_to(shapes, 9.0, 10.0) == pytest.approx(0.985, abs=0.001)


@given(
    st.floats(0, 360, exclude_max=True),
    st.floats(-85, 85),
    st.floats(0.01, 0.5),
    st.floats(0, 360),
    st.floats(0.0, 3.0),
)
def test_distances_to_a_square_agree_with_astropy(
    ra: float, dec: float, half: float, angle: float, away: float
) -> None:
    """A point at a known bearing from the centre, its distance found by sampling the edges with astropy."""
    import numpy as np
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    centre = SkyCoord(ra, dec, unit="deg")
    corners = centre.directional_offset_by([45, 135, 225, 315] * u.deg, half * u.deg)
    shape = Polygon(tuple(zip(corners.ra.deg.tolist(), corners.dec.deg.tolist(), strict=True)))
    point = centre.directional_offset_by(angle * u.deg, away * u.deg)
    ours = shape.distance(float(point.ra.deg), float(point.dec.deg))
    edges = []
    for start, end in zip(corners, np.roll(corners, -1), strict=True):
        steps = start.separation(end) * np.linspace(0, 1, 400)
        edges.append(start.directional_offset_by(start.position_angle(end), steps).separation(point).deg.min())
    nearest = min(edges)
    inner = half * np.cos(np.pi / 4)
    assume(abs(away - inner) > 1e-6)
    assume(abs(away - half) > 1e-6)
    if away < inner * 0.999:
        assert ours == 0
    elif away > half * 1.001:
        assert ours == pytest.approx(nearest, abs=0.004)


def test_every_recorded_footprint_is_read(shared_data: Path) -> None:
    recorded = shared_data / "observations" / "mast_jwst_keywords"
    read = centred = 0
    for name in "nirspec_HEAD.csv", "imaging_HEAD.csv", "mirispec_HEAD.csv":
        with (recorded / name).open(newline="") as lines:
            for row in csv.DictReader(lines):
                text = row.get("orig_s_region") or row["s_region"]
                if not text:
                    continue
                shapes = footprints.parse_footprint(text)
                assert len(shapes) == text.upper().count("POLYGON") + text.upper().count("CIRCLE"), text[:200]
                read += 1
                corner = (
                    shapes[0].corners[0] if isinstance(shapes[0], Polygon) else (shapes[0].ra_deg, shapes[0].dec_deg)
                )
                centred += footprints.circle_intersects(shapes, *corner, 1e-6)
    assert read > 1000
    assert centred == read
    print(f"{read} recorded footprints read")
