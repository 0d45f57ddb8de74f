"""Rows of a search as the page shows them: sorted, marked when held, ready to import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.forms import SearchForm
from mast import library, terms
from mast.archive import previews
from mast.archive.answers import is_exclusive
from mast.archive.rows import ObservationRow
from mast.library import Reader
from mast.services import SearchResult

COLUMNS = [
    ("obs_id", "Observation"),
    ("target", "Target"),
    ("instrument", "Instrument"),
    ("filter", "Filter"),
    ("exposure", "Exposure (s)"),
    ("date", "Date (UTC)"),
    ("level", "Level"),
    ("rights", "Rights"),
]
_ATTRIBUTES = {
    "obs_id": "obs_id",
    "target": "target_name",
    "instrument": "instrument_name",
    "filter": "filters",
    "exposure": "exposure_s",
    "date": "t_min_mjd",
    "level": "calib_level",
    "rights": "data_rights",
    "distance": "distance_arcsec",
}


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    row: ObservationRow
    held_files: int
    released_at: datetime | None
    thumb_id: int | None
    """a held file that shows what it looks like"""

    @property
    def preview_uri(self) -> str:
        """MAST's own preview, where anybody may see it."""
        return "" if self.is_planned or self.is_exclusive else previews.uri_of(self.row.preview_uri)

    @property
    def is_planned(self) -> bool:
        return self.row.calib_level == terms.CalibLevel.PLANNED

    @property
    def is_exclusive(self) -> bool:
        return is_exclusive(self.row)

    @property
    def can_import(self) -> bool:
        return not self.is_planned


def as_lines(rows: Sequence[ObservationRow], found: SearchResult, user: Reader) -> list[Line]:
    pictures = _pictures([row.obs_id for row in rows if row.obs_id in found.held], user)
    return [Line(row, found.held.get(row.obs_id, 0), row.released_at, pictures.get(row.obs_id)) for row in rows]


def _pictures(obs_ids: Sequence[str], user: Reader) -> dict[str, int]:
    """A file of each held observation that shows it: of the highest level, the largest (later ones replace earlier)."""
    files = library.visible_files(user).filter(is_viewable=True, observations__obs_id__in=obs_ids)
    shown = files.exclude(suffix="segm").order_by("calib_level", "size_bytes")
    return dict(shown.values_list("observations__obs_id", "pk"))


def sort_of(text: str) -> str:
    """The sort asked for, or "" (as MAST ordered them) for one that is unknown."""
    return text if text.removeprefix("-") in _ATTRIBUTES else ""


def ordered(rows: Sequence[ObservationRow], sort: str) -> Sequence[ObservationRow]:
    """Sorted by one column, missing values last whichever way; ties by obs_id."""
    if not sort:
        return rows
    name = _ATTRIBUTES[sort.removeprefix("-")]
    known = [row for row in rows if getattr(row, name) not in {None, ""}]
    missing = [row for row in rows if getattr(row, name) in {None, ""}]
    known.sort(key=lambda row: row.obs_id)
    known.sort(key=lambda row: getattr(row, name), reverse=sort.startswith("-"))
    return [*known, *missing]


def levels_to_import(form: SearchForm) -> str:
    """What the page's Import passes on: levels 1 to 3 with the toggle on, else those of the search."""
    if form.cleaned_data["all_levels"]:
        return ",".join(str(int(level)) for level in terms.ALL_IMPORT_LEVELS)
    return ",".join(str(level) for level in form.levels or ())
