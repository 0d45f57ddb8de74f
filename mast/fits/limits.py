"""Limits of a plane from its pixels: zscale, extremes, percentiles; and the knots of histogram equalisation.

Percentiles are those of every finite pixel, without holding them: counted by the upper sixteen bits of their ordered
bit pattern, then by the next ones of those that share the upper ones in question.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from mast.errors import BadQuery
from mast.fits.options import Limits, Percentiles
from mast.fits.overview import THREADS
from mast.fits.planes import PlaneRows
from mast.fits.pyramid import Pyramid
from mast.fits.stored import bands
from mast.fits.stretch import Knots

Values = NDArray[Any]
T = TypeVar("T", int, NDArray[np.int64])
KNOTS: Final = 1 << 10
"""steps of the cumulative distribution: the 256 levels of a picture, and as many for each as a gamma may bend"""
_STEP: Final = 16
_FEW: Final = 64
_PART: Final = 1 << 18


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


def knots_of(pyramid: Pyramid) -> Knots:
    """What histogram equalisation needs to know of a plane's pixels for every level to be right."""
    if "knots" not in pyramid.found:
        pyramid.found["knots"] = _knots(pyramid.usable, pyramid.facts.usable)
    knots: Knots = pyramid.found["knots"]
    return knots


def _knots(plane: PlaneRows, total: int) -> Knots:
    """The pixels on either side of each step of the cumulative distribution, with their shares of it.

    Between two of them lies no boundary of a level, so that interpolation leaves every level as all pixels would.
    """
    if not total:
        return np.empty(0, np.float32), np.empty(0)
    places = np.arange(KNOTS + 1) * (total - 1) / KNOTS
    ranks = np.unique(np.concatenate([np.floor(places), np.ceil(places)]).astype(np.int64))
    found = order_statistics(plane, ranks.tolist())
    # Equal pixels are a step: the value stands twice, with the first and the last share.
    values = np.array([each.value for each in found for _ in range(2)])
    # As ``numpy.linspace(0, 1, total)`` rounds them, which astropy takes.
    shares = np.array([rank for each in found for rank in (each.first, each.last)]) * (1.0 / max(1, total - 1))
    shares[-1] = 1.0
    return values, shares


def percentiles(plane: PlaneRows, wanted: Sequence[float]) -> list[float]:
    """Percentiles of the finite pixels, as ``numpy.percentile`` gives them; 0 … 1 when there are none."""
    total = counted(plane, len)
    if not total:
        return [0.0, 1.0][: len(wanted)]
    places = [(total - 1) * (percent / 100) for percent in wanted]
    ranks = sorted({rank for place in places for rank in (int(place), min(total - 1, int(place) + 1))})
    at_rank = {rank: each.value for rank, each in zip(ranks, order_statistics(plane, ranks), strict=True)}
    return [
        _between(at_rank[int(place)], at_rank[min(total - 1, int(place) + 1)], place - int(place)) for place in places
    ]


def _between(low: Any, high: Any, part: float) -> float:
    """Between two neighbours; counted from the nearer one, as numpy does."""
    if low.dtype.kind != "f":
        low, high = np.float64(low), np.float64(high)
    step, part = high - low, np.float64(part)
    return float(low + step * part if part < 0.5 else high - step * (1 - part))


def counted(plane: PlaneRows, count: Callable[[Values], T]) -> T:
    """The sum of what is counted of the finite pixels, some at a time: what is made of them stays in the cache."""

    def of_band(band: tuple[int, int]) -> T:
        values = plane.rows(*band).ravel()
        parts = (values[start : start + _PART] for start in range(0, len(values), _PART))
        return functools.reduce(operator.add, map(count, map(_finite, parts)))

    with ThreadPoolExecutor(THREADS) as pool:
        return functools.reduce(operator.add, pool.map(of_band, bands(plane.shape[0], plane.row_bytes)))


def _finite(values: Values) -> Values:
    if values.dtype.kind != "f":
        return values
    finite = np.isfinite(values)
    return values if finite.all() else values[finite]


class OrderStatistic(NamedTuple):
    """A pixel's value, and the first and the last rank of the pixels that equal it."""

    value: Any
    first: int
    last: int


