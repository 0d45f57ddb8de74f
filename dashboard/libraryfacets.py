"""The dashboard's facets: values to narrow the library by, each with what it would leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from dashboard.library import Asked
from dashboard.templatetags import archive as write
from mast import tallies
from mast.tallies import Counts

SHOWN: Final = 8
MOST_SHOWN: Final = 40


@dataclass(frozen=True)
class Value:
    value: str
    label: str
    count: int
    chosen: bool
    title: str = ""


@dataclass(frozen=True)
class Facet:
    """A facet under the name its parameter has in the address; `more` hides the rare values."""

    name: str
    title: str
    values: list[Value]
    more: list[Value]


def _level(value: str) -> str:
    return f"Level {value}".replace("-", "−")


_FACETS: Final[tuple[tuple[str, str, str, Callable[[str], str]], ...]] = (
    ("instrument", "instrument", "Instrument", str),
    ("filter", "filter", "Filter", str),
    ("level", "level", "Level", _level),
    ("data_type", "dataType", "Type", str),
    ("suffix", "suffix", "Kind of file", str),
    ("program", "program", "Program", str),
    ("state", "state", "State", str),
)
_RARE: Final = {"state"}
"""facets that say nothing while every row has the same value"""


def of(found: Counts | None, asked: Asked) -> list[Facet]:
    """Every facet that has something to choose."""
    if found is None:
        return []
    chosen = asked.filters
    counted = tallies.by_facet(found, chosen, of_files=asked.view == "files")
    facets = []
    for name, parameter, title, label in _FACETS:
        now = "" if getattr(chosen, name) in {None, ""} else str(getattr(chosen, name))
        facet = _facet(name, parameter, title, now, counted[name], label)
        if facet.values and not (name in _RARE and len(facet.values) == 1 and not now):
            facets.append(facet)
    tags = _facet("tag", "tag", "Tag", chosen.tag, found.tags, str)
    return [*facets, tags] if tags.values else facets


def _facet(
    name: str, parameter: str, title: str, now: str, tally: Mapping[str, int], label: Callable[[str], str]
) -> Facet:
    """The most frequent values, and the chosen one even when nothing is left of it."""
    now = next((value for value in tally if value.lower() == now.lower()), now)
    names = [value for value in {*tally, now} if value and (tally.get(value) or value == now)]
    names.sort(key=lambda value: (value != now, -tally.get(value, 0), value))
    values = [
        Value(value, label(value), tally.get(value, 0), value == now, write.kind_of(value) if name == "suffix" else "")
        for value in names[:MOST_SHOWN]
    ]
    return Facet(parameter, title, values[:SHOWN], values[SHOWN:])
