"""`manage.py down`: stop the archive that runs in this data directory, and wait until it has stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

from jwstarchive import settings
from jwstarchive.run import state

PATIENCE_S = 10.0


def main(arguments: list[str]) -> int:
    """Return 0 when nothing runs any more, 1 when it could not be stopped."""
    if arguments:
        print("usage: manage.py down", file=sys.stderr)
        return 2
    pid = state.holder(settings.RUN_DIR)
    if not pid:
        print(f"Nothing runs in {settings.DATA_DIR}.")
        return 0
    began = time.monotonic()
    try:
        _stop(pid)
    except PermissionError:
        print(f"Process {pid} belongs to somebody else; they, or root, can stop it.", file=sys.stderr)
        return 1
    print(f"Stopped in {time.monotonic() - began:.1f} s.")
    return 0


def _stop(pid: int) -> None:
    """Ask; insist after a while. Whatever it started then ends by itself (`guard.py`)."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if not state.is_held(settings.RUN_DIR):
                return
            time.sleep(0.02)
