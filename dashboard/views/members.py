"""What an association joins."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from mast import library, services


@require_GET
def listed(request: HttpRequest, file_id: int) -> HttpResponse:
    """Each member with its local file, or with a button that imports it."""
    file = library.get_file(file_id, request.user)
    products = services.association_products(file)
    context = {"here": "library", "file": file, "products": products, "facts": services.file_plan(file).facts}
    return render(request, "dashboard/members.html", context)
