"""Workers that are killed, stopped, starved or stuck in the middle of an import: rows P1, P2, P4 to P6, P8 and P9."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from mast import errors, services
from mast.imports import importer, leases, sweeper
from mast.models import DataFile, ImportJob, Transfer
from mast.terms import JobState, SourceChoice
from mast.transfer.engine import fetch
from tests.factories import DataFileFactory, TransferFactory, job_with
from tests.fault import figures, importing, victims
from tests.fault import server as lies
from tests.fault.disks import FailingDisk
from tests.fault.importing import STEPS, Workplace
from tests.fault.server import FaultServer
from tests.fault.sizes import trials
from tests.integration.little_mast import MB, fits_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey", "folders")]

CONTENT = fits_of(5 * MB, "fault")
KEPT_SLACK = 4 * (2 << 20)
"""what may be fetched again after a kill: a record and socket buffers of each of four connections"""


@pytest.fixture
def server(settings: Any) -> Iterator[FaultServer]:
    """What MAST's download is: one file under every name."""
    with FaultServer(CONTENT) as serving:
        settings.MAST_URL = f"http://127.0.0.1:{serving.port}"
        yield serving


def queued(**fields: Any) -> tuple[Transfer, ImportJob]:
    """A file to be had over HTTP, and the job that waits for it."""
    transfer = TransferFactory(catalog_bytes=len(CONTENT), source_choice=SourceChoice.HTTP, **fields)
    return transfer, job_with(transfer)


def finish(*jobs: ImportJob) -> None:
    """What living workers do until everything has ended."""
    ids = list(Transfer.objects.values_list("pk", flat=True))
    deadline = time.monotonic() + 60
    while ImportJob.objects.filter(pk__in=[job.pk for job in jobs]).exclude(state__in=["complete", "failed"]).exists():
        assert time.monotonic() < deadline, list(Transfer.objects.values("state", "message", "owner"))
        Transfer.objects.filter(state=JobState.WAITING).update(not_before=None)
        sweeper.sweep()
        importer.run(ids)


def assert_is_registered(transfer: Transfer, job: ImportJob) -> None:
    """Once, whole, and the job knows."""
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.COMPLETE, "")
    file = DataFile.objects.get(data_uri=transfer.data_uri)
    assert services.file_path(file).read_bytes() == CONTENT
    assert file.size_bytes == len(CONTENT)


# --- killed -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [*STEPS, "settle:2"])
def test_a_worker_killed_at_any_step_of_an_import_is_recovered_from(server: FaultServer, step: str, when: str) -> None:
    transfer, job = queued()
    process = victims.start(importing.work, Workplace.here(), [transfer.pk], f"{when}-{step}")
    assert victims.ended(process) == victims.KILLED
    was_named = importer.final_path(transfer).exists()
    before = server.body_bytes
    assert DataFile.objects.count() == int(step == "settle:2" or (when, step) == ("after", "register"))
    finish(job)
    assert_is_registered(transfer, job)
    assert not was_named or server.body_bytes == before, "fetched again after the rename"


@pytest.mark.release
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_goes_at_any_moment_leaves_a_file_that_the_next_one_completes(
    server: FaultServer, how: signal.Signals
) -> None:
    went, again, left_s = 0, [], []
    for trial in trials(f"workers {how.name}", 5, 100):
        with trial as chance:
            transfer, job = queued()
            server.bytes_per_s, before = 3e6, server.body_bytes
            process = victims.start(importing.work, Workplace.here(), [transfer.pk])
            victims.wait_for(lambda before=before: server.body_bytes > before)
            time.sleep(chance.uniform(0, 0.4))
            assert process.pid
            began = time.monotonic()
            os.kill(process.pid, how)
            code = victims.ended(process)
            assert code == (victims.KILLED if how == signal.SIGKILL else 0)
            left_s.append(time.monotonic() - began)
            transfer.refresh_from_db()
            if how == signal.SIGTERM:
                assert transfer.state in {JobState.QUEUED, JobState.COMPLETE}
                assert (transfer.owner, transfer.attempts) == ("", 0)
            went += transfer.state != JobState.COMPLETE
            server.bytes_per_s = None
            finish(job)
            assert_is_registered(transfer, job)
            again.append((server.body_bytes - before - len(CONTENT)) / 2**20)
            assert again[-1] * 2**20 <= KEPT_SLACK
    assert went, "each had finished before its worker went"
    figures.note(
        f"workers {how.name}",
        gone=went,
        corrupt=0,
        MiB_fetched_again=figures.spread(again),
        process_gone_after=figures.spread(left_s, "s"),
    )


