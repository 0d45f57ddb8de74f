"""Metadata read again from MAST, for one observation, some or all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.contrib.auth.base_user import AbstractBaseUser

from mast import access, audit, errors, quota, visibility
from mast.access import Right
from mast.imports import refresh
from mast.imports.refresh import RefreshReport
from mast.models import ImportJob


@dataclass(frozen=True)
class StartedRefresh:
    """`updated_count` is what has been read again so far: 0 for a job just begun."""

    job: ImportJob
    updated_count: int
    message: str


def refresh_observation(obs_id: str) -> RefreshReport:
    """Read one observation and its products again, now; `ObservationNotFound` when it is not in the library."""
    access.demand(Right.IMPORT)
    quota.spend(quota.SEARCHES)
    if not visibility.my_observations().filter(obs_id=obs_id).exists():
        raise errors.ObservationNotFound(f"{obs_id} is not in the library; import it first.")
    report = _of_known(refresh.one(obs_id))
    audit.note("metadata.refresh", obs_id, changed=len(report.changed))
    return report


def refresh_some(obs_ids: Sequence[str], user: AbstractBaseUser | None = None) -> ImportJob:
    """Begin reading some observations and their products again, as a job: three requests to MAST for each thousand."""
    access.demand(Right.CURATE)
    quota.spend(quota.SEARCHES)
    known = visibility.my_observations().filter(obs_id__in=obs_ids).order_by("pk")
    ids = list(known.values_list("pk", flat=True))
    job = refresh.start_some(ids, user)
    audit.note("metadata.refresh_some", job.obs_id, job=str(job.pk), observations=ids)
    return job


def _of_known(report: RefreshReport) -> RefreshReport:
    """Without the files of these observations that whoever acts may not know of."""
    secret = visibility.hidden_names(change.obs_id for change in report.changed)
    return replace(report, changed=[change for change in report.changed if change.obs_id not in secret])


def refresh_all(user: AbstractBaseUser | None = None) -> StartedRefresh:
    """Begin reading every observation again, as a job; a refresh under way is joined."""
    access.demand(Right.CURATE)
    job, _ = refresh.start(user)
    audit.note("metadata.refresh_all", "all", job=str(job.pk))
    return StartedRefresh(job, int(job.result.get("updatedCount", 0)), job.message)
