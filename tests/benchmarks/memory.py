"""Does a larger file, or one more connection, cost more memory? Sparse files, so that 10 GB are cheap to serve."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks.peers import Lineup
from tests.benchmarks.race import LIMIT_S, OUT, run_measured, said_by
from tests.benchmarks.report import Report, Row, say
from tests.benchmarks.served import Sample, Shelf

BASE_MB = 20.0
CONNECTION_MB = 1.5


def flat_memory(
    report: Report, folder: Path, shelf: Shelf, lineup: Callable[[Sample], Lineup], sizes: Sequence[int]
) -> None:
    """Peak memory above the idle process that has the engine loaded, by file size and number of connections."""
    for size in sizes:
        for connections in (8, 16):
            sample = shelf.hollow(f"hollow{size}.fits", size)
            added_mb = _added(lineup(sample), sample, folder / "memory", connections)
            goal = BASE_MB + CONNECTION_MB * connections
            report.add(Row(f"memory added, {size / 1e6:,.0f} MB, {connections} connections", added_mb, goal, "MB"))
            sample.path.unlink()


def _added(line: Lineup, sample: Sample, folder: Path, connections: int) -> float | None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ours = line.ours(connections=connections)[1]
    command = [part.replace(OUT, str(folder / "out")) for part in ours.command]
    try:
        figures, output = run_measured(command, ours.environment, folder, LIMIT_S)
        out = folder / "out"
        if figures["status"] or not out.is_file() or out.stat().st_size != sample.size_bytes:
            say(f"!! {sample.name}: {output[-400:]}")
            return None
        said = said_by(output)
        return float(said["peak_mb"] - said["idle_mb"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
