"""Ends what a killed `up` leaves behind, so that `kill -9` of it makes no orphans.

`up` keeps a pipe to this process open and names each process group it starts ("+1234") or has ended ("-1234"). When
the pipe closes, whoever is left is asked to stop and, three seconds later, killed. PR_SET_PDEATHSIG would be shorter,
but it is Linux's alone, reaches direct children only, and asks once without ever insisting.

Runs alone (`python -I -S guard.py`): it imports nothing of ours and starts in some 15 ms.
"""

import contextlib
import os
import signal
import sys
import time

PATIENCE_S = 3.0


def _signal(groups: set[int], number: int) -> set[int]:
    """Send a signal to each group; return those that still exist."""
    alive = set()
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, number)
            alive.add(group)
    return alive


def end(groups: set[int]) -> None:
    """Ask every group to stop, wait, then kill what is left."""
    deadline = time.monotonic() + PATIENCE_S
    left = _signal(groups, signal.SIGTERM)
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = _signal(left, 0)
    _signal(left, signal.SIGKILL)


def main() -> None:
    # It ends with the pipe and not a moment before, whatever the terminal sends.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    end(groups)


if __name__ == "__main__":
    main()
