"""What the library page shows: observations with the first of their files, and facets with counts.

Filters, orders and pages are those of the API (`mast.library`, `mast.keyset`), under the same names: the page's query
is the export's. The number of queries does not depend on the number of rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, QuerySet, Sum, Window
from django.db.models.functions import RowNumber
from django.http import QueryDict
from pydantic.alias_generators import to_camel

from mast import errors, keyset, library
from mast.library import Filters
from mast.models import DataFile, Observation
from mast.visibility import Reader

PAGE_SIZE = 50
FILES_SHOWN = 6
FACET_VALUES = 12
DEFAULT_ORDER = "-createdAt"
TEXT_FILTERS = ("instrument", "data_type", "program", "tag", "filter", "target", "suffix", "state")
COLUMNS = [
    ("obsId", "Observation"),
    ("targetName", "Target"),
    ("instrument", "Instrument"),
    ("filter", "Filter"),
    ("exposureTime", "Exposure (s)"),
    ("observationDate", "Date (UTC)"),
    ("calibrationLevel", "Level"),
]
Listing = DataFile.observations.through


@dataclass(frozen=True)
class Asked:
    """The state of the page, as its URL has it."""

    filters: Filters
    order: keyset.Order
    cursor: str

    @classmethod
    def from_query(cls, query: QueryDict) -> Asked:
        texts = {name: query.get(to_camel(name), "").strip()[:200] for name in TEXT_FILTERS}
        order = keyset.order_of(query.get("ordering", ""), library.OBSERVATION_ORDERS, DEFAULT_ORDER)
        chosen = Filters(level=_level(query.get("level", "")), text=query.get("q", "").strip()[:200], **texts)
        return cls(chosen, order, query.get("cursor", "")[:2000])


def _level(text: str) -> int | None:
    if not text:
        return None
    if text not in {"-1", "0", "1", "2", "3", "4"}:
        raise errors.BadQuery("The level must be a whole number from −1 to 4.", fields={"level": "from −1 to 4"})
    return int(text)


# --- one page ---------------------------------------------------------------------------------------------------


@dataclass
class Entry:
    """One observation with the first of its files."""

    observation: Observation
    files: list[DataFile] = field(default_factory=list)
    file_count: int = 0
    size_bytes: int = 0

    @property
    def more(self) -> int:
        return self.file_count - len(self.files)


@dataclass(frozen=True)
class LibraryPage:
    entries: list[Entry]
    next_cursor: str | None


def page(asked: Asked, user: Reader) -> LibraryPage:
    """Fifty observations with their files: four queries."""
    rows = library.observations(asked.filters, user)
    found = keyset.page(rows, asked.order, limit=PAGE_SIZE, cursor=asked.cursor)
    entries = {row.pk: Entry(row) for row in found.rows}
    files = library.files(asked.filters, user).select_related(None).prefetch_related(None)
    # Asked row by row of this page: `datafile__in` would first look at every file of the library.
    listed = Listing.objects.filter(Exists(files.filter(pk=OuterRef("datafile_id"))), observation__in=list(entries))
    _add_sums(entries, listed)
    _add_files(entries, listed)
    return LibraryPage(list(entries.values()), found.next)


def _add_sums(entries: dict[int, Entry], listed: QuerySet[Any]) -> None:
    sums = listed.values("observation_id").annotate(n=Count("pk"), total=Sum("datafile__size_bytes"))
    for pk, count, total in sums.values_list("observation_id", "n", "total"):
        entries[pk].file_count, entries[pk].size_bytes = count, total


def _add_files(entries: dict[int, Entry], listed: QuerySet[Any]) -> None:
    """The first few files of each observation: images first, higher levels first."""
    viewable, level = F("datafile__is_viewable").desc(), F("datafile__calib_level").desc(nulls_last=True)
    order = [viewable, level, F("datafile__file_name").asc()]
    ranked = listed.annotate(place=Window(RowNumber(), partition_by="observation_id", order_by=order))
    first = ranked.filter(place__lte=FILES_SHOWN).order_by("observation_id", "place").select_related("datafile")
    for row in first.defer("datafile__plan", "datafile__raw"):
        entries[row.observation_id].files.append(row.datafile)


# --- facets and totals ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FacetValue:
    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Facet:
    name: str
    title: str
    values: list[FacetValue]


@dataclass(frozen=True)
class Totals:
    observations: int
    is_exact: bool
    files: int
    size_bytes: int


def totals(chosen: Filters, user: Reader) -> Totals:
    """Of the filtered library; a file that several observations list counts once."""
    count, is_exact = keyset.count(library.observations(chosen, user), is_filtered=chosen.is_set)
    sums = _bare_files(chosen, user).aggregate(n=Count("pk"), total=Sum("size_bytes"))
    return Totals(count, is_exact, sums["n"], sums["total"] or 0)


def facets(chosen: Filters, user: Reader) -> list[Facet]:
    """Values to filter by, each with what it would leave: observations, or files for level and type."""
    level = "" if chosen.level is None else str(chosen.level)
    rows = _Counter(user)
    return [
        _facet(
            "instrument", "Instrument", chosen.instrument.upper(), rows.by_instrument(replace(chosen, instrument=""))
        ),
        _facet("level", "Level", level, rows.of_files(replace(chosen, level=None), "calib_level"), "Level {}".format),
        _facet("dataType", "Type", chosen.data_type, rows.of_files(replace(chosen, data_type=""), "badge")),
        _facet("program", "Program", chosen.program, rows.of_observations(replace(chosen, program=""), "proposal_id")),
        _facet("tag", "Tag", chosen.tag, rows.of_observations(replace(chosen, tag=""), "tags__name")),
    ]


def _facet(name: str, title: str, now: str, counts: Mapping[str, int], label: Callable[[str], str] = str) -> Facet:
    """The most frequent values, and the chosen one even when nothing is left of it."""
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:FACET_VALUES]
    if now and now not in dict(most):
        most.append((now, counts.get(now, 0)))
    return Facet(name, title, [FacetValue(value, label(value), count, value == now) for value, count in most])


def _bare_files(chosen: Filters, user: Reader) -> QuerySet[DataFile]:
    return library.files(chosen, user).select_related(None).prefetch_related(None).order_by()


@dataclass(frozen=True)
class _Counter:
    """Counts of what a user may see, under all filters but the one that is counted."""

    user: Reader

    def of_observations(self, chosen: Filters, column: str) -> dict[str, int]:
        rows = library.observations(chosen, self.user).prefetch_related(None).order_by()
        return _counted(rows.values_list(column).annotate(n=Count("pk", distinct=True)))

    def of_files(self, chosen: Filters, column: str) -> dict[str, int]:
        return _counted(_bare_files(chosen, self.user).values_list(column).annotate(n=Count("pk", distinct=True)))

    def by_instrument(self, chosen: Filters) -> dict[str, int]:
        # MAST joins instrument and mode (`NIRCAM/IMAGE`); people filter by instrument.
        counts: defaultdict[str, int] = defaultdict(int)
        for value, count in self.of_observations(chosen, "instrument_name").items():
            counts[value.partition("/")[0]] += count
        return dict(counts)


def _counted(rows: Iterable[tuple[Any, ...]]) -> dict[str, int]:
    return {str(value): count for value, count in rows if value not in {None, ""}}
