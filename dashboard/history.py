"""What happened to an observation since it came: imports, corrections, refreshes, newest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from mast import visibility
from mast.models import ImportJob, Observation

MOST = 20


@dataclass(frozen=True)
class Event:
    """One event: when, what, by whom, and the job it belongs to."""

    at: dt.datetime
    words: str
    who: str = ""
    job: ImportJob | None = None


def of(row: Observation) -> list[Event]:
    events = [*_jobs(row), *_corrections(row), Event(row.created_at, "came into the library")]
    if row.refreshed_at:
        events.append(Event(row.refreshed_at, "metadata read from MAST"))
    return sorted(events, key=lambda event: event.at, reverse=True)


def _jobs(row: Observation) -> Iterator[Event]:
    for job in visibility.my_jobs().filter(observation=row).select_related("owner")[:MOST]:
        levels = f", levels {', '.join(str(level) for level in job.calib_levels)}" if job.calib_levels else ""
        words = f"{'registration of files on disk' if job.kind == 'existing' else job.kind}{levels}"
        yield Event(job.created_at, words, str(job.owner) if job.owner else "", job)


def _corrections(row: Observation) -> Iterator[Event]:
    """What people changed in the admin."""
    kind = ContentType.objects.get_for_model(Observation)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(row.pk)).select_related("user")
    for entry in entries.order_by("-action_time")[:MOST]:
        yield Event(entry.action_time, f"corrected: {entry.get_change_message()}", str(entry.user))
