"""Rows written from what MAST said and what arrived: observations, data files, and their tags.

What a person corrected (`edited_fields`) is never overwritten.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
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
    """Record finished files, in one transaction and with the same few statements however many they are.

    A file whose transfer is another's by now, or was stopped by a person, is left out: it lies in its place, and
    whoever brings it next finds it there. So is one whose job was deleted.
    """
    with transaction.atomic():
        arrived = list(finished)
        held = leases.held(claim for claim, _, _ in arrived)
        wanting = _wanting(held)
        homeless = [claim for claim, _, _ in arrived if claim.id in held and claim.id not in wanting]
        for claim in homeless:
            leases.fail(claim, errors.JobError(f"No job with an observation waits for {claim.transfer.file_name}."))
        ours = [one for one in arrived if one[0].id in wanting]
        files = write_files(ours, {pk: jobs[0].observation for pk, jobs in wanting.items()})
        complete_all([claim.transfer for claim, _, _ in ours])
        share_all((files[claim.transfer.data_uri], wanting[claim.id]) for claim, _, _ in ours)


def _wanting(transfer_ids: Collection[int]) -> dict[int, list[ImportJob]]:
    """By transfer: the jobs with an observation that want it, the oldest first."""
    items = ImportItem.objects.filter(transfer__in=transfer_ids, job__observation__isnull=False)
    pairs = list(items.order_by("job__created_at").values_list("transfer", "job"))
    jobs = ImportJob.objects.select_related("observation").in_bulk({job for _, job in pairs})
    wanting: dict[int, list[ImportJob]] = defaultdict(list)
    for transfer_id, job_id in pairs:
        wanting[transfer_id].append(jobs[job_id])
    return wanting


def write_files(
    arrived: Sequence[tuple[Claim, Fetched, Plan]], observations: Mapping[int, Observation | None]
) -> dict[str, DataFile]:
    """The records of these files by data URI: new ones in one statement, those of products fetched again one by one."""
    uris = [claim.transfer.data_uri for claim, _, _ in arrived]
    files = {file.data_uri: file for file in DataFile.objects.select_for_update().filter(data_uri__in=uris)}
    fresh = []
    for claim, fetched, plan in arrived:
        transfer = claim.transfer
        if transfer.data_uri in files:
            _rewrite(files[transfer.data_uri], _fields(transfer, fetched, plan))
        else:
            file = DataFile(data_uri=transfer.data_uri, observation=observations[claim.id])
            fresh.append(_with(file, _fields(transfer, fetched, plan)))
    return files | {file.data_uri: file for file in DataFile.objects.bulk_create(fresh)}


def complete_all(transfers: Sequence[Transfer]) -> None:
    """Mark transfers done, each with the file of its data URI."""
    file = DataFile.objects.filter(data_uri=OuterRef("data_uri"))
    size = Subquery(file.values("size_bytes"))
    Transfer.objects.filter(pk__in=[transfer.pk for transfer in transfers]).update(
        **_COMPLETED,
        file=Subquery(file.values("pk")),
        source=Subquery(file.values("source")),
        total_bytes=size,
        done_bytes=size,
    )


def share_all(wanted: Iterable[tuple[DataFile, Sequence[ImportJob]]]) -> None:
    """Put files under the observations of the jobs that want them, and tag both with the jobs' tags."""
    seen, tagged, mine = set(), defaultdict(list), defaultdict(list)
    for file, jobs in wanted:
        seen |= {(file.pk, job.observation_id) for job in jobs}
        for job in jobs:
            if job.tags:
                tagged[job].append(file.pk)
            if job.is_exclusive:
                mine[job].append(file.pk)
    through = DataFile.observations.through
    through.objects.bulk_create(
        [through(datafile_id=file, observation_id=observation) for file, observation in sorted(seen)],
        ignore_conflicts=True,
    )
    for job, ids in mine.items():
        visibility.let_read(ids, job)
    for job, ids in tagged.items():
        _tag(job, ids)


def _tag(job: ImportJob, file_ids: Sequence[int]) -> None:
    through, tags = DataFile.tags.through, tags_of(job)
    through.objects.bulk_create(
        [through(datafile_id=pk, tag_id=tag.pk) for pk in file_ids for tag in tags], ignore_conflicts=True
    )
    if tags and job.observation:
        job.observation.tags.add(*tags)


_COMPLETED: Final[dict[str, Any]] = {
    **UNHELD,
    "state": JobState.COMPLETE,
    "attempts": 0,
    "error_code": "",
    "error": "",
    "message": "",
    "not_before": None,
}


def complete_transfer(transfer: QuerySet[Transfer], file: DataFile) -> int:
    """Mark a transfer done with this file."""
    return transfer.update(
        **_COMPLETED, file=file, source=file.source, total_bytes=file.size_bytes, done_bytes=file.size_bytes
    )


def write_file(transfer: Transfer, fetched: Fetched, plan: Plan) -> DataFile:
    """The record of a file that lies proven on disk: a new one, or that of the same product fetched again."""
    known = DataFile.objects.select_for_update().filter(data_uri=transfer.data_uri).first()
    fields = _fields(transfer, fetched, plan)
    if known is None:
        return DataFile.objects.create(data_uri=transfer.data_uri, observation=_first_observation(transfer), **fields)
    return _rewrite(known, fields)


def _fields(transfer: Transfer, fetched: Fetched, plan: Plan) -> dict[str, Any]:
    return _from_transfer(transfer) | _from_bytes(fetched) | _from_plan(transfer.file_name, plan)


def _rewrite(file: DataFile, fields: Mapping[str, Any]) -> DataFile:
    """What was fetched again takes the place of what was known, but for what a person corrected."""
    _with(file, edited(fields, file.edited_fields)).save()
    return file


def _with(file: DataFile, fields: Mapping[str, Any]) -> DataFile:
    for name, value in fields.items():
        setattr(file, name, value)
    return file


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
    return {
        "suffix": terms.suffix_of(file_name),
        "badge": badge,
        "plan": plan.to_json(),
        "is_viewable": plan.view.viewable,
        "view_reason": plan.view.why[:300],
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
    through.objects.bulk_create(
        [through(datafile_id=pk, observation_id=job.observation_id) for pk in ids], ignore_conflicts=True
    )
    visibility.let_read(ids, job)
    if ids and job.tags:
        _tag(job, ids)


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
