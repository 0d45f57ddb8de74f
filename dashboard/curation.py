"""What people add to the library: tags and notes, to one record or to many."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Case, F, TextField, Value, When
from django.db.models.functions import Concat

from dashboard.selection import Selection
from dashboard.templatetags.archive import size
from mast import access, audit
from mast.access import Right
from mast.errors import BadQuery
from mast.models import DataFile, Observation, Tag, Trash
from mast.words import counted


def annotate(row: Observation | DataFile, tags: Sequence[str], notes: str) -> None:
    """Replace the tags and the note of one record."""
    access.demand(Right.CURATE)
    row.notes = notes
    row.save(update_fields=["notes"])
    row.tags.set([Tag.objects.get_or_create(name=name)[0] for name in tags])
    audit.note("record.annotate", row, tags=list(tags))


def tag(chosen: Selection, name: str, *, remove: bool = False) -> str:
    """Put a tag on what is selected, or take it off; a sentence that says what was done."""
    name = name.strip()
    if not name or len(name) > 100:
        raise BadQuery("Write the tag, up to 100 characters, beside the button first.", fields={"tag": "is missing"})
    access.demand(Right.CURATE)
    audit.note("record.untag" if remove else "record.tag", name, **chosen.named)
    if remove:
        for label in Tag.objects.filter(name=name):
            (label.files if chosen.is_files else label.observations).remove(*chosen.ids)
        return f"Took “{name}” off {chosen.counted}."
    label = Tag.objects.get_or_create(name=name)[0]
    (label.files if chosen.is_files else label.observations).add(*chosen.ids)
    return f"Tagged {chosen.counted} “{name}”."


def note(chosen: Selection, text: str) -> str:
    """Add a line to the note of everything selected; what stands there stays."""
    text = text.strip()
    if not text:
        raise BadQuery("Write the note beside the button first.", fields={"tag": "is missing"})
    access.demand(Right.CURATE)
    audit.note("record.note", chosen.counted, **chosen.named)
    kind: TextField[str, str] = TextField()
    longer = Concat(F("notes"), Value(f"\n{text}"), output_field=kind)
    added = Case(When(notes="", then=Value(text)), default=longer, output_field=kind)
    chosen.rows.update(notes=added)
    return f"Added the note to {chosen.counted}."


def removed(trash: Trash) -> str:
    """A removal in a sentence."""
    gone = counted(len(trash.paths), "file")
    return f"Removed {trash.title}: {gone}, {size(trash.size_bytes)}. They lie in the trash for 30 days."
