"""How a picture may be asked for: names and text forms of its options. Standard library only, for forms and routes."""

from __future__ import annotations

import math
from typing import Final

from mast.errors import BadQuery
from mast.fits.plan import Plane

STRETCHES: Final = ("asinh", "linear", "log", "sqrt", "power")
COLORMAPS: Final = ("gray", "viridis", "inferno", "magma", "plasma", "cividis", "hot", "cool", "rainbow")
INVERTED: Final = "_r"
"""after a map's name: the same from its other end, as in matplotlib"""
MIME_TYPES: Final = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
MAX_SIDE: Final = 8000

Limits = tuple[float, float] | str
"""`zscale`, `minmax`, or the two values themselves"""


def parse_plane(text: str) -> Plane:
    """`3`, `0,4` or `median` as a plane."""
    if text.strip() == "median":
        return "median"
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise BadQuery(f"{text!r} names no plane; write `3`, `0,4` or `median`.") from error


def parse_limits(text: str) -> Limits:
    """`zscale`, `minmax` or `0.1,5` as limits."""
    if "," not in text:
        return text.strip()
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise BadQuery(f"{text!r} is no pair of limits; write the lower and the upper value: `0.1,5`.") from error
    if not (math.isfinite(low) and math.isfinite(high)) or low >= high:
        raise BadQuery("The lower limit must be below the upper, and both must be finite.")
    return low, high
