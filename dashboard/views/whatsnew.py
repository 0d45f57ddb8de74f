"""What became public lately, by instrument, to look at and import."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard import results
from mast import services, terms

DAYS = (7, 30, 90, 365)
INSTRUMENTS = ("NIRCAM", "MIRI", "NIRSPEC", "NIRISS", "FGS")
A_PAGE = 60


@require_GET
def whats_new(request: HttpRequest) -> HttpResponse:
    days = next((number for number in DAYS if str(number) == request.GET.get("days")), DAYS[0])
    instrument = request.GET.get("instrument", "").upper()
    instrument = instrument if instrument in INSTRUMENTS else ""
    offset = _whole(request.GET.get("from", ""))
    found = services.whats_new(days, instrument, A_PAGE, offset)
    total = found.answer.total_count
    context = {
        "here": "new",
        "found": found,
        "lines": results.as_lines(found.answer.rows, results.Shown({}, "", (), ""), request.user),
        "days": days,
        "instrument": instrument,
        "all_days": DAYS,
        "instruments": INSTRUMENTS,
        "levels": ",".join(str(int(level)) for level in terms.SEARCH_LEVELS),
        "total": total,
        "first": offset + 1,
        "last": offset + len(found.answer.rows),
        "before": max(0, offset - A_PAGE) if offset else None,
        "after": offset + A_PAGE if offset + A_PAGE < total else None,
    }
    return render(request, "dashboard/whats_new.html", context)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
