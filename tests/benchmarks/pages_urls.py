"""The archive's addresses, and beside them the peer that a Django programmer would write: a list of ninja schemas."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import path
from ninja import NinjaAPI

from jwstarchive.urls import urlpatterns as ours
from mast import answers, library
from mast.library import Filters
from mast.schemas.library import FileRecord

api = NinjaAPI(urls_namespace="peer", docs_url=None, openapi_url=None)


@api.get("/files", response=list[FileRecord], by_alias=True)
def files(request: HttpRequest) -> list[dict[str, Any]]:
    """The same thousand records, each through its schema."""
    rows = library.files(Filters(), None).order_by("-fetched_at", "-pk").select_related("observation")[:1000]
    return [answers.file(row) for row in rows]


urlpatterns = [*ours, path("peer/", api.urls)]
