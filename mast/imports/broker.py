"""Messages to the workers. They carry ids only and may be lost, doubled or late: the rows are the truth.

A message names one large file or up to 50 small ones, in the order of `turns`. At most `WINDOW` messages lie in the
queue; workers and sweepers send the rest as it drains, so that 20,000 files neither block a request nor stand before
everybody else's.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

import redis
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from mast import conf
from mast.imports import opening, turns
from mast.imports.leases import DUE, FREE
from mast.models import ImportJob, Transfer
from mast.terms import JobState

log = logging.getLogger(__name__)

WINDOW: Final = 16
IDS_A_QUERY: Final = 500
UNREACHABLE: Final = "Queued; the queue is not reachable at the moment, the import starts by itself when it is."
_JOB_TASKS: Final = {
    ImportJob.Kind.EXISTING: "mast.tasks.register_existing",
    ImportJob.Kind.REFRESH: "mast.tasks.refresh",
    ImportJob.Kind.VERIFY: "mast.tasks.verify",
}


def queue_length() -> int | None:
    """How many messages lie in the queue; None when it cannot be reached."""
    try:
        with conf.redis_client() as connection:
            return int(connection.llen(settings.CELERY_TASK_DEFAULT_QUEUE))
    except (redis.RedisError, OSError):
        return None


def publish_transfers(job_id: Any) -> bool:
    """Send a job's queued transfers out; False, and a word in the job, when the queue cannot be reached."""
    is_sent = publish(Transfer.objects.filter(items__job=job_id))
    if not is_sent:
        ImportJob.objects.filter(pk=job_id, state=JobState.QUEUED).update(message=UNREACHABLE)
    return is_sent


def publish(transfers: QuerySet[Transfer]) -> bool:
    """Send queued transfers out, as many as there is room for in the queue, by turns."""
    length = queue_length()
    if length is None:
        return False
    if not opening.is_open():
        opening.put_aside(transfers)
        return True
    queued = transfers.filter(FREE, DUE, state__in=(JobState.QUEUED, JobState.WAITING))
    room = max(0, WINDOW - length)
    sent: list[int] = []
    messages = turns.messages(queued, room, conf.transfer_config().small_bytes) if room else []
    for ids in messages:
        if not _send("mast.tasks.fetch", ids):
            break
        sent += ids
    with transaction.atomic():
        for start in range(0, len(sent), IDS_A_QUERY):
            Transfer.objects.filter(pk__in=sent[start : start + IDS_A_QUERY]).update(published_at=Now())
    return len(sent) == sum(map(len, messages))


def publish_derived(data_uris: Sequence[str]) -> None:
    """Ask for the pyramids of files that arrived. A message that is lost costs the first to look at a file a moment."""
    if queue_length() is not None:
        _send("mast.tasks.derive", list(data_uris))


def publish_job(job: ImportJob) -> bool:
    """Send a job without transfers out."""
    is_sent = queue_length() is not None and _send(_JOB_TASKS[ImportJob.Kind(job.kind)], str(job.pk))
    queued = ImportJob.objects.filter(pk=job.pk, state=JobState.QUEUED)
    if not is_sent:
        queued.update(message=UNREACHABLE)
    elif job.message == UNREACHABLE:
        queued.update(message="Waiting for a free worker.")
    return is_sent


def _send(task: str, argument: Sequence[int] | Sequence[str] | str) -> bool:
    # Not before the first message: Celery would be a third of every command's start.
    from kombu.exceptions import OperationalError

    app = import_string(settings.TASK_APP)
    try:
        app.send_task(task, args=[argument], retry=False, ignore_result=True)
    except (OperationalError, redis.RedisError, OSError) as exc:
        log.warning("the queue is not reachable: %s", exc)
        return False
    return True
