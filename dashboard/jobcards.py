"""One job as pages show it: on its card, on its own page, and in short on every page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from dashboard.crowd import CROWD
from mast import services, terms
from mast.models import ImportJob
from mast.services import JobProgress
from mast.terms import JobState

CARD_FILES = 6
FAST_S, SLOW_S = 1, 5
NEW = timedelta(seconds=20)
"""a job just started is about to move"""


@dataclass(frozen=True)
class Card:
    """One job as a page shows it."""

    job: ImportJob
    progress: JobProgress

    @classmethod
    def of(cls, job: ImportJob, max_files: int = CARD_FILES) -> Card:
        """The card of a row that was read just now."""
        return cls(job, services.progress_of(job, max_files=max_files))

    @property
    def pace_s(self) -> int | None:
        """Seconds until the next poll: every second while bytes flow, slower in a queue, never once it stands still.

        Slower, too, while very many tabs ask.
        """
        is_new = timezone.now() - self.job.created_at < NEW
        if self.progress.state in terms.RUNNING or (is_new and self.progress.state == JobState.QUEUED):
            return CROWD.pace_s(FAST_S)
        return CROWD.pace_s(SLOW_S) if self.progress.state in terms.ACTIVE else None

    @property
    def actions(self) -> list[tuple[str, str]]:
        """What the reader may do in this state: names and the icons beside them."""
        if not services.may_steer(self.job):
            return []
        state = JobState(self.progress.state)
        if state in terms.ACTIVE:
            pause = [("pause", "pause")] if self.job.kind == ImportJob.Kind.IMPORT else []
            return [*pause, ("cancel", "stop")]
        if state == JobState.PAUSED:
            return [("resume", "play"), ("cancel", "stop")]
        again = {JobState.FAILED: [("retry", "refresh")], JobState.CANCELLED: [("resume", "play")]}
        return [*again.get(state, []), ("dismiss", "check")]

    @property
    def shows_files(self) -> bool:
        """Files are worth a look while they move, and when one of them stopped the job."""
        return self.progress.state in terms.ACTIVE - {JobState.QUEUED} or bool(self.progress.error)

    @property
    def more_files(self) -> int:
        return self.progress.file_count - len(self.progress.file_progress)
