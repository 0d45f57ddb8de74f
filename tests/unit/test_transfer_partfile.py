"""The part file and its journal."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mast.transfer.config import MIB
from mast.transfer.disk import DISK
from mast.transfer.headers import Validator
from mast.transfer.journal import Record, crc32c, head_line, origin_line, read_journal, record_line
from mast.transfer.partfile import PartFile, left_journals, remove_left

NAME = "jw02733-o001_t001_nircam_clear-f090w_i2d.fits"
TAG = Validator('"v1"', "Wed, 01 Oct 2025 10:00:00 GMT")
TOTAL = 3 * MIB + 100
RECORDS = [Record(number * MIB, MIB, number, "s3") for number in range(3)]
JOURNAL = head_line(NAME, TOTAL) + origin_line("s3", TAG) + b"".join(record_line(record) for record in RECORDS)


def test_a_journal_is_read_as_it_was_written() -> None:
    journal = read_journal(JOURNAL)
    assert journal is not None
    assert (journal.file_name, journal.total) == (NAME, TOTAL)
    assert journal.origins == {"s3": TAG}
    assert journal.records == RECORDS


@given(st.integers(0, len(JOURNAL)))
def test_a_torn_journal_keeps_its_whole_lines(length: int) -> None:
    journal = read_journal(JOURNAL[:length])
    whole = JOURNAL[:length].count(b"\n") + (JOURNAL[length : length + 1] == b"\n")
    if whole == 0:
        assert journal is None
    else:
        assert journal is not None
        assert journal.records == RECORDS[: max(0, whole - 2)]


@given(at=st.integers(0, len(JOURNAL) - 1), byte=st.integers(0, 255))
def test_a_damaged_byte_costs_at_most_its_line(at: int, byte: int) -> None:
    spoiled = JOURNAL[:at] + bytes([byte]) + JOURNAL[at + 1 :]
    journal = read_journal(spoiled)
    if journal is not None:
        assert all(record in RECORDS for record in journal.records)
        assert len(journal.records) >= len(RECORDS) - 2


@given(st.binary(max_size=300))
def test_garbage_is_no_journal(text: bytes) -> None:
    assert read_journal(text) is None


@pytest.mark.parametrize(
    "record",
    [Record(0, 0, 0, "s3"), Record(-1, 5, 0, "s3"), Record(TOTAL - 4, 5, 0, "s3"), Record(0, MIB + 1, 0, "s3")],
)
def test_a_record_outside_the_file_counts_for_nothing(record: Record) -> None:
    journal = read_journal(JOURNAL + record_line(record))
    assert journal is not None
    assert journal.records == RECORDS


def test_a_journal_of_another_version_of_this_software_is_not_read() -> None:
    other = head_line(NAME, TOTAL).rpartition(b" ")[0].replace(b'"version": 1', b'"version": 2')
    assert read_journal(other + b" %08x\n" % crc32c(other)) is None


# --- the part file ----------------------------------------------------------------------------------------------

DATA = random.Random(7).randbytes(TOTAL)


def begin(folder: Path, tag: Validator = TAG) -> PartFile:
    return PartFile.create(folder, NAME, TOTAL, "s3", tag, DISK)


def put(part: PartFile, *offsets: int) -> None:
    for offset in offsets:
        part.write(offset, DATA[offset : offset + MIB], "s3")


def again(folder: Path) -> PartFile:
    part = PartFile.find(folder, NAME, DISK)
    assert part is not None
    return part


def nothing(_read: int) -> None:
    pass


def test_what_was_written_is_there_after_a_crash(tmp_path: Path) -> None:
    part = begin(tmp_path)
    put(part, 2 * MIB, 0)
    part.close()
    found = again(tmp_path)
    assert found.done.size_bytes == 0, "nothing is trusted before it is checked"
    assert found.check_records(nothing) == 0
    assert found.done.gaps(TOTAL) == [(MIB, 2 * MIB), (3 * MIB, TOTAL)]
    assert found.source_bytes == {"s3": 2 * MIB}
    assert found.origins == {"s3": TAG}
    assert found.last == Record(0, MIB, crc32c(DATA[:MIB]), "s3")
    found.close()


def test_a_record_whose_bytes_changed_is_dropped(tmp_path: Path) -> None:
    part = begin(tmp_path)
    put(part, 0, MIB)
    part.close()
    with part.path.open("r+b") as file:
        file.seek(MIB + 3)
        file.write(b"x")
    found = again(tmp_path)
    assert found.check_records(nothing) == MIB
    assert list(found.done) == [(0, MIB)]
    found.close()


def test_records_that_overlap_are_trusted_once(tmp_path: Path) -> None:
    part = begin(tmp_path)
    put(part, 0)
    part.write(MIB // 2, DATA[MIB // 2 : MIB], "http")
    put(part, MIB)
    part.close()
    found = again(tmp_path)
    found.check_records(nothing)
    assert sum(found.source_bytes.values()) == found.done.size_bytes == 2 * MIB
    found.close()


def test_a_torn_line_does_not_swallow_the_next(tmp_path: Path) -> None:
    part = begin(tmp_path)
    put(part, 0)
    part.close()
    with part.journal_path.open("ab") as journal:
        journal.write(b"have 1048576 10")
    found = again(tmp_path)
    found.check_records(nothing)
    put(found, MIB)
    found.close()
    last = again(tmp_path)
    last.check_records(nothing)
    assert last.done.size_bytes == 2 * MIB
    last.close()


def test_two_versions_never_share_a_part(tmp_path: Path) -> None:
    first, second = begin(tmp_path), begin(tmp_path, Validator('"v2"'))
    assert first.path != second.path
    first.close()
    second.close()


def test_a_part_begun_twice_keeps_its_records(tmp_path: Path) -> None:
    first = begin(tmp_path)
    put(first, 0)
    second = begin(tmp_path)
    put(second, MIB)
    first.close()
    second.close()
    found = again(tmp_path)
    found.check_records(nothing)
    assert found.done.size_bytes == 2 * MIB
    found.close()


def test_a_file_of_one_record_has_no_journal(tmp_path: Path) -> None:
    part = PartFile.create(tmp_path, NAME, MIB, "s3", TAG, DISK)
    part.write(0, DATA[:MIB], "s3")
    assert not part.journal_path.exists()
    assert part.is_complete
    part.close()


def test_the_journal_of_another_file_is_not_taken(tmp_path: Path) -> None:
    part = begin(tmp_path)
    part.close()
    part.journal_path.write_bytes(part.journal_path.read_bytes().replace(b"f090w", b"f187n"))
    assert PartFile.find(tmp_path, NAME, DISK) is None


def test_what_is_left_is_removed_for_one_file_only(tmp_path: Path) -> None:
    begin(tmp_path).close()
    (tmp_path / f"other{NAME}.12345678.part").touch()
    assert len(list(left_journals(tmp_path, NAME))) == 1
    remove_left(tmp_path, NAME, DISK)
    assert [path.name for path in tmp_path.iterdir()] == [f"other{NAME}.12345678.part"]


def test_publishing_does_not_overwrite(tmp_path: Path) -> None:
    part = begin(tmp_path / "parts")
    final = tmp_path / "final.fits"
    final.write_text("mine")
    with pytest.raises(FileExistsError):
        part.publish(final)
    assert final.read_text() == "mine"
    part.discard()
    assert list((tmp_path / "parts").iterdir()) == []


def test_directories_are_open_to_people_and_parts_are_not(tmp_path: Path) -> None:
    part = begin(tmp_path / ".partial")
    assert part.path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / ".partial").stat().st_mode & 0o777 == 0o700
    part.publish(tmp_path / "2733" / "o001" / NAME)
    assert (tmp_path / "2733" / "o001").stat().st_mode & 0o777 == 0o755
