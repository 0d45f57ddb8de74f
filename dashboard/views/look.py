"""Look: a file at MAST seen before anything of it is imported."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from dashboard import remote, scene
from dashboard.asked import whole_number
from dashboard.viewform import LIMITS, LookForm
from mast import services
from mast.errors import MastError, NotFound

PREVIEW_SIDE = REDUCED_SIDE = 1024


@require_GET
def look(request: HttpRequest) -> HttpResponse:
    """An observation that is not held: MAST's preview, its files, and inside one of them by ranges."""
    obs_id = request.GET.get("obs_id", "")
    found = remote.offered(obs_id, request.user)
    if found is None:
        raise NotFound(f"MAST has no observation {obs_id}.")
    uri = request.GET.get("uri", "") or (found.first.row.data_uri if found.first else "")
    form = LookForm(request.GET)
    context = {
        "here": "search",
        "offered": found,
        "row": found.row,
        "uri": uri,
        "form": form,
        "limits": LIMITS,
        **_inside(request, uri, form.options()),
    }
    return render(request, "dashboard/look.html", context)


def _inside(request: HttpRequest, uri: str, options: dict[str, Any]) -> dict[str, Any]:
    """What the file's first bytes say. The page stands without it: the preview and the list are worth having alone."""
    if not uri:
        return {}
    asked = whole_number(request, "hdu")
    try:
        seen = services.look(uri)
        hdu = asked if asked is not None else seen.hdu or 0
        query = urlencode({"uri": uri, "hdu": hdu, "width": REDUCED_SIDE, **options})
        return {
            "seen": seen,
            "hdu": hdu,
            "cards": services.look_header(uri, hdu),
            "picture": f"/api/mast/look/preview?{query}",
            "scene": scene.remote(seen.plan, hdu),
        }
    except MastError as error:
        return {"refused": error}


@require_GET
@cache_control(private=True, max_age=86400)
def preview(request: HttpRequest) -> HttpResponse:
    """MAST's own preview at a size to look at."""
    picture = services.preview_thumbnail(request.GET.get("uri", ""), PREVIEW_SIDE)
    return HttpResponse(picture, content_type="image/jpeg")
