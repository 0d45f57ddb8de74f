"""What a transfer shares with others: how many connections it may have now, and how fast it may go."""

from __future__ import annotations

import threading
import time
from typing import Final, Protocol


class Site(Protocol):
    """Asked by every transfer; both answers must come at once, from any thread."""

    def connections(self, source: str, most: int) -> int:
        """How many connections to this source one file may have now, `most` at most. The first is always granted."""

    def delay_s(self, count: int) -> float:
        """How long to wait now that so many bytes came."""


class Rate:
    """So many bytes a second, over all that spend from it. None: as fast as it goes.

    What was not used is lost but for `BURST_S`: a pause must not be followed by a flood.
    """

    BURST_S: Final = 0.5

    def __init__(self, bytes_per_s: float | None = None) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_at = 0.0
        self._lock = threading.Lock()

    def set(self, bytes_per_s: float | None) -> None:
        with self._lock:
            self._bytes_per_s = bytes_per_s

    def delay_s(self, count: int) -> float:
        """Spend so many bytes; seconds to wait before the next."""
        if self._bytes_per_s is None:
            return 0.0
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now - self.BURST_S) + count / max(self._bytes_per_s or 1.0, 1.0)
            return max(0.0, self._free_at - now)


class Alone:
    """One program by itself: whatever the configuration allows."""

    def __init__(self, bytes_per_s: float | None = None) -> None:
        self._rate = Rate(bytes_per_s)

    def connections(self, source: str, most: int) -> int:
        return most

    def delay_s(self, count: int) -> float:
        return self._rate.delay_s(count)


ALONE: Final = Alone()
