"""How long to wait after a failure, and when to give up: for lack of progress, never by a count of attempts."""

from __future__ import annotations

import random
import time

from mast.transfer.config import TransferConfig


class Patience:
    """Shared by all connections of one file and by all its attempts."""

    def __init__(self, config: TransferConfig) -> None:
        self._config = config
        self._most_bytes = 0
        self._gained_at = time.monotonic()
        self._rounds = 0

    def gained(self, done_bytes: int) -> None:
        """So many bytes of the file are there. Only more than ever before counts as progress."""
        if done_bytes > self._most_bytes:
            self._most_bytes = done_bytes
            self._gained_at = time.monotonic()
            self._rounds = 0

    @property
    def gained_at(self) -> float:
        """When the last new byte came, monotonic seconds."""
        return self._gained_at

    @property
    def is_over(self) -> bool:
        return time.monotonic() - self._gained_at >= self._config.give_up_after_s

    def next_round(self) -> float:
        """A whole round of attempts failed; seconds to wait before the next."""
        self._rounds += 1
        return self.delay_s(self._rounds)

    def delay_s(self, failures: int) -> float:
        """Full jitter: anything up to the doubled bound, so that many clients do not come back at once."""
        bound = min(self._config.backoff_max_s, self._config.backoff_first_s * 2 ** min(failures - 1, 30))
        return random.uniform(0, bound)  # noqa: S311 - spreads load, keeps no secret
