"""What is fuzzed: the parsers that read bytes from outside before anything has looked at them.

Each target takes bytes and may raise nothing but the errors its callers expect; whatever else it raises, or a hang, is
a find. `python -m tests.fuzz header` runs one under atheris, guided by coverage; the tests run the corpus.
"""

from __future__ import annotations

import io
from collections.abc import Callable

from mast import errors
from mast.api.downloads import parse_range
from mast.archive.envelope import read_envelope
from mast.fitswalk import walk
from mast.transfer import headers

FIELDS = (
    "etag", "last-modified", "repr-digest", "digest", "content-md5", "x-amz-checksum-sha256",
    "x-amz-checksum-crc64nvme",
)  # fmt: skip


def header(data: bytes) -> None:
    """The bounded walk over FITS blocks: the first to read a file from outside."""
    try:
        hdus = walk(io.BytesIO(data))
    except errors.FileError:
        return
    assert all(0 <= hdu.header_offset < len(data) for hdu in hdus)


def ranges(data: bytes) -> None:
    """What a caller asks of us and what servers answer: ranges, totals, waits, validators, sums."""
    text = data[1:].decode("latin-1")
    size_bytes = data[0] * 1000 if data else 0
    try:
        found = parse_range(text, size_bytes)
        assert found is None or 0 <= found[0] < found[1] <= size_bytes
    except errors.RangeNotSatisfiable:
        pass
    answered = headers.content_range(text)
    assert answered is None or answered.start < answered.stop
    total, length, wait_s = headers.unsatisfied_total(text), headers.content_length(text), headers.retry_after_s(text)
    assert total is None or total >= 0
    assert length is None or length >= 0
    assert wait_s is None or wait_s >= 0
    names = (
        "etag",
        "last-modified",
        "repr-digest",
        "digest",
        "content-md5",
        "x-amz-checksum-sha256",
        "x-amz-checksum-crc64nvme",
    )
    fields = dict.fromkeys(names, text)
    headers.validator_of(fields)
    headers.whole_file_sums(fields, is_whole=bool(len(text) % 2))
    headers.s3_etag_md5(fields)


def envelope(data: bytes) -> None:
    """MAST's answers."""
    try:
        read_envelope(bytearray(data))
    except errors.ArchiveError:
        return


TARGETS: dict[str, Callable[[bytes], None]] = {"header": header, "ranges": ranges, "envelope": envelope}
