"""Tile-compressed images unpacked once, in a child process with limits, into a plain FITS file that is read by offset.

The decompressors are C code that reads what came from outside; they never run in the web or worker process. The copy
has the same HDUs in the same places, so that plans and links hold: images with their pixels, all else empty.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Final

from mast.errors import NotViewable
from mast.fits.inspect import ChildLimits, child_environment, inspect_file
from mast.fits.plan import UNPACKED_BYTES, Plan

LIMITS: Final = ChildLimits(memory_bytes=2 << 30, cpu_s=60, wall_s=120.0)
_ROOT: Final = Path(__file__).resolve().parents[2]
_START: Final = "import sys; sys.path.insert(0, sys.argv[1]); from mast.fits.unpacking import main; main(sys.argv[2:])"
_WHY: Final = "The compressed image could not be unpacked: it is damaged, or takes too long or too much memory."


def unpack(path: str | Path, plan: Plan, target: Path, *, limits: ChildLimits = LIMITS) -> Plan:
    """Write the unpacked copy of a file, and give its plan.

    Raises
    ------
    NotViewable : it cannot be unpacked within the limits
    """
    part = target.with_name(f"{target.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with part.open("wb") as file:
            _run_child(path, plan, file.fileno(), limits)
            os.fdatasync(file.fileno())
        # Inspected under the name of the product, whose suffix says what is shown first.
        found = inspect_file(part, file_name=plan.file_name)
        if not found.view.viewable:
            raise NotViewable(_WHY)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    return replace(found, facts=plan.facts)


def _run_child(path: str | Path, plan: Plan, descriptor: int, limits: ChildLimits) -> None:
    packed = ",".join(str(hdu.index) for hdu in plan.hdus if hdu.is_packed_image or hdu.is_image)
    arguments = [str(Path(path).absolute()), packed, str(limits.memory_bytes), str(limits.cpu_s), str(UNPACKED_BYTES)]
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _START, str(_ROOT), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=child_environment(),
            timeout=limits.wall_s,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotViewable(_WHY) from error
    if done.returncode:
        raise NotViewable(_WHY)
