"""What a person does to a job: pause, cancel, resume. Transfers that another active job wants go on.

A running transfer is taken from its worker by clearing owner and lease: the worker's next beat finds no row and stops.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now

from mast import errors, terms, words
from mast.imports import broker, joblease, jobs
from mast.imports.leases import UNHELD
from mast.models import ImportItem, ImportJob, Transfer
from mast.terms import JobState

REQUEUED: Final[dict[str, Any]] = {
    **UNHELD,
    "state": JobState.QUEUED,
    "attempts": 0,
    "error_code": "",
    "error": "",
    "message": "",
    "not_before": None,
    "published_at": None,
}


def pause(job: ImportJob) -> ImportJob:
    """Stop a job, keeping what arrived. One that waits for room on the disk stays paused when there is room, too.

    Raises
    ------
    JobNotResumable : the job has ended
    """
    return _stop(
        job, terms.ACTIVE | {JobState.PAUSED}, JobState.PAUSED, "Paused. Resume goes on from the bytes that are here."
    )


def cancel(job: ImportJob) -> ImportJob:
    """End a job for good, though it may be resumed; a cancelled one stays as it is."""
    return _stop(job, terms.LIVE, JobState.CANCELLED, "Cancelled. Files that had arrived stay in the library.")


def _stop(job: ImportJob, states: frozenset[JobState], state: JobState, message: str) -> ImportJob:
    with transaction.atomic():
        stopped = ImportJob.objects.filter(pk=job.pk, state__in=states)
        fields = {"message": message, "error_code": "", "error": "", **joblease.UNHELD, **_ended(state)}
        is_stopped = stopped.update(state=state, **fields)
        if is_stopped:
            unwanted(job.pk).update(**UNHELD, state=state, message="", not_before=None, epoch=F("epoch") + 1)
    job.refresh_from_db()
    if not is_stopped and job.state != state:
        raise errors.JobNotResumable(f"The job is {job.state}; it cannot become {state} any more.", state=job.state)
    return job


def _ended(state: JobState) -> dict[str, Any]:
    return {"ended_at": Now()} if state in terms.ENDED else {}


def unwanted(job_id: Any) -> QuerySet[Transfer]:
    """The active transfers of a job that no active job wants."""
    wanting = ImportItem.objects.filter(transfer=OuterRef("pk"), job__state__in=terms.ACTIVE)
    mine = ImportItem.objects.filter(transfer=OuterRef("pk"), job=job_id)
    return Transfer.objects.filter(Exists(mine), ~Exists(wanting), state__in=terms.ACTIVE)


def pause_for_disk(transfer_id: int) -> None:
    """Pause every active job that waits for a transfer the disk has no room for; the sweeper resumes them."""
    with transaction.atomic():
        full = {job.pk: _full(job.pk) for job in jobs.jobs_of([transfer_id])}
        for job_id, fields in full.items():
            ImportJob.objects.filter(pk=job_id, state__in=terms.ACTIVE).update(state=JobState.PAUSED, **fields)
        for job_id, fields in full.items():
            unwanted(job_id).update(**UNHELD, **fields, state=JobState.PAUSED, not_before=None, epoch=F("epoch") + 1)


def _full(job_id: Any) -> dict[str, str]:
    needed = words.size(max(1, jobs.missing_room(job_id)))
    text = f"disk full, needs {needed} more; it goes on by itself when there is room."
    return {"error_code": errors.DiskFull.code, "error": text, "message": f"Paused: {text}"}


def resume(job: ImportJob) -> ImportJob:
    """Go on with a job that was paused, failed or cancelled; of a complete one nothing is left to do.

    Raises
    ------
    JobNotResumable : the job runs, or the same import was begun anew and is under way
    """
    if job.state == JobState.COMPLETE:
        return job
    try:
        with transaction.atomic():
            _resume(job)
    except IntegrityError:
        raise errors.JobNotResumable("The same import was started anew and is under way.", state=job.state) from None
    job.refresh_from_db()
    return job


def _resume(job: ImportJob) -> None:
    resumed = ImportJob.objects.filter(pk=job.pk, state__in=terms.RESUMABLE)
    if not resumed.update(
        state=JobState.QUEUED, error_code="", error="", ended_at=None, dismissed_at=None, message="Resumed."
    ):
        job.refresh_from_db()
        raise errors.JobNotResumable(f"The job is {job.state} already.", state=job.state)
    if job.kind != ImportJob.Kind.IMPORT:
        transaction.on_commit(lambda: broker.publish_job(job))
        return
    requeue(jobs.transfers_of(job.pk))
    jobs.settle(job.pk, released=True)
    transaction.on_commit(lambda: broker.publish_transfers(job.pk))


def requeue(transfers: QuerySet[Transfer]) -> int:
    """Send transfers that stopped short, or whose file was lost since, back to the queue."""
    stopped = transfers.filter(state__in=terms.RESUMABLE).update(**REQUEUED, epoch=F("epoch") + 1)
    lost = transfers.filter(state=JobState.COMPLETE).exclude(file__state="held")
    return stopped + lost.update(**REQUEUED, epoch=F("epoch") + 1, done_bytes=0, total_bytes=None)
