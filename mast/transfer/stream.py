"""One connection's work: take a range, ask for it, put what arrives where it belongs; again until nothing is left."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from mast.errors import ConnectionLost, MastError
from mast.transfer.config import RECORD_BYTES, TransferConfig
from mast.transfer.reply import Reply
from mast.transfer.spans import Lease
from mast.transfer.waits import WAITS
from mast.transfer.wire import TICK_S

if TYPE_CHECKING:
    from mast.transfer.session import Session

FLUSH_S: Final = 2.0
"""A record is closed after this long even when it is not full, so that little is lost on slow lines."""


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
    """One thread of a session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.failures = 0
        """in a row"""
        self.failing_since = 0.0
        self.waiting_until: float | None = None
        self.waiting_for = ""
        self._watch = Watch(session.config)
        self.thread = threading.Thread(target=self._run, name="transfer", daemon=True)

    def _run(self) -> None:
        try:
            while (lease := self.session.next_lease()) is not None:
                self._attempt(lease)
        except Stopped:
            pass
        except BaseException as exc:  # noqa: BLE001 - handed to the caller's thread, which raises it
            self.session.end(exc)
        finally:
            self.session.left()

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
        reply = session.source.open(
            lease.position, lease.stop, session.validator, session.config, self.pause_without_watch
        )
        try:
            self.begins()
            session.accept(lease, reply, self.pause)
            self._receive(lease, reply)
        finally:
            reply.close()

    def _receive(self, lease: Lease, reply: Reply) -> None:
        """Read until the lease is full or the body ends; what came before an error is kept."""
        session, view, filled, begun = self.session, reply.buffer, 0, time.monotonic()
        try:
            while (room := _room(lease)) > filled:
                got = reply.recv_into(view[filled:room], self.pause)
                if not got:
                    break
                filled += got
                self.saw(got)
                if filled >= _room(lease) or time.monotonic() - begun > FLUSH_S:
                    size, filled, begun = filled, 0, time.monotonic()
                    session.commit(lease, bytes(view[:size]))
                session.check()
        finally:
            if filled:
                session.commit(lease, bytes(view[:filled]))
        session.body_ended(lease)

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


def _room(lease: Lease) -> int:
    """Bytes until the next record border or the lease's end, whichever comes first."""
    room = RECORD_BYTES - lease.position % RECORD_BYTES
    return room if lease.stop is None else min(room, lease.stop - lease.position)
