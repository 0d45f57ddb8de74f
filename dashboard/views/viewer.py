"""Looking into a file: its picture, its headers."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from dashboard import cards, scene
from dashboard.asked import whole_number
from dashboard.htmx import HtmxHttpRequest, page_or_part
from dashboard.picture import Picture
from dashboard.viewform import LIMITS, ViewForm
from mast import answers, library, services
from mast.fits.options import parse_plane
from mast.fits.plan import Plan
from mast.models import DataFile


@require_GET
def view(request: HttpRequest, file_id: int) -> HttpResponse:
    """The viewer. Without scripts it is a picture and a form; with them the same address is seen by tiles."""
    file = library.get_file(file_id, request.user)
    context: dict[str, Any] = {"here": "library", "file": file}
    if file.is_viewable:
        # Of a tile-compressed file the plan of its unpacked copy; its HDUs have the same numbers.
        _, plan = services.pixels_of(file)
        form = ViewForm(request.GET, plan=plan)
        options = form.options()
        plane = options.get("plane", "")
        info = answers.camel(services.cube_info(file, options.get("hdu"), parse_plane(plane) if plane else None))
        picture = Picture.of(file, plan, options)
        form.name_versions(info["versions"], info["images"])
        context |= {
            "form": form,
            "limits": LIMITS,
            "picture": picture,
            "turn": scene.neighbours(info["image"]),
            "scene": scene.of(file, info),
            "candidates": scene.candidates(file, request.user),
            **_header(file, services.file_plan(file), picture.hdu),
        }
    return render(request, "dashboard/view.html", context)


@require_GET
@vary_on_headers("HX-Request")
def header(request: HtmxHttpRequest, file_id: int) -> HttpResponse:
    """The cards of one HDU or of all, those that hold what is looked for."""
    file = library.get_file(file_id, request.user)
    plan = services.file_plan(file)
    hdu = None if request.GET.get("hdu") == "all" else whole_number(request, "hdu", 0)
    find = request.GET.get("find", "")
    context = {"here": "library", "file": file, **_header(file, plan, hdu, find)}
    return render(request, page_or_part(request, "dashboard/header.html", "cards"), context)


def _header(file: DataFile, plan: Plan, hdu: int | None, find: str = "") -> dict[str, Any]:
    """Cards of one HDU or of all of them; of other kinds of file what their inspection found."""
    return {
        "cards": cards.found(file, plan, hdu, find) if plan.hdus else None,
        "hdus": plan.hdus,
        "hdu": "all" if hdu is None else hdu,
        "find": find,
        "inside": plan.facts,
    }
