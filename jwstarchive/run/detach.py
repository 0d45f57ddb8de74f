"""`manage.py up --detach`: the same `up`, in a session of its own, its words shown until it is ready."""

from __future__ import annotations

import os
import subprocess
import sys

from jwstarchive.bootstrap import BASE_DIR

# Tells the background process to let go of the terminal once it has said that it is ready.
BACKGROUND = "JWST_UP_IN_BACKGROUND"


def start_in_background(arguments: list[str]) -> int:
    """Start `up`, pass on what it says, return its exit status or 0 when it runs on."""
    command = [sys.executable, str(BASE_DIR / "manage.py"), "up", *arguments]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {BACKGROUND: "1"},
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    for line in process.stdout:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    try:
        return process.wait(timeout=0.3)
    except subprocess.TimeoutExpired:
        return 0


def let_go_of_terminal() -> None:
    """In the background process: from now on what it says goes to the log alone."""
    if os.environ.pop(BACKGROUND, None):
        sys.stdout.flush()
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        os.close(nowhere)
