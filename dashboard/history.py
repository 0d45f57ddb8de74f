"""What happened to an observation since it came, newest first: imports, corrections, refreshes, tags, removals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from mast import visibility
from mast.models import AuditEntry, ImportJob, Observation

MOST = 20
MOST_LOOKED_AT = 300
_WORDS = {
    "metadata.refresh": "metadata asked for again",
    "record.annotate": "tags and note edited",
    "record.remove": "removed",
    "record.restore": "put back from the trash",
    "file.delete": "file deleted",
    "file.verify": "verification asked for",
    "file.fetch_again": "fetched again",
}
_WORDS_OF_MANY = {
    "record.tag": "tagged",
    "record.untag": "lost the tag",
    "record.note": "a note added",
    "metadata.refresh_some": "metadata asked for again",
}
_NAMED = {"record.tag", "record.untag"}


@dataclass(frozen=True)
class Event:
    """One event: when, what, by whom, and the job it belongs to."""

    at: dt.datetime
    words: str
    who: str = ""
    job: ImportJob | None = None


def of(row: Observation) -> list[Event]:
    events = [*_jobs(row), *_corrections(row), *_deeds(row), Event(row.created_at, "came into the library")]
    if row.refreshed_at:
        events.append(Event(row.refreshed_at, "metadata read from MAST"))
    return sorted(events, key=lambda event: event.at, reverse=True)


def _jobs(row: Observation) -> Iterator[Event]:
    for job in visibility.my_jobs().filter(observation=row).select_related("owner")[:MOST]:
        levels = f", levels {', '.join(str(level) for level in job.calib_levels)}" if job.calib_levels else ""
        words = f"{'registration of files on disk' if job.kind == 'existing' else job.kind}{levels}"
        yield Event(job.created_at, words, str(job.owner) if job.owner else "", job)


def _deeds(row: Observation) -> Iterator[Event]:
    """What people did to it, or to files of it, that no job and no correction tells of."""
    files = dict(visibility.my_files().filter(observations=row).values_list("pk", "file_name"))
    own = AuditEntry.objects.filter(action__in=_WORDS, target__in=[row.obs_id, *files.values()])
    for entry in own.order_by("-at")[:MOST]:
        about = "" if entry.target == row.obs_id else f" ({entry.target})"
        yield Event(entry.at, f"{_WORDS[entry.action]}{about}", entry.who)
    # Which rows a deed of many was done to is in its detail, which no database looks through by an index.
    for entry in AuditEntry.objects.filter(action__in=_WORDS_OF_MANY).order_by("-at")[:MOST_LOOKED_AT]:
        detail = entry.detail
        if row.pk in detail.get("observations", ()) or any(pk in files for pk in detail.get("files") or ()):
            named = f" “{entry.target}”" if entry.action in _NAMED else ""
            yield Event(entry.at, f"{_WORDS_OF_MANY[entry.action]}{named}", entry.who)


def _corrections(row: Observation) -> Iterator[Event]:
    """What people changed in the admin."""
    kind = ContentType.objects.get_for_model(Observation)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(row.pk)).select_related("user")
    for entry in entries.order_by("-action_time")[:MOST]:
        yield Event(entry.action_time, f"corrected: {entry.get_change_message()}", str(entry.user))
