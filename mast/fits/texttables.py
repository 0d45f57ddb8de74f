"""Pages of tables that are text: ECSV catalogues and light curves, CSV association pools.

Where each row begins is found once, in one pass that holds a line at a time; a page then costs its own rows.
Source: ECSV 1.0 (Astropy Proposal for Enhancement 6), whose YAML header names the columns, their types and units.
"""

from __future__ import annotations

import contextlib
import csv
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from mast.errors import BadQuery, DamagedFile, MalformedFile, NotViewable
from mast.fits.ordering import MOST_ROWS, Order, check_length, ordered
from mast.fits.plan import Plan
from mast.fits.tables import Cell, ColumnHead, TablePage, check_page

TEXT_KINDS: Final = frozenset({"ecsv", "csv"})
HEADER_CHARACTERS: Final = 1 << 20
COLUMNS_CHARACTERS: Final = 128 << 10
"""of the YAML that describes the columns; a catalogue of 200 takes a quarter"""
LINE_CHARACTERS: Final = 1 << 20
_DELIMITERS: Final = "|,;\t"

Starts = NDArray[np.int64]
"""the byte at which each row begins"""


class _Lines:
    """The lines of an open file as text; `at` is the byte after the last one."""

    def __init__(self, file: BinaryIO, at: int = 0) -> None:
        self._file = file
        self.at = at
        file.seek(at)

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(LINE_CHARACTERS):
            if len(line) == LINE_CHARACTERS:
                raise MalformedFile("The table has a line longer than a million characters.")
            self.at += len(line)
            yield line.decode("utf-8", "replace")


@dataclass(frozen=True)
class _Head:
    columns: list[ColumnHead]
    delimiter: str
    end: int
    """where the rows begin, in bytes"""


def text_rows(
    path: str | Path,
    plan: Plan,
    start: int = 0,
    count: int = 50,
    *,
    starts: Starts | None = None,
    order: Order | None = None,
) -> TablePage:
    """Rows `start` to `start + count` of an ECSV or CSV file, numbers as numbers, empty cells as None.

    `starts` are the rows' beginnings where the caller has kept them, `order` the row that stands at each place.

    Raises
    ------
    NotViewable : the file is no table in text
    MalformedFile : its header or its lines cannot be read
    """
    check_page(start, count)
    if starts is None:
        starts = row_starts(path, plan)
    places = (starts if order is None else starts[order])[start : start + count]
    with _opened(path, plan) as file:
        head = _head_of(file, plan)
        if order is None and len(places):
            rows = list(itertools.islice(_rows_from(file, int(places[0]), head), len(places)))
        else:
            rows = [next(_rows_from(file, place, head)) for place in places.tolist()]
    return TablePage(plan.file_name, head.columns, [_row(row, head.columns) for row in rows], start, len(starts))


def row_starts(path: str | Path, plan: Plan) -> Starts:
    """Where each row begins; a row may go over several lines, inside quotes."""
    found: list[int] = []
    with _opened(path, plan) as file:
        head = _head_of(file, plan)
        lines = _Lines(file, head.end)
        begin = head.end
        for row in csv.reader(lines, delimiter=head.delimiter, skipinitialspace=True):
            if row:
                found.append(begin)
            begin = lines.at
    return np.array(found, np.int64)


def text_order(path: str | Path, plan: Plan, sort: str) -> Order:
    """The rows ordered by a column, `-` before its name for descending; empty cells last.

    Raises
    ------
    BadQuery : there is no such column, or the table is too long
    """
    name = sort.removeprefix("-")
    with _opened(path, plan) as file:
        head = _head_of(file, plan)
        names = [column.name for column in head.columns]
        if name not in names:
            raise BadQuery(f"The table has no column {name!r}.", fields={"sort": "is no column of this table"})
        number = names.index(name)
        kind = head.columns[number].type
        rows = itertools.islice(_rows_from(file, head.end, head), MOST_ROWS + 1)
        texts = [row[number].strip() if number < len(row) else "" for row in rows]
    check_length(len(texts))
    missing = np.array([not text for text in texts], bool)
    return ordered(_sortable(texts, kind), missing, is_descending=sort.startswith("-"))


