"""When a server asks us to wait, every connection to it does, also those of processes that it shares this with."""

from __future__ import annotations

import threading
import time
from typing import Final, Protocol

ASK_EVERY_S: Final = 0.25


class Others(Protocol):
    """Other processes that fetch from the same servers."""

    def tell(self, host: str, seconds: float) -> None:
        """The host asked us for so many seconds."""

    def told_s(self, host: str) -> float:
        """For how long it asked any of them to be left alone from now on; 0 when it did not."""


class Waits:
    """By host: until when, in monotonic seconds, nothing is asked of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}
        self._asked_others: dict[str, float] = {}
        self._others: Others | None = None

    def share_with(self, others: Others | None) -> None:
        self._others = others

    def ask(self, host: str, seconds: float) -> None:
        """The host asked for so many seconds; a longer wait that is already running stays."""
        with self._lock:
            self._until[host] = max(self._until.get(host, 0.0), time.monotonic() + seconds)
        if self._others is not None:
            self._others.tell(host, self.remaining_s(host))

    def remaining_s(self, host: str) -> float:
        if self._others is not None and self._is_time_to_ask(host):
            told_s = self._others.told_s(host)
            with self._lock:
                self._until[host] = max(self._until.get(host, 0.0), time.monotonic() + told_s)
        with self._lock:
            return max(0.0, self._until.get(host, 0.0) - time.monotonic())

    def _is_time_to_ask(self, host: str) -> bool:
        with self._lock:
            now = time.monotonic()
            is_due = now - self._asked_others.get(host, -ASK_EVERY_S) >= ASK_EVERY_S
            if is_due:
                self._asked_others[host] = now
            return is_due

    def forget(self) -> None:
        with self._lock:
            self._until.clear()
            self._asked_others.clear()


WAITS = Waits()
