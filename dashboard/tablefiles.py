"""Rows as a file to save: VOTable, CSV, ECSV or JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from mast.errors import BadQuery
from mast.tables import FORMATS, Column


def table_file(
    name: str, form: str, columns: Sequence[Column], records: Iterable[Mapping[str, Any]]
) -> StreamingHttpResponse:
    """A download of `name` with the format's ending."""
    if form == "json":
        return _download(f"{name}.json", "application/json", _json(records))
    if form not in FORMATS:
        raise BadQuery(f"There is no format {form!r}.", fields={"format": f"one of {', '.join(FORMATS)} and json"})
    written = FORMATS[form]
    rows = ([record.get(column.name) for column in columns] for record in records)
    return _download(f"{name}.{written.extension}", written.media_type, written.lines(columns, rows))


def _json(records: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    separator = b"["
    for record in records:
        yield separator + msgspec.json.encode(record)
        separator = b",\n"
    yield b"[]\n" if separator == b"[" else b"]\n"


def _download(name: str, media_type: str, lines: Iterable[str] | Iterable[bytes]) -> StreamingHttpResponse:
    disposition = content_disposition_header(as_attachment=True, filename=name) or ""
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return StreamingHttpResponse(lines, content_type=media_type, headers=headers)
