"""Ranges of a download (RFC 9110, section 14)."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mast.api.downloads import FilePart, parse_range
from mast.errors import RangeNotSatisfiable

BYTES = bytes(range(100))


@given(first=st.integers(0, 150), last=st.integers(0, 150))
def test_a_range_gives_the_bytes_a_slice_gives(first: int, last: int) -> None:
    header = f"bytes={first}-{last}"
    if last < first:
        assert parse_range(header, 100) is None
    elif first >= 100:
        with pytest.raises(RangeNotSatisfiable):
            parse_range(header, 100)
    else:
        part = parse_range(header, 100)
        assert part is not None
        assert BYTES[part[0] : part[1]] == BYTES[first : last + 1]


@given(st.text(max_size=30))
def test_any_header_is_a_range_or_none_or_refused(header: str) -> None:
    try:
        part = parse_range(header, 100)
    except RangeNotSatisfiable:
        return
    assert part is None or 0 <= part[0] < part[1] <= 100


def test_an_empty_file_has_no_range() -> None:
    with pytest.raises(RangeNotSatisfiable):
        parse_range("bytes=0-0", 0)
    assert parse_range("", 0) is None


@given(start=st.integers(0, 99), length=st.integers(1, 100), block=st.integers(1, 50))
def test_a_part_is_read_to_its_end_and_no_further(start: int, length: int, block: int) -> None:
    stop = min(100, start + length)
    part = FilePart(io.BytesIO(BYTES), start, stop)
    pieces = list(iter(lambda: part.read(block), b""))
    assert b"".join(pieces) == BYTES[start:stop]
    assert part.read() == b""
