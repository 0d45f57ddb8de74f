"""Footprints, MAST's `s_region`: reading the STC-S text and measuring against it on the sphere.

A footprint is optional knowledge: MIRI's are known to be off and some NIRISS ones are missing. What cannot be read is
no footprint, not an error.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from mast.archive import sky

Vector: TypeAlias = tuple[float, float, float]
_SHAPE: Final = re.compile(r"(polygon|circle)\b([^pc]*)")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?")
_FRAME: Final = re.compile(r"\b(?:icrs|fk5|j2000(?:\.0)?|geocenter|topocenter|unknownrefpos)\b")


@dataclass(frozen=True)
class Polygon:
    """Corners as (ra, dec) in degrees, joined by great circles; smaller than a hemisphere."""

    corners: tuple[tuple[float, float], ...]

    def distance(self, ra_deg: float, dec_deg: float) -> float:
        """Degrees from a position to the polygon, 0 inside."""
        point = _vector(ra_deg, dec_deg)
        corners = [_vector(*corner) for corner in self.corners]
        if _is_inside(point, corners):
            return 0.0
        edges = zip(corners, corners[1:] + corners[:1], strict=True)
        return min(_arc_distance(point, start, end) for start, end in edges)


@dataclass(frozen=True)
class Circle:
    """A cone of view; all in degrees."""

    ra_deg: float
    dec_deg: float
    radius_deg: float

    def distance(self, ra_deg: float, dec_deg: float) -> float:
        """Degrees from a position to the circle, 0 inside."""
        return max(0.0, sky.separation(self.ra_deg, self.dec_deg, ra_deg, dec_deg) - self.radius_deg)


Footprint: TypeAlias = list[Polygon | Circle]


def parse_footprint(s_region: str) -> Footprint:
    """The shapes of an STC-S text, `POLYGON ICRS ra dec …` and `CIRCLE ICRS ra dec radius`, several of them too."""
    text = _FRAME.sub(" ", s_region.lower())
    shapes = (_shape(kind, body) for kind, body in _SHAPE.findall(text))
    return [shape for shape in shapes if shape is not None]


def _shape(kind: str, body: str) -> Polygon | Circle | None:
    numbers = [float(number) for number in _NUMBER.findall(body)]
    if kind == "circle":
        is_circle = len(numbers) == 3 and _is_position(numbers[0], numbers[1]) and 0 < numbers[2] <= 180
        return Circle(*numbers) if is_circle else None
    corners = list(zip(numbers[::2], numbers[1::2], strict=False))
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners.pop()
    if len(numbers) % 2 or len(corners) < 3 or not all(_is_position(*corner) for corner in corners):
        return None
    return Polygon(tuple(corners))


def _is_position(ra_deg: float, dec_deg: float) -> bool:
    # Footprints across RA 0 are written with either 359 or −1.
    return -360 <= ra_deg <= 720 and -90 <= dec_deg <= 90


def distance_to(footprint: Footprint, ra_deg: float, dec_deg: float) -> float | None:
    """Degrees from a position to the nearest shape, 0 inside; None for no shapes."""
    return min((shape.distance(ra_deg, dec_deg) for shape in footprint), default=None)


def circle_intersects(footprint: Footprint, ra_deg: float, dec_deg: float, radius_deg: float) -> bool:
    """Whether a circle on the sky touches a footprint, its centre inside or outside."""
    distance = distance_to(footprint, ra_deg, dec_deg)
    return distance is not None and distance <= radius_deg


# --- vectors ----------------------------------------------------------------------------------------------------


def _vector(ra_deg: float, dec_deg: float) -> Vector:
    ra, dec = math.radians(ra_deg), math.radians(dec_deg)
    return math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _length(a: Vector) -> float:
    return math.sqrt(_dot(a, a))


def _angle(a: Vector, b: Vector) -> float:
    """Degrees between two unit vectors."""
    return math.degrees(math.atan2(_length(_cross(a, b)), _dot(a, b)))


def _arc_distance(point: Vector, start: Vector, end: Vector) -> float:
    """Degrees from a point to the shorter great-circle arc between two others."""
    pole = _cross(start, end)
    length = _length(pole)
    is_beside = length > 0 and _dot(_cross(pole, start), point) >= 0 and _dot(_cross(end, pole), point) >= 0
    if not is_beside:
        return min(_angle(point, start), _angle(point, end))
    return abs(90 - math.degrees(math.atan2(_length(_cross(pole, point)), _dot(pole, point))))


def _is_inside(point: Vector, corners: list[Vector]) -> bool:
    """Whether the corners, seen from the point, go once around it."""
    centre = tuple(sum(axis) for axis in zip(*corners, strict=True))
    if _dot(point, (centre[0], centre[1], centre[2])) <= 0:
        # Seen from the far side of the sky the corners go around it as well.
        return False
    turned = 0.0
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        first, second = _cross(point, start), _cross(point, end)
        turned += math.atan2(_dot(point, _cross(first, second)), _dot(first, second))
    return abs(turned) > math.pi
