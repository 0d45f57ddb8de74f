"""How far a job is: rows are the truth, Redis adds the numbers of the last second."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field


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


@dataclass(frozen=True)
class ImportResult:
    """What an import brought: ids of data files (at most 200), and true counts."""

    imported_data_ids: list[int] = field(default_factory=list)
    imported_count: int = 0
    skipped_count: int = 0
    """files already held when the job began"""
    failed_count: int = 0
    left_out: list[dict[str, object]] = field(default_factory=list)
    """`{reason, count, bytes}` of products the choices left out"""
    details: dict[str, object] = field(default_factory=dict)
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
