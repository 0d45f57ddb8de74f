"""How much one person may ask for: searches and imports a minute, imports under way. With logins only.

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

from mast import acting, conf, terms
from mast.errors import TooManyRequests
from mast.models import ImportJob

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
