"""One transfer of a file at a time on this host, as far as the file system's locks reach.

A second guard only: two transfers of one file waste bytes but never mix them.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mast.errors import AlreadyClaimed
from mast.transfer.disk import disk_errors

_POLL_S: Final = 0.05
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


@contextmanager
def only_one(path: Path, wait_s: float, beat: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file at `path`, waiting up to `wait_s` for another process; `AlreadyClaimed` after that."""
    fd = _locked(path, time.monotonic() + wait_s, beat)
    try:
        yield
    finally:
        # Removed while still held: whoever waits on it sees that its name is gone and takes a new one.
        path.unlink(missing_ok=True)
        os.close(fd)


def _locked(path: Path, deadline: float, beat: Callable[[], None]) -> int:
    while True:
        with disk_errors("locking the part file"):
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if _try_lock(fd) and _is_still_named(fd, path):
                return fd
            if time.monotonic() > deadline:
                raise AlreadyClaimed(f"Another process is fetching {path.stem}.")
            beat()
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        time.sleep(_POLL_S)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        # Without locks at all, go on: correctness does not depend on them.
        return exc.errno in _NO_LOCKS
    return True


def _is_still_named(fd: int, path: Path) -> bool:
    try:
        return os.fstat(fd).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False
