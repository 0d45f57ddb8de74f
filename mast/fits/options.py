"""How a picture may be asked for: names and text forms of its options. Standard library only, for forms and routes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from mast.errors import BadQuery
from mast.fits.plan import Plane

STRETCHES: Final = ("asinh", "linear", "log", "sqrt", "power", "histeq")
COLORMAPS: Final = ("gray", "viridis", "inferno", "magma", "plasma", "cividis", "hot", "cool", "rainbow")
INVERTED: Final = "_r"
"""after a map's name: the same from its other end, as in matplotlib"""
MIME_TYPES: Final = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
MAX_SIDE: Final = 8000
NAN_COLOUR: Final = "3b4a6b"
"""slate blue: no pixel is black or white for want of data"""
TRANSPARENT: Final = "transparent"
GAMMAS: Final = (0.1, 10.0)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Limits that leave out so many per cent of the pixels below and above."""

    low: float
    high: float


Limits = tuple[float, float] | Percentiles | str
"""`zscale`, `minmax`, percentiles, or the two values themselves"""


@dataclass(frozen=True, slots=True)
class Look:
    """How values become colours."""

    stretch: str = "asinh"
    limits: Limits = "zscale"
    gamma: float = 1.0
    cmap: str = "gray"
    nan: str = NAN_COLOUR
    """`RRGGBB`, or `transparent`"""

    def __post_init__(self) -> None:
        if self.stretch not in STRETCHES:
            raise BadQuery(f"{self.stretch!r} is no stretch; there are {', '.join(STRETCHES)}.")
        if self.cmap.removesuffix(INVERTED) not in COLORMAPS:
            raise BadQuery(
                f"{self.cmap!r} is no colour map; there are {', '.join(COLORMAPS)}, each also with `{INVERTED}`."
            )
        if isinstance(self.limits, str) and self.limits not in {"zscale", "minmax"}:
            raise BadQuery(
                f"{self.limits!r} is no kind of limits; there are zscale, minmax, percentile:99.5, "
                "or two values: `0.1,5`."
            )
        if not GAMMAS[0] <= self.gamma <= GAMMAS[1]:
            raise BadQuery(f"Gamma goes from {GAMMAS[0]:g} to {GAMMAS[1]:g}.")
        if self.nan != TRANSPARENT and not re.fullmatch(r"[0-9a-fA-F]{6}", self.nan):
            raise BadQuery(f"{self.nan!r} is no colour for NaN; write `3b4a6b`, or `transparent`.")

    @property
    def nan_rgb(self) -> tuple[int, int, int]:
        red, green, blue = bytes.fromhex(NAN_COLOUR if self.nan == TRANSPARENT else self.nan)
        return red, green, blue


def parse_plane(text: str) -> Plane:
    """`3`, `0,4`, `median` or `difference,2` as a plane."""
    text = text.strip()
    if text == "median" or re.fullmatch(r"difference(,\d{1,9})?", text):
        return text
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise BadQuery(f"{text!r} names no plane; write `3`, `0,4`, `median` or `difference,2`.") from error


def plane_text(plane: Plane) -> str:
    """What `parse_plane` reads."""
    return plane if isinstance(plane, str) else ",".join(str(index) for index in plane)


def parse_limits(text: str) -> Limits:
    """`zscale`, `minmax`, `percentile:99.5`, `percentile:1,99` or `0.1,5` as limits."""
    text = text.strip()
    if text.startswith("percentile:") or text.endswith("%"):
        return _percentiles(text.removeprefix("percentile:").removesuffix("%"))
    if "," not in text:
        return text
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise BadQuery(f"{text!r} is no pair of limits; write the lower and the upper value: `0.1,5`.") from error
    if not (math.isfinite(low) and math.isfinite(high)) or low >= high:
        raise BadQuery("The lower limit must be below the upper, and both must be finite.")
    return low, high


def _percentiles(text: str) -> Percentiles:
    """`99.5` is the middle 99.5 per cent, as in astropy's ``PercentileInterval``; `1,99` are both ends."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise BadQuery(f"{text!r} are no percentiles; write `percentile:99.5` or `percentile:1,99`.") from error
    if len(numbers) == 1:
        outside = (100.0 - numbers[0]) * 0.5
        numbers = [outside, 100.0 - outside]
    if len(numbers) != 2 or not 0 <= numbers[0] < numbers[1] <= 100:
        raise BadQuery("Percentiles lie between 0 and 100, the lower first.")
    return Percentiles(*numbers)
