"""How much one person may ask for: searches and imports a minute, imports and bytes under way. With logins only.

Counted in Redis for the whole site; while Redis is away, in this process alone.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

import redis
from django.conf import settings
from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from mast import acting, conf, terms, words
from mast.errors import TooManyRequests
from mast.models import ImportItem, ImportJob, Transfer

WINDOW_S: Final = 60


@dataclass(frozen=True)
class Allowance:
    """Something that may be done so often a minute; `setting` says how often."""

    name: str
    setting: str
    words: str


SEARCHES: Final = Allowance("search", "SEARCHES_PER_MINUTE", "searches")
IMPORTS: Final = Allowance("import", "IMPORTS_PER_MINUTE", "imports")


def spend(allowance: Allowance) -> None:
    """Count one of these for whoever acts.

    Raises
    ------
    TooManyRequests : the minute's allowance is used up
    """
    user = acting.current().user
    if user is None or settings.ACCESS == "open":
        return
    window, into = divmod(int(time.time()), WINDOW_S)
    most = getattr(settings, allowance.setting)
    if _counted(f"jwst:quota:{allowance.name}:{user.pk}:{window}") > most:
        wait_s = WINDOW_S - into
        raise TooManyRequests(
            f"That was more than {most} {allowance.words} in a minute; go on in {wait_s} s.", retry_after_s=wait_s
        )


def refuse_too_many_jobs() -> None:
    """Refuse one more import to somebody of whom very many are under way.

    Raises
    ------
    TooManyRequests
    """
    user = acting.current().user
    if user is None or settings.ACCESS == "open":
        return
    live = ImportJob.objects.filter(owner=user.pk, state__in=terms.LIVE).count()
    if live >= settings.MOST_LIVE_JOBS:
        raise TooManyRequests(
            f"{live} imports of yours are under way; wait for some of them, or cancel some.", retry_after_s=WINDOW_S
        )


def refuse_too_many_bytes(more: int) -> None:
    """Refuse so many bytes more to somebody of whom very many are on their way.

    Raises
    ------
    TooManyRequests
    """
    user = acting.current().user
    most = settings.QUEUED_GB * 1_000_000_000
    if user is None or settings.ACCESS == "open" or not more:
        return
    mine = ImportItem.objects.filter(job__owner=user.pk, job__state__in=terms.LIVE)
    waiting = Transfer.objects.filter(pk__in=mine.values("transfer")).exclude(state=terms.JobState.COMPLETE)
    left = waiting.aggregate(left=Sum(Coalesce("total_bytes", "catalog_bytes", 0) - F("done_bytes")))["left"] or 0
    if left + more > most:
        raise TooManyRequests(
            f"This import brings {words.size(more)}, and {words.size(left)} of yours are on their way; more than "
            f"{words.size(most)} at once are not allowed. Wait for some of them, or cancel some.",
            retry_after_s=WINDOW_S,
        )


def _counted(key: str) -> int:
    try:
        with conf.redis_client() as client:
            count, _ = client.pipeline().incr(key).expire(key, 2 * WINDOW_S).execute()
            return int(count)
    except redis.RedisError:
        return _here.add(key)


class _Here:
    """Counts of this process; those of earlier minutes are dropped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, key: str) -> int:
        with self._lock:
            window = key.rpartition(":")[2]
            self._counts = Counter({k: n for k, n in self._counts.items() if k.rpartition(":")[2] == window})
            self._counts[key] += 1
            return self._counts[key]


_here: Final = _Here()
