"""Files that lie on our disk already: found, verified, adopted; read again, found damaged or missing.

A file is never trusted for its name: it is adopted when it is among the products MAST lists, has MAST's length
and a whole structure.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction

from mast import acting, errors, terms, visibility
from mast.archive import products as archive_products
from mast.archive.rows import ObservationRow, ProductRow
from mast.fits.inspect import inspect_file
from mast.imports import broker, exclusive, joblease, places, planning, records, sources, upstream
from mast.imports.joblease import JobClaim
from mast.models import DataFile, ImportItem, ImportJob, Observation, Transfer
from mast.terms import JobState, Source
from mast.transfer.values import Fetched
from mast.transfer.verify import verify_file
from mast.words import counted

log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What a registration or a scan came to. `rejected` pairs file names with reasons, in words."""

    adopted: list[int] = field(default_factory=list)
    known: int = 0
    rejected: list[tuple[str, str]] = field(default_factory=list)

    def to_result(self) -> dict[str, Any]:
        return {
            "importedCount": len(self.adopted),
            "skippedCount": self.known,
            "rejected": [{"fileName": name, "reason": reason} for name, reason in self.rejected[:1000]],
            "rejectedCount": len(self.rejected),
        }

    def sentence(self) -> str:
        parts = [f"{counted(len(self.adopted), 'file')} verified and registered"]
        if self.known:
            parts.append(f"{self.known} in the library already")
        if self.rejected:
            parts.append(f"{len(self.rejected)} not taken: {self.rejected[0][0]} {self.rejected[0][1]}")
        return "; ".join(parts) + "."


# --- one observation --------------------------------------------------------------------------------------------


def start_registration(obs_id: str, user: AbstractBaseUser | None) -> tuple[ImportJob, bool]:
    """A job that verifies and registers an observation's files, and whether it was under way already.

    Raises
    ------
    ObservationNotFound, NothingOnDisk, ArchiveError
    """
    observation = planning.resolve(obs_id)
    listed = exclusive.registrable(_listed(observation), user)
    found = places.on_disk({row.file_name for row in listed})
    if not found:
        raise errors.NothingOnDisk(
            f"None of the {len(listed)} files of {observation.obs_id} lies on this archive's disk."
        )
    key = f"existing {observation.obs_id}"[:64]
    try:
        with transaction.atomic():
            job = _write_job(observation, key, user, len(found))
    except IntegrityError:
        return ImportJob.objects.get(choices_key=key, state__in=terms.LIVE), True
    return job, False


def _write_job(observation: ObservationRow, key: str, user: Any, count: int) -> ImportJob:
    job = ImportJob.objects.create(
        kind=ImportJob.Kind.EXISTING,
        obs_id=observation.obs_id,
        choices_key=key,
        owner_id=user.pk if user is not None and user.is_authenticated else None,
        total_files=count,
        message=f"{counted(count, 'file')} on disk to verify.",
    )
    records.upsert_observations([observation])
    job.observation = Observation.objects.get(obs_id=observation.obs_id)
    job.save(update_fields=["observation"])
    transaction.on_commit(lambda: broker.publish_job(job))
    return job


def run(job_id: str, stopping: Callable[[], bool]) -> None:
    """Do a registration job's work."""
    joblease.run(job_id, JobState.VERIFYING, lambda held: _register(held, stopping))


def _register(held: JobClaim, stopping: Callable[[], bool]) -> None:
    listed = exclusive.registrable(_listed(planning.resolve(held.job.obs_id)), held.job.owner)
    found = places.on_disk({row.file_name for row in listed})
    rows = [row for row in listed if row.file_name in found]
    outcome = Outcome()
    for number, row in enumerate(rows):
        _stop_if(stopping)
        held.beat(100 * number / len(rows), f"Verifying {row.file_name}.", outcome.to_result())
        adopt(row, found[row.file_name], held.job, outcome, beat=lambda _done: _stop_if(stopping))
    if not outcome.adopted and not outcome.known:
        name, reason = outcome.rejected[0]
        held.fail(errors.NothingOnDisk(f"No complete file lies on this archive's disk: {name} {reason}."))
        return
    held.complete(outcome.sentence(), outcome.to_result())


def _stop_if(stopping: Callable[[], bool]) -> None:
    if stopping():
        raise errors.Cancelled


