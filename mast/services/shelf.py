"""The shelf's health: files read again, found wrong, fetched again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet

from mast import access, audit, errors, quota, visibility
from mast.access import Right
from mast.imports import mending, scanning, verification, verifyjob
from mast.imports.shelf import Outcome
from mast.imports.verification import Beat, Checked, Pace
from mast.models import DataFile, ImportJob, Verification


def scan(on_file: Callable[[str], None] = lambda name: None) -> Outcome:
    """Verify and register every whole product on disk that has no record."""
    return scanning.scan(on_file)


def verify_files(files: QuerySet[DataFile], beat: Beat = lambda _count: None) -> Iterator[Checked]:
    """Read every byte of some files again, one after another; each record's state follows what was found."""
    return verification.verify(files, beat)


def start_verification(file_ids: Sequence[int], user: AbstractBaseUser | None = None) -> ImportJob:
    """The same as a job, for as many files as one likes."""
    access.demand(Right.CURATE)
    job = verifyjob.start(list(visibility.my_files().filter(pk__in=file_ids).values_list("pk", flat=True)), user)
    audit.note("file.verify", job.obs_id, job=str(job.pk))
    return job


def begin_verification(*, anew: bool = False) -> Verification:
    """The reading of the whole shelf that was stopped before its end, or a new one."""
    return verification.begin(anew=anew)


def left_to_verify(reading: Verification) -> tuple[int, int]:
    """How many files and bytes a reading has before it."""
    return verification.left_of(reading)


def verify_shelf(reading: Verification, beat: Beat = lambda _count: None) -> Iterator[Checked]:
    """Go on with a reading to its end; `AlreadyClaimed` when another process does."""
    return verification.go_on(reading, beat)


def verification_pace(mb_per_s: float | None = None) -> Pace:
    """What slows a reading down: to so many MB/s, or to what the settings say; 0: not at all."""
    return verification.pace(settings.VERIFY_MB_PER_S if mb_per_s is None else mb_per_s)


def wrong_files() -> QuerySet[DataFile]:
    """Files that are damaged or missing, as far as is known."""
    return visibility.my_files().filter(state__in=DataFile.WRONG).select_related("observation")


def fetch_again(files: Sequence[DataFile], user: AbstractBaseUser | None = None) -> list[ImportJob]:
    """Fetch damaged and missing files again, a job per observation.

    Raises
    ------
    JobNotResumable : one of them is whole, as far as is known
    DiskFull
    """
    access.demand(Right.IMPORT)
    quota.spend(quota.IMPORTS)
    for file in files:
        if file.state == DataFile.State.HELD:
            raise errors.JobNotResumable(f"{file.file_name} is whole as far as is known: verify it first.")
    found = mending.fetch_again(files, user)
    for job in found:
        audit.note("file.fetch_again", job.obs_id, job=str(job.pk))
    return found
