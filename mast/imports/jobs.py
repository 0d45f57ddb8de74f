"""A job's state, derived from its transfers: the last to end ends the job. Every change is one conditional UPDATE."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Coalesce, Now

from mast import conf, terms
from mast.imports import places
from mast.models import ImportJob, Transfer
from mast.terms import JobState

NAMED_FAILURES: Final = 20
"""failed files that a job's error names; the rest are counted"""
_ORDER: Final = (JobState.DOWNLOADING, JobState.VERIFYING, JobState.WAITING, JobState.QUEUED)


def transfers_of(job_id: Any) -> QuerySet[Transfer]:
    return Transfer.objects.filter(items__job=job_id)


def jobs_of(transfer_ids: Iterable[int], states: Iterable[str] = terms.ACTIVE) -> QuerySet[ImportJob]:
    """The jobs in these states that wait for any of the transfers."""
    return ImportJob.objects.filter(items__transfer__in=list(transfer_ids), state__in=states).distinct()


def settle_jobs_of(transfer_ids: Iterable[int], *, released: bool = False) -> None:
    """Settle every active job that waits for one of these transfers."""
    for job_id in jobs_of(transfer_ids).values_list("pk", flat=True):
        settle(job_id, released=released)


def settle(job_id: Any, *, released: bool = False) -> None:
    """Bring an active job's state in line with its transfers.

    Between two files nothing may run for a moment; that alone does not make a job `queued` again. `released`: a worker
    gave its work back, so it does.
    """
    counts = dict(transfers_of(job_id).values_list("state").annotate(count=Count("pk")))
    active = next((state for state in _ORDER if counts.get(state)), None)
    if active is None:
        _end(job_id, counts)
        return
    changing = ImportJob.objects.filter(pk=job_id, state__in=terms.ACTIVE).exclude(state=active)
    if active == JobState.QUEUED and not released:
        changing = changing.exclude(state__in=terms.RUNNING)
    if active in terms.RUNNING:
        changing.update(state=active, started_at=Coalesce("started_at", Now()), message=_message(active))
    else:
        changing.update(state=active, message=_message(active))


def _message(state: JobState) -> str:
    return {
        JobState.QUEUED: "Waiting for a free worker.",
        JobState.DOWNLOADING: "Downloading.",
        JobState.VERIFYING: "Verifying what arrived.",
        JobState.WAITING: "Waiting before the next try.",
    }[state]


def missing_room(job_id: Any) -> int:
    """How many bytes the disk lacks for the rest of a job; negative when there is room."""
    rest = Coalesce("total_bytes", "catalog_bytes", 0) - F("done_bytes")
    unfinished = transfers_of(job_id).exclude(state=JobState.COMPLETE)
    taken = places.set_aside_bytes()
    begun = unfinished.filter(file_name__in=taken).values_list("file_name", "done_bytes")
    has_room = sum(max(0, taken[name] - done) for name, done in begun)
    return (unfinished.aggregate(rest=Sum(rest))["rest"] or 0) - has_room + conf.min_free_bytes() - conf.free_bytes()


def _end(job_id: Any, counts: dict[str, int]) -> None:
    """End a job none of whose transfers is active. Paused or cancelled ones the sweeper sends out again."""
    if counts.get(JobState.PAUSED) or counts.get(JobState.CANCELLED):
        return
    ending = ImportJob.objects.filter(pk=job_id, state__in=terms.ACTIVE)
    started = Coalesce("started_at", Now())
    failed = counts.get(JobState.FAILED, 0)
    if not failed:
        total = counts.get(JobState.COMPLETE, 0)
        text = f"All {total} files are in the library." if total != 1 else "The file is in the library."
        ending.update(
            state=JobState.COMPLETE, ended_at=Now(), started_at=started, message=text, error="", error_code=""
        )
        return
    code, error = failure_of(job_id, failed, sum(counts.values()))
    ending.update(
        state=JobState.FAILED, ended_at=Now(), started_at=started, error_code=code, error=error, message=error
    )


def failure_of(job_id: Any, failed: int, total: int) -> tuple[str, str]:
    """The code and the sentence of a job some of whose files could not be had: each named, with its reason."""
    rows = transfers_of(job_id).filter(state=JobState.FAILED).order_by("file_name")
    named = list(rows.values_list("file_name", "error_code", "error")[:NAMED_FAILURES])
    reasons = "; ".join(f"{name}: {error.rstrip('.')}" for name, _, error in named)
    more = f"; and {failed - len(named)} more" if failed > len(named) else ""
    head = "The file" if total == 1 else f"{failed} of {total} files"
    return named[0][1], f"{head} could not be had. {reasons}{more}."
