"""How far a job is: rows are the truth, Redis adds the numbers of the last second."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from mast import terms, visibility
from mast.imports import jobs, live
from mast.imports.live import Numbers
from mast.models import DataFile, ImportItem, ImportJob, Transfer
from mast.recent import Recent
from mast.terms import JobState

MOST_IDS: Final = 200
MANY: Final = 200
"""files of a job whose progress is added up for all who ask, and stands while that is"""
COST_SHARE: Final = 50
"""as many times as long as it took to add up"""
LONGEST_S: Final = 3.0
ALMOST: Final = 99.9
"""what a job shows at most until its records are written"""


@dataclass(frozen=True)
class FileProgress:
    """One file of a job. `source` is empty until a source gave bytes."""

    filename: str
    total_bytes: int
    downloaded_bytes: int
    progress_percent: float
    status: str
    source: str
    speed_bytes_per_sec: float = 0.0
    message: str = ""
    error: str = ""

    @property
    def eta_seconds(self) -> float | None:
        """Until its last byte at the speed of now; None where nothing comes."""
        return _eta(self.total_bytes - self.downloaded_bytes, self.speed_bytes_per_sec)


@dataclass(frozen=True)
class ImportResult:
    """What an import brought: ids of data files (at most 200), and true counts."""

    imported_data_ids: list[int] = field(default_factory=list)
    imported_count: int = 0
    skipped_count: int = 0
    """files already held when the job began"""
    failed_count: int = 0
    left_out: list[dict[str, Any]] = field(default_factory=list)
    """`{reason, count, examples}` of products the choices left out"""
    details: dict[str, Any] = field(default_factory=dict)
    """outcome of a refresh or of a registration of files on disk"""


@dataclass(frozen=True)
class JobProgress:
    """The contract's import progress, field for field."""

    job_id: str
    obs_id: str
    kind: str
    state: str
    stage: str
    progress: float
    """0 to 100"""
    message: str
    is_complete: bool
    """has ended, well or badly"""
    is_resumable: bool
    error: str | None
    error_code: str | None
    started_at: dt.datetime | None
    completed_at: dt.datetime | None
    total_bytes: int
    downloaded_bytes: int
    download_progress_percent: float
    speed_bytes_per_sec: float
    eta_seconds: float | None
    download_source: str | None
    file_progress: list[FileProgress]
    file_count: int
    result: ImportResult | None
    live: bool
    """whether Redis gave the numbers of the last second; False: the last recorded ones"""


_SIZE = Coalesce("total_bytes", "catalog_bytes", 0)
_DONE = Case(When(state=JobState.COMPLETE, then=_SIZE), default=F("done_bytes"))
_RANK = Case(
    When(state__in=terms.RUNNING, then=Value(0)),
    When(state=JobState.WAITING, then=Value(1)),
    When(state=JobState.FAILED, then=Value(2)),
    When(state=JobState.QUEUED, then=Value(3)),
    When(state=JobState.COMPLETE, then=Value(5)),
    default=Value(4),
    output_field=IntegerField(),
)
_recent: Final = Recent(seconds=0.25)
_BEATING: Final = frozenset({JobState.DOWNLOADING, JobState.VERIFYING, JobState.WAITING})


def of(job: ImportJob, *, max_files: int = 200) -> JobProgress:
    """The progress of a job. The same few queries whatever its size: totals, the files listed, ids once it ended.

    Two hundred tabs may ask each second: an answer stands for as long as a worker takes to tell new numbers, and not
    longer than the job's own row stays as it is.
    """
    key = (job.pk, job.state, job.message, job.progress_percent, max_files)
    if job.total_files > MANY and not job.is_ended:
        return _recent.get(key, lambda: _shared(job, max_files))
    return _recent.get(key, lambda: _now(job, max_files))


def _shared(job: ImportJob, max_files: int) -> JobProgress:
    """Of a job whose files take a while to add up: one answer for all processes, so that none goes backwards."""
    key = f"{job.pk}:{job.state}:{max_files}"
    kept = live.remembered(key)
    if kept:
        return msgspec.json.decode(kept, type=JobProgress)
    start = time.perf_counter()
    made = _now(job, max_files)
    stands_ms = int(min(LONGEST_S, COST_SHARE * (time.perf_counter() - start)) * 1000)
    live.remember(key, msgspec.json.encode(made), max(1, stands_ms))
    return made


def _now(job: ImportJob, max_files: int) -> JobProgress:
    transfers = jobs.transfers_of(job.pk)
    totals = _totals(transfers)
    rows = list(transfers.order_by(_RANK, "file_name")[:max_files]) if max_files else []
    beating = [row.pk for row in rows if row.state in _BEATING]
    numbers = live.read(beating) if beating else {}
    fresh = _still_held(rows, numbers or {})
    ahead = sum(_file_done(row, fresh.get(row.pk)) - row.done_bytes for row in rows if row.pk in fresh)
    # The sums were read a moment before the rows: what a row gained since is not in them.
    done = max(0, min(totals["done"] + ahead, totals["size"]))
    speed = sum(seen.current_speed for seen in fresh.values()) if job.state in terms.RUNNING else 0.0
    percent = _percent(job, done, totals["size"])
    return JobProgress(
        job_id=str(job.pk),
        obs_id=job.obs_id,
        kind=job.kind,
        state=job.state,
        stage=_stage(job, totals),
        progress=percent,
        message=_message(job, rows, fresh, is_live=numbers is not None),
        is_complete=job.is_ended,
        is_resumable=job.is_resumable,
        error=job.error or None,
        error_code=job.error_code or None,
        started_at=job.started_at,
        completed_at=job.ended_at,
        total_bytes=totals["size"],
        downloaded_bytes=done,
        download_progress_percent=_share(done, totals["size"], is_done=job.state == JobState.COMPLETE),
        speed_bytes_per_sec=speed,
        eta_seconds=_eta(totals["size"] - done, speed),
        download_source=_source(rows, fresh) or None,
        file_progress=[_file(row, fresh.get(row.pk)) for row in rows],
        file_count=totals["count"],
        result=_result(job, totals) if job.is_ended else None,
        live=numbers is not None,
    )