class _Descent:
    """Where the sorted keys with some ranks lie: their upper bits, found some at a time."""

    def __init__(self, bits: int) -> None:
        self.known = 0
        self.bits = bits
        self.steps: list[tuple[int, int, NDArray[np.intp]]] = []
        """shift, bits and table of each step done: the table leads from a prefix's number to that of the longer one"""
        self.prefixes = [0]

    @property
    def step(self) -> int:
        """How many bits come next: the counts of all prefixes stay small."""
        return min(self.bits - self.known, _STEP if len(self.prefixes) <= _FEW else _STEP // 2)

    def count(self, values: Values) -> NDArray[np.int64]:
        """Of each prefix how often each value of the next bits follows it, shape (prefixes, 2 ** step)."""
        keys = _keys(values)
        numbers: Values | None = None
        for shift, step, table in self.steps:
            numbers = table[_joined(numbers, keys, shift, step)]
        step = self.step
        wide = _joined(numbers, keys, self.bits - self.known - step, step)
        counts = np.bincount(wide, minlength=(len(self.prefixes) + 1) << step)
        return counts.reshape(-1, 1 << step)[: len(self.prefixes)]

    def go_on(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Lengthen the prefixes by the digits that `chosen` says, as prefix * 2 ** step + digit; their new numbers."""
        step = self.step
        longer, numbers = np.unique(chosen, return_inverse=True)
        # All that leads nowhere has the number after the last.
        table = np.full((len(self.prefixes) + 1) << step, len(longer), np.intp)
        table[longer] = np.arange(len(longer))
        self.steps.append((self.bits - self.known - step, step, table))
        mask = (1 << step) - 1
        self.prefixes = [self.prefixes[each >> step] << step | (each & mask) for each in longer.tolist()]
        self.known += step
        return numbers


def _joined(numbers: Values | None, keys: Values, shift: int, step: int) -> NDArray[np.intp]:
    """number * 2 ** step + the digit that comes next, of each key."""
    unsigned = keys.dtype.type
    digits: NDArray[np.intp] = (keys >> unsigned(shift) & unsigned((1 << step) - 1)).astype(np.intp)
    if numbers is not None:
        digits |= numbers << step
    return digits


def order_statistics(plane: PlaneRows, ranks: Sequence[int]) -> list[OrderStatistic]:
    """The finite pixels that stand at these ranks (from 0) when all are sorted."""
    dtype = plane.rows(0, 1).dtype
    descent = _Descent(dtype.itemsize * 8)
    wanted = np.asarray(ranks, np.int64)
    numbers = np.zeros(len(wanted), np.int64)
    below, equal = np.zeros_like(wanted), np.zeros_like(wanted)
    while descent.known < descent.bits:
        counts = counted(plane, descent.count)
        cumulated = np.cumsum(counts, axis=1)
        # One sorted row of all prefixes, so that every rank is looked up at once.
        offsets = np.concatenate([[0], np.cumsum(cumulated[:, -1])[:-1]])
        flat = (cumulated + offsets[:, None]).ravel()
        chosen = np.searchsorted(flat, wanted - below + offsets[numbers], side="right")
        equal = counts.ravel()[chosen]
        below = below + flat[chosen] - equal - offsets[numbers]
        numbers = descent.go_on(chosen)
    return [
        OrderStatistic(_from_key(descent.prefixes[number], dtype), first, first + count - 1)
        for number, first, count in zip(numbers.tolist(), below.tolist(), equal.tolist(), strict=True)
    ]


def _keys(values: Values) -> Values:
    """Unsigned integers in the order of the values."""
    bits = values.dtype.itemsize * 8
    unsigned = np.dtype(f"u{values.dtype.itemsize}")
    top = unsigned.type(1 << (bits - 1))
    if values.dtype.kind == "u":
        return values
    if values.dtype.kind == "i":
        return np.asarray(values.view(unsigned) ^ top)
    # A negative float is the smaller the larger its bits; minus zero is zero.
    keys: Values = (values + values.dtype.type(0)).view(unsigned)
    keys ^= (keys.view(f"i{values.dtype.itemsize}") >> (bits - 1)).view(unsigned) | top
    return keys


def _from_key(key: int, dtype: np.dtype[Any]) -> Any:
    bits = dtype.itemsize * 8
    top = 1 << (bits - 1)
    if dtype.kind == "i":
        key ^= top
    elif dtype.kind == "f":
        key = key ^ top if key & top else ~key & ((1 << bits) - 1)
    return np.array([key], f"u{dtype.itemsize}").view(dtype)[0]
