"""Facets of a search's answer: values to narrow it by, each with the count it would leave.

A facet's counts respect every other facet's choice and not its own, so that a second value of the same facet can be
added. What a row counts under is read once for each answer and kept as long as its pages are turned.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from dashboard.templatetags import archive as write
from mast import terms
from mast.archive.answers import SearchAnswer, is_exclusive
from mast.archive.rows import ObservationRow
from mast.recent import once

SHOWN: Final = 8
MOST_SHOWN: Final = 60
Keys = tuple[tuple[str, ...], ...]
Wanted = tuple[tuple[int, frozenset[str]], ...]
"""of each facet that was chosen: its place, and the values"""


@dataclass(frozen=True)
class Facet:
    """One facet: the words of its heading, and what a row counts under, which may be several values."""

    name: str
    title: str
    keys: Callable[[ObservationRow], tuple[str, ...]]
    label: Callable[[str], str] = str


def _level(row: ObservationRow) -> tuple[str, ...]:
    return () if row.calib_level is None else (str(row.calib_level),)


def _rights(row: ObservationRow) -> tuple[str, ...]:
    if row.calib_level == terms.CalibLevel.PLANNED:
        return ("planned",)
    return ("exclusive",) if is_exclusive(row) else ("public",)


def _year(row: ObservationRow) -> tuple[str, ...]:
    return (str(row.observed_at.year),) if row.observed_at else ()


def _level_label(value: str) -> str:
    number = int(value)
    return f"{write.level(number)} {write.level_name(number)}"


def _whole(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


FACETS: Final = (
    Facet("instrument", "Instrument", lambda row: _whole(terms.split_instrument(row.instrument_name)[0])),
    Facet("filter", "Filter", lambda row: tuple(dict.fromkeys(terms.filters_of(row.filters)))),
    Facet("level", "Level", _level, _level_label),
    Facet("type", "Type", lambda row: _whole(row.dataproduct_type)),
    Facet("program", "Program", lambda row: _whole(row.proposal_id)),
    Facet("rights", "Rights", _rights),
    Facet("year", "Year", _year),
)


@dataclass(frozen=True)
class Value:
    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Counted:
    """A facet with its values, the most frequent first; `more` hides the rest until it is asked for."""

    name: str
    title: str
    values: list[Value]
    more: list[Value]
    left_out: int
    is_chosen: bool


def fitting(answer: SearchAnswer, chosen: Mapping[str, frozenset[str]]) -> list[ObservationRow]:
    """The rows that fit every facet's choice."""
    if not chosen:
        return answer.rows
    wanted = _wanted(chosen)
    return [
        row
        for row, keys in zip(answer.rows, _read(answer).keys, strict=True)
        if all(not values.isdisjoint(keys[place]) for place, values in wanted)
    ]


def counted(answer: SearchAnswer, chosen: Mapping[str, frozenset[str]]) -> list[Counted]:
    """Every facet with its counts. Facets with one value say nothing, unless it was chosen."""
    counts = _counts(_read(answer), _wanted(chosen))
    facets = [_facet(facet, counts[place], chosen.get(facet.name, frozenset())) for place, facet in enumerate(FACETS)]
    return [facet for facet in facets if len(facet.values) > 1 or facet.is_chosen]


def _wanted(chosen: Mapping[str, frozenset[str]]) -> Wanted:
    return tuple((place, chosen[facet.name]) for place, facet in enumerate(FACETS) if chosen.get(facet.name))


def _counts(read: _Read, wanted: Wanted) -> list[Counter[str]]:
    """Counted once for each choice: turning pages and sorting ask for the same ones again."""
    return once(read.counts, MOST_CHOICES, wanted, lambda: _count(read.kinds, wanted))


def _count(kinds: Mapping[Keys, int], wanted: Wanted) -> list[Counter[str]]:
    counts: list[Counter[str]] = [Counter() for _ in FACETS]
    for keys, number in kinds.items():
        missed = [place for place, values in wanted if values.isdisjoint(keys[place])]
        if len(missed) > 1:
            continue
        # What fits all but one facet counts for that one, and for no other.
        for place in missed or range(len(FACETS)):
            for value in keys[place]:
                counts[place][value] += number
    return counts


def _facet(facet: Facet, counts: Counter[str], chosen: frozenset[str]) -> Counted:
    names = sorted({*counts, *chosen}, key=lambda value: (value not in chosen, -counts[value], value))
    if facet.name in {"level", "year"}:
        names.sort(reverse=True)
    values = [Value(name, _label(facet, name), counts[name], name in chosen) for name in names]
    return Counted(
        facet.name,
        facet.title,
        values[:SHOWN],
        values[SHOWN:MOST_SHOWN],
        max(0, len(values) - MOST_SHOWN),
        bool(chosen),
    )


def _label(facet: Facet, value: str) -> str:
    try:
        return facet.label(value)
    except ValueError:
        # From the address, not from a row.
        return value


# --- what rows count under, kept for answers whose pages are turned ----------------------------------------------

MOST_KEPT: Final = 8
MOST_CHOICES: Final = 20
_kept: OrderedDict[tuple[str, dt.datetime], _Read] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True)
class _Read:
    """What each row of an answer counts under, how many rows under the same, and the counts under choices."""

    keys: list[Keys]
    kinds: Counter[Keys]
    counts: dict[Wanted, list[Counter[str]]] = field(default_factory=dict)


def _read(answer: SearchAnswer) -> _Read:
    name = (answer.query.key(), answer.fetched_at)
    found = _kept.get(name)
    if found is None:
        keys = [tuple(facet.keys(row) for facet in FACETS) for row in answer.rows]
        found = _Read(keys, Counter(keys))
        with _lock:
            _kept[name] = found
            while len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
    return found
