"""Import observations from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError, CommandParser

from mast import terms
from mast.management.base import ArchiveCommand
from mast.words import counted, size

if TYPE_CHECKING:
    from mast.services import ImportPlan, ImportRequest

EVERY_LEVEL = tuple(int(level) for level in terms.CalibLevel)


class Command(ArchiveCommand):
    help = "Import observations from MAST. The import runs in the background, with or without --wait."

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("obs_id", nargs="+", help="an observation id, jw02733-o001_t001_nircam_clear-f090w say")
        parser.add_argument("--source", choices=[choice.value for choice in terms.SourceChoice], default="auto")
        levels = parser.add_mutually_exclusive_group()
        levels.add_argument("--level", type=int, nargs="+", choices=sorted(terms.CalibLevel), help="default: its own")
        levels.add_argument("--all-levels", action="store_true", help="files of every calibration level")
        parser.add_argument("--product-type", default="SCIENCE", help="MAST's productType (default: SCIENCE)")
        parser.add_argument("--suffix", action="append", default=[], help="a kind of file, i2d say; may be repeated")
        parser.add_argument("--tag", action="append", default=[], help="a tag for the files; may be repeated")
        parser.add_argument("--preview", action="store_true", help="say what would come, and download nothing")
        parser.add_argument("--wait", action="store_true", help="wait until the imports have ended")
        parser.add_argument("--timeout", type=float, help="with --wait: seconds to wait at most; then exit with 75")

    def run(self, **options: Any) -> None:
        requests = [request_of(obs_id, options) for obs_id in options["obs_id"]]
        if options["preview"]:
            self._preview(requests, as_json=options["as_json"])
        else:
            self._start(requests, options)

    def _preview(self, requests: list[ImportRequest], *, as_json: bool) -> None:
        from mast import answers, services

        plans = [services.preview_import(request) for request in requests]
        if as_json:
            self.show_json([answers.plan(plan) for plan in plans])
            return
        for plan in plans:
            self._show_plan(plan)

    def _show_plan(self, plan: ImportPlan) -> None:
        self.say(
            f"{plan.observation.obs_id}: {counted(len(plan.files), 'file')}, {size(plan.total_bytes)}; "
            f"{plan.held_count} held already, {size(plan.to_fetch_bytes)} to fetch, "
            f"{size(plan.disk_free_after_bytes)} free afterwards."
        )
        rows = [
            (item.row.file_name, item.row.calib_level, size(item.row.size_bytes or 0), "held" if item.held else "")
            for item in plan.files
        ]
        self.show_table(["file", "level", "size", ""], rows)
        for name, reason in plan.left_out:
            self.say(f"left out: {name}: {reason}")

    def _start(self, requests: list[ImportRequest], options: dict[str, Any]) -> None:
        from mast import answers, services
        from mast.management.waiting import Waiter, exit_code_of

        started = [services.start_import(request) for request in requests]
        for item in started:
            self.say(f"{item.job.obs_id}: {item.message}")
        if not options["wait"]:
            self._show([answers.started(item) for item in started], ["jobId", "obsId"], as_json=options["as_json"])
            return
        ids = [str(item.job.pk) for item in started]
        results = Waiter(self.stderr, timeout_s=options["timeout"]).wait(ids)
        shown = [answers.progress(item) for item in results]
        self._show(shown, ["jobId", "obsId", "state", "downloadedBytes", "error"], as_json=options["as_json"])
        if code := exit_code_of(results):
            raise CommandError("Not every import is complete; mast_resume goes on with one.", returncode=code)

    def _show(self, rows: list[dict[str, Any]], names: list[str], *, as_json: bool) -> None:
        if as_json:
            self.show_json(rows)
        else:
            self.show_table(names, ([row[name] for name in names] for row in rows))


def request_of(obs_id: str, options: dict[str, Any]) -> ImportRequest:
    from mast.services import ImportRequest

    levels = EVERY_LEVEL if options["all_levels"] else tuple(options["level"] or ()) or None
    return ImportRequest(
        obs_id=obs_id,
        product_type=options["product_type"].upper(),
        calib_levels=levels,
        source=terms.SourceChoice(options["source"]),
        tags=tuple(options["tag"]),
        suffixes=tuple(suffix.lower() for suffix in options["suffix"]),
    )
