"""Claims on jobs without transfers, a refresh or a registration of files on disk: the same rules, on the job's row."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce, Now

from mast import errors, terms
from mast.imports import broker, owners
from mast.imports.leases import FREE, lease
from mast.models import ImportJob
from mast.terms import JobState

UNHELD = {"lease_owner": "", "lease_until": None}


@dataclass(frozen=True)
class JobClaim:
    """A job held by this worker."""

    job: ImportJob
    owner: str

    def row(self) -> QuerySet[ImportJob]:
        """The job's row while it is still ours."""
        return ImportJob.objects.filter(pk=self.job.pk, lease_owner=self.owner, state__in=terms.ACTIVE)

    def beat(self, percent: float, message: str, result: dict[str, Any]) -> None:
        """Record how far it is; `LeaseLost` when it was paused, cancelled or taken over."""
        fields = {"progress_percent": percent, "message": message, "result": result, "lease_until": Now() + lease()}
        if not self.row().update(**fields):
            raise errors.LeaseLost

    def complete(self, message: str, result: dict[str, Any]) -> None:
        self.row().update(
            **UNHELD, state=JobState.COMPLETE, ended_at=Now(), progress_percent=100, message=message, result=result
        )

    def fail(self, error: errors.MastError) -> None:
        self.row().update(
            **UNHELD,
            state=JobState.FAILED,
            ended_at=Now(),
            error_code=error.code,
            error=error.message,
            message=error.message,
        )

    def release(self) -> None:
        """Give it back to the queue: this worker stops."""
        self.row().update(**UNHELD, state=JobState.QUEUED)


def begin(kind: ImportJob.Kind, obs_id: str, user: AbstractBaseUser | None, message: str, **fields: Any) -> ImportJob:
    """A new job for the workers. `IntegrityError` when one with the same `choices_key` is under way."""
    owner_id = user.pk if user is not None and user.is_authenticated else None
    with transaction.atomic():
        job = ImportJob.objects.create(kind=kind, obs_id=obs_id, owner_id=owner_id, message=message, **fields)
        transaction.on_commit(lambda: broker.publish_job(job))
    return job


def claim(job_id: str | uuid.UUID, state: JobState) -> JobClaim | None:
    """Take the job if it is free, and show it in `state`."""
    owner = owners.new()
    free = ImportJob.objects.filter(FREE, pk=job_id, state__in=terms.CLAIMABLE)
    taken = free.update(
        state=state, lease_owner=owner, lease_until=Now() + lease(), started_at=Coalesce("started_at", Now())
    )
    return JobClaim(ImportJob.objects.get(pk=job_id), owner) if taken else None


@contextmanager
def _kept(held: JobClaim) -> Iterator[None]:
    """Extend the lease from a thread of its own: a query of MAST or the reading of a large file may outlast it."""
    done = threading.Event()

    def extend() -> None:
        try:
            while not done.wait(settings.LEASE_S / 4):
                with contextlib.suppress(DatabaseError):
                    held.row().update(lease_until=Now() + lease())
        finally:
            connection.close()

    thread = threading.Thread(target=extend, name="job lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def run(job_id: str | uuid.UUID, state: JobState, work: Callable[[JobClaim], None]) -> None:
    """Claim a job and do its work; whatever goes wrong ends in the row, in a sentence."""
    held = claim(job_id, state)
    if held is None:
        return
    try:
        with _kept(held):
            work(held)
    except errors.LeaseLost:
        return
    except errors.Cancelled:
        held.release()
    except errors.MastError as error:
        held.fail(error)
