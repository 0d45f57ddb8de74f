"""One go at one file from one source: several connections over one part file, until it is whole or something fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from mast.errors import ConnectionLost, MastError, NotFits, RangeIgnored
from mast.transfer.admission import Admission, Reader
from mast.transfer.config import TransferConfig
from mast.transfer.headers import Validator
from mast.transfer.partfile import PartFile
from mast.transfer.patience import Patience
from mast.transfer.reply import Reply
from mast.transfer.sources import Source
from mast.transfer.spans import Lease, RangeQueue, Span
from mast.transfer.stream import Stopped, Stream
from mast.transfer.values import Wanted
from mast.transfer.waits import WAITS
from mast.transfer.wire import TICK_S, Pause

SPOILED_AFTER: Final = 3
"""attempts in a row, none of which brought a byte, before something else is tried"""
JOIN_S: Final = 0.6


class Session:
    """Shared by the caller's thread (`run`) and the streams (everything else)."""

    def __init__(
        self,
        admission: Admission,
        part: PartFile | None,
        patience: Patience,
        *,
        has_alternative: bool,
        whole_only: bool,
    ) -> None:
        self.part = part
        self.whole_only = whole_only
        """the server answers ranges with whole files, so that only a plain GET from the start is of use"""
        self.is_length_confirmed = True
        """whether the server itself said where the file ends"""
        self.sums: dict[str, str] = {}
        """whole-file checksums that came with replies"""
        self.had_whole_reply = False
        """whether a reply brought the whole file, and with it all the checksums its source tells"""
        self._admission = admission
        self._patience = patience
        self._has_alternative = has_alternative
        self._streams: list[Stream] = []
        self._verdict: BaseException | None = None
        self._stopping = False
        self._ended = False
        self._alive = 0
        self._writers = 0
        self._changed = threading.Condition()
        self._queue = RangeQueue(self.config.chunk_bytes, self.config.connections)
        self._queue.fill(self._first_spans())
        self._needs_guard = part is not None and not admission.is_pinned(part)

    @property
    def source(self) -> Source:
        return self._admission.source

    @property
    def config(self) -> TransferConfig:
        return self._admission.config

    @property
    def wanted(self) -> Wanted:
        return self._admission.wanted

    @property
    def validator(self) -> Validator | None:
        """Which version of this source's file the part holds."""
        return self.part.origins.get(self.source.name) if self.part else None

    @property
    def _has_validator(self) -> bool:
        return self.validator is not None and bool(self.validator.text)

    def _first_spans(self) -> list[Span]:
        if self.part is not None and self.part.total is not None:
            return self.part.done.gaps(self.part.total)
        return [(0, max(self.wanted.catalog_bytes or 0, self.config.chunk_bytes))]

    # --- the caller's thread -----------------------------------------------------------------------------------

    def run(self, beat: Callable[[], None], read_back: Callable[[], bool]) -> None:
        """Fetch until the part is whole. `beat` may raise; `read_back` does a bit of work and says whether it did any.

        Raises what ended the session; whatever arrived is kept in the part.
        """
        try:
            self._start_stream()
            while self._alive:
                beat()
                self._start_more()
                if not read_back():
                    self.sleep(TICK_S / 2)
        finally:
            self._close()
        if self._verdict is not None:
            raise self._verdict

    def _start_stream(self) -> None:
        stream = Stream(self)
        self._streams.append(stream)
        self._alive += 1
        stream.thread.start()

    def _start_more(self) -> None:
        """All connections but the first wait until that one has shown what the file is."""
        with self._changed:
            is_open = self.part is not None and not self._needs_guard and not self._stopping
            missing = self._queue.missing_bytes
        if is_open and self._is_parallel:
            useful = missing // self.config.chunk_bytes + 1
            while len(self._streams) < min(self.config.connections, useful):
                self._start_stream()

    @property
    def _is_parallel(self) -> bool:
        # Without any validator only one reply is sure to be of one version.
        return not self.whole_only and self._has_validator

    def _close(self) -> None:
        """Stop the streams and wait for those that write. One that hangs in a name lookup is left to itself."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        until = time.monotonic() + JOIN_S
        for stream in self._streams:
            stream.thread.join(max(0.0, until - time.monotonic()))
        with self._changed:
            self._ended = True
            self._changed.wait_for(lambda: not self._writers)

    def waiting(self) -> tuple[float, str] | None:
        """Until when (monotonic) and why, when no connection does anything but wait."""
        waits = [(stream.waiting_until, stream.waiting_for) for stream in self._streams if stream.thread.is_alive()]
        if not waits or any(until is None for until, _ in waits):
            return None
        return min((until, why) for until, why in waits if until is not None)

    # --- work for the streams ----------------------------------------------------------------------------------

    def next_lease(self) -> Lease | None:
        """The next range; None when all is done. Waits while others may still give theirs back."""
        with self._changed:
            while not self._stopping:
                if self.part is not None and self.part.is_complete:
                    return None
                lease = self._take()
                if lease is not None:
                    return lease
                if self._queue.is_idle:
                    return None
                self._changed.wait(TICK_S)
        return None

    def _take(self) -> Lease | None:
        if self.part is None or not self.part.done.size_bytes:
            is_small = (self.wanted.catalog_bytes or self.config.small_bytes + 1) <= self.config.small_bytes
            if self._queue.is_untouched and (self.whole_only or is_small):
                return self._queue.take_all()
        return self._queue.take(by_gaps=self.part is not None and not self._is_parallel)

    def give_back(self, lease: Lease) -> None:
        with self._changed:
            self._queue.give_back(lease)
            # Without any validator every new request may meet a new version.
            self._needs_guard |= self.part is not None and not self._has_validator
            self._changed.notify_all()

    def left(self) -> None:
        """A stream's thread ends."""
        with self._changed:
            self._alive -= 1
            self._changed.notify_all()

    def check(self) -> None:
        if self._stopping:
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Sleep until something changes, or so long."""
        with self._changed:
            self._changed.wait(seconds)

    # --- what arrives ------------------------------------------------------------------------------------------

    def guard(self, reader: Reader) -> None:
        """Before a part goes on from another source, or from one whose validator is weak: are they the same bytes?"""
        part = self.part
        if not self._needs_guard or part is None:
            return
        validator = self._admission.same_bytes(part, reader) if part.done.size_bytes else None
        with self._changed:
            if validator is not None and validator != part.origins.get(self.source.name):
                part.add_origin(self.source.name, validator)
            self._needs_guard = False

    def accept(self, lease: Lease, reply: Reply, pause: Pause) -> None:
        """Fit a reply to the part, which the first reply makes; raises when it is of another version or no file."""
        self._admission.refuse_page(reply, pause)
        with self._changed:
            self.sums |= reply.sums
            self.had_whole_reply |= not reply.is_ranged
            if self.part is None:
                self._begin(lease, reply)
                return
            self._admission.check_version(self.part, reply)
            self._pin(self.part, reply)
            if reply.is_ranged and reply.stop is not None:
                lease.stop = min(lease.stop or reply.stop, reply.stop)
            elif self.part.done.size_bytes or lease.position:
                raise self._admission.range_ignored()
            else:
                self._take_whole(lease, reply)

    def _pin(self, part: PartFile, reply: Reply) -> None:
        if self.source.name not in part.origins:
            part.add_origin(self.source.name, reply.validator)

    def _begin(self, lease: Lease, reply: Reply) -> None:
        admission, wanted = self._admission, self.wanted
        admission.check_room(reply.total or 0)
        self.part = PartFile.create(
            wanted.partial_dir, wanted.file_name, reply.total, self.source.name, reply.validator, admission.disk
        )
        if reply.is_ranged and reply.stop is not None and reply.total is not None:
            lease.stop = reply.stop
            self._queue.fill([(reply.stop, reply.total)] if reply.stop < reply.total else [])
        else:
            self._take_whole(lease, reply)

    def _take_whole(self, lease: Lease, reply: Reply) -> None:
        """The reply brings the whole file, asked for or not: use it from its first byte."""
        if lease.stop is not None:
            self.whole_only = True
        lease.stop = reply.total
        # Whether the server knows ranges is not known; its one reply is not broken off to find out.
        lease.is_divisible = False
        self._queue.fill([])
        self.is_length_confirmed = reply.shows_its_end

    def commit(self, lease: Lease, data: bytes) -> None:
        """Put bytes into the part at the lease's position, as far as the lease still reaches."""
        with self._changed:
            if self._ended or self.part is None:
                raise Stopped
            part = self.part
            size = len(data) if lease.stop is None else min(len(data), lease.stop - lease.position)
            lease.claimed = lease.position + size
            self._writers += 1
        try:
            if lease.stop is None:
                self._admission.check_endless(lease.claimed)
            if size:
                part.write(lease.position, data if size == len(data) else data[:size], self.source.name)
        finally:
            with self._changed:
                self._writers -= 1
                self._changed.notify_all()
        lease.position = lease.claimed
        self._patience.gained(part.done.size_bytes)

    def body_ended(self, lease: Lease) -> None:
        if lease.stop is None and self.part is not None:
            with self._changed:
                self.part.end_at(lease.position)
                lease.stop = lease.position
        elif lease.stop is not None and lease.position < lease.stop:
            raise ConnectionLost(f"{self.source.host} ended the reply before it was whole.")

    # --- what goes wrong ---------------------------------------------------------------------------------------

    def after_failure(self, stream: Stream, exc: MastError) -> float:
        """Seconds until the stream may try again; ends the session when trying again is of no use."""
        if self._is_final(stream, exc):
            self.end(exc)
            raise Stopped
        return self._patience.delay_s(stream.failures)

    def _is_final(self, stream: Stream, exc: MastError) -> bool:
        is_spoiled = stream.failures >= SPOILED_AFTER and self._patience.gained_at < stream.failing_since
        if isinstance(exc, RangeIgnored | NotFits):
            return is_spoiled
        if not isinstance(exc, ConnectionLost) or not self._can_go_on() or self._patience.is_over:
            return True
        # A wait longer than any of our own is spent better elsewhere.
        is_long = WAITS.remaining_s(self.source.host) > self.config.backoff_max_s
        return self._has_alternative and (is_spoiled or is_long)

    def _can_go_on(self) -> bool:
        """Whether the rest can be asked for: the length is known and ranges are served."""
        return self.part is None or (self.part.total is not None and not self.whole_only)

    def end(self, exc: BaseException) -> None:
        """The first thing that ends the session is what it is said to have ended of."""
        with self._changed:
            if self._verdict is None and not self._stopping:
                self._verdict = exc
            self._stopping = True
            self._changed.notify_all()
