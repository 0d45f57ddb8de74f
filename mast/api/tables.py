"""Tables and spectra of a file: by page in any order, whole as CSV or VOTable, one spectrum or all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from ninja import Query, Router

from mast import answers, services
from mast.api.access import reading
from mast.api.kept import Hdu, Version, kept_json, seen_file
from mast.api.replies import answer
from mast.errors import BadQuery
from mast.models import DataFile
from mast.schemas import viewer as schemas
from mast.schemas.errors import FILE_PROBLEMS
from mast.tables import FORMATS, Column, Kind

router = Router(tags=["tables"], auth=reading, by_alias=True)
_INTEGERS = frozenset("BIJK")
_REALS = frozenset("ED")


@router.get("/{int:file_id}/table", response={200: schemas.TablePage, **FILE_PROBLEMS})
def table(
    request: HttpRequest,
    file_id: int,
    hdu: Hdu = None,
    start: Annotated[int, Query(ge=0, le=10**12)] = 0,
    count: Annotated[int, Query(ge=1, le=1000)] = 50,
    sort: Annotated[str, Query(max_length=200, description="a column, `-` before it for descending")] = "",
    columns: Annotated[str, Query(max_length=2000, description="of a whole table: names with commas between")] = "",
    format: Literal["json", "csv", "votable", "ecsv"] = "json",  # noqa: A002 - the name callers send
    v: Version = "",
) -> HttpResponseBase:
    """Some rows of a table of the file; as `csv`, `votable` or `ecsv` all of them."""
    file = seen_file(request, file_id)
    if format != "json":
        return _whole(file, hdu, sort, columns, format)

    def made() -> dict[str, Any]:
        record: dict[str, Any] = answers.camel(services.table_page(file, hdu, start, count, sort))
        return record | {"sort": sort}

    return kept_json(request, file, made)


def _whole(file: DataFile, hdu: int | None, sort: str, wanted: str, form_name: str) -> StreamingHttpResponse:
    form = FORMATS[form_name]
    pages = services.table_batches(file, hdu, sort)
    # The first rows are read now: what is wrong with the request must not turn up inside a table.
    first = next(pages)
    names = [head.name for head in first.columns]
    chosen = [name.strip() for name in wanted.split(",") if name.strip()] or names
    if unknown := set(chosen) - set(names):
        raise BadQuery(f"The table has no column {', '.join(sorted(unknown))}.")
    numbers = [names.index(name) for name in chosen]
    columns = [_column(first.columns[number], _cells(first, number)) for number in numbers]

    def rows() -> Iterator[list[Any]]:
        for page in chain([first], pages):
            yield from ([row[number] for number in numbers] for row in page.rows)

    stem = file.file_name.rpartition(".")[0]
    name = content_disposition_header(as_attachment=True, filename=f"{stem}.{form.extension}")
    headers = {"Content-Disposition": name or "", "Cache-Control": "no-store"}
    return StreamingHttpResponse(form.lines(columns, rows()), content_type=form.media_type, headers=headers)


def _cells(page: Any, number: int) -> list[Any]:
    return [row[number] for row in page.rows]


def _column(head: Any, cells: list[Any]) -> Column:
    """A column of a FITS or ECSV table as those of written tables; arrays are written as text."""
    return Column(head.name, _kind(head.type, head.shape, cells), head.unit, "", head.description)


def _kind(form: str, shape: tuple[int, ...], cells: list[Any]) -> Kind:
    letter = form.strip("0123456789")[:1]
    if shape or any(isinstance(cell, list | str) for cell in cells):
        return "text"
    if form == "bool" or letter == "L":
        return "bool"
    if form.startswith(("int", "uint")) or (letter in _INTEGERS and not any(isinstance(c, float) for c in cells)):
        return "int"
    return "float" if form.startswith("float") or letter in _INTEGERS | _REALS else "text"


@router.get("/{int:file_id}/members", response={200: schemas.MembersRecord, **FILE_PROBLEMS})
def members(request: HttpRequest, file_id: int) -> HttpResponse:
    """What an association joins: each member with its file, when that is in the library."""
    products = services.association_products(seen_file(request, file_id))
    return answer({"products": [answers.association_product(product) for product in products]})


@router.get("/{int:file_id}/spectrum", response={200: schemas.SpectrumAnswer | schemas.SpectraAnswer, **FILE_PROBLEMS})
def spectrum(
    request: HttpRequest,
    file_id: int,
    hdu: Hdu = None,
    row: Annotated[int | None, Query(ge=0, le=10**9, description="of a table with a spectrum in each row")] = None,
    all: Annotated[bool, Query(description="every spectrum, coarse enough for one plot")] = False,  # noqa: A002
    start: Annotated[int, Query(ge=0, le=10**9, description="with `all`: the first one")] = 0,
    count: Annotated[int, Query(ge=1, le=2000, description="with `all`: how many")] = 1000,
    points: Annotated[int, Query(ge=10, le=1_000_000, description="with `all`: of each, at most")] = 2000,
    v: Version = "",
) -> HttpResponse:
    """One spectrum of the file and which others there are; with `all` all of them."""
    file = seen_file(request, file_id)
    if all:
        return kept_json(request, file, lambda: answers.camel(services.spectra_of(file, hdu, start, count, points)))

    def made() -> dict[str, Any]:
        chosen, choices = services.spectrum_of(file, hdu, row)
        record: dict[str, Any] = answers.camel(chosen)
        return record | {"choices": answers.camel(choices)}

    return kept_json(request, file, made)
