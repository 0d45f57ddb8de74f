"""Footprints and circles on the sphere itself, so that RA 0 and the poles are nowhere special."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

Vector = tuple[float, float, float]
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_SHAPE = re.compile(r"(POLYGON|CIRCLE)([^A-DF-Z]*)", re.IGNORECASE)


def vector(ra_deg: float, dec_deg: float) -> Vector:
    ra, dec = math.radians(ra_deg), math.radians(dec_deg)
    return (math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec))


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _angle(a: Vector, b: Vector) -> float:
    """Angle between two unit vectors, radians; exact for tiny and for huge angles alike."""
    across = _cross(a, b)
    return math.atan2(math.sqrt(_dot(across, across)), _dot(a, b))


def separation_deg(ra1: float, dec1: float, ra2: float, dec2: float) -> float:
    return math.degrees(_angle(vector(ra1, dec1), vector(ra2, dec2)))


@dataclass(frozen=True, slots=True)
class Circle:
    centre: Vector
    radius: float
    """radians"""

    def distance(self, point: Vector) -> float:
        return max(0.0, _angle(self.centre, point) - self.radius)


@dataclass(frozen=True, slots=True)
class Polygon:
    corners: tuple[Vector, ...]

    def contains(self, point: Vector) -> bool:
        """Whether the edges wind about the point, for any simple polygon smaller than a hemisphere."""
        turning = 0.0
        for start, end in zip(self.corners, self.corners[1:] + self.corners[:1], strict=True):
            one, two = _cross(point, start), _cross(point, end)
            turning += math.atan2(_dot(point, _cross(one, two)), _dot(one, two))
        # The antipode of a point inside winds too; only the near side counts.
        return abs(turning) > math.pi and _dot(point, self.corners[0]) > 0

    def distance(self, point: Vector) -> float:
        if self.contains(point):
            return 0.0
        edges = zip(self.corners, self.corners[1:] + self.corners[:1], strict=True)
        return min(_to_edge(point, start, end) for start, end in edges)


def _to_edge(point: Vector, start: Vector, end: Vector) -> float:
    """Angle from a point to an arc of a great circle, radians."""
    normal = _cross(start, end)
    length = math.sqrt(_dot(normal, normal))
    nearest_end = min(_angle(point, start), _angle(point, end))
    if length < 1e-15:
        return nearest_end
    # The foot of the perpendicular lies on the arc when it is ahead of the start and behind the end.
    if _dot(_cross(normal, start), point) >= 0 and _dot(_cross(end, normal), point) >= 0:
        return abs(math.asin(max(-1.0, min(1.0, _dot(normal, point) / length))))
    return nearest_end


Shape = Circle | Polygon


def read_region(text: str | None) -> tuple[Shape, ...]:
    """The shapes of an STC-S text: `POLYGON ICRS 1 2 3 4 5 6`, `CIRCLE ICRS 1 2 0.1`; unreadable ones are left out."""
    shapes: list[Shape] = []
    for kind, body in _SHAPE.findall(
        re.sub(r"\b(?:ICRS|J2000|GSC1|FK5|UNKNOWNFrame)\b", " ", text or "", flags=re.IGNORECASE)
    ):
        numbers = [float(number) for number in _NUMBER.findall(body)]
        if kind.upper() == "CIRCLE" and len(numbers) == 3:
            shapes.append(Circle(vector(*numbers[:2]), math.radians(numbers[2])))
        elif kind.upper() == "POLYGON" and len(numbers) >= 6 and len(numbers) % 2 == 0:
            corners = [vector(ra, dec) for ra, dec in zip(numbers[::2], numbers[1::2], strict=True)]
            shapes.append(Polygon(tuple(corners[:-1] if corners[0] == corners[-1] else corners)))
    return tuple(shapes)


def distance_arcsec(shapes: tuple[Shape, ...], ra_deg: float, dec_deg: float) -> float | None:
    """From a point to the nearest of the shapes: 0.0 inside one, None when there are none."""
    point = vector(ra_deg, dec_deg)
    return min((math.degrees(shape.distance(point)) * 3600 for shape in shapes), default=None)


def offset(ra_deg: float, dec_deg: float, east_deg: float, north_deg: float) -> tuple[float, float]:
    """The point at tangent-plane offsets from another, degrees; right at the poles, RA in 0..360."""
    xi, eta = math.radians(east_deg), math.radians(north_deg)
    ra, dec = math.radians(ra_deg), math.radians(dec_deg)
    denominator = math.cos(dec) - eta * math.sin(dec)
    new_ra = ra + math.atan2(xi, denominator)
    new_dec = math.atan2(math.sin(dec) + eta * math.cos(dec), math.hypot(xi, denominator))
    # Twice: the remainder of a tiny negative angle rounds to 360 itself.
    return math.degrees(new_ra) % 360.0 % 360.0, math.degrees(new_dec)


def box(
    ra_deg: float, dec_deg: float, width_deg: float, height_deg: float, angle_deg: float
) -> list[tuple[float, float]]:
    """Corners of a rectangle whose height points to `angle_deg` (north through east), in a picture's pixel order."""
    turn = math.radians(angle_deg)
    corners = []
    for x, y in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)):
        # x runs against east: a picture of the sky is seen from inside the sphere.
        east = -x * width_deg * math.cos(turn) + y * height_deg * math.sin(turn)
        north = x * width_deg * math.sin(turn) + y * height_deg * math.cos(turn)
        corners.append(offset(ra_deg, dec_deg, east, north))
    return corners


def plane(ra_deg: float, dec_deg: float, centre_ra: float, centre_dec: float) -> tuple[float, float]:
    """Tangent-plane offsets (east, north) of a point from a centre, degrees; the inverse of `offset`."""
    ra, dec, dec0 = math.radians(ra_deg - centre_ra), math.radians(dec_deg), math.radians(centre_dec)
    depth = math.sin(dec0) * math.sin(dec) + math.cos(dec0) * math.cos(dec) * math.cos(ra)
    east = math.cos(dec) * math.sin(ra) / depth
    north = (math.cos(dec0) * math.sin(dec) - math.sin(dec0) * math.cos(dec) * math.cos(ra)) / depth
    return math.degrees(east), math.degrees(north)


def corners_of(text: str | None) -> list[tuple[float, float]]:
    """RA and Dec of the corners of the first polygon of an STC-S text; empty when it has none."""
    match = re.search(r"POLYGON([^A-DF-Z]*)", re.sub(r"\bICRS\b", " ", text or ""))
    numbers = [float(number) for number in _NUMBER.findall(match[1])] if match else []
    return list(zip(numbers[::2], numbers[1::2], strict=False))


def polygon_text(corners: list[tuple[float, float]]) -> str:
    return "POLYGON " + " ".join(f"{ra:.9f} {dec:.9f}" for ra, dec in corners)
