"""The first picture of a file with its header, and the header of any file."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.forms import ViewForm
from dashboard.picture import Picture
from mast import errors, library, services
from mast.fits.inspect import stored_plan
from mast.models import DataFile


def _header(file: DataFile, hdu: int) -> dict[str, Any]:
    """Cards of one HDU; of other kinds of file what their inspection found."""
    plan = file.plan or {}
    is_fits = plan.get("kind") == "fits"
    return {"cards": services.file_header(file.pk, hdu) if is_fits else [], "hdu": hdu, "facts": plan.get("facts", {})}


@require_GET
def view(request: HttpRequest, file_id: int) -> HttpResponse:
    file = library.get_file(file_id, request.user)
    context: dict[str, Any] = {"here": "library", "file": file}
    plan = stored_plan(file.plan)
    if file.is_viewable and plan:
        form = ViewForm(request.GET, plan=plan)
        picture = Picture.of(file, plan, form.options())
        context |= {"form": form, "picture": picture, **_header(file, picture.hdu)}
    return render(request, "dashboard/view.html", context)


@require_GET
def header(request: HttpRequest, file_id: int) -> HttpResponse:
    file = library.get_file(file_id, request.user)
    hdus = (file.plan or {}).get("hdus", [])
    text = request.GET.get("hdu", "0")
    if not text.isdigit() or int(text) >= max(len(hdus), 1):
        raise errors.FileNotFound(f"{file.file_name} has no HDU {text[:20]}; it has {len(hdus)}.")
    context = {"here": "library", "file": file, "hdus": hdus, **_header(file, int(text))}
    return render(request, "dashboard/header.html", context)
