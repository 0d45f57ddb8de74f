"""An unfinished file: its bytes at their final offsets, and a journal that says which of them are there.

The name holds a tag of the version (validator, length, source), so two versions never share a part file, and two
writers of one version write the same bytes at the same offsets: harmless even where locks do not work.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from mast.transfer.config import RECORD_BYTES
from mast.transfer.disk import Disk
from mast.transfer.headers import Validator
from mast.transfer.journal import Journal, Record, crc32c, head_line, origin_line, read_journal, record_line
from mast.transfer.spans import SpanSet

PART: Final = ".part"
JOURNAL: Final = ".journal"
TAG_LENGTH: Final = 8
FINAL_MODE: Final = 0o444
DIRECTORY_MODE: Final = 0o755


class PartFile:
    """The bytes of one version of one file. `write` may be called by several threads.

    Files of at most one record have no journal: a kill costs no more than one record anyway. Nor have files whose
    length nobody knows: they cannot be resumed.
    """

    def __init__(self, path: Path, journal: Journal, *, is_journalled: bool, disk: Disk) -> None:
        self.path = path
        self.total = journal.total
        self.origins = journal.origins
        self.done = SpanSet()
        self.source_bytes: dict[str, int] = {}
        self.last: Record | None = None
        """the record written last"""
        self._journal = journal
        self._records: dict[int, Record] = {}
        self._disk = disk
        self._lock = threading.Lock()
        self._fd = self._journal_fd = -1
        with self._closed_on_error():
            self._fd = disk.open_part(path)
            self._journal_fd = self._open_journal() if is_journalled else -1

    @classmethod
    def create(
        cls, folder: Path, file_name: str, total: int | None, source: str, validator: Validator, disk: Disk
    ) -> PartFile:
        """Begin a file, going on in a part of the same version if there is one."""
        disk.make_dir(folder, 0o700)
        path = folder / f"{file_name}.{_tag(total, source, validator)}{PART}"
        journal = Journal(file_name, total, {source: validator})
        part = cls(path, journal, is_journalled=total is not None and total > RECORD_BYTES, disk=disk)
        with part._closed_on_error():
            if total is not None:
                disk.set_size(part._fd, total)
            if part._journal_fd >= 0:
                part._append(head_line(file_name, journal.total) + origin_line(source, validator))
        return part

    @classmethod
    def find(cls, folder: Path, file_name: str, disk: Disk) -> PartFile | None:
        """What an earlier attempt left of this file: the newest part with a journal that can be read."""
        for path, journal in left_journals(folder, file_name):
            part = path.with_name(path.name.removesuffix(JOURNAL))
            if part.exists():
                return cls(part, journal, is_journalled=True, disk=disk)
        return None

    @property
    def journal_path(self) -> Path:
        return self.path.with_name(self.path.name + JOURNAL)

    @property
    def is_complete(self) -> bool:
        return self.total is not None and self.done.covers(0, self.total)

    @property
    def lacking_bytes(self) -> int:
        """How much of the disk it has yet to take."""
        return max(0, (self.total or 0) - os.fstat(self._fd).st_blocks * 512)

    # --- writing -----------------------------------------------------------------------------------------------

    def write(self, offset: int, data: memoryview, source: str) -> None:
        """Put bytes at their place, then into the journal: the journal never claims what was not written."""
        record = Record(offset, len(data), crc32c(data), source)
        self._disk.write_at(self._fd, data, offset)
        with self._lock:
            if self._journal_fd >= 0:
                self._append(record_line(record))
            self._add(record)

    def add_origin(self, source: str, validator: Validator) -> None:
        """Note that a second source goes on with the file."""
        with self._lock:
            self.origins[source] = validator
            self._append(origin_line(source, validator))

    def _add(self, record: Record) -> None:
        self._records[record.offset] = record
        self.last = record
        self.done.add(record.offset, record.offset + record.length)
        self.source_bytes[record.source] = self.source_bytes.get(record.source, 0) + record.length

    def _append(self, lines: bytes) -> None:
        if self._journal_fd >= 0:
            self._disk.append(self._journal_fd, lines)

    def _open_journal(self) -> int:
        fd = self._disk.open_journal(self.journal_path)
        size = os.fstat(fd).st_size
        # A line torn by a crash must not swallow the next one.
        if size and os.pread(fd, 1, size - 1) != b"\n":
            self._disk.append(fd, b"\n")
        return fd

    # --- reading back ------------------------------------------------------------------------------------------

    def check_records(self, beat: Callable[[int], None]) -> int:
        """Compare every record of the journal with the bytes on disk and trust those that agree.

        `beat` is called with the bytes read so far and may raise. Returns how many bytes could not be trusted.
        """
        claimed = SpanSet()
        read = 0
        for record in sorted(self._journal.records, key=lambda record: record.offset):
            claimed.add(record.offset, record.offset + record.length)
            if self._overlaps_trusted(record):
                continue
            if self._agrees(record):
                self._add(record)
            read += record.length
            beat(read)
        trusted = (self._records.get(record.offset) for record in reversed(self._journal.records))
        self.last = next((record for record in trusted if record), None)
        self._journal.records = []
        return claimed.size_bytes - self.done.size_bytes

    def _agrees(self, record: Record) -> bool:
        data = self.read(record.offset, record.length)
        return len(data) == record.length and crc32c(data) == record.crc

    def _overlaps_trusted(self, record: Record) -> bool:
        """Two writers may have left records that overlap; one of them is enough, the rest is fetched again."""
        return any(start < record.offset + record.length and record.offset < stop for start, stop in self.done)

    def pop_record(self, offset: int) -> Record | None:
        """Take out the record that starts at `offset`: whoever reads back in order needs each once."""
        with self._lock:
            return self._records.pop(offset, None)

    def drop(self, record: Record) -> None:
        """The bytes on disk are not those that were written: they are missing again."""
        with self._lock:
            self.done.remove(record.offset, record.offset + record.length)
            self.source_bytes[record.source] -= record.length

    def read(self, offset: int, count: int) -> bytes:
        return self._disk.read_at(self._fd, count, offset)

    # --- the end -----------------------------------------------------------------------------------------------

    def end_at(self, total: int) -> None:
        """The length, now that the end of the body told it."""
        self.total = total
        self._disk.set_size(self._fd, total)

    def publish(self, final: Path) -> None:
        """Sync, make read-only, and give the file its final name, never over another (`FileExistsError`)."""
        self._disk.set_mode(self._fd, FINAL_MODE)
        self._disk.sync(self._fd)
        self._disk.make_dir(final.parent, DIRECTORY_MODE)
        self._disk.publish(self.path, final)
        self._disk.sync_dir(final.parent)
        self.close()

    def discard(self) -> None:
        """Remove the part and its journal, the journal first: without it the part counts for nothing."""
        self.close()
        self._disk.remove(self.journal_path)
        self._disk.remove(self.path)

    @contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        """Nobody gets a part that could not be begun, so nobody else could close it."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for fd in (self._fd, self._journal_fd):
            if fd >= 0:
                os.close(fd)
        self._fd = self._journal_fd = -1


