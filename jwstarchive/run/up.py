"""`manage.py up`: everything this archive needs on one machine, started, watched and stopped together."""

from __future__ import annotations

import argparse
import http.client
import importlib
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from jwstarchive import settings
from jwstarchive.run import checks, detach, listening, prepared, state
from jwstarchive.run.logs import Log
from jwstarchive.run.probe import PATIENCE_S, Probe
from jwstarchive.run.supervisor import Program, Supervisor
from jwstarchive.run.valkey import Valkey

SAY_AFTER_S = 10.0
START_WITHIN_S = 70.0
GIVE_UP_AFTER_FAILURES = 4


def main(arguments: list[str]) -> int:
    """Run until a signal; return the exit status: 0 stopped or already running, 1 could not start, 2 bad settings."""
    options = _parser().parse_args(arguments)
    if options.detach:
        return detach.start_in_background([word for word in arguments if word != "--detach"])
    try:
        checks.data_dir_is_usable(settings.DATA_DIR)
        checks.files_share_a_disk(settings.DATA_DIR)
        with state.held_lock(settings.RUN_DIR):
            checks.port_is_free(listening.hosts(settings.HOST), settings.PORT)
            return Up(options).run()
    except state.AlreadyRunning as exc:
        url = state.running(settings.RUN_DIR).get("url", "it is still starting")
        print(f"Already running in {settings.DATA_DIR} (process {exc.pid}): {url}")
        return 0
    except (checks.Refused, ImproperlyConfigured) as exc:
        print(exc, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="manage.py up", description="Start the whole archive.")
    parser.add_argument("--detach", action="store_true", help="run in the background; `manage.py down` stops it")
    parser.add_argument("--verbose", action="store_true", help="show what every program prints")
    parser.add_argument("--rate", type=float, metavar="MB/S", help="how fast the practice archive sends files")
    parser.add_argument("--recorded", metavar="DIR", help="recorded MAST answers for the practice archive to serve")
    return parser


@dataclass(frozen=True)
class Admin:
    """The account made on the very first start, or nothing."""

    name: str = ""
    password: str = ""


