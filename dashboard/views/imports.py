"""Imports under way and ended: cards that poll themselves at the server's pace and stop by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import reswap, retarget, trigger_client_event

from dashboard.htmx import HtmxHttpRequest
from mast import services, terms
from mast.errors import BadQuery
from mast.models import ImportJob, Observation
from mast.services import JobProgress
from mast.terms import JobState

CARD_FILES = 6
PAGE_FILES = 200
ENDED_SHOWN = 30
ACTIVE_SHOWN = 50
FAST_S, SLOW_S = 1, 5
NEW = timedelta(seconds=20)
"""a job just started is about to move"""
ACTIONS = {
    "pause": services.pause_job,
    "cancel": services.cancel_job,
    "resume": services.resume_job,
    "retry": services.retry_job,
    "dismiss": services.dismiss_job,
}


@dataclass(frozen=True)
class Card:
    """One job as a page shows it."""

    job: ImportJob
    progress: JobProgress

    @classmethod
    def of(cls, job: ImportJob, max_files: int = CARD_FILES) -> Card:
        return cls(job, services.job_progress(job, max_files=max_files))

    @property
    def pace_s(self) -> int | None:
        """Seconds until the next poll: every second while bytes flow, slower in a queue, never once it stands still."""
        is_new = timezone.now() - self.job.created_at < NEW
        if self.progress.state in terms.RUNNING or (is_new and self.progress.state == JobState.QUEUED):
            return FAST_S
        return SLOW_S if self.progress.state in terms.ACTIVE else None

    @property
    def actions(self) -> list[tuple[str, str]]:
        """What may be done in this state: names and the icons beside them."""
        state = JobState(self.progress.state)
        if state in terms.ACTIVE:
            pause = [("pause", "pause")] if self.job.kind == ImportJob.Kind.IMPORT else []
            return [*pause, ("cancel", "stop")]
        if state == JobState.PAUSED:
            return [("resume", "play"), ("cancel", "stop")]
        again = {JobState.FAILED: [("retry", "refresh")], JobState.CANCELLED: [("resume", "play")]}
        return [*again.get(state, []), ("dismiss", "check")]

    @property
    def shows_files(self) -> bool:
        """Files are worth a look while they move, and when one of them stopped the job."""
        return self.progress.state in terms.ACTIVE - {JobState.QUEUED} or bool(self.progress.error)

    @property
    def more_files(self) -> int:
        return self.progress.file_count - len(self.progress.file_progress)


SECTIONS = [
    ("Running", terms.ACTIVE, "Nothing is being imported right now."),
    ("Paused", frozenset({JobState.PAUSED}), ""),
    ("Failed", frozenset({JobState.FAILED}), ""),
    ("Finished", frozenset({JobState.COMPLETE, JobState.CANCELLED}), "Nothing has finished yet."),
]


@require_GET
def imports(request: HttpRequest) -> HttpResponse:
    active, active_count = services.list_jobs(state="active", limit=ACTIVE_SHOWN)
    ended, ended_count = services.list_jobs(state="ended", limit=ENDED_SHOWN)
    cards = [Card.of(job) for job in [*active, *ended]]
    sections = [
        (title, [card for card in cards if card.job.state in states], words) for title, states, words in SECTIONS
    ]
    hidden = active_count + ended_count - len(cards)
    is_live = any(job.state in terms.ACTIVE for job in active)
    return render(
        request, "dashboard/imports.html", {"here": "imports", "sections": sections, "hidden": hidden, "live": is_live}
    )


@require_GET
def job(request: HttpRequest, job_id: str) -> HttpResponse:
    """One job with up to 200 of its files, those that move or failed first."""
    card = Card.of(services.get_job(job_id), PAGE_FILES)
    return render(request, "dashboard/job.html", {"here": "imports", "card": card, "full": True})


@require_GET
def progress(request: HtmxHttpRequest, job_id: str) -> HttpResponse:
    """A poll's answer: the moving part of the card, or the whole card once its state is another."""
    full = request.GET.get("full") == "1"
    card = Card.of(services.get_job(job_id), PAGE_FILES if full else CARD_FILES)
    context = {"card": card, "full": full}
    if request.GET.get("state") == card.progress.state:
        return render(request, "dashboard/_job_progress.html", context)
    response = render(request, "dashboard/_job_card.html", {**context, "announce": True})
    response = reswap(retarget(response, f"#job-{card.job.pk}"), "outerHTML")
    return trigger_client_event(response, "jobs-changed")


@require_POST
def act(request: HtmxHttpRequest, job_id: str, action: str) -> HttpResponse:
    if action not in ACTIONS:
        raise BadQuery(f"There is no action {action!r}.", fields={"action": "unknown"})
    changed = ACTIONS[action](job_id)
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
    return render(request, "_pill.html")


@require_http_methods(["GET", "POST"])
def refresh(request: HttpRequest) -> HttpResponse:
    """Say what Refresh Metadata does, and start it as a job."""
    if request.method == "POST":
        user = request.user if isinstance(request.user, AbstractBaseUser) else None
        messages.success(request, services.refresh_all(user).message)
        return redirect("imports")
    observations = Observation.objects.count()
    return render(request, "dashboard/refresh.html", {"here": "refresh", "count": observations})
