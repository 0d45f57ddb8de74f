"""Database work that outlives a restart of the database."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from django.db import InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)

T = TypeVar("T")
PATIENCE_S: Final = 60.0
PAUSE_S: Final = 1.0


def patiently(work: Callable[[], T]) -> T:
    """Do `work`, again and again for a minute while the database is away. Each time in a transaction of its own."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return work()
        except (OperationalError, InterfaceError) as exc:
            if time.monotonic() > deadline or connection.in_atomic_block:
                raise
            log.warning("the database is away: %s", exc)
            connection.close()
            time.sleep(PAUSE_S)
