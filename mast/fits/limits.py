"""Limits of a plane from its pixels: zscale, extremes, percentiles; and the sample for histogram equalisation.

Percentiles are those of every finite pixel, without holding them: counted by the upper sixteen bits of their ordered
bit pattern, then by the next sixteen of those that share the ones in question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mast.errors import BadQuery
from mast.fits.options import Limits, Percentiles
from mast.fits.planes import PlaneRows
from mast.fits.pyramid import Pyramid
from mast.fits.sample import finite_sample
from mast.fits.stored import bands

Values = NDArray[Any]
KNOTS: Final = 1 << 16
"""pixels that histogram equalisation ranks by; all of a plane of no more"""
_STEP: Final = 16


def limits_of(pyramid: Pyramid, wanted: Limits) -> tuple[float, float]:
    """Two numbers for limits asked for in any way."""
    if isinstance(wanted, Percentiles):
        name = f"percentile {wanted.low:.10g} {wanted.high:.10g}"
        if name not in pyramid.found:
            pyramid.found[name] = percentiles(pyramid.usable, (wanted.low, wanted.high))
        low, high = pyramid.found[name]
        return float(low), float(high)
    if wanted == "zscale":
        return pyramid.facts.zscale
    if wanted == "minmax":
        return pyramid.facts.minimum, pyramid.facts.maximum
    if isinstance(wanted, str):
        raise BadQuery(f"{wanted!r} is no kind of limits.")
    return wanted


def knots_of(pyramid: Pyramid) -> Values:
    """At most `KNOTS` finite pixels, evenly spaced in the file's order."""
    if "knots" not in pyramid.found:
        pyramid.found["knots"] = finite_sample(pyramid.usable, pyramid.usable_per_row, KNOTS)
    knots: Values = pyramid.found["knots"]
    return knots


def percentiles(plane: PlaneRows, wanted: Sequence[float]) -> list[float]:
    """Percentiles of the finite pixels, as ``numpy.percentile`` gives them; 0 … 1 when there are none."""
    total = sum(len(values) for values in _finite(plane))
    if not total:
        return [0.0, 1.0][: len(wanted)]
    places = [(total - 1) * (percent / 100) for percent in wanted]
    ranks = sorted({rank for place in places for rank in (int(place), min(total - 1, int(place) + 1))})
    at_rank = dict(zip(ranks, order_statistics(plane, ranks), strict=True))
    return [
        _between(at_rank[int(place)], at_rank[min(total - 1, int(place) + 1)], place - int(place)) for place in places
    ]


def _between(low: Any, high: Any, part: float) -> float:
    """Between two neighbours; counted from the nearer one, as numpy does."""
    if low.dtype.kind != "f":
        low, high = np.float64(low), np.float64(high)
    step, part = high - low, np.float64(part)
    return float(low + step * part if part < 0.5 else high - step * (1 - part))


def _finite(plane: PlaneRows) -> Iterator[Values]:
    for start, stop in bands(plane.shape[0], plane.row_bytes):
        values = plane.rows(start, stop).ravel()
        if values.dtype.kind == "f":
            finite = np.isfinite(values)
            values = values if finite.all() else values[finite]
        yield values


def order_statistics(plane: PlaneRows, ranks: Sequence[int]) -> list[Any]:
    """The finite pixels that stand at these ranks (from 0) when all are sorted."""
    dtype = plane.rows(0, 1).dtype
    bits = dtype.itemsize * 8
    known = dict.fromkeys(ranks, 0)
    """of each rank the bits found so far"""
    below = dict.fromkeys(ranks, 0)
    """of each rank the pixels that are less in those bits"""
    for shift in range(max(0, bits - _STEP), -1, -_STEP):
        counts = _counts(plane, {known[rank] for rank in ranks}, bits, shift)
        for rank in ranks:
            cumulated = np.cumsum(counts[known[rank]])
            digit = int(np.searchsorted(cumulated, rank - below[rank], side="right"))
            below[rank] += int(cumulated[digit - 1]) if digit else 0
            known[rank] = known[rank] << min(_STEP, bits) | digit
    return [_from_key(known[rank], dtype) for rank in ranks]


def _counts(plane: PlaneRows, prefixes: set[int], bits: int, shift: int) -> dict[int, NDArray[np.int64]]:
    """For each prefix how often each value of the next bits follows it."""
    step = min(_STEP, bits)
    counts = {prefix: np.zeros(1 << step, np.int64) for prefix in prefixes}
    is_first = shift + step == bits
    for values in _finite(plane):
        keys = _keys(values)
        digits = (keys >> keys.dtype.type(shift)).astype(np.uint16)
        heads = None if is_first else keys >> keys.dtype.type(shift + step)
        for prefix, counted in counts.items():
            chosen = digits if heads is None else digits[heads == heads.dtype.type(prefix)]
            counted += np.bincount(chosen, minlength=1 << step)
    return counts


def _keys(values: Values) -> Values:
    """Unsigned integers in the order of the values."""
    bits = values.dtype.itemsize * 8
    unsigned = np.dtype(f"u{values.dtype.itemsize}")
    top = unsigned.type(1 << (bits - 1))
    if values.dtype.kind == "u":
        return values
    keys = values.view(unsigned)
    turned: Values = top
    if values.dtype.kind == "f":
        # A negative float is the smaller the larger its bits; minus zero is zero.
        keys[values == 0] = 0
        turned = np.where(keys & top, ~unsigned.type(0), top)
    found: Values = keys ^ turned
    return found


def _from_key(key: int, dtype: np.dtype[Any]) -> Any:
    bits = dtype.itemsize * 8
    top = 1 << (bits - 1)
    if dtype.kind == "i":
        key ^= top
    elif dtype.kind == "f":
        key = key ^ top if key & top else ~key & ((1 << bits) - 1)
    return np.array([key], f"u{dtype.itemsize}").view(dtype)[0]
