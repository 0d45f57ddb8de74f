"""Programs that do the same thing, run in turn as whole processes: wall time, CPU, peak memory, and what came out."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.report import Report, Row, say
from tests.benchmarks.served import Sample, warm

MEASURED = Path(__file__).with_name("measured.py")
OUT = "{out}"
"""stands in a command for the file, or the folder of files, that it is to make"""
LIMIT_S = 240
FLOOR = "floor: "


@dataclass(frozen=True)
class Contender:
    """One program, as its users run it."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    share: int = 1
    """it gets every so manieth file only; its time counts that many times"""
    keeps: bool = True
    """whether it leaves the files that it fetched"""


@dataclass(frozen=True)
class Taken:
    """One run, in s and MB; `synced_s` and `hashed_s` are what syncing and hashing its files took afterwards."""

    wall_s: float
    cpu_s: float
    rss_mb: float
    synced_s: float
    hashed_s: float
    said: dict[str, Any]


Results = dict[str, list[Taken]]


class Race:
    """`samples` fetched by every contender, over and over, into the same place."""

    def __init__(self, folder: Path, samples: Sequence[Sample], *, runs: int) -> None:
        self.samples = samples
        self.runs = runs
        self._folder = folder / "race"
        self._emptied = folder / "emptied"
        self._out = self._folder / "out"

    def run(self, contenders: Sequence[Contender], *, once: Sequence[str] = ()) -> Results:
        """Every run of every contender that went well; one that failed once is left out from there on.

        The slow ones named in `once` run in the first round only.
        """
        results: Results = {contender.name: [] for contender in contenders}
        failed: set[str] = set()
        for turn in range(self.runs):
            rotated = [*contenders[turn % len(contenders) :], *contenders[: turn % len(contenders)]]
            for contender in rotated:
                if contender.name in failed or (turn and contender.name in once):
                    continue
                taken = self._one(contender)
                if taken is None:
                    failed.add(contender.name)
                    results[contender.name] = []
                else:
                    results[contender.name].append(taken)
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.rmtree(self._emptied, ignore_errors=True)
        return results

    def _clean(self) -> None:
        """Put what the last run made out of the way, emptied.

        Not removed: ext4 without a journal passes over every inode that was freed in the last minute when it makes a
        file, and the next contender would pay for that.
        """
        if not self._folder.exists():
            return
        for path in self._folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                path.chmod(0o600)
                os.truncate(path, 0)
        self._emptied.mkdir(exist_ok=True)
        self._folder.rename(self._emptied / str(len(list(self._emptied.iterdir()))))

    def _one(self, contender: Contender) -> Taken | None:
        self._clean()
        self._folder.mkdir(parents=True)
        warm(self.samples)
        os.sync()
        figures, output = run_measured(
            [part.replace(OUT, str(self._out)) for part in contender.command], contender.environment, self._folder
        )
        if figures["status"] != 0:
            say(f"!! {contender.name} ended with {figures['status']}: {output[-400:]}")
            return None
        synced_s = _timed(self._sync)
        start = time.perf_counter()
        wrong = self._wrong(contender.share) if contender.keeps else ""
        hashed_s = time.perf_counter() - start
        if wrong:
            say(f"!! {contender.name}: {wrong}")
            return None
        share = contender.share
        wall_s, cpu_s = share * figures["wall_s"], share * figures["cpu_s"]
        return Taken(wall_s, cpu_s, figures["rss_mb"], share * synced_s, share * hashed_s, said_by(output))

    def _files(self, share: int) -> list[tuple[Sample, Path]]:
        if len(self.samples) == 1:
            return [(self.samples[0], self._out)]
        return [(sample, self._out / sample.name) for sample in self.samples[::share]]

    def _sync(self) -> None:
        files = [self._out] if self._out.is_file() else [*self._out.rglob("*"), self._out]
        for path in files:
            fd = os.open(path, os.O_RDONLY)
            os.fsync(fd)
            os.close(fd)

    def _wrong(self, share: int) -> str:
        for sample, path in self._files(share):
            if not path.is_file():
                return f"{path.name} was not made"
            if path.stat().st_size != sample.size_bytes:
                return f"{path.name} has {path.stat().st_size} bytes, not {sample.size_bytes}"
            if sample.sha256 and sha256_of(path) != sample.sha256:
                return f"{path.name} has other bytes than were served"
        return ""


def run_measured(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, limit_s: int = LIMIT_S
) -> tuple[dict[str, float], str]:
    """Run one command; its figures and what it printed."""
    output = folder / "printed"
    measured = [sys.executable, "-I", "-S", str(MEASURED), str(limit_s), str(output), *command]
    done = subprocess.run(measured, env={**clean_environment(), **environment}, capture_output=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures, output.read_text(errors="replace")


def clean_environment() -> dict[str, str]:
    """This process's variables without those that would change what is measured."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"AWS_EC2_METADATA_DISABLED": "true"}


def _timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def said_by(output: str) -> dict[str, Any]:
    """The JSON that a program of ours prints as its last line."""
    lines = output.strip().splitlines()
    try:
        said = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- into the table ---------------------------------------------------------------------------------------------


def median(taken: Sequence[Taken], value: Callable[[Taken], float] = lambda one: one.wall_s) -> float | None:
    return statistics.median(map(value, taken)) if taken else None


def compare(report: Report, what: str, results: Results, ours: str, goals: Mapping[str, float | None]) -> None:
    """A row for each peer; `fastest` stands for whichever of the others was that."""
    for peer, goal in goals.items():
        name = fastest(results, ours) if peer == "fastest" else peer
        theirs = results.get(name, [])
        label = f"fastest ({name})" if peer == "fastest" else name
        report.add(Row(what, median(results[ours]), goal, "s", label, median(theirs), is_ratio=True, note=cost(theirs)))


def fastest(results: Results, ours: str) -> str:
    """The fastest of the peers that fetch the whole of it from a server."""
    walls = {
        name: median(taken) for name, taken in results.items() if not name.startswith((ours, "cp", FLOOR)) and taken
    }
    return min(walls, key=lambda name: walls[name] or 0, default="none ran")


def compare_to_the_floor(report: Report, what: str, results: Results, ours: str) -> None:
    """What the same bytes cost without any care, step by step, in wall and in CPU: the bound of a scenario."""
    mine = results[ours]
    for name, theirs in results.items():
        if name.startswith(FLOOR):
            report.add(Row(what, median(mine), None, "s", name, median(theirs), is_ratio=True, note=cost(theirs)))


def cost(taken: Sequence[Taken]) -> str:
    if not taken:
        return "did not run"
    return f"{median(taken, lambda one: one.cpu_s):.2f} cpu s, {max(one.rss_mb for one in taken):.0f} MB"


def compare_to_the_end(report: Report, what: str, results: Results, ours: str, peer: str) -> None:
    """Ours with sync and SHA-256 beside a peer that is followed by `sync` and `sha256sum`."""
    peer = fastest(results, ours) if peer == "fastest" else peer
    theirs = median(results[peer], lambda one: one.wall_s + one.synced_s + one.hashed_s) if peer in results else None
    mine = results[f"{ours}, synced, hashed"]
    report.add(
        Row(
            f"{what}, synced and hashed",
            median(mine),
            None,
            "s",
            f"{peer} + sync + sha256sum",
            theirs,
            is_ratio=True,
            note=cost(mine),
        )
    )
