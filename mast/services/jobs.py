"""Jobs as their users see them: listed, watched, paused, cancelled, resumed, dismissed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from mast import access, acting, audit, errors, terms, visibility
from mast.access import Right
from mast.imports import control, progress
from mast.imports.progress import JobProgress
from mast.models import ImportJob
from mast.terms import JobState

LATELY = timedelta(days=1)


def get_job(job_id: str | uuid.UUID) -> ImportJob:
    """The job of this id; `JobNotFound` for one that is unknown, unreadable, or not the caller's to know of."""
    try:
        return visibility.my_jobs().get(pk=uuid.UUID(str(job_id)))
    except (ValueError, ImportJob.DoesNotExist):
        raise errors.JobNotFound(f"There is no import job {job_id}.") from None


def list_jobs(
    state: str | None = None, obs_id: str | None = None, limit: int = 50, offset: int = 0
) -> tuple[list[ImportJob], int]:
    """One page of jobs, newest first, and how many there are. `state` is one of the states, or `active` or `ended`."""
    jobs = visibility.my_jobs().filter(dismissed_at=None)
    groups = {"active": terms.LIVE, "ended": terms.ENDED}
    if state:
        if state not in groups and state not in set(terms.JobState):
            raise errors.BadQuery(f"There is no job state {state!r}.", fields={"state": "is not a state of a job"})
        jobs = jobs.filter(state__in=groups.get(state, {state}))
    if obs_id:
        jobs = jobs.filter(obs_id=obs_id)
    return list(jobs[offset : offset + limit]), jobs.count()


def jobs_in(states: Collection[str], limit: int = 50, offset: int = 0) -> tuple[list[ImportJob], int]:
    """One page of the jobs in some states, those that begin or began last first, and how many there are."""
    jobs = visibility.my_jobs().filter(dismissed_at=None, state__in=states)
    return list(jobs[offset : offset + limit]), jobs.count()


def own_jobs(limit: int = 4) -> list[ImportJob]:
    """What whoever acts started and is under way, or failed within a day and was not dismissed.

    Without logins whoever asks is the one who started it.
    """
    seen = Q(state__in=terms.ACTIVE) | Q(state=JobState.FAILED, ended_at__gte=timezone.now() - LATELY)
    jobs = visibility.my_jobs().filter(seen, dismissed_at=None)
    user = acting.current().user
    if settings.ACCESS == "login" and user is not None:
        jobs = jobs.filter(owner=user.pk)
    return list(jobs.order_by("-created_at")[:limit])


def for_all(action: str, states: Collection[str]) -> tuple[int, int]:
    """Do to every job in some states what its button does; how many it was done to, and how many refused.

    One job after another, as its own button would: what one refuses does not stop the rest.
    """
    access.demand(Right.IMPORT)
    jobs = visibility.my_jobs().filter(dismissed_at=None, state__in=states)
    user = acting.current().user
    if not access.may(user, Right.CURATE):
        jobs = jobs.filter(owner=user.pk)
    done = refused = 0
    for pk in list(jobs.values_list("pk", flat=True)):
        try:
            ACTIONS[action](pk)
            done += 1
        except (errors.JobError, errors.UserError):
            refused += 1
    return done, refused


def pause_job(job_id: str | uuid.UUID) -> ImportJob:
    """Stop a job's downloads, keeping every proven byte; 409 when it has ended."""
    return _steered("import.pause", _steerable(job_id), control.pause)


def cancel_job(job_id: str | uuid.UUID) -> ImportJob:
    """End a job. Files that other jobs want go on; parts are kept two weeks. Cancelling twice is harmless."""
    return _steered("import.cancel", _steerable(job_id), control.cancel)


def resume_job(job_id: str | uuid.UUID) -> ImportJob:
    """Go on with a paused, failed or cancelled job; 409 for a running one; a complete one has nothing to do."""
    return _steered("import.resume", _steerable(job_id), control.resume)


def retry_job(job_id: str | uuid.UUID) -> ImportJob:
    """The same as resuming: what failed is tried again, what arrived stays."""
    return resume_job(job_id)


def dismiss_job(job_id: str | uuid.UUID) -> ImportJob:
    """Take an ended job off the list; 409 while it runs."""
    job = _steerable(job_id)
    if not job.is_ended:
        raise errors.JobNotResumable("Only a job that has ended can be dismissed; cancel it first.", state=job.state)
    job.dismissed_at = timezone.now()
    job.save(update_fields=["dismissed_at"])
    audit.note("import.dismiss", job.obs_id, job=str(job.pk))
    return job


def may_steer(job: ImportJob) -> bool:
    """One's own import everybody may steer who may import; another's takes a curator."""
    user = acting.current().user
    is_own = user is not None and job.owner_id is not None and job.owner_id == user.pk
    return access.may(user, Right.IMPORT if is_own else Right.CURATE)


def _steerable(job_id: str | uuid.UUID) -> ImportJob:
    job = get_job(job_id)
    if not may_steer(job):
        access.demand(Right.IMPORT)
        raise errors.NotPermitted("This import is somebody else's; its owner, a curator or an administrator steers it.")
    return job


def _steered(action: str, job: ImportJob, act: Callable[[ImportJob], ImportJob]) -> ImportJob:
    changed = act(job)
    audit.note(action, job.obs_id, job=str(job.pk))
    return changed


def job_progress(job: str | uuid.UUID | ImportJob, *, max_files: int = 200) -> JobProgress:
    """How far a job is, with its most telling files first; always read anew."""
    return progress_of(get_job(job.pk if isinstance(job, ImportJob) else job), max_files=max_files)


def progress_of(row: ImportJob, *, max_files: int = 200) -> JobProgress:
    """The same of a row that was read just now, for whoever may know of it."""
    told = progress.of(row, max_files=max_files)
    if told.result is None:
        return told
    # `told` is shared by all who ask; what each may know of differs.
    return replace(told, result=replace(told.result, details=visibility.my_result(row)))


def active_summary() -> tuple[int, float]:
    """For the pill in the header: how many jobs run, and their percent together."""
    return progress.active_summary()


ACTIONS: dict[str, Callable[[str | uuid.UUID], ImportJob]] = {
    "pause": pause_job,
    "cancel": cancel_job,
    "resume": resume_job,
    "retry": retry_job,
    "dismiss": dismiss_job,
}
