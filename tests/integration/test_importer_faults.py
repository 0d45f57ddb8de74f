"""What goes wrong around a transfer: path lookup, the database, a bug of ours, a lease lost at the last moment."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import InterfaceError, OperationalError

from mast import conf, errors, services
from mast.fits.inspect import inspect_file
from mast.fits.plan import Plan, View
from mast.imports import broker, heart, importer, leases, owners, patience, records, stopping, sweeper
from mast.models import DataFile, ImportJob, Observation, Transfer
from mast.services import ImportRequest
from mast.terms import JobState, Proof, SourceChoice
from mast.transfer.values import Fetched, Progress
from tests.factories import DataFileFactory, TransferFactory, job_with
from tests.integration.little_mast import MB, LittleMast, fits_of

OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
I2D = f"{OBS_ID}_i2d.fits"
Serve = Callable[[LittleMast], Any]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


def started(little: LittleMast, serve: Serve, **choices: Any) -> tuple[Any, Transfer, ImportJob]:
    server = serve(little.observation(OBS_ID, 1).product(1, I2D))
    job = services.start_import(ImportRequest(OBS_ID, **choices)).job
    return server, Transfer.objects.get(), job


# --- where a file lies on S3 ------------------------------------------------------------------------------------


def test_forced_s3_waits_while_mast_does_not_say_where_the_file_lies_and_then_gives_up(
    little: LittleMast, serve: Serve
) -> None:
    server, transfer, job = started(little, serve, source=SourceChoice.S3)
    server.broken = {"path_lookup"}
    for attempt in (1, 2):
        importer.run([transfer.pk])
        transfer.refresh_from_db()
        job.refresh_from_db()
        assert (transfer.state, transfer.attempts, job.state) == (JobState.WAITING, attempt, JobState.WAITING)
        assert "does not say where" in services.job_progress(job).message
        Transfer.objects.update(not_before=None)
    importer.run([transfer.pk])
    job.refresh_from_db()
    assert (job.state, job.is_resumable) == (JobState.FAILED, True)
    server.broken = set()
    services.resume_job(job.pk)
    importer.run([transfer.pk])
    job.refresh_from_db()
    assert job.state == JobState.COMPLETE


def test_forced_s3_fails_with_advice_for_a_file_that_is_not_there(little: LittleMast, serve: Serve) -> None:
    server, transfer, job = started(little, serve, source=SourceChoice.S3)
    find = server.holdings.find
    server.holdings.find = lambda name: None
    importer.run([transfer.pk])
    job.refresh_from_db()
    assert job.error_code == errors.NotInSource.code
    assert "auto or http" in job.error
    server.holdings.find = find


def test_where_files_lie_is_asked_once_for_all_and_remembered(little: LittleMast, serve: Serve) -> None:
    little.observation(OBS_ID, 1)
    for number in range(30):
        little.product(1, f"jw02733001001_02105_{number:05d}_nrcb1_cal.fits", size=2880 * 20, obsID="7")
    server = serve(little)
    services.start_import(ImportRequest(OBS_ID))
    ids = list(Transfer.objects.values_list("pk", flat=True))
    importer.run(ids)
    assert server.counts["path_lookup"] == 1
    assert set(Transfer.objects.values_list("s3_looked_up", "state")) == {(True, JobState.COMPLETE)}
    assert all(key for key in Transfer.objects.values_list("s3_key", flat=True))
    assert DataFile.objects.count() == 30


def test_large_files_that_come_one_by_one_share_a_request_too(little: LittleMast, serve: Serve) -> None:
    little.observation(OBS_ID, 1)
    for number in range(45):
        little.product(1, f"jw02733001001_02105_{number:05d}_nrcb1_cal.fits", size=2880 * 20, obsID="7")
    little.product(1, I2D, rights="EXCLUSIVE_ACCESS")
    server = serve(little)
    services.start_import(ImportRequest(OBS_ID))
    for transfer in Transfer.objects.order_by("file_name"):
        importer.run([transfer.pk])
    assert server.counts["path_lookup"] == 2
    assert set(DataFile.objects.values_list("source", flat=True)) == {"s3"}
    assert not Transfer.objects.get(file_name=I2D).s3_looked_up


# --- ends -------------------------------------------------------------------------------------------------------


def test_a_bug_of_ours_fails_the_file_in_plain_words_and_is_logged(
    little: LittleMast, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    _, transfer, job = started(little, serve)
    Transfer.objects.update(raw=["not what a row is"])
    importer.run([transfer.pk])
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FAILED, errors.JobError.code)
    assert "the log says more" in job.error
    assert "Traceback" in caplog.text


def arrived(transfer: Transfer, folders: Path) -> Fetched:
    place = importer.final_path(transfer)
    place.parent.mkdir(parents=True)
    place.write_bytes(fits_of(MB, I2D))
    return Fetched(place, MB, "0" * 64, Proof.LENGTH, [], "", "http")


def test_a_lease_lost_before_the_record_is_written_leaves_nothing_half_recorded(
    little: LittleMast, serve: Serve, folders: Path
) -> None:
    _, transfer, job = started(little, serve)
    (claim,) = leases.claim([transfer.pk])
    fetched = arrived(transfer, folders)
    services.pause_job(job.pk)
    records.register([(claim, fetched, inspect_file(fetched.path))])
    assert not DataFile.objects.exists()
    assert Transfer.objects.get().state == JobState.PAUSED


def test_of_files_recorded_together_one_that_was_taken_away_does_not_stop_the_others(folders: Path) -> None:
    transfers = TransferFactory.create_batch(2)
    job = job_with(*transfers)
    claims = leases.claim([transfer.pk for transfer in transfers])
    finished = []
    for claim in claims:
        fetched = arrived(claim.transfer, folders / claim.transfer.file_name)
        finished.append((claim, fetched, inspect_file(fetched.path)))
    Transfer.objects.filter(pk=transfers[0].pk).update(owner="another")
    records.register(finished)
    assert [file.file_name for file in DataFile.objects.all()] == [transfers[1].file_name]
    assert DataFile.objects.get().observation == job.observation


def test_files_that_arrive_together_are_recorded_with_the_same_few_statements(
    folders: Path, django_assert_max_num_queries: Any
) -> None:
    counts = []
    for count in (2, 40):
        transfers = TransferFactory.create_batch(count)
        job = job_with(*transfers, tags=["wide", "deep"])
        finished = []
        for claim in leases.claim([transfer.pk for transfer in transfers]):
            fetched = Fetched(importer.final_path(claim.transfer), MB, "0" * 64, Proof.LENGTH, [], "", "http")
            finished.append((claim, fetched, Plan(claim.transfer.file_name, "fits", MB, View(viewable=False))))
        with django_assert_max_num_queries(30) as asked:
            records.register(finished)
        counts.append(len(asked))
        files = DataFile.objects.filter(transfers__items__job=job)
        assert {file.observations.get() for file in files} == {job.observation}
        assert all(set(file.tags.values_list("name", flat=True)) == {"wide", "deep"} for file in files)
        states = Transfer.objects.filter(items__job=job).values_list("state", "owner", "done_bytes")
        assert set(states) == {(JobState.COMPLETE, "", MB)}
    # SQLite takes no more than so many values in one statement.
    assert counts[1] - counts[0] <= 2


def test_tags_of_an_import_are_on_its_files_and_its_observation(little: LittleMast, serve: Serve) -> None:
    _, transfer, _ = started(little, serve, tags=("nebulae", "paper 2"))
    importer.run([transfer.pk])
    assert {tag.name for tag in DataFile.objects.get().tags.all()} == {"nebulae", "paper 2"}
    assert {tag.name for tag in Observation.objects.get().tags.all()} == {"nebulae", "paper 2"}


def test_a_file_fetched_again_keeps_what_people_corrected(little: LittleMast, serve: Serve) -> None:
    _, transfer, _ = started(little, serve)
    known = DataFileFactory(file_name=I2D, state="missing", calib_level=4, edited_fields=["calib_level"], notes="odd")
    importer.run([transfer.pk])
    file = DataFile.objects.get()
    assert (file.pk, file.calib_level, file.notes, file.state) == (known.pk, 4, "odd", "held")
    assert file.size_bytes == MB


def test_a_file_whose_job_was_deleted_is_not_recorded_and_not_tried_again(folders: Path) -> None:
    transfer = TransferFactory()
    (claim,) = leases.claim([transfer.pk])
    fetched = arrived(transfer, folders)
    records.register([(claim, fetched, inspect_file(fetched.path))])
    transfer.refresh_from_db()
    assert (transfer.state, transfer.error_code) == (JobState.FAILED, errors.JobError.code)
    assert not DataFile.objects.exists()


def test_an_unknown_suffix_is_kept_and_shown_when_it_holds_an_image(little: LittleMast, serve: Serve) -> None:
    name = f"{OBS_ID}_brandnew.fits"
    serve(little.observation(OBS_ID, 1).product(1, name))
    services.start_import(ImportRequest(OBS_ID))
    importer.run([Transfer.objects.get().pk])
    file = DataFile.objects.get()
    assert (file.suffix, file.badge, file.is_viewable) == ("brandnew", "image", True)
    assert file.wcs is not None
    assert file.wcs["CRVAL1"] == 151.755


# --- the database, the broker -----------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_work_is_done_again_while_the_database_is_away(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE_S", 0.01)
    failures = iter([error("the server closed the connection"), error("starting up")])

    def work() -> str:
        if problem := next(failures, None):
            raise problem
        return "done"

    assert patience.patiently(work) == "done"


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_S", 0.0)

    def work() -> None:
        raise OperationalError("away")

    with pytest.raises(OperationalError):
        patience.patiently(work)


def test_a_holder_hears_within_a_beat_that_its_job_was_cancelled() -> None:
    transfer = TransferFactory()
    (claim,) = leases.claim([transfer.pk])
    with heart.Heart([claim], lambda: False) as beating:
        beating.report(claim.id, Progress(5, 10, "http", "downloading"))
        deadline = time.monotonic() + 10
        while Transfer.objects.get().done_bytes != 5:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert not beating.is_lost(claim.id)
        services.cancel_job(job_with(transfer).pk)
        while not beating.should_stop(claim.id):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_large_files_travel_alone_and_small_ones_together(valkey: Any) -> None:
    TransferFactory.create_batch(60, catalog_bytes=1000)
    TransferFactory.create_batch(2, catalog_bytes=10**9)
    TransferFactory(catalog_bytes=None)
    assert broker.publish(Transfer.objects.all())
    assert valkey.llen("archive") == 5
    assert not Transfer.objects.filter(published_at=None).exists()


def test_no_more_than_a_window_of_messages_lies_in_the_queue(valkey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "WINDOW", 3)
    TransferFactory.create_batch(5, catalog_bytes=10**9)
    broker.publish(Transfer.objects.all())
    assert valkey.llen("archive") == 3
    broker.publish(Transfer.objects.filter(published_at=None))
    assert valkey.llen("archive") == 3
    assert Transfer.objects.filter(published_at=None).count() == 2


def test_files_of_a_deleted_job_are_not_sent_out(valkey: Any) -> None:
    transfer = TransferFactory()
    job_with(transfer).delete()
    sweeper.sweep()
    assert valkey.llen("archive") == 0
    job_with(transfer)
    sweeper.sweep()
    assert valkey.llen("archive") == 1


def test_a_redis_that_is_full_takes_no_message_and_the_import_waits(valkey: redis.Redis) -> None:
    transfer = TransferFactory()
    job = job_with(transfer)
    valkey.config_set("maxmemory", "1")
    try:
        assert not broker.publish_transfers(job.pk)
    finally:
        valkey.config_set("maxmemory", "0")
    job.refresh_from_db()
    transfer.refresh_from_db()
    assert (job.message, transfer.published_at) == (broker.UNREACHABLE, None)


# --- stopping ---------------------------------------------------------------------------------------------------


def test_a_sigterm_during_work_asks_it_to_stop_and_afterwards_means_what_it_meant() -> None:
    before = signal.getsignal(signal.SIGTERM)
    stopping.clear()
    with stopping.by_signal():
        os.kill(os.getpid(), signal.SIGTERM)
        deadline = time.monotonic() + 5
        while not stopping.is_asked():
            assert time.monotonic() < deadline
    assert signal.getsignal(signal.SIGTERM) is before
    stopping.clear()


def test_in_a_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[Any] = []

    def work() -> None:
        with stopping.by_signal():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_without_a_proc_file_system_a_process_is_known_by_its_number_alone() -> None:
    where = owners.host()
    assert not owners.is_dead(f"{where}:{os.getpid()}::1")
    assert not owners.is_dead(f"{where}:1::1")
    assert owners.is_dead(f"{where}:4194304::1")


def test_every_file_of_the_site_gets_its_share_of_connections(settings: Any) -> None:
    settings.DOWNLOAD_CHUNK_MB = 0.5
    config = conf.transfer_config()
    assert (config.chunk_bytes, config.lock_wait_s) == (524_288, settings.LEASE_S / 12)
