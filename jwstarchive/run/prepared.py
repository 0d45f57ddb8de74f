"""Whether the database is as this version of the code wants it, told without importing Django's models.

A mark beside the database says for which migrations it was last brought up to date. It is believed for SQLite only,
and only while the database still lists as many applied migrations; any doubt means that `prepare` runs, which is
always safe and takes about a second.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import django

from jwstarchive import settings


def _mark() -> Path:
    return Path(settings.ARCHIVE_DIR) / ".prepared.json"


def _wanted() -> str:
    """A digest of our migrations and of the versions of Django and of axes, which bring the others."""
    digest = hashlib.sha256(f"{django.__version__} {version('django-axes')}".encode())
    for path in sorted(settings.BASE_DIR.glob("*/migrations/*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _applied() -> int:
    """How many migrations the SQLite database lists; -1 for any other database, or none."""
    name = str(settings.DATABASES["default"]["NAME"])
    if not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") or not Path(name).is_file():
        return -1
    try:
        with closing(sqlite3.connect(f"{Path(name).as_uri()}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM django_migrations").fetchone()[0])
    except sqlite3.Error:
        return -1


def is_current() -> bool:
    """Whether `prepare` would find nothing to do."""
    try:
        mark = json.loads(_mark().read_text())
    except (OSError, ValueError):
        return False
    applied = _applied()
    return applied > 0 and bool(mark == {"wanted": _wanted(), "applied": applied})


def remember() -> None:
    """Note that the database has just been brought up to date."""
    _mark().write_text(json.dumps({"wanted": _wanted(), "applied": _applied()}))
