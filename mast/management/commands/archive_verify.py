"""Read files of the library again and compare them with their checksums."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError, CommandParser

from mast.management.base import FAILED, ArchiveCommand
from mast.words import counted

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from mast.imports.verification import Checked, Pace
    from mast.models import DataFile

BAR = 24
TELL_EVERY_S = 0.1
ADVICE = (
    "`archive_verify --fetch-again` imports what is damaged or missing again; `archive_scan` registers what is unknown."
)


class Command(ArchiveCommand):
    help = (
        "Read every byte of the library's files again and compare with their SHA-256; records follow what is found. "
        "A reading that was stopped is gone on with."
    )

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("obs_id", nargs="*", help="observations whose files to read (default: every file)")
        parser.add_argument(
            "--rate",
            type=float,
            metavar="MB/S",
            help="read so fast at most; 0: as fast as it goes (default: the setting)",
        )
        parser.add_argument("--anew", action="store_true", help="begin with the first file, whatever was read before")
        parser.add_argument("--fetch-again", action="store_true", help="import what is damaged or missing again")

    def run(self, **options: Any) -> None:
        from mast import services

        pace = services.verification_pace(options["rate"])
        files = _chosen(options["obs_id"])
        if options["obs_id"]:
            count, wrong = self._read_some(files, pace)
        else:
            count, wrong = self._read_all(pace, anew=options["anew"])
        self.say(f"{counted(count, 'file')} read, {len(wrong)} not as they should be.")
        if options["as_json"]:
            self.show_json({"checkedCount": count, "wrong": wrong})
        elif wrong:
            heads = ["id", "fileName", "state", "why"]
            self.show_table(["id", "file", "state", "why"], ([row.get(head) for head in heads] for row in wrong))
        if wrong and not options["fetch_again"]:
            raise CommandError(ADVICE, returncode=FAILED)
        self._fetch_again(files if wrong else files.none())

    def _read_all(self, pace: Pace, *, anew: bool) -> tuple[int, list[dict[str, Any]]]:
        from mast import services

        reading = services.begin_verification(anew=anew)
        if reading.file_count:
            self.say(f"Going on after the {reading.file_count} files read since {reading.started_at:%Y-%m-%d %H:%M}.")
        bar = _Bar(self, *services.left_to_verify(reading), pace)
        for checked in bar.over(services.verify_shelf(reading, bar.moved)):
            bar.name = checked.file.file_name
        return reading.file_count, reading.found

    def _read_some(self, files: QuerySet[DataFile], pace: Pace) -> tuple[int, list[dict[str, Any]]]:
        from django.db.models import Sum

        from mast import services

        count, size = files.count(), files.aggregate(total=Sum("size_bytes"))["total"] or 0
        bar = _Bar(self, count, size, pace)
        checked = list(bar.over(services.verify_files(files, bar.moved)))
        return count, [_found(one) for one in checked if one.why]

    def _fetch_again(self, files: QuerySet[DataFile]) -> None:
        from mast import services

        wrong = services.wrong_files().filter(pk__in=files.values("pk"))
        for job in services.fetch_again(list(wrong)):
            self.say(f"{job.obs_id}: {job.message}")


class _Bar:
    """How far a reading is, on one line of a terminal; it also keeps the reading's pace."""

    def __init__(self, command: ArchiveCommand, count: int, size_bytes: int, pace: Pace) -> None:
        self.name = ""
        self._out = command.stderr
        self._is_shown = command.stderr.isatty()
        self._count, self._size_bytes, self._pace = count, size_bytes, pace
        self._files = self._bytes = 0
        self._began = self._told = time.monotonic()

    def over(self, checked: Iterable[Checked]) -> Iterable[Checked]:
        ended_bytes = 0
        for one in checked:
            self._files += 1
            # What is missing or too short brings fewer bytes than it was to bring.
            ended_bytes += one.file.size_bytes
            self._bytes = ended_bytes
            yield one
            self._tell()
        if self._is_shown:
            self._write("")

    def moved(self, count: int) -> None:
        self._bytes += count
        self._pace.took(count)
        self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        if not self._is_shown or now - self._told < TELL_EVERY_S:
            return
        from mast import words

        self._told = now
        part = min(1.0, self._bytes / self._size_bytes) if self._size_bytes else 1.0
        filled = round(part * BAR)
        speed = words.size(int(self._bytes / (now - self._began)))
        told = f"{self._files} of {self._count} files, {words.size(self._bytes)} of {words.size(self._size_bytes)}"
        line = f"{'█' * filled}{'░' * (BAR - filled)} {part:4.0%}  {told}, {speed}/s  {self.name}"
        self._write(line)

    def _write(self, line: str) -> None:
        self._out.write(f"\r\x1b[K{line}", style_func=str, ending="")


def _found(checked: Checked) -> dict[str, Any]:
    return {"id": checked.file.pk, "fileName": checked.file.file_name, "state": str(checked.state), "why": checked.why}


def _chosen(obs_ids: list[str]) -> QuerySet[DataFile]:
    from mast.errors import NotFound
    from mast.models import DataFile, Observation

    known = set(Observation.objects.filter(obs_id__in=obs_ids).values_list("obs_id", flat=True))
    if missing := [obs_id for obs_id in obs_ids if obs_id not in known]:
        raise NotFound(f"The observation {missing[0]} is not in the library.")
    files = DataFile.objects.all()
    return files.filter(observations__obs_id__in=obs_ids).distinct() if obs_ids else files
