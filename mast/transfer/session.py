"""One go at one file from one source: several connections over one part file, until it is whole or something fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Final, Protocol

from mast.errors import ConnectionLost, MastError, NotFits, RangeIgnored
from mast.transfer.admission import Admission, Reader
from mast.transfer.config import TransferConfig
from mast.transfer.growth import RAMP_S, Growth
from mast.transfer.headers import Validator
from mast.transfer.partfile import PartFile
from mast.transfer.patience import Patience
from mast.transfer.reply import Reply
from mast.transfer.site import Site
from mast.transfer.sources import Source
from mast.transfer.spans import Lease, RangeQueue, Span
from mast.transfer.stream import Stopped, Stream
from mast.transfer.values import Wanted
from mast.transfer.waits import WAITS
from mast.transfer.wire import TICK_S, Pause, waiting_here

SPOILED_AFTER: Final = 3
"""attempts in a row, none of which brought a byte, before something else is tried"""
JOIN_S: Final = 0.6


class Reading(Protocol):
    """Reads the part back while it grows."""

    def step(self) -> bool:
        """Do a bit of it; False when there is nothing to do yet."""

    def take(self, part: PartFile, offset: int, data: memoryview) -> None:
        """These bytes were just written there: if they come next, they need not be read back."""


class Session:
    """Shared by the caller's thread (`run`) and the streams (everything else)."""

    def __init__(
        self,
        admission: Admission,
        part: PartFile | None,
        patience: Patience,
        site: Site,
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
        self._site = site
        self._has_alternative = has_alternative
        self._streams: list[Stream] = []
        self._verdict: BaseException | None = None
        self._stopping = False
        self._ended = False
        self._beat: Callable[[], None] = lambda: None
        self._caller = 0
        self._look_due = 0.0
        self._reading: Reading | None = None
        self._alive = 0
        self._leaving = 0
        self._writers = 0
        self._growth = Growth()
        self._waited_s = 0.0
        """by streams that are gone"""
        self._target = 1
        self._changed = threading.Condition()
        self._queue = RangeQueue(self.config.chunk_bytes, self.config.connections, self.config.request_bytes)
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
    def is_begun(self) -> bool:
        """Whether a stream is at work."""
        return not self._queue.is_untouched

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

    def run(self, beat: Callable[[], None], reading: Reading) -> None:
        """Fetch until the part is whole. `beat` may raise.

        Raises what ended the session; whatever arrived is kept in the part.
        """
        self._beat = beat
        try:
            if self._is_small:
                # One connection's work, done right here: a thread for each of many small files costs more than they do.
                self._reading, self._caller = reading, threading.get_ident()
                self._new_stream().run()
                self._caller = 0
            else:
                self._new_stream().start()
            while self._alive:
                self._look_after()
                if not reading.step():
                    self.sleep(RAMP_S if self._growth.is_ramping else TICK_S / 2)
        finally:
            self._close()
        if self._verdict is not None:
            raise self._verdict

    @property
    def _is_small(self) -> bool:
        return (self.wanted.catalog_bytes or self.config.small_bytes + 1) <= self.config.small_bytes

    def _look_after(self) -> None:
        self._look_due = time.monotonic() + min(TICK_S / 2, self.config.progress_every_s)
        self._beat()
        if not self._caller:
            self._start_more()

    def _new_stream(self) -> Stream:
        stream = Stream(self)
        with self._changed:
            gone = [other for other in self._streams if not other.is_alive]
            self._waited_s += sum(other.waited_s for other in gone)
            self._streams = [*(other for other in self._streams if other not in gone), stream]
            self._alive += 1
        return stream

    def _start_more(self) -> None:
        """All connections but the first wait, once they are there, until that one has shown what the file is."""
        most = self._site.connections(self.source.name, self.config.connections)
        with self._changed:
            if self._stopping or not self._may_be_parallel():
                return
            done_bytes = self.part.done.size_bytes if self.part else 0
            waited_s = self._waited_s + sum(stream.waited_s for stream in self._streams)
            self._target = self._growth.target(done_bytes, waited_s, max(1, most))
            self._queue.connections = most
            useful = self._queue.shareable_bytes // self.config.chunk_bytes + 1
            lacking = min(self._target, useful) - (self._alive - self._leaving)
        for _ in range(lacking):
            self._new_stream().start()

    def _may_be_parallel(self) -> bool:
        if self.part is None:
            return not self.whole_only and (self.wanted.catalog_bytes or 0) > 2 * self.config.small_bytes
        return self._is_parallel and not self._needs_guard

    @property
    def _is_parallel(self) -> bool:
        # Without any validator only one reply is sure to be of one version.
        return not self.whole_only and self._has_validator

    def leaves(self) -> bool:
        """Whether the stream that asks is one too many now; then it must go."""
        with self._changed:
            is_surplus = self._alive - self._leaving > self._target and self.part is not None
            self._leaving += is_surplus
            return is_surplus

    def _close(self) -> None:
        """Stop the streams and wait for those that write. One that hangs in a name lookup is left to itself."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        until = time.monotonic() + JOIN_S
        for stream in self._streams:
            stream.join(max(0.0, until - time.monotonic()))
        with self._changed:
            self._ended = True
            self._changed.wait_for(lambda: not self._writers)

    def waiting(self) -> tuple[float, str] | None:
        """Until when (monotonic) and why, when no connection does anything but wait."""
        at_work = [stream for stream in self._streams if stream.has_work and stream.is_alive]
        waits = [(stream.waiting_until, stream.waiting_for) for stream in at_work]
        if not waits or any(until is None for until, _ in waits):
            return None
        return min((until, why) for until, why in waits if until is not None)

    # --- work for the streams ----------------------------------------------------------------------------------

    def next_lease(self, stream: Stream) -> Lease | None:
        """The next range; None when all is done. Waits while others may still give theirs back."""
        with self._changed:
            while not self._stopping:
                if self.part is not None and self.part.is_complete:
                    return None
                # One alone learns what the file is: its failures are counted, and a server in trouble gets one request.
                may_ask = self.part is not None or stream is self._streams[0]
                lease = self._take() if may_ask else None
                if lease is not None:
                    return lease
                if may_ask and self._queue.is_idle:
                    return None
                with nullcontext() if may_ask else waiting_here():
                    self._changed.wait(TICK_S)
        return None

    def _take(self) -> Lease | None:
        has_nothing = (self.part is None or not self.part.done.size_bytes) and self._queue.is_untouched
        if has_nothing and (self.whole_only or self._is_small):
            return self._queue.take_all()
        return self._queue.take(by_gaps=self.part is not None and not self._is_parallel)

    def give_back(self, lease: Lease) -> None:
        with self._changed:
            self._queue.give_back(lease)
            # Without any validator every new request may meet a new version.
            self._needs_guard |= self.part is not None and not self._has_validator
            self._changed.notify_all()

    def left(self, *, was_asked: bool) -> None:
        """A stream's thread ends, `was_asked` to leave or with nothing more to do."""
        with self._changed:
            self._alive -= 1
            self._leaving -= was_asked
            self._changed.notify_all()

    def measured(self, latency_s: float, count: int, seconds: float) -> None:
        """A request was answered after `latency_s` and brought `count` bytes in `seconds`."""
        with self._changed:
            self._queue.worth_asking(latency_s, count / max(seconds, 1e-6))

    def delay_s(self, count: int) -> float:
        """How long to wait now that so many bytes came."""
        return self._site.delay_s(count)

    def check(self) -> None:
        if self._stopping:
            raise Stopped
        if self._caller and time.monotonic() >= self._look_due and self._caller == threading.get_ident():
            self._look_after()

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
                # The others know now what to ask for.
                self._changed.notify_all()
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

    def commit(self, lease: Lease, data: memoryview) -> None:
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
                # Only `_close` waits for this; to wake the caller for every record would cost more than the record.
                if self._stopping:
                    self._changed.notify_all()
        if self._reading is not None and self._caller == threading.get_ident():
            self._reading.take(part, lease.position, data[:size])
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