def _sortable(texts: list[str], kind: str) -> NDArray[Any]:
    """As numbers where all are, else as text."""
    if not kind.startswith(("str", "bool")):
        try:
            return np.array([float(text) if text else math.nan for text in texts])
        except ValueError:
            pass
    return np.array(texts) if texts else np.empty(0)


# --- reading ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(path: str | Path, plan: Plan) -> Iterator[BinaryIO]:
    """The file, open; what goes wrong in it said in our words."""
    if plan.kind not in TEXT_KINDS:
        raise NotViewable(f"{plan.file_name} is no table in text.")
    try:
        with Path(path).open("rb") as file:
            yield file
    except OSError as error:
        raise DamagedFile(f"{plan.file_name} is not on disk any more: {error.strerror}.") from error
    except csv.Error as error:
        raise MalformedFile(f"{plan.file_name} has a line that is no row of a table.") from error


def _rows_from(file: BinaryIO, at: int, head: _Head) -> Iterator[list[str]]:
    # ECSV separates by one blank or by several, which writers use to line columns up.
    rows = csv.reader(_Lines(file, at), delimiter=head.delimiter, skipinitialspace=True)
    return (row for row in rows if row)


def _head_of(file: BinaryIO, plan: Plan) -> _Head:
    lines = _Lines(file)
    comments, first = _before_rows(lines)
    described, delimiter = _ecsv_head(comments) if plan.kind == "ecsv" else ([], _delimiter_of(first))
    names = [part.strip() for part in next(csv.reader([first], delimiter=delimiter, skipinitialspace=True), [])]
    columns = described if [head.name for head in described] == names else [ColumnHead(name) for name in names]
    return _Head(columns, delimiter, lines.at)


def _delimiter_of(names: str) -> str:
    return next((delimiter for delimiter in _DELIMITERS if delimiter in names), " ")


def _before_rows(lines: _Lines) -> tuple[list[str], str]:
    """The commented lines at the top, and the line of column names after them."""
    comments: list[str] = []
    size = 0
    for line in lines:
        if not line.startswith("#") and line.strip():
            return comments, line
        comments.append(line)
        size += len(line)
        if size > HEADER_CHARACTERS:
            raise MalformedFile("The table's header is longer than any has.")
    return comments, ""


def _row(row: list[str], columns: list[ColumnHead]) -> list[Cell]:
    cells = [_cell(text.strip(), head.type) for text, head in zip(row, columns, strict=False)]
    return cells + [None] * (len(columns) - len(cells))


def _cell(text: str, kind: str) -> Cell:
    if not text:
        return None
    try:
        if kind.startswith(("int", "uint")):
            return int(text)
        if kind.startswith("float"):
            number = float(text)
            return number if math.isfinite(number) else None
    except ValueError:
        return text
    if kind == "bool":
        return text == "True"
    return text


def _ecsv_head(comments: list[str]) -> tuple[list[ColumnHead], str]:
    """Columns and delimiter from the YAML in the commented lines."""
    import yaml  # only catalogues need it

    text = _wanted_parts([line[2:] for line in comments if line.startswith("# ") and not line.startswith("# %")])
    try:
        header = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise MalformedFile("The catalogue's header is not the YAML that ECSV asks for.") from error
    described = header.get("datatype") if isinstance(header, dict) else None
    if not isinstance(described, list):
        raise MalformedFile("The catalogue's header names no columns.")
    return [_head(part) for part in described if isinstance(part, dict)], str(header.get("delimiter", " "))[:1] or " "


def _wanted_parts(lines: list[str]) -> str:
    """Only the parts `datatype` and `delimiter`: `meta` may hold tags of Python classes, which nothing here needs."""
    kept: list[str] = []
    is_wanted = False
    for line in lines:
        if line[0] not in " -\n":
            is_wanted = line.startswith(("datatype:", "delimiter:"))
        if is_wanted:
            kept.append(line)
    text = "".join(kept)
    if len(text) > COLUMNS_CHARACTERS:
        raise MalformedFile("The catalogue's header describes more columns than any has.")
    return text


def _head(described: dict[str, Any]) -> ColumnHead:
    name, unit, kind, about = (
        str(described.get(key) or "")[:200] for key in ("name", "unit", "datatype", "description")
    )
    return ColumnHead(name, unit, kind, (), about)
