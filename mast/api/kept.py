"""Answers made of a file's content: the same content and address give the same bytes for ever, and caches may know."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query

from mast import library
from mast.api import downloads
from mast.api.replies import encode
from mast.fits.options import parse_plane
from mast.fits.plan import Plane
from mast.models import DataFile

KEPT_FOREVER = "private, max-age=31536000, immutable"

Hdu = Annotated[int | None, Query(ge=0, le=100_000, description="HDU, counted from 0; left out: the one View shows")]
PlaneText = Annotated[
    str,
    Query(
        max_length=50,
        pattern=r"^(median|difference(,[0-9]+)?|[0-9, ]*)$",
        description="`3`, `0,4`, `median` or `difference,2`; left out: View's",
    ),
]
Version = Annotated[str, Query(max_length=64, description="the file's sha256, or its beginning: lets caches keep it")]


def plane_of(text: str) -> Plane | None:
    return parse_plane(text) if text else None


def seen_file(request: HttpRequest, file_id: int) -> DataFile:
    """A file this caller may see, with what pictures need: twenty tiles a second cost a short row each."""
    rows = library.visible_files(request.user).only("file_name", "path", "sha256", "is_viewable", "view_reason")
    return rows.filter(pk=file_id).first() or library.get_file(file_id, request.user)


def kept(request: HttpRequest, file: DataFile, make: Callable[[], tuple[bytes, str]]) -> HttpResponse:
    """What `make` makes of the file, or 304."""
    made_of = f"{file.sha256} {request.get_full_path()}"
    etag = f'"{hashlib.sha256(made_of.encode()).hexdigest()[:32]}"'
    if not_modified := downloads.not_modified(request, etag):
        return not_modified
    body, media_type = make()
    version = request.GET.get("v", "")
    control = KEPT_FOREVER if len(version) >= 8 and file.sha256.startswith(version) else downloads.CACHED
    return HttpResponse(body, content_type=media_type, headers={"ETag": etag, "Cache-Control": control})


def kept_json(request: HttpRequest, file: DataFile, make: Callable[[], Any]) -> HttpResponse:
    return kept(request, file, lambda: (encode(make()), "application/json"))
