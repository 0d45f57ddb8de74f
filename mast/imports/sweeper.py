"""Puts right what dead workers, lost messages and full disks left behind. Safe to run anywhere, any number at once."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from mast import errors, terms
from mast.imports import broker, control, joblease, jobs, opening, owners
from mast.imports.leases import FREE, MAX_ATTEMPTS, UNHELD
from mast.models import ImportItem, ImportJob, Transfer
from mast.terms import JobState

log = logging.getLogger(__name__)

AGAIN_S: Final = 10
"""a message not taken for so long is sent again when the queue is empty: it was lost"""
AGAIN_BUSY_S: Final = 600
"""… and while the queue is not empty"""


def sweep() -> None:
    """One round: free, give up, go on after a full disk, end what is done, send out what waits."""
    free_dead()
    free_expired()
    give_up()
    go_on_after_full_disk()
    requeue_wanted()
    opening.take_up()
    settle_stragglers()
    publish_waiting()


def free_dead() -> int:
    """Free what processes of this host held that run no more."""
    here = owners.host().partition("/")[0] + "/"
    held = set(Transfer.objects.filter(owner__startswith=here).values_list("owner", flat=True))
    held |= set(ImportJob.objects.filter(lease_owner__startswith=here).values_list("lease_owner", flat=True))
    dead = [owner for owner in held if owners.is_dead(owner)]
    if not dead:
        return 0
    _free_jobs(Q(lease_owner__in=dead))
    return _free(Q(owner__in=dead))


def free_expired() -> int:
    """Free what nobody beat for longer than a lease."""
    _free_jobs(Q(lease_until__lt=Now()))
    return _free(Q(lease_until__lt=Now()))


def _free(which: Q) -> int:
    held = Transfer.objects.filter(which, state__in=terms.ACTIVE).exclude(owner="")
    with transaction.atomic():
        # A row that is locked is left for the next round: who locked it lives, or stopped in mid-transaction.
        ids = list(held.select_for_update(skip_locked=True).values_list("pk", flat=True))
        count = held.filter(pk__in=ids).update(
            **UNHELD,
            state=JobState.QUEUED,
            epoch=F("epoch") + 1,
            published_at=None,
            not_before=None,
            message="Its worker stopped; it goes on from the bytes that are proven.",
        )
    if count:
        log.warning("freed %d transfers of workers that stopped", count)
        jobs.settle_jobs_of(ids, released=True)
    return count


def _free_jobs(which: Q) -> None:
    """The same for jobs without transfers: they go back to the queue, and out again."""
    held = ImportJob.objects.filter(which, state__in=terms.RUNNING).exclude(lease_owner="")
    with transaction.atomic():
        freed = list(held.select_for_update(skip_locked=True))
        held.filter(pk__in=[job.pk for job in freed]).update(**joblease.UNHELD, state=JobState.QUEUED)
    for job in freed:
        broker.publish_job(job)


def give_up() -> None:
    """Fail what was claimed several times without a new byte: the file kills its workers."""
    poison = Transfer.objects.filter(FREE, state__in=(JobState.QUEUED, JobState.WAITING), attempts__gte=MAX_ATTEMPTS)
    ids = list(poison.values_list("pk", flat=True))
    if not ids:
        return
    error = errors.WorkerDied(f"The worker died {MAX_ATTEMPTS} times on this file without getting further.")
    poison.filter(pk__in=ids).update(
        **UNHELD, state=JobState.FAILED, error_code=error.code, error=error.message, message=""
    )
    jobs.settle_jobs_of(ids)


def go_on_after_full_disk() -> None:
    """Resume jobs that the disk had no room for, once it has."""
    for job in ImportJob.objects.filter(state=JobState.PAUSED, error_code=errors.DiskFull.code):
        if jobs.missing_room(job.pk) > 0:
            continue
        try:
            control.resume(job)
        except errors.JobNotResumable:
            log.info("job %s did not go on after the full disk", job.pk)


def requeue_wanted() -> None:
    """Paused or cancelled transfers that an active job wants: it began while the other was stopped."""
    control.requeue(Transfer.objects.filter(_wanted(), state__in=terms.ENDED_BY_HAND))


def _wanted() -> Exists:
    """Whether an active job wants the transfer."""
    return Exists(ImportItem.objects.filter(transfer=OuterRef("pk"), job__state__in=terms.ACTIVE))


def settle_stragglers() -> None:
    """Settle jobs whose last file ended while the worker died before it could say so."""
    working = ImportItem.objects.filter(job=OuterRef("pk"), transfer__state__in=terms.ACTIVE)
    active = ImportJob.objects.filter(~Exists(working), kind=ImportJob.Kind.IMPORT, state__in=terms.ACTIVE)
    for job_id in active.values_list("pk", flat=True):
        jobs.settle(job_id)


def unsent(length: int) -> QuerySet[Transfer]:
    """What an active job wants and no message in a queue of this length names."""
    patience = dt.timedelta(seconds=AGAIN_S if length == 0 else AGAIN_BUSY_S)
    return Transfer.objects.filter(_wanted(), Q(published_at=None) | Q(published_at__lt=Now() - patience))


def refill() -> None:
    """A worker has ended a piece of work: send out more before the queue is empty."""
    length = broker.queue_length()
    if length is not None and length < broker.WINDOW // 2:
        broker.publish(unsent(length))


def publish_waiting() -> None:
    """Send out what is queued without a message, and what waited long enough."""
    length = broker.queue_length()
    if length is None:
        return
    broker.publish(unsent(length))
    jobs_waiting = ImportJob.objects.exclude(kind=ImportJob.Kind.IMPORT).filter(FREE, state=JobState.QUEUED)
    if length:
        jobs_waiting = jobs_waiting.filter(message=broker.UNREACHABLE)
    for job in jobs_waiting:
        broker.publish_job(job)
