"""A spectrum as a drawing that needs no script: a path in an SVG, with axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 960, 380
LEFT, RIGHT, TOP, BOTTOM = 76, 14, 12, 40
COLUMNS = 800
"""of the path: more points than the drawing has columns are drawn by each column's lowest and highest"""
WILD = 10
"""how many times wider than the usual range the whole one may be"""
Numbers = Sequence[float | None]


@dataclass(frozen=True)
class Tick:
    at: float
    words: str


@dataclass(frozen=True)
class Curve:
    """Paths in units of the drawing, `WIDTH` by `HEIGHT`; y grows downwards."""

    line: str
    band: str
    """the error on both sides; empty where there is none"""
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM
    inside: int = WIDTH - RIGHT - LEFT
    tall: int = HEIGHT - BOTTOM - TOP


Point = tuple[float, float, float]
"""wavelength, flux, error (0 where unknown)"""


def draw(wavelength: Numbers, flux: Numbers, error: Numbers) -> Curve | None:
    """The curve, or None when no point of it is known."""
    points = sorted(_points(wavelength, flux, error))
    if not points:
        return None
    xs, lows, highs = ([point[0] for point in points], [y - e for _, y, e in points], [y + e for _, y, e in points])
    across = _scale(xs[0], xs[-1], LEFT, WIDTH - RIGHT)
    up = _scale(*_range(lows, highs), HEIGHT - BOTTOM, TOP)
    shown = list(_thinned(points))
    line = "M" + "L".join(f"{across(x):.1f},{up(y):.1f}" for x, y, _ in shown)
    edge = [(x, y + e) for x, y, e in shown] + [(x, y - e) for x, y, e in reversed(shown)]
    band = "M" + "L".join(f"{across(x):.1f},{up(y):.1f}" for x, y in edge) + "Z" if any(e for *_, e in shown) else ""
    return Curve(line, band, _ticks(xs[0], xs[-1], across), _ticks(*_range(lows, highs), up))


def _points(wavelength: Numbers, flux: Numbers, error: Numbers) -> Iterator[Point]:
    errors = error or [None] * len(flux)
    for x, y, e in zip(wavelength, flux, errors, strict=True):
        if x is not None and y is not None:
            yield x, y, e if e is not None and e > 0 else 0.0


def _range(lows: list[float], highs: list[float]) -> tuple[float, float]:
    """The range that is drawn: all of it, lines and edges too, unless a few wild points would flatten the rest."""
    cut = len(lows) // 200
    low, high = min(lows), max(highs)
    usual_low, usual_high = sorted(lows)[cut], sorted(highs)[-1 - cut]
    if high - low > WILD * (usual_high - usual_low) > 0:
        low, high = usual_low, usual_high
    margin = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return low - margin, high + margin


class _scale:  # noqa: N801 - used as the function it is
    """Values to units of the drawing, kept near it so that a wild point cannot stretch the path for ever."""

    def __init__(self, first: float, last: float, start: float, end: float) -> None:
        self.first, self.start = first, start
        self.factor = (end - start) / (last - first) if last > first else 0.0

    def __call__(self, value: float) -> float:
        return min(4.0 * WIDTH, max(-4.0 * WIDTH, self.start + (value - self.first) * self.factor))


def _thinned(points: list[Point]) -> Iterator[Point]:
    size = -(-len(points) // COLUMNS)
    if size == 1:
        yield from points
        return
    for start in range(0, len(points), size):
        group = points[start : start + size]
        yield from sorted({min(group, key=lambda point: point[1]), max(group, key=lambda point: point[1])})


def _ticks(first: float, last: float, place: _scale) -> list[Tick]:
    """Round numbers, five or so of them."""
    if not last > first:
        return [Tick(place(first), f"{first:.6g}")]
    power = 10.0 ** math.floor(math.log10((last - first) / 5))
    step = next(unit * power for unit in (1, 2, 5, 10) if (last - first) / (unit * power) <= 6)
    start, stop = math.ceil(first / step), math.floor(last / step)
    return [Tick(place(count * step), f"{count * step:.6g}".replace("-", "−")) for count in range(start, stop + 1)]
