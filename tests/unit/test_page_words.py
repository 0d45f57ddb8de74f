"""How the pages write numbers, names and footprints."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import footprint
from dashboard.templatetags import archive as write


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, "–"), (0.4, "0 s"), (42, "42 s"), (185, "3 min 5 s"), (7800, "2 h 10 min"), (3599.9, "1 h 0 min")],
)
def test_a_duration_is_said_as_people_say_it(seconds: float | None, expected: str) -> None:
    assert write.duration(seconds) == expected


@pytest.mark.parametrize(
    ("mjd", "expected"), [(None, "–"), (59733.74, "2022-06-03"), (1e300, "–"), (float("nan"), "–"), (-1e7, "–")]
)
def test_a_date_no_calendar_has_is_a_dash(mjd: float | None, expected: str) -> None:
    assert write.mjd_day(mjd) == expected


def test_times_are_utc() -> None:
    assert write.utc(datetime(2022, 6, 3, 17, 47, 30, tzinfo=UTC)) == "2022-06-03 17:47:30"
    assert (write.utc(None), write.day(None)) == ("–", "–")


@pytest.mark.parametrize(("level", "expected"), [(3, "L3"), (-1, "L−1"), (None, "–")])
def test_a_level_is_short_with_a_true_minus(level: int | None, expected: str) -> None:
    assert write.level(level) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "–"), (1.23456789, "1.234568"), (3, "3"), ("x", "x"), ([1.0, None], "1 – …"), (True, "True")],
)
def test_a_cell_is_short_enough_to_compare(value: object, expected: str) -> None:
    assert write.cell(value) == expected


@given(st.text())
def test_a_breakable_name_keeps_every_character_and_no_markup(name: str) -> None:
    written = write.breakable(name)
    assert "<" not in written.replace("<wbr>", "")
    assert len(written.replace("<wbr>", "")) >= len(name)


def test_a_circle_across_ra_zero_is_drawn_around_its_middle() -> None:
    drawing = footprint.draw("CIRCLE ICRS 0.0 10.0 0.05")
    assert drawing is not None
    assert len(drawing.polygons[0].split()) == 48
    assert min(drawing.ra_deg, 360 - drawing.ra_deg) < 1e-6
    assert drawing.dec_deg == pytest.approx(10, abs=1e-3)


def test_east_is_to_the_left_and_north_is_up() -> None:
    drawing = footprint.draw("POLYGON 10.1 0 10 0.1 9.9 0 10 -0.1")
    assert drawing is not None
    east, north, west, south = (tuple(map(float, point.split(","))) for point in drawing.polygons[0].split())
    assert east[0] < west[0]
    assert north[1] < south[1]


@given(st.text(alphabet="POLYGNCIRELS 0123456789.-+e", max_size=200))
def test_no_footprint_breaks_a_page(s_region: str) -> None:
    footprint.draw(s_region)


def test_a_tiny_footprint_has_a_scale_bar_too() -> None:
    drawing = footprint.draw("CIRCLE 10 10 0.0001")
    assert drawing is not None
    assert drawing.bar_label == "0.36″"
