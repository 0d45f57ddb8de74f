"""Counting the library: files and observations by the values people filter by (`tallies` says what filters leave).

A small library is counted when it is asked for. A large one is counted now and then by a worker and the counts are
kept: a request reads them, works out what a filter leaves from them, and says that they are of a little while ago. A
text or a tag, which the kept counts do not know, is counted among the first ten thousand files that fit.
"""

from __future__ import annotations

import datetime as dt
import threading
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

import msgspec
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from mast import library, tallies
from mast.library import Filters, Hits
from mast.models import DataFile, LibraryCount, Observation, Tag
from mast.recent import Recent
from mast.tallies import Counts, FileKey, ObservationKey, kind_of
from mast.visibility import Reader

KEPT_FROM: Final = 5_000
"""files from which on counts are kept"""
STAND: Final = dt.timedelta(minutes=1)
"""how old kept counts grow before a worker is asked for new ones"""
MOST_COUNTED: Final = 10_000
_recent: Final = Recent(seconds=30, most=16)
"""counts among files that were looked up, by their ids: turning pages and sorting ask for the same ones again"""
_texts: Final = Recent(seconds=10, most=16)
"""files of a large library that say a text; whoever lists them asks again which of them may be seen"""
_large: Final = Recent(seconds=10)
"""whether the library is large: either way of counting does for a library about to become the other"""
BROAD: Final = 2_000
"""rows from which on a filter is asked of each row instead of looked up"""


def of(chosen: Filters, user: Reader) -> tuple[Counts | None, Filters]:
    """The counts that facets under these filters are worked out from; None while nobody has counted yet.

    With them the same filters, in which the files that say a text, once looked up, stand for the text: of a text that
    is everywhere the first ten thousand, which the page says.
    """
    if not is_large():
        return _now(chosen, user), chosen
    unknown = _unkept(chosen)
    if not unknown.is_set:
        return kept(), chosen
    is_partial = False
    if chosen.text:
        hits, is_partial = _texts.get((chosen.text, getattr(user, "pk", None)), lambda: _saying(chosen.text, user))
        chosen = replace(chosen, text="", hits=hits)
    return replace(_few(_unkept(chosen), user), is_partial=is_partial), chosen


def _unkept(chosen: Filters) -> Filters:
    """The filters that counts by value do not know."""
    return Filters(
        obs_id=chosen.obs_id,
        base_id=chosen.base_id,
        target=chosen.target,
        tag=chosen.tag,
        text=chosen.text,
        hits=chosen.hits,
    )


def is_large() -> bool:
    """Whether the library is, or was a moment ago, too large to be counted for each page."""
    return _large.get(KEPT_FROM, lambda: DataFile.objects.order_by("pk")[KEPT_FROM - 1 : KEPT_FROM].exists())


def broad(chosen: Filters, counts: Counts | None) -> Collection[str]:
    """Filters that each leave so many rows that looking them up by index would be a mistake."""
    wanted = tallies.wanted_values(chosen)
    if counts is None:
        return () if not is_large() else frozenset(wanted)
    return {name for name, value in wanted.items() if tallies.alone(counts, name, value) > BROAD}


# --- counting ---------------------------------------------------------------------------------------------------


def _now(chosen: Filters, user: Reader) -> Counts:
    unknown, kinds = _unkept(chosen), tallies.of_kinds(chosen)
    files = _bare(library.files(unknown, user))
    fitting = replace(unknown, level=kinds.level, data_type=kinds.data_type, suffix=kinds.suffix, state=kinds.state)
    rows = _bare(library.observations(fitting, user))
    return Counts(_files_of(files), _observations_of(rows), _tags_of(rows), kinds=kinds)


def _few(unknown: Filters, user: Reader) -> Counts:
    """Among the first files that fit what is not kept."""
    hits = unknown.hits
    if hits and unknown == Filters(hits=hits):
        return _recent.get(hits.files, lambda: _among(hits))
    some = frozenset(_bare(library.files(unknown, user)).values_list("pk", flat=True)[: MOST_COUNTED + 1])
    return _recent.get(some, lambda: _among(Hits.of(some)))


def _saying(text: str, user: Reader) -> tuple[Hits, bool]:
    """The first files that say this, and whether there are more."""
    found = library.mentioning_files(text, user, MOST_COUNTED)
    return Hits.of(frozenset(found[:MOST_COUNTED])), len(found) > MOST_COUNTED


