"""Imports under way and ended: cards that poll themselves at the server's pace and stop by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import reswap, retarget, trigger_client_event

from dashboard.crowd import CROWD
from dashboard.htmx import HtmxHttpRequest, held_event
from dashboard.jobcards import CARD_FILES, Card
from mast import services, terms, visibility
from mast.errors import BadQuery
from mast.recent import Recent
from mast.terms import JobState
from mast.words import counted

PAGE_FILES = 200
_drawn = Recent(seconds=1, most=64)
"""moving parts of cards, for as long as their numbers stand"""
_told = Recent(seconds=0.25)
"""what a reader's poll was told a moment ago: a hundred tabs of the same people ask for the same"""
SHOWN_JOBS = 20
"""in each section; the rest have a page of their own"""
PAGE_JOBS = 50
WRONG_SHOWN = 20


@dataclass(frozen=True)
class Section:
    """Jobs in some states: what the section is called and says when empty, and what may be done to all of them."""

    name: str
    title: str
    states: frozenset[JobState]
    for_all: tuple[tuple[str, str], ...]
    words: str = ""


SECTIONS = (
    Section(
        "running",
        "Running",
        terms.ACTIVE - {JobState.QUEUED},
        (("pause", "pause"), ("cancel", "stop")),
        "Nothing is being imported right now.",
    ),
    Section("queued", "Queued", frozenset({JobState.QUEUED}), (("pause", "pause"), ("cancel", "stop"))),
    Section("paused", "Paused", frozenset({JobState.PAUSED}), (("resume", "play"), ("cancel", "stop"))),
    Section("failed", "Failed", frozenset({JobState.FAILED}), (("retry", "refresh"), ("dismiss", "check"))),
    Section(
        "finished",
        "Finished",
        frozenset({JobState.COMPLETE, JobState.CANCELLED}),
        (("dismiss", "check"),),
        "Nothing has finished yet.",
    ),
)
BY_NAME = {section.name: section for section in SECTIONS}
PASSED = ("queued", "running", "paused", "failed", "finished")
"""The order in which jobs pass through the sections. Read in it, one that moves on meanwhile is met, at worst twice."""


@dataclass(frozen=True)
class Shown:
    """A section with its newest jobs."""

    section: Section
    cards: list[Card]
    count: int

    @property
    def is_seen(self) -> bool:
        return bool(self.cards or self.section.words)


@require_GET
def imports(request: HttpRequest) -> HttpResponse:
    """Every section with its newest jobs, or one of them page by page."""
    only = BY_NAME.get(request.GET.get("state", ""))
    number = request.GET.get("page", "1")
    page = int(number) if number.isascii() and number.isdigit() and 0 < int(number) < 100_000 else 1
    limit = PAGE_JOBS if only else SHOWN_JOBS
    seen: set[UUID] = set()
    names = [only.name] if only else PASSED
    read = {name: _shown(BY_NAME[name], limit, (page - 1) * limit, seen) for name in names}
    shown = [read[section.name] for section in SECTIONS if section.name in read]
    context = {
        "here": "imports",
        "sections": shown,
        "only": only,
        "page": page,
        "is_last": bool(only) and page * limit >= shown[0].count,
        "live": any(card.pace_s for part in shown for card in part.cards),
        "shelf": services.shelf_state(),
        "wrong": services.wrong_files().order_by("file_name")[:WRONG_SHOWN],
    }
    return render(request, "dashboard/imports.html", context)


def _shown(section: Section, limit: int, offset: int, seen: set[UUID]) -> Shown:
    """A section without the jobs seen in an earlier one: they have moved on since, and have one card."""
    jobs, count = services.jobs_in(section.states, limit, offset)
    fresh = [job for job in jobs if job.pk not in seen]
    seen.update(job.pk for job in fresh)
    return Shown(section, [Card.of(job) for job in fresh], count)


