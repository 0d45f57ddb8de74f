"""Rows as CSV, ECSV and VOTable, written line by line so that a million rows take no more memory than ten.

Pure Python: the web process need not load astropy to hand out a table. astropy and `stilts votlint` read what is
written here, in the tests.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Final, Literal

Kind = Literal["int", "float", "bool", "text", "time"]
Row = Sequence[Any]


@dataclass(frozen=True)
class Column:
    """One column. `unit` as FITS and VOUnits write it; `ucd` is the IVOA's word for what the values mean."""

    name: str
    kind: Kind
    unit: str = ""
    ucd: str = ""
    description: str = ""


@dataclass(frozen=True)
class Format:
    """A way of writing tables: its name in `format=`, media type, file name ending and writer."""

    name: str
    media_type: str
    extension: str
    lines: Callable[[Sequence[Column], Iterable[Row]], Iterator[str]]


def _plain(value: Any) -> Any:
    """None for what is missing, text for times, lists and objects, and numbers as they are."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, list | tuple):
        return "; ".join(str(item) for item in value)
    if isinstance(value, dict):
        return json.dumps(value)
    return value


# Readers, astropy's among them, take each of these for the end of a line.
_BREAKS: Final = re.compile("[\x00\x0b-\x0d\x1c-\x1e\x85\u2028\u2029]")


def _record(cells: Iterable[str]) -> str:
    clean = [_BREAKS.sub(" ", cell) for cell in cells]
    # A line that begins with # is a comment to astropy, unless that is quoted.
    is_comment = bool(clean) and clean[0].lstrip().startswith("#")
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL if is_comment else csv.QUOTE_MINIMAL)
    writer.writerow(clean)
    return buffer.getvalue()


# --- CSV --------------------------------------------------------------------------------------------------------

_FORMULA: Final = tuple("=+-@\t\r")


def csv_cell(value: Any) -> str:
    """Text that a spreadsheet would run as a formula is quoted with an apostrophe; numbers keep their minus."""
    value = _plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def csv_lines(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[str]:
    yield _record(column.name for column in columns)
    for row in rows:
        yield _record(csv_cell(value) for value in row)


# --- ECSV (Astropy enhancement proposal 6) ----------------------------------------------------------------------

_ECSV_TYPES: Final = {"int": "int64", "float": "float64", "bool": "bool", "text": "string", "time": "string"}


def _ecsv_cell(value: Any) -> str:
    value = _plain(value)
    return "" if value is None else str(value)


def ecsv_lines(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[str]:
    yield "# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n"
    for column in columns:
        facts = {"name": column.name, "datatype": _ECSV_TYPES[column.kind]}
        facts |= {"unit": column.unit} if column.unit else {}
        facts |= {"description": column.description} if column.description else {}
        # A JSON object is a YAML mapping too.
        yield f"# - {json.dumps(facts)}\n"
    yield "# schema: astropy-2.0\n"
    yield _record(column.name for column in columns)
    for row in rows:
        yield _record(_ecsv_cell(value) for value in row)


# --- VOTable (IVOA 1.4, TABLEDATA) ------------------------------------------------------------------------------

_VOTABLE_TYPES: Final = {
    "int": 'datatype="long"',
    "float": 'datatype="double"',
    "bool": 'datatype="boolean"',
    "text": 'datatype="unicodeChar" arraysize="*"',
    "time": 'datatype="char" arraysize="*"',
}
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _xml(text: str) -> str:
    return escape(_NOT_XML.sub("", text))


def _votable_cell(value: Any) -> str:
    value = _plain(value)
    if value is None:
        return "<TD/>"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<TD>{_xml(text)}</TD>"


def _votable_field(column: Column) -> str:
    facts = f'<FIELD name="{_xml(column.name)}" {_VOTABLE_TYPES[column.kind]}'
    facts += f' unit="{_xml(column.unit)}"' if column.unit else ""
    facts += f' ucd="{_xml(column.ucd)}"' if column.ucd else ""
    if not column.description:
        return f"{facts}/>\n"
    return f"{facts}><DESCRIPTION>{_xml(column.description)}</DESCRIPTION></FIELD>\n"


def votable_lines(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n<RESOURCE type="results">\n<TABLE>\n'
    yield from map(_votable_field, columns)
    yield "<DATA>\n<TABLEDATA>\n"
    for row in rows:
        yield f"<TR>{''.join(map(_votable_cell, row))}</TR>\n"
    yield "</TABLEDATA>\n</DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n"


FORMATS: Final = {
    form.name: form
    for form in (
        Format("csv", "text/csv; charset=utf-8", "csv", csv_lines),
        Format("ecsv", "text/x-ecsv; charset=utf-8", "ecsv", ecsv_lines),
        Format("votable", "application/x-votable+xml; charset=utf-8", "vot", votable_lines),
    )
}


# --- rows of MAST -----------------------------------------------------------------------------------------------

_MAST: Final = {
    "s_ra": ("deg", "pos.eq.ra;meta.main"),
    "s_dec": ("deg", "pos.eq.dec;meta.main"),
    "t_min": ("d", "time.start;obs.exposure"),
    "t_max": ("d", "time.end;obs.exposure"),
    "t_obs_release": ("d", "time.release"),
    "t_exptime": ("s", "time.duration;obs.exposure"),
    "em_min": ("nm", "em.wl;stat.min"),
    "em_max": ("nm", "em.wl;stat.max"),
    "distance": ("arcsec", "pos.angDistance"),
    "size": ("byte", "phys.size;meta.file"),
}


def _kind(values: list[Any]) -> Kind:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "bool"
    if kinds == {int}:
        return "int"
    return "float" if kinds and kinds <= {int, float} else "text"


def columns_of(rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    """Columns for rows of MAST's own, in the order in which names first appear."""
    names = dict.fromkeys(name for row in rows for name in row)
    described = []
    for name in names:
        unit, ucd = _MAST.get(name, ("", ""))
        described.append(Column(name, _kind([row.get(name) for row in rows]), unit, ucd))
    return described
