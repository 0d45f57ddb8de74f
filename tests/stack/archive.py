"""A whole archive started by `manage.py up`, in a data directory and on a port of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings as django_settings

from jwstarchive.run import checks, state

ROOT = Path(__file__).resolve().parents[2]
OURS = ("JWST_", "MAST_", "DJANGO_", "DOWNLOAD_", "STORAGE_", "REDIS_", "DATABASE_", "CELERY_", "PYTEST_")


class Archive:
    """One data directory, and the command line run on it."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.data_dir = folder / "data"
        # Not the project's own: people call commands from wherever they are.
        folder.mkdir(parents=True, exist_ok=True)
        self.called_from = folder
        self.port = checks.free_port()
        self.url = f"http://localhost:{self.port}"
        # What a person's shell holds: nothing of the settings these tests themselves run with.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        ours = {"JWST_DATA_DIR": str(self.data_dir), "JWST_PORT": str(self.port), "MAST_ARCHIVE": "practice"}
        self.environment = inherited | ours | {"DATABASE_URL": ""} | environment

    def manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.called_from,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        """Start one command in the foreground of nobody."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.called_from,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), *arguments]

    @property
    def run_dir(self) -> Path:
        return self.data_dir / "run"

    def state(self) -> dict[str, Any]:
        return state.running(self.run_dir)

    def healthz(self, host: str = "localhost") -> dict[str, Any]:
        with urllib.request.urlopen(f"http://{host}:{self.port}/healthz", timeout=10) as answer:
            return dict(json.load(answer))

    def log(self) -> str:
        return (self.run_dir / "logs" / "up.log").read_text()


@contextmanager
def started(folder: Path, *arguments: str, **environment: str) -> Iterator[Archive]:
    """An archive that is ready, on a database of its own; stopped at the end."""
    with database() as url:
        archive = Archive(folder, **{"DATABASE_URL": url} | environment)
        done = archive.manage("up", "--detach", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        try:
            yield archive
        finally:
            stopped = archive.manage("down")
            assert stopped.returncode == 0, stopped.stderr


@contextmanager
def database() -> Iterator[str]:
    """A DATABASE_URL: empty where the tests run on SQLite, else that of a fresh database beside the tests' own."""
    given = os.environ.get("DATABASE_URL", "")
    if not given.startswith("postgres"):
        yield ""
        return
    name = f"stack_{uuid.uuid4().hex[:12]}"
    own = str(django_settings.DATABASES["default"]["NAME"]).removeprefix("test_")
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield name.join(given.rsplit(own, 1))
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def processes() -> dict[int, tuple[int, str]]:
    """Every living process: id -> (parent, command line). The dead whom nobody has counted yet are left out."""
    listed = subprocess.run(["ps", "-ewwo", "pid,ppid,stat,args"], capture_output=True, text=True, check=True).stdout
    rows = (line.split(None, 3) for line in listed.splitlines()[1:])
    return {int(pid): (int(parent), command) for pid, parent, status, command in rows if not status.startswith("Z")}


def family(pid: int) -> set[int]:
    """A process, its children, theirs, and so on."""
    everybody = processes()
    found = {pid}
    while more := {child for child, (parent, _) in everybody.items() if parent in found} - found:
        found |= more
    return found


def child_of(pid: int, words: str) -> int:
    """The direct child whose command line holds these words; 0 when there is none."""
    return next((child for child, (parent, command) in processes().items() if parent == pid and words in command), 0)


def wait_until(is_so: Callable[[], Any], *, within_s: float = 20) -> Any:
    """What `is_so` returns as soon as that is true; an assertion fails when it stays false."""
    deadline = time.monotonic() + within_s
    while True:
        if found := is_so():
            return found
        assert time.monotonic() < deadline, f"not so within {within_s} s"
        time.sleep(0.05)
