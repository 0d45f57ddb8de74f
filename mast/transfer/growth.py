"""How many connections a file is worth: found out from what they bring, not known beforehand.

At first there is one, and the count grows at short intervals for as long as the connections mostly wait for bytes while
this process has time to spare: a far server, or one that gives each connection little, gets many within a tenth of a
second. Of a server as fast as this machine one connection keeps a processor busy; whether a second, on a processor that
is left, brings more or only waits for the first is tried out for a moment. Later fewer are tried now and then, and kept
when they bring as much; or more, when bytes are still waited for.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import Final

FIRST: Final = 1
TIMES: Final = 4
"""as many again, while the count grows"""
BUSY: Final = 0.6
"""processor seconds a second from which more connections would only share what there is"""
SPARE: Final = 0.75
"""of all processors; where this process takes more already, a second connection is not tried"""
RAMP_S: Final = 0.025
TRIAL_S: Final = 0.06
LOOK_S: Final = 0.1
WINDOW_S: Final = 1.0
SETTLE_S: Final = 0.25
"""after a change the connections need a moment before what they bring is measured"""
REST_S: Final = 15.0
"""between trials that changed nothing"""
AS_GOOD: Final = 0.95
BETTER: Final = 1.1


def _cpus() -> int:
    """Processors this process may use; not every system tells that."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(slots=True)
class Growth:
    """The count of one session. The caller holds a lock, and says at which bytes the file is."""

    count: int = FIRST
    is_ramping: bool = True
    _most: int = 0
    _began: float = field(default_factory=time.monotonic)
    _bytes: int = 0
    _waited_s: float = 0.0
    _cpu_s: float = field(default_factory=time.process_time)
    _rest_until: float = 0.0
    _looked: float = field(default_factory=time.monotonic)
    _looked_waited_s: float = 0.0
    _looked_cpu_s: float = field(default_factory=time.process_time)
    _is_enough: bool = False
    """more were tried, or fewer, and it made no difference"""
    _goes_down: bool = True
    _before: tuple[int, float] | None = None
    """count and bytes a second before the trial that is going on"""
    _is_busy: bool = False
    """one connection keeps a processor busy: what it brings is being measured, then what two bring"""
    cpus: int = field(default_factory=_cpus)

    def target(
        self, done_bytes: int, waited_s: float, most: int, now: float | None = None, cpu_s: float | None = None
    ) -> int:
        """How many connections there should be now, `most` at most.

        `done_bytes` and `waited_s` are what all of them together brought, and how long they waited for it, so far;
        `now` and `cpu_s` are the clocks of this process.
        """
        now = time.monotonic() if now is None else now
        cpu_s = time.process_time() if cpu_s is None else cpu_s
        if most > self._most:
            # Others have ended, or the first reply told how large the file is.
            self.is_ramping, self._before, self._is_enough, self._is_busy = True, None, False, False
        self._most = most
        if self.is_ramping:
            self._ramp(done_bytes, waited_s, now, cpu_s)
        else:
            self._look_again(waited_s, now, cpu_s)
            self._try_out(done_bytes, waited_s, now, cpu_s)
        return max(1, min(self.count, most))

    def _ramp(self, done_bytes: int, waited_s: float, now: float, cpu_s: float) -> None:
        elapsed = now - self._began
        if elapsed < (TRIAL_S if self._is_busy else RAMP_S):
            return
        rate, taken_s = max(0, done_bytes - self._bytes) / elapsed, cpu_s - self._cpu_s
        if self._before is not None:
            count, before = self._before
            self.count = self.count if rate >= before * BETTER else count
            self._end_ramp(now)
        elif self._is_busy:
            self._before, self.count = (self.count, rate), self.count + 1
        elif self._mostly_wait(waited_s - self._waited_s, taken_s, elapsed) and self.count < self._most:
            self.count = min(self._most, TIMES * self.count)
        elif self.count == FIRST < self._most and taken_s < elapsed * SPARE * self.cpus:
            self._is_busy = True
        else:
            self._end_ramp(now)
        self._saw(waited_s, now, cpu_s)
        self._restart(done_bytes, waited_s, now, cpu_s)

    def _end_ramp(self, now: float) -> None:
        self.is_ramping, self._before, self._is_busy = False, None, False
        self._rest_until = now + 3 * WINDOW_S

    def _mostly_wait(self, waited_s: float, cpu_s: float, elapsed: float) -> bool:
        return waited_s > elapsed * min(self.count, self._most) / 2 and cpu_s < elapsed * BUSY

    def _saw(self, waited_s: float, now: float, cpu_s: float) -> None:
        self._looked, self._looked_waited_s, self._looked_cpu_s = now, waited_s, cpu_s

    def _look_again(self, waited_s: float, now: float, cpu_s: float) -> None:
        """A server may be quick only at the beginning, or with what it holds in memory."""
        elapsed = now - self._looked
        if elapsed < LOOK_S:
            return
        waits = self._mostly_wait(waited_s - self._looked_waited_s, cpu_s - self._looked_cpu_s, elapsed)
        if self._before is None:
            self.is_ramping = waits and not self._is_enough and self.count < self._most
        self._saw(waited_s, now, cpu_s)

    def _try_out(self, done_bytes: int, waited_s: float, now: float, cpu_s: float) -> None:
        elapsed = now - self._began
        if elapsed < WINDOW_S:
            return
        rate = max(0, done_bytes - self._bytes) / elapsed
        if self._before is not None:
            self._judge(rate, now)
        elif now >= self._rest_until:
            self._before = (self.count, rate)
            waits = self._mostly_wait(waited_s - self._waited_s, cpu_s - self._cpu_s, elapsed)
            more = not self._goes_down and waits
            self.count = self._more() if more else self._fewer()
        self._restart(done_bytes, waited_s, now + SETTLE_S, cpu_s)

    def _judge(self, rate: float, now: float) -> None:
        count, before = self._before or (self.count, rate)
        is_kept = rate >= before * (AS_GOOD if self.count < count else BETTER)
        self._is_enough = is_kept == (self.count < count)
        if not is_kept:
            self.count = count
            self._goes_down = not self._goes_down
            self._rest_until = now + REST_S
        self._before = None

    def _fewer(self) -> int:
        return max(1, min(self.count, self._most) - max(1, self.count // 4))

    def _more(self) -> int:
        return min(self._most, self.count + max(1, self.count // 3))

    def _restart(self, done_bytes: int, waited_s: float, at: float, cpu_s: float) -> None:
        self._began, self._bytes, self._waited_s, self._cpu_s = at, done_bytes, waited_s, cpu_s
