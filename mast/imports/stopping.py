"""Whether this worker is to stop: asked by every transfer, answered across the worker's processes.

The flag is one byte of memory that the pool's processes share with the worker they are forked from: a SIGTERM to the
worker reaches every download within a beat, which then stops at bytes that are kept.
"""

from __future__ import annotations

import mmap
from typing import Final

_flag: Final = mmap.mmap(-1, 1)


def ask() -> None:
    """Let every transfer of this worker stop."""
    _flag[0] = 1


def is_asked() -> bool:
    """Whether work is to stop now, its proven bytes kept."""
    return _flag[0] != 0


def clear() -> None:
    """Work again: a worker starts."""
    _flag[0] = 0
