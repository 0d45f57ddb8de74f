"""What a running `up` leaves for others to read: its lock, and a small file with its addresses.

The lock decides. `up.json` of an `up` that was killed still lies there; without its lock nobody believes it. Standard
library only: the settings read it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class UpState:
    """One running archive."""

    pid: int
    url: str
    archive: str
    practice_url: str
    redis_url: str
    started: float


class AlreadyRunning(Exception):
    """Another `up` holds the lock of this data directory."""

    def __init__(self, pid: int) -> None:
        super().__init__(pid)
        self.pid = pid


@contextlib.contextmanager
def held_lock(run_dir: Path) -> Iterator[None]:
    """Hold this data directory for one `up`; the kernel lets go when the process ends, however it ends.

    Raises
    ------
    AlreadyRunning : with the holder's process id (0 when it is not known)
    """
    run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (run_dir / "up.lock").open("a+") as file:
        deadline = time.monotonic() + 0.3
        # A command that only looks whether somebody holds the lock has it for a moment itself.
        while not _try_lock(file.fileno(), fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise AlreadyRunning(holder(run_dir))
            time.sleep(0.02)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            (run_dir / "up.json").unlink(missing_ok=True)
            file.truncate(0)


def holder(run_dir: Path) -> int:
    """Process id of the `up` that holds the lock; 0 when none does, or when it has not yet said."""
    if not is_held(run_dir):
        return 0
    try:
        return int((run_dir / "up.lock").read_text() or 0)
    except (OSError, ValueError):
        return 0


def is_held(run_dir: Path) -> bool:
    """Whether an `up` runs in this data directory."""
    try:
        with (run_dir / "up.lock").open() as file:
            return not _try_lock(file.fileno(), fcntl.LOCK_SH)
    except OSError:
        return False


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write(run_dir: Path, state: UpState) -> None:
    """Publish the addresses, whole or not at all, to the owner alone: a Redis URL may hold a password."""
    fresh = run_dir / f"up.json.{os.getpid()}"
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(asdict(state)))
    fresh.replace(run_dir / "up.json")


def running(run_dir: Path) -> dict[str, Any]:
    """What the running `up` published; empty when none runs."""
    if not is_held(run_dir):
        return {}
    try:
        state: dict[str, Any] = json.loads((run_dir / "up.json").read_text())
    except (OSError, ValueError):
        return {}
    return state
