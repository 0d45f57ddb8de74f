"""What the job system adds to the engine: the last scenarios of `bench transfer`.

Celery, Valkey, the database, inspection and registration against the engine alone on the same files, both with sync
and SHA-256; a large import planned and queued; three worker process groups on one link.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.benchmarks import servers
from tests.benchmarks.installation import installed, postgresql
from tests.benchmarks.peers import OURS
from tests.benchmarks.portal import portal
from tests.benchmarks.race import Race
from tests.benchmarks.report import Row
from tests.benchmarks.served import Sample

if TYPE_CHECKING:
    from tests.benchmarks.bench_transfer import Bench

PLANNED = 20_000
LINK_BYTES_PER_S = 120_000_000
WORKERS = 3
MB = 1_000_000
MOST: Mapping[str, float] = {"PostgreSQL": 1.5, "SQLite": 2.0}
OBS_ID = "jw02733-o{:03d}_t001_nircam_clear-f090w"
DATABASES = tuple(MOST)


@contextmanager
def database(bench: Bench, name: str) -> Iterator[str]:
    """The DATABASE_URL of a fresh database."""
    if name == "SQLite":
        yield ""
        return
    with postgresql(bench.folder / "postgres") as url:
        yield url


def many_by_jobs(bench: Bench) -> None:
    """500 files of 1 MiB through the whole system, on either database."""
    for name in DATABASES:
        _against_engine(bench, name, bench.many, f"{len(bench.many)} x 1 MiB by a job, {name}", MOST[name])


def big_by_job(bench: Bench) -> None:
    """One file of 2 GiB through the whole system."""
    for name in DATABASES:
        _against_engine(bench, name, [bench.big], f"2 GiB by a job, {name}", 1.1)


def _against_engine(bench: Bench, name: str, samples: Sequence[Sample], what: str, goal: float) -> None:
    line = bench.lineup(samples, bench.nginx.url(), at_once=16)
    engine = line.ours(connections=None if len(samples) > 1 else 4)[1]
    held = {OBS_ID.format(1): [(sample.name, sample.size_bytes) for sample in samples]}
    jobs: list[dict[str, float]] = []
    alone: list[float] = []
    with portal(bench.folder / "portal", bench.nginx.portal_port, held):
        for _ in range(bench.sizes.runs):
            results = Race(bench.folder, samples, runs=1).run([engine])[engine.name]
            alone += [taken.said["fetch_s"] for taken in results]
            with (
                database(bench, name) as url,
                installed(bench.folder / "archive", bench.nginx.url(), database_url=url) as archive,
                archive.workers(),
            ):
                jobs.append(archive.ask("import", OBS_ID.format(1)))
    theirs = statistics.median(alone) if alone else None
    mine = statistics.median(job["taken_s"] for job in jobs)
    note = f"queued after {statistics.median(job['queued_s'] for job in jobs):.2f} s"
    bench.report.add(Row(what, mine, goal, "s", f"the engine alone ({OURS})", theirs, is_ratio=True, note=note))


def planning(bench: Bench) -> None:
    """20,000 products planned and queued."""
    names = [f"jw{1000 + n // 1000:05d}{n % 1000:03d}001_02101_00001_nrca1_i2d.fits" for n in range(PLANNED)]
    with portal(bench.folder / "portal", bench.nginx.portal_port, {OBS_ID.format(2): [(name, MB) for name in names]}):
        for name in DATABASES:
            with (
                database(bench, name) as url,
                installed(bench.folder / "archive", bench.nginx.url(), database_url=url) as archive,
            ):
                said = archive.ask("plan", OBS_ID.format(2))
            done = said["taken_s"] if said["items"] == PLANNED and said["messages"] else None
            note = f"{said['queries']} queries, {said['messages']} messages"
            bench.report.add(Row(f"{PLANNED:,} products planned and queued, {name}", done, 5.0, "s", note=note))


def three_workers(bench: Bench) -> None:
    """Three worker process groups in separate working directories fetch over one link."""
    samples = [
        bench.shelf.one(f"jw02733-o001_t{n:03d}_nircam_clear-f090w_i2d.fits", bench.sizes.middle // 5)
        for n in range(12)
    ]
    held = {OBS_ID.format(n): [(sample.name, sample.size_bytes)] for n, sample in enumerate(samples)}
    total = sum(sample.size_bytes for sample in samples)
    with (
        portal(bench.folder / "portal", bench.nginx.portal_port, held),
        servers.delayed(bench.environment.python, bench.nginx.ports["plain"], 2.0, link=LINK_BYTES_PER_S) as port,
        database(bench, "PostgreSQL") as url,
        installed(bench.folder / "archive", f"http://localhost:{port}", database_url=url) as archive,
        archive.workers(WORKERS),
    ):
        said = archive.ask("import", *held)
    link_s = total / LINK_BYTES_PER_S
    note = f"{total / said['taken_s'] / 1e6:.0f} MB/s of {LINK_BYTES_PER_S / 1e6:.0f}"
    # 0.9 of the link is reached when the time is at most 1 / 0.9 of the ideal one.
    bench.report.add(
        Row("three workers on one link", said["taken_s"], 1 / 0.9, "s", "ideal", link_s, is_ratio=True, note=note)
    )
