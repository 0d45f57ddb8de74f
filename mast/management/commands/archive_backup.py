"""Copy everything that cannot be fetched again, while the archive runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from mast.management.base import ArchiveCommand
from mast.words import size


class Command(ArchiveCommand):
    help = "Copy database, keys, parts and files into a folder; a second time only what is new."

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="where the backup lies, on another disk")
        parser.add_argument("--without-files", action="store_true", help="leave out what MAST still has")

    def run(self, **options: Any) -> None:
        from dataclasses import asdict

        from mast import backup

        done = backup.back_up(options["folder"], with_files=not options["without_files"])
        if options["as_json"]:
            self.show_json(asdict(done))
        else:
            self.say(f"Backed up the database and {done.file_count} files, {size(done.size_bytes)}.")
