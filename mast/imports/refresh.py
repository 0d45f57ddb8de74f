"""Metadata read again from MAST, many observations a request; what people corrected by hand is left alone.

Requests for N observations: one for each 1,000 observations and one for each 500 product lists (more only where MAST
pages an answer of over 50,000 rows), so 10,000 observations take 30.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError
from django.db.models import QuerySet

from mast import errors, terms
from mast.archive import products as archive_products
from mast.archive import search as archive_search
from mast.archive.rows import ObservationRow, ProductRow
from mast.imports import joblease, upstream
from mast.imports.joblease import JobClaim
from mast.imports.upsert import COLUMNS, typed_fields, upsert_observations
from mast.models import DataFile, ImportJob, Observation
from mast.terms import JobState
from mast.words import counted

log = logging.getLogger(__name__)

BATCH: Final = archive_search.OBSERVATIONS_A_REQUEST
MOST_CHANGES: Final = 1000
"""changes that a job's row keeps; all are counted"""
ALL: Final = "all"
_PRODUCT_COLUMNS: Final = ("calib_level", "product_type", "data_rights", "product_obs_id")
_OBSERVATION_TYPED: Final = frozenset(field.encode_name for field in msgspec.structs.fields(ObservationRow))
_PRODUCT_TYPED: Final = frozenset({"calib_level", "productType", "dataRights", "obs_id"})
"""MAST's names of fields that have a column"""
_INSPECTED_COLUMNS: Final = ("suffix", "badge", "is_viewable", "view_reason")
"""not read from MAST, but written anew when a file is fetched again"""


@dataclass(frozen=True)
class Change:
    """One field that differed."""

    obs_id: str
    field: str
    old: Any
    new: Any


@dataclass(frozen=True)
class RefreshReport:
    """`updated_count` counts records read again, changed or not."""

    obs_id: str
    updated_count: int
    changed: list[Change]
    message: str
    request_count: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    """pairs of obs_id and reason"""


@dataclass
class _Tally:
    """What a refresh has done so far."""

    updated: int = 0
    files: int = 0
    changed: list[Change] = field(default_factory=list)
    change_count: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    requests: int = 0
    error: str = ""
    """of a batch that MAST did not answer for; empty while it does"""

    def to_result(self) -> dict[str, Any]:
        return {
            "updatedCount": self.updated,
            "fileCount": self.files,
            "changedCount": self.change_count,
            "changed": [vars(change) for change in self.changed[:MOST_CHANGES]],
            "failedCount": len(self.failed),
            "failed": [{"obsId": obs_id, "reason": reason} for obs_id, reason in self.failed[:MOST_CHANGES]],
            "requestCount": self.requests,
        }

    def sentence(self) -> str:
        failed = f"; {len(self.failed)} could not be read" if self.failed else ""
        count, fields = counted(self.updated, "observation"), counted(self.change_count, "field")
        return f"{count} read again from MAST, {fields} changed{failed}."


def one(obs_id: str) -> RefreshReport:
    """Read one observation and its products again.

    Raises
    ------
    ObservationNotFound : not in the library, or MAST has it no more
    """
    observation = Observation.objects.filter(obs_id=obs_id).first()
    if observation is None:
        raise errors.ObservationNotFound(f"{obs_id} is not in the library; import it first.")
    tally = _Tally()
    _refresh([observation], tally)
    if tally.failed:
        raise errors.ObservationNotFound(f"{obs_id}: {tally.failed[0][1]}")
    return RefreshReport(obs_id, tally.updated, tally.changed, tally.sentence(), tally.requests)


def start(user: AbstractBaseUser | None) -> tuple[ImportJob, bool]:
    """The job that refreshes everything, and whether it was under way already."""
    message = f"{counted(Observation.objects.count(), 'observation')} to read again."
    try:
        return joblease.begin(ImportJob.Kind.REFRESH, ALL, user, message, choices_key="refresh all"), False
    except IntegrityError:
        return ImportJob.objects.get(choices_key="refresh all", state__in=terms.LIVE), True


def start_some(observations: Sequence[int], user: AbstractBaseUser | None) -> ImportJob:
    """The job that refreshes these records."""
    some = counted(len(observations), "observation")
    result = {"observationIds": list(observations)}
    return joblease.begin(ImportJob.Kind.REFRESH, some, user, f"{some} to read again.", result=result)


def run(job_id: str, stopping: Callable[[], bool]) -> None:
    """Do a refresh job's work; one batch that fails does not stop the others."""
    joblease.run(job_id, JobState.DOWNLOADING, lambda held: _work(held, stopping))


def _work(held: JobClaim, stopping: Callable[[], bool]) -> None:
    chosen = held.job.result.get("observationIds")
    wanted = Observation.objects.all() if chosen is None else Observation.objects.filter(pk__in=chosen)
    total = wanted.count()

    def result(tally: _Tally) -> dict[str, Any]:
        return tally.to_result() if chosen is None else {"observationIds": chosen, **tally.to_result()}

    def beat(seen: int, tally: _Tally) -> None:
        if stopping():
            raise errors.Cancelled
        held.beat(100 * seen / max(total, seen), f"{seen} of {total} observations read again.", result(tally))

    tally = _each(wanted, beat)
    if tally.error and not tally.updated:
        held.fail(errors.ArchiveUnavailable(f"No observation could be read again: {tally.error}"))
        return
    held.complete(tally.sentence(), result(tally))


