"""Imports: what one would bring, starting it, and registering what lies on disk already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser

from mast import access, audit, credentials, errors, quota
from mast.access import Right
from mast.imports import bulkplan, exclusive, planning, shelf, starting
from mast.imports.bulkplan import BulkPlan
from mast.imports.planning import ImportPlan, ImportRequest
from mast.models import ImportJob


@dataclass(frozen=True)
class StartedJob:
    """`is_resume`: the same import was under way, and this is its job."""

    job: ImportJob
    is_resume: bool
    message: str


@dataclass(frozen=True)
class Refusal:
    """An import that was not begun, and why."""

    obs_id: str
    error: errors.MastError


@dataclass(frozen=True)
class FilesOnDisk:
    """Whether files of an observation lie on our disk, registered or not."""

    obs_id: str
    exists: bool
    file_count: int


def preview_import(request: ImportRequest) -> ImportPlan:
    """The exact files an import would bring; downloads and writes nothing."""
    access.demand(Right.READ)
    quota.spend(quota.SEARCHES)
    return exclusive.prove(planning.plan(request), credentials.mine())


def plan_imports(requests: Sequence[ImportRequest], without: Iterable[str] = ()) -> BulkPlan:
    """One plan for several imports of the same choices, without the suffixes named; downloads and writes nothing."""
    access.demand(Right.READ)
    quota.spend(quota.SEARCHES)
    _refuse_too_many(requests)
    return bulkplan.plan_many(requests, without)


def _refuse_too_many(requests: Sequence[ImportRequest]) -> None:
    if len(requests) > bulkplan.MOST_OBSERVATIONS:
        raise errors.BadQuery(
            f"{len(requests):,} observations are too many at once; {bulkplan.MOST_OBSERVATIONS:,} are taken. "
            "Narrow the search by a filter first.",
            fields={"obs_id": "too many at once"},
        )


def start_import(request: ImportRequest, user: AbstractBaseUser | None = None) -> StartedJob:
    """Begin an import, or join the live one of the same choices. Returns before a byte is fetched.

    Raises
    ------
    ObservationNotFound, NothingToImport, ExclusiveAccess, DiskFull, ArchiveError : before any row is written
    """
    access.demand(Right.IMPORT)
    quota.spend(quota.IMPORTS)
    return _start(request, user)


def _start(request: ImportRequest, user: AbstractBaseUser | None, offer: planning.Offer | None = None) -> StartedJob:
    quota.refuse_too_many_jobs()
    job, is_resume = starting.start(request, user, offer)
    audit.note("import.start", job.obs_id, job=str(job.pk), isResume=is_resume)
    return StartedJob(job, is_resume, job.message)


def start_imports(
    requests: Sequence[ImportRequest], user: AbstractBaseUser | None = None
) -> tuple[list[StartedJob], list[Refusal]]:
    """Begin several imports; one that is refused does not stop the others. MAST is asked for all of them together."""
    access.demand(Right.IMPORT)
    quota.spend(quota.IMPORTS)
    _refuse_too_many(requests)
    offers = planning.ask_many([request.obs_id for request in requests])
    started, refused = [], []
    for request in requests:
        try:
            started.append(_start(request, user, offers.get(request.obs_id)))
        except errors.MastError as error:
            refused.append(Refusal(request.obs_id, error))
    return started, refused


def register_existing(obs_id: str, user: AbstractBaseUser | None = None) -> StartedJob:
    """Verify and register the observation's files that lie on disk already; `NothingOnDisk` when there are none."""
    access.demand(Right.CURATE)
    quota.spend(quota.IMPORTS)
    job, is_resume = shelf.start_registration(obs_id, user)
    audit.note("import.from_existing", obs_id, job=str(job.pk))
    return StartedJob(job, is_resume, job.message)


def check_files(obs_id: str) -> FilesOnDisk:
    """How many of the observation's files lie on our disk."""
    count = shelf.count_files(obs_id)
    return FilesOnDisk(obs_id, count > 0, count)
