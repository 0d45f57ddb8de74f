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
from pathlib import Path
from typing import Any, Final

from mast.errors import HostileFits
from mast.fits.plan import VERSION, Plan, unviewable

FILES_PER_CHILD: Final = 64
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
    plans: list[Plan] = []
    while len(plans) < len(files):
        batch = files[len(plans) : len(plans) + FILES_PER_CHILD]
        found = list(_run_child(batch, limits))
        plans += found
        if len(found) < len(batch):
            # The child gave no answer for this one; the next child goes on behind it.
            plans.append(_gave_up(*batch[len(found)]))
    return plans


def child_environment() -> dict[str, str]:
    """What of ours a child gets to see."""
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


def _gave_up(path: str | Path, file_name: str) -> Plan:
    size = 0
    with contextlib.suppress(OSError):
        size = Path(path).stat().st_size
    why = "Inspecting the file took too long or too much memory; it is kept but not opened."
    return unviewable(file_name, "unknown", size, why, error_code=HostileFits.code)


def _run_child(batch: Sequence[tuple[str | Path, str]], limits: ChildLimits) -> Iterator[Plan]:
    """Plans as they come, until the batch is done or the child has died or stalled."""
    question = json.dumps([[str(Path(path).absolute()), file_name] for path, file_name in batch])
    command = [sys.executable, "-I", "-S", "-c", _START, str(_ROOT), str(limits.memory_bytes), str(limits.cpu_s)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=child_environment(),
        start_new_session=True,
    ) as child:
        try:
            _ask(child, question.encode())
            for line in _lines(child, limits.wall_s):
                yield Plan.from_json(json.loads(line))
        finally:
            child.kill()


def _ask(child: subprocess.Popen[bytes], question: bytes) -> None:
    assert child.stdin is not None  # noqa: S101
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(question)
        child.stdin.close()


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
