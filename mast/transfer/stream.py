"""One connection's work: take a range, ask for it, put what arrives where it belongs; again until nothing is left."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mast.errors import ConnectionLost, MastError
from mast.transfer.config import RECORD_BYTES, TransferConfig
from mast.transfer.reply import Reply
from mast.transfer.spans import Lease
from mast.transfer.waits import WAITS
from mast.transfer.wire import TICK_S, Waiting, waiting_here

if TYPE_CHECKING:
    from mast.transfer.session import Session

FLUSH_S: Final = 2.0
"""A record is closed after this long even when it is not full, so that little is lost on slow lines."""
PIECE_S: Final = 0.025
LEAST_PIECE_BYTES: Final = RECORD_BYTES // 4
"""Where a full record takes longer than that, smaller ones are written: a kill costs each connection one."""


class Stopped(Exception):
    """The session is over or was stopped."""


class Watch:
    """Cuts a connection that brings too little: twice per `stall_timeout_s` it must have kept up `min_bytes_per_s`."""

    def __init__(self, config: TransferConfig) -> None:
        self._window_s = config.stall_timeout_s / 2
        self._least = config.min_bytes_per_s * self._window_s
        self.restart()

    def restart(self) -> None:
        self._until = time.monotonic() + self._window_s
        self._seen = 0

    def saw(self, count: int) -> None:
        self._seen += count
        now = time.monotonic()
        if now < self._until:
            return
        if self._seen < self._least:
            raise ConnectionLost("The connection stalled: hardly a byte came any more.", is_stall=True)
        self._until, self._seen = now + self._window_s, 0


class Stream:
    """One connection's worth of a session: a thread, or the caller's own."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.failures = 0
        """in a row"""
        self.failing_since = 0.0
        self.waiting_until: float | None = None
        self.waiting_for = ""
        self.has_work = False
        self._is_leaving = False
        self._watch = Watch(session.config)
        self._piece_bytes = RECORD_BYTES
        self._thread: threading.Thread | None = None
        self._waiting = Waiting()
        self._waited_before_s = 0.0

    @property
    def waited_s(self) -> float:
        """How long it has waited for bytes, or for another that asks what the file is."""
        return self._waiting.seconds - self._waited_before_s

    def start(self) -> None:
        """Run in a thread of its own."""
        self._thread = threading.Thread(target=self.run, name="transfer", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread is None or self._thread.is_alive()

    def join(self, seconds: float) -> None:
        if self._thread is not None:
            self._thread.join(seconds)

    def run(self) -> None:
        self._waiting = waiting_here()
        self._waited_before_s = self._waiting.seconds
        try:
            if self.session.part is None:
                self._warm()
            while (lease := self.session.next_lease(self)) is not None:
                self.has_work = True
                self._attempt(lease)
                self.has_work = False
                self._leave_if_asked()
        except Stopped:
            pass
        except BaseException as exc:  # noqa: BLE001 - handed to the caller's thread, which raises it
            self.session.end(exc)
        finally:
            self.session.left(was_asked=self._is_leaving)

    def _warm(self) -> None:
        """Connect while another stream learns what the file is; its request will tell what is wrong, if anything is."""
        if not WAITS.remaining_s(self.session.source.host) and self.session.is_begun:
            with suppress(MastError):
                self.session.source.warm(self.session.config)

    def _leave_if_asked(self) -> None:
        if self.session.leaves():
            self._is_leaving = True
            raise Stopped

    def _attempt(self, lease: Lease) -> None:
        try:
            try:
                self._fetch(lease)
            finally:
                self.session.give_back(lease)
            self.failures = 0
        except MastError as exc:
            if not self.failures:
                self.failing_since = time.monotonic()
            self.failures += 1
            self._wait(self.session.after_failure(self, exc), exc.message)

    def _fetch(self, lease: Lease) -> None:
        session = self.session
        self._wait_for_host()
        session.guard(self)
        begun, start = time.monotonic(), lease.position
        reply = session.source.open(
            lease.position, lease.stop, session.validator, session.config, self.pause_without_watch
        )
        try:
            self.begins()
            answered = time.monotonic()
            session.accept(lease, reply, self.pause)
            self._receive(lease, reply)
            session.measured(answered - begun, lease.position - start, time.monotonic() - answered)
        finally:
            reply.close()

    def _receive(self, lease: Lease, reply: Reply) -> None:
        """Read until the lease is full or the body ends; what came before an error is kept."""
        session, view, filled, begun = self.session, reply.buffer, 0, time.monotonic()
        try:
            while (room := self._room(lease)) > filled:
                got = reply.recv_into(view[filled:room], self.pause)
                if not got:
                    break
                filled += got
                lease.claimed = lease.position + filled
                self.saw(got)
                elapsed = time.monotonic() - begun
                if filled >= self._room(lease) or elapsed > FLUSH_S:
                    size, filled = filled, 0
                    self._piece_bytes = _piece_bytes(size / max(elapsed, 1e-6))
                    session.commit(lease, view[:size])
                    begun = time.monotonic()
                    self._leave_if_asked()
                    self._slow_down(size)
                session.check()
        finally:
            if filled:
                session.commit(lease, view[:filled])
        session.body_ended(lease)

    def _room(self, lease: Lease) -> int:
        """Bytes until the next piece begins or the lease ends, whichever comes first."""
        room = self._piece_bytes - lease.position % self._piece_bytes
        return room if lease.stop is None else min(room, lease.stop - lease.position)

    def _slow_down(self, count: int) -> None:
        until = time.monotonic() + self.session.delay_s(count)
        while (left := until - time.monotonic()) > 0:
            self.session.check()
            time.sleep(min(left, TICK_S))
            self._watch.restart()

    # --- waiting -----------------------------------------------------------------------------------------------

    def begins(self) -> None:
        """A body is due: from now on it is watched."""
        self._watch.restart()

    def saw(self, count: int) -> None:
        """So many bytes of it came."""
        self._watch.saw(count)

    def pause(self) -> None:
        """Called while nothing arrives."""
        self.session.check()
        self.saw(0)

    def pause_without_watch(self) -> None:
        """Until the head of a reply is there, its own deadline counts."""
        self.session.check()

    def _wait_for_host(self) -> None:
        host = self.session.source.host
        while (remaining := WAITS.remaining_s(host)) > 0:
            self._wait(remaining, f"{host} asks us to wait.")

    def _wait(self, seconds: float, why: str) -> None:
        until = time.monotonic() + seconds
        self.waiting_for, self.waiting_until = why, until
        while (left := until - time.monotonic()) > 0:
            self.session.check()
            self.session.sleep(min(left, TICK_S))
        self.waiting_until = None


def _piece_bytes(bytes_per_s: float) -> int:
    """How much to write at once: a whole record, a half or a quarter of one."""
    size = RECORD_BYTES
    while size > LEAST_PIECE_BYTES and size > bytes_per_s * PIECE_S:
        size //= 2
    return size
