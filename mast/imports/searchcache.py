"""The last good answer to each query, deflated, in the database. Bounded: the oldest go first.

The few answers that are being paged through are kept decoded in this process as well: reading twenty thousand rows
from the database takes longer than a page may.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import zlib
from collections import OrderedDict
from dataclasses import asdict, replace
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


MOST_DECODED_ROWS: Final = 60_000
_decoded: OrderedDict[tuple[str, dt.datetime], SearchAnswer] = OrderedDict()
_lock = threading.Lock()


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
    else:
        _remember(query, answer)


def find(query: Query) -> tuple[SearchAnswer, dt.datetime] | None:
    """The last good answer to a query and when it was given."""
    kept = CachedSearch.objects.filter(key=query.key())
    fetched_at = kept.values_list("fetched_at", flat=True).first()
    if fetched_at is None:
        return None
    answer = _decoded.get((query.key(), fetched_at))
    if answer is None:
        row = kept.first()
        if row is None:
            return None
        answer = _read(query, row)
        _remember(query, answer)
    # The same answer may have been asked for in another spelling.
    return replace(answer, query=query), answer.fetched_at


def _read(query: Query, row: CachedSearch) -> SearchAnswer:
    kept = msgspec.json.decode(zlib.decompress(row.answer), type=_Kept)
    facts = dict(kept.facts)
    facts["other_levels"] = {int(level): count for level, count in facts["other_levels"].items()}
    facts["resolved"] = Resolved(**facts["resolved"]) if facts["resolved"] else None
    rows = list(decode_rows(kept.rows, ObservationRow))
    return SearchAnswer(query=query, rows=rows, fetched_at=row.fetched_at, **facts)


def _remember(query: Query, answer: SearchAnswer) -> None:
    with _lock:
        _decoded[query.key(), answer.fetched_at] = answer
        _decoded.move_to_end((query.key(), answer.fetched_at))
        while len(_decoded) > 1 and sum(len(kept.rows) for kept in _decoded.values()) > MOST_DECODED_ROWS:
            _decoded.popitem(last=False)


def prune() -> int:
    """Forget the oldest answers beyond the bounds; returns how many."""
    newest = CachedSearch.objects.order_by("-fetched_at")
    total, doomed = 0, []
    for number, (key, size) in enumerate(newest.annotate(size=Length("answer")).values_list("key", "size")):
        total += size
        if number >= MOST_ANSWERS or total > MOST_BYTES:
            doomed.append(key)
    return CachedSearch.objects.filter(key__in=doomed).delete()[0] if doomed else 0
