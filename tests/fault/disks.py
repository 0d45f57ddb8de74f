"""Disks that fail, forget or kill: the file layer of a transfer with a fault in it."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from mast.transfer.disk import Disk, disk_errors

STEPS = (
    "make_one_dir",
    "open_part",
    "open_journal",
    "set_size",
    "write_at",
    "append",
    "read_at",
    "set_mode",
    "sync",
    "publish",
    "sync_dir",
    "remove",
    "free_bytes",
)
"""everything a transfer does to a disk"""


class SteppingDisk(Disk):
    """The real disk; each of its steps is handed to `step` to be done, with its name and arguments."""

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name not in STEPS:
            return value
        step = super().__getattribute__("step")
        return lambda *arguments: step(name, value, *arguments)

    def step(self, name: str, do: Callable[..., Any], *arguments: Any) -> Any:
        return do(*arguments)


class KillingDisk(SteppingDisk):
    """SIGKILL to this process at the n-th passage before or after a named step: `before-write_at:3`."""

    def __init__(self, fault_at: str) -> None:
        super().__init__()
        name, _, count = fault_at.partition(":")
        self._when, _, self._name = name.partition("-")
        self._left = int(count or 1)

    def step(self, name: str, do: Callable[..., Any], *arguments: Any) -> Any:
        if name == self._name and self._when == "before":
            self._count()
        result = do(*arguments)
        if name == self._name and self._when == "after":
            self._count()
        return result

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class FailingDisk(SteppingDisk):
    """Raises an errno at the n-th call of one step; and again at all later ones, unless it fails `once`."""

    def __init__(self, name: str, count: int, number: int = errno.ENOSPC, *, once: bool = False) -> None:
        super().__init__()
        self._name, self._left, self._number, self._once = name, count, number, once
        self._lock = threading.Lock()
        self.fired = 0

    def step(self, name: str, do: Callable[..., Any], *arguments: Any) -> Any:
        if name == self._name and self._is_time():
            with disk_errors("the step"):
                self.spoil(name, *arguments)
                raise OSError(self._number, os.strerror(self._number))
        return do(*arguments)

    def _is_time(self) -> bool:
        with self._lock:
            self._left -= 1
            is_time = self._left == 0 or (self._left < 0 and not self._once)
            self.fired += is_time
        return is_time

    def spoil(self, name: str, *arguments: Any) -> None:
        """What the failing step does all the same."""


class TearingDisk(FailingDisk):
    """The write that fails has put half of its bytes down."""

    def spoil(self, name: str, *arguments: Any) -> None:
        if name == "write_at":
            fd, data, offset = arguments
            os.pwrite(fd, data[: len(data) // 2], offset)
        elif name == "append":
            fd, line = arguments
            os.write(fd, line[: len(line) // 2])


class DyingDisk(SteppingDisk):
    """From the n-th step on nothing happens any more, as after a SIGKILL; the page cache stays as it is."""

    def __init__(self, inner: Callable[..., Any], steps: int) -> None:
        super().__init__()
        self._inner = inner
        self._left = steps
        self._lock = threading.Lock()

    def step(self, name: str, do: Callable[..., Any], *arguments: Any) -> Any:
        with self._lock:
            self._left -= 1
            if self._left < 0:
                raise Died
            return self._inner(name, do, *arguments)


class Died(BaseException):
    """Not an error: nobody handles it."""
