"""Transfers run by a real worker: what is shared, stopped, resumed, refused, lost and found."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection

from mast import conf, errors, services
from mast.imports import importer, stopping, sweeper
from mast.models import DataFile, ImportJob, Transfer
from mast.services import ImportRequest
from mast.terms import JobState, SourceChoice
from tests.integration.little_mast import MB, LittleMast

OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
OTHER = "jw02733-o001_t001_nircam_clear-f187n"
I2D, OTHER_I2D = f"{OBS_ID}_i2d.fits", f"{OTHER}_i2d.fits"
SHARED = "jw02733001001_02105_00001_nrcb1_cal.fits"
Serve = Callable[[LittleMast], Any]
Ended = Callable[..., ImportJob]
BIG = 24 * MB


def wait_for(condition: Callable[[], Any], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return value


def under_way() -> float:
    """Bytes each connection may have had that no journal names yet: a mebibyte, and what the kernel's buffers hold."""
    return conf.transfer_config().connections * 2.5 * 1024 * 1024


def states_found() -> list[str]:
    """What reading every file again finds."""
    return [checked.state for checked in services.verify_files(DataFile.objects.all())]


def one_big_file(little: LittleMast, size: int = BIG) -> LittleMast:
    return little.observation(OBS_ID, 1).product(1, I2D, size=size)


def arriving(transfer_name: str = I2D, at_least: int = MB) -> Callable[[], bool]:
    """Whether this many bytes of a file are in its row."""
    return lambda: Transfer.objects.filter(file_name=transfer_name, done_bytes__gte=at_least).exists()


def test_two_jobs_share_one_download_and_both_complete(
    little: LittleMast, serve: Serve, worker: Any, ended: Ended
) -> None:
    little.observation(OBS_ID, 1).product(1, SHARED, level=2, size=4 * MB, obsID="7")
    little.observation(OTHER, 2).product(2, SHARED, level=2, size=4 * MB, obsID="7")
    server = serve(little)
    jobs = [services.start_import(ImportRequest(name, calib_levels=(2,))).job for name in (OBS_ID, OTHER)]
    assert {ended(job).state for job in jobs} == {JobState.COMPLETE}
    file = DataFile.objects.get()
    wait_for(lambda: server.sent_bytes.total() == file.size_bytes)
    assert set(file.observations.values_list("obs_id", flat=True)) == {OBS_ID, OTHER}


def test_an_exclusive_file_fails_with_its_reason_while_the_others_arrive(
    little: LittleMast, serve: Serve, worker: Any, ended: Ended
) -> None:
    little.observation(OBS_ID, 1).product(1, I2D).product(1, SHARED, rights="EXCLUSIVE_ACCESS", obsID="7")
    server = serve(little)
    job = ended(services.start_import(ImportRequest(OBS_ID)).job)
    assert job.state == JobState.FAILED
    assert job.error_code == errors.ExclusiveAccess.code
    assert SHARED in job.error
    assert "exclusive" in job.error
    assert [file.file_name for file in DataFile.objects.all()] == [I2D]
    assert server.counts["download"] == 0 or server.sent_bytes["http"] == 0
    progress = services.job_progress(job)
    assert progress.is_resumable
    assert [file.filename for file in progress.file_progress] == [SHARED, I2D]
    assert progress.result is not None
    assert (progress.result.imported_count, progress.result.failed_count) == (1, 1)


def test_the_token_goes_with_exclusive_files_only(
    little: LittleMast, serve: Serve, worker: Any, ended: Ended, settings: Any
) -> None:
    little.observation(OBS_ID, 1).product(1, I2D, rights="EXCLUSIVE_ACCESS").product(1, SHARED, obsID="7")
    server = serve(little)
    settings.MAST_API_TOKEN = server.token
    job = ended(services.start_import(ImportRequest(OBS_ID)).job)
    assert (job.state, job.error) == (JobState.COMPLETE, "")
    sources = dict(DataFile.objects.values_list("file_name", "source"))
    assert sources == {I2D: "http", SHARED: "s3"}
    assert not any(name in str(vars(transfer)) for transfer in Transfer.objects.all() for name in (server.token,))


