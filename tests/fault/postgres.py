"""A PostgreSQL server of the test's own, to be restarted and killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from tests.conftest import missing

PLACES = "/usr/lib/postgresql/*/bin"
ACCOUNT = "postgres"
"""who runs the server where the tests run as root, which it refuses to be"""


class Postgres:
    """One cluster on a Unix socket; a context manager. Skips the test where the programs are not installed."""

    def __init__(self) -> None:
        self._bin = _programs()
        # Short, for the socket's sake, and small letters only: it stands for the host in an address.
        self.folder = Path(tempfile.mkdtemp(prefix="jwst-pg-"))
        self.data = self.folder / "data"

    @property
    def url(self) -> str:
        return f"postgres://{ACCOUNT}@{str(self.folder).replace('/', '%2F')}/postgres"

    def __enter__(self) -> Self:
        self.data.mkdir(mode=0o700)
        if os.getuid() == 0:
            for path in (self.folder, self.data):
                shutil.chown(path, ACCOUNT)
        _as_account(self._bin / "initdb", "-D", self.data, "-U", ACCOUNT, "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses='' -c max_connections=100 -c fsync=off"
        self._control("start", "-w", "-l", self.folder / "log", "-o", options)

    def stop(self) -> None:
        """As a power cut stops it: nothing is finished, the log is played back at the next start."""
        self._control("stop", "-m", "immediate")

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill_a_backend(self) -> None:
        """SIGKILL to one connection's process: the server ends all of them and recovers by itself."""
        with psycopg.connect(host=str(self.folder), user=ACCOUNT, dbname="postgres", autocommit=True) as connection:
            query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' ORDER BY random() LIMIT 1"
            row = connection.execute(query).fetchone()
            assert row is not None
            os.kill(row[0], signal.SIGKILL)

    def _control(self, *arguments: object) -> None:
        _as_account(self._bin / "pg_ctl", "-D", self.data, "-s", *arguments)


def _programs() -> Path:
    found = sorted(path.parent for path in Path("/").glob(f"{PLACES[1:]}/initdb"))
    program = shutil.which("initdb")
    if not found and not program:
        missing("PostgreSQL's initdb")
    return found[-1] if found else Path(str(program)).resolve().parent


def _as_account(*command: object) -> None:
    words = [str(word) for word in command]
    if os.getuid() == 0:
        words = ["runuser", "-u", ACCOUNT, "--", *words]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd="/")
