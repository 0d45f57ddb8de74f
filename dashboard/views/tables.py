"""The rows of a file's tables."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from dashboard.asked import whole_number
from mast import library, services
from mast.fits.plan import Plan
from mast.models import DataFile

ROWS_PER_PAGE = 100
TEXT_TABLES = {"ecsv", "csv"}


@require_GET
def table(request: HttpRequest, file_id: int) -> HttpResponseBase:
    """A hundred rows of a table; an association has members instead."""
    file = library.get_file(file_id, request.user)
    plan = services.file_plan(file)
    if plan.kind == "association":
        return redirect("members", file.pk)
    start = whole_number(request, "start", 0) or 0
    page = _rows(file, plan, whole_number(request, "hdu"), start)
    context = {
        "here": "library",
        "file": file,
        "table": page,
        "tables": [hdu for hdu in plan.hdus if hdu.is_table],
        "stop": start + len(page.rows),
        "before": max(0, start - ROWS_PER_PAGE),
    }
    return render(request, "dashboard/table.html", context)


def _rows(file: DataFile, plan: Plan, hdu: int | None, start: int) -> Any:
    # numpy is loaded when the first table is looked at, not when the web process starts.
    from mast.fits.tables import table_rows
    from mast.fits.texttables import text_rows

    path = services.file_path(file)
    if plan.kind in TEXT_TABLES:
        return text_rows(path, plan, start, ROWS_PER_PAGE)
    return table_rows(path, plan, hdu, start, ROWS_PER_PAGE)
