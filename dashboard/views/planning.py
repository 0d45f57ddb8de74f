"""What an import would bring, before a byte is fetched, and its start."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from dashboard import results
from dashboard.forms import ImportForm, SearchForm
from dashboard.htmx import HtmxHttpRequest, page_or_part
from dashboard.jobcards import Card
from mast import services
from mast.services import ImportRequest, Refusal, StartedJob
from mast.terms import SourceChoice

MOST_FILES_SHOWN = 300
MOST_SAID = 10
"""imports that get a card or a sentence of their own"""


@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def plan(request: HtmxHttpRequest) -> HttpResponse:
    """The exact files an import would bring, before a byte is fetched; many names do not fit into an address."""
    form = _form(request)
    if not form.is_valid():
        return _nothing_chosen(request, form)
    found = services.plan_imports(form.requests(), form.without)
    context = {
        "here": "search",
        "plan": found,
        "form": form,
        "levels": form.cleaned_data["levels"],
        "shown_files": found.files[:MOST_FILES_SHOWN],
        "sources": [choice.value for choice in SourceChoice],
    }
    template = page_or_part(request, "dashboard/plan.html", "plan")
    return render(request, template, context, status=200 if found.plans else 422)


def _form(request: HttpRequest) -> ImportForm:
    return ImportForm(request.POST if request.method == "POST" else request.GET, _found_by)


def _found_by(address: str) -> list[str]:
    """The observations of a search, as it is filtered; its answer is the one that was shown."""
    query = QueryDict(address)
    form = SearchForm(query)
    if not form.is_valid():
        return []
    answer = services.turn_page(form.to_query()).answer
    return results.importable(answer, results.Shown.from_query(query))


@require_POST
def start(request: HtmxHttpRequest) -> HttpResponse:
    """Import one observation (its own button) or all that are selected; the downloads run without the page."""
    form = _form(request)
    if not form.is_valid():
        return _nothing_chosen(request, form)
    user = request.user if isinstance(request.user, AbstractBaseUser) else None
    wanted = form.requests()
    if form.without:
        wanted = services.plan_imports(wanted, form.without).requests
    started, refused = _start(wanted, user)
    if request.htmx:
        cards = [Card.of(item.job) for item in started[:MOST_SAID]]
        context = {"cards": cards, "more": len(started) - len(cards), "refused": refused[:MOST_SAID]}
        response = render(request, "dashboard/_started.html", context)
        return trigger_client_event(response, "jobs-changed")
    if len(started) > MOST_SAID:
        messages.success(request, f"{len(started)} imports are under way.")
    else:
        for item in started:
            messages.success(request, f"{item.job.obs_id}: {item.message}")
    for refusal in refused[:MOST_SAID]:
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
