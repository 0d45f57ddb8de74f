"""A plane made smaller in bounded memory, and the pixels its limits are made of.

One pass in bands of rows, a few megabytes at a time, whatever the size of the mosaic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mast.fits.plan import Plan, Plane
from mast.fits.planes import PlaneRows, open_plane
from mast.fits.stored import Values, bands


@dataclass(frozen=True)
class Reduced:
    """A plane made smaller, and what one pass over it found."""

    mean: NDArray[np.float32]
    """block means, NaN where a block has no finite pixel; row 0 is the lowest, as in the file"""
    factor: int
    finite_per_row: NDArray[np.int64]
    """of the whole plane, at full size"""


def block_mean(plane: PlaneRows, factor: int) -> Reduced:
    """The mean of each `factor` x `factor` block over its finite pixels, in one pass."""
    height, width = plane.shape
    out_shape = (-(-height // factor), -(-width // factor))
    total, count = np.zeros(out_shape), np.zeros(out_shape, np.int64)
    finite_per_row = np.zeros(height, np.int64)
    for start, stop in bands(height, factor, plane.row_bytes):
        values = plane.rows(start, stop)
        finite = np.isfinite(values)
        finite_per_row[start:stop] = [np.count_nonzero(row) for row in finite]
        groups = slice(start // factor, -(-stop // factor))
        has_gaps = bool((finite_per_row[start:stop] < width).any())
        if has_gaps:
            np.copyto(values, 0, where=~finite)
            count[groups] += _block_counts(finite, factor)
        else:
            count[groups] += _block_areas(start, stop, width, factor)
        total[groups] += _block_sums(values, factor, _sum_dtype(values, factor))
    with np.errstate(invalid="ignore", over="ignore"):
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
    return Reduced(mean, factor, finite_per_row)


def _sum_dtype(values: Values, factor: int) -> type[np.float32] | type[np.float64]:
    # Up to this many terms a float32 sum is good to 1e-5, far below one of 256 levels, and twice as fast.
    return np.float32 if values.dtype == np.float32 and factor <= 64 else np.float64


def _block_sums(values: Values, factor: int, dtype: Any) -> Values:
    """Sums over blocks of a band that holds whole groups of rows, or rows of one group."""
    rows, width = values.shape
    groups = rows // factor if rows % factor == 0 else 1
    with np.errstate(over="ignore", invalid="ignore"):
        # Rows first: whole rows are added at the speed of memory, and `factor` times fewer numbers remain.
        by_rows = values.reshape(groups, rows // groups, width).sum(axis=1, dtype=dtype)
        return by_rows if factor == 1 else np.add.reduceat(by_rows, np.arange(0, width, factor), axis=1)


def _block_counts(finite: NDArray[np.bool_], factor: int) -> Values:
    """True pixels of each block; like `_block_sums`, in bytes where they can hold the count of a block's rows."""
    rows, width = finite.shape
    groups = rows // factor if rows % factor == 0 else 1
    dtype = np.uint8 if rows // groups < 256 else np.int64
    by_rows = finite.view(np.uint8).reshape(groups, rows // groups, width).sum(axis=1, dtype=dtype)
    return np.add.reduceat(by_rows, np.arange(0, width, factor), axis=1, dtype=np.int64)


def _block_areas(start: int, stop: int, width: int, factor: int) -> Values:
    """Pixels of each block of a band without gaps."""
    rows = np.diff(np.append(np.arange(start, stop, factor), stop))
    columns = np.diff(np.append(np.arange(0, width, factor), width))
    return np.multiply.outer(rows, columns)


def finite_sample(plane: PlaneRows, finite_per_row: NDArray[np.int64], size: int = 1000) -> Values:
    """The finite pixels astropy's ``ZScaleInterval`` looks at: ``finite.ravel()[::stride][:size]``.

    Found from the counts per row, so that only the rows that hold a sample are read again.
    """
    ends = np.cumsum(finite_per_row)
    total = int(ends[-1])
    stride = int(max(1.0, total / size))
    positions = np.arange(0, total, stride)[:size]
    in_row = np.searchsorted(ends, positions, side="right")
    pieces = []
    for row in np.unique(in_row):
        values = plane.rows(int(row), int(row) + 1)[0]
        finite = values[np.isfinite(values)]
        pieces.append(finite[positions[in_row == row] - (ends[row] - finite_per_row[row])])
    return np.concatenate(pieces) if pieces else np.empty(0, np.float32)


def nearest(plane: PlaneRows, factor: int) -> Values:
    """Every `factor`-th pixel: labels have no mean."""
    height, width = plane.shape
    middle = factor // 2
    rows = [plane.rows(row, row + 1)[0] for row in np.minimum(np.arange(0, height, factor) + middle, height - 1)]
    columns = np.minimum(np.arange(0, width, factor) + middle, width - 1)
    return np.stack(rows)[:, columns]


def fitting_factor(shape: tuple[int, int], side: int) -> int:
    """By which whole number a plane must be made smaller for its longer side to be at most `side`."""
    return max(1, math.ceil(max(shape) / side))


def read_plane(
    path: str | Path, plan: Plan, hdu: int | None = None, plane: Plane | None = None, *, side: int = 1024
) -> NDArray[np.float32]:
    """A plane as float32, its longer side at most `side` pixels: block means that leave NaN out."""
    with open_plane(path, plan, hdu, plane) as pixels:
        return block_mean(pixels, fitting_factor(pixels.shape, side)).mean


def extremes(plane: PlaneRows) -> tuple[float, float]:
    """The least and the greatest finite value of a plane; (0, 1) when there is none."""
    low, high = math.inf, -math.inf
    for start, stop in bands(plane.shape[0], 1, plane.row_bytes):
        values = plane.rows(start, stop)
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else (0.0, 1.0)
