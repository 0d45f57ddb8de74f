"""Searches of MAST, kept so that the last good answer can be shown, with its age, while MAST is down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, OuterRef
from django.utils import timezone

from mast import errors, quota, terms, visibility
from mast.archive import products as archive_products
from mast.archive import search as archive_search
from mast.archive.answers import SearchAnswer
from mast.archive.query import Query
from mast.archive.rows import ProductRow
from mast.imports import planning, searchcache, upstream
from mast.models import CachedSearch, DataFile, Observation

IDS_A_QUERY = 500
"""ids in one condition; SQLite takes 32,766 values in a statement"""
PAGES_STAY = dt.timedelta(minutes=10)


@dataclass(frozen=True)
class SearchResult:
    """An answer, when it was asked if not just now, and how many files of each observation are in the library."""

    answer: SearchAnswer
    cached_at: dt.datetime | None = None
    held: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ProductList:
    """Files MAST lists for an observation that fit the choices. `left_out` pairs file names with reasons."""

    obs_id: str
    rows: list[ProductRow]
    total_bytes: int
    left_out: list[tuple[str, str]]


def turn_page(query: Query) -> SearchResult:
    """The answer for one of its pages, without what is held: one given just now is not asked for again."""
    kept = searchcache.find(query)
    if kept is None or timezone.now() - kept[1] > PAGES_STAY:
        quota.spend(quota.SEARCHES)
        return SearchResult(*_ask(query))
    return SearchResult(kept[0])


def kept_answer(query: Query) -> SearchAnswer | None:
    """The last good answer, however old, without asking MAST."""
    kept = searchcache.find(query)
    return kept[0] if kept else None


def search(query: Query, *, with_held: bool = True) -> SearchResult:
    """Ask MAST; while it is down, the last good answer to the same query.

    Raises
    ------
    BadQuery, TargetNotResolved, ArchiveError
    """
    quota.spend(quota.SEARCHES)
    answer, cached_at = _ask(query)
    held = held_counts(row.obs_id for row in answer.rows) if with_held else {}
    return SearchResult(answer, cached_at, held)


def _ask(query: Query) -> tuple[SearchAnswer, dt.datetime | None]:
    try:
        answer = archive_search.search(query, upstream.archive_config())
        searchcache.keep(query, answer)
    except errors.ArchiveError:
        kept = searchcache.find(query)
        if kept is None:
            raise
        return kept
    return answer, None


def whats_new(days_back: int = 7, instrument: str = "", limit: int = 50, offset: int = 0) -> SearchResult:
    """Observations released lately, newest first."""
    return search(
        Query(
            kind="recent",
            days_back=days_back,
            instrument=instrument,
            limit=limit,
            offset=offset,
            calib_levels=tuple(terms.SEARCH_LEVELS),
        )
    )


def list_products(
    obs_id: str, calib_levels: tuple[int, ...] | None = None, product_type: str = archive_products.ANY_TYPE
) -> ProductList:
    """The files MAST has of an observation, one row each. `calib_levels` None: of every level."""
    quota.spend(quota.SEARCHES)
    observation = planning.resolve(obs_id)
    rows = archive_products.products([observation.obsid], upstream.archive_config())
    levels = None if calib_levels is None else set(calib_levels)
    selection = archive_products.select(rows, levels=levels, product_type=product_type or archive_products.ANY_TYPE)
    return ProductList(
        obs_id=observation.obs_id,
        rows=selection.chosen,
        total_bytes=sum(row.size_bytes or 0 for row in selection.chosen),
        left_out=[(row.file_name, reason) for row, reason in selection.left_out],
    )


def held_counts(obs_ids: Iterable[str]) -> dict[str, int]:
    """How many files of each observation are in the library; observations with none are left out."""
    return {obs_id: sum(kinds.values()) for obs_id, kinds in held_kinds(obs_ids).items()}


def held_kinds(obs_ids: Iterable[str]) -> dict[str, dict[str, int]]:
    """How many files of which suffix of each observation are in the library; observations with none are left out."""
    wanted = _askable(obs_ids)
    kinds: dict[str, dict[str, int]] = {}
    for start in range(0, len(wanted), IDS_A_QUERY):
        part = wanted[start : start + IDS_A_QUERY]
        files = visibility.my_files().filter(observations__obs_id__in=part, state=DataFile.State.HELD)
        by_kind = files.values_list("observations__obs_id", "suffix").annotate(count=Count("pk")).order_by("suffix")
        for obs_id, suffix, count in by_kind:
            kinds.setdefault(obs_id, {})[suffix] = count
    return kinds


def held_among(obs_ids: Iterable[str]) -> set[str]:
    """Which of these observations have a file in the library; one query for twenty thousand of them."""
    wanted = _askable(obs_ids)
    here = visibility.my_files().filter(observations=OuterRef("pk"))
    held = Observation.objects.filter(Exists(here), obs_id__among=wanted)
    return set(held.order_by().values_list("obs_id", flat=True))


def _askable(obs_ids: Iterable[str]) -> list[str]:
    """Each once. PostgreSQL takes no NUL, not even to look for it."""
    return [obs_id for obs_id in dict.fromkeys(obs_ids) if "\x00" not in obs_id]


def kept_searches(limit: int = 8) -> list[tuple[dict[str, Any], dt.datetime, int]]:
    """The latest searches whose answers are kept: what was asked, when, and how many rows there are."""
    rows = CachedSearch.objects.order_by("-fetched_at").values_list("query", "fetched_at", "row_count")
    return list(rows.exclude(query__kind="recent")[:limit])
