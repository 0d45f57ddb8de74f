"""The one pass over a plane that makes its pyramid: bands of rows, a few megabytes at a time, on two threads.

Memory does not grow with the file: each band writes its part of every level where it belongs.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mast.fits import pyramid
from mast.fits.planes import Buffer, PlaneRows
from mast.fits.pyramid import SHRINKINGS, Facts, Pyramid, Upright, finite_mask, kept_levels, layout, level_shape
from mast.fits.quality import is_unusable, usable_plane
from mast.fits.sample import finite_sample
from mast.fits.shrink import Shrinking, State
from mast.fits.stretch import zscale_of_sample

Values = NDArray[Any]

BAND_LEVEL: Final = 7
"""a band is 128 rows high, so that it fills whole rows of every level up to 1/128"""
STRIP_BYTES: Final = 12 << 20
THREADS: Final = 2
SMALL_PIXELS: Final = 1 << 20
"""A plane of no more is read again in milliseconds; its pyramid need not be kept on disk."""


class _Store(Protocol):
    def put(self, level: int, row: int, column: int, values: Values) -> None: ...


class _Memory:
    def __init__(self, shape: tuple[int, int], first: int, dtype: np.dtype[Any]) -> None:
        self.levels = {level: np.empty(level_shape(shape, level), dtype) for level in kept_levels(shape, first)}

    def put(self, level: int, row: int, column: int, values: Values) -> None:
        if level in self.levels:
            self.levels[level][row : row + len(values), column : column + values.shape[1]] = values


class _File:
    """Written by offset from several threads: pages of a mapping would count as this process's memory."""

    def __init__(self, descriptor: int, shape: tuple[int, int], first: int, dtype: np.dtype[Any]) -> None:
        self._descriptor = descriptor
        self._shape = shape
        self._item = dtype.itemsize
        self._offsets, self.end = layout(shape, first, dtype)

    def put(self, level: int, row: int, column: int, values: Values) -> None:
        if level not in self._offsets:
            return
        width = level_shape(self._shape, level)[1]
        at = self._offsets[level] + (row * width + column) * self._item
        if values.shape[1] == width:
            os.pwrite(self._descriptor, np.ascontiguousarray(values).data, at)
        else:
            for number, line in enumerate(values):
                os.pwrite(self._descriptor, np.ascontiguousarray(line).data, at + number * width * self._item)