def test_a_file_that_mast_lists_but_does_not_have_is_named(
    little: LittleMast, serve: Serve, worker: Any, ended: Ended
) -> None:
    little.observation(OBS_ID, 1).product(1, I2D)
    server = serve(little)
    server.broken = set()
    server.holdings.find = lambda name: None  # type: ignore[method-assign]
    job = ended(services.start_import(ImportRequest(OBS_ID)).job)
    assert (job.state, job.error_code) == (JobState.FAILED, errors.NotInSource.code)
    assert job.error.startswith(f"The file could not be had. {I2D}: ")


@pytest.mark.parametrize("broken", [{"s3"}, {"path_lookup"}])
def test_without_s3_an_import_by_auto_goes_by_http(
    little: LittleMast, serve: Serve, worker: Any, ended: Ended, broken: set[str]
) -> None:
    server = serve(one_big_file(little, MB))
    server.broken = broken
    job = ended(services.start_import(ImportRequest(OBS_ID)).job)
    assert (job.state, job.error) == (JobState.COMPLETE, "")
    assert DataFile.objects.get().source == "http"


@pytest.mark.parametrize(("choice", "source"), [(SourceChoice.HTTP, "http"), (SourceChoice.S3, "s3")])
def test_a_forced_source_is_the_one_that_is_used(
    little: LittleMast, serve: Serve, worker: Any, ended: Ended, choice: SourceChoice, source: str
) -> None:
    server = serve(one_big_file(little, MB))
    job = ended(services.start_import(ImportRequest(OBS_ID, source=choice)).job)
    assert (job.state, DataFile.objects.get().source) == (JobState.COMPLETE, source)
    assert set(server.sent_bytes) == {source}


def test_pause_keeps_what_arrived_and_resume_fetches_the_rest_only(
    little: LittleMast, serve: Serve, worker: Any, ended: Ended
) -> None:
    server = serve(one_big_file(little))
    server.rate = 2.0
    job = services.start_import(ImportRequest(OBS_ID)).job
    wait_for(arriving(at_least=4 * MB))
    services.pause_job(job.pk)
    row = Transfer.objects.get()
    assert (row.state, row.owner) == (JobState.PAUSED, "")
    time.sleep(1)
    kept = server.sent_bytes.total()
    time.sleep(0.5)
    assert server.sent_bytes.total() == kept
    assert not DataFile.objects.exists()
    services.resume_job(job.pk)
    seen = []
    while not (progress := services.job_progress(job)).is_complete:
        seen.append(progress.downloaded_bytes)
        server.rate = 8.0
        time.sleep(0.02)
    assert seen == sorted(seen)
    assert seen[0] >= 4 * MB
    assert ended(job).state == JobState.COMPLETE
    size = DataFile.objects.get().size_bytes
    again = server.sent_bytes.total() - size
    assert again <= under_way()


def test_cancel_during_a_download_leaves_no_file_and_the_job_stays_cancelled(
    little: LittleMast, serve: Serve, worker: Any, folders: Path
) -> None:
    server = serve(one_big_file(little))
    server.rate = 2.0
    job = services.start_import(ImportRequest(OBS_ID)).job
    wait_for(arriving())
    services.cancel_job(job.pk)
    server.rate = None
    time.sleep(1.5)
    job.refresh_from_db()
    assert (job.state, Transfer.objects.get().state) == (JobState.CANCELLED, JobState.CANCELLED)
    assert not DataFile.objects.exists()
    assert not list(folders.rglob("*.fits"))


def test_progress_never_runs_backwards_and_never_over_the_total(little: LittleMast, serve: Serve, worker: Any) -> None:
    server = serve(one_big_file(little))
    server.rate = 0.8
    job = services.start_import(ImportRequest(OBS_ID)).job
    seen = []
    while not (progress := services.job_progress(job)).is_complete:
        seen.append(progress)
        time.sleep(0.05)
    seen.append(progress)
    done = [progress.downloaded_bytes for progress in seen]
    percents = [progress.progress for progress in seen]
    assert done == sorted(done)
    assert percents == sorted(percents)
    assert all(progress.downloaded_bytes <= progress.total_bytes for progress in seen)
    moving = [progress for progress in seen if progress.speed_bytes_per_sec > 0]
    assert len({progress.downloaded_bytes for progress in moving}) > 5
    assert all(progress.eta_seconds is not None and progress.live for progress in moving)
    assert {progress.stage for progress in seen} >= {"Downloading", "Complete"}
    assert percents[-1] == 100.0


