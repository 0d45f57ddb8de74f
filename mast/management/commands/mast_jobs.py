"""List import jobs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from mast.management.base import ArchiveCommand
from mast.words import size


class Command(ArchiveCommand):
    help = "List import jobs, newest first."

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--state", help="a state, or `active` or `ended`")
        parser.add_argument("--obs-id", help="jobs of this observation")
        parser.add_argument("--limit", type=int, default=50)

    def run(self, **options: Any) -> None:
        from mast import answers, services

        jobs, count = services.list_jobs(options["state"], options["obs_id"], options["limit"])
        if options["as_json"]:
            self.show_json({"results": [answers.job(job) for job in jobs], "count": count})
            return
        heads = ["job", "state", "observation", "files", "size", "started", "message"]
        self.show_table(
            heads,
            (
                (
                    job.pk,
                    job.state,
                    job.obs_id,
                    job.total_files,
                    size(job.total_bytes),
                    f"{job.created_at:%Y-%m-%d %H:%M}",
                    job.error or job.message,
                )
                for job in jobs
            ),
        )
        self.say(f"{len(jobs)} of {count} jobs.")
