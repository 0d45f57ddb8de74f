"""What lies in the library: its records as the contract shows them, its pictures, its headers, corrections, removal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from django.db import transaction

from mast import access, audit, errors, terms, visibility
from mast.access import Right
from mast.fits import headers
from mast.fits.inspect import inspect_file, stored_plan
from mast.fits.plan import Plan
from mast.fitscards import Card
from mast.imports import derived, facts, places, records, refresh
from mast.models import DataFile, Observation, Transfer

image_info = facts.image_info
metadata = facts.metadata


def get_file(file_id: int) -> DataFile:
    """The file of this id, `FileNotFound` otherwise."""
    file = visibility.my_files().select_related("observation").filter(pk=file_id).first()
    if file is None:
        raise errors.FileNotFound(f"There is no file {file_id} in the library.")
    return file


def file_path(file: DataFile | int) -> Path:
    """Where a file lies on disk.

    Raises
    ------
    DamagedFile : it is not there any more
    """
    row = file if isinstance(file, DataFile) else get_file(file)
    path = records.path_of(row)
    if not path.is_file():
        raise errors.DamagedFile(f"{row.file_name} is not on disk any more; import it again.")
    return path


def file_plan(file: DataFile | int) -> Plan:
    """What the file holds, as inspected; inspected anew where the stored plan is of an older layout."""
    row = file if isinstance(file, DataFile) else get_file(file)
    plan = stored_plan(row.plan)
    if plan is None:
        plan = inspect_file(file_path(row), file_name=row.file_name)
        DataFile.objects.filter(pk=row.pk).update(plan=plan.to_json())
    return plan


def file_header(file_id: int, hdu: int = 0) -> list[Card]:
    """Every card of one HDU's header, as (keyword, value, comment) with `CONTINUE` joined.

    Raises
    ------
    FileNotFound, NotViewable : there is no such file or HDU, or the file is not FITS
    """
    file = get_file(file_id)
    plan = file_plan(file)
    if not plan.hdus:
        raise errors.NotViewable(f"{file.file_name} has no FITS headers.")
    return headers.header(file_path(file), plan, hdu)


def correct(instance: Observation | DataFile, changed_fields: Iterable[str]) -> None:
    """Save what a person corrected and mark it, so that the next refresh leaves it."""
    access.demand(Right.CURATE)
    fields = sorted(changed_fields)
    refresh.correct(instance, fields)
    audit.note("record.correct", instance, fields=fields)


def delete_files(file_ids: Sequence[int]) -> int:
    """Remove files from the library and from disk; returns how many. They can be imported again."""
    access.demand(Right.CURATE)
    files = list(visibility.my_files().filter(pk__in=file_ids))
    for file in files:
        # Row first: a file without a record can be found again by a scan, a record without a file promises too much.
        with transaction.atomic():
            Transfer.objects.filter(data_uri=file.data_uri).exclude(state__in=terms.ACTIVE).delete()
            file.delete()
        records.path_of(file).unlink(missing_ok=True)
        derived.forget(file.sha256)
        places.remove_empty(records.path_of(file).parent)
        audit.note("file.delete", file.file_name, sizeBytes=file.size_bytes)
    return len(files)
