"""The time one query may take, whatever it does with it."""

from __future__ import annotations

import time
from collections.abc import Callable

from mast import errors

_LOOK_EVERY_S = 0.2


class Deadline:
    """A bound over connecting, waiting, polling and paging together, and the wish to stop earlier.

    Parameters
    ----------
    timeout_s : seconds from now
    cancelled : asked between requests and while waiting; True ends the query with `errors.Cancelled`
    """

    def __init__(self, timeout_s: float, cancelled: Callable[[], bool] | None = None) -> None:
        self.timeout_s = timeout_s
        self._ends = time.monotonic() + timeout_s
        self._cancelled = cancelled

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._ends

    def remaining(self) -> float:
        """Seconds left, more than none.

        Raises
        ------
        ArchiveTimeout : when none are left
        Cancelled : when the caller wants to stop
        """
        if self._cancelled is not None and self._cancelled():
            raise errors.Cancelled("The query was cancelled.")
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self.timeout()
        return left

    def timeout(self) -> errors.ArchiveTimeout:
        return errors.ArchiveTimeout(
            f"MAST did not answer within {self.timeout_s:g} s. Ask for less (a smaller radius, one program), "
            "or try again later."
        )

    def sleep(self, seconds: float) -> None:
        """Wait, noticing within a moment that the query was cancelled or its time is up."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_EVERY_S, self.remaining()))

    def within(self, timeout_s: float) -> Deadline:
        """A shorter bound for one step of this query."""
        return Deadline(min(timeout_s, self.remaining()), self._cancelled)