def _listed(observation: ObservationRow) -> list[ProductRow]:
    rows = archive_products.products([observation.obsid], upstream.archive_config())
    return archive_products.select(rows, levels=None, product_type=archive_products.ANY_TYPE).chosen


# --- one file ---------------------------------------------------------------------------------------------------


def adopt(
    row: ProductRow,
    paths: Sequence[Path],
    job: ImportJob,
    outcome: Outcome,
    beat: Callable[[int], None] = lambda _done: None,
) -> None:
    """Register a product from the first of these files that is whole, moving it to its place.

    `beat` is called at every MiB that is read; what it raises ends the reading.
    """
    known = DataFile.objects.filter(data_uri=row.data_uri, state=DataFile.State.HELD).first()
    if known and records.path_of(known).is_file():
        records.share(known, [job])
        outcome.known += 1
        return
    reasons = []
    for path in paths:
        try:
            outcome.adopted.append(_adopt(row, path, job, beat).pk)
        except errors.Cancelled:
            raise
        except errors.MastError as error:
            reasons.append(error.message)
        else:
            return
    outcome.rejected.append((row.file_name, "; ".join(dict.fromkeys(reasons))))


def _adopt(row: ProductRow, path: Path, job: ImportJob, beat: Callable[[int], None]) -> DataFile:
    size, note = _true_size(row, path.stat().st_size)
    is_fits = row.file_name.lower().endswith(".fits")
    checked = verify_file(path, expected_bytes=size, is_fits=is_fits, beat=beat)
    place = places.final_path(row.file_name, row.obs_id, row.proposal_id, f"product-{row.obsid or 'unknown'}")
    plan = inspect_file(path, file_name=row.file_name)
    if plan.error_code in {errors.NotFits.code, errors.TruncatedFits.code, errors.MalformedFile.code}:
        raise errors.DamagedFile(plan.view.why)
    transfer = _transfer_of(row)
    fetched = Fetched(
        path=places.move(path, place),
        size_bytes=checked.size_bytes,
        sha256=checked.sha256,
        proof=checked.proof,
        proof_notes=[*checked.notes, note],
        validator="",
        source=Source.EXISTING,
    )
    with transaction.atomic():
        ImportItem.objects.get_or_create(job=job, transfer=transfer)
        file = records.write_file(transfer, fetched, plan)
        records.complete_transfer(Transfer.objects.filter(pk=transfer.pk), file)
        records.share(file, [job])
    broker.publish_derived([row.data_uri])
    return file


def _true_size(row: ProductRow, size: int) -> tuple[int | None, str]:
    """The length a file must have, and who says so: MAST's list, or its server where the list says otherwise."""
    if size == row.size_bytes:
        return size, "Found on disk; its length is what MAST lists."
    try:
        told = sources.length(row.data_uri, row.data_rights, settings.MAST_API_TOKEN)
    except errors.TransferError:
        told = None
    if told is None:
        told = row.size_bytes
    if told is None:
        raise errors.SizeMismatch("MAST gives no length, so it cannot be told whether the file is whole; import it.")
    return told, "Found on disk; its length is what MAST's server says, though its list says otherwise."


def _transfer_of(row: ProductRow) -> Transfer:
    """The product's transfer. One that a worker holds is left to it."""
    fields = {
        "file_name": row.file_name,
        "product_obs_id": row.obs_id,
        "calib_level": row.calib_level,
        "product_type": row.product_type,
        "data_rights": row.data_rights,
        "catalog_bytes": row.size_bytes,
        "raw": row.raw_dict(),
    }
    fresh = {"state": JobState.PAUSED}
    transfer, _ = Transfer.objects.update_or_create(
        data_uri=row.data_uri, defaults=fields, create_defaults=fields | fresh
    )
    if transfer.state in terms.RUNNING:
        raise errors.AlreadyClaimed("It is being downloaded at the moment.")
    return transfer


def count_files(obs_id: str) -> int:
    """How many files of an observation lie on disk. While MAST is down only those it is known to list."""
    known = visibility.my_files().filter(observations__obs_id=obs_id)
    names = {file.file_name for file in known if records.path_of(file).is_file()}
    try:
        listed = exclusive.registrable(_listed(planning.resolve(obs_id)), acting.current().user)
        names |= set(places.on_disk({row.file_name for row in listed}))
    except errors.ArchiveError:
        if not names and not Observation.objects.filter(obs_id=obs_id).exists():
            raise
    return len(names)
