"""A file at MAST read by ranges as if it lay here, within a budget: from S3 where it lies there, else from MAST."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from django.conf import settings

from mast import conf, errors
from mast.archive import products
from mast.imports import sources, upstream
from mast.transfer.config import TransferConfig
from mast.transfer.sources import S3Source, Source

BLOCK_BYTES: Final = 64 << 10
_URI: Final = re.compile(r"mast:JWST/product/[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.fits")


class Remote:
    """A remote file as one that can be sought and read, in blocks that are fetched once, within a budget."""

    def __init__(self, source: Source, total: int, budget_bytes: int) -> None:
        self.source = source
        self.total = total
        self.budget_bytes = budget_bytes
        self.bytes_read = 0
        self._at = 0
        self._blocks: dict[int, bytes] = {}
        self._lock = threading.Lock()
        self._config = _impatient()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + (self.total if whence == os.SEEK_END else 0)
        return self._at

    def read(self, count: int) -> bytes:
        stop = min(self.total, self._at + count)
        pieces = []
        for number in range(self._at // BLOCK_BYTES, -(-stop // BLOCK_BYTES)):
            start = number * BLOCK_BYTES
            if number not in self._blocks:
                self._blocks[number] = self.fetch(start, min(self.total, start + BLOCK_BYTES))
            pieces.append(self._blocks[number][max(0, self._at - start) : stop - start])
        self._at = max(self._at, stop)
        return b"".join(pieces)

    def fetch(self, start: int, stop: int) -> bytes:
        """Bytes `start` to `stop`.

        Raises
        ------
        TransferError : they cannot be had, or would be more than may be read
        """
        with self._lock:
            if self.bytes_read + stop - start > self.budget_bytes:
                raise errors.TransferError("More of this file would have to be read than a look may; import it.")
            self.bytes_read += stop - start
        buffer, done = memoryview(bytearray(stop - start)), 0
        reply = self.source.open(start, stop, None, self._config, lambda: None)
        try:
            if not reply.is_ranged:
                raise errors.TransferError("The server does not give parts of this file, so it cannot be looked at.")
            while done < len(buffer) and (got := reply.recv_into(buffer[done:], lambda: None)):
                done += got
        finally:
            reply.close()
        return bytes(buffer)


def _impatient() -> TransferConfig:
    """Somebody sits and waits for the picture."""
    return replace(conf.transfer_config(), first_byte_timeout_s=10.0, stall_timeout_s=10.0)


def open_remote(uri: str, budget_bytes: int) -> Remote:
    """The file on S3 where it lies there, else at MAST. Without a token: what is exclusive stays unseen.

    Raises
    ------
    BadQuery, TransferError
    """
    if not _URI.fullmatch(uri):
        raise errors.BadQuery("This is not the address of a FITS file at MAST.", fields={"uri": "is not a FITS file's"})
    failed: errors.TransferError | None = None
    for source in _sources(uri):
        try:
            reply = source.open(0, 1, None, _impatient(), lambda: None)
        except errors.TransferError as error:
            failed = error
            continue
        total = reply.total
        reply.close()
        if total is None:
            raise errors.TransferError("The server does not say how long the file is, so it cannot be looked at.")
        return Remote(source, total, budget_bytes)
    raise failed or errors.NotInSource("The file is neither on S3 nor at MAST.")


def _sources(uri: str) -> Iterator[Source]:
    key = None
    with contextlib.suppress(errors.ArchiveError):
        key = products.path_lookup([uri], upstream.archive_config()).get(uri)
    if key:
        yield S3Source(settings.MAST_S3_ENDPOINT_URL, settings.MAST_S3_BUCKET, key, settings.MAST_S3_REGION)
    yield sources.http(uri, "PUBLIC")
