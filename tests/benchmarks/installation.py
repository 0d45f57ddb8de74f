"""An archive of its own for a benchmark: a fresh database, a Valkey server, Celery workers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jwstarchive.run.valkey import Valkey
from tests.benchmarks.race import clean_environment, said_by
from tests.benchmarks.servers import Missing, free_port, running

ROOT = Path(__file__).resolve().parents[2]
_START = "import sys, django; django.setup(); from tests.benchmarks.jobs_child import main; main(sys.argv[1:])"
LIMIT_S = 600


@dataclass
class Installation:
    """One data directory and what runs on it."""

    data_dir: Path
    environment: dict[str, str]
    valkey: subprocess.Popen[bytes] | None = None

    def ask(self, *arguments: str) -> dict[str, Any]:
        """Run `jobs_child.py`; what it printed as JSON."""
        command = [sys.executable, "-c", _START, *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=LIMIT_S, cwd=ROOT)
        if done.returncode:
            raise Missing(f"{arguments[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
        return said_by(done.stdout)

    @contextmanager
    def workers(self, count: int = 1) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Worker process groups, each in a working directory of its own, taking messages from when this returns."""
        started: list[subprocess.Popen[bytes]] = []
        try:
            for number in range(count):
                started.append(self.start_worker(number))
            self.ask("ready", str(count))
            yield started
        finally:
            for process in started:
                process.send_signal(signal.SIGTERM)
            for process in started:
                _end(process)

    def start_valkey(self) -> None:
        server = Valkey.in_run_dir(self.data_dir / "run")
        server.prepare()
        with (self.data_dir / "valkey.log").open("ab") as output:
            self.valkey = subprocess.Popen(server.command(), stdout=output, stderr=output)
        _wait_for(server)

    def stop_valkey(self) -> None:
        if self.valkey is not None:
            self.valkey.terminate()
            _end(self.valkey)

    def restart_valkey(self) -> None:
        """Killed, and started again a moment later, as a supervisor does."""
        if self.valkey is not None:
            self.valkey.kill()
            self.valkey.wait()
        time.sleep(1)
        self.start_valkey()

    def start_worker(self, number: int) -> subprocess.Popen[bytes]:
        folder = self.data_dir / f"worker{number}"
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--loglevel", "WARNING", "--hostname", f"worker{number}@localhost"]
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "jwstarchive", "worker", *options]
        environment = self.environment | {"PYTHONPATH": str(ROOT)}
        with (folder / "output").open("wb") as output:
            return subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def installed(folder: Path, mast_url: str, *, database_url: str = "", **settings: str) -> Iterator[Installation]:
    """A migrated database and a Valkey server, nothing in either; SQLite where no database is given."""
    shutil.rmtree(folder, ignore_errors=True)
    environment = clean_environment() | {
        "JWST_DATA_DIR": str(folder), "MAST_ARCHIVE": "live", "MAST_URL": mast_url, "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "jwstarchive.settings", "STORAGE_MIN_FREE_GB": "0", **settings,
    }  # fmt: skip
    installation = Installation(folder, environment)
    installation.start_valkey()
    try:
        installation.ask("migrate")
        yield installation
    finally:
        installation.stop_valkey()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(server: Valkey) -> None:
    deadline = time.monotonic() + 20
    while not server.answers():
        if time.monotonic() > deadline:
            raise Missing("the Valkey server does not answer")
        time.sleep(0.02)


# --- PostgreSQL -------------------------------------------------------------------------------------------------


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The DATABASE_URL of a fresh database: on the server that DATABASE_URL names, else on one of our own."""
    with ExitStack() as stack:
        given = os.environ.get("DATABASE_URL", "")
        server = given if given.startswith("postgres") else stack.enter_context(_server(folder))
        yield stack.enter_context(_database(server))


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    initdb, postgres = shutil.which("initdb"), shutil.which("postgres")
    if not initdb or not postgres:
        raise Missing("PostgreSQL is missing: set DATABASE_URL, or sudo apt-get install postgresql")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # PostgreSQL refuses to run as root.
    other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if other:
        shutil.chown(folder, "postgres")
    port = free_port()
    make = [*other, initdb, "-D", str(folder / "cluster"), "-U", "archive", "--auth=trust", "-E", "UTF8"]
    subprocess.run(make, check=True, capture_output=True, cwd=folder)
    command = [*other, postgres, "-D", str(folder / "cluster"), "-p", str(port), "-k", "", "-h", "127.0.0.1"]
    with running(command, folder, port, at=folder):
        yield f"postgres://archive@127.0.0.1:{port}/postgres"
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database(server: str) -> Iterator[str]:
    import psycopg

    name = f"bench_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
