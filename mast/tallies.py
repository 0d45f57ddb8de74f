"""What filters leave of counts: arithmetic on what was counted, which asks no database.

Each answer is worked out once for each set of counts.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from mast import terms
from mast.library import Filters
from mast.recent import once

MOST_REMEMBERED: Final = 500
ObservationKey: TypeAlias = tuple[str, str, str]
"""instrument, program, filters as MAST writes them"""
FileKey: TypeAlias = tuple[str, str, str, str]
"""level, badge, suffix, state"""
OBSERVATION_FACETS: Final = ("instrument", "program", "filter")
FILE_FACETS: Final = ("level", "data_type", "suffix", "state")


@dataclass
class Counts:
    """The library's files by observation and kind, its observations, and how many of each have a tag.

    `is_exact` is False where it was counted a while ago, or only in part.
    """

    files: dict[ObservationKey, dict[FileKey, tuple[int, int]]] = field(default_factory=dict)
    observations: dict[ObservationKey, int] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)
    states: dict[str, tuple[int, int]] = field(default_factory=dict)
    """files and bytes in each state, those included that only some may see"""
    counted_at: dt.datetime | None = None
    is_exact: bool = True
    is_partial: bool = False
    """more files say the text than were looked at"""
    kinds: Filters = field(default_factory=Filters)
    """the level, type and the like that `observations` have a file of"""
    alone: dict[tuple[str, str], int] = field(default_factory=dict)
    """files that one value alone leaves, as far as it was asked"""
    sums: dict[tuple[tuple[str, str], ...], Totals] = field(default_factory=dict)
    """totals under filters, as far as they were asked"""
    facets: dict[Hashable, dict[str, Counter[str]]] = field(default_factory=dict)
    """what `by_facet` found, as far as it was asked"""

    @property
    def version(self) -> str:
        return self.counted_at.isoformat() if self.counted_at else ""


@dataclass(frozen=True)
class Totals:
    """What some filters leave. Not exact when counted a while ago, or when files of one observation count apart."""

    observations: int
    files: int
    size_bytes: int
    is_exact: bool


def kind_of(level: int | None, badge: str, suffix: str, state: str) -> FileKey:
    """What a file counts under."""
    return ("" if level is None else str(level), badge, suffix, state)


def of_kinds(chosen: Filters) -> Filters:
    """The filters on a file's own kind."""
    return Filters(level=chosen.level, data_type=chosen.data_type, suffix=chosen.suffix, state=chosen.state)


def facet_values(about: ObservationKey, name: str) -> Iterable[str]:
    """What an observation counts under in one facet."""
    instrument, program, filters = about
    if name == "instrument":
        return (terms.split_instrument(instrument)[0],)
    return (program,) if name == "program" else terms.filters_of(filters)


def by_facet(counts: Counts, chosen: Filters, *, of_files: bool) -> dict[str, Counter[str]]:
    """For each facet what its values would leave under all other filters: observations, or files.

    Level, type, suffix and state are of files: they count files always.
    """
    key = (*wanted_values(chosen).items(), of_files)
    return once(counts.facets, MOST_REMEMBERED, key, lambda: _by_facet(counts, chosen, of_files=of_files))


def _by_facet(counts: Counts, chosen: Filters, *, of_files: bool) -> dict[str, Counter[str]]:
    wanted = wanted_values(chosen)
    found: dict[str, Counter[str]] = {name: Counter() for name in (*OBSERVATION_FACETS, *FILE_FACETS)}
    by_files = of_files or of_kinds(chosen) != counts.kinds
    for about, kinds in counts.files.items():
        missed = [name for name in OBSERVATION_FACETS if name in wanted and not _fits(about, name, wanted[name])]
        if len(missed) > 1:
            continue
        fitting = _add_kinds(found, kinds, wanted, is_counted=not missed)
        number = fitting if by_files else counts.observations.get(about, 0)
        for name in missed or OBSERVATION_FACETS:
            for value in facet_values(about, name):
                found[name][value] += number
    return found


def _add_kinds(
    found: Mapping[str, Counter[str]],
    kinds: Mapping[FileKey, tuple[int, int]],
    wanted: Mapping[str, str],
    *,
    is_counted: bool,
) -> int:
    """Count the kinds of some observations; how many of their files fit every filter."""
    fitting = 0
    for kind, (count, _) in kinds.items():
        missed = [place for place, name in enumerate(FILE_FACETS) if name in wanted and kind[place] != wanted[name]]
        if not missed:
            fitting += count
        if is_counted and len(missed) <= 1:
            for place in missed or range(len(FILE_FACETS)):
                found[FILE_FACETS[place]][kind[place]] += count
    return fitting


def totals(counts: Counts, chosen: Filters) -> Totals:
    """What these filters leave; added up once for each set of counts."""
    key = tuple(wanted_values(chosen).items())
    return once(counts.sums, MOST_REMEMBERED, key, lambda: _totals(counts, chosen))


def _totals(counts: Counts, chosen: Filters) -> Totals:
    wanted = wanted_values(chosen)
    by_kind = [name for name in FILE_FACETS if name in wanted]
    files = size = observations = 0
    for about, kinds in counts.files.items():
        if all(_fits(about, name, wanted[name]) for name in OBSERVATION_FACETS if name in wanted):
            observations += counts.observations.get(about, 0)
            for kind, (count, total) in kinds.items():
                if all(kind[FILE_FACETS.index(name)] == wanted[name] for name in by_kind):
                    files, size = files + count, size + total
    if of_kinds(chosen) == counts.kinds:
        return Totals(observations, files, size, counts.is_exact)
    return Totals(min(observations, files), files, size, is_exact=False)


def wanted_values(chosen: Filters) -> dict[str, str]:
    """The values that are asked for, by facet, as counts have them."""
    values = {
        "instrument": chosen.instrument.upper(),
        "program": chosen.program and terms.program_of(chosen.program),
        "filter": chosen.filter.upper(),
        "level": "" if chosen.level is None else str(chosen.level),
        "data_type": chosen.data_type.lower(),
        "suffix": chosen.suffix.lower(),
        "state": chosen.state.lower(),
    }
    return {name: value for name, value in values.items() if value}


def _fits(about: ObservationKey, name: str, value: str) -> bool:
    instrument, program, filters = about
    if name == "instrument":
        return instrument.upper().startswith(value)
    return program == value if name == "program" else value in filters.upper()


def alone(counts: Counts, name: str, value: str) -> int:
    """Files that this value alone leaves."""
    return once(counts.alone, MOST_REMEMBERED, (name, value), lambda: _alone(counts, name, value))


def _alone(counts: Counts, name: str, value: str) -> int:
    if name in OBSERVATION_FACETS:
        return sum(
            sum(count for count, _ in kinds.values())
            for about, kinds in counts.files.items()
            if _fits(about, name, value)
        )
    place = FILE_FACETS.index(name)
    return sum(count for kinds in counts.files.values() for kind, (count, _) in kinds.items() if kind[place] == value)