@require_POST
def act_on_all(request: HttpRequest, section: str, action: str) -> HttpResponse:
    """One action for every job of a section."""
    chosen = BY_NAME.get(section)
    if chosen is None or action not in dict(chosen.for_all):
        raise BadQuery(f"There is no action {action!r} for {section!r}.", fields={"action": "unknown"})
    done, refused = services.for_all(action, chosen.states)
    words = f"{action.capitalize()}: {counted(done, 'job')}."
    if refused:
        words += f" {refused} could not be, because they had moved on."
    messages.success(request, words)
    return redirect("imports")


@require_GET
def job(request: HttpRequest, job_id: str) -> HttpResponse:
    """One job with up to 200 of its files, those that move or failed first."""
    card = Card.of(services.get_job(job_id), PAGE_FILES)
    context = {
        "here": "imports",
        "card": card,
        "full": True,
        "result": visibility.my_result(card.job),
        "hidden": visibility.count_hidden(card.job) if settings.ACCESS == "open" else 0,
    }
    return render(request, "dashboard/job.html", context)


@require_GET
def progress(request: HtmxHttpRequest, job_id: str) -> HttpResponse:
    """A poll's answer: the moving part of the card, or the whole card once its state is another."""
    CROWD.came()
    full, state = request.GET.get("full") == "1", request.GET.get("state", "")
    part = _told.get((job_id, full, state, request.user.pk), lambda: _moving_part(job_id, state, full=full))
    if part is not None:
        return HttpResponse(part)
    card = Card.of(services.get_job(job_id), PAGE_FILES if full else CARD_FILES)
    response = render(request, "dashboard/_job_card.html", {"card": card, "full": full, "announce": True})
    response = reswap(retarget(response, f"#job-{card.job.pk}"), "outerHTML")
    response = trigger_client_event(response, held_event(card.job.obs_id))
    return trigger_client_event(response, "jobs-changed")


def _moving_part(job_id: str, state: str, *, full: bool) -> str | None:
    """The part of a card that moves; None once the job's state is another."""
    card = Card.of(services.get_job(job_id), PAGE_FILES if full else CARD_FILES)
    if card.progress.state != state:
        return None
    context = {"card": card, "full": full}
    # The same for everybody who asks in the same moment; kept with the numbers it shows, whose identity is its key.
    key = (job_id, full, card.pace_s, id(card.progress))
    part, _ = _drawn.get(key, lambda: (render_to_string("dashboard/_job_progress.html", context), card.progress))
    return str(part)


@require_POST
def act(request: HtmxHttpRequest, job_id: str, action: str) -> HttpResponse:
    if action not in services.ACTIONS:
        raise BadQuery(f"There is no action {action!r}.", fields={"action": "unknown"})
    changed = services.ACTIONS[action](job_id)
    if not request.htmx:
        return redirect("imports")
    if changed.dismissed_at:
        return HttpResponse()
    full = request.GET.get("full") == "1"
    card = Card.of(changed, PAGE_FILES if full else CARD_FILES)
    response = render(request, "dashboard/_job_card.html", {"card": card, "full": full, "announce": True})
    return trigger_client_event(response, "jobs-changed")


@require_GET
def pill(request: HttpRequest) -> HttpResponse:
    """The pill in the header, and with it the cards of what the reader started."""
    CROWD.came()
    here = "imports" if request.GET.get("here") == "imports" else ""
    parts = (render_to_string(name, {"here": here, "oob": True}, request) for name in ("_pill.html", "_mine.html"))
    return HttpResponse("".join(parts))


@require_http_methods(["GET", "POST"])
def refresh(request: HttpRequest) -> HttpResponse:
    """Say what Refresh Metadata does, and start it as a job."""
    if request.method == "POST":
        user = request.user if isinstance(request.user, AbstractBaseUser) else None
        messages.success(request, services.refresh_all(user).message)
        return redirect("imports")
    observations = visibility.my_observations().count()
    return render(request, "dashboard/refresh.html", {"here": "refresh", "count": observations})
