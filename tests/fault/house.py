"""The whole archive as processes that can be killed one by one: Redis, two workers, the web server, the database."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from jwstarchive.run.checks import free_port
from jwstarchive.run.valkey import Valkey
from tests.fault.postgres import Postgres
from tests.stack.archive import OURS, ROOT, family, wait_until

WORKERS = ("worker 1", "worker 2")
NAMES = ("redis", "web", *WORKERS)
AWAY = (urllib.error.URLError, http.client.HTTPException, OSError)
"""what a caller meets while the web server is being killed"""


class House:
    """An archive on a folder of its own, asking `mast_url` for MAST; a context manager."""

    def __init__(self, folder: Path, mast_url: str, postgres: Postgres | None = None) -> None:
        self.folder = folder
        self.postgres = postgres
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self._valkey = Valkey.in_run_dir(folder / "run")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self._environment = inherited | {
            "DJANGO_SETTINGS_MODULE": "tests.fault.house_settings",
            "JWST_DATA_DIR": str(folder),
            "JWST_PORT": str(port),
            "DATABASE_URL": postgres.url if postgres else "",
            "MAST_ARCHIVE": "live",
            "MAST_URL": mast_url,
            "MAST_RESOLVER_URL": f"{mast_url}/Santa-war/query",
            "MAST_S3_ENDPOINT_URL": f"{mast_url}/s3",
            "DOWNLOAD_FILES": "2",
            "PYTHONPATH": str(ROOT),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.ended_by_themselves: list[str] = []
        """programs that nobody killed, and how they ended"""

    def __enter__(self) -> Self:
        self._valkey.prepare()
        migrate = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"]
        subprocess.run(migrate, env=self._environment, cwd=ROOT, check=True)
        for name in NAMES:
            self.start(name)
        wait_until(self.is_well, within_s=120)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for name in list(self._running):
            self.kill(name)

    # --- processes ---------------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        with (self.folder / f"{name.replace(' ', '-')}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                self._command(name), env=self._environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _command(self, name: str) -> list[str]:
        if name == "redis":
            return self._valkey.command()
        lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
        words = lines[name.partition(" ")[0]].removeprefix("exec ").split()
        return [*words, "--hostname", f"{name.replace(' ', '-')}@%h"] if name in WORKERS else words

    def kill(self, name: str) -> set[int]:
        """SIGKILL to a program and everything it started; the processes that are gone."""
        process = self._running.pop(name)
        gone = family(process.pid)
        process.kill()
        for pid in gone - {process.pid}:
            _signal(pid, signal.SIGKILL)
        if (code := process.wait(30)) != -signal.SIGKILL:
            self.ended_by_themselves.append(f"{name} with {code}")
        return gone

    def supervise(self) -> None:
        """Start again what ended by itself, as `up` does."""
        for name, process in list(self._running.items()):
            if (code := process.poll()) is not None:
                self.ended_by_themselves.append(f"{name} with {code}")
                self.start(name)

    def kill_a_child(self, name: str, choose: Callable[[list[int]], int]) -> set[int]:
        """SIGKILL to one process of a worker's pool, as the kernel does when memory runs out."""
        pid = self._running[name].pid
        children = sorted(family(pid) - {pid})
        if not children:
            return set()
        victim = choose(children)
        _signal(victim, signal.SIGKILL)
        return {victim}

    def freeze(self, name: str) -> set[int]:
        """SIGSTOP to a program and everything it started."""
        frozen = family(self._running[name].pid)
        for pid in frozen:
            _signal(pid, signal.SIGSTOP)
        return frozen

    def thaw(self, frozen: set[int]) -> None:
        for pid in frozen:
            _signal(pid, signal.SIGCONT)

    def forget_messages(self) -> None:
        """The queue is lost: what Redis had written is gone before it starts again."""
        shutil.rmtree(self._valkey.directory)
        self._valkey.prepare()

    # --- callers -----------------------------------------------------------------------------------------------

    def call(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(json.load(answer))

    def insist(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask until an answer comes, as a patient script does."""

        def answered() -> dict[str, Any] | None:
            try:
                return self.call(path, body)
            except urllib.error.HTTPError as exc:
                if exc.code not in {502, 503, 504}:
                    raise AssertionError(f"{path}: {exc.code} {exc.read().decode()}") from exc
            except AWAY:
                pass
            return None

        return dict(wait_until(answered, within_s=120))

    def is_well(self) -> bool:
        try:
            return all(self.call("/healthz")["parts"].values())
        except AWAY:
            return False

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the database holds; `psycopg.OperationalError` while it is away."""
        if self.postgres:
            with psycopg.connect(host=str(self.postgres.folder), user="postgres", dbname="postgres") as connection:
                return list(connection.execute(query.encode()))
        with closing(sqlite3.connect(self.folder / "db.sqlite3", timeout=30)) as connection:
            return list(connection.execute(query))

    def is_rid_of(self, pids: set[int]) -> bool:
        """Whether nothing is held any more by these processes."""
        try:
            owners = self.rows("SELECT owner FROM mast_transfer WHERE owner <> ''")
        except psycopg.OperationalError:
            return False
        return not pids & {int(owner.split(":")[1]) for (owner,) in owners}


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
