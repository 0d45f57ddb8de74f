"""Search MAST from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandParser

from mast import terms
from mast.management.base import ArchiveCommand
from mast.words import counted

if TYPE_CHECKING:
    from mast.archive.query import Kind, Query
    from mast.services import SearchResult

KINDS = ("target", "coordinates", "observation", "program", "recent")
SHOWN = ("obs_id", "target_name", "instrument_name", "filters", "t_exptime", "calib_level", "dataRights")


class Command(ArchiveCommand):
    help = "Search MAST for JWST observations: a target, a position, an observation id or a program number."

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("what", nargs="*", help='NGC 3132, "151.755 -40.437", 2733 or jw02733-o001_t001_…')
        parser.add_argument("--kind", choices=KINDS, help="what the words are, when it cannot be told from them")
        parser.add_argument("--radius", default="0.2", help="0.1 (degrees), 6' or 30\" (default: 0.2 degrees)")
        levels = parser.add_mutually_exclusive_group()
        levels.add_argument("--level", type=int, nargs="+", choices=sorted(terms.CalibLevel), help="default: 3")
        levels.add_argument("--all-levels", action="store_true", help="every calibration level")
        parser.add_argument("--days", type=int, default=7, help="with --kind recent: days back (default: 7)")
        parser.add_argument("--instrument", default="", help="with --kind recent")
        parser.add_argument("--limit", type=int, default=50, help="with --kind recent: rows (default: 50)")
        parser.add_argument("--format", choices=("table", "json", "csv", "ecsv", "votable"), default="table")

    def run(self, **options: Any) -> None:
        from mast import answers, services

        found = services.search(query_of(options))
        self._explain(found)
        if options["as_json"] or options["format"] == "json":
            self.show_json(answers.search(found))
        elif options["format"] == "table":
            self._show(found)
        else:
            self._write(found, options["format"])

    def _explain(self, found: SearchResult) -> None:
        for note in [*found.answer.notes, *found.answer.suggestions]:
            self.say(note)
        if found.cached_at:
            self.say(f"MAST is not reachable; this is its answer of {found.cached_at:%Y-%m-%d %H:%M} UTC.")
        self.say(f"{counted(len(found.answer.rows), 'observation')}.")

    def _show(self, found: SearchResult) -> None:
        rows = [row.to_dict() for row in found.answer.rows]
        self.show_table(
            [*SHOWN, "in library"], ([row.get(name) for name in SHOWN] + [_held(row, found)] for row in rows)
        )

    def _write(self, found: SearchResult, form: str) -> None:
        from mast.tables import FORMATS, columns_of

        rows = [row.to_dict() for row in found.answer.rows]
        columns = columns_of(rows)
        for line in FORMATS[form].lines(columns, ([row.get(column.name) for column in columns] for row in rows)):
            self.stdout.write(line, ending="")


def _held(row: dict[str, Any], found: SearchResult) -> str:
    count = found.held.get(str(row.get("obs_id")), 0)
    return counted(count, "file") if count else ""


def query_of(options: dict[str, Any]) -> Query:
    from mast.archive.query import Query
    from mast.archive.recognise import kind_of, program_in
    from mast.archive.sky import parse_coordinates, parse_radius

    text = " ".join(options["what"])
    kind: Kind = options["kind"] or (kind_of(text) if text else "recent")
    given = tuple(options["level"] or ())
    default = None if kind == "observation" else tuple(int(level) for level in terms.SEARCH_LEVELS)
    levels = None if options["all_levels"] else given or default
    ra_deg, dec_deg = parse_coordinates(text) if kind == "coordinates" else (None, None)
    return Query(
        kind=kind,
        target_name=text,
        obs_id=text,
        program_id=program_in(text) or text,
        ra_deg=ra_deg,
        dec_deg=dec_deg,
        radius_deg=parse_radius(options["radius"]),
        calib_levels=levels,
        days_back=options["days"],
        instrument=options["instrument"],
        limit=options["limit"],
    )
