"""The archive's own processes killed, frozen and cut off while forty jobs run: rows P3, P7, S1 and S3 of the matrix."""

from __future__ import annotations

import hashlib
import random
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.fault import figures
from tests.fault.house import WORKERS, House
from tests.fault.postgres import Postgres
from tests.fault.sizes import RELEASE, size, trials
from tests.integration.little_mast import MB, LittleMast, fits_of
from tests.stack.archive import wait_until

JOBS = size(20, 40)
FAULTS = size(10, 20)
"""of one trial"""
BETWEEN_S = 2.0 if RELEASE else 0.2
RATE = 1.0
"""MB/s and connection"""
ENDED = ("complete", "failed", "cancelled")


class Trouble:
    """Faults of every kind, one after the other; what they were and how long the archive took to get over each."""

    def __init__(self, house: House, chance: random.Random) -> None:
        self.house = house
        self.fired: Counter[str] = Counter()
        self.recovered_s: list[float] = []
        self._chance = chance
        self._kinds = [self.worker, self.worker, self.child, self.web, self.redis, self.emptied_redis]
        self._kinds += [self.backend, self.database] if house.postgres else []

    def next(self) -> None:
        """One fault, or two at once."""
        self.house.supervise()
        for make in self._chance.sample(self._kinds, k=self._chance.choice([1, 1, 1, 2])):
            self.fired[make.__name__.replace("_", " ")] += 1
            began = time.monotonic()
            gone = make()
            wait_until(lambda gone=gone: self.house.is_rid_of(gone), within_s=150)
            self.recovered_s.append(time.monotonic() - began)

    def worker(self) -> set[int]:
        return self._killed(self._chance.choice(WORKERS))

    def child(self) -> set[int]:
        return self.house.kill_a_child(self._chance.choice(WORKERS), self._chance.choice)

    def web(self) -> set[int]:
        return self._killed("web")

    def redis(self) -> set[int]:
        return self._killed("redis")

    def emptied_redis(self) -> set[int]:
        return self._killed("redis", then=self.house.forget_messages)

    def backend(self) -> set[int]:
        assert self.house.postgres
        self.house.postgres.kill_a_backend()
        return set()

    def database(self) -> set[int]:
        assert self.house.postgres
        self.house.postgres.stop()
        time.sleep(self._chance.uniform(0, 1))
        self.house.postgres.start()
        return set()

    def _killed(self, name: str, then: Any = lambda: None) -> set[int]:
        gone = self.house.kill(name)
        then()
        time.sleep(self._chance.uniform(0, 0.5))
        self.house.start(name)
        return gone


def little_mast(folder: Path, chance: random.Random) -> tuple[LittleMast, dict[str, int]]:
    """As many observations as there are jobs, two files each, some of them larger than a chunk."""
    mast, sizes = LittleMast(folder), {}
    for number in range(1, JOBS + 1):
        obs_id = f"jw02733-o{number:03d}_t001_nircam_clear-f090w"
        mast.observation(obs_id, number)
        for suffix in ("i2d", "segm"):
            sizes[f"{obs_id}_{suffix}.fits"] = chance.choice([MB // 2, MB, 2 * MB, 10 * MB])
            mast.product(number, f"{obs_id}_{suffix}.fits", size=sizes[f"{obs_id}_{suffix}.fits"])
    return mast, sizes


@pytest.mark.stack
@pytest.mark.release
@pytest.mark.timeout(900 if not RELEASE else 14400)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_whatever_is_killed_every_job_ends_and_every_file_is_whole(tmp_path: Path, database: str) -> None:
    faults, again, files, recovered, ended = Counter[str](), 0, 0, [], []
    for trial in trials(f"processes on {database}", 1, 8):
        with trial as chance, ExitStack() as stack:
            mast, sizes = little_mast(tmp_path / f"mast-{trial.number}", chance)
            server = mast.serve()
            stack.callback(mast.stop)
            server.rate = RATE
            postgres = stack.enter_context(Postgres()) if database == "postgresql" else None
            house = stack.enter_context(House(tmp_path / f"house-{trial.number}", server.url, postgres))
            jobs = [house.insist("/api/mast/import", {"obsId": row["obs_id"]})["jobId"] for row in mast.observations]
            trouble = Trouble(house, chance)
            while trouble.fired.total() < FAULTS:
                trouble.next()
                time.sleep(chance.uniform(0, BETWEEN_S))
            server.rate = None
            assert_all_complete(house, jobs)
            assert_all_whole(house, sizes)
            faults += trouble.fired
            recovered += trouble.recovered_s
            files += len(sizes)
            ended += house.ended_by_themselves
            again += server.sent_bytes.total() - sum(sizes.values())
    figures.note(
        f"process faults on {database}",
        faults=faults.total(),
        kinds=", ".join(f"{kind} {count}" for kind, count in sorted(faults.items())),
        files=files,
        corrupt=0,
        lost=0,
        fetched_again=f"{again / 2**20 / faults.total():.2f} MiB a fault",
        ended_by_themselves=", ".join(ended) or "none",
        recovered=figures.spread(recovered, "s"),
    )


def assert_all_complete(house: House, jobs: list[str]) -> None:
    """Every job that was acknowledged is there and complete; one whose file was on its third dead worker is resumed."""

    def ended(job: str) -> dict[str, Any] | None:
        house.supervise()
        row = house.insist(f"/api/mast/import-progress/{job}")
        return row if row["state"] in ENDED else None

    for job in jobs:
        row = wait_until(lambda job=job: ended(job), within_s=300)
        if row["state"] == "failed" and row["errorCode"] == "job.worker_died":
            house.insist(f"/api/mast/import/resume/{job}", {})
            row = wait_until(lambda job=job: ended(job), within_s=300)
        assert row["state"] == "complete", row


def assert_all_whole(house: House, sizes: dict[str, int]) -> None:
    """One record and one file of each product, byte for byte what the server had."""
    records = house.rows("SELECT file_name, path, size_bytes, sha256 FROM mast_datafile")
    assert sorted(name for name, *_ in records) == sorted(sizes)
    lying = {path.relative_to(house.folder / "mast") for path in (house.folder / "mast").rglob("*") if path.is_file()}
    assert lying == {Path(path) for _, path, *_ in records}
    for name, path, size_bytes, sha256 in records:
        served = fits_of(sizes[name], name)
        assert (house.folder / "mast" / path).read_bytes() == served, f"{name} is corrupt"
        assert (size_bytes, sha256) == (len(served), hashlib.sha256(served).hexdigest())
