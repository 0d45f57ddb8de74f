"""Make the archive of a backup in an empty data directory and an empty database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from mast.management.base import ArchiveCommand
from mast.words import size


class Command(ArchiveCommand):
    help = "Restore a backup into an empty data directory and an empty database; then `archive_verify`, then `up`."

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="a backup")

    def run(self, **options: Any) -> None:
        from dataclasses import asdict

        from mast import backup

        done = backup.restore(options["folder"])
        if options["as_json"]:
            self.show_json(asdict(done))
        else:
            self.say(f"Restored the database and {done.file_count} files, {size(done.size_bytes)}.")
