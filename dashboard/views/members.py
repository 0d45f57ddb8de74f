"""What an association joins."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard import members
from mast import library, services
from mast.errors import NotViewable


@require_GET
def listed(request: HttpRequest, file_id: int) -> HttpResponse:
    """Each member with its local file, or with a button that imports it."""
    file = library.get_file(file_id, request.user)
    plan = services.file_plan(file)
    if plan.kind != "association":
        raise NotViewable(f"{file.file_name} is no association, so it has no members.")
    context = {"here": "library", "file": file, "products": members.products_of(file), "facts": plan.facts}
    return render(request, "dashboard/members.html", context)
