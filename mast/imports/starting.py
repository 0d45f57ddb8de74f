"""The beginning of an import: job, transfers and items in one transaction, messages once it is committed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction

from mast import credentials, quota, terms, words
from mast.archive.rows import ProductRow
from mast.imports import broker, control, exclusive, jobs, planning, records
from mast.imports.planning import IDS_A_QUERY, ImportPlan, ImportRequest
from mast.models import DataFile, ImportItem, ImportJob, Observation, Transfer
from mast.terms import JobState

_FROM_CATALOG = ["calib_level", "product_type", "data_rights", "catalog_bytes", "raw"]


def start(
    request: ImportRequest, user: AbstractBaseUser | None, offer: planning.Offer | None = None
) -> tuple[ImportJob, bool]:
    """The job of an import and whether it was under way already. `offer`: what MAST said, if it was asked already."""
    known = Observation.objects.filter(obs_id=request.obs_id).first()
    levels = request.calib_levels or (planning.own_levels(known.calib_level) if known else None)
    # Before MAST is asked: a second click is answered at once, and while MAST is down.
    credential = credentials.mine()
    whose = exclusive.whose(credential)
    if levels and (live := _live(planning.choices_key(request.obs_id, levels, request, whose))):
        return _join(live)
    plan = exclusive.prove(planning.plan(request, offer), credential)
    planning.refuse_full_disk(plan)
    quota.refuse_too_many_bytes(plan.to_fetch_bytes)
    is_hidden = exclusive.is_hidden_import(plan, credential)
    key = planning.choices_key(plan.observation.obs_id, plan.calib_levels, request, whose if is_hidden else None)
    # What the site's token brings is no single administrator's.
    owner = None if is_hidden and whose == exclusive.OF_THE_SITE else user
    try:
        with transaction.atomic():
            job = _write(plan, request, key, owner, is_exclusive=is_hidden)
    except IntegrityError:
        live = _live(key)
        if live is None:
            raise
        return _join(live)
    job.refresh_from_db()
    return job, False


def _live(key: str) -> ImportJob | None:
    return ImportJob.objects.filter(choices_key=key, state__in=terms.LIVE).first()


def _join(job: ImportJob) -> tuple[ImportJob, bool]:
    """Whoever asks again for what is paused wants it to go on."""
    if job.state == JobState.PAUSED:
        job = control.resume(job)
    job.message = f"This import is under way already. {job.message}".strip()
    return job, True


def _write(plan: ImportPlan, request: ImportRequest, key: str, user: Any, *, is_exclusive: bool) -> ImportJob:
    """Everything an import begins with. `IntegrityError` when the same import has just begun elsewhere."""
    job = ImportJob.objects.create(
        obs_id=plan.observation.obs_id,
        product_type=request.product_type,
        calib_levels=list(plan.calib_levels),
        suffixes=sorted(set(request.suffixes)),
        source_choice=request.source,
        tags=list(request.tags),
        choices_key=key,
        owner=user if user is not None and user.is_authenticated else None,
        is_exclusive=is_exclusive,
        total_files=len(plan.files),
        total_bytes=plan.total_bytes,
        skipped=_counted(plan),
        message=_first_message(plan),
    )
    records.upsert_observations([plan.observation])
    job.observation = Observation.objects.get(obs_id=plan.observation.obs_id)
    job.save(update_fields=["observation"])
    _write_transfers([file.row for file in plan.files], request)
    _write_items(job, plan)
    records.share_held(job)
    transfers = jobs.transfers_of(job.pk)
    control.requeue(transfers)
    if plan.held_count == len(plan.files):
        jobs.settle(job.pk)
    else:
        transaction.on_commit(lambda: broker.publish_transfers(job.pk))
    return job


def _first_message(plan: ImportPlan) -> str:
    count = len(plan.files) - plan.held_count
    held = f", {plan.held_count} are in the library already" if plan.held_count else ""
    return f"{words.counted(count, 'file')} to fetch ({words.size(plan.to_fetch_bytes)}){held}."


def _counted(plan: ImportPlan) -> list[dict[str, Any]]:
    """What was left out, as reasons with counts."""
    counts = Counter(reason for _, reason in plan.left_out)
    names: dict[str, list[str]] = defaultdict(list)
    for name, reason in plan.left_out:
        if len(names[reason]) < 5:
            names[reason].append(name)
    return [{"reason": reason, "count": count, "examples": names[reason]} for reason, count in counts.most_common()]


def _write_transfers(rows: Sequence[ProductRow], request: ImportRequest) -> None:
    Transfer.objects.bulk_create(
        (
            Transfer(
                data_uri=row.data_uri,
                file_name=row.file_name,
                product_obs_id=row.obs_id,
                calib_level=row.calib_level,
                product_type=row.product_type,
                data_rights=row.data_rights,
                catalog_bytes=row.size_bytes,
                raw=row.raw_dict(),
                source_choice=request.source,
            )
            # In one order always: two imports that overlap must not wait for each other's rows.
            for row in sorted(rows, key=lambda row: row.data_uri)
        ),
        update_conflicts=True,
        unique_fields=["data_uri"],
        update_fields=_FROM_CATALOG,
        batch_size=IDS_A_QUERY,
    )


def _write_items(job: ImportJob, plan: ImportPlan) -> None:
    """Items of the job; transfers of files that are held are complete, the others take the source asked for."""
    held = {file.row.data_uri for file in plan.files if file.held}
    uris = [file.row.data_uri for file in plan.files]
    for start in range(0, len(uris), IDS_A_QUERY):
        part = uris[start : start + IDS_A_QUERY]
        transfers = Transfer.objects.filter(data_uri__in=part)
        transfers.filter(state__in=(*terms.RESUMABLE, JobState.QUEUED, JobState.COMPLETE)).update(
            source_choice=job.source_choice
        )
        _complete_held([uri for uri in part if uri in held])
        ImportItem.objects.bulk_create(
            ImportItem(job=job, transfer_id=pk, was_held=uri in held)
            for pk, uri in transfers.values_list("pk", "data_uri")
        )


def _complete_held(uris: Sequence[str]) -> None:
    files = {file.data_uri: file for file in DataFile.objects.filter(data_uri__in=uris)}
    stale = list(Transfer.objects.filter(data_uri__in=uris).exclude(state=JobState.COMPLETE, file__state="held"))
    for transfer in stale:
        file = files[transfer.data_uri]
        records.complete_transfer(Transfer.objects.filter(pk=transfer.pk), file)
