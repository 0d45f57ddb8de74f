"""An observation's footprint as a small drawing: north up, east left, one degree of sky as long either way."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

SIDE = 200
MARGIN = 26
_SHAPE = re.compile(r"(POLYGON|CIRCLE)\s+(?:ICRS\s+|J2000\s+)?([-+0-9.eE\s]+)", re.IGNORECASE)
MOST_CORNERS = 2000


@dataclass(frozen=True)
class Drawing:
    """`polygons` and `circles` in units of the picture; `scale` is a bar of round length."""

    polygons: list[str]
    bar_x: float
    bar_label: str
    ra_deg: float
    dec_deg: float


def draw(s_region: str) -> Drawing | None:
    """The drawing of an STC-S region, or None when there is nothing to draw."""
    shapes = [corners for corners in shapes_of(s_region) if len(corners) >= 3]
    if not shapes:
        return None
    ra0, dec0 = middle_of(shapes)
    flat = [[offset(ra, dec, ra0, dec0) for ra, dec in corners] for corners in shapes]
    half = max(max(abs(x), abs(y)) for corners in flat for x, y in corners) or 1e-6
    unit = (SIDE / 2 - MARGIN) / half
    middle = SIDE / 2
    # East is to the left, and pictures count rows from the top.
    points = [[f"{middle - x * unit:.1f},{middle - y * unit:.1f}" for x, y in corners] for corners in flat]
    bar_deg, label = scale_bar(half)
    return Drawing([" ".join(corners) for corners in points], round(bar_deg * unit, 1), label, ra0, dec0)


def shapes_of(s_region: str) -> Iterator[list[tuple[float, float]]]:
    """The corners of each shape of an STC-S text, in degrees."""
    for kind, text in _SHAPE.findall(s_region[: MOST_CORNERS * 40]):
        numbers = [float(number) for number in re.findall(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?", text)]
        if kind.upper() == "CIRCLE" and len(numbers) >= 3:
            yield list(_circle(*numbers[:3]))
        elif kind.upper() == "POLYGON":
            yield list(zip(numbers[0::2], numbers[1::2], strict=False))


def _circle(ra: float, dec: float, radius: float) -> Iterator[tuple[float, float]]:
    narrow = max(math.cos(math.radians(dec)), 1e-3)
    for step in range(48):
        angle = math.tau * step / 48
        yield ra + radius * math.cos(angle) / narrow, dec + radius * math.sin(angle)


def middle_of(shapes: list[list[tuple[float, float]]]) -> tuple[float, float]:
    """The mean direction of the corners, so that RA 359.9 and 0.1 have their middle at 0."""
    corners = [corner for shape in shapes for corner in shape]
    x = sum(math.cos(math.radians(dec)) * math.cos(math.radians(ra)) for ra, dec in corners)
    y = sum(math.cos(math.radians(dec)) * math.sin(math.radians(ra)) for ra, dec in corners)
    z = sum(math.sin(math.radians(dec)) for _, dec in corners)
    return math.degrees(math.atan2(y, x)) % 360, math.degrees(math.atan2(z, math.hypot(x, y)))


def offset(ra: float, dec: float, ra0: float, dec0: float) -> tuple[float, float]:
    """East and north of the middle in degrees, on the tangent plane."""
    turn, tilt, tilt0 = math.radians(ra - ra0), math.radians(dec), math.radians(dec0)
    depth = math.sin(tilt0) * math.sin(tilt) + math.cos(tilt0) * math.cos(tilt) * math.cos(turn)
    depth = max(depth, 1e-3)
    east = math.cos(tilt) * math.sin(turn) / depth
    north = (math.cos(tilt0) * math.sin(tilt) - math.sin(tilt0) * math.cos(tilt) * math.cos(turn)) / depth
    return math.degrees(east), math.degrees(north)


def scale_bar(half_deg: float) -> tuple[float, str]:
    """A scale bar of a round length near a third of the picture."""
    for degrees in (30, 10, 5, 2):
        if degrees <= half_deg:
            return degrees, f"{degrees}°"
    for arcsec in (3600, 1200, 600, 300, 120, 60, 30, 10, 5, 2, 1):
        if arcsec / 3600 <= half_deg:
            return arcsec / 3600, "1°" if arcsec == 3600 else f"{arcsec // 60}′" if arcsec >= 60 else f"{arcsec}″"
    return half_deg, f"{half_deg * 3600:.2g}″"
