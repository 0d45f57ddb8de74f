"""Pixels a plane's limits are made of, found from how many finite ones each row has: few rows are read again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mast.fits.planes import PlaneRows
from mast.fits.stored import Values


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