class _Pass:
    """One pass over one plane."""

    def __init__(self, plane: PlaneRows, draw: str, first: int, store: _Store, flags: PlaneRows | None = None) -> None:
        self.plane = Upright(plane)
        self.flags = Upright(flags) if flags else None
        self.pixel_bytes = max(1, plane.row_bytes // plane.shape[1])
        self.first = first
        self.store = store
        self.shrinking: Shrinking = SHRINKINGS[draw]
        self.usable = np.zeros(plane.shape[0], np.int64)
        self.finite = 0
        self.minimum, self.maximum = math.inf, -math.inf
        self._lock = threading.Lock()
        self._own = threading.local()
        self._small: dict[tuple[int, int], State] = {}

    def run(self) -> None:
        self._all_bands()
        if self.flags and self.finite and not self.usable.any():
            # Limits of all pixels are better than none.
            self.flags, self.finite = None, 0
            self._all_bands()
        self._deep_levels()

    def _all_bands(self) -> None:
        bands = list(range(0, self.plane.shape[0], 1 << BAND_LEVEL))
        if len(bands) <= 4:
            for top in bands:
                self._band(top)
        else:
            with ThreadPoolExecutor(THREADS) as pool:
                list(pool.map(self._band, bands))

    def _strips(self) -> Iterator[tuple[int, int]]:
        """Columns in strips, whole blocks, that are not too large however wide the plane is."""
        width = self.plane.shape[1]
        step = max(1, STRIP_BYTES // (self.pixel_bytes << 2 * BAND_LEVEL)) << BAND_LEVEL
        yield from ((left, min(width, left + step)) for left in range(0, width, step))

    def _band(self, top: int) -> None:
        bottom = min(self.plane.shape[0], top + (1 << BAND_LEVEL))
        for left, right in self._strips():
            values = self.plane.window(top, bottom, left, right, self._buffer((bottom - top) * (right - left)))
            finite = finite_mask(values)
            self._count(values, self._usable(finite, values, (top, bottom, left, right)), finite, top)
            self._shrink(finite, values, top, left)

    def _buffer(self, pixels: int) -> Buffer:
        """This thread's, used again for every band."""
        buffer: Buffer | None = getattr(self._own, "buffer", None)
        if buffer is None or len(buffer) < pixels * self.pixel_bytes:
            buffer = self._own.buffer = np.empty(pixels * self.pixel_bytes, np.uint8)
        return buffer

    def _usable(
        self, finite: NDArray[np.bool_] | None, values: Values, window: tuple[int, int, int, int]
    ) -> NDArray[np.bool_] | None:
        """Which pixels limits are made of; None for all."""
        if self.flags is None:
            return finite
        unusable = is_unusable(self.flags.window(*window))
        if not unusable.any():
            return finite
        return ~unusable if finite is None else finite & ~unusable

    def _count(
        self, values: Values, usable: NDArray[np.bool_] | None, finite: NDArray[np.bool_] | None, top: int
    ) -> None:
        """Usable pixels of each row, their extremes, and all that are finite."""
        if usable is None:
            self._add(values.size)
            self.usable[top : top + len(values)] += values.shape[1]
            self._widen(values.min(), values.max())
            return
        # Row by row: `count_nonzero` along an axis takes three times as long.
        rows = [int(np.count_nonzero(row)) for row in usable]
        self.usable[top : top + len(values)] += rows
        if usable is finite:
            self._add(sum(rows))
            low, high = np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)
            if not (np.isinf(low) or np.isinf(high)):
                if not np.isnan(low):
                    self._widen(low, high)
                return
        else:
            self._add(values.size if finite is None else int(np.count_nonzero(finite)))
        if usable.any():
            chosen = values[usable]
            self._widen(chosen.min(), chosen.max())

    def _add(self, finite: int) -> None:
        with self._lock:
            self.finite += finite

    def _widen(self, low: Any, high: Any) -> None:
        with self._lock:
            self.minimum, self.maximum = min(self.minimum, float(low)), max(self.maximum, float(high))

    def _shrink(self, finite: NDArray[np.bool_] | None, values: Values, top: int, left: int) -> None:
        if self.first == 0:
            self.store.put(0, top, left, values.astype(self.shrinking.dtype))
            level, state = 1, self.shrinking.halve(self.shrinking.begin(values, finite))
        else:
            level, state = 2, self.shrinking.quarter(values, finite)
        while True:
            self.store.put(level, top >> level, left >> level, self.shrinking.finish(state))
            if level == BAND_LEVEL:
                break
            level, state = level + 1, self.shrinking.halve(state)
        with self._lock:
            self._small[top >> level, left >> level] = state

    def _deep_levels(self) -> None:
        """Levels beyond those of a band, from the whole of that level."""
        level = BAND_LEVEL
        shape = level_shape(self.plane.shape, level)
        any_state = next(iter(self._small.values()))
        state = tuple(np.zeros(shape, part.dtype) for part in any_state)
        for (row, column), pieces in self._small.items():
            for whole, piece in zip(state, pieces, strict=True):
                whole[row : row + len(piece), column : column + piece.shape[1]] = piece
        while max(level_shape(self.plane.shape, level)) > pyramid.TILE:
            level, state = level + 1, self.shrinking.halve(state)
            self.store.put(level, 0, 0, self.shrinking.finish(state))

    def facts(self, plane: PlaneRows, draw: str, flags: PlaneRows | None) -> Facts:
        counts = self.usable[::-1]
        number = int(counts.sum())
        usable = usable_plane(plane, flags, number, self.finite)
        has_pixels = self.minimum <= self.maximum
        zscale = zscale_of_sample(finite_sample(usable, counts)) if draw == "values" else (0.0, 1.0)
        return Facts(
            shape=plane.shape,
            draw=draw,
            first=self.first,
            zscale=zscale,
            minimum=self.minimum if has_pixels else 0.0,
            maximum=self.maximum if has_pixels else 1.0,
            finite=self.finite,
            usable=number,
        )


def first_level(plane: PlaneRows) -> int:
    """Of a plane that is computed every level is kept, of one on disk those from a quarter on."""
    return 0 if plane.is_made else 2


def is_small(plane: PlaneRows) -> bool:
    return plane.shape[0] * plane.shape[1] <= SMALL_PIXELS and not plane.is_made


def build(plane: PlaneRows, draw: str = "values", flags: PlaneRows | None = None) -> Pyramid:
    """The pyramid of a plane in memory, for small planes.

    Limits are made of the pixels that `flags` call usable, or of all where that would be none.
    """
    first = first_level(plane)
    store = _Memory(plane.shape, first, SHRINKINGS[draw].dtype)
    run = _Pass(plane, draw, first, store, flags)
    run.run()
    return Pyramid(plane, run.facts(plane, draw, flags), store.levels, run.usable[::-1], flags)


def build_file(plane: PlaneRows, target: Path, draw: str = "values", flags: PlaneRows | None = None) -> Pyramid:
    """The same in a file, which appears under its name when it is whole."""
    first = first_level(plane)
    part = target.with_name(f"{target.name}.{os.getpid()}-{threading.get_ident()}.part")
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        store = _File(descriptor, plane.shape, first, SHRINKINGS[draw].dtype)
        run = _Pass(plane, draw, first, store, flags)
        run.run()
        pyramid.write_end(descriptor, store.end, run.facts(plane, draw, flags), run.usable[::-1])
        # Without it a power cut could leave a whole file of zeros behind the name.
        os.fdatasync(descriptor)
        part.rename(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    found = pyramid.read(target, plane, flags)
    return found if found is not None else build(plane, draw, flags)
