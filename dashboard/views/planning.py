"""What an import would bring, before a byte is fetched, and its start."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from dashboard.forms import ImportForm
from dashboard.htmx import HtmxHttpRequest
from dashboard.views.imports import Card
from mast import services
from mast.services import ImportRequest, Refusal, StartedJob


@require_GET
def plan(request: HttpRequest) -> HttpResponse:
    """The exact files an import would bring, before a byte is fetched."""
    form = ImportForm(request.GET)
    if not form.is_valid():
        return redirect("search")
    found = services.preview_import(form.requests()[0])
    return render(
        request, "dashboard/plan.html", {"here": "search", "plan": found, "levels": form.cleaned_data["levels"]}
    )


@require_POST
def start(request: HtmxHttpRequest) -> HttpResponse:
    """Import one observation (its own button) or all that are selected; the downloads run without the page."""
    form = ImportForm(request.POST)
    if not form.is_valid():
        return _nothing_chosen(request, form)
    user = request.user if isinstance(request.user, AbstractBaseUser) else None
    started, refused = _start(form.requests(), user)
    if request.htmx:
        cards = [Card.of(item.job) for item in started]
        response = render(request, "dashboard/_started.html", {"cards": cards, "refused": refused})
        return trigger_client_event(response, "jobs-changed")
    for item in started:
        messages.success(request, f"{item.job.obs_id}: {item.message}")
    for refusal in refused:
        messages.error(request, f"{refusal.obs_id}: {refusal.error.message}")
    return redirect(reverse("imports"))


def _start(wanted: list[ImportRequest], user: AbstractBaseUser | None) -> tuple[list[StartedJob], list[Refusal]]:
    """A refusal of the only one wanted is the answer to the request, with its status; of several it is one line."""
    if len(wanted) == 1:
        return [services.start_import(wanted[0], user)], []
    return services.start_imports(wanted, user)


def _nothing_chosen(request: HtmxHttpRequest, form: ImportForm) -> HttpResponse:
    words = " ".join(str(error) for errors in form.errors.values() for error in errors)
    if request.htmx:
        return render(request, "dashboard/_started.html", {"complaint": words}, status=422)
    messages.warning(request, words)
    back = request.POST.get("back", "")
    return redirect(back if back.startswith(reverse("search")) else "search")
