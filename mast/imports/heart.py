"""The beat of a worker: a thread that says several times a lease that its transfers live, and hears when one is taken.

It writes the rows now and then and the live numbers to Redis four times a second. The lease of a transfer is extended
only while bytes move, or while it waits or verifies and says so: a hung download loses it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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
BEATS_A_LEASE: Final = 20
_STATES: Final = {
    "downloading": JobState.DOWNLOADING,
    "waiting": JobState.WAITING,
    "verifying": JobState.VERIFYING,
}


@dataclass
class Watched:
    """One claimed transfer as its holder sees it."""

    claim: Claim
    progress: Progress | None = None
    beaten_bytes: int = 0
    has_moved: bool = False
    is_lost: bool = False
    is_begun: bool = False
    speed: live.Speed = field(default_factory=live.Speed)

    def pulse(self) -> Pulse:
        """What the next beat writes of it."""
        seen = self.progress
        if seen is None:
            # Claimed with others and not begun, or its source is being asked: alive as long as this worker is.
            return Pulse(self.claim.transfer.done_bytes, state=JobState.DOWNLOADING, is_alive=True)
        moved = seen.done_bytes != self.beaten_bytes
        self.has_moved = self.has_moved or (moved and self.is_begun)
        self.beaten_bytes, self.is_begun = seen.done_bytes, True
        return Pulse(
            done_bytes=seen.done_bytes,
            total_bytes=seen.total_bytes,
            state=_STATES[seen.phase],
            source=seen.source,
            message=seen.message,
            waits_until=seen.until if seen.phase == "waiting" else None,
            is_alive=moved or seen.phase != "downloading",
            has_moved=self.has_moved,
        )

    def numbers(self) -> live.Numbers:
        """What Redis is told of it."""
        seen = self.progress
        done = seen.done_bytes if seen else self.claim.transfer.done_bytes
        return live.Numbers(
            done_bytes=done,
            total_bytes=seen.total_bytes if seen else None,
            speed=self.speed.of(done),
            source=seen.source if seen else "",
            message=seen.message if seen else "",
            epoch=self.claim.epoch,
            at=time.time(),
        )


class Heart:
    """Beats for a group of claims until it is left. `should_stop` may be asked from any thread."""

    def __init__(self, claims: Sequence[Claim], stopping: Callable[[], bool]) -> None:
        self._watched = {claim.id: Watched(claim) for claim in claims}
        self._ended: set[int] = set()
        self._stopping = stopping
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
        if watched := self._watched.get(transfer_id):
            watched.progress = progress

    def should_stop(self, transfer_id: int) -> bool:
        return self._stopping() or self.is_lost(transfer_id)

    def is_lost(self, transfer_id: int) -> bool:
        """Whether the transfer was taken over, paused or cancelled."""
        return self._watched[transfer_id].is_lost

    def done_bytes(self, transfer_id: int) -> int:
        seen = self._watched[transfer_id].progress
        return seen.done_bytes if seen else self._watched[transfer_id].claim.transfer.done_bytes

    def forget(self, transfer_id: int) -> None:
        """Stop beating for a transfer that has ended, before its row changes for the last time."""
        with self._lock:
            self._ended.add(transfer_id)

    def _run(self) -> None:
        every = settings.LEASE_S / BEATS_A_LEASE
        due = time.monotonic() + every
        try:
            while not self._done.wait(min(TICK_S, every)):
                live.write({watched.claim.id: watched.numbers() for watched in self._beating() if watched.progress})
                if time.monotonic() >= due:
                    self._beat()
                    due = time.monotonic() + every
        finally:
            connection.close()

    def _beating(self) -> list[Watched]:
        return [watched for key, watched in self._watched.items() if key not in self._ended and not watched.is_lost]

    def _beat(self) -> None:
        with self._lock:
            beating = self._beating()
            if not beating:
                return
            try:
                pulses = {watched.claim.id: watched.pulse() for watched in beating}
                for lost in leases.beat([watched.claim for watched in beating], pulses):
                    self._watched[lost].is_lost = True
            except DatabaseError as exc:
                # The lease outlives some missed beats; when it does not, another worker goes on from the same bytes.
                log.warning("a beat failed: %s", exc)
                connection.close()
