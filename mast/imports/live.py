"""The numbers of the last second, in Redis: one hash per transfer, gone after a day. Losing them loses nothing."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import redis
from django.conf import settings

from mast import conf

log = logging.getLogger(__name__)

KEPT_S: Final = 24 * 3600
FRESH_S: Final = 15.0
"""older numbers have no speed any more"""
WINDOW_S: Final = 5.0
PAUSE_S: Final = 5.0
"""how long a Redis that did not answer is left alone"""


@dataclass(frozen=True)
class Numbers:
    """Where a transfer was when its worker last looked. Sizes in bytes, speed in bytes a second."""

    done_bytes: int
    total_bytes: int | None
    speed: float
    source: str
    message: str
    epoch: int
    at: float
    """Unix time of the worker"""

    @property
    def current_speed(self) -> float:
        return self.speed if abs(time.time() - self.at) < FRESH_S else 0.0


class Speed:
    """Bytes a second over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def of(self, done_bytes: int) -> float:
        now = time.monotonic()
        if self._seen and done_bytes < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now, done_bytes))
        while len(self._seen) > 2 and self._seen[0][0] < now - WINDOW_S:
            self._seen.popleft()
        took = now - self._seen[0][0]
        return (done_bytes - self._seen[0][1]) / took if took > 0 else 0.0


class _Connection:
    """One client a process, left alone for a while after a failure: a dead Redis must not slow a download."""

    def __init__(self) -> None:
        self._client: redis.Redis | None = None
        self._address = ""
        self._quiet_until = 0.0

    def run(self, commands: Sequence[tuple[Any, ...]]) -> list[Any] | None:
        """Answers to these commands, sent at once; None while Redis does not answer."""
        if time.monotonic() < self._quiet_until and self._address == settings.REDIS_URL:
            return None
        try:
            with self._open().pipeline(transaction=False) as pipeline:
                for command in commands:
                    pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
                return pipeline.execute()
        # Whatever the client stumbles over: no page fails for the numbers of the last second.
        except Exception as exc:
            is_expected = isinstance(exc, redis.RedisError | OSError)
            log.info("live numbers are not available: %s", exc, exc_info=None if is_expected else exc)
            self._quiet_until = time.monotonic() + PAUSE_S
            return None

    def _open(self) -> redis.Redis:
        if self._client is None or self._address != settings.REDIS_URL:
            self._address, self._quiet_until = settings.REDIS_URL, 0.0
            # Once more and at once: the server may have been started anew since the last time.
            self._client = conf.redis_client(tries=2)
        return self._client


_connection: Final = _Connection()


def commands(commands: Sequence[tuple[Any, ...]]) -> list[Any] | None:
    """Answers of the site's Redis to these commands; None while it does not answer."""
    return _connection.run(commands)


def queue_length() -> int:
    """How many messages wait for a worker; none when nobody can say."""
    answers = _connection.run([("LLEN", settings.CELERY_TASK_DEFAULT_QUEUE)])
    return int(answers[0]) if answers else 0


def _key(transfer_id: int) -> str:
    return f"transfer:{transfer_id}"


def write(numbers: Mapping[int, Numbers]) -> None:
    """Put the numbers of these transfers, replacing older ones."""
    commands: list[tuple[Any, ...]] = []
    for transfer_id, seen in numbers.items():
        fields = {
            "done": seen.done_bytes,
            "total": -1 if seen.total_bytes is None else seen.total_bytes,
            "speed": seen.speed,
            "source": seen.source,
            "message": seen.message,
            "epoch": seen.epoch,
            "at": seen.at,
        }
        commands.append(("HSET", _key(transfer_id), *(part for pair in fields.items() for part in pair)))
        commands.append(("EXPIRE", _key(transfer_id), KEPT_S))
    if commands:
        _connection.run(commands)


def read(transfer_ids: Iterable[int]) -> dict[int, Numbers] | None:
    """The numbers of these transfers; None while Redis does not answer."""
    ids = list(transfer_ids)
    answers = _connection.run([("HGETALL", _key(pk)) for pk in ids] or [("PING",)])
    if answers is None:
        return None
    found = {}
    for transfer_id, fields in zip(ids, answers, strict=False):
        if numbers := _decode(fields):
            found[transfer_id] = numbers
    return found


def _decode(fields: Any) -> Numbers | None:
    try:
        total = int(fields["total"])
        return Numbers(
            done_bytes=int(fields["done"]),
            total_bytes=None if total < 0 else total,
            speed=float(fields["speed"]),
            source=fields["source"],
            message=fields["message"],
            epoch=int(fields["epoch"]),
            at=float(fields["at"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


# --- answers that many ask for ----------------------------------------------------------------------------------


def remember(key: str, answer: bytes, stands_ms: int) -> None:
    """Keep an answer for every process of the site, for a moment."""
    _connection.run([("SET", f"answer:{key}", answer, "PX", stands_ms)])


def remembered(key: str) -> bytes | None:
    """An answer kept by any process, or None."""
    answers = _connection.run([("GET", f"answer:{key}")])
    found = answers[0] if answers else None
    return found.encode() if isinstance(found, str) else found
