"""What `manage.py doctor` looks at, beyond the parts that `/api/health` reports: each finding is one sentence."""

from __future__ import annotations

import stat
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from django.conf import settings
from django.core.checks import WARNING, run_checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from jwstarchive.run import state
from mast import health
from mast.health import Part
from mast.imports import broker
from mast.models import ImportJob
from mast.terms import LIVE

PACKAGES = ("django", "celery", "redis", "astroquery", "astropy", "numpy")
REMOTE_TIMEOUT_S = 5.0
NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs"}


def findings() -> Iterator[Part]:
    """Everything looked at, the cheap and local first."""
    yield versions()
    yield running()
    yield from health.parts()
    if connection.vendor == "sqlite":
        yield sqlite()
    yield migrations()
    yield queue()
    yield permissions()
    yield safety()
    yield from remote()


def versions() -> Part:
    """What is installed."""
    found = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    message = ", ".join(f"{name} {number}" for name, number in found.items())
    return Part("versions", "missing" not in found.values(), f"{message}.", dict(found))


def running() -> Part:
    """Whether an `up` runs in this data directory; it need not, where the parts run as services of their own."""
    found = state.running(settings.RUN_DIR)
    if not found:
        return Part("up", True, f"No `up` runs in {settings.DATA_DIR}.", {"running": False})
    message = f"`up` runs as process {found['pid']} at {found['url']}."
    return Part("up", True, message, {"running": True, "pid": found["pid"], "url": found["url"]})


def sqlite() -> Part:
    """Whether SQLite is set up for several writers, on a disk that can lock."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        mode = str(cursor.fetchone()[0]).upper()
    file_system = _file_system(Path(str(settings.DATABASES["default"]["NAME"])))
    facts = {"journal_mode": mode, "file_system": file_system}
    if file_system in NETWORK_FILE_SYSTEMS:
        message = f"The SQLite database lies on {file_system}, which cannot lock it safely: use PostgreSQL."
        return Part("sqlite", False, message, facts)
    why = "" if mode == "WAL" else ": this SQLite has a fault in its write-ahead log, so writers take turns for longer"
    return Part("sqlite", True, f"Journal mode {mode}{why}.", facts)


def _file_system(path: Path) -> str:
    """The kind of file system a path lies on; empty where the kernel does not say."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return ""
    holding = [mount for mount in mounts if path.is_relative_to(mount[1])]
    return max(holding, key=lambda mount: len(mount[1]))[2] if holding else ""


def migrations() -> Part:
    """Whether the database is as this version wants it."""
    try:
        executor = MigrationExecutor(connection)
        waiting = [str(step[0]) for step in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    except DatabaseError:
        return Part("migrations", False, "Not known while the database does not answer.")
    if waiting:
        message = f"{len(waiting)} migrations wait: python3 manage.py migrate"
        return Part("migrations", False, message, {"waiting": waiting})
    return Part("migrations", True, "The database is up to date.", {"waiting": []})


def queue() -> Part:
    """How much work there is."""
    messages = broker.queue_length()
    try:
        jobs = ImportJob.objects.filter(state__in=LIVE).count()
    except DatabaseError:
        return Part("queue", False, "Not known while the database does not answer.")
    waiting = "an unknown number of messages" if messages is None else f"{messages} messages"
    message = f"{jobs} imports are under way, {waiting} in the queue."
    return Part("queue", messages is not None, message, {"jobs": jobs, "messages": messages})


def permissions() -> Part:
    """Whether what is secret is closed to other users of this machine."""
    secret = [settings.DATA_DIR / "keys", settings.RUN_DIR, *(settings.DATA_DIR / "keys").glob("*")]
    open_to_others = [str(path) for path in secret if path.exists() and _others_may(path)]
    if open_to_others:
        message = f"Other users can reach {', '.join(open_to_others)}: chmod go= them."
        return Part("permissions", False, message, {"open": open_to_others})
    return Part("permissions", True, "Keys and sockets are closed to other users.", {"open": []})


def safety() -> Part:
    """What Django's checks of an installation for others, and our own, find."""
    if settings.ACCESS == "open":
        return Part("safety", True, "Open to whoever uses this computer, and to nobody else: no logins.", {"found": []})
    checked = run_checks(include_deployment_checks=True)
    found = [message for message in checked if message.is_serious(WARNING) and not message.is_silenced()]
    if not found:
        return Part("safety", True, "With logins; Django's deployment checks find nothing.", {"found": []})
    words = " ".join(f"{message.msg.split('. ')[0].rstrip('.')} ({message.id})." for message in found)
    return Part("safety", False, words, {"found": [message.id for message in found]})


def _others_may(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO))


def remote() -> Iterator[Part]:
    """Whether MAST, its resolver and its bucket answer, asked at the same time."""
    bucket = settings.MAST_S3_ENDPOINT_URL or f"https://s3.{settings.MAST_S3_REGION}.amazonaws.com"
    addresses = {
        "mast": f"{settings.MAST_URL}/api/v0/invoke",
        "resolver": settings.MAST_RESOLVER_URL,
        "s3": f"{bucket}/{settings.MAST_S3_BUCKET}/",
    }
    with ThreadPoolExecutor() as pool:
        yield from pool.map(_reach, addresses, addresses.values())


def _reach(name: str, address: str) -> Part:
    """Any HTTP answer will do: these addresses want a question, and say so."""
    began = time.monotonic()
    request = urllib.request.Request(address, method="HEAD", headers={"User-Agent": "jwst-archive"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=REMOTE_TIMEOUT_S):  # noqa: S310 - http or https, says settings
            pass
    except urllib.error.HTTPError:
        pass
    except OSError as exc:
        reason = getattr(exc, "reason", exc)
        return Part(name, False, f"{address} cannot be reached: {reason}.", {"url": address})
    took_ms = round((time.monotonic() - began) * 1000)
    return Part(name, True, f"{address} answers in {took_ms} ms.", {"url": address, "answer_ms": took_ms})
