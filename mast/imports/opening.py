"""The hours at which this site fetches files: outside them what is queued waits, and says until when."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from mast.imports import jobs
from mast.imports.leases import FREE
from mast.models import ImportJob, Transfer
from mast.terms import JobState

CLOSED: Final = "Files are fetched only from "


def closed_for() -> dt.timedelta:
    """How long until files may be fetched; nothing while they may."""
    hours = settings.DOWNLOAD_HOURS
    return hours.begin_in(timezone.now()) if hours else dt.timedelta()


def is_open() -> bool:
    return not closed_for()


def sentence() -> str:
    return f"{CLOSED}{settings.DOWNLOAD_HOURS}; this one waits until then."


def put_aside(transfers: QuerySet[Transfer]) -> int:
    """Let queued transfers wait until the hours begin."""
    queued = transfers.filter(FREE, state=JobState.QUEUED)
    count = queued.update(
        state=JobState.WAITING, not_before=Now() + closed_for(), published_at=None, message=sentence()
    )
    waiting = ImportJob.objects.filter(state=JobState.QUEUED, items__transfer__message__startswith=CLOSED)
    for job_id in list(waiting.values_list("pk", flat=True).distinct()) if count else []:
        jobs.settle(job_id)
    return count


def take_up() -> int:
    """Queue again what waited for hours that have begun, or that were set otherwise since."""
    waiting = Transfer.objects.filter(FREE, state=JobState.WAITING, message__startswith=CLOSED)
    return waiting.update(state=JobState.QUEUED, not_before=None, message="") if is_open() else 0
