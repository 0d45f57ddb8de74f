"""What a search found, and the sentences that explain it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from mast import terms
from mast.archive import sky
from mast.archive.query import Query
from mast.archive.rows import ObservationRow
from mast.words import counted

_BELOW_COMBINED: Final = frozenset({terms.CalibLevel.RAW, terms.CalibLevel.UNCALIBRATED, terms.CalibLevel.CALIBRATED})


@dataclass(frozen=True)
class Resolved:
    """Where a name lies, and who says so. Position in ICRS degrees."""

    name: str
    ra_deg: float
    dec_deg: float
    resolver: str
    canonical_name: str = ""

    @property
    def sentence(self) -> str:
        """`NGC 3132 → 10h07m01.8s −40d26m11s, by SIMBAD`"""
        return f"{self.name} → {sky.format_position(self.ra_deg, self.dec_deg)}, by {self.resolver}"


@dataclass
class Found:
    """What MAST gave before the asked levels are chosen: rows of every level, and what is worth telling."""

    rows: list[ObservationRow]
    searched: str
    resolved: Resolved | None = None
    notes: list[str] = field(default_factory=list)
    why_nothing: list[str] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)


@dataclass
class SearchAnswer:
    """The rows of the asked levels and what else a person should know.

    `other_levels` counts rows at levels not asked for; `level3_holding`, for a search of levels 1 and 2, the Level 3
    observations that hold such files, since a row carries the highest level its observation reached.
    """

    query: Query
    rows: list[ObservationRow]
    resolved: Resolved | None = None
    other_levels: dict[int, int] = field(default_factory=dict)
    exclusive_count: int = 0
    planned_count: int = 0
    notes: list[str] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)
    fetched_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    level3_holding: int | None = None
    total_count: int = 0
    """matching rows; more than `rows` where the query asked for a part of them"""


def explain(query: Query, found: Found) -> SearchAnswer:
    """The asked levels of what was found, counted and put into words."""
    rows = [row for row in found.rows if query.wants(row.calib_level)]
    others = Counter(row.calib_level for row in found.rows if not query.wants(row.calib_level))
    answer = SearchAnswer(
        query,
        rows,
        resolved=found.resolved,
        other_levels={level: others[level] for level in sorted(level for level in others if level is not None)},
        exclusive_count=sum(is_exclusive(row) for row in rows),
        planned_count=sum(row.calib_level == terms.CalibLevel.PLANNED for row in found.rows),
        suggestions=found.suggestions,
        level3_holding=_level3_holding(query, found.rows),
        total_count=len(rows),
    )
    answer.notes = [found.searched, *found.notes, *_notes(answer, found)]
    if query.kind == "recent":
        answer.rows = _newest_first(rows)[query.offset : query.offset + query.limit]
    return answer


def is_exclusive(row: ObservationRow, now: datetime | None = None) -> bool:
    """Whether only the proposers may have its files yet. Planned rows have none and are not counted."""
    if row.calib_level == terms.CalibLevel.PLANNED:
        return False
    release = row.released_at
    return row.data_rights.upper() == terms.Rights.EXCLUSIVE or (
        release is not None and release > (now or datetime.now(UTC))
    )


def _level3_holding(query: Query, rows: list[ObservationRow]) -> int | None:
    levels = set(query.calib_levels or ())
    if not levels or not levels <= _BELOW_COMBINED:
        return None
    return sum(row.calib_level is not None and row.calib_level >= terms.CalibLevel.SCIENCE for row in rows)


def _newest_first(rows: list[ObservationRow]) -> list[ObservationRow]:
    return sorted(rows, key=lambda row: (-(row.t_obs_release_mjd or 0), row.obs_id))


# --- sentences --------------------------------------------------------------------------------------------------


def _notes(answer: SearchAnswer, found: Found) -> list[str]:
    notes = [] if answer.rows else _why_nothing(answer, found)
    taken = {level: count for level, count in answer.other_levels.items() if level != terms.CalibLevel.PLANNED}
    if answer.rows and taken:
        notes.append(f"At other levels: {_level_counts(taken)}.")
    if answer.level3_holding:
        notes.append(_holding_sentence(answer))
    notes += _access_notes(answer)
    return notes


def _why_nothing(answer: SearchAnswer, found: Found) -> list[str]:
    if not found.rows:
        return ["Nothing was found.", *found.why_nothing]
    asked = _level_list(answer.query.calib_levels or ())
    if set(answer.other_levels) == {int(terms.CalibLevel.PLANNED)}:
        return [f"Nothing at {asked} yet: {counted(answer.planned_count, 'observation')} planned, none taken."]
    elsewhere = _level_counts(answer.other_levels)
    return [f"Nothing at {asked}, but {elsewhere}. Ask for those levels, or for all of them."]


def _holding_sentence(answer: SearchAnswer) -> str:
    asked = _level_list(answer.query.calib_levels or ())
    hold = "observation holds" if answer.level3_holding == 1 else "observations hold"
    return (
        f"{answer.level3_holding} Level 3 {hold} files of {asked} as well, since a row carries the highest level its "
        "observation reached: importing them with those levels brings these files."
    )


def _access_notes(answer: SearchAnswer) -> list[str]:
    notes = []
    if answer.exclusive_count:
        first = _first_release(answer.rows)
        until = f"; the first becomes public on {first:%Y-%m-%d}" if first else ""
        if answer.exclusive_count == len(answer.rows):
            exclusive = counted(answer.exclusive_count, "observation")
            notes.append(f"Nothing here is public yet: {exclusive} under exclusive access{until}.")
        else:
            are = "is" if answer.exclusive_count == 1 else "are"
            notes.append(f"{answer.exclusive_count} of {len(answer.rows)} {are} under exclusive access{until}.")
    if answer.planned_count and answer.rows:
        notes.append(f"{counted(answer.planned_count, 'observation')} planned and not taken yet.")
    return notes


def _first_release(rows: list[ObservationRow]) -> datetime | None:
    now = datetime.now(UTC)
    dates = (row.released_at for row in rows if is_exclusive(row, now))
    return min((date for date in dates if date and date > now), default=None)


def _level_counts(counts: dict[int, int]) -> str:
    parts = [f"{count} {terms.CalibLevel(level).label} (Level {_minus(level)})" for level, count in counts.items()]
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _level_list(levels: tuple[int, ...]) -> str:
    numbers = [_minus(level) for level in sorted(levels)]
    if len(numbers) == 1:
        return f"Level {numbers[0]}"
    return f"Levels {', '.join(numbers[:-1])} and {numbers[-1]}"


def _minus(level: int) -> str:
    return str(int(level)).replace("-", "−")
