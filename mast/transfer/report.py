"""What the caller hears and may say while a transfer runs, always on the caller's own thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from mast.errors import Cancelled
from mast.transfer.values import Progress


class Reporter:
    """Calls `on_progress` and `should_stop` at most every `every_s` seconds."""

    def __init__(
        self, every_s: float, on_progress: Callable[[Progress], None], should_stop: Callable[[], bool]
    ) -> None:
        self._every_s = every_s
        self._on_progress = on_progress
        self._should_stop = should_stop
        self._due = 0.0
        self._shown_bytes = 0
        self._restart_message = ""

    def beat(self, make: Callable[[], Progress]) -> None:
        """Report if it is time to; `Cancelled` when the caller wants to stop."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + self._every_s
            self.check()
            self.say(make())

    def check(self) -> None:
        if self._should_stop():
            raise Cancelled("The transfer was stopped; what had arrived is kept.")

    def say(self, progress: Progress) -> None:
        """Report now. The bytes done go down only after a restart, and then with the reason."""
        if self._restart_message:
            progress = replace(progress, restarted=True, message=self._restart_message)
            self._restart_message = ""
            self._shown_bytes = 0
        self._shown_bytes = max(self._shown_bytes, progress.done_bytes)
        self._on_progress(replace(progress, done_bytes=self._shown_bytes))

    def restarted(self, why: str) -> None:
        """The next report begins at zero again."""
        self._restart_message = why
        self._due = 0.0
