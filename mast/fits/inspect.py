"""Inspection of files in a limited child process: whatever a file's headers say, the caller gets a plan in time.

The child reads, in Python and by our own bounded walk, with an address space, CPU time and wall clock of its own. It
cannot write files. When it dies or stalls, the plan says so and the file is kept but not opened.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Self

from mast.errors import HostileFits
from mast.fits.plan import VERSION, Plan, unviewable

FILES_PER_QUESTION: Final = 64
"""whose names fit into a pipe at once, so that asking cannot block on a child that does not read"""
_ENVIRONMENT: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""what an interpreter may need to find its own library; nothing else of ours reaches the child"""
_ROOT: Final = Path(__file__).resolve().parents[2]
_START: Final = "import sys; sys.path.insert(0, sys.argv[1]); from mast.fits.probe import main; main(sys.argv[2:])"


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What one child may use. Memory in bytes of address space, times in seconds; `wall_s` is for each file."""

    memory_bytes: int = 1 << 30
    cpu_s: int = 20
    wall_s: float = 30.0


LIMITS: Final = ChildLimits()


def inspect_file(path: str | Path, *, file_name: str | None = None, limits: ChildLimits = LIMITS) -> Plan:
    """The plan of one file. `file_name` is its product name when the path ends in another."""
    return inspect_files([(path, file_name or Path(path).name)], limits=limits)[0]


def inspect_files(files: Sequence[tuple[str | Path, str]], *, limits: ChildLimits = LIMITS) -> list[Plan]:
    """The plans of many files, `(path, file name)` each, in their order; few children, however many files."""
    with Inspector(limits) as inspector:
        return inspector.inspect(files)


class Inspector:
    """Inspects files as they come, with one child for as long as it lives.

    A child uses up its processor time file by file, and may be killed while it waits. So a file is given up only when
    a child that was started for it gives no plan.
    """

    def __init__(self, limits: ChildLimits = LIMITS) -> None:
        self._limits = limits
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def begin(self) -> None:
        """Start a child ahead, so that the first file need not wait for it."""
        self._child = self._child or _start(self._limits)

    def inspect(self, files: Sequence[tuple[str | Path, str]]) -> list[Plan]:
        """The plans of files, `(path, file name)` each, in their order."""
        plans: list[Plan] = []
        while len(plans) < len(files):
            batch = files[len(plans) : len(plans) + FILES_PER_QUESTION]
            was_fresh = self._child is None
            found = self._answers(batch)
            plans += found
            if len(found) == len(batch):
                continue
            self._end()
            if was_fresh and not found:
                plans.append(_gave_up(*batch[0]))
        return plans

    def _answers(self, batch: Sequence[tuple[str | Path, str]]) -> list[Plan]:
        """Plans until the batch is done, or the child has died or stalled."""
        self.begin()
        child = self._child
        assert child is not None  # noqa: S101
        question = json.dumps([[str(Path(path).absolute()), file_name] for path, file_name in batch])
        _ask(child, question.encode() + b"\n")
        lines = islice(_lines(child, self._limits.wall_s), len(batch))
        return [Plan.from_json(json.loads(line)) for line in lines]

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            # Closes the pipes, and waits.
            with child:
                pass


def child_environment() -> dict[str, str]:
    """What of ours a child gets to see."""
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


def _gave_up(path: str | Path, file_name: str) -> Plan:
    size = 0
    with contextlib.suppress(OSError):
        size = Path(path).stat().st_size
    why = "Inspecting the file took too long or too much memory; it is kept but not opened."
    return unviewable(file_name, "unknown", size, why, error_code=HostileFits.code)


def _start(limits: ChildLimits) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _START, str(_ROOT), str(limits.memory_bytes), str(limits.cpu_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        cwd="/",
        env=child_environment(),
        start_new_session=True,
    )


def _ask(child: subprocess.Popen[bytes], question: bytes) -> None:
    assert child.stdin is not None  # noqa: S101
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(question)


def _lines(child: subprocess.Popen[bytes], wall_s: float) -> Iterator[bytes]:
    """Lines of the child's answer, each within `wall_s`; ends when the child ends or is late."""
    assert child.stdout is not None  # noqa: S101
    descriptor = child.stdout.fileno()
    pending = b""
    deadline = time.monotonic() + wall_s
    while select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
        piece = os.read(descriptor, 1 << 20)
        if not piece:
            return
        *lines, pending = (pending + piece).split(b"\n")
        for line in lines:
            yield line
            deadline = time.monotonic() + wall_s


def stored_plan(stored: dict[str, Any] | None) -> Plan | None:
    """A plan read back from a record, or None when there is none of this layout."""
    return Plan.from_json(stored) if stored and stored.get("version") == VERSION else None
