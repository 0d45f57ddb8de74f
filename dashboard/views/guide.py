"""A short guide: what the words mean, and what to press."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from mast import terms

SHOWN = ("uncal", "rate", "rateints", "cal", "crf", "i2d", "s2d", "s3d", "x1d", "cat", "segm", "asn", "pool")


@require_GET
def guide(request: HttpRequest) -> HttpResponse:
    context = {
        "here": "guide",
        "levels": [(int(level), level.label) for level in terms.CalibLevel],
        "suffixes": [terms.SUFFIXES[name] for name in SHOWN],
    }
    return render(request, "dashboard/guide.html", context)
