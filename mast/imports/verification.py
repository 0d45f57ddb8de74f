"""The shelf read again: every byte of every file, at a bounded rate, going on where the last reading was stopped.

A file is whole when it has the length and the SHA-256 that were registered. What lies on the shelf without a record is
found too. The record's state follows what was found.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Now

from mast import conf, errors, terms
from mast.imports import places, records
from mast.models import DataFile, Transfer, Verification

log = logging.getLogger(__name__)

FOUND_AT_MOST: Final = 1000
"""of the findings of a reading that its row lists; the rest are counted"""
UNKNOWN: Final = "unknown"
_READ_BYTES: Final = 4 << 20
_PAGE: Final = 200
_COUNTERS: Final = {DataFile.State.DAMAGED: "damaged_count", DataFile.State.MISSING: "missing_count"}


@dataclass
class Pace:
    """Slows its caller down to so many bytes a second, all files together; 0: not at all."""

    bytes_per_s: float = 0
    _due: float = field(default_factory=time.monotonic)

    def took(self, count: int) -> None:
        if not self.bytes_per_s:
            return
        # Time lost elsewhere is not made up for: that would be a burst.
        self._due = max(self._due, time.monotonic()) + count / self.bytes_per_s
        time.sleep(max(0.0, self._due - time.monotonic()))


@dataclass(frozen=True)
class Checked:
    """One file read again. `why` says what is wrong, in words; empty when nothing is."""

    file: DataFile
    state: DataFile.State
    why: str = ""


Beat = Callable[[int], None]
"""called with the bytes read since the last call; what it raises ends the reading"""


def verify(files: QuerySet[DataFile], beat: Beat = lambda _count: None) -> Iterator[Checked]:
    """Read every byte of these files and compare with what was registered; the record's state follows."""
    last = 0
    while page := list(files.filter(pk__gt=last).order_by("pk")[:_PAGE]):
        for file in page:
            yield _check(file, beat)
        last = page[-1].pk


def _check(file: DataFile, beat: Beat) -> Checked:
    state, why = _read(file, beat)
    if why or file.state != DataFile.State.HELD:
        log.warning("%s is %s: %s", file.file_name, state, why)
    records.mark(file, state)
    return Checked(file, state, why)


def _read(file: DataFile, beat: Beat) -> tuple[DataFile.State, str]:
    path = records.path_of(file)
    if path.is_symlink() or not path.is_file():
        return DataFile.State.MISSING, "it is not on disk any more"
    try:
        size = path.stat().st_size
        if size != file.size_bytes:
            return DataFile.State.DAMAGED, f"it has {size} bytes, not {file.size_bytes}"
        if _sha256(path, beat) != file.sha256:
            return DataFile.State.DAMAGED, "its bytes are not those that were registered"
    except OSError as exc:
        return DataFile.State.DAMAGED, f"it cannot be read: {exc.strerror or exc}"
    return DataFile.State.HELD, ""


def _sha256(path: Path, beat: Beat) -> str:
    digest = hashlib.sha256()
    buffer = bytearray(_READ_BYTES)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(memoryview(buffer)[:count])
            beat(count)
    return digest.hexdigest()


# --- the whole shelf --------------------------------------------------------------------------------------------


def begin(*, anew: bool = False) -> Verification:
    """The reading that was stopped before its end, or a new one."""
    last = Verification.objects.first()
    if last is None or last.ended_at is not None or anew:
        return Verification.objects.create()
    return last


def left_of(reading: Verification) -> tuple[int, int]:
    """How many files, and bytes, a reading has before it."""
    files = DataFile.objects.filter(pk__gt=reading.last_file)
    return files.count(), files.aggregate(total=Sum("size_bytes"))["total"] or 0


def go_on(reading: Verification, beat: Beat = lambda _count: None) -> Iterator[Checked]:
    """Read what is left of the shelf, and at the end look for files that nobody recorded. The row follows each file.

    Raises
    ------
    AlreadyClaimed : another process is reading for the same row
    """
    for checked in verify(DataFile.objects.filter(pk__gt=reading.last_file), beat):
        _advance(reading, checked)
        yield checked
    unknown = sorted(_unknown())
    reading.unknown_count = len(unknown)
    why = "no record tells of it; a scan registers it if MAST lists it"
    _note(reading, [{"fileName": path.name, "path": str(path), "state": UNKNOWN, "why": why} for path in unknown])
    Verification.objects.filter(pk=reading.pk).update(ended_at=Now(), unknown_count=len(unknown), found=reading.found)
    reading.refresh_from_db()


def _advance(reading: Verification, checked: Checked) -> None:
    before = reading.last_file
    reading.last_file = checked.file.pk
    fields = {"file_count": F("file_count") + 1, "read_bytes": F("read_bytes") + checked.file.size_bytes}
    if counter := _COUNTERS.get(checked.state):
        fields[counter] = F(counter) + 1
        _note(
            reading,
            [{"id": checked.file.pk, "fileName": checked.file.file_name, "state": checked.state, "why": checked.why}],
        )
    mine = Verification.objects.filter(pk=reading.pk, last_file=before)
    if not mine.update(last_file=reading.last_file, found=reading.found, **fields):
        raise errors.AlreadyClaimed("Another verification is reading the shelf at the moment.")


def _note(reading: Verification, found: list[dict[str, object]]) -> None:
    reading.found = [*reading.found, *found][:FOUND_AT_MOST]


def _unknown() -> set[Path]:
    """What lies on the shelf, below its folder, that no record tells of and no transfer is about to record."""
    # The disk first: what is registered meanwhile is known by then.
    lying = set(places.lying())
    known = {Path(path) for path in DataFile.objects.values_list("path", flat=True).iterator()}
    coming = set(Transfer.objects.filter(state__in=terms.ACTIVE).values_list("file_name", flat=True))
    return {path for path in lying - known if path.name not in coming}


# --- how it stands ----------------------------------------------------------------------------------------------


def last_ended() -> Verification | None:
    """The last reading that went through the whole shelf."""
    return Verification.objects.exclude(ended_at=None).first()


def pace(mb_per_s: float) -> Pace:
    return Pace(mb_per_s * conf.MB)
