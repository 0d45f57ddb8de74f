"""The columns a table of search results may have: how each is headed, written and sorted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html

from dashboard.templatetags import archive as write
from mast import terms
from mast.archive.answers import is_exclusive
from mast.archive.rows import ObservationRow
from mast.archive.sky import format_sexagesimal

LONGEST_TEXT: Final = 60


@dataclass(frozen=True)
class Cell:
    """A value as it is read, its class, and what hovering over it tells."""

    text: str
    kind: str = ""
    title: str = ""


@dataclass(frozen=True)
class Column:
    """One column. `attribute` of the row is what it is sorted by; `hint` explains a heading that is a term."""

    name: str
    title: str
    attribute: str
    cell: Callable[[ObservationRow], Cell]
    usual: bool = True
    kind: str = ""
    hint: str = ""


def _text(attribute: str, kind: str = "word") -> Callable[[ObservationRow], Cell]:
    def write_it(row: ObservationRow) -> Cell:
        text = getattr(row, attribute) or write.DASH
        if len(text) <= LONGEST_TEXT:
            return Cell(text, kind)
        return Cell(f"{text[: LONGEST_TEXT - 1]}…", kind, text[:1000])

    return write_it


def _day(attribute: str) -> Callable[[ObservationRow], Cell]:
    def write_it(row: ObservationRow) -> Cell:
        mjd: float | None = getattr(row, attribute)
        return Cell(write.mjd_day(mjd), "nowrap", "" if mjd is None else f"MJD {mjd:.5f}")

    return write_it


def _number(attribute: str, form: str) -> Callable[[ObservationRow], Cell]:
    def write_it(row: ObservationRow) -> Cell:
        value: float | None = getattr(row, attribute)
        return Cell(write.DASH if value is None else form.format(value).replace("-", "−"), "num")

    return write_it


def _instrument(row: ObservationRow) -> Cell:
    name, mode = terms.split_instrument(row.instrument_name)
    soft = format_html(' <span class="soft">{}</span>', mode.lower()) if mode else ""
    return Cell(format_html("{}{}", name or write.DASH, soft), "word")


def _date(row: ObservationRow) -> Cell:
    mjd = f"MJD {row.t_min_mjd:.5f}" if row.t_min_mjd is not None else ""
    return Cell(write.day(row.observed_at), "nowrap", mjd)


def _level(row: ObservationRow) -> Cell:
    return Cell(
        format_html('<span class="level">{}</span>', write.level(row.calib_level)),
        title=write.level_name(row.calib_level),
    )


def _rights(row: ObservationRow) -> Cell:
    if row.calib_level == terms.CalibLevel.PLANNED:
        return Cell(format_html('<span class="badge">{}</span>', "planned"), "nowrap")
    if not is_exclusive(row):
        return Cell("public", "nowrap")
    until = write.day(row.released_at)
    words = format_html(
        '<span class="badge wait">{} exclusive</span><br><span class="soft small">until {}</span>',
        write.icon("lock"),
        until,
    )
    return Cell(words, "nowrap")


def _position(row: ObservationRow) -> Cell:
    if row.s_ra_deg is None or row.s_dec_deg is None:
        return Cell(write.DASH)
    degrees = f"{row.s_ra_deg:.6f}° {row.s_dec_deg:+.6f}°".replace("-", "−")
    return Cell(" ".join(format_sexagesimal(row.s_ra_deg, row.s_dec_deg)), "nowrap", degrees)


EXCLUSIVE: Final = "Exclusive access: for its proposers alone until the release date, usually a year after the exposure"
LEVEL: Final = "Calibration level: 1 uncalibrated, 2 calibrated exposures, 3 combined; −1 is planned"
COLUMNS: Final = (
    Column("target", "Target", "target_name", _text("target_name")),
    Column("instrument", "Instrument", "instrument_name", _instrument),
    Column("filter", "Filter", "filters", lambda row: Cell(write.filters(row.filters))),
    Column(
        "exposure",
        "Exposure (s)",
        "exposure_s",
        lambda row: Cell(write.exposure(row.exposure_s), "num", "total exposure time in seconds"),
        kind="num",
    ),
    Column("date", "Date (UTC)", "t_min_mjd", _date),
    Column("level", "Level", "calib_level", _level, hint=LEVEL),
    Column("rights", "Rights", "data_rights", _rights, hint=EXCLUSIVE),
    Column("program", "Program", "proposal_id", _text("proposal_id"), usual=False),
    Column("pi", "PI", "proposal_pi", _text("proposal_pi"), usual=False),
    Column("title", "Title", "obs_title", _text("obs_title", "long"), usual=False),
    Column("type", "Type", "dataproduct_type", _text("dataproduct_type"), usual=False),
    Column("position", "RA Dec (ICRS)", "s_ra_deg", _position, usual=False),
    Column(
        "distance",
        "Distance (″)",
        "distance_arcsec",
        _number("distance_arcsec", "{:,.1f}"),
        usual=False,
        kind="num",
        hint="from the place searched for to the observation's footprint, as MAST measures it",
    ),
    Column("release", "Release (UTC)", "t_obs_release_mjd", _day("t_obs_release_mjd"), usual=False),
)
_BY_NAME: Final = {column.name: column for column in COLUMNS}
_SORTS: Final = {"obs_id": "obs_id"} | {column.name: column.attribute for column in COLUMNS}


def chosen(names: Sequence[str], *, is_cone: bool) -> tuple[Column, ...]:
    """The columns of these names in the usual order; the usual ones where none is named."""
    wanted = [column for column in COLUMNS if column.name in names]
    return tuple(wanted or [column for column in COLUMNS if column.usual])


def sort_of(text: str) -> str:
    """The sort asked for, or "" (as MAST ordered them) for one that is unknown."""
    return text if text.removeprefix("-") in _SORTS else ""


def ordered(rows: list[ObservationRow], sort: str) -> list[ObservationRow]:
    """Sorted by one column, missing values last whichever way; ties by obs_id."""
    if not sort:
        return rows
    name = _SORTS[sort.removeprefix("-")]
    known = [row for row in rows if getattr(row, name) not in {None, ""}]
    missing = [row for row in rows if getattr(row, name) in {None, ""}]
    known.sort(key=lambda row: row.obs_id)
    known.sort(key=lambda row: getattr(row, name), reverse=sort.startswith("-"))
    return [*known, *missing]
