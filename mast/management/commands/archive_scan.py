"""Register what lies on the archive's disk without a record."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from mast.management.base import FAILED, ArchiveCommand


class Command(ArchiveCommand):
    help = "Verify and register every product on the archive's disk that has no record: after a restore, say."

    def run(self, **options: Any) -> None:
        from mast import services

        outcome = services.scan(self._hear)
        self.say(outcome.sentence())
        if options["as_json"]:
            self.show_json(outcome.to_result())
        elif outcome.rejected:
            self.show_table(["file", "why it was not taken"], outcome.rejected)
        if outcome.rejected:
            raise CommandError(f"{len(outcome.rejected)} files were not taken.", returncode=FAILED)

    def _hear(self, file_name: str) -> None:
        if self.stderr.isatty():
            self.say(f"verifying {file_name}")
