"""A search's answer as the page shows it: filtered by facets, sorted, in pages, with the columns that were chosen.

The address of the page is its whole state; what it names wrongly is passed over rather than refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.http import QueryDict

from dashboard import resultcolumns, resultfacets
from dashboard.resultcolumns import Cell, Column
from mast import library, services, terms
from mast.archive import previews
from mast.archive.answers import SearchAnswer, is_exclusive
from mast.archive.rows import ObservationRow
from mast.visibility import Reader

PAGE_SIZE = 50
KINDS_NAMED = 3
"""suffixes of held files that a row names"""


@dataclass(frozen=True)
class Shown:
    """What of an answer is shown, as the address has it."""

    chosen: Mapping[str, frozenset[str]]
    sort: str
    columns: tuple[Column, ...]
    page: str

    @classmethod
    def from_query(cls, query: QueryDict, *, is_cone: bool = False) -> Shown:
        chosen = {
            facet.name: frozenset(value[:200] for value in query.getlist(facet.name)) for facet in resultfacets.FACETS
        }
        columns = resultcolumns.chosen(query.getlist("col"), is_cone=is_cone)
        return cls(
            {name: values for name, values in chosen.items() if values},
            resultcolumns.sort_of(query.get("sort", "")),
            columns,
            query.get("page", "1"),
        )


@dataclass(frozen=True)
class Held:
    """What is in the library of one observation: how many files of which suffix."""

    kinds: dict[str, int]

    @property
    def files(self) -> int:
        return sum(self.kinds.values())

    @property
    def words(self) -> str:
        """The suffixes of its files: `cat, i2d, segm`, and how many more there are."""
        kinds = [kind or "other" for kind in self.kinds]
        more = f" + {len(kinds) - KINDS_NAMED}" if len(kinds) > KINDS_NAMED else ""
        return ", ".join(kinds[:KINDS_NAMED]) + more

    @property
    def title(self) -> str:
        return ", ".join(f"{count} {kind or 'other'}" for kind, count in self.kinds.items())


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    row: ObservationRow
    held: Held
    thumb_id: int | None
    """a held file that shows what it looks like"""
    cells: list[Cell]

    @property
    def preview_uri(self) -> str:
        """MAST's own preview, where anybody may see it."""
        return "" if self.is_planned or is_exclusive(self.row) else previews.uri_of(self.row.preview_uri)

    @property
    def is_planned(self) -> bool:
        return self.row.calib_level == terms.CalibLevel.PLANNED

    @property
    def is_exclusive(self) -> bool:
        return is_exclusive(self.row)

    @property
    def released_at(self) -> datetime | None:
        return self.row.released_at

    @property
    def can_import(self) -> bool:
        return not self.is_planned


def matching(answer: SearchAnswer, shown: Shown) -> list[ObservationRow]:
    """The rows that fit the facets, in the order asked for."""
    return resultcolumns.ordered(resultfacets.fitting(answer, shown.chosen), shown.sort)


def importable(answer: SearchAnswer, shown: Shown) -> list[str]:
    """The obs_ids of `matching` that have files at all."""
    return [row.obs_id for row in matching(answer, shown) if row.calib_level != terms.CalibLevel.PLANNED]


def held_of(obs_id: str) -> Held:
    return Held(services.held_kinds([obs_id]).get(obs_id, {}))


def page_of(rows: Sequence[ObservationRow], shown: Shown) -> Page[ObservationRow]:
    return Paginator(rows, PAGE_SIZE).get_page(shown.page)


def as_lines(rows: Sequence[ObservationRow], shown: Shown, user: Reader) -> list[Line]:
    """The rows of one page: two queries."""
    held = services.held_kinds(row.obs_id for row in rows)
    pictures = _pictures(list(held), user)
    return [
        Line(
            row,
            Held(held.get(row.obs_id, {})),
            pictures.get(row.obs_id),
            [column.cell(row) for column in shown.columns],
        )
        for row in rows
    ]


def _pictures(obs_ids: Sequence[str], user: Reader) -> dict[str, int]:
    """A file of each held observation that shows it: of the highest level, the largest (later ones replace earlier)."""
    files = library.visible_files(user).filter(is_viewable=True, observations__obs_id__in=obs_ids)
    shown = files.exclude(suffix="segm").order_by("calib_level", "size_bytes")
    return dict(shown.values_list("observations__obs_id", "pk"))
