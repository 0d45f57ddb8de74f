"""Resume import jobs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from mast.management.base import ArchiveCommand


class Command(ArchiveCommand):
    help = "Go on with paused, failed or cancelled imports, from the bytes that are here."

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("job_id", nargs="+")
        parser.add_argument("--wait", action="store_true", help="wait until the imports have ended")
        parser.add_argument("--timeout", type=float, help="with --wait: seconds to wait at most; then exit with 75")

    def run(self, **options: Any) -> None:
        from mast import answers, services
        from mast.management.waiting import Waiter, exit_code_of

        jobs = [services.resume_job(job_id) for job_id in options["job_id"]]
        shown = [answers.job(job, is_resume=True) for job in jobs]
        results = []
        if options["wait"]:
            results = Waiter(self.stderr, timeout_s=options["timeout"]).wait([str(job.pk) for job in jobs])
            shown = [answers.progress(item) for item in results]
        if options["as_json"]:
            self.show_json(shown)
        else:
            names = ["jobId", "obsId", "state", "message"]
            self.show_table(names, ([row[name] for name in names] for row in shown))
        if code := exit_code_of(results):
            raise CommandError("Not every import is complete.", returncode=code)
