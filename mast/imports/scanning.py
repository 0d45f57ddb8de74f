"""The whole disk gone through: every whole product that has no record is adopted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mast import terms
from mast.archive import products as archive_products
from mast.archive import search as archive_search
from mast.archive.rows import ObservationRow, ProductRow
from mast.imports import places, records, shelf, upstream
from mast.imports.shelf import Outcome
from mast.models import DataFile, ImportJob, Observation
from mast.terms import JobState


def scan(on_file: Callable[[str], None] = lambda name: None) -> Outcome:
    """Adopt every whole product below the archive's folder that has no record, and say what was not taken and why."""
    outcome = Outcome()
    found = places.on_disk()
    held = set(DataFile.objects.filter(state=DataFile.State.HELD).values_list("file_name", flat=True))
    orphans = {name: paths for name, paths in found.items() if name not in held}
    outcome.known = len(found) - len(orphans)
    claimed: set[str] = set()
    for observation, rows in _owners(orphans):
        job = _scan_job(observation)
        for row in rows:
            on_file(row.file_name)
            shelf.adopt(row, orphans[row.file_name], job, outcome)
            claimed.add(row.file_name)
        _end_scan_job(job)
    outcome.rejected += [(name, "is in no product list of MAST") for name in sorted(set(orphans) - claimed)]
    return outcome


def _owners(orphans: dict[str, list[Path]]) -> Iterator[tuple[ObservationRow, list[ProductRow]]]:
    """Observations that list any of these files, asked for in batches by the names of folders and files."""
    guesses = sorted({guess for name, paths in orphans.items() for guess in _guesses(name, paths)})
    seen: set[str] = set()
    for batch in archive_products.batches(guesses, archive_products.OBSIDS_A_REQUEST):
        observations = archive_search.observations(upstream.archive_config(), obs_ids=batch)
        by_obsid = {row.obsid: row for row in observations if row.obsid}
        listed = archive_products.products(list(by_obsid), upstream.archive_config())
        chosen = archive_products.select(listed, levels=None, product_type=archive_products.ANY_TYPE).chosen
        groups: dict[str, list[ProductRow]] = {}
        for row in chosen:
            owner = row.obsid if row.obsid in by_obsid else row.parent_obsid
            if row.file_name in orphans and row.file_name not in seen and owner in by_obsid:
                seen.add(row.file_name)
                groups.setdefault(owner, []).append(row)
        yield from ((by_obsid[obsid], rows) for obsid, rows in groups.items())


def _guesses(name: str, paths: Iterable[Path]) -> set[str]:
    """Observations a file may belong to: its folders' names, and what its own name says."""
    parsed = terms.parse_name(name)
    folders = {path.parent.name for path in paths if terms.is_safe_name(path.parent.name)}
    return folders | ({parsed.root} if parsed else set())


def _scan_job(observation: ObservationRow) -> ImportJob:
    """The job that a scan's finds hang on: whose observation they belong to. It is over when the scan is."""
    records.upsert_observations([observation])
    return ImportJob.objects.create(
        kind=ImportJob.Kind.EXISTING,
        obs_id=observation.obs_id,
        observation=Observation.objects.get(obs_id=observation.obs_id),
        state=JobState.COMPLETE,
        message="Found on disk by a scan.",
    )


def _end_scan_job(job: ImportJob) -> None:
    count = job.items.count()
    if not count:
        job.delete()
        return
    job.total_files, job.progress_percent = count, 100
    job.started_at = job.ended_at = job.created_at
    job.save()
