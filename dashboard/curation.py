"""What people add to the library and take away: tags, notes, download lists, deletions."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from dashboard.templatetags.archive import size
from mast import access, audit, library, visibility
from mast.access import Right
from mast.errors import BadQuery
from mast.models import DataFile, Observation, Tag
from mast.services import Removal
from mast.visibility import Reader
from mast.words import counted


def annotate(row: Observation | DataFile, tags: Sequence[str], notes: str) -> None:
    """Replace the tags and the note of one record."""
    access.demand(Right.CURATE)
    row.notes = notes
    row.save(update_fields=["notes"])
    row.tags.set([Tag.objects.get_or_create(name=name)[0] for name in tags])
    audit.note("record.annotate", row, tags=list(tags))


def tag(obs_ids: Sequence[str], name: str, *, remove: bool = False) -> str:
    """Put a tag on observations, or take it off; a sentence that says what was done."""
    name = name.strip()
    if not name or len(name) > 100:
        raise BadQuery("Write the tag, up to 100 characters, beside the button first.", fields={"tag": "is missing"})
    access.demand(Right.CURATE)
    rows = list(visibility.my_observations().filter(obs_id__in=obs_ids))
    audit.note("record.untag" if remove else "record.tag", name, obsIds=[row.obs_id for row in rows[:50]])
    if remove:
        for label in Tag.objects.filter(name=name):
            label.observations.remove(*rows)
        return f"Took “{name}” off {counted(len(rows), 'observation')}."
    Tag.objects.get_or_create(name=name)[0].observations.add(*rows)
    return f"Tagged {counted(len(rows), 'observation')} “{name}”."


def removed(removal: Removal) -> str:
    """A removal in a sentence."""
    gone = f"{counted(len(removal.observations), 'observation')} and {counted(removal.file_count, 'file')}"
    return f"Deleted {gone}, {size(removal.size_bytes)}. They can be imported again."


def download_script(obs_ids: Sequence[str], base_url: str, user: Reader) -> str:
    """A shell script that fetches the files of some observations from this archive and checks their sums."""
    files = library.visible_files(user).filter(observations__obs_id__in=obs_ids).distinct().order_by("file_name")
    lines = ["#!/bin/sh", "# Fetches files from the JWST archive into this directory and checks each.", "set -eu"]
    for file in files.only("pk", "file_name", "sha256").iterator():
        name = shlex.quote(file.file_name)
        lines.append(f"curl -fL --retry 3 -C - -o {name} {shlex.quote(f'{base_url}/api/files/{file.pk}/download')}")
        lines.append(f"echo {shlex.quote(f'{file.sha256}  {file.file_name}')} | sha256sum --check")
    return "\n".join(lines) + "\n"
