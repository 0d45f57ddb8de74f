"""The rows of a file's tables: a hundred at a time, in any order, with what each column is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from dashboard.asked import whole_number
from mast import library, services
from mast.models import DataFile

ROWS_PER_PAGE = 100
LONGEST_NAME = 200


@dataclass(frozen=True)
class Head:
    """What stands over a column; `link` sorts by it, and is empty where a cell holds several values."""

    name: str
    unit: str
    type: str
    shape: tuple[int, ...]
    description: str
    order: str
    link: str


@require_GET
def table(request: HttpRequest, file_id: int) -> HttpResponseBase:
    """A page of rows; an association has members instead."""
    file = library.get_file(file_id, request.user)
    plan = services.file_plan(file)
    if plan.kind == "association":
        return redirect("members", file.pk)
    hdu, sort = whole_number(request, "hdu"), request.GET.get("sort", "")[:LONGEST_NAME]
    start = _start(request)
    page = services.table_page(file, hdu, start, ROWS_PER_PAGE, sort)
    stop = start + len(page.rows)
    context = {
        "here": "library",
        "file": file,
        "table": page,
        "heads": _heads(request, page.columns, sort),
        "tables": [item for item in plan.hdus if item.is_table],
        "sort": sort,
        "sort_words": f"{sort.removeprefix('-')}, {'largest' if sort.startswith('-') else 'smallest'} first",
        "kept": [(name, value) for name in ("hdu", "sort") if (value := request.GET.get(name))],
        "whole": _whole(file, hdu, sort),
        "first": min(start + 1, stop),
        "stop": stop,
        "before": max(0, start - ROWS_PER_PAGE),
    }
    return render(request, "dashboard/table.html", context)


def _start(request: HttpRequest) -> int:
    """Rows to leave out: `start`, or `row`, which people count from 1."""
    row = whole_number(request, "row")
    return max(0, row - 1) if row is not None else whole_number(request, "start", 0) or 0


def _heads(request: HttpRequest, columns: list[Any], sort: str) -> list[Head]:
    return [
        Head(
            column.name,
            column.unit,
            column.type,
            column.shape,
            column.description,
            {column.name: "ascending", f"-{column.name}": "descending"}.get(sort, ""),
            "" if column.shape else _link(request, column.name, sort),
        )
        for column in columns
    ]


def _link(request: HttpRequest, name: str, sort: str) -> str:
    """The page's own query sorted by a column; by the one that is sorted already, the other way round."""
    query = request.GET.copy()
    for place in ("start", "row"):
        query.pop(place, None)
    query["sort"] = f"-{name}" if sort == name else name
    return f"?{query.urlencode()}"


def _whole(file: DataFile, hdu: int | None, sort: str) -> str:
    """The address of the whole table, up to its format."""
    asked = {"hdu": hdu, "sort": sort, "v": file.sha256[:12]}
    query = urlencode({name: value for name, value in asked.items() if value not in {None, ""}})
    return f"/api/files/{file.pk}/table?{query}&"
