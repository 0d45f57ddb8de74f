"""Looking into a file: its first picture with the header beside it, its headers, its tables."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from dashboard.forms import ViewForm
from dashboard.picture import Picture
from mast import errors, library, services
from mast.fits.plan import Plan
from mast.models import DataFile

ROWS_PER_PAGE = 100
TEXT_TABLES = {"ecsv", "csv"}


def _number(request: HttpRequest, name: str, default: int | None = None) -> int | None:
    text = request.GET.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise errors.BadQuery(f"{name} must be a whole number.", fields={name: "is not a whole number"})
    return int(text)


def _header(file: DataFile, plan: Plan, hdu: int) -> dict[str, Any]:
    """Cards of one HDU; of other kinds of file what their inspection found."""
    return {"cards": services.file_header(file.pk, hdu) if plan.hdus else [], "hdu": hdu, "inside": plan.facts}


@require_GET
def view(request: HttpRequest, file_id: int) -> HttpResponse:
    file = library.get_file(file_id, request.user)
    context: dict[str, Any] = {"here": "library", "file": file}
    if file.is_viewable:
        plan = services.file_plan(file)
        form = ViewForm(request.GET, plan=plan)
        picture = Picture.of(file, plan, form.options())
        context |= {"form": form, "picture": picture, **_header(file, plan, picture.hdu)}
    return render(request, "dashboard/view.html", context)


@require_GET
def header(request: HttpRequest, file_id: int) -> HttpResponse:
    file = library.get_file(file_id, request.user)
    plan = services.file_plan(file)
    shown = _header(file, plan, _number(request, "hdu", 0) or 0)
    return render(request, "dashboard/header.html", {"here": "library", "file": file, "hdus": plan.hdus, **shown})


@require_GET
def table(request: HttpRequest, file_id: int) -> HttpResponseBase:
    """A hundred rows of a table; the members of an association are on the file's own page."""
    file = library.get_file(file_id, request.user)
    plan = services.file_plan(file)
    if plan.kind == "association":
        return redirect(f"/files/{file.pk}/#members")
    start = _number(request, "start", 0) or 0
    page = _rows(file, plan, _number(request, "hdu"), start)
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
