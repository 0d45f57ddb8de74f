"""What a page says when something could not be done: in the page that asked, with an honest status."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.http import reswap, retarget

from dashboard import keptsearches
from dashboard.forms import SearchForm
from mast.errors import ArchiveError, MastError, NotFound


def refusal(request: HttpRequest, error: MastError) -> HttpResponse:
    """The page, or for htmx its part, that says what happened; a failed search keeps its form filled in."""
    context: dict[str, Any] = {"error": error}
    is_part = bool(getattr(request, "htmx", False)) and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    if request.resolver_match and request.resolver_match.url_name == "search":
        context |= {"here": "search", "form": SearchForm(request.GET)}
        if isinstance(error, ArchiveError):
            context["kept_searches"] = keptsearches.latest()
        template = "dashboard/search.html#results" if is_part else "dashboard/search.html"
        return _aimed(render(request, template, context, status=error.http_status), "#results", "outerHTML")
    if is_part:
        return _aimed(render(request, "_toast.html", context, status=error.http_status), "#toasts", "beforeend")
    if request.resolver_match and request.resolver_match.url_name == "observation" and isinstance(error, NotFound):
        # What is not held may still be looked at where it is.
        context["elsewhere"] = request.resolver_match.kwargs["obs_id"]
    return render(request, "error.html", context, status=error.http_status)


def _aimed(response: HttpResponse, target: str, swap: str) -> HttpResponse:
    """Where htmx puts it, whatever the request was aimed at."""
    return reswap(retarget(response, target), swap)  # type: ignore[arg-type]
