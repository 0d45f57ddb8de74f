"""Whose turn it is: users take turns, then the jobs of each, and within a job small files go before large ones.

What a user has under way counts, so that whoever comes late to a full queue is next, not last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import Coalesce, RowNumber

from mast import terms
from mast.models import Transfer

BATCH: Final = 50
"""small files that travel in one message"""
UNKNOWN_BYTES: Final = 1 << 50
"""A file whose size nobody knows is taken for a large one."""


@dataclass
class _Queue:
    """Messages of one job, or jobs of one user, and how much of theirs is under way already."""

    busy: float = 0.0
    messages: list[tuple[int, list[int]]] = field(default_factory=list)
    """(bytes of the first file, ids)"""


def messages(queued: QuerySet[Transfer], room: int, small_bytes: int) -> list[list[int]]:
    """Ids of queued transfers in at most `room` messages, the fairest order first."""
    users: dict[Any, dict[Any, _Queue]] = defaultdict(lambda: defaultdict(_Queue))
    taken: set[int] = set()
    for user, job, pairs in _by_job(queued, room):
        fresh = [(pk, size) for pk, size in pairs if pk not in taken]
        taken.update(pk for pk, _ in fresh)
        users[user][job].messages = list(_grouped(fresh, small_bytes))[:room]
    for user, job, busy in _under_way(small_bytes):
        if user in users:
            users[user][job].busy += busy
    return list(_in_turn(list(users.values()), room))


def _by_job(queued: QuerySet[Transfer], room: int) -> Iterator[tuple[Any, Any, list[tuple[int, int]]]]:
    """(user, job, [(id, bytes)]), the smallest files of each job first, as many as one job could be given."""
    size = Coalesce("total_bytes", "catalog_bytes", UNKNOWN_BYTES)
    rows = (
        Transfer.objects.filter(pk__in=queued.values("pk"))
        .annotate(size=size, job=F("items__job"), user=F("items__job__owner"))
        .annotate(place=Window(RowNumber(), partition_by=F("items__job"), order_by=(size.asc(), F("pk").asc())))
        .filter(place__lte=room * BATCH)
        .order_by("queued_at", "items__job__created_at", "job", "place")
        .values_list("user", "job", "pk", "size")
    )
    jobs: dict[tuple[Any, Any], list[tuple[int, int]]] = defaultdict(list)
    for user, job, pk, size_bytes in rows:
        jobs[user, job].append((pk, size_bytes))
    for (user, job), pairs in jobs.items():
        yield user, job, sorted(pairs, key=lambda pair: (pair[1], pair[0]))


def _grouped(pairs: Iterable[tuple[int, int]], small_bytes: int) -> Iterator[tuple[int, list[int]]]:
    """Small files together, each large one alone."""
    small: list[int] = []
    first = 0
    for pk, size in pairs:
        if size > small_bytes:
            if small:
                yield first, small
                small = []
            yield size, [pk]
            continue
        first = first if small else size
        small.append(pk)
        if len(small) == BATCH:
            yield first, small
            small = []
    if small:
        yield first, small


def _under_way(small_bytes: int) -> Iterator[tuple[Any, Any, float]]:
    """(user, job, messages' worth of files) that run or lie in the queue."""
    is_small = Q(total_bytes__lte=small_bytes) | Q(total_bytes=None, catalog_bytes__lte=small_bytes)
    sent = Q(state__in=terms.RUNNING) | Q(state__in=terms.ACTIVE, published_at__isnull=False)
    counted = (
        Transfer.objects.filter(sent)
        .values("items__job__owner", "items__job")
        .annotate(small=Count("pk", filter=is_small), large=Count("pk", filter=~is_small))
    )
    for row in counted:
        yield row["items__job__owner"], row["items__job"], row["large"] + row["small"] / BATCH


def _in_turn(users: list[dict[Any, _Queue]], room: int) -> Iterator[list[int]]:
    for _ in range(room):
        waiting = [jobs for jobs in users if any(job.messages for job in jobs.values())]
        if not waiting:
            return
        jobs = min(waiting, key=lambda jobs: (sum(job.busy for job in jobs.values()), _smallest(jobs)))
        job = min((job for job in jobs.values() if job.messages), key=lambda job: (job.busy, job.messages[0][0]))
        job.busy += 1
        yield job.messages.pop(0)[1]


def _smallest(jobs: dict[Any, _Queue]) -> int:
    return min(job.messages[0][0] for job in jobs.values() if job.messages)
