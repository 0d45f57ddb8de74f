"""Processes of their own that fetch or import, to be killed. `FAULT_AT` names a step at which one kills itself.

They are forked from a server that has everything imported, so that a start costs milliseconds and a thousand kills
minutes.
"""

from __future__ import annotations

import multiprocessing
import resource
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from mast.errors import DiskFull
from mast.transfer import HttpSource
from mast.transfer.disk import DISK
from tests.fault.disks import KillingDisk
from tests.fault.world import World

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["tests.fault.victims", "tests.fault.importing"])
KILLED = -signal.SIGKILL
DISK_FULL = 28


def start(work: Callable[..., None], *arguments: Any) -> BaseProcess:
    """A process that does this work; it is still alive at the end of a test only if the test leaves it."""
    process: BaseProcess = _FORKED.Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


def ended(process: BaseProcess, within_s: float = 60) -> int | None:
    """The exit code of a process that is to end by itself: `KILLED` where it met its fault."""
    process.join(within_s)
    code = process.exitcode
    if code is None:
        kill(process)
    return code


def kill(process: BaseProcess) -> None:
    process.kill()
    process.join()


def wait_for(condition: Callable[[], Any], within_s: float = 30) -> Any:
    """What the condition gives as soon as it is true."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
    return value


def fetch(folder: Path, url: str, connections: int, fault_at: str = "") -> None:
    """The work of a process: bring one file home."""
    disk = KillingDisk(fault_at) if fault_at else DISK
    World(folder).fetch(HttpSource(url), disk=disk, connections=connections)


def fetch_within(folder: Path, url: str, limit_bytes: int) -> None:
    """The same where no file may grow beyond a limit."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    try:
        fetch(folder, url, 4)
    except DiskFull:
        sys.exit(DISK_FULL)
