"""How often tabs may ask. Each second is pleasant for one of them; hundreds would leave no time for the pages."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import Final

WINDOW_S: Final = 5.0
MANY: Final = 40.0
"""polls a second that a process answers beside its pages"""
SLOWEST_S: Final = 10


class Crowd:
    """The polls that this process answered lately."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    def came(self) -> None:
        """Count a poll."""
        now = time.monotonic()
        with self._lock:
            self._times.append(now)
            while self._times[0] < now - WINDOW_S:
                self._times.popleft()

    def pace_s(self, alone_s: int) -> int:
        """Seconds until a tab may ask again that would, alone, ask after `alone_s`."""
        now = time.monotonic()
        with self._lock:
            lately = sum(at >= now - WINDOW_S for at in self._times)
        share = lately / WINDOW_S / MANY
        return max(alone_s, min(SLOWEST_S, math.ceil(alone_s * share)))


CROWD: Final = Crowd()
