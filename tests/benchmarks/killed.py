"""SIGKILL at half of a file, then the same command again: how many bytes the server had to send twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.race import LIMIT_S, OUT, Contender, clean_environment, sha256_of
from tests.benchmarks.report import Report, Row, say
from tests.benchmarks.served import Sample
from tests.benchmarks.servers import Nginx

GOAL_MB = 16 * 1.048576


def killed_at_half(
    report: Report,
    folder: Path,
    nginx: Nginx,
    sample: Sample,
    ours: Contender,
    peers: Sequence[Contender],
    *,
    runs: int,
) -> None:
    """The worst of several kills for ours; one for each peer."""
    kill = Kill(folder / "killed", nginx, sample)
    taken = [kill.run(ours) for _ in range(runs)]
    worst = None if None in taken else max(mb for mb in taken if mb is not None)
    report.add(Row("SIGKILL at half of 500 MB: fetched again", worst, GOAL_MB, "MB", note=f"worst of {runs}"))
    for peer in peers:
        report.add(Row("SIGKILL at half of 500 MB: fetched again", worst, None, "MB", peer.name, kill.run(peer)))


@dataclass
class Kill:
    """One contender after another, killed in the same place."""

    folder: Path
    nginx: Nginx
    sample: Sample

    def run(self, contender: Contender) -> float | None:
        """Megabytes sent beyond the file's size, by both runs; None when it did not end with the right file."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        before = self.nginx.sent()
        try:
            if not self._killed(contender):
                say(f"!! {contender.name} ended before it could be killed")
                return None
            status = self._start(contender).wait(LIMIT_S)
            sent = self.nginx.sent() - before
            out = self.folder / "out"
            if status or not out.is_file() or sha256_of(out) != self.sample.sha256:
                say(f"!! {contender.name}: the second run ended with {status} and not with the whole file")
                return None
            return (sent - self.sample.size_bytes) / 1e6
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, contender: Contender) -> subprocess.Popen[bytes]:
        command = [part.replace(OUT, str(self.folder / "out")) for part in contender.command]
        quiet = subprocess.DEVNULL
        environment = {**clean_environment(), **contender.environment}
        return subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet, start_new_session=True)

    def _killed(self, contender: Contender) -> bool:
        process = self._start(contender)
        deadline = time.monotonic() + LIMIT_S
        while _written(process.pid) < self.sample.size_bytes / 2:
            if process.poll() is not None or time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True


def _written(pid: int) -> int:
    """Bytes a process has written so far. The size of its files says nothing: their blocks may be set aside."""
    try:
        fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    except OSError:
        return 0
    return int(fields["wchar"])
