"""Read files of the library again and compare them with their checksums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError, CommandParser

from mast.management.base import FAILED, ArchiveCommand
from mast.words import counted

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from mast.models import DataFile


class Command(ArchiveCommand):
    help = "Read every byte of the library's files again and compare with their SHA-256; records follow what is found."

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("obs_id", nargs="*", help="observations whose files to read (default: every file)")

    def run(self, **options: Any) -> None:
        from mast import services

        files = _chosen(options["obs_id"])
        count = files.count()
        wrong = []
        for number, checked in enumerate(services.verify_files(files), start=1):
            self._tell(f"{number} of {count}  {checked.file.file_name}")
            if checked.why:
                wrong.append({"id": checked.file.pk, "fileName": checked.file.file_name} | _found(checked))
        if self.stderr.isatty():
            self.stderr.write("")
        self.say(f"{counted(count, 'file')} read, {len(wrong)} not as they should be.")
        if options["as_json"]:
            self.show_json({"checkedCount": count, "wrong": wrong})
        elif wrong:
            self.show_table(["id", "file", "state", "why"], ([*row.values()] for row in wrong))
        if wrong:
            raise CommandError("Import the damaged and missing files again.", returncode=FAILED)

    def _tell(self, words: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r\x1b[K{words}", ending="")


def _found(checked: Any) -> dict[str, str]:
    return {"state": str(checked.state), "why": checked.why}


def _chosen(obs_ids: list[str]) -> QuerySet[DataFile]:
    from mast.errors import NotFound
    from mast.models import DataFile, Observation

    known = set(Observation.objects.filter(obs_id__in=obs_ids).values_list("obs_id", flat=True))
    if missing := [obs_id for obs_id in obs_ids if obs_id not in known]:
        raise NotFound(f"The observation {missing[0]} is not in the library.")
    files = DataFile.objects.all()
    return files.filter(observations__obs_id__in=obs_ids).distinct() if obs_ids else files
