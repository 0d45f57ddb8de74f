"""The beat of a worker: a thread that says several times a lease that its transfers live, and hears when one is taken.

It writes the rows now and then and the live numbers to Redis four times a second. The lease of a transfer is extended
only while bytes move, or while it waits or verifies and says so: a hung download loses it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from mast.imports import leases, live
from mast.imports.leases import Claim, Pulse
from mast.terms import JobState
from mast.transfer.values import Progress

log = logging.getLogger(__name__)

TICK_S: Final = 0.25
LOOK_S: Final = 0.5
"""how often it is looked whether a person, or another worker, took a transfer away"""
BEATS_A_LEASE: Final = 20
SMALL_LOSS_BYTES: Final = 64 << 20
"""bytes under way at a kill, which come again without a word: the journal is behind by a mebibyte a connection"""
_STATES: Final = {
    "downloading": JobState.DOWNLOADING,
    "waiting": JobState.WAITING,
    "verifying": JobState.VERIFYING,
}


class Watched:
    """One claimed transfer as its holder sees it.

    What a person sees never runs backwards without a reason: while an earlier attempt's bytes are read back, the number
    that was shown last stands; when they turn out to be gone, or the file begins anew, a note says so.
    """

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.is_lost = False
        self.shown_bytes = claim.transfer.done_bytes
        self._seen: Progress | None = None
        self._first_bytes: int | None = None
        self._beaten_bytes = 0
        self._note = ""
        self._speed = live.Speed()

    def take(self, progress: Progress) -> None:
        """Take note of where the transfer is."""
        if progress.restarted:
            self.shown_bytes, self._first_bytes, self._note = 0, 0, progress.message
        if self._first_bytes is None and progress.phase == "downloading":
            self._first_bytes = progress.done_bytes
            if progress.done_bytes < self.shown_bytes - SMALL_LOSS_BYTES:
                self.shown_bytes, self._note = 0, "Bytes that had arrived are not there any more and are fetched again."
        self.shown_bytes = max(self.shown_bytes, progress.done_bytes)
        self._seen = progress

    @property
    def is_begun(self) -> bool:
        return self._seen is not None

    @property
    def has_moved(self) -> bool:
        """Whether bytes came since it was claimed."""
        return self.new_bytes > 0

    @property
    def new_bytes(self) -> int:
        """Bytes that came since it was claimed."""
        seen, first = self._seen, self._first_bytes
        return max(0, seen.done_bytes - first) if seen is not None and first is not None else 0

    def pulse(self) -> Pulse:
        """What the next beat writes of it."""
        seen = self._seen
        if seen is None:
            # Claimed with others and not begun, or its source is being asked: alive as long as this worker is.
            return Pulse(self.shown_bytes)
        moved = seen.done_bytes != self._beaten_bytes
        self._beaten_bytes = seen.done_bytes
        return Pulse(
            done_bytes=self.shown_bytes,
            total_bytes=seen.total_bytes,
            state=_STATES[seen.phase],
            source=seen.source,
            message=seen.message or self._note,
            waits_until=seen.until if seen.phase == "waiting" else None,
            is_alive=moved or seen.phase != "downloading",
            has_moved=self.has_moved,
        )

    def numbers(self) -> live.Numbers:
        """What Redis is told of it."""
        seen = self._seen
        return live.Numbers(
            done_bytes=self.shown_bytes,
            total_bytes=seen.total_bytes if seen else None,
            speed=self._speed.of(self.shown_bytes),
            source=seen.source if seen else "",
            message=(seen.message if seen else "") or self._note,
            epoch=self.claim.epoch,
            at=time.time(),
        )


class Heart:
    """Beats for a group of claims until it is left. `should_stop` may be asked from any thread."""

    def __init__(
        self, claims: Sequence[Claim], stopping: Callable[[], bool], tick: Callable[[Heart], None] = lambda _heart: None
    ) -> None:
        self._watched = {claim.id: Watched(claim) for claim in claims}
        self._ended: set[int] = set()
        self._stopping = stopping
        self._tick = tick
        self._began = time.monotonic()
        self._first_bytes_at: float | None = None
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def report(self, transfer_id: int, progress: Progress) -> None:
        """Take note of where a transfer is."""
        if self._first_bytes_at is None and progress.phase == "downloading":
            self._first_bytes_at = time.monotonic()
        self._watched[transfer_id].take(progress)

    def should_stop(self, transfer_id: int) -> bool:
        return self._stopping() or self.is_lost(transfer_id)

    def is_lost(self, transfer_id: int) -> bool:
        """Whether the transfer was taken over, paused or cancelled."""
        return self._watched[transfer_id].is_lost

    def done_bytes(self, transfer_id: int) -> int:
        """What was shown last as done, and is kept when the transfer is given back."""
        return self._watched[transfer_id].shown_bytes

    @property
    def new_bytes(self) -> int:
        """What came since the group was claimed."""
        return sum(watched.new_bytes for watched in self._watched.values())

    @property
    def is_slice_over(self) -> bool:
        """Whether it has had its share for now. Reading again what is there must stay the lesser part of the work."""
        old_bytes = sum(watched.claim.transfer.done_bytes for watched in self._watched.values())
        if not self.new_bytes or self._first_bytes_at is None:
            return False
        reading_s, fetching_s = self._first_bytes_at - self._began, time.monotonic() - self._first_bytes_at
        return fetching_s > max(settings.SLICE_S, 4 * reading_s) or self.new_bytes > max(
            settings.SLICE_BYTES, old_bytes
        )

    def forget(self, transfer_id: int) -> None:
        """Stop beating for a transfer that has ended, before its row changes for the last time."""
        with self._lock:
            self._ended.add(transfer_id)

    def _run(self) -> None:
        every = settings.LEASE_S / BEATS_A_LEASE
        look_due = due = time.monotonic()
        try:
            while not self._done.wait(min(TICK_S, every)):
                live.write({watched.claim.id: watched.numbers() for watched in self._beating() if watched.is_begun})
                self._tick(self)
                if time.monotonic() >= due:
                    self._beat()
                    due = time.monotonic() + every
                elif time.monotonic() >= look_due:
                    self._look()
                    look_due = time.monotonic() + LOOK_S
        finally:
            connection.close()

    def _beating(self) -> list[Watched]:
        return [watched for key, watched in self._watched.items() if key not in self._ended and not watched.is_lost]

    def _beat(self) -> None:
        self._hear(lambda claims: leases.beat(claims, {claim.id: self._watched[claim.id].pulse() for claim in claims}))

    def _look(self) -> None:
        self._hear(leases.lost)

    def _hear(self, ask: Callable[[Sequence[Claim]], set[int]]) -> None:
        """Take note of the transfers that are ours no more."""
        with self._lock:
            claims = [watched.claim for watched in self._beating()]
            if not claims:
                return
            try:
                for lost in ask(claims):
                    self._watched[lost].is_lost = True
            except DatabaseError as exc:
                # The lease outlives some missed beats; when it does not, another worker goes on from the same bytes.
                log.warning("a beat failed: %s", exc)
                connection.close()
