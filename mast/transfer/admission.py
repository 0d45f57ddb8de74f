"""May these bytes go into that part? Checks of replies against what is wanted and what is there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from mast.errors import DiskFull, NotFits, RangeIgnored, SizeMismatch, SourceChanged
from mast.transfer.config import KIB, TransferConfig
from mast.transfer.disk import Disk
from mast.transfer.headers import Validator
from mast.transfer.partfile import PartFile
from mast.transfer.reply import Reply
from mast.transfer.sources import Source
from mast.transfer.values import Wanted
from mast.transfer.verify import is_fits_name
from mast.transfer.wire import Pause

GUARD_BYTES: Final = 64 * KIB
"""The head of a file is compared before a part goes on from another source: a FITS header holds dates and versions."""
_PAGES: Final = ("text/html", "application/xhtml", "text/xml", "application/xml")
_PAGE_NAMES: Final = (".html", ".htm", ".xml")


class Reader(Protocol):
    """Who waits for bytes, and gives up on a body that hardly comes."""

    def pause(self) -> None: ...

    def pause_without_watch(self) -> None: ...

    def begins(self) -> None: ...

    def saw(self, count: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Admission:
    """The checks of one file from one source."""

    wanted: Wanted
    source: Source
    config: TransferConfig
    disk: Disk

    def refuse_page(self, reply: Reply, pause: Pause) -> None:
        """A maintenance page with status 200 is not the file."""
        name, host = self.wanted.file_name, self.source.host
        is_page = reply.headers.get("content-type", "").lower().startswith(_PAGES)
        if is_page and not name.endswith(_PAGE_NAMES):
            raise NotFits(f"{host} sent a web page instead of {name}.")
        if reply.start == 0 and is_fits_name(name):
            begin = reply.peek(9, pause)
            if len(begin) == 9 and begin != b"SIMPLE  =":
                raise NotFits(f"What {host} sent as {name} does not begin like FITS.")

    def check_version(self, part: PartFile, reply: Reply) -> None:
        """A reply of another version, or of a file of another length, does not belong to the part."""
        pinned = part.origins.get(self.source.name)
        if pinned is not None and not pinned.allows(reply.validator):
            raise SourceChanged(f"{self.source.host} has another version of the file now.")
        if reply.total != part.total:
            raise SourceChanged(f"{self.source.host} has a file of {reply.total} bytes, not of {part.total}.")

    def range_ignored(self) -> RangeIgnored:
        return RangeIgnored(f"{self.source.host} sent the whole file where a part was asked for.")

    def is_pinned(self, part: PartFile) -> bool:
        """Whether the part's bytes are of this source's version beyond doubt as long as its validator holds."""
        pinned = part.origins.get(self.source.name)
        return pinned is not None and pinned.is_strong

    def same_bytes(self, part: PartFile, reader: Reader) -> Validator:
        """The source's validator, once its first 64 KiB and the record written last are what the part holds."""
        last, head = part.last, min(GUARD_BYTES, part.total or 0)
        if last is None or not part.done.covers(0, head):
            raise SourceChanged(f"What is there of the file cannot be compared with {self.source.host}'s copy.")
        self._compare(part, 0, head, reader)
        return self._compare(part, last.offset, last.offset + last.length, reader)

    def _compare(self, part: PartFile, start: int, stop: int, reader: Reader) -> Validator:
        pinned = part.origins.get(self.source.name)
        reply = self.source.open(start, stop, pinned, self.config, reader.pause_without_watch)
        reader.begins()
        try:
            self.check_version(part, reply)
            if not reply.is_ranged:
                raise self.range_ignored()
            if reply.read(stop - start, reader.pause, reader.saw) != part.read(start, stop - start):
                raise SourceChanged(f"{self.source.host} has other bytes than those fetched so far.")
        finally:
            reply.close()
        return reply.validator

    def check_room(self, size_bytes: int) -> None:
        """Whether so many more bytes fit on the disk and leave `min_free_bytes`."""
        short = size_bytes + self.config.min_free_bytes - self.disk.free_bytes(self.wanted.partial_dir)
        if short > 0:
            raise DiskFull(f"The disk has too little room: {short:,} more bytes are needed.", needed_bytes=short)

    def check_endless(self, size_bytes: int) -> None:
        """A body of unknown length must not fill the disk."""
        catalog = self.wanted.catalog_bytes
        if catalog is not None and size_bytes > catalog:
            raise SizeMismatch(f"{self.source.host} sends more than the {catalog:,} bytes the catalogue gives.")
        self.check_room(0)
