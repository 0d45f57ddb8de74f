"""Reading many files again, as a job: every byte compared with what was registered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser

from mast import errors
from mast.imports import joblease, verification
from mast.imports.joblease import JobClaim
from mast.models import DataFile, ImportJob
from mast.terms import JobState
from mast.words import counted


def start(file_ids: Sequence[int], user: AbstractBaseUser | None) -> ImportJob:
    """The job that reads these files again."""
    files = counted(len(file_ids), "file")
    result = {"fileIds": list(file_ids)}
    return joblease.begin(ImportJob.Kind.VERIFY, files, user, f"{files} to read again.", result=result)


def run(job_id: str, stopping: Callable[[], bool]) -> None:
    """Do a verification's work; one file that is damaged does not stop the others."""
    joblease.run(job_id, JobState.VERIFYING, lambda held: _verify(held, stopping))


def _verify(held: JobClaim, stopping: Callable[[], bool]) -> None:
    wanted = list(held.job.result.get("fileIds", []))
    result: dict[str, Any] = {"fileIds": wanted, "verifiedCount": 0, "failed": []}
    for number, checked in enumerate(verification.verify(DataFile.objects.filter(pk__in=wanted)), start=1):
        if stopping():
            raise errors.Cancelled
        result["verifiedCount"] = number
        if checked.why:
            result["failed"].append({"obsId": checked.file.file_name, "reason": checked.why})
        held.beat(100 * number / max(1, len(wanted)), f"{number} of {len(wanted)} files read again.", result)
    wrong = len(result["failed"])
    found = f"{wrong} not as they should be: import them again" if wrong else "all as they should be"
    held.complete(f"{counted(result['verifiedCount'], 'file')} read again, {found}.", result)
