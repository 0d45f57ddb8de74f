"""Reading a part file back, in order, while it still grows: every record once, against its CRC, into its checksums.

What was proven is what lies on the disk (or in its cache), not what once lay in a receive buffer; and when the last
byte arrives, little is left to hash.
"""

from __future__ import annotations

from collections.abc import Iterable

from mast.errors import DamagedFile
from mast.transfer.journal import crc32c
from mast.transfer.partfile import PartFile
from mast.transfer.sums import Digests

MAX_BAD_READS = 3


class ReadBack:
    """The proven beginning of a part file."""

    def __init__(self, part: PartFile, names: Iterable[str] = ()) -> None:
        self.position = 0
        """bytes read back so far, from the beginning of the file"""
        self._part = part
        self._digests = Digests({"sha256", *names})
        self._bad_reads = 0

    def step(self) -> bool:
        """Read the next record back; False when it is not there yet.

        When the disk gives other bytes than were written, the record is dropped from the part: it is missing again.
        """
        record = self._part.pop_record(self.position)
        if record is None:
            return False
        data = self._part.read(record.offset, record.length)
        if len(data) != record.length or crc32c(data) != record.crc:
            self._bad_reads += 1
            if self._bad_reads > MAX_BAD_READS:
                raise DamagedFile("The disk gives back other bytes than were written to it.")
            self._part.drop(record)
            return False
        self._digests.update(data)
        self.position += record.length
        return True

    def take(self, offset: int, data: memoryview) -> None:
        """Bytes that were just written, and counted by their CRC on the way: in order they need no second reading."""
        if offset == self.position and self._part.pop_record(offset) is not None:
            self._digests.update(data)
            self.position += len(data)

    def hex(self) -> dict[str, str]:
        """Checksums of what was read back, by algorithm."""
        return self._digests.hex()