def _eta(left_bytes: int, bytes_per_s: float) -> float | None:
    return left_bytes / bytes_per_s if bytes_per_s > 0 else None


def _totals(transfers: QuerySet[Transfer]) -> dict[str, int]:
    sums = transfers.aggregate(
        count=Count("pk"),
        size=Sum(_SIZE),
        done=Sum(_DONE),
        complete=Count("pk", filter=Q(state=JobState.COMPLETE)),
        failed=Count("pk", filter=Q(state=JobState.FAILED)),
        active=Count("pk", filter=Q(state__in=terms.ACTIVE)),
        held=Count("pk", filter=Q(items__was_held=True)),
    )
    return {name: value or 0 for name, value in sums.items()}


def _still_held(rows: Sequence[Transfer], numbers: Mapping[int, Numbers]) -> dict[int, Numbers]:
    """Numbers of the claim that is in the row; those of an earlier one say nothing any more."""
    epochs = {row.pk: row.epoch for row in rows}
    return {pk: seen for pk, seen in numbers.items() if epochs.get(pk) == seen.epoch}


def _file_total(row: Transfer, seen: Numbers | None) -> int:
    return seen.total_bytes if seen and seen.total_bytes is not None else row.size_bytes


def _file_done(row: Transfer, seen: Numbers | None) -> int:
    if row.state == JobState.COMPLETE:
        return row.size_bytes
    done = seen.done_bytes if seen else row.done_bytes
    total = _file_total(row, seen)
    return min(done, total) if total else done


def _file(row: Transfer, seen: Numbers | None) -> FileProgress:
    done, total = _file_done(row, seen), _file_total(row, seen)
    return FileProgress(
        filename=row.file_name,
        total_bytes=total,
        downloaded_bytes=done,
        progress_percent=_share(done, total, is_done=row.state == JobState.COMPLETE),
        status=row.state,
        source=(seen.source if seen else "") or row.source,
        speed_bytes_per_sec=seen.current_speed if seen else 0.0,
        message=(seen.message if seen else "") or row.message,
        error=row.error,
    )


def _share(done: int, total: int, *, is_done: bool) -> float:
    if is_done:
        return 100.0
    return round(min(100.0, 100.0 * done / total), 2) if total else 0.0


def _percent(job: ImportJob, done: int, size: int) -> float:
    if job.state == JobState.COMPLETE:
        return 100.0
    if job.kind != ImportJob.Kind.IMPORT:
        return round(job.progress_percent, 2)
    return min(ALMOST, _share(done, size, is_done=False))


def _stage(job: ImportJob, totals: Mapping[str, int]) -> str:
    if job.kind == ImportJob.Kind.IMPORT and job.state in terms.RUNNING and totals["count"] and not totals["active"]:
        return terms.SAVING_STAGE
    return job.stage


def _message(job: ImportJob, rows: Sequence[Transfer], fresh: Mapping[int, Numbers], *, is_live: bool) -> str:
    """The job's own sentence, and what its files have to say of waits and restarts."""
    said = [(row, (fresh[row.pk].message if row.pk in fresh else "") or row.message) for row in rows]
    words = [f"{row.file_name}: {text}" for row, text in said if text and row.state in terms.ACTIVE][:2]
    if not is_live:
        words.append("Live numbers are not available; these are the last recorded ones.")
    return " ".join([job.message, *words]).strip()


def _source(rows: Sequence[Transfer], fresh: Mapping[int, Numbers]) -> str:
    """The sources that give, or gave, bytes: `s3`, `http`, or both."""
    used = {(fresh[row.pk].source if row.pk in fresh else "") or row.source for row in rows} - {""}
    return ", ".join(sorted(used))


def _result(job: ImportJob, totals: Mapping[str, int]) -> ImportResult:
    """What an ended job brought; ids of what it fetched first, then of what was held."""
    files = DataFile.objects.filter(transfers__items__job=job).order_by("transfers__items__was_held", "file_name")
    return ImportResult(
        imported_data_ids=list(files.values_list("pk", flat=True)[:MOST_IDS]),
        imported_count=totals["complete"] if job.kind == ImportJob.Kind.IMPORT else job.result.get("importedCount", 0),
        skipped_count=totals["held"],
        failed_count=totals["failed"],
        left_out=job.skipped,
        details=job.result,
    )


def active_summary() -> tuple[int, float]:
    """How many jobs are under way, and how far they are together in percent, by bytes where any has bytes to fetch."""
    active = dict(visibility.my_jobs().filter(state__in=terms.ACTIVE).values_list("pk", "progress_percent"))
    if not active:
        return 0, 0.0
    return _recent.get(frozenset(active.items()), lambda: _summary(active))


def _summary(active: Mapping[Any, float]) -> tuple[int, float]:
    wanted = Transfer.objects.filter(pk__in=ImportItem.objects.filter(job__in=active).values("transfer"))
    sums = wanted.aggregate(size=Sum(_SIZE), done=Sum(_DONE))
    if not sums["size"]:
        return len(active), round(sum(active.values()) / len(active), 2)
    return len(active), min(ALMOST, _share(sums["done"], sums["size"], is_done=False))
