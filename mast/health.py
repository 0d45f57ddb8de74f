"""Whether each part of the archive works, in words: for `/healthz`, `/api/health`, `doctor` and the start of `up`."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection

from mast import conf, counts
from mast.models import DataFile, Verification

WORKER_KEYS = "jwst:worker:"
# A worker that said nothing for this long is gone, or stuck.
WORKER_SILENCE_S = 20
WORKER_BEAT_S = 5.0


@dataclass(frozen=True)
class Part:
    """One part's state: a sentence for a person, facts for a script."""

    name: str
    ok: bool
    message: str
    facts: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def parts() -> list[Part]:
    """Every part, each asked once; none waits longer than about a second."""
    return [database(), redis_server(), worker(), disk(), files(), archive()]


def database() -> Part:
    """Whether the database answers, and in which version."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            facts = {"engine": connection.vendor, "version": _database_version()}
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA journal_mode")
                facts["journal_mode"] = str(cursor.fetchone()[0]).upper()
    except DatabaseError as exc:
        return Part("database", False, f"The database does not answer: {_first_line(exc)}")
    described = f"{connection.display_name} {facts['version']}"
    return Part("database", True, f"{described} answers.", facts)


def _database_version() -> str:
    return ".".join(str(number) for number in connection.get_database_version())


def redis_server() -> Part:
    """Whether Redis answers."""
    try:
        started = time.monotonic()
        info = conf.redis_client().info("server")
    except redis.RedisError as exc:
        return Part("redis", False, f"Redis does not answer, so nothing new is downloaded: {_first_line(exc)}")
    name = str(info.get("server_name", "redis")).capitalize()
    version = info.get(f"{name.lower()}_version") or info.get("redis_version")
    facts = {"server": name, "version": version, "answer_ms": round((time.monotonic() - started) * 1000, 2)}
    return Part("redis", True, f"{name} {version} answers.", facts)


def worker() -> Part:
    """Whether a worker has said lately that it runs."""
    try:
        names = sorted(
            str(key).removeprefix(WORKER_KEYS) for key in conf.redis_client().scan_iter(f"{WORKER_KEYS}*", count=1000)
        )
    except redis.RedisError:
        return Part("worker", False, "Whether a worker runs is not known while Redis does not answer.")
    if not names:
        return Part("worker", False, "No worker runs; imports wait until one does.", {"workers": []})
    count = "One worker runs" if len(names) == 1 else f"{len(names)} workers run"
    return Part("worker", True, f"{count}.", {"workers": names})


def worker_is_alive(name: str) -> None:
    """Called by each worker every few seconds. Redis may be away: the next call tells it."""
    try:
        conf.redis_client().set(f"{WORKER_KEYS}{name}", int(time.time()), ex=WORKER_SILENCE_S)
    except redis.RedisError:
        return


def worker_is_gone(name: str) -> None:
    """Called by a worker that stops."""
    try:
        conf.redis_client().delete(f"{WORKER_KEYS}{name}")
    except redis.RedisError:
        return


def disk() -> Part:
    """Whether the archive's disk can be written and has room."""
    folder = settings.ARCHIVE_DIR
    try:
        free = shutil.disk_usage(folder).free
    except OSError as exc:
        return Part("disk", False, f"The data folder {folder} cannot be read: {exc.strerror}.")
    facts = {"free_bytes": free, "min_free_bytes": conf.min_free_bytes(), "folder": str(folder)}
    if not os.access(folder, os.W_OK | os.X_OK):
        return Part("disk", False, f"The data folder {folder} cannot be written.", facts)
    if free < conf.min_free_bytes():
        return Part("disk", False, f"{free / conf.GB:.1f} GB are free, less than imports must leave free.", facts)
    return Part("disk", True, f"{free / conf.GB:.1f} GB are free.", facts)


def files() -> Part:
    """Whether every file is known to be whole, and when all were last read again."""
    try:
        wrong = {state: DataFile.objects.filter(state=state).count() for state in DataFile.WRONG}
        held = counts.by_state().get(DataFile.State.HELD, (0, 0))[0]
        last = Verification.objects.exclude(ended_at=None).first()
    except DatabaseError:
        return Part("files", False, "Whether the files are whole is not known while the database does not answer.")
    facts: dict[str, Any] = {"held": held} | {str(name): count for name, count in wrong.items()}
    if last is not None and last.ended_at is not None:
        facts["last_verification"] = {
            "ended_at": last.ended_at.isoformat(),
            "files": last.file_count,
            "bytes": last.read_bytes,
            "damaged": last.damaged_count,
            "missing": last.missing_count,
            "unknown": last.unknown_count,
        }
    return Part("files", not any(wrong.values()), _not_whole(wrong) + _last_verification(last), facts)


def _not_whole(wrong: dict[DataFile.State, int]) -> str:
    count = sum(wrong.values())
    if not count:
        return ""
    kinds = ", ".join(f"{number} {name}" for name, number in wrong.items() if number)
    return f"{count} {'file is' if count == 1 else 'files are'} not whole ({kinds}): fetch again. "


def _last_verification(last: Verification | None) -> str:
    if last is None or last.ended_at is None:
        return "No verification has read the whole shelf yet; the command archive_verify does."
    counts = {"damaged": last.damaged_count, "missing": last.missing_count, "unknown": last.unknown_count}
    found = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing wrong"
    return f"Last verification {last.ended_at:%Y-%m-%d %H:%M} UTC: {last.file_count:,} files read, {found} found."


def archive() -> Part:
    """Which MAST this archive talks to."""
    if settings.PRACTICE:
        return Part("archive", True, "The practice archive stands in for MAST.", {"mode": "practice"})
    return Part("archive", True, f"MAST at {settings.MAST_URL}.", {"mode": "live", "url": settings.MAST_URL})


def _first_line(exc: Exception) -> str:
    return str(exc).strip().partition("\n")[0] or type(exc).__name__