def _among(hits: Hits) -> Counts:
    """Counted here rather than by the database, which would put ten thousand rows together twice and sort them."""
    kinds = ("calib_level", "badge", "suffix", "state", "size_bytes")
    rows = list(DataFile.objects.filter(pk__among=hits.files).values_list("observation_id", *kinds))
    wanted = hits.observations | {row[0] for row in rows}
    named = Observation.objects.filter(pk__among=wanted)
    about: dict[int, ObservationKey] = {
        pk: (instrument, program, filters)
        for pk, instrument, program, filters in named.values_list("pk", "instrument_name", "proposal_id", "filters")
    }
    files: dict[ObservationKey, dict[FileKey, tuple[int, int]]] = defaultdict(dict)
    for observation, level, badge, suffix, state, size in rows:
        if observation in about:  # else removed a moment ago
            of_kind = files[about[observation]]
            kind = kind_of(level, badge, suffix, state)
            count, total = of_kind.get(kind, (0, 0))
            of_kind[kind] = (count + 1, total + (size or 0))
    observations = Counter(about[pk] for pk in hits.observations & about.keys())
    return Counts(dict(files), dict(observations), is_exact=len(hits.files) <= MOST_COUNTED)


def _bare(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.prefetch_related(None).order_by()


def _files_of(files: QuerySet[DataFile]) -> dict[ObservationKey, dict[FileKey, tuple[int, int]]]:
    about = ("observation__instrument_name", "observation__proposal_id", "observation__filters")
    kinds = ("calib_level", "badge", "suffix", "state")
    found: dict[ObservationKey, dict[FileKey, tuple[int, int]]] = defaultdict(dict)
    for *keys, count, size in files.values_list(*about, *kinds).annotate(
        n=Count("pk", distinct=True), size=Coalesce(Sum("size_bytes"), 0)
    ):
        instrument, program, filters, *kind = keys
        found[instrument, program, filters][kind_of(*kind)] = (count, size)
    return dict(found)


def _observations_of(rows: QuerySet[Observation]) -> dict[ObservationKey, int]:
    counted = rows.values_list("instrument_name", "proposal_id", "filters").annotate(n=Count("pk", distinct=True))
    return {(instrument, program, filters): count for instrument, program, filters, count in counted}


def _tags_of(rows: QuerySet[Observation]) -> dict[str, int]:
    tagged = Tag.objects.filter(observations__in=rows.values("pk"))
    return dict(tagged.values_list("name").annotate(n=Count("observations", distinct=True)).order_by())


# --- kept -------------------------------------------------------------------------------------------------------


class _Kept(msgspec.Struct):
    files: list[tuple[str, str, str, str, str, str, str, int, int]]
    observations: list[tuple[str, str, str, int]]
    tags: dict[str, int]
    states: dict[str, tuple[int, int]] = {}


_latest: Counts | None = None
_lock = threading.Lock()


def recount() -> Counts:
    """Count the whole library, as anybody may see it, and keep that; for a worker."""
    counted = _now(Filters(), None)
    counted.counted_at = timezone.now()
    counted.states = _states()
    kept_form = _Kept(
        [(*about, *kind, *sums) for about, kinds in counted.files.items() for kind, sums in kinds.items()],
        [(*about, count) for about, count in counted.observations.items()],
        counted.tags,
        counted.states,
    )
    body = zlib.compress(msgspec.json.encode(kept_form), 1)
    LibraryCount.objects.update_or_create(pk=1, defaults={"counted_at": counted.counted_at, "body": body})
    return counted


def kept() -> Counts | None:
    """The counts a worker made last, read once by each process."""
    global _latest
    counted_at = LibraryCount.objects.filter(pk=1).values_list("counted_at", flat=True).first()
    if counted_at is None:
        return None
    if _latest is None or _latest.counted_at != counted_at:
        row = LibraryCount.objects.get(pk=1)
        read = msgspec.json.decode(zlib.decompress(row.body), type=_Kept)
        files: dict[ObservationKey, dict[FileKey, tuple[int, int]]] = defaultdict(dict)
        for instrument, program, filters, level, badge, suffix, state, count, size in read.files:
            files[instrument, program, filters][level, badge, suffix, state] = (count, size)
        observations = {(row[0], row[1], row[2]): row[3] for row in read.observations}
        with _lock:
            _latest = Counts(dict(files), observations, read.tags, read.states, row.counted_at, is_exact=False)
    return _latest


def by_state() -> dict[str, tuple[int, int]]:
    """Files and bytes in each state: of a large library as counted last, nothing while nobody has."""
    if not is_large():
        return _states()
    last = kept()
    return last.states if last else {}


def _states() -> dict[str, tuple[int, int]]:
    rows = DataFile.objects.order_by().values_list("state").annotate(n=Count("pk"), size=Sum("size_bytes"))
    return {state: (count, size or 0) for state, count, size in rows}


def is_due() -> bool:
    """Whether the library is large and its kept counts are old or missing."""
    if not is_large():
        return False
    counted_at = LibraryCount.objects.filter(pk=1).values_list("counted_at", flat=True).first()
    return counted_at is None or timezone.now() - counted_at > STAND
