"""Read metadata from MAST again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError, CommandParser

from mast.management.base import ArchiveCommand

if TYPE_CHECKING:
    from mast.services import RefreshReport


class Command(ArchiveCommand):
    help = "Read metadata from MAST again; what people corrected by hand stays."

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("obs_id", nargs="*")
        parser.add_argument("--all", action="store_true", dest="every", help="every observation, as a job")
        parser.add_argument("--wait", action="store_true", help="with --all: wait until the job has ended")
        parser.add_argument("--timeout", type=float, help="with --wait: seconds to wait at most; then exit with 75")

    def run(self, **options: Any) -> None:
        if bool(options["obs_id"]) == options["every"]:
            raise CommandError("Name observations, or say --all.", returncode=2)
        if options["every"]:
            self._all(options)
        else:
            self._some(options["obs_id"], as_json=options["as_json"])

    def _some(self, obs_ids: list[str], *, as_json: bool) -> None:
        from mast import answers, services

        reports = [services.refresh_observation(obs_id) for obs_id in obs_ids]
        if as_json:
            self.show_json([answers.refresh(report) for report in reports])
            return
        for report in reports:
            self.say(f"{report.obs_id}: {report.message}")
        self._show_changes(reports)

    def _show_changes(self, reports: list[RefreshReport]) -> None:
        changes = [change for report in reports for change in report.changed]
        if changes:
            rows = ((change.obs_id, change.field, change.old, change.new) for change in changes)
            self.show_table(["observation", "field", "before", "now"], rows)

    def _all(self, options: dict[str, Any]) -> None:
        from mast import answers, services
        from mast.management.waiting import Waiter, exit_code_of

        started = services.refresh_all()
        self.say(started.message)
        results = []
        shown: dict[str, Any] = answers.job(started.job)
        if options["wait"]:
            results = Waiter(self.stderr, timeout_s=options["timeout"]).wait([str(started.job.pk)])
            shown = answers.progress(results[0])
        if options["as_json"]:
            self.show_json(shown)
        else:
            names = ["jobId", "state", "message"]
            self.show_table(names, [[shown[name] for name in names]])
        if code := exit_code_of(results):
            raise CommandError("The refresh is not complete.", returncode=code)
