"""Damaged and missing files fetched again, from what their records say: MAST need not be asked what there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import Count, Sum

from mast import conf, errors, terms, words
from mast.imports import broker, control, jobs, planning
from mast.models import DataFile, ImportItem, ImportJob, Observation, Transfer
from mast.terms import JobState


def fetch_again(files: Iterable[DataFile], user: AbstractBaseUser | None = None) -> list[ImportJob]:
    """One job per observation that brings these files home anew; one that does so already takes them in.

    Raises
    ------
    DiskFull : before any row is written
    """
    wanted = sorted(files, key=lambda file: (file.observation_id, file.pk))
    _refuse_full_disk(sum(file.size_bytes for file in wanted))
    found = []
    for _, group in groupby(wanted, key=lambda file: file.observation_id):
        mine = list(group)
        found.append(_start(mine[0].observation, mine, user))
    return found


def _refuse_full_disk(needed_bytes: int) -> None:
    missing = needed_bytes + conf.min_free_bytes() - conf.free_bytes()
    if missing > 0:
        raise errors.DiskFull(
            f"Fetching these files again needs {words.size(needed_bytes)}, and the disk has {words.size(missing)} "
            "too little room for it.",
            missing_bytes=missing,
        )


def _start(observation: Observation, files: Sequence[DataFile], user: AbstractBaseUser | None) -> ImportJob:
    try:
        with transaction.atomic():
            return _write(observation, files, user)
    except IntegrityError:
        # The same was asked for elsewhere at this moment: its job takes these files in.
        with transaction.atomic():
            return _write(observation, files, user)


def _write(observation: Observation, files: Sequence[DataFile], user: AbstractBaseUser | None) -> ImportJob:
    is_hidden = settings.ACCESS == "login" and any(planning.is_exclusive(file.data_rights) for file in files)
    key = f"fetch again {observation.pk}" + (f" for {user.pk}" if is_hidden and user is not None else "")
    job = ImportJob.objects.select_for_update().filter(choices_key=key, state__in=terms.LIVE).first()
    if job is None:
        owner_id = user.pk if user is not None and user.is_authenticated else None
        job = ImportJob.objects.create(
            choices_key=key,
            obs_id=observation.obs_id,
            observation=observation,
            owner_id=owner_id,
            is_exclusive=is_hidden,
        )
    transfers = [_transfer_of(file) for file in files]
    items = (ImportItem(job=job, transfer=transfer) for transfer in transfers)
    ImportItem.objects.bulk_create(items, ignore_conflicts=True)
    control.requeue(jobs.transfers_of(job.pk))
    _count(job)
    if job.state == JobState.PAUSED:
        return control.resume(job)
    transaction.on_commit(lambda: broker.publish_transfers(job.pk))
    return job


def _transfer_of(file: DataFile) -> Transfer:
    """The product's transfer; where it was removed with an old job, one made from the record."""
    fields = {
        "file_name": file.file_name,
        "product_obs_id": file.product_obs_id,
        "calib_level": file.calib_level,
        "product_type": file.product_type,
        "data_rights": file.data_rights,
        "catalog_bytes": file.size_bytes,
        "raw": file.raw,
        "file": file,
        "state": JobState.COMPLETE,
    }
    return Transfer.objects.get_or_create(data_uri=file.data_uri, defaults=fields)[0]


def _count(job: ImportJob) -> None:
    totals = jobs.transfers_of(job.pk).aggregate(files=Count("pk"), size=Sum("catalog_bytes"))
    job.total_files, job.total_bytes = totals["files"], totals["size"] or 0
    job.message = f"{words.counted(job.total_files, 'file')} to fetch again ({words.size(job.total_bytes)})."
    job.save(update_fields=["total_files", "total_bytes", "message"])