def everything() -> RefreshReport:
    """Read every observation again, now."""
    tally = _each(Observation.objects.all(), lambda _seen, _tally: None)
    return RefreshReport(ALL, tally.updated, tally.changed, tally.sentence(), tally.requests, tally.failed)


def _each(wanted: QuerySet[Observation], on_batch: Callable[[int, _Tally], None]) -> _Tally:
    """Batch after batch; one that fails does not stop the others. `on_batch` is told before each how many were seen."""
    tally, seen = _Tally(), 0
    for batch in _batches(wanted):
        on_batch(seen, tally)
        try:
            _refresh(batch, tally)
        except errors.ArchiveError as error:
            log.warning("a batch of %d observations was not refreshed: %s", len(batch), error)
            tally.failed += [(observation.obs_id, error.message) for observation in batch]
            tally.error = error.message
        seen += len(batch)
    return tally


def _batches(wanted: QuerySet[Observation]) -> Iterator[list[Observation]]:
    """Every one of them, by key, so that none is skipped while others are added."""
    last = 0
    while batch := list(wanted.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield batch
        last = batch[-1].pk


def _refresh(observations: Sequence[Observation], tally: _Tally) -> None:
    """Read at most `BATCH` observations and their product lists again: one request, and two for their files."""
    config = upstream.archive_config()
    rows = archive_search.observations(config, obs_ids=[observation.obs_id for observation in observations])
    tally.requests += 1
    found = {row.obs_id: row for row in rows}
    for observation in observations:
        if row := found.get(observation.obs_id):
            _note(tally, list(_changes(observation, row)))
        else:
            tally.failed.append((observation.obs_id, "MAST does not list it any more."))
    known = [found[observation.obs_id] for observation in observations if observation.obs_id in found]
    upsert_observations(known)
    tally.updated += len(known)
    _refresh_products({each.pk: found[each.obs_id] for each in observations if each.obs_id in found}, tally)


def _refresh_products(rows: Mapping[int, ObservationRow], tally: _Tally) -> None:
    """Bring the records of the files held of these observations in line with their product rows."""
    # By ids, in two steps: joined, PostgreSQL may take half a minute while it knows nothing of the tables yet.
    listing = DataFile.observations.through.objects.filter(observation__pk__among=frozenset(rows))
    listed_as = list(listing.values_list("observation_id", "datafile_id"))
    with_files = {observation_id for observation_id, _ in listed_as}
    files = DataFile.objects.filter(pk__among=frozenset(file_id for _, file_id in listed_as))
    held = {file.data_uri: file for file in files}
    obsids = [row.obsid for pk, row in rows.items() if pk in with_files and row.obsid]
    if not obsids:
        return
    listed = archive_products.products(obsids, upstream.archive_config())
    tally.requests += -(-len(obsids) // archive_products.OBSIDS_A_REQUEST)
    products = {row.data_uri: row for row in archive_products.distinct(listed) if row.data_uri in held}
    for uri, row in products.items():
        _note(tally, list(_update_file(held[uri], row)))
    tally.files += len(products)


def _note(tally: _Tally, changes: Iterable[Change]) -> None:
    for change in changes:
        tally.change_count += 1
        if len(tally.changed) < MOST_CHANGES:
            tally.changed.append(change)


def _changes(observation: Observation, row: ObservationRow) -> Iterator[Change]:
    """Fields that MAST describes otherwise now: typed columns, and raw ones that have no column."""
    new = typed_fields(row)
    for name in (*COLUMNS[1:], "observed_at"):
        old = getattr(observation, name)
        if name not in observation.edited_fields and old != new[name]:
            yield Change(observation.obs_id, name, _plain(old), _plain(new[name]))
    yield from _raw_changes(observation.obs_id, observation.raw, new["raw"], _OBSERVATION_TYPED)


def _raw_changes(record: str, old: dict[str, Any], new: dict[str, Any], typed: frozenset[str]) -> Iterator[Change]:
    """Fields that came or went, and changed values of those that have no column: the others are told by its name."""
    for name in sorted({*old, *new}):
        if (name in old) != (name in new) or (name not in typed and old[name] != new[name]):
            yield Change(record, f"mast_{name}", old.get(name), new.get(name))


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _update_file(file: DataFile, row: ProductRow) -> Iterator[Change]:
    fields = {
        "calib_level": row.calib_level,
        "product_type": row.product_type,
        "data_rights": row.data_rights,
        "product_obs_id": row.obs_id,
    }
    changed = {
        name: value for name, value in fields.items() if name not in file.edited_fields and getattr(file, name) != value
    }
    for name, value in changed.items():
        yield Change(file.file_name, name, getattr(file, name), value)
    raw = row.raw_dict()
    yield from _raw_changes(file.file_name, file.raw, raw, _PRODUCT_TYPED)
    if changed or raw != file.raw:
        DataFile.objects.filter(pk=file.pk).update(**changed, raw=raw)


def correct(instance: Observation | DataFile, changed_fields: Iterable[str]) -> None:
    """Save fields a person corrected, and mark them so that a refresh, or the file fetched again, leaves them."""
    columns = {item.name for item in instance._meta.concrete_fields}  # noqa: SLF001 - public in all but name
    names = [name for name in changed_fields if name in columns]
    written = {*COLUMNS, *_PRODUCT_COLUMNS, *_INSPECTED_COLUMNS, "observed_at"}
    instance.edited_fields = sorted({*instance.edited_fields, *(name for name in names if name in written)})
    instance.save(update_fields=[*names, "edited_fields"] if instance.pk else None)