class Up:
    """One run, from the first program started to the last one stopped."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.log = Log(settings.RUN_DIR / "logs", echo=options.verbose)
        self.supervisor = Supervisor(self.log)
        self.began = time.monotonic()
        self.practice_port = 0
        self.why_practice = ""

    def run(self) -> int:
        with self.supervisor:
            try:
                admin = self._start()
                if admin is None:
                    return 0 if self.supervisor.stop_requested else 1
                self._say_ready(admin)
                detach.let_go_of_terminal()
                self.supervisor.run(lambda: False)
            finally:
                self._stop()
        self.log.close()
        return 0

    # --- starting

    def _start(self) -> Admin | None:
        """Start everything and wait until it works; None when it does not."""
        # Whatever folder this was called from, every program finds our packages.
        ours = [str(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, ours))
        asked_to_find_out = os.environ.get("MAST_ARCHIVE", "") in {"", "auto"}
        probe = Probe(settings.MAST_URL) if asked_to_find_out else None
        self._start_redis()
        self._settle_archive(probe)
        admin = self._prepare()
        if admin is None:
            return None
        for name in ("web", "worker"):
            self.supervisor.start(_from_procfile(name))
        if not self._wait_until_healthy():
            return None
        self.supervisor.start(_from_procfile("beat"))
        return admin

    def _start_redis(self) -> None:
        if settings.env.str("REDIS_URL", default=""):
            return
        server = Valkey.in_run_dir(settings.RUN_DIR)
        server.prepare()
        self.supervisor.start(Program("redis", server.command()))

    def _settle_archive(self, probe: Probe | None) -> None:
        """Decide which MAST this run talks to; from here on every process is told."""
        if probe:
            self.supervisor.run(lambda: probe.is_over, timeout_s=PATIENCE_S, every_s=0.02)
            os.environ["MAST_ARCHIVE"] = "live" if probe.answered else "practice"
            self.why_practice = " (MAST cannot be reached)"
        if os.environ.get("MAST_ARCHIVE") == "practice":
            self.practice_port = checks.free_port()
        self._publish(redis_url="")
        # Read again: where the database and the files lie depends on the archive that was found.
        importlib.reload(settings)
        self._publish(settings.REDIS_URL)
        settings.ARCHIVE_DIR.mkdir(parents=True, exist_ok=True)
        settings.STATIC_ROOT.mkdir(exist_ok=True)
        if self.practice_port:
            self.supervisor.start(Program("practice", self._practice_command()))

    def _practice_command(self) -> list[str]:
        command = [sys.executable, "-m", "mast.practice", "--port", str(self.practice_port)]
        command += ["--data", str(settings.ARCHIVE_DIR / "catalogue")]
        for name in ("rate", "recorded"):
            if (value := getattr(self.options, name)) is not None:
                command += [f"--{name}", str(value)]
        return command

    def _publish(self, redis_url: str) -> None:
        practice_url = f"http://127.0.0.1:{self.practice_port}" if self.practice_port else ""
        found = state.UpState(
            pid=os.getpid(),
            url=listening.url(settings.HOST, settings.PORT),
            archive=settings.MAST_ARCHIVE,
            practice_url=practice_url,
            redis_url=redis_url,
            started=time.time(),
        )
        state.write(settings.RUN_DIR, found)

    def _prepare(self) -> Admin | None:
        """Bring the database up to date, unless nothing changed since it was; None when that failed."""
        if prepared.is_current():
            return Admin()
        program = Program("prepare", [sys.executable, str(settings.BASE_DIR / "manage.py"), "prepare"])
        if self.supervisor.run_once(program) != 0:
            print(f"The database could not be prepared: {self.log.last_words('prepare')}", file=sys.stderr)
            return None
        prepared.remember()
        words = self.log.last_words("prepare").split()
        return Admin(*words) if len(words) == 2 else Admin()

    # --- waiting

    def _wait_until_healthy(self) -> bool:
        """Wait for every part, saying what for when that changes; give up on a program that ends again and again."""
        said: list[str] = []
        until = time.monotonic() + START_WITHIN_S
        while True:
            self.supervisor.run(lambda: not self._ill() or bool(self._failing()), timeout_s=SAY_AFTER_S, every_s=0.05)
            if not (ill := self._ill()):
                return True
            if self.supervisor.stop_requested or self._failing():
                break
            if time.monotonic() >= until:
                print(f"Not ready: {', '.join(ill)}.", file=sys.stderr, flush=True)
                break
            if ill != said:
                print(f"Still waiting for {', '.join(ill)} …", file=sys.stderr, flush=True)
            said = ill
        for name in self._failing():
            print(f"{name} does not start: {self.log.last_words(name)}", file=sys.stderr)
        if not self.supervisor.stop_requested:
            print(f"The archive did not get ready; its log is {self.log.path}", file=sys.stderr)
        return False

    def _ill(self) -> list[str]:
        """The parts that do not answer yet."""
        if self.practice_port and _get_json(("127.0.0.1", self.practice_port), "/health") is None:
            return ["the practice archive"]
        parts = _healthz().get("parts")
        # A damaged file is no reason not to start.
        return ["the web server"] if not parts else [name for name, ok in parts.items() if not ok and name != "files"]

    def _failing(self) -> list[str]:
        return [name for name, child in self.supervisor.children.items() if child.failures >= GIVE_UP_AFTER_FAILURES]

    # --- the end

    def _stop(self) -> None:
        self.supervisor.stop(["beat", "web", "worker", "practice"])
        # The worker says goodbye through Redis, so that goes last.
        self.supervisor.stop(["redis"], patience_s=0.6)

    def _say_ready(self, admin: Admin) -> None:
        url = listening.url(settings.HOST, settings.PORT)
        mast = f"the practice archive{self.why_practice}" if settings.PRACTICE else settings.MAST_URL
        print(f"\n  JWST archive is ready   {url}")
        print(f"  API documentation       {url}/api/docs")
        print(f"  Searches                {mast}")
        print(f"  Files go to             {settings.FILES_DIR}")
        if admin.name:
            print(f"  Account for /admin/     {admin.name}, password {admin.password} (shown this once)")
        print(
            f"  Ready in {time.monotonic() - self.began:.1f} s. Ctrl-C stops it; its log is {self.log.path}\n",
            flush=True,
        )


def _from_procfile(name: str) -> Program:
    """The line of the Procfile, run as it stands with this Python's programs first on the path."""
    lines = (settings.BASE_DIR / "Procfile").read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{name}:"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {"PATH": path, "PYTHONUNBUFFERED": "1"}
    return Program(name, ["/bin/sh", "-c", line.partition(":")[2]], environment)


def _healthz() -> dict[str, Any]:
    host = listening.hosts(settings.HOST)[0]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return _get_json((host, settings.PORT), "/healthz") or {}


def _get_json(address: tuple[str, int], path: str) -> dict[str, Any] | None:
    connection = http.client.HTTPConnection(*address, timeout=2)
    try:
        connection.request("GET", path)
        found: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return found
