"""The last good answer to each query, deflated, in the database. Bounded: the oldest go first."""

from __future__ import annotations

import datetime as dt
import logging
import zlib
from dataclasses import asdict
from typing import Any, Final

import msgspec
from django.db import DatabaseError
from django.db.models.functions import Length

from mast.archive.answers import Resolved, SearchAnswer
from mast.archive.query import Query
from mast.archive.rows import ObservationRow, decode_rows
from mast.models import CachedSearch

log = logging.getLogger(__name__)

MOST_ANSWERS: Final = 500
MOST_BYTES: Final = 100_000_000
_PLAIN: Final = (
    "other_levels",
    "exclusive_count",
    "planned_count",
    "notes",
    "suggestions",
    "level3_holding",
    "total_count",
)


class _Kept(msgspec.Struct):
    facts: dict[str, Any]
    rows: list[msgspec.Raw]


def keep(query: Query, answer: SearchAnswer) -> None:
    """Remember an answer; a search does not fail because this does."""
    facts = {name: getattr(answer, name) for name in _PLAIN}
    facts["resolved"] = asdict(answer.resolved) if answer.resolved else None
    kept = _Kept(facts, [row.raw_json for row in answer.rows])
    fields = {
        "query": {"kind": query.kind, **query.to_params()},
        "answer": zlib.compress(msgspec.json.encode(kept), 1),
        "row_count": len(answer.rows),
        "fetched_at": answer.fetched_at,
    }
    try:
        CachedSearch.objects.update_or_create(key=query.key(), defaults=fields)
    except DatabaseError as exc:
        log.warning("a search answer was not kept: %s", exc)


def find(query: Query) -> tuple[SearchAnswer, dt.datetime] | None:
    """The last good answer to a query and when it was given."""
    row = CachedSearch.objects.filter(key=query.key()).first()
    if row is None:
        return None
    kept = msgspec.json.decode(zlib.decompress(row.answer), type=_Kept)
    facts = dict(kept.facts)
    facts["other_levels"] = {int(level): count for level, count in facts["other_levels"].items()}
    facts["resolved"] = Resolved(**facts["resolved"]) if facts["resolved"] else None
    rows = list(decode_rows(kept.rows, ObservationRow))
    return SearchAnswer(query=query, rows=rows, fetched_at=row.fetched_at, **facts), row.fetched_at


def prune() -> int:
    """Forget the oldest answers beyond the bounds; returns how many."""
    newest = CachedSearch.objects.order_by("-fetched_at")
    total, doomed = 0, []
    for number, (key, size) in enumerate(newest.annotate(size=Length("answer")).values_list("key", "size")):
        total += size
        if number >= MOST_ANSWERS or total > MOST_BYTES:
            doomed.append(key)
    return CachedSearch.objects.filter(key__in=doomed).delete()[0] if doomed else 0
