"""`manage.py bench transfer`: bytes from a server to the disk, beside the programs people use for that.

Servers on loopback, whole processes, run in turn; journal, CRC and progress are on. The clock of a comparison stops
before the final sync and leaves SHA-256 out, because no peer does either; the rows "synced and hashed" count both, with
`sync` and `sha256sum` after the peer. `--quick` takes small files and one run, `--only NAME` one scenario, `--runs N`
so many runs of each contender.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks import jobs_scenarios as by_jobs
from tests.benchmarks import race, servers
from tests.benchmarks.killed import killed_at_half
from tests.benchmarks.memory import flat_memory
from tests.benchmarks.peers import OURS, PACKAGES, Environment, Lineup, say_what_is_missing
from tests.benchmarks.race import Race, Results, compare, compare_to_the_end, compare_to_the_floor
from tests.benchmarks.report import Report, Row, say
from tests.benchmarks.served import Sample, Shelf
from tests.benchmarks.servers import Missing, Nginx, seaweed

ROOT = Path(__file__).resolve().parents[2]
MIB = 1 << 20
RTT_MS = 30.0
FLOOR_THREADS = 4
AT_ONCE = 16
"""connections where a scenario says how many, for the peers too"""
MANY_AT_ONCE = 64
"""where round trips are long and a peer has hundreds of workers of its own accord"""
S5CMD_WORKERS = 256
WIDE = f"{OURS} x{MANY_AT_ONCE}"


@dataclass(frozen=True)
class Sizes:
    """In bytes; `runs` of each contender."""

    big: int = 2048 * MIB
    middle: int = 500_000_000
    small: int = MIB
    many: int = 500
    hollow: int = 10_000_000_000
    runs: int = 3


QUICK = Sizes(big=256 * MIB, middle=100_000_000, many=100, hollow=1_000_000_000, runs=1)


class Bench:
    """What every scenario needs: files, servers, peers, the table."""

    def __init__(self, report: Report, folder: Path, sizes: Sizes, nginx: Nginx, shelf: Shelf) -> None:
        self.report = report
        self.folder = folder
        self.sizes = sizes
        self.nginx = nginx
        self.shelf = shelf
        self.environment = Environment(folder / "peers")

    @property
    def big(self) -> Sample:
        return self.shelf.one(f"jw02733-o{self.sizes.big >> 20}_t001_nircam_big_i2d.fits", self.sizes.big)

    @property
    def middle(self) -> Sample:
        return self.shelf.one(f"jw02733-o{self.sizes.middle >> 20}_t001_nircam_middle_i2d.fits", self.sizes.middle)

    @property
    def many(self) -> list[Sample]:
        return self.shelf.many(self.sizes.many, self.sizes.small)

    def lineup(self, samples: Sequence[Sample], url: str, **options: object) -> Lineup:
        return Lineup(self.environment, samples, url, self.folder / "lists", **options)  # type: ignore[arg-type]

    def race(self, samples: Sequence[Sample]) -> Race:
        return Race(self.folder, samples, runs=self.sizes.runs)


# --- one file ---------------------------------------------------------------------------------------------------


def one_file(bench: Bench) -> None:
    """2 GiB over plain HTTP, as fast as it goes."""
    line = bench.lineup([bench.big], bench.nginx.url())
    libraries = ("obstore", "pycurl", "astroquery", "boto3", "astroquery cloud")
    results = bench.race([bench.big]).run(
        [
            *line.ours(), *line.floors(FLOOR_THREADS),
            line.cp(), line.s5cmd(), line.curl(), line.aria2c(), *map(line.library, libraries),
        ]
    )  # fmt: skip
    goals = {
        "obstore": 0.65, "pycurl": 0.60, "s5cmd": 0.60, "curl": 0.45, "aria2c": None, "astroquery": 0.30,
        "boto3": 0.22, "astroquery cloud": 0.18, "cp": 1.6,
    }  # fmt: skip
    compare(bench.report, "2 GiB", results, OURS, goals)
    compare_to_the_floor(bench.report, "2 GiB", results, OURS)
    _cpu(bench, "2 GiB: CPU a GB", results, 0.55)
    compare_to_the_end(bench.report, "2 GiB", results, OURS, "fastest")


def _cpu(bench: Bench, what: str, results: Results, goal: float) -> None:
    taken = race.median(results[OURS], lambda one: one.cpu_s)
    per_gb = None if taken is None else taken / (bench.big.size_bytes / 1e9)
    bench.report.add(Row(what, per_gb, goal, "s", note=race.cost(results[OURS])))


def tls(bench: Bench) -> None:
    """500 MB over TLS."""
    line = bench.lineup([bench.middle], bench.nginx.url("tls"), certificate=bench.nginx.certificate)
    libraries = ("pycurl", "obstore", "aiohttp", "httpx", "boto3")
    results = bench.race([bench.middle]).run(
        [
            *line.ours(), *line.floors(FLOOR_THREADS),
            line.s5cmd(), line.curl(), line.wget(), line.aria2c(), *map(line.library, libraries),
        ]
    )  # fmt: skip
    compare(bench.report, "TLS, 500 MB", results, OURS, {"fastest": 0.90, "boto3": 0.35})
    compare_to_the_floor(bench.report, "TLS, 500 MB", results, OURS)
    compare_to_the_end(bench.report, "TLS, 500 MB", results, OURS, "fastest")


# --- a slow server ----------------------------------------------------------------------------------------------


def slow(bench: Bench) -> None:
    """20 MB/s for each connection, 16 connections where that can be asked for."""
    line = bench.lineup([bench.middle], bench.nginx.url("slow"), at_once=AT_ONCE)
    libraries = map(line.library, ("astroquery", "astroquery cloud"))
    results = bench.race([bench.middle]).run(
        [*line.ours(connections=AT_ONCE), line.aria2c(), line.s5cmd(connections=AT_ONCE), *libraries],
        once=("astroquery", "astroquery cloud"),
    )
    _ideal(bench, "20 MB/s a connection", results, 0.0)
    goals = {"aria2c": 0.85, "s5cmd": None, "astroquery": 0.06, "astroquery cloud": 0.30}
    compare(bench.report, "20 MB/s a connection", results, OURS, goals)


def slow_and_far(bench: Bench) -> None:
    """The same with a round trip of 30 ms."""
    with servers.delayed(bench.environment.python, bench.nginx.ports["slow"], RTT_MS) as port:
        line = bench.lineup([bench.middle], f"http://localhost:{port}", at_once=AT_ONCE)
        results = bench.race([bench.middle]).run(
            [*line.ours(connections=AT_ONCE), line.aria2c(), line.s5cmd(connections=AT_ONCE), line.library("boto3")]
        )
    _ideal(bench, "20 MB/s a connection, 30 ms", results, RTT_MS / 1000)
    goals = {"aria2c": 0.85, "s5cmd": None, "boto3": None}
    compare(bench.report, "20 MB/s a connection, 30 ms", results, OURS, goals)


def _ideal(bench: Bench, what: str, results: Results, rtt_s: float) -> None:
    """The engine alone, as a worker that has it loaded sees it, against what the server gives at most.

    A handshake and a first request take two round trips before the first byte.
    """
    ideal_s = bench.middle.size_bytes / (AT_ONCE * servers.RATE_BYTES_PER_S) + 2 * rtt_s
    taken = race.median(results[OURS], lambda one: one.said["fetch_s"])
    bench.report.add(Row(what, taken, 1.05, "s", "ideal", ideal_s, is_ratio=True, note="without imports"))


# --- many files -------------------------------------------------------------------------------------------------


def many_files(bench: Bench) -> None:
    """500 files of 1 MiB, 16 at a time."""
    line = bench.lineup(bench.many, bench.nginx.url(), at_once=AT_ONCE)
    libraries = ("obstore", "requests", "aiohttp", "boto3", "astroquery")
    results = bench.race(bench.many).run(
        [
            *line.ours(), *line.floors(AT_ONCE),
            line.s5cmd(), line.curl(), line.aria2c(), *map(line.library, libraries),
            line.library("astroquery cloud", share=5),
        ],
        once=("astroquery", "astroquery cloud"),
    )  # fmt: skip
    goals: Mapping[str, float | None] = {
        "obstore": 1.0, "fastest": None, "boto3": None, "astroquery": 0.15, "astroquery cloud": 0.025,
    }  # fmt: skip
    compare(bench.report, "500 x 1 MiB", results, OURS, goals)
    compare_to_the_floor(bench.report, "500 x 1 MiB", results, OURS)
    compare_to_the_end(bench.report, "500 x 1 MiB", results, OURS, "obstore")


def many_files_far(bench: Bench) -> None:
    """The same with a round trip of 30 ms."""
    with servers.delayed(bench.environment.python, bench.nginx.ports["plain"], RTT_MS) as port:
        line = bench.lineup(bench.many, f"http://localhost:{port}", at_once=AT_ONCE)
        libraries = map(line.library, ("obstore", "requests", "aiohttp", "boto3"))
        wide = bench.lineup(bench.many, f"http://localhost:{port}", at_once=MANY_AT_ONCE)
        results = bench.race(bench.many).run(
            [
                *line.ours(), line.s5cmd(), line.curl(), line.aria2c(), *libraries,
                replace(wide.ours()[0], name=WIDE), line.s5cmd(workers=S5CMD_WORKERS),
                line.library("astroquery", share=5),
            ],
            once=("astroquery",),
        )  # fmt: skip
    few = {name: taken for name, taken in results.items() if name not in {WIDE, f"s5cmd x{S5CMD_WORKERS}"}}
    compare(bench.report, "500 x 1 MiB, 30 ms", few, OURS, {"fastest": 1.0, "obstore": None, "astroquery": 0.03})
    compare(bench.report, "500 x 1 MiB, 30 ms, 64 at once", results, WIDE, {f"s5cmd x{S5CMD_WORKERS}": 1.0})
    compare_to_the_end(bench.report, "500 x 1 MiB, 30 ms", few, OURS, "obstore")


# --- a real S3 server -------------------------------------------------------------------------------------------


def s3(bench: Bench) -> None:
    """500 MB from SeaweedFS."""
    with seaweed(bench.environment.weed, bench.folder / "seaweed", [bench.middle]) as url:
        line = bench.lineup([bench.middle], f"{url}/stpubdata/jwst/public", s3_url=url)
        results = bench.race([bench.middle]).run(
            [*line.ours(source="s3"), line.s5cmd(), line.curl(), *map(line.library, ("obstore", "boto3", "crt"))]
        )
    goals = {"obstore": 1.0, "s5cmd": None, "curl": None, "boto3": None, "crt": None}
    compare(bench.report, "SeaweedFS, 500 MB", results, OURS, goals)


# --- after a kill, and memory -----------------------------------------------------------------------------------


def killed(bench: Bench) -> None:
    """SIGKILL at half of 500 MB over 16 connections: what is fetched again."""
    line = bench.lineup([bench.middle], bench.nginx.url("slow"), at_once=AT_ONCE)
    ours = line.ours(connections=AT_ONCE)[1]
    peers = [line.aria2c(), line.s5cmd(connections=AT_ONCE), line.library("boto3")]
    killed_at_half(bench.report, bench.folder, bench.nginx, bench.middle, ours, peers, runs=bench.sizes.runs)


def memory(bench: Bench) -> None:
    """10 MB to 10 GB: the same memory."""
    sizes = [size for size in (10_000_000, 1_000_000_000, 10_000_000_000) if size <= bench.sizes.hollow]

    def line(sample: Sample) -> Lineup:
        return bench.lineup([sample], bench.nginx.url())

    flat_memory(bench.report, bench.folder, bench.shelf, line, sizes)


SCENARIOS: Mapping[str, Callable[[Bench], None]] = {
    "one-file": one_file,
    "tls": tls,
    "slow": slow,
    "slow-30ms": slow_and_far,
    "many": many_files,
    "many-30ms": many_files_far,
    "s3": s3,
    "killed": killed,
    "memory": memory,
    "many-by-jobs": by_jobs.many_by_jobs,
    "big-by-job": by_jobs.big_by_job,
    "planning": by_jobs.planning,
    "three-workers": by_jobs.three_workers,
}


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="manage.py bench transfer", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small files, one run: no verdict on speed")
    parser.add_argument("--only", choices=list(SCENARIOS), action="append", help="may be given several times")
    parser.add_argument("--runs", type=int, metavar="N", help="of each contender (default 3)")
    given = parser.parse_args(arguments)
    sizes = QUICK if given.quick else Sizes()
    sizes = replace(sizes, runs=given.runs or sizes.runs)
    folder = Path(os.environ.get("JWST_DATA_DIR") or ROOT / "data").resolve() / "bench"
    report = Report(f"bench transfer{', quick' if given.quick else ''}: bytes to the disk, beside what people use")
    report.start()
    say_what_is_missing()
    environment = Environment(folder / "peers")
    environment.make()
    say(servers.versions(environment.python, [package.partition("==")[0] for package in PACKAGES]))
    shelf = Shelf(folder / "www")
    with Nginx(folder / "nginx", shelf).run() as nginx:
        bench = Bench(report, folder, sizes, nginx, shelf)
        for name in given.only or SCENARIOS:
            _run(bench, name)
    return report.finish()


def _run(bench: Bench, name: str) -> None:
    """One scenario; one that cannot run is a goal missed."""
    try:
        SCENARIOS[name](bench)
    except Missing as exc:
        bench.report.add(Row(name, None, None, "", note=str(exc)))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    raise SystemExit(main(sys.argv[1:]))
