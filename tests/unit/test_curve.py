"""A spectrum drawn without scripts: what is on the drawing, what may leave it."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import curve

VALUE = st.floats(-1e30, 1e30, allow_nan=False)


def points_of(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path)]


def test_a_line_goes_from_edge_to_edge_and_up_with_its_values() -> None:
    drawn = curve.draw([1.0, 2.0, 3.0], [10.0, 20.0, 30.0], [])
    assert drawn
    points = points_of(drawn.line)
    assert [x for x, _ in points] == [drawn.left, (drawn.left + drawn.right) / 2, drawn.right]
    assert points[0][1] > points[1][1] > points[2][1]
    assert drawn.band == ""


def test_missing_values_are_left_out_and_wavelengths_put_in_order() -> None:
    drawn = curve.draw([3.0, None, 1.0, 2.0], [1.0, 5.0, 2.0, None], [None, 1.0, 0.5, 0.1])
    assert drawn
    assert len(points_of(drawn.line)) == 2
    assert len(points_of(drawn.band)) == 4


def test_nothing_is_drawn_of_nothing() -> None:
    assert curve.draw([], [], []) is None
    assert curve.draw([None, 1.0], [2.0, None], []) is None


def test_one_point_has_ticks_of_its_own() -> None:
    drawn = curve.draw([1.5], [2.0], [])
    assert drawn
    assert [tick.words for tick in drawn.x_ticks] == ["1.5"]


def test_a_line_of_emission_stays_on_the_drawing_and_one_wild_point_does_not_flatten_the_rest() -> None:
    xs = [float(x) for x in range(1000)]
    usual = [math.sin(x / 50) for x in xs]
    line = curve.draw(xs, [5.0 if x == 500 else y for x, y in zip(xs, usual, strict=True)], [])
    wild = curve.draw(xs, [5e6 if x == 500 else y for x, y in zip(xs, usual, strict=True)], [])
    assert line
    assert wild
    assert min(y for _, y in points_of(line.line)) >= line.top
    assert min(y for _, y in points_of(wild.line)) < wild.top
    heights = [y for _, y in points_of(wild.line) if wild.top <= y <= wild.bottom]
    assert max(heights) - min(heights) > (wild.bottom - wild.top) / 2


@pytest.mark.parametrize("count", [curve.COLUMNS, 10 * curve.COLUMNS + 3])
def test_a_long_spectrum_is_drawn_by_the_extremes_of_each_column(count: int) -> None:
    flux = [float(index % 7) for index in range(count)]
    drawn = curve.draw([float(index) for index in range(count)], flux, [])
    assert drawn
    assert len(points_of(drawn.line)) <= 2 * curve.COLUMNS


@given(st.lists(st.tuples(VALUE, VALUE, VALUE), min_size=1, max_size=40))
def test_any_numbers_make_a_drawing_of_finite_size(rows: list[tuple[float, float, float]]) -> None:
    drawn = curve.draw(*zip(*rows, strict=True))  # type: ignore[arg-type]
    assert drawn
    for x, y in points_of(drawn.line) + points_of(drawn.band):
        assert abs(x) <= 5 * curve.WIDTH
        assert abs(y) <= 5 * curve.WIDTH
    assert len(drawn.x_ticks) < 20
