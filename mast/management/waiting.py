"""Waiting for jobs: a bar that moves on a terminal, a line per change elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mast import terms
from mast.errors import all_codes
from mast.management.base import FAILED, TRY_LATER
from mast.words import size

if TYPE_CHECKING:
    from mast.services import JobProgress

POLL_EVERY_S = 0.5
BAR_WIDTH = 24
STOPPED = terms.ENDED | {terms.JobState.PAUSED}


def bar(progress: JobProgress) -> str:
    """`[=======>    ] 62%  12.3 MB of 20.0 MB  4.1 MB/s  Downloading`"""
    filled = int(BAR_WIDTH * progress.progress / 100)
    speed = f"  {size(progress.speed_bytes_per_sec)}/s" if progress.speed_bytes_per_sec else ""
    sizes = f"{size(progress.downloaded_bytes)} of {size(progress.total_bytes)}"
    return f"[{'=' * filled:<{BAR_WIDTH}}] {progress.progress:3.0f}%  {sizes}{speed}  {progress.stage}"


class Waiter:
    """Watches jobs one after the other until each has ended or was paused; `out` is the stream for words."""

    def __init__(self, out: Any, *, timeout_s: float | None = None) -> None:
        self.out = out
        self.is_live = bool(out.isatty())
        self.deadline = time.monotonic() + timeout_s if timeout_s else None

    def wait(self, job_ids: Iterable[str]) -> list[JobProgress]:
        return [self._one(job_id) for job_id in job_ids]

    def _one(self, job_id: str) -> JobProgress:
        from mast import services

        said = ""
        while True:
            progress = services.job_progress(job_id)
            said = self._tell(progress, said)
            if progress.state in STOPPED or (self.deadline and time.monotonic() > self.deadline):
                if self.is_live:
                    self.out.write("\n", ending="")
                return progress
            time.sleep(POLL_EVERY_S)

    def _tell(self, progress: JobProgress, said: str) -> str:
        if self.is_live:
            self.out.write(f"\r\x1b[K{progress.obs_id}  {bar(progress)}", ending="")
            self.out.flush()
            return said
        words = f"{progress.obs_id}: {progress.message or progress.stage}"
        if words != said:
            self.out.write(words)
        return words


def exit_code_of(results: list[JobProgress]) -> int:
    """0 when every job is complete; 75 when those that are not may be tried again; else 1."""
    unfinished = [item for item in results if item.state != terms.JobState.COMPLETE]
    if not unfinished:
        return 0
    return TRY_LATER if all(_may_be_retried(item) for item in unfinished) else FAILED


def _may_be_retried(progress: JobProgress) -> bool:
    if progress.state in terms.LIVE:
        return True
    kind = all_codes().get(progress.error_code or "")
    return bool(kind and kind.retryable)