def left_journals(folder: Path, file_name: str) -> Iterator[tuple[Path, Journal]]:
    """The journals that earlier attempts at a file left and that can be read, newest first."""
    found = []
    for path in _left(folder, file_name, PART + JOURNAL):
        # Where locks do not work, another process may be tidying up.
        with suppress(FileNotFoundError):
            found.append((path.stat().st_mtime, path, read_journal(path.read_bytes())))
    for _, path, journal in sorted(found, key=lambda entry: entry[0], reverse=True):
        if journal is not None and journal.origins and journal.file_name == file_name:
            yield path, journal


def remove_left(folder: Path, file_name: str, disk: Disk) -> None:
    """Remove what attempts left, journals first: without its journal a part counts for nothing."""
    for path in _left(folder, file_name, PART + JOURNAL, PART):
        disk.remove(path)


def _left(folder: Path, file_name: str, *endings: str) -> list[Path]:
    """`<file_name>.<tag><ending>` for any tag, by the order of the endings.

    By hand: a pattern per file name costs more than reading the folder.
    """
    begin, length = f"{file_name}.", len(file_name) + 1 + TAG_LENGTH
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(begin)]
    return [folder / name for ending in endings for name in names if name[length:] == ending]


def _tag(total: int | None, source: str, validator: Validator) -> str:
    identity = f"{source}\n{total}\n{validator.etag}\n{validator.last_modified}"
    return hashlib.sha256(identity.encode()).hexdigest()[:TAG_LENGTH]
