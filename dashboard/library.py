"""What the dashboard shows: the library by observation or by file, filtered, in order, page by page.

Filters, orders and pages are those of the API (`mast.library`, `mast.keyset`), under the same names: the page's query
is the export's. The number of queries does not depend on the number of rows, and no request counts a large library.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from django.db.models import Count, Exists, F, OuterRef, QuerySet, Sum, Window
from django.db.models.functions import RowNumber
from django.http import QueryDict
from pydantic.alias_generators import to_camel

from mast import errors, keyset, library
from mast.library import Filters
from mast.models import DataFile, Observation
from mast.visibility import Reader

OBSERVATIONS_A_PAGE: Final = 25
FILES_A_PAGE: Final = 50
FILES_SHOWN: Final = 4
TEXT_FILTERS: Final = ("instrument", "data_type", "program", "tag", "filter", "target", "suffix", "state")
DEFAULT_ORDERS: Final = {"observations": "-createdAt", "files": "-fetchedAt"}
_OBSERVATION_COLUMNS: Final = (
    "obs_id", "target_name", "instrument_name", "filters", "exposure_s", "t_min_mjd", "observed_at", "calib_level",
    "proposal_id", "proposal_pi", "created_at", "notes",
)  # fmt: skip
_FILE_COLUMNS: Final = (
    "file_name", "size_bytes", "suffix", "badge", "calib_level", "product_obs_id", "is_viewable", "view_reason",
    "state", "proof", "source", "fetched_at", "verified_at", "notes",
)  # fmt: skip
Listing = DataFile.observations.through
View = Literal["observations", "files"]


@dataclass(frozen=True)
class Asked:
    """The state of the page, as its URL has it."""

    view: View
    filters: Filters
    order: keyset.Order
    cursor: str
    columns: tuple[str, ...]

    @classmethod
    def from_query(cls, query: QueryDict) -> Asked:
        view: View = "files" if query.get("view") == "files" else "observations"
        texts: dict[str, Any] = {name: _text(query, to_camel(name)) for name in TEXT_FILTERS}
        orders = library.FILE_ORDERS if view == "files" else library.OBSERVATION_ORDERS
        order = keyset.order_of(query.get("ordering", ""), orders, DEFAULT_ORDERS[view])
        chosen = Filters(level=_level(query.get("level", "")), text=_text(query, "q"), **texts)
        return cls(view, chosen, order, query.get("cursor", "")[:2000], tuple(query.getlist("col")))


def _text(query: QueryDict, name: str) -> str:
    # PostgreSQL takes no NUL, not even to look for it.
    return query.get(name, "").replace("\x00", "").strip()[:200]


def _level(text: str) -> int | None:
    if not text:
        return None
    if text not in {"-1", "0", "1", "2", "3", "4"}:
        raise errors.BadQuery("The level must be a whole number from −1 to 4.", fields={"level": "from −1 to 4"})
    return int(text)


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
    """Entries by observation, or files; the cursor of those that follow."""

    entries: list[Entry]
    files: list[DataFile]
    next_cursor: str | None

    @property
    def is_empty(self) -> bool:
        return not self.entries and not self.files


def page(asked: Asked, user: Reader, broad: Collection[str] = ()) -> LibraryPage:
    """One page, by observation or by file. `broad` as in `mast.library.files`."""
    if asked.view == "files":
        return _of_files(asked, user, broad)
    return _of_observations(asked, user, broad)


def _of_files(asked: Asked, user: Reader, broad: Collection[str]) -> LibraryPage:
    about = [f"observation__{name}" for name in _OBSERVATION_COLUMNS]
    rows = library.files(asked.filters, user, broad).select_related("observation").defer(None)
    # Of observations each would first be asked whether it has a file to be seen: cheaper along the index.
    order = replace(asked.order, are_few=asked.filters.hits is not None)
    found = keyset.page(rows.only(*_FILE_COLUMNS, *about), order, limit=FILES_A_PAGE, cursor=asked.cursor)
    return LibraryPage([], found.rows, found.next)


def _of_observations(asked: Asked, user: Reader, broad: Collection[str]) -> LibraryPage:
    """Observations with the first of their files: four queries, and one more of a text that was looked up."""
    rows = library.observations(asked.filters, user, broad).only(*_OBSERVATION_COLUMNS)
    found = keyset.page(rows, asked.order, limit=OBSERVATIONS_A_PAGE, cursor=asked.cursor)
    entries = {row.pk: Entry(row) for row in found.rows}
    filters = asked.filters
    if filters.hits is not None:
        filters = replace(filters, hits=filters.hits.listed_by(entries))
    files = library.files(filters, user, broad).select_related(None).prefetch_related(None)
    # Asked row by row of this page: `datafile__in` would first look at every file of the library.
    listed = Listing.objects.filter(Exists(files.filter(pk=OuterRef("datafile_id"))), observation__in=list(entries))
    _add_sums(entries, listed)
    _add_files(entries, listed)
    return LibraryPage(list(entries.values()), [], found.next)


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
    for row in first.only("observation_id", *(f"datafile__{name}" for name in _FILE_COLUMNS)):
        entries[row.observation_id].files.append(row.datafile)
