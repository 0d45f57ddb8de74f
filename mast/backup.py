"""A copy of everything that cannot be fetched again, and the archive made from it: database, keys, parts, files.

Taken while the archive runs. Files never change once they have their name, so they are hard links where the backup lies
on the same disk and copied once elsewhere; a second backup into the same folder copies only what is new.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.utils import timezone

from mast import conf
from mast.errors import BackupRefused

MANIFEST: Final = "backup.json"
DATABASE: Final = "database"
_KEYS: Final = "keys"


@dataclass(frozen=True)
class Copied:
    """What a backup or a restoration came to."""

    engine: str
    version: str
    made_at: str
    file_count: int
    size_bytes: int
    has_files: bool


def back_up(folder: Path, *, with_files: bool = True) -> Copied:
    """Copy the archive into a folder, which may hold an older backup of it.

    Raises
    ------
    BackupRefused
    """
    folder = folder.resolve()
    if folder.is_relative_to(settings.DATA_DIR):
        raise BackupRefused(f"{folder} is in the data directory itself: a backup there is lost with it.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Last comes the manifest: a folder without one is no backup yet.
    (folder / MANIFEST).unlink(missing_ok=True)
    # The database first: every file it names lies on the disk by then, and files stay.
    _dump(folder / DATABASE)
    _replace_tree(settings.DATA_DIR / _KEYS, folder / _KEYS)
    _replace_tree(Path(settings.PARTIAL_DIR), folder / "partial")
    copied = list(_add_files(Path(settings.FILES_DIR), folder / "files")) if with_files else []
    if with_files:
        # What was removed may be put back for thirty days; what was forgotten since goes from the backup too.
        _replace_tree(conf.trash_dir(), folder / "trash")
    done = Copied(connection.vendor, settings.VERSION, timezone.now().isoformat(), len(copied), sum(copied), with_files)
    (folder / MANIFEST).write_text(json.dumps(asdict(done), indent=1))
    return done


def restore(folder: Path) -> Copied:
    """Make the archive of a backup, in a data directory and a database that are empty.

    Raises
    ------
    BackupRefused
    """
    made = _manifest(folder)
    if made.engine != connection.vendor:
        raise BackupRefused(f"The backup is of {made.engine}, and DATABASE_URL names {connection.vendor}.")
    Path(settings.ARCHIVE_DIR).mkdir(parents=True, exist_ok=True, mode=0o700)
    _refuse_what_is_in_use()
    _replace_tree(folder / _KEYS, settings.DATA_DIR / _KEYS)
    _replace_tree(folder / "partial", Path(settings.PARTIAL_DIR))
    if made.has_files:
        list(_add_files(folder / "files", Path(settings.FILES_DIR)))
        _replace_tree(folder / "trash", conf.trash_dir())
    _load(folder / DATABASE)
    return made


def _manifest(folder: Path) -> Copied:
    try:
        return Copied(**json.loads((folder / MANIFEST).read_text()))
    except (OSError, ValueError, TypeError) as exc:
        raise BackupRefused(f"{folder} holds no finished backup.") from exc


def _refuse_what_is_in_use() -> None:
    if connection.introspection.table_names():
        raise BackupRefused("The database is not empty; restore into a new one.")
    for place in (settings.FILES_DIR, settings.PARTIAL_DIR):
        if Path(place).is_dir() and any(Path(place).iterdir()):
            raise BackupRefused(f"{place} is not empty; restore into a new data directory.")


# --- the database -----------------------------------------------------------------------------------------------


def _dump(place: Path) -> None:
    if connection.vendor == "sqlite":
        fresh = place.with_suffix(".fresh")
        fresh.unlink(missing_ok=True)
        source = str(connection.settings_dict["NAME"])
        with closing(sqlite3.connect(source, timeout=60)) as live, closing(sqlite3.connect(fresh)) as copy:
            live.backup(copy)
        fresh.chmod(0o600)
        fresh.replace(place)
        return
    _postgres(["pg_dump", "--format=custom", "--no-owner", "--file", str(place)])
    place.chmod(0o600)


def _load(place: Path) -> None:
    if connection.vendor != "sqlite":
        _postgres(["pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", "--dbname", "", str(place)])
        return
    connection.close()
    target = Path(str(connection.settings_dict["NAME"]))
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(place)) as copy, closing(sqlite3.connect(target)) as fresh:
        copy.backup(fresh)


def _postgres(command: list[str]) -> None:
    """Run one of PostgreSQL's programs on our database; the password goes by the environment, which `ps` hides."""
    program = shutil.which(command[0])
    if program is None:
        raise BackupRefused(f"{command[0]} is not installed; on Debian: apt install postgresql-client.")
    known: dict[str, Any] = connection.get_connection_params()
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "dbname",
             "PGSSLMODE": "sslmode", "PGSSLROOTCERT": "sslrootcert"}  # fmt: skip
    told = {name: str(known[key]) for name, key in names.items() if known.get(key)}
    words = [told.get("PGDATABASE", "") if word == "" else word for word in command[1:]]
    done = subprocess.run([program, *words], env=os.environ | told, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupRefused(f"{command[0]} failed: {done.stderr.strip().splitlines()[-1] if done.stderr else ''}")


# --- files ------------------------------------------------------------------------------------------------------


def _replace_tree(source: Path, target: Path) -> None:
    """The folder as it is now, in place of what was there."""
    shutil.rmtree(target, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_copy, ignore_dangling_symlinks=True)


def _copy(source: str, target: str) -> str:
    """A part may be finished, and gone, while it is copied: then its whole file is what counts."""
    try:
        return str(shutil.copy2(source, target))
    except FileNotFoundError:
        return target


def _add_files(source: Path, target: Path) -> Iterator[int]:
    """Every file that is not there yet; yields the size of each, of those that were there as well."""
    for path in sorted(source.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        place = target / path.relative_to(source)
        size = path.stat().st_size
        if not place.is_file() or place.stat().st_size != size:
            place.parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy(path, place)
        yield size


def _link_or_copy(path: Path, place: Path) -> None:
    fresh = place.with_name(f".{place.name}.fresh")
    fresh.unlink(missing_ok=True)
    try:
        os.link(path, fresh)
    except OSError:
        shutil.copy2(path, fresh)
    fresh.replace(place)
