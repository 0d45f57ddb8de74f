"""Rows written from what MAST said and what arrived: observations, data files, and their tags.

What a person corrected (`edited_fields`) is never overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from mast import conf, errors, terms, visibility
from mast.fits.plan import Plan
from mast.imports import leases
from mast.imports.leases import UNHELD, Claim
from mast.imports.upsert import upsert_observations
from mast.models import DataFile, ImportItem, ImportJob, Observation, Tag, Transfer
from mast.terms import Badge, JobState
from mast.transfer.values import Fetched

__all__ = ["complete_transfer", "path_of", "register", "share_held", "upsert_observations"]


def path_of(file: DataFile) -> Path:
    """Where a data file lies."""
    return conf.files_dir() / file.path


def register(finished: Iterable[tuple[Claim, Fetched, Plan]]) -> None:
    """Record finished files, in one transaction.

    A file whose transfer is another's by now, or was stopped by a person, is left out: it lies in its place, and
    whoever brings it next finds it there. So is one whose job was deleted.
    """
    with transaction.atomic():
        for claim, fetched, plan in finished:
            try:
                _register(claim, fetched, plan)
            except errors.LeaseLost:
                continue
            except errors.JobError as error:
                leases.fail(claim, error)


def _register(claim: Claim, fetched: Fetched, plan: Plan) -> None:
    """Record a file, complete its transfer, and give it the observations and tags of the jobs that want it."""
    with transaction.atomic():
        file = write_file(claim.transfer, fetched, plan)
        if not complete_transfer(claim.row(), file):
            raise errors.LeaseLost
        share(file, ImportJob.objects.filter(items__transfer=claim.id))


def complete_transfer(transfer: QuerySet[Transfer], file: DataFile) -> int:
    """Mark a transfer done with this file."""
    return transfer.update(
        **UNHELD,
        state=JobState.COMPLETE,
        file=file,
        source=file.source,
        total_bytes=file.size_bytes,
        done_bytes=file.size_bytes,
        attempts=0,
        error_code="",
        error="",
        message="",
        not_before=None,
    )


def write_file(transfer: Transfer, fetched: Fetched, plan: Plan) -> DataFile:
    """The record of a file that lies proven on disk: a new one, or that of the same product fetched again."""
    known = DataFile.objects.select_for_update().filter(data_uri=transfer.data_uri).first()
    fields = _from_transfer(transfer) | _from_bytes(fetched) | _from_plan(transfer.file_name, plan)
    if known is None:
        return DataFile.objects.create(data_uri=transfer.data_uri, observation=_first_observation(transfer), **fields)
    for name, value in fields.items():
        if name not in known.edited_fields:
            setattr(known, name, value)
    known.save()
    return known


def _first_observation(transfer: Transfer) -> Observation:
    jobs = ImportJob.objects.filter(items__transfer=transfer, observation__isnull=False).order_by("created_at")
    job = jobs.select_related("observation").first()
    if job is None or job.observation is None:
        raise errors.JobError(f"No job with an observation waits for {transfer.file_name}.")
    return job.observation


def _from_transfer(transfer: Transfer) -> dict[str, Any]:
    return {
        "file_name": transfer.file_name,
        "calib_level": transfer.calib_level,
        "product_type": transfer.product_type,
        "product_obs_id": transfer.product_obs_id,
        "data_rights": transfer.data_rights,
        "raw": transfer.raw,
    }


def _from_bytes(fetched: Fetched) -> dict[str, Any]:
    return {
        "path": str(fetched.path.relative_to(conf.files_dir())),
        "size_bytes": fetched.size_bytes,
        "sha256": fetched.sha256,
        "source": fetched.source,
        "source_bytes": fetched.source_bytes,
        "validator": fetched.validator[:200],
        "proof": fetched.proof,
        "proof_notes": fetched.proof_notes,
        "software": f"jwst-archive {settings.VERSION}",
        "fetched_at": timezone.now(),
        "verified_at": timezone.now(),
        "state": DataFile.State.HELD,
    }


def _from_plan(file_name: str, plan: Plan) -> dict[str, Any]:
    badge = terms.badge_of(file_name)
    if badge == Badge.UNCLASSIFIED and plan.view.viewable:
        badge = Badge.IMAGE
    is_viewable = plan.view.viewable and badge == Badge.IMAGE
    why = plan.view.why or f"This is a {badge} file; View is for images."
    return {
        "suffix": terms.suffix_of(file_name),
        "badge": badge,
        "plan": plan.to_json(),
        "is_viewable": is_viewable,
        "view_reason": "" if is_viewable else why[:300],
        "wcs": dict(plan.wcs) or None,
    }


def share(file: DataFile, jobs: Iterable[ImportJob]) -> None:
    """Put a file under the observations of these jobs, and tag it and them with the jobs' tags."""
    for job in jobs:
        if job.observation_id is None:
            continue
        file.observations.add(job.observation_id)
        visibility.let_read([file.pk], job)
        if tags := tags_of(job):
            file.tags.add(*tags)
            Observation.objects.get(pk=job.observation_id).tags.add(*tags)


def share_held(job: ImportJob) -> None:
    """The same for the files a job found in the library, many at once."""
    ids = list(ImportItem.objects.filter(job=job, was_held=True).values_list("transfer__file", flat=True))
    through = DataFile.observations.through
    tagged = DataFile.tags.through
    tags = tags_of(job)
    through.objects.bulk_create(
        [through(datafile_id=pk, observation_id=job.observation_id) for pk in ids], ignore_conflicts=True
    )
    tagged.objects.bulk_create(
        [tagged(datafile_id=pk, tag_id=tag.pk) for pk in ids for tag in tags], ignore_conflicts=True
    )
    visibility.let_read(ids, job)
    if ids and tags and job.observation:
        job.observation.tags.add(*tags)


def tags_of(job: ImportJob) -> list[Tag]:
    """The job's tags as rows, made where they are new."""
    names = {name.strip()[:100] for name in job.tags if name.strip()}
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(names)], ignore_conflicts=True)
    return list(Tag.objects.filter(name__in=names))


def mark(file: DataFile, state: DataFile.State) -> None:
    """Record that a file is damaged or gone, or found right again; not where it was fetched anew meanwhile."""
    fields: dict[str, Any] = {"state": state}
    if state == DataFile.State.HELD:
        fields["verified_at"] = Now()
    DataFile.objects.filter(pk=file.pk, fetched_at=file.fetched_at).update(**fields)


def edited(fields: Mapping[str, Any], protected: Iterable[str]) -> dict[str, Any]:
    """These fields without those a person corrected."""
    return {name: value for name, value in fields.items() if name not in set(protected)}
