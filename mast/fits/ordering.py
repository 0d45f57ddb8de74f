"""The order of a table's rows by one of its columns, found once and kept by whoever asks.

What has no value, NaN and nulls, comes last whichever way the rows are ordered.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mast.errors import BadQuery
from mast.fits.plan import Plan, PlanHdu
from mast.fits.stored import bands
from mast.fits.tables import read_columns, read_rows

MOST_ROWS: Final = 5_000_000
Order = NDArray[np.int64]


def order_of(path: str | Path, plan: Plan, table: PlanHdu, sort: str) -> Order:
    """The rows of a binary table ordered by a column, `-` before its name for descending.

    Raises
    ------
    BadQuery : there is no such column, its cells are arrays, or the table is too long
    """
    columns = read_columns(path, table)
    name = sort.removeprefix("-")
    number = next((number for number, column in enumerate(columns) if column.name == name), None)
    if number is None:
        raise BadQuery(f"{table.label} has no column {name!r}.", fields={"sort": "is no column of this table"})
    column = columns[number]
    if column.shape or column.code in "PQMC":
        raise BadQuery(f"The cells of {name} hold several values; rows cannot be ordered by them.")
    check_length(table.shape[0])
    values, missing = [], []
    for start, stop in bands(table.shape[0], table.shape[1]):
        stored = read_rows(path, plan, table, columns, start, stop)[f"c{number}"]
        values.append(column.values(stored))
        missing.append(column.is_null(stored))
    if not values:
        return np.empty(0, np.int64)
    return ordered(np.concatenate(values), np.concatenate(missing), is_descending=sort.startswith("-"))


def check_length(rows: int) -> None:
    if rows > MOST_ROWS:
        raise BadQuery(f"The table has {rows:,} rows; up to {MOST_ROWS:,} can be ordered.")


def ordered(values: NDArray[Any], missing: NDArray[np.bool_], *, is_descending: bool) -> Order:
    """Places of values in order; equal ones stay as they are in the file."""
    if values.dtype.kind == "f":
        missing = missing | np.isnan(values)
    present, absent = np.flatnonzero(~missing), np.flatnonzero(missing)
    if is_descending:
        # Sorted from the end and turned round, so that equal ones stay in the file's order.
        present = present[::-1]
    placed = present[np.argsort(values[present], kind="stable")]
    return np.concatenate([placed[::-1] if is_descending else placed, absent])
