"""What the archive holds: observations and files, as records, page by page or as one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from ninja import Query, Router
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from mast import answers, keyset, library
from mast.api import columns
from mast.api.access import reading
from mast.api.replies import answer, encode
from mast.library import FILE_ORDERS, OBSERVATION_ORDERS, Filters
from mast.models import DataFile, Observation
from mast.schemas import library as schemas
from mast.schemas.base import NO_CONTROLS
from mast.schemas.errors import RECORD_PROBLEMS
from mast.tables import FORMATS, Column
from mast.visibility import Reader

router = Router(tags=["library"], auth=reading, by_alias=True)
FILES_SHOWN = 1000
Word = Annotated[str, Field(max_length=200, pattern=NO_CONTROLS)]


class ListQuery(BaseModel):
    """Filters, order and page of a list. Tables without `limit` hold every row."""

    model_config = ConfigDict(alias_generator=to_camel)

    obs_id: Word = Field("", description="the imported observation")
    observation_base_id: Word = Field("", description="the product's own obs_id")
    program: Word = ""
    target: Word = Field("", description="part of the target's name")
    instrument: Word = ""
    filter: Word = ""
    level: Annotated[int, Field(ge=-1, le=4)] | None = Field(None, description="the file's own calibration level")
    suffix: Word = ""
    data_type: Literal["", "image", "table", "preview", "unclassified"] = ""
    tag: Word = ""
    state: Literal["", "held", "damaged", "missing"] = ""
    q: Word = Field("", description="text in names, titles, proposers and notes")
    ordering: Word = ""
    limit: Annotated[int, Field(ge=1, le=1000)] | None = Field(None, description="50 unless told")
    cursor: Annotated[str, Field(max_length=2000)] = Field("", description="`next` of the page before")
    format: Literal["json", "csv", "votable", "ecsv"] = "json"
    all: bool = Field(False, description="of json: every row in one answer, as tables have them, and not a page")

    def to_filters(self) -> Filters:
        return Filters(
            obs_id=self.obs_id,
            base_id=self.observation_base_id,
            program=self.program,
            target=self.target,
            instrument=self.instrument,
            filter=self.filter,
            level=self.level,
            suffix=self.suffix,
            data_type=self.data_type,
            tag=self.tag,
            state=self.state,
            text=self.q,
        )


# --- a list, as JSON or as a table ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listing:
    """One list of the library: where its rows come from, and how they are ordered and written."""

    name: str
    rows: Callable[[Filters, Reader], QuerySet[Any]]
    orders: dict[str, str]
    default_order: str
    columns: tuple[Column, ...]
    records: Callable[[list[Any], Reader], list[dict[str, Any]]]

    def answer(self, request: HttpRequest, query: ListQuery) -> HttpResponseBase:
        rows = self.rows(query.to_filters(), request.user)
        order = keyset.order_of(query.ordering, self.orders, self.default_order)
        if query.format != "json" or query.all:
            return self._table(keyset.batches(rows, order, cursor=query.cursor, limit=query.limit), request, query)
        found = keyset.page(rows, order, limit=query.limit or 50, cursor=query.cursor)
        count, is_exact = keyset.count(rows, is_filtered=query.to_filters().is_set)
        results = self.records(found.rows, request.user)
        return answer({"results": results, "next": found.next, "count": count, "countIsExact": is_exact})

    def _table(self, batches: Iterator[list[Any]], request: HttpRequest, query: ListQuery) -> StreamingHttpResponse:
        # The first rows are read now: what is wrong with the request must not turn up inside a table.
        first = next(batches)
        written = (record for batch in chain([first], batches) for record in self.records(batch, request.user))
        if query.format == "json":
            return _attached(f"{self.name}.json", "application/json", _whole_page(written))
        form = FORMATS[query.format]
        lines = form.lines(self.columns, (columns.cells(record, self.columns) for record in written))
        return _attached(f"{self.name}.{form.extension}", form.media_type, lines)


def _whole_page(records: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """The shape of a page, with every row."""
    yield b'{"results":['
    count = 0
    for count, record in enumerate(records, start=1):
        yield (b",\n" if count > 1 else b"") + encode(record)
    yield b'],"next":null,"count":%d,"countIsExact":true}\n' % count


def _attached(name: str, media_type: str, lines: Iterable[str] | Iterable[bytes]) -> StreamingHttpResponse:
    disposition = content_disposition_header(as_attachment=True, filename=name)
    headers = {"Content-Disposition": disposition or "", "Cache-Control": "no-store"}
    return StreamingHttpResponse(lines, content_type=media_type, headers=headers)


def _observation_records(rows: list[Observation], user: Reader) -> list[dict[str, Any]]:
    held = library.holdings(rows, user)
    counts = [held.get(row.pk, (0, 0)) for row in rows]
    return [
        answers.observation(row, file_count=files, total_bytes=size)
        for row, (files, size) in zip(rows, counts, strict=True)
    ]


def _file_records(rows: list[DataFile]) -> list[dict[str, Any]]:
    return [answers.file(row) for row in library.with_observations(rows)]


OBSERVATIONS = Listing(
    name="observations",
    rows=library.observations,
    orders=OBSERVATION_ORDERS,
    default_order="-createdAt",
    columns=columns.OBSERVATION_COLUMNS,
    records=_observation_records,
)
FILES = Listing(
    name="files",
    rows=library.files,
    orders=FILE_ORDERS,
    default_order="-fetchedAt",
    columns=columns.FILE_COLUMNS,
    records=lambda rows, user: _file_records(rows),
)


@router.get("/observations", response={200: schemas.ObservationList, **RECORD_PROBLEMS})
def list_observations(request: HttpRequest, query: Query[ListQuery]) -> HttpResponseBase:
    """Observations of which files are held; filters on files choose observations that have such a file."""
    return OBSERVATIONS.answer(request, query)


@router.get("/observations/{obs_id}", response={200: schemas.ObservationDetail, **RECORD_PROBLEMS})
def get_observation(request: HttpRequest, obs_id: str) -> HttpResponse:
    """One observation with its files."""
    row = library.get_observation(obs_id)
    (record,) = _observation_records([row], request.user)
    rows = library.files(Filters(obs_id=row.obs_id), request.user).order_by("file_name")[:FILES_SHOWN]
    return answer(record | {"files": _file_records(list(rows))})


@router.get("/files", response={200: schemas.FileList, **RECORD_PROBLEMS})
def list_files(request: HttpRequest, query: Query[ListQuery]) -> HttpResponseBase:
    """Files of the library."""
    return FILES.answer(request, query)


@router.get("/files/{int:file_id}", response={200: schemas.FileRecord, **RECORD_PROBLEMS})
def get_file(request: HttpRequest, file_id: int) -> HttpResponse:
    """One file: its typed fields, its proof, and everything MAST said of it."""
    return answer(answers.file(library.get_file(file_id, request.user)))
