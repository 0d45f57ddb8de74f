"""The database under load, restored from a backup, and under a clock that jumps; 200 who watch: rows S4, S5, S7, S8."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import Client

from mast import services
from mast.imports import importer, leases, sweeper
from mast.models import DataFile, ImportItem, ImportJob, Transfer
from mast.services import ImportRequest
from mast.terms import JobState, SourceChoice
from tests.factories import TransferFactory, job_with
from tests.fault import figures, importing, victims
from tests.fault.importing import Workplace
from tests.fault.server import FaultServer
from tests.fault.sizes import seconds, size, trials
from tests.integration.little_mast import MB, LittleMast, fits_of

Serve = Callable[[LittleMast], Any]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey", "folders")]


# --- load -------------------------------------------------------------------------------------------------------


@pytest.mark.release
@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite is not what is used here")
def test_eight_writers_on_sqlite_never_meet_a_locked_database(tmp_path: Path) -> None:
    """Each is a process that claims, beats and releases as workers do, while somebody reads for long."""
    transfers = TransferFactory.create_batch(8)
    job_with(*transfers)
    lasts_s, reads_s = seconds(60), seconds(10)
    place = Workplace.here()
    writers = [
        victims.start(importing.write_for, place, transfer.pk, lasts_s, tmp_path / f"{transfer.pk}.json")
        for transfer in transfers
    ]
    victims.wait_for(lambda: Transfer.objects.filter(epoch__gt=0).exists())
    read_slowly(reads_s)
    assert [victims.ended(writer, within_s=lasts_s + 120) for writer in writers] == [0] * 8
    told = [json.loads((tmp_path / f"{transfer.pk}.json").read_text()) for transfer in transfers]
    assert [line for one in told for line in one["errors"]] == []
    took = sorted(ms for one in told for ms in one["took_ms"])
    assert all(one["took_ms"] for one in told), "one of them never wrote"
    figures.note(
        "8 writers on SQLite",
        writes=len(took),
        errors=0,
        p99=f"{took[int(len(took) * 0.99)]:.0f} ms",
        longest=f"{took[-1]:.0f} ms",
        beside_a_read_of=f"{reads_s:.1f} s",
    )


def read_slowly(lasts_s: float) -> None:
    """A query whose rows are taken one by one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM mast_transfer, mast_transfer AS again")
        until = time.monotonic() + lasts_s
        while cursor.fetchone() is not None and time.monotonic() < until:
            time.sleep(lasts_s / 50)
        cursor.fetchall()


FILES, WATCHERS, THREADS = size(500, 5000), 200, 16
"""as many at once as the web server has threads"""


@pytest.mark.release
def test_two_hundred_who_watch_a_large_job_are_all_answered_in_little() -> None:
    Transfer.objects.bulk_create(TransferFactory.build_batch(FILES))
    job = job_with(*Transfer.objects.all(), state=JobState.DOWNLOADING)
    path = f"/api/mast/import-progress/{job.pk}"
    took: list[float] = []

    def watch(_number: int) -> int:
        began = time.monotonic()
        answer = Client().get(path)
        took.append((time.monotonic() - began) * 1000)
        connection.close()
        assert answer.json()["fileCount"] == FILES
        return len(answer.content)

    with ThreadPoolExecutor(THREADS) as pool:
        sizes = list(pool.map(watch, range(size(1, 2) * WATCHERS)))
    assert max(sizes) < 200_000, "the answer grows with the job"
    figures.note(
        f"{WATCHERS} watchers of {FILES} files",
        answers=len(took),
        largest=f"{max(sizes) // 1000} kB",
        median=f"{statistics.median(took):.0f} ms",
        p95=f"{statistics.quantiles(took, n=20)[18]:.0f} ms with {THREADS} at once in one process",
    )


# --- an older backup --------------------------------------------------------------------------------------------


@pytest.mark.release
def test_after_an_older_backup_every_whole_file_is_adopted_and_no_damaged_one(
    tmp_path: Path, little: LittleMast, serve: Serve
) -> None:
    names = [f"jw02733-o{number:03d}_t001_nircam_clear-f090w" for number in range(1, 9)]
    for number, name in enumerate(names, start=1):
        little.observation(name, number).product(number, f"{name}_i2d.fits", size=MB // 5)
    serve(little)
    for trial in trials("backups", 1, 10):
        with trial as chance:
            call_command("flush", "--no-input", verbosity=0)
            bring(names[: chance.randint(1, 3)])
            backup = tmp_path / f"{trial.number}.json"
            call_command("dumpdata", "mast", output=str(backup), verbosity=0)
            bring(names)
            since = {file.file_name: services.file_path(file) for file in DataFile.objects.all()}
            assert len(since) == len(names)
            call_command("flush", "--no-input", verbosity=0)
            call_command("loaddata", str(backup), verbosity=0)
            known = set(DataFile.objects.values_list("file_name", flat=True))
            damaged = set(chance.sample(sorted(set(since) - known), 2))
            for name in damaged:
                since[name].chmod(0o644)
                since[name].write_bytes(since[name].read_bytes()[:-2880])
            outcome = services.scan()
            assert {name for name, _ in outcome.rejected} == damaged
            assert set(DataFile.objects.values_list("file_name", flat=True)) == set(since) - damaged
            assert {checked.state for checked in services.verify_files(DataFile.objects.all())} == {"held"}
            # What was damaged is fetched anew by the next import, and lies in its place.
            bring(names)
            assert set(DataFile.objects.filter(state="held").values_list("file_name", flat=True)) == set(since)
            for name, path in since.items():
                assert path.read_bytes() == fits_of(MB // 5, name)


def bring(obs_ids: list[str]) -> None:
    for obs_id in obs_ids:
        services.start_import(ImportRequest(obs_id))
    importer.run(list(Transfer.objects.exclude(state=JobState.COMPLETE).values_list("pk", flat=True)))


# --- clocks -----------------------------------------------------------------------------------------------------


def test_a_clock_that_jumps_on_a_workers_host_neither_loses_nor_steals_a_lease(settings: Any) -> None:
    settings.LEASE_S = 60.0  # an hour is longer, and no stall of this machine is
    content = fits_of(4 * MB, "clock")
    with FaultServer(content, bytes_per_s=1e6) as server:
        settings.MAST_URL = f"http://127.0.0.1:{server.port}"
        transfer = TransferFactory(catalog_bytes=len(content), source_choice=SourceChoice.HTTP)
        job = job_with(transfer)

        def work() -> None:
            importer.run([transfer.pk])
            connection.close()

        worker = threading.Thread(target=work)
        worker.start()
        victims.wait_for(lambda: server.body_bytes > 300_000)
        (owner,) = Transfer.objects.values_list("owner", flat=True)
        assert owner
        jumps = 0
        while worker.is_alive() and jumps < 20:
            hours = (1, -1)[jumps % 2]
            with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours)):
                assert sweeper.free_expired() == 0
                assert leases.claim([transfer.pk]) == []
                time.sleep(0.1)
            jumps += 1
        server.bytes_per_s = None
        worker.join(60)
    transfer.refresh_from_db()
    job.refresh_from_db()
    assert jumps > 2
    assert (transfer.state, transfer.epoch, job.state) == (JobState.COMPLETE, 1, JobState.COMPLETE)
    assert services.file_path(DataFile.objects.get()).read_bytes() == content
    assert ImportItem.objects.count() == ImportJob.objects.count() == 1
