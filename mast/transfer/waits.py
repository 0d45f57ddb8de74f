"""When a server asks us to wait, every connection of this process to it does."""

from __future__ import annotations

import threading
import time


class Waits:
    """By host: until when, in monotonic seconds, nothing is asked of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def ask(self, host: str, seconds: float) -> None:
        """The host asked for so many seconds; a longer wait that is already running stays."""
        with self._lock:
            self._until[host] = max(self._until.get(host, 0.0), time.monotonic() + seconds)

    def remaining_s(self, host: str) -> float:
        with self._lock:
            return max(0.0, self._until.get(host, 0.0) - time.monotonic())

    def forget(self) -> None:
        with self._lock:
            self._until.clear()


WAITS = Waits()