def test_a_file_that_kills_its_workers_is_given_up_and_the_others_come(server: FaultServer) -> None:
    poison, poisoned = queued()
    other, unharmed = queued()
    for _ in range(leases.MAX_ATTEMPTS):
        process = victims.start(importing.work, Workplace.here(), [poison.pk], "before-fetch")
        assert victims.ended(process) == victims.KILLED
        sweeper.free_dead()
    finish(poisoned, unharmed)
    poisoned.refresh_from_db()
    assert (poisoned.state, poisoned.error_code) == (JobState.FAILED, errors.WorkerDied.code)
    assert "died 3 times" in poisoned.error
    assert poisoned.is_resumable
    assert_is_registered(other, unharmed)
    assert server.fired == {}


def test_a_worker_without_memory_harms_nothing_but_its_own_attempt(server: FaultServer) -> None:
    transfer, job = queued()
    process = victims.start(importing.work_without_memory, Workplace.here(), [transfer.pk], 1 << 20)
    victims.ended(process)
    transfer.refresh_from_db()
    assert transfer.state != JobState.COMPLETE, "it had memory enough"
    assert not DataFile.objects.exists()
    sweeper.free_dead()
    job.refresh_from_db()
    if job.is_ended:
        assert "memory" in job.error
        services.resume_job(job.pk)
    finish(job)
    assert_is_registered(transfer, job)


# --- alive and of no use ----------------------------------------------------------------------------------------


def test_a_download_that_hangs_loses_its_lease_though_its_worker_lives(server: FaultServer) -> None:
    """The heart beats on, but what it extends is the lease of a transfer whose bytes move."""
    server.fault("silence", lies.silence(300_000), times=99)
    transfer, job = queued()

    def work() -> None:
        importer.run([transfer.pk])
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    victims.wait_for(lambda: server.fired["silence"])
    victims.wait_for(lambda: sweeper.free_expired() == 1, within_s=15)
    assert worker.is_alive()
    worker.join(30)
    assert not worker.is_alive()
    transfer.refresh_from_db()
    assert (transfer.state, transfer.owner, DataFile.objects.count()) == (JobState.QUEUED, "", 0)
    server._faults.clear()
    finish(job)
    assert_is_registered(transfer, job)


def test_a_disk_that_fills_in_mid_file_pauses_its_job_and_the_others_come(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    transfer, job = queued()
    other, unharmed = queued()
    disk = FailingDisk("write_at", 3)
    monkeypatch.setattr(importer, "fetch", partial(fetch, disk=disk))
    importer.run([transfer.pk])
    monkeypatch.undo()
    assert disk.fired
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.PAUSED, errors.DiskFull.code)
    assert job.message.startswith("Paused: disk full, needs ")
    assert not DataFile.objects.exists()
    importer.run([other.pk])
    assert_is_registered(other, unharmed)
    settings.STORAGE_MIN_FREE_GB = 1e6
    sweeper.sweep()
    job.refresh_from_db()
    assert job.state == JobState.PAUSED, "there is no room yet"
    settings.STORAGE_MIN_FREE_GB = 0
    finish(job)
    assert_is_registered(transfer, job)


# --- several at once --------------------------------------------------------------------------------------------


@pytest.mark.release
def test_of_three_workers_at_one_file_one_fetches_it_whoever_is_killed(server: FaultServer) -> None:
    killed, again = 0, []
    for trial in trials("three workers", 5, 500):
        with trial as chance:
            transfer, job = queued()
            server.bytes_per_s, before = 16e6, server.body_bytes
            processes = [victims.start(importing.work, Workplace.here(), [transfer.pk]) for _ in range(3)]
            victims.wait_for(lambda before=before: server.body_bytes > before)
            time.sleep(chance.uniform(0, 0.2))
            victims.kill(chance.choice(processes))
            killed += 1
            for process in processes:
                assert victims.ended(process) in {0, victims.KILLED}
            server.bytes_per_s = None
            finish(job)
            assert_is_registered(transfer, job)
            again.append((server.body_bytes - before - len(CONTENT)) / 2**20)
            assert again[-1] * 2**20 <= KEPT_SLACK
    figures.note("three workers at one file", killed=killed, corrupt=0, MiB_fetched_again=figures.spread(again))


def test_the_database_refuses_a_second_record_of_a_product_or_a_place() -> None:
    """The last guard, should every lock and lease before it fail."""
    first = DataFileFactory()
    for same in ({"data_uri": first.data_uri}, {"path": first.path}):
        with pytest.raises(IntegrityError), transaction.atomic():
            DataFileFactory(observation=first.observation, **same)
    assert DataFile.objects.count() == 1


@pytest.mark.parametrize("is_away", [False, True], ids=["with Redis", "without Redis"])
def test_what_is_cancelled_in_the_queue_is_never_fetched(server: FaultServer, settings: Any, *, is_away: bool) -> None:
    transfer, job = queued()
    if is_away:
        settings.REDIS_URL = "redis://127.0.0.1:9/0"
    services.cancel_job(job.pk)
    # A message that was on its way all the time, and the sweeper.
    importer.run([transfer.pk])
    sweeper.sweep()
    importer.run([transfer.pk])
    job.refresh_from_db()
    assert (job.state, DataFile.objects.count(), server.asked) == (JobState.CANCELLED, 0, [])
