"""Several worker hosts over one PostgreSQL, one Redis and a shared directory, killed at random.

Each is a process group of its own in a working directory of its own and, where the kernel lets us, with a host name of
its own. CI runs a few kills; `manage.py test --release` runs many.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Self

import pytest

from tests.fault.house import ROOT, House
from tests.fault.postgres import Postgres
from tests.fault.sizes import size, trials
from tests.fault.test_processes import assert_all_complete, assert_all_whole, little_mast
from tests.stack.archive import wait_until

pytestmark = pytest.mark.one_database

HOSTS = ("host-1", "host-2", "host-3")
KILLS = size(5, 60)
RATE = 1.0
"""MB/s and connection"""


@cache
def renamed() -> list[str]:
    """The words that give a command a host name of its own; none where that is not allowed."""
    words = ["unshare", "--uts"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--uts"]
    if not shutil.which("unshare") or subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        return []
    return [*words, "sh", "-c", 'hostname "$0" && exec "$@"']


class Hosts(House):
    """The archive with three hosts of workers in place of two workers."""

    def __enter__(self) -> Self:
        self._valkey.prepare()
        migrate = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"]
        subprocess.run(migrate, env=self._environment, cwd=ROOT, check=True)
        for name in ("redis", "web", *HOSTS):
            self.start(name)
        wait_until(self.is_well, within_s=120)
        return self

    def start(self, name: str) -> None:
        if name not in HOSTS:
            super().start(name)
            return
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        line = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())["worker"]
        command = [*line.removeprefix("exec ").split(), "--hostname", f"{name}@{name}"]
        if renamed():
            command = [*renamed(), name, *command]
        with (folder / "log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                env=self._environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def owners(self) -> set[str]:
        """Hosts that hold something at this moment."""
        rows = self.rows("SELECT owner FROM mast_transfer WHERE owner <> ''")
        return {owner.partition("/")[0] for (owner,) in rows}


@pytest.mark.stack
@pytest.mark.release
@pytest.mark.timeout(900)
def test_three_hosts_killed_at_random_complete_every_job_and_double_nothing(tmp_path: Path) -> None:
    for trial in trials("worker hosts", 1, 3):
        with trial as chance, ExitStack() as stack:
            mast, sizes = little_mast(tmp_path / f"mast-{trial.number}", chance)
            server = mast.serve()
            stack.callback(mast.stop)
            server.rate = RATE
            postgres = stack.enter_context(Postgres())
            hosts = stack.enter_context(Hosts(tmp_path / f"site-{trial.number}", server.url, postgres))
            jobs = [hosts.insist("/api/mast/import", {"obsId": row["obs_id"]})["jobId"] for row in mast.observations]
            held = kill_at_random(hosts, chance)
            server.rate = None
            assert_all_complete(hosts, jobs)
            assert_all_whole(hosts, sizes)
            assert hosts.rows("SELECT count(*) FROM mast_datafile") == [(len(sizes),)]
            assert not renamed() or held <= set(HOSTS)


def kill_at_random(hosts: Hosts, chance: random.Random) -> set[str]:
    """SIGKILL to whole process groups, each started again after a moment; the hosts that were seen at work."""
    seen: set[str] = set()
    for _ in range(KILLS):
        wait_until(hosts.owners, within_s=60)
        seen |= hosts.owners()
        name = chance.choice(HOSTS)
        gone = hosts.kill(name)
        assert gone
        time.sleep(chance.uniform(0, 0.5))
        hosts.start(name)
    return seen