def test_an_import_accepted_without_redis_starts_by_itself_when_redis_is_back(
    little: LittleMast, serve: Serve, worker: Any, ended: Ended, settings: Any
) -> None:
    serve(one_big_file(little, MB))
    address, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:9/0"
    job = services.start_import(ImportRequest(OBS_ID)).job
    assert "not reachable" in job.message
    settings.REDIS_URL = address
    sweeper.sweep()
    assert ended(job).state == JobState.COMPLETE


def test_messages_lost_with_redis_are_sent_again(
    little: LittleMast, serve: Serve, valkey: Any, transactional_db: None
) -> None:
    serve(one_big_file(little, MB))
    services.start_import(ImportRequest(OBS_ID))
    queue = django_settings.CELERY_TASK_DEFAULT_QUEUE
    assert valkey.llen(queue) == 1
    sweeper.sweep()
    assert valkey.llen(queue) == 1
    valkey.flushall()
    sweeper.sweep()
    assert valkey.llen(queue) == 0
    Transfer.objects.update(published_at=Transfer.objects.get().published_at - sweeper.dt.timedelta(seconds=11))
    sweeper.sweep()
    assert valkey.llen(queue) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_a_file_that_lies_finished_without_a_record_is_registered_without_a_download(
    little: LittleMast, serve: Serve, folders: Path
) -> None:
    server = serve(one_big_file(little, 2 * MB))
    services.start_import(ImportRequest(OBS_ID))
    transfer = Transfer.objects.get()
    place = importer.final_path(transfer)
    place.parent.mkdir(parents=True)
    place.write_bytes(server.store.path(server.holdings.find(I2D)).read_bytes())
    importer.run([transfer.pk])
    assert ImportJob.objects.get().state == JobState.COMPLETE
    assert DataFile.objects.get().size_bytes == place.stat().st_size
    assert server.sent_bytes.total() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_a_file_in_the_place_that_is_not_whole_is_set_aside_and_fetched(
    little: LittleMast, serve: Serve, folders: Path
) -> None:
    server = serve(one_big_file(little, 2 * MB))
    services.start_import(ImportRequest(OBS_ID))
    transfer = Transfer.objects.get()
    place = importer.final_path(transfer)
    place.parent.mkdir(parents=True)
    place.write_bytes(server.store.path(server.holdings.find(I2D)).read_bytes()[:-2880])
    importer.run([transfer.pk])
    assert ImportJob.objects.get().state == JobState.COMPLETE
    assert DataFile.objects.get().size_bytes == place.stat().st_size == 2 * MB
    assert [path.name for path in conf.partial_dir().glob("damaged-*")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_a_damaged_file_is_set_aside_and_fetched_again(little: LittleMast, serve: Serve, folders: Path) -> None:
    server = serve(one_big_file(little, 2 * MB))
    services.start_import(ImportRequest(OBS_ID))
    importer.run([Transfer.objects.get().pk])
    file = DataFile.objects.get()
    path = services.file_path(file)
    path.chmod(0o644)
    with path.open("r+b") as stream:
        stream.seek(100_000)
        stream.write(b"\x55" * 100)
    assert states_found() == [DataFile.State.DAMAGED]
    server.reset()
    services.start_import(ImportRequest(OBS_ID))
    importer.run([Transfer.objects.get().pk])
    again = DataFile.objects.get()
    assert (again.pk, again.sha256, again.state) == (file.pk, file.sha256, DataFile.State.HELD)
    wait_for(lambda: server.sent_bytes.total() == file.size_bytes)
    assert states_found() == [DataFile.State.HELD]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_a_disk_that_is_full_in_mid_job_pauses_it_and_room_lets_it_go_on(
    little: LittleMast, serve: Serve, settings: Any
) -> None:
    serve(one_big_file(little))
    job = services.start_import(ImportRequest(OBS_ID)).job
    settings.STORAGE_MIN_FREE_GB = 1e6
    importer.run([Transfer.objects.get().pk])
    progress = services.job_progress(job)
    assert (progress.state, progress.stage, progress.error_code) == ("paused", "Paused", errors.DiskFull.code)
    assert "disk full, needs" in progress.message
    assert not DataFile.objects.exists()
    settings.STORAGE_MIN_FREE_GB = 0
    sweeper.sweep()
    importer.run([Transfer.objects.get().pk])
    assert services.get_job(job.pk).state == JobState.COMPLETE


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_a_worker_that_is_told_to_stop_gives_its_files_back_unharmed(little: LittleMast, serve: Serve) -> None:
    server = serve(one_big_file(little))
    server.rate = 2.0
    job = services.start_import(ImportRequest(OBS_ID)).job
    transfer = Transfer.objects.get()
    began = time.monotonic()
    importer.run([transfer.pk], stopping=lambda: server.sent_bytes.total() > 12 * MB)
    took = time.monotonic() - began
    transfer.refresh_from_db()
    job.refresh_from_db()
    assert (transfer.state, job.state) == (JobState.QUEUED, JobState.QUEUED)
    assert (transfer.attempts, transfer.error, transfer.published_at) == (0, "", None)
    assert transfer.done_bytes >= 2 * MB
    assert took < 10
    server.rate = None
    importer.run([transfer.pk])
    job.refresh_from_db()
    assert job.state == JobState.COMPLETE


def test_the_flag_to_stop_is_seen_by_processes_forked_before_it_was_set() -> None:
    stopping.clear()
    pid = os.fork()
    if pid == 0:
        deadline = time.monotonic() + 10
        while not stopping.is_asked() and time.monotonic() < deadline:
            time.sleep(0.01)
        os._exit(0 if stopping.is_asked() else 1)
    stopping.ask()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    stopping.clear()


WORKER = """
import sys
import django
from django.conf import settings
name, mast, files, partial, ids = sys.argv[1:]
settings.DATABASES["default"]["NAME"] = name
settings.MAST_URL, settings.MAST_S3_ENDPOINT_URL = mast, f"{mast}/s3"
settings.FILES_DIR, settings.PARTIAL_DIR = files, partial
django.setup()
from mast.imports import importer
importer.run([int(part) for part in ids.split(",")])
"""


def worker_process(transfer: Transfer) -> subprocess.Popen[bytes]:
    """A process of its own that works on one transfer."""
    from django.conf import settings

    arguments = [
        str(connection.settings_dict["NAME"]),
        settings.MAST_URL,
        str(settings.FILES_DIR),
        str(settings.PARTIAL_DIR),
        str(transfer.pk),
    ]
    return subprocess.Popen([sys.executable, "-c", WORKER, *arguments], stderr=subprocess.DEVNULL)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_a_worker_killed_in_mid_file_is_seen_at_once_and_the_next_one_fetches_the_rest_only(
    little: LittleMast, serve: Serve
) -> None:
    server = serve(one_big_file(little))
    server.rate = 2.0
    job = services.start_import(ImportRequest(OBS_ID)).job
    transfer = Transfer.objects.get()
    with worker_process(transfer) as process:
        wait_for(arriving(at_least=6 * MB))
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    sweeper.free_dead()
    transfer.refresh_from_db()
    job.refresh_from_db()
    assert (transfer.state, job.state) == (JobState.QUEUED, JobState.QUEUED)
    server.rate = None
    importer.run([transfer.pk])
    job.refresh_from_db()
    assert job.state == JobState.COMPLETE
    again = server.sent_bytes.total() - DataFile.objects.get().size_bytes
    assert again <= under_way()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_a_stopped_worker_that_wakes_after_its_lease_writes_nothing(little: LittleMast, serve: Serve) -> None:
    server = serve(one_big_file(little))
    server.rate = 2.0
    services.start_import(ImportRequest(OBS_ID))
    transfer = Transfer.objects.get()
    with worker_process(transfer) as sleeper:
        wait_for(arriving(at_least=4 * MB))
        sleeper.send_signal(signal.SIGSTOP)
        # On PostgreSQL it may have stopped with its row locked: the server ends that transaction after half a minute.
        wait_for(lambda: sweeper.free_expired() == 1, seconds=60)
        # The sleeper still holds the lock of the part file: the next worker waits for it, and may wait for long.
        importer.run([transfer.pk])
        put_aside = Transfer.objects.get()
        assert (put_aside.state, put_aside.attempts) == (JobState.WAITING, 0)
        sleeper.send_signal(signal.SIGCONT)
        assert sleeper.wait(30) == 0
    after = Transfer.objects.get()
    assert (after.state, after.epoch, after.done_bytes) == (JobState.WAITING, put_aside.epoch, put_aside.done_bytes)
    Transfer.objects.update(not_before=None)
    server.rate = None
    importer.run([transfer.pk])
    assert Transfer.objects.get().state == JobState.COMPLETE
    assert DataFile.objects.count() == 1
