"""What a person selected in the library: ticked rows, on one page or several, or all that match the filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

from django.db.models import QuerySet
from django.http import QueryDict

from dashboard.library import Asked
from mast import library, visibility
from mast.errors import BadQuery
from mast.models import DataFile, Observation
from mast.visibility import Reader
from mast.words import counted

T = TypeVar("T")

MOST: Final = 10_000


@dataclass(frozen=True)
class Selection:
    """Observations, or files. `noun` is what they are called."""

    is_files: bool
    ids: list[int]
    user: Reader

    @property
    def noun(self) -> str:
        return "file" if self.is_files else "observation"

    @property
    def counted(self) -> str:
        return counted(len(self.ids), self.noun)

    @property
    def named(self) -> dict[str, list[int]]:
        """What the audit is told of it."""
        return {f"{self.noun}s": self.ids}

    @property
    def rows(self) -> QuerySet[DataFile] | QuerySet[Observation]:
        """The selected rows themselves."""
        if self.is_files:
            return library.visible_files(self.user).filter(pk__in=self.ids)
        return visibility.observations(self.user).filter(pk__in=self.ids)

    @property
    def files(self) -> QuerySet[DataFile]:
        """The files selected, or those of the observations selected; each once."""
        visible = library.visible_files(self.user)
        if self.is_files:
            return visible.filter(pk__in=self.ids)
        listing = DataFile.observations.through.objects.filter(observation__in=self.ids)
        return visible.filter(pk__in=listing.values("datafile"))

    @property
    def obs_ids(self) -> list[str]:
        """The observations selected, or those the selected files came with."""
        rows = visibility.observations(self.user)
        rows = rows.filter(pk__in=self.files.values("observation") if self.is_files else self.ids)
        return list(rows.order_by("obs_id").values_list("obs_id", flat=True))


def of(posted: QueryDict, user: Reader) -> Selection:
    """The selection a form brings."""
    if posted.get("all"):
        return _matching(posted.get("matching", ""), user)
    if "file" in posted:
        ids = [int(text) for text in posted.getlist("file") if text.isascii() and text.isdigit() and len(text) < 16]
        files = library.visible_files(user).filter(pk__in=_limited(ids))
        return Selection(True, list(files.values_list("pk", flat=True)), user)
    # PostgreSQL takes no NUL, not even to look for it.
    names = [name for name in posted.getlist("obs_id") if "\x00" not in name]
    known = visibility.observations(user).filter(obs_id__in=_limited(names)).values_list("pk", flat=True)
    return Selection(False, list(known), user)


def _limited(chosen: list[T]) -> list[T]:
    if len(chosen) > MOST:
        raise BadQuery(f"{len(chosen):,} are selected; {MOST:,} at most can be taken at once.")
    return chosen


def _matching(query: str, user: Reader) -> Selection:
    asked = Asked.from_query(QueryDict(query))
    is_files = asked.view == "files"
    rows = library.files(asked.filters, user) if is_files else library.observations(asked.filters, user)
    ids = list(rows.prefetch_related(None).order_by().values_list("pk", flat=True)[: MOST + 1])
    if len(ids) > MOST:
        raise BadQuery(
            f"More than {MOST:,} match. Narrow them by a filter first.", fields={"all": f"takes {MOST:,} at most"}
        )
    return Selection(is_files, ids, user)
