"""One log of everything that runs, each line under its program's name, kept small."""

from __future__ import annotations

import contextlib
import logging.handlers
import sys
from collections import deque
from pathlib import Path

LARGEST_BYTES = 5_000_000
KEPT = 3


class _File(logging.handlers.RotatingFileHandler):
    """On a full disk lines are lost, and nothing else."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name of the standard library
        return


class Log:
    """Writes lines to `up.log`, remembers the last few of each program, and may show them in the terminal."""

    def __init__(self, folder: Path, *, echo: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / "up.log"
        self.echo = echo
        self._last: dict[str, deque[str]] = {}
        self._file = _File(self.path, maxBytes=LARGEST_BYTES, backupCount=KEPT)
        self._file.setFormatter(logging.Formatter("%(asctime)s %(name)-8s | %(message)s"))

    def __call__(self, name: str, line: str) -> None:
        self._last.setdefault(name, deque(maxlen=20)).append(line)
        self._file.emit(logging.LogRecord(name, logging.INFO, "", 0, line, None, None))
        if self.echo or name == "up":
            # The terminal may be gone.
            with contextlib.suppress(OSError):
                print(f"{name:8} | {line}", file=sys.stderr, flush=True)

    def last_words(self, name: str) -> str:
        """The last line of a program that says something; the reason, when it failed."""
        return next((line.strip() for line in reversed(self._last.get(name, ())) if line.strip()), "it said nothing")

    def lines(self, name: str) -> list[str]:
        return list(self._last.get(name, ()))

    def close(self) -> None:
        self._file.close()
