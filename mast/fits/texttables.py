"""Pages of tables that are text: ECSV catalogues and light curves, CSV association pools. Streamed, never whole.

Source: ECSV 1.0 (Astropy Proposal for Enhancement 6), whose YAML header names the columns, their types and units.
"""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mast.errors import DamagedFile, MalformedFile, NotViewable
from mast.fits.plan import Plan
from mast.fits.tables import Cell, ColumnHead, TablePage, check_page

TEXT_KINDS: Final = frozenset({"ecsv", "csv"})
HEADER_CHARACTERS: Final = 1 << 20
COLUMNS_CHARACTERS: Final = 128 << 10
"""of the YAML that describes the columns; a catalogue of 200 takes a quarter"""
LINE_CHARACTERS: Final = 1 << 20
_DELIMITERS: Final = "|,;\t"


def text_rows(path: str | Path, plan: Plan, start: int = 0, count: int = 50) -> TablePage:
    """Rows `start` to `start + count` of an ECSV or CSV file, numbers as numbers, empty cells as None.

    Raises
    ------
    NotViewable : the file is no table in text
    MalformedFile : its header or its lines cannot be read
    """
    check_page(start, count)
    if plan.kind not in TEXT_KINDS:
        raise NotViewable(f"{plan.file_name} is no table in text.")
    try:
        with Path(path).open(encoding="utf-8", errors="replace", newline="") as file:
            return _page(_bounded(file), plan, start, count)
    except OSError as error:
        raise DamagedFile(f"{plan.file_name} is not on disk any more: {error.strerror}.") from error
    except csv.Error as error:
        raise MalformedFile(f"{plan.file_name} has a line that is no row of a table.") from error


def _bounded(file: Any) -> Iterator[str]:
    while line := file.readline(LINE_CHARACTERS):
        if len(line) == LINE_CHARACTERS:
            raise MalformedFile("The table has a line longer than a million characters.")
        yield line


def _page(lines: Iterator[str], plan: Plan, start: int, count: int) -> TablePage:
    comments, first = _before_rows(lines)
    described, delimiter = _ecsv_head(comments) if plan.kind == "ecsv" else ([], _delimiter_of(first))
    names = [part.strip() for part in next(csv.reader([first], delimiter=delimiter, skipinitialspace=True), [])]
    columns = described if [head.name for head in described] == names else [ColumnHead(name) for name in names]
    # ECSV separates by one blank or by several, which writers use to line columns up.
    rows = csv.reader((line for line in lines if line.strip()), delimiter=delimiter, skipinitialspace=True)
    skipped = sum(1 for _ in itertools.islice(rows, start))
    shown = [_row(row, columns) for row in itertools.islice(rows, count)]
    total = skipped + len(shown) + sum(1 for _ in rows)
    return TablePage(plan.file_name, columns, shown, start, total)


def _delimiter_of(names: str) -> str:
    return next((delimiter for delimiter in _DELIMITERS if delimiter in names), " ")


def _before_rows(lines: Iterator[str]) -> tuple[list[str], str]:
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
