"""Whether this worker is to stop: asked by every transfer, answered across the worker's processes.

The flag is one byte of memory that the pool's processes share with the worker they are forked from: a SIGTERM to the
worker reaches every download within a beat, which then stops at bytes that are kept.
"""

from __future__ import annotations

import mmap
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_flag: Final = mmap.mmap(-1, 1)


def ask() -> None:
    """Let every transfer of this worker stop."""
    _flag[0] = 1


def is_asked() -> bool:
    """Whether work is to stop now, its proven bytes kept."""
    return _flag[0] != 0


@contextmanager
def by_signal() -> Iterator[None]:
    """While work is done, a SIGTERM asks it to stop; one to the whole process group must not kill it in mid-file."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: ask())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def clear() -> None:
    """Work again: a worker starts."""
    _flag[0] = 0
