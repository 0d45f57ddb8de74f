"""How often each brightness occurs in a plane: what `numpy.histogram` counts in double precision, in half its time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mast.errors import BadQuery
from mast.fits.limits import counted
from mast.fits.pyramid import Pyramid

Values = NDArray[Any]
MAX_BINS: Final = 4096
_COARSE: Final = 0.01
"""part of a bin within which single precision must place a value, else double does"""
_NARROW: Final = 1e-9
_ROOM: Final = 1e-6
"""of a value: limits closer than the one are taken for one value, which is shown with the other on either side"""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of a plane's usable pixels in bins of equal width."""

    low: float
    high: float
    counts: list[int]
    below: int
    above: int
    not_finite: int
    unusable: int
    """finite pixels that are flagged as unusable and counted nowhere else"""
    minimum: float
    maximum: float


def histogram(pyramid: Pyramid, bins: int = 256, limits: tuple[float, float] | None = None) -> Histogram:
    """The histogram of a plane between two limits; by default zscale's, widened by their distance on either side.

    Raises
    ------
    BadQuery : no such number of bins, or no such limits
    """
    if not 1 <= bins <= MAX_BINS:
        raise BadQuery(f"A histogram has 1 to {MAX_BINS} bins, not {bins}.")
    facts, plane = pyramid.facts, pyramid.usable
    low, high = limits or _widened(facts.zscale, facts.minimum, facts.maximum)
    with np.errstate(over="ignore", invalid="ignore"):
        edges = np.linspace(low, high, bins + 1)
        are_apart = bool((edges[:-1] < edges[1:]).all())
    if not are_apart or math.isinf(high - low):
        raise BadQuery(f"Between {low} and {high} there are no {bins} bins to tell apart; take fewer.")
    below, *counts, above = counted(plane, lambda values: _counts(values, edges)).tolist()
    missing = plane.shape[0] * plane.shape[1] - facts.finite
    unusable = facts.finite - facts.usable
    return Histogram(low, high, counts, below, above, missing, unusable, facts.minimum, facts.maximum)


def _widened(limits: tuple[float, float], minimum: float, maximum: float) -> tuple[float, float]:
    low, high = limits
    low, high = max(minimum, low - (high - low)), min(maximum, high + (high - low))
    if high - low > _NARROW * max(abs(low), abs(high)):
        return low, high
    room = max(0.5, _ROOM * abs(low))
    return low - room, low + room


def _counts(values: Values, edges: Values) -> NDArray[np.int64]:
    """How many finite values lie below, in each bin, and above.

    A value's place is reckoned, which rounding makes uncertain close to an edge; only those there are looked up.
    """
    bins, low, high = len(edges) - 1, float(edges[0]), float(edges[-1])
    scale = bins / (high - low)
    magnitude = bins + max(abs(low), abs(high)) * scale
    is_single = values.dtype == np.float32 and 4 * magnitude * np.finfo(np.float32).eps < _COARSE
    dtype: Any = np.float32 if is_single else np.float64
    slack = 4 * magnitude * float(np.finfo(dtype).eps)
    with np.errstate(over="ignore", invalid="ignore"):
        place = np.subtract(values, low, dtype=dtype)
        place *= dtype(scale)
    np.clip(place, -0.5, bins + 0.5, out=place)
    near = np.flatnonzero(np.abs(place - np.rint(place)) <= slack)
    place += 1
    index = place.astype(np.intp)
    index[near] = _looked_up(values[near], edges)
    return np.bincount(index, minlength=bins + 2)


def _looked_up(values: Values, edges: Values) -> NDArray[np.intp]:
    """0 below, 1 … in the bins, then above; a value on the last edge belongs to the last bin."""
    found = np.searchsorted(edges, values, side="right")
    found[values == edges[-1]] = len(edges) - 1
    return found
