"""The journal beside a part file: which bytes are there, with a checksum each, and where they came from.

Lines of text, appended and never changed, each ending in its own CRC32C, so that a line torn by a crash is known::

    part {"version": 1, "file": "jw02733-o001_t001_nircam_clear-f090w_i2d.fits", "total": 120000000} 5f2a9c01
    from {"source": "s3", "etag": "\\"9b2cf535\\"", "last_modified": ""} 0c44a1f7
    have 0 1048576 e3069283 s3 77ab10cd

Lines need no `fsync`: a record that never reached the disk, or reached it before its bytes did, is found by the check
of every record on resume.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import google_crc32c

from mast.transfer.config import RECORD_BYTES
from mast.transfer.headers import MAX_FILE_BYTES, Validator

VERSION = 1


@dataclass(frozen=True, slots=True)
class Record:
    """`length` bytes at `offset`, their CRC32C, and the source that gave them."""

    offset: int
    length: int
    crc: int
    source: str


@dataclass(slots=True)
class Journal:
    """What a journal says."""

    file_name: str
    total: int | None
    origins: dict[str, Validator] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)


def crc32c(data: bytes | memoryview) -> int:
    """The CRC32C of bytes, or of a part of a writable buffer: through ctypes, whose views need no copy here."""
    if isinstance(data, memoryview):
        return int(google_crc32c.value((ctypes.c_char * len(data)).from_buffer(data)))
    return int(google_crc32c.value(data))


def head_line(file_name: str, total: int | None) -> bytes:
    return _line("part " + json.dumps({"version": VERSION, "file": file_name, "total": total}))


def origin_line(source: str, validator: Validator) -> bytes:
    told = {"source": source, "etag": validator.etag, "last_modified": validator.last_modified}
    return _line("from " + json.dumps(told))


def record_line(record: Record) -> bytes:
    return _line(f"have {record.offset} {record.length} {record.crc:08x} {record.source}")


def _line(text: str) -> bytes:
    payload = text.encode()
    return payload + b" %08x\n" % crc32c(payload)


def read_journal(text: bytes) -> Journal | None:
    """What is readable of a journal; None without a readable head. Torn and damaged lines are skipped."""
    journal: Journal | None = None
    for kind, rest in _whole_lines(text):
        try:
            if kind == "part":
                # A second writer of the same version may have put its head into the same journal.
                journal = journal or _read_head(rest)
            elif journal is not None and kind == "from":
                told = json.loads(rest)
                journal.origins[told["source"]] = Validator(told["etag"], told["last_modified"])
            elif journal is not None and kind == "have":
                _add_record(journal, rest)
        except (ValueError, KeyError, TypeError):
            continue
    return journal


def _whole_lines(text: bytes) -> Iterator[tuple[str, str]]:
    for line in text.split(b"\n"):
        payload, _, crc = line.rpartition(b" ")
        if payload and crc == b"%08x" % crc32c(payload):
            kind, _, rest = payload.decode("utf-8", "replace").partition(" ")
            yield kind, rest


def _read_head(rest: str) -> Journal | None:
    told = json.loads(rest)
    if told["version"] != VERSION or not 0 <= told["total"] <= MAX_FILE_BYTES:
        return None
    return Journal(told["file"], told["total"])


def _add_record(journal: Journal, rest: str) -> None:
    offset, length, crc, source = rest.split(" ")
    record = Record(int(offset), int(length), int(crc, 16), source)
    if 0 < record.length <= RECORD_BYTES and 0 <= record.offset <= (journal.total or 0) - record.length:
        journal.records.append(record)
