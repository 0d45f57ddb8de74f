"""How pixels become fewer: means of blocks that leave NaN out, bits of any pixel, or one pixel for its block."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
State = tuple[Values, ...]
"""what is carried from one level to the next: sums and counts, or the values themselves"""


class Shrinking(Protocol):
    """One way of making an image smaller, twice at a time."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what is kept, little-endian."""
        ...

    def begin(self, values: Values, finite: NDArray[np.bool_] | None) -> State: ...

    def quarter(self, values: Values, finite: NDArray[np.bool_] | None) -> State:
        """Twice halved; may overwrite `values`."""
        ...

    def half(self, values: Values, finite: NDArray[np.bool_] | None) -> Values:
        """Once halved, and finished."""
        ...

    def halve(self, state: State) -> State: ...

    def finish(self, state: State) -> Values: ...


def _even(values: Values) -> Values:
    """With a last row and column of zeros where their number is odd."""
    rows, columns = (length % 2 for length in values.shape)
    return np.pad(values, ((0, rows), (0, columns))) if rows or columns else values


def _four(values: Values) -> Values:
    """With rows and columns of zeros up to a multiple of four."""
    rows, columns = (-length % 4 for length in values.shape)
    return np.pad(values, ((0, rows), (0, columns))) if rows or columns else values


class Means:
    """Means of finite pixels. A float32 sum over sixteen pixels is good to 1e-6, and whole rows are added first."""

    dtype: np.dtype[Any] = np.dtype("<f4")

    def begin(self, values: Values, finite: NDArray[np.bool_] | None) -> State:
        summed = values.astype(np.float32 if values.dtype == np.float32 else np.float64)
        if finite is None:
            return summed, np.ones(values.shape, np.int32)
        np.copyto(summed, 0, where=~finite)
        return summed, finite.astype(np.int32)

    def quarter(self, values: Values, finite: NDArray[np.bool_] | None) -> State:
        dtype = np.float32 if values.dtype == np.float32 else np.float64
        if finite is not None:
            np.copyto(values, 0, where=~finite)
        with np.errstate(over="ignore", invalid="ignore"):
            total = self._sums(values, dtype)
            if dtype is np.float32 and not np.isfinite(total).all():
                total = self._sums(values, np.float64)
        return total, self._counts(values.shape, finite)

    def _sums(self, values: Values, dtype: Any) -> Values:
        values = _four(values)
        rows = values.reshape(len(values) // 4, 4, -1).sum(axis=1, dtype=dtype)
        return np.asarray((rows[:, 0::4] + rows[:, 1::4]) + (rows[:, 2::4] + rows[:, 3::4]))

    def _counts(self, shape: tuple[int, ...], finite: NDArray[np.bool_] | None) -> Values:
        if finite is None:
            rows, columns = (np.minimum(4, length - np.arange(0, length, 4)) for length in shape)
            return np.multiply.outer(rows, columns).astype(np.int32)
        ones = _four(finite.view(np.uint8))
        by_rows = ones.reshape(len(ones) // 4, 4, -1).sum(axis=1, dtype=np.uint8)
        counts: Values = (by_rows[:, 0::4] + by_rows[:, 1::4]) + (by_rows[:, 2::4] + by_rows[:, 3::4])
        return counts.astype(np.int32)

    def half(self, values: Values, finite: NDArray[np.bool_] | None) -> Values:
        """Once halved and finished: what a tile of half the size costs is what a person waits for."""
        if finite is not None or values.dtype != np.float32 or values.shape[0] % 2 or values.shape[1] % 2:
            return self.finish(self.halve(self.begin(values, finite)))
        with np.errstate(over="ignore"):
            rows = values[0::2] + values[1::2]
            total = rows[:, 0::2] + rows[:, 1::2]
        if not np.isfinite(total).all():
            return self.finish(self.halve(self.begin(values.astype(np.float64), None)))
        total *= np.float32(0.25)
        return np.asarray(total, self.dtype)

    def halve(self, state: State) -> State:
        halved = []
        for part in map(_even, state):
            rows = part[0::2] + part[1::2]
            halved.append(rows[:, 0::2] + rows[:, 1::2])
        return tuple(halved)

    def finish(self, state: State) -> Values:
        total, count = state
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return np.asarray(total / count, self.dtype)


class Bits:
    """Bits set in any pixel of a block: a flag that one pixel has is still seen from afar."""

    dtype: np.dtype[Any] = np.dtype("<u4")

    def begin(self, values: Values, finite: NDArray[np.bool_] | None) -> State:
        with np.errstate(invalid="ignore"):
            return (values.astype(np.int64).astype(np.uint32),)

    def quarter(self, values: Values, finite: NDArray[np.bool_] | None) -> State:
        return self.halve(self.halve(self.begin(values, finite)))

    def half(self, values: Values, finite: NDArray[np.bool_] | None) -> Values:
        return self.finish(self.halve(self.begin(values, finite)))

    def halve(self, state: State) -> State:
        (values,) = map(_even, state)
        rows = values[0::2] | values[1::2]
        return (rows[:, 0::2] | rows[:, 1::2],)

    def finish(self, state: State) -> Values:
        return np.asarray(state[0], self.dtype)


class Samples:
    """One pixel of each block: labels have no mean."""

    dtype: np.dtype[Any] = np.dtype("<i4")

    def begin(self, values: Values, finite: NDArray[np.bool_] | None) -> State:
        return (values.astype(np.int32),)

    def quarter(self, values: Values, finite: NDArray[np.bool_] | None) -> State:
        return (values[0::4, 0::4].astype(np.int32),)

    def half(self, values: Values, finite: NDArray[np.bool_] | None) -> Values:
        return self.finish(self.halve(self.begin(values, finite)))

    def halve(self, state: State) -> State:
        return (state[0][0::2, 0::2],)

    def finish(self, state: State) -> Values:
        return np.asarray(state[0], self.dtype)
