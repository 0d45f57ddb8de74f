"""The work of a process that is a worker: bring what is queued home, in the tests' own database and folders.

`FAULT_AT` of a transfer names a step of the disk; here it names a step of the import around it.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import DatabaseError, connection, connections  # noqa: E402

from mast import tasks  # noqa: E402
from mast.fits.inspect import Inspector  # noqa: E402
from mast.imports import importer, jobs, leases, locating, records, stopping  # noqa: E402

STEPS: dict[str, tuple[ModuleType | type, str]] = {
    "claim": (leases, "claim"),
    "look up": (locating, "look_up"),
    "fetch": (importer, "fetch"),
    "inspect": (Inspector, "inspect"),
    "register": (records, "register"),
    "write the record": (records, "write_files"),
    "complete the transfer": (records, "complete_all"),
    "share": (records, "share_all"),
    "settle": (jobs, "settle_jobs_of"),
}
"""what an import does around a transfer, in its order; those from the record to sharing are one transaction"""
STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Workplace:
    """Where a test's rows and files are, for a process that has only the settings."""

    database: str
    files: str
    partial: str
    mast_url: str

    @classmethod
    def here(cls) -> Self:
        return cls(
            str(connection.settings_dict["NAME"]),
            str(settings.FILES_DIR),
            str(settings.PARTIAL_DIR),
            settings.MAST_URL,
        )

    def enter(self) -> None:
        connections["default"].settings_dict["NAME"] = self.database
        settings.FILES_DIR, settings.PARTIAL_DIR = self.files, self.partial
        settings.MAST_URL, settings.MAST_S3_ENDPOINT_URL = self.mast_url, f"{self.mast_url}/s3"


def work(place: Workplace, transfer_ids: Sequence[int], fault_at: str = "") -> None:
    """One message's work. `before-settle:2` kills the process before the second passage of that step."""
    place.enter()
    # The flag is in memory that all of these processes share.
    stopping.clear()
    if fault_at:
        step, _, count = fault_at.partition(":")
        when, _, step = step.partition("-")
        module, name = STEPS[step]
        setattr(module, name, _killing(getattr(module, name), when, int(count or 1)))
    tasks.fetch(transfer_ids)


def _killing(do: Callable[..., Any], when: str, count: int) -> Callable[..., Any]:
    passages = itertools.count(1)

    def killed(*arguments: Any, **named: Any) -> Any:
        is_time = next(passages) == count
        if is_time and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = do(*arguments, **named)
        if is_time:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return killed


def work_without_memory(place: Workplace, transfer_ids: Sequence[int], spare_bytes: int) -> None:
    """The same where hardly a byte of memory is to be had beyond what the process has."""
    place.enter()
    stopping.clear()
    # Whatever the first query needs is not what is tested.
    connection.ensure_connection()
    size = next(int(line.split()[1]) * 1024 for line in STATUS.read_text().splitlines() if line.startswith("VmSize"))
    resource.setrlimit(resource.RLIMIT_AS, (size + spare_bytes, size + spare_bytes))
    tasks.fetch(transfer_ids)


def write_for(place: Workplace, transfer_id: int, lasts_s: float, told: Path) -> None:
    """Claim, beat and release for so long; how long each took, and what went wrong, goes to a file."""
    place.enter()
    took_ms: list[float] = []
    errors: list[str] = []
    until = time.monotonic() + lasts_s
    while time.monotonic() < until or not took_ms:
        for write in (_claim_and_beat, _settle):
            began = time.monotonic()
            try:
                write(transfer_id)
            except DatabaseError as exc:
                errors.append(str(exc))
            took_ms.append((time.monotonic() - began) * 1000)
    told.write_text(json.dumps({"took_ms": took_ms, "errors": errors}))


def _claim_and_beat(transfer_id: int) -> None:
    claims = leases.claim([transfer_id])
    for done in range(3):
        leases.beat(claims, {claim.id: leases.Pulse(done_bytes=done, has_moved=True) for claim in claims})
    for claim in claims:
        leases.release(claim, 0)


def _settle(transfer_id: int) -> None:
    jobs.settle_jobs_of([transfer_id])
