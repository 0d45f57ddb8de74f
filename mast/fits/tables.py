"""Pages of a binary table, read by offset: a table of a million rows costs what the rows shown cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mast.errors import BadQuery, NotViewable
from mast.fits.columns import Column, columns_of, row_dtype
from mast.fits.plan import Plan, PlanHdu
from mast.fits.stored import bands, open_inspected, read_exactly, read_strided
from mast.fitswalk import read_header

MAX_ROWS: Final = 1000
"""of one page"""
PAGE_BYTES: Final = 256 << 20
_METADATA: Final = frozenset({"ASDF", "HDRTAB"})

Cell = float | int | str | bool | None | list[Any]


@dataclass(frozen=True, slots=True)
class ColumnHead:
    """What is written over a column. `shape` is that of one cell, empty for a single value."""

    name: str
    unit: str = ""
    type: str = ""
    shape: tuple[int, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class TablePage:
    """Some rows of a table. A cell that is an array holds its first values only."""

    name: str
    columns: list[ColumnHead]
    rows: list[list[Cell]]
    start: int
    total: int


def table_hdus(plan: Plan) -> list[PlanHdu]:
    """The tables a reader may want, those of metadata last."""
    tables = [hdu for hdu in plan.hdus if hdu.is_table]
    return sorted(tables, key=lambda hdu: hdu.name in _METADATA)


def table_rows(
    path: str | Path,
    plan: Plan,
    hdu: int | None = None,
    start: int = 0,
    count: int = 50,
    *,
    values: int = 8,
    order: NDArray[np.integer[Any]] | None = None,
) -> TablePage:
    """Rows `start` to `start + count` of a binary table; of a cell that is an array the first `values` values.

    `order` has the number of the row that stands at each place.

    Raises
    ------
    NotViewable : the file has no binary table, or this HDU is none
    BadQuery : rows that cannot be asked for
    """
    check_page(start, count)
    table = choose_table(plan, hdu)
    columns = read_columns(path, table)
    total = table.shape[0]
    stop = min(total, start + count, start + max(1, PAGE_BYTES // max(1, table.shape[1])))
    if order is None:
        stored = read_rows(path, plan, table, columns, start, stop)
    else:
        stored = _rows_at(path, plan, table, columns, order[start:stop])
    cells = [_cells(column, stored[f"c{number}"], values) for number, column in enumerate(columns)]
    rows = [list(row) for row in zip(*cells, strict=True)]
    return TablePage(table.label, [_head(column) for column in columns], rows, start, total)


def check_page(start: int, count: int) -> None:
    if start < 0 or not 1 <= count <= MAX_ROWS:
        raise BadQuery(f"Ask for 1 to {MAX_ROWS} rows from row 0 on, not for {count} from {start}.")


def choose_table(plan: Plan, index: int | None) -> PlanHdu:
    """The table asked for, else the first that is not metadata."""
    if index is not None:
        table = plan.hdu(index)
        if table.is_table:
            return table
        raise NotViewable(f"HDU {index} ({table.label}) is no binary table.")
    tables = table_hdus(plan)
    if not tables:
        raise NotViewable(f"{plan.file_name} holds no binary table.")
    return tables[0]


def read_columns(path: str | Path, table: PlanHdu) -> list[Column]:
    """The columns of a table, from its header."""
    return columns_of(read_header(path, table.header_offset), table)


def _head(column: Column) -> ColumnHead:
    return ColumnHead(column.name, column.unit, column.form, column.shape, column.description)


def read_rows(
    path: str | Path, plan: Plan, table: PlanHdu, columns: list[Column], start: int, stop: int
) -> NDArray[Any]:
    """Rows `start` to `stop` as they are stored, fields `c0`, `c1`, …"""
    if start >= stop or not columns:
        return np.empty(0, row_dtype(columns, table.shape[1]))
    with open_inspected(path, plan) as descriptor:
        raw = read_exactly(descriptor, table.data_offset + start * table.shape[1], (stop - start) * table.shape[1])
    return raw.view(row_dtype(columns, table.shape[1]))


def _rows_at(
    path: str | Path, plan: Plan, table: PlanHdu, columns: list[Column], rows: NDArray[np.integer[Any]]
) -> NDArray[Any]:
    """The same of rows that lie anywhere."""
    row_bytes = table.shape[1]
    buffer = np.empty(len(rows) * row_bytes, np.uint8)
    with open_inspected(path, plan) as descriptor:
        for place, row in enumerate(rows.tolist()):
            read_exactly(descriptor, table.data_offset + row * row_bytes, row_bytes, buffer[place * row_bytes :])
    return buffer.view(row_dtype(columns, row_bytes))


def read_values(
    path: str | Path, plan: Plan, table: PlanHdu, columns: list[Column], wanted: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """Whole columns by name, those that are there, read in bands of rows."""
    numbers = {columns[number].name: number for number in reversed(range(len(columns)))}
    found = {name: numbers[name] for name in wanted if name in numbers}
    pieces: dict[str, list[NDArray[Any]]] = {name: [] for name in found}
    for stored in _bands_of(path, plan, table, columns):
        for name, number in found.items():
            pieces[name].append(columns[number].values(stored[f"c{number}"]))
    return {name: np.concatenate(parts) for name, parts in pieces.items() if parts}


def read_column(path: str | Path, plan: Plan, table: PlanHdu, column: Column, start: int, stop: int) -> NDArray[Any]:
    """One column of some rows, nothing else of them read: rows of spectra are hundreds of kilobytes long."""
    offset = table.data_offset + start * table.shape[1] + column.offset
    with open_inspected(path, plan) as descriptor:
        raw = read_strided(descriptor, offset, table.shape[1], stop - start, column.dtype.itemsize)
    return column.values(raw.view(column.dtype.base).reshape(stop - start, *column.dtype.shape))


def _bands_of(path: str | Path, plan: Plan, table: PlanHdu, columns: list[Column]) -> Iterator[NDArray[Any]]:
    for start, stop in bands(table.shape[0], table.shape[1]):
        yield read_rows(path, plan, table, columns, start, stop)


# --- cells ------------------------------------------------------------------------------------------------------


def _cells(column: Column, stored: NDArray[Any], values: int) -> list[Cell]:
    """One column of a page as plain values for JSON and for templates."""
    if column.code == "A":
        return [_string(cell) for cell in stored.tolist()]
    if column.code == "X":
        return ["".join(map(str, np.unpackbits(bits)[: column.shape[0]])) for bits in stored]
    if column.code in "PQ":
        return [f"{int(cell[0])} values" if len(cell) else None for cell in stored]
    if not column.shape:
        return _plain_values(column, stored)
    first = stored.reshape(len(stored), math.prod(column.shape))[:, :values]
    flat = _plain_values(column, first.ravel())
    step = first.shape[1]
    return [list(flat[row * step : (row + 1) * step]) for row in range(len(stored))]


def _plain_values(column: Column, stored: NDArray[Any]) -> list[Cell]:
    """Numbers of one dimension as plain values; None for NaN and for TNULL."""
    if column.code == "L":
        return [{84: True, 70: False}.get(letter) for letter in stored.tolist()]
    values = column.values(stored)
    # The shortest decimal that is a float32, not the many digits of its float64: 11.1, not 11.100000381469727.
    is_short = values.dtype == np.float32
    numbers = [float(text) for text in values.astype("U").tolist()] if is_short else values.tolist()
    return [None if is_null else _plain(value) for value, is_null in zip(numbers, column.is_null(stored), strict=True)]


def _string(cell: Any) -> Cell:
    if isinstance(cell, list):
        return [_string(part) for part in cell]
    # A NUL ends a string; what stands after it is undefined.
    text: str = cell.partition(b"\0")[0].decode("ascii", "replace")
    return text.rstrip()


def _plain(value: Any) -> Cell:
    if isinstance(value, complex):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    plain: Cell = value
    return plain
