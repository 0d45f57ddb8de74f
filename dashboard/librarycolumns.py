"""The columns of the library's tables, by observation and by file: headings, cells, and what each is sorted by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from dashboard.templatetags import archive as write
from mast import terms
from mast.models import Observation

LONGEST: Final = 48


@dataclass(frozen=True)
class Column:
    """One column. `order` is the API's name to sort by, empty where there is none; `cell` gives markup."""

    name: str
    title: str
    cell: Callable[[Any], str]
    order: str = ""
    usual: bool = True
    kind: str = ""
    hint: str = ""


def td(text: str, kind: str = "", title: str = "") -> str:
    """A cell of plain text."""
    shown = text or write.DASH
    if len(shown) > LONGEST:
        title, shown = title or shown[:1000], f"{shown[: LONGEST - 1]}…"
    classes = f' class="{kind}"' if kind else ""
    hover = f' title="{escape(title)}"' if title else ""
    return f"<td{classes}{hover}>{escape(shown)}</td>"


def _instrument(row: Observation) -> str:
    name, mode = terms.split_instrument(row.instrument_name)
    soft = f' <span class="soft">{escape(mode.lower()[:LONGEST])}</span>' if mode else ""
    return f'<td class="word">{escape(name[:LONGEST]) or write.DASH}{soft}</td>'


def _date(row: Observation) -> str:
    mjd = f"MJD {row.t_min_mjd:.5f}" if row.t_min_mjd is not None else ""
    return td(write.day(row.observed_at), "nowrap", mjd)


def level(number: int | None) -> str:
    return f'<td><span class="level" title="{write.level_name(number)}">{write.level(number)}</span></td>'


def _about(column: Column) -> Column:
    """The same column for a file: of its observation, and not sorted by."""
    return Column(column.name, column.title, lambda file: column.cell(file.observation), "", False, column.kind)


TARGET = Column("target", "Target", lambda row: td(row.target_name, "word"), "targetName")
INSTRUMENT = Column("instrument", "Instrument", _instrument, "instrument")
FILTER = Column("filter", "Filter", lambda row: td(write.filters(row.filters)), "filter")
EXPOSURE = Column(
    "exposure",
    "Exposure (s)",
    lambda row: f'<td class="num">{write.exposure(row.exposure_s)}<span class="phone"> s</span></td>',
    "exposureTime",
    kind="num",
)
DATE = Column("date", "Date (UTC)", _date, "observationDate")
PROGRAM = Column("program", "Program", lambda row: td(row.proposal_id), "proposalId", usual=False)
PI = Column("pi", "PI", lambda row: td(row.proposal_pi, "word"), usual=False)
NOTES = Column("notes", "Note", lambda row: td(row.notes, "long"), usual=False)
LEVEL_HINT = "Calibration level: 1 uncalibrated, 2 calibrated exposures, 3 combined"
OF_OBSERVATIONS: Final = (
    TARGET,
    INSTRUMENT,
    FILTER,
    EXPOSURE,
    DATE,
    Column("level", "Level", lambda row: level(row.calib_level), "calibrationLevel", hint=LEVEL_HINT),
    PROGRAM,
    PI,
    Column("added", "Added (UTC)", lambda row: td(write.day(row.created_at), "nowrap"), "createdAt", usual=False),
    NOTES,
)
OF_FILES: Final = (
    Column("level", "Level", lambda file: level(file.calib_level), "calibrationLevel", hint=LEVEL_HINT),
    Column("size", "Size", lambda file: td(write.size(file.size_bytes), "num"), "fileSize", kind="num"),
    Column("target", "Target", lambda file: TARGET.cell(file.observation)),
    Column("instrument", "Instrument", lambda file: INSTRUMENT.cell(file.observation)),
    Column("filter", "Filter", lambda file: FILTER.cell(file.observation)),
    Column("fetched", "Fetched (UTC)", lambda file: td(write.utc(file.fetched_at)[:16], "nowrap"), "fetchedAt"),
    Column(
        "verified",
        "Verified (UTC)",
        lambda file: td(write.day(file.verified_at), "nowrap", f"proof: {file.proof}"),
        "verifiedAt",
        hint="when every byte was last read and found right; hover for how it was proven",
    ),
    Column("source", "Source", lambda file: td(file.source), usual=False),
    Column("proof", "Proof", lambda file: td(file.proof), usual=False),
    _about(EXPOSURE),
    _about(DATE),
    _about(PROGRAM),
    _about(PI),
    NOTES,
)


def offered(view: str) -> tuple[Column, ...]:
    return OF_FILES if view == "files" else OF_OBSERVATIONS


def chosen(view: str, names: Sequence[str]) -> tuple[Column, ...]:
    """The columns of these names in the usual order; the usual ones where none is named."""
    wanted = tuple(column for column in offered(view) if column.name in names)
    return wanted or tuple(column for column in offered(view) if column.usual)
