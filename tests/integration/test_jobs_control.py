"""Pause, cancel, resume; the last file ends the job; what two jobs share goes on."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from mast import errors, services, terms
from mast.imports import control, jobs, leases, sweeper
from mast.imports.leases import Pulse
from mast.models import DataFile, ImportJob, Transfer
from mast.terms import JobState
from tests.factories import DataFileFactory, JobFactory, TransferFactory, job_with

pytestmark = pytest.mark.django_db


def state_of(row: Any) -> str:
    row.refresh_from_db()
    return str(row.state)


def finish(transfer: Transfer) -> None:
    """The transfer's file has arrived."""
    from mast.imports.records import complete_transfer

    file: DataFile = DataFileFactory(file_name=transfer.file_name)
    complete_transfer(Transfer.objects.filter(pk=transfer.pk), file)
    jobs.settle_jobs_of([transfer.pk])


def test_a_claim_makes_its_job_downloading_and_says_when_it_began() -> None:
    transfer = TransferFactory()
    job = job_with(transfer)
    leases.claim([transfer.pk])
    jobs.settle_jobs_of([transfer.pk])
    assert state_of(job) == JobState.DOWNLOADING
    assert job.started_at is not None


def test_the_last_file_ends_the_job() -> None:
    first, second = TransferFactory(), TransferFactory()
    job = job_with(first, second)
    finish(first)
    assert state_of(job) in terms.ACTIVE
    finish(second)
    assert state_of(job) == JobState.COMPLETE
    assert job.ended_at is not None
    assert job.error == ""


def test_a_job_with_a_file_that_could_not_be_had_fails_and_names_it_and_why() -> None:
    good, bad = TransferFactory(), TransferFactory()
    job = job_with(good, bad)
    (claim,) = leases.claim([bad.pk])
    leases.fail(claim, errors.NotInSource("The file is not at MAST."))
    jobs.settle_jobs_of([bad.pk])
    assert state_of(job) in terms.ACTIVE
    finish(good)
    assert state_of(job) == JobState.FAILED
    assert job.error == f"1 of 2 files could not be had. {bad.file_name}: The file is not at MAST."
    assert job.error_code == errors.NotInSource.code
    assert DataFile.objects.filter(file_name=good.file_name).exists()


def test_between_two_files_a_job_does_not_look_queued_but_after_a_release_it_does() -> None:
    first, second = TransferFactory(), TransferFactory()
    job = job_with(first, second, state=JobState.DOWNLOADING)
    finish(first)
    assert state_of(job) == JobState.DOWNLOADING
    jobs.settle(job.pk, released=True)
    assert state_of(job) == JobState.QUEUED


def test_pause_stops_the_workers_and_resume_queues_what_is_left() -> None:
    running, waiting = TransferFactory(), TransferFactory()
    job = job_with(running, waiting)
    (claim,) = leases.claim([running.pk])
    jobs.settle_jobs_of([running.pk])
    services.pause_job(job.pk)
    assert (state_of(job), state_of(running), state_of(waiting)) == (JobState.PAUSED,) * 3
    assert leases.beat([claim], {claim.id: Pulse(done_bytes=5)}) == {claim.id}
    services.resume_job(job.pk)
    assert (state_of(job), state_of(running), state_of(waiting)) == (JobState.QUEUED,) * 3


def test_pausing_twice_is_harmless_and_pausing_an_ended_job_is_refused() -> None:
    job = job_with(TransferFactory())
    services.pause_job(job.pk)
    assert services.pause_job(job.pk).state == JobState.PAUSED
    services.cancel_job(job.pk)
    with pytest.raises(errors.JobNotResumable, match="cancelled"):
        services.pause_job(job.pk)


def test_a_cancelled_job_ends_and_may_be_resumed() -> None:
    transfer = TransferFactory(done_bytes=77)
    job = job_with(transfer)
    services.cancel_job(job.pk)
    assert (state_of(job), state_of(transfer)) == (JobState.CANCELLED, JobState.CANCELLED)
    assert job.ended_at is not None
    services.resume_job(job.pk)
    assert (state_of(job), state_of(transfer), transfer.done_bytes) == (JobState.QUEUED, JobState.QUEUED, 77)
    assert job.ended_at is None


@pytest.mark.parametrize("state", sorted(terms.ACTIVE))
def test_resume_of_a_running_job_is_refused(state: JobState) -> None:
    job = job_with(TransferFactory(), state=state)
    with pytest.raises(errors.JobNotResumable) as caught:
        services.resume_job(job.pk)
    assert caught.value.http_status == 409


def test_resume_of_a_complete_job_has_nothing_to_do() -> None:
    job = JobFactory(state=JobState.COMPLETE)
    assert services.resume_job(job.pk).state == JobState.COMPLETE


def test_retry_of_a_failed_job_tries_only_what_failed() -> None:
    good, bad = TransferFactory(), TransferFactory()
    job = job_with(good, bad)
    finish(good)
    (claim,) = leases.claim([bad.pk])
    leases.fail(claim, errors.ConnectionLost())
    jobs.settle_jobs_of([bad.pk])
    assert state_of(job) == JobState.FAILED
    services.retry_job(job.pk)
    assert (state_of(job), state_of(good), state_of(bad)) == (JobState.QUEUED, JobState.COMPLETE, JobState.QUEUED)
    assert (job.error, bad.error, bad.attempts) == ("", "", 0)


def test_a_failed_job_cannot_be_resumed_beside_the_same_import_begun_anew() -> None:
    old = job_with(TransferFactory(), state=JobState.FAILED, choices_key="same")
    job_with(TransferFactory(), choices_key="same")
    with pytest.raises(errors.JobNotResumable, match="anew"):
        services.resume_job(old.pk)
    assert state_of(old) == JobState.FAILED


def test_one_live_job_per_choices() -> None:
    JobFactory(choices_key="same", state=JobState.PAUSED)
    with pytest.raises(IntegrityError), transaction.atomic():
        JobFactory(choices_key="same")


@pytest.mark.parametrize("stop", [services.pause_job, services.cancel_job])
def test_stopping_one_of_two_jobs_leaves_what_the_other_wants(stop: Any) -> None:
    shared, own = TransferFactory(), TransferFactory()
    mine, other = job_with(shared, own), job_with(shared)
    stop(mine.pk)
    assert state_of(shared) == JobState.QUEUED
    assert state_of(own) in {JobState.PAUSED, JobState.CANCELLED}
    assert state_of(other) == JobState.QUEUED


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_when_both_of_two_jobs_are_paused_the_shared_file_stops_and_one_resume_sends_it_out(
    order: tuple[int, int],
) -> None:
    shared = TransferFactory()
    pair = [job_with(shared), job_with(shared)]
    for at in order:
        services.pause_job(pair[at].pk)
    assert state_of(shared) == JobState.PAUSED
    services.resume_job(pair[0].pk)
    assert (state_of(shared), state_of(pair[1])) == (JobState.QUEUED, JobState.PAUSED)
    finish(shared)
    assert (state_of(pair[0]), state_of(pair[1])) == (JobState.COMPLETE, JobState.PAUSED)
    services.resume_job(pair[1].pk)
    assert state_of(pair[1]) == JobState.COMPLETE


def test_a_transfer_that_was_stopped_just_as_another_job_began_is_sent_out_by_the_sweeper() -> None:
    transfer = TransferFactory(state=JobState.PAUSED)
    job_with(transfer)
    sweeper.requeue_wanted()
    assert state_of(transfer) == JobState.QUEUED


def test_a_job_whose_worker_died_after_its_last_file_is_ended_by_the_sweeper() -> None:
    transfer = TransferFactory()
    job = job_with(transfer, state=JobState.DOWNLOADING)
    Transfer.objects.update(state=JobState.COMPLETE, file=DataFileFactory())
    sweeper.settle_stragglers()
    assert state_of(job) == JobState.COMPLETE


def test_a_full_disk_pauses_every_job_that_wants_the_file_and_room_lets_them_go_on(settings: Any) -> None:
    shared, own = TransferFactory(), TransferFactory(done_bytes=4_000_000)
    pair = job_with(shared, own), job_with(shared)
    leases.claim([shared.pk])
    settings.STORAGE_MIN_FREE_GB = 1e6
    control.pause_for_disk(shared.pk)
    for job in pair:
        assert (state_of(job), job.error_code) == (JobState.PAUSED, errors.DiskFull.code)
        assert re.fullmatch(r"Paused: disk full, needs [\d.]+ TB more; it goes on by itself .*", job.message)
    assert (state_of(shared), state_of(own)) == (JobState.PAUSED, JobState.PAUSED)
    sweeper.go_on_after_full_disk()
    assert state_of(pair[0]) == JobState.PAUSED
    settings.STORAGE_MIN_FREE_GB = 0
    sweeper.go_on_after_full_disk()
    assert {state_of(job) for job in pair} == {JobState.QUEUED}
    assert {state_of(row) for row in (shared, own)} == {JobState.QUEUED}


def test_a_job_that_waits_for_room_and_is_paused_by_hand_waits_for_the_hand(settings: Any) -> None:
    transfer = TransferFactory()
    job = job_with(transfer)
    settings.STORAGE_MIN_FREE_GB = 1e6
    control.pause_for_disk(transfer.pk)
    paused = services.pause_job(job.pk)
    assert (paused.error_code, paused.error) == ("", "")
    assert paused.message == "Paused. Resume goes on from the bytes that are here."
    settings.STORAGE_MIN_FREE_GB = 0
    sweeper.go_on_after_full_disk()
    assert state_of(job) == JobState.PAUSED


def test_a_job_paused_by_hand_does_not_go_on_by_itself() -> None:
    job = job_with(TransferFactory())
    services.pause_job(job.pk)
    sweeper.go_on_after_full_disk()
    sweeper.requeue_wanted()
    assert state_of(job) == JobState.PAUSED


def test_a_file_lost_since_is_fetched_again_when_its_job_is_resumed() -> None:
    lost, bad = TransferFactory(), TransferFactory()
    job = job_with(lost, bad)
    finish(lost)
    (claim,) = leases.claim([bad.pk])
    leases.fail(claim, errors.ConnectionLost())
    jobs.settle_jobs_of([bad.pk])
    DataFile.objects.filter(file_name=lost.file_name).update(state=DataFile.State.MISSING)
    services.resume_job(job.pk)
    assert state_of(lost) == JobState.QUEUED
    assert lost.done_bytes == 0


def test_unknown_jobs_are_not_found() -> None:
    for job_id in ("nonsense", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(errors.JobNotFound):
            services.get_job(job_id)


def test_only_an_ended_job_can_be_dismissed_and_then_it_is_off_the_list() -> None:
    job = job_with(TransferFactory())
    with pytest.raises(errors.JobNotResumable):
        services.dismiss_job(job.pk)
    services.cancel_job(job.pk)
    services.dismiss_job(job.pk)
    assert services.list_jobs() == ([], 0)
    assert services.get_job(job.pk).dismissed_at is not None


def test_jobs_are_listed_newest_first_by_state_and_observation() -> None:
    now = timezone.now()
    old = JobFactory(state=JobState.COMPLETE, created_at=now - dt.timedelta(hours=2))
    failed = JobFactory(state=JobState.FAILED, created_at=now - dt.timedelta(hours=1))
    live = JobFactory(state=JobState.DOWNLOADING)
    assert services.list_jobs() == ([live, failed, old], 3)
    assert services.list_jobs(limit=1, offset=1) == ([failed], 3)
    assert services.list_jobs(state="ended") == ([failed, old], 2)
    assert services.list_jobs(state="active") == ([live], 1)
    assert services.list_jobs(state="failed", obs_id=failed.obs_id) == ([failed], 1)
    with pytest.raises(errors.BadQuery):
        services.list_jobs(state="nonsense")


def test_the_pill_counts_a_shared_file_once() -> None:
    shared = TransferFactory(catalog_bytes=100, done_bytes=50)
    job_with(shared, state=JobState.DOWNLOADING)
    job_with(shared, state=JobState.DOWNLOADING)
    assert services.active_summary() == (2, 50.0)


def test_there_is_no_pill_when_nothing_runs() -> None:
    JobFactory(state=JobState.COMPLETE)
    assert services.active_summary() == (0, 0.0)


def test_a_job_row_says_its_stage() -> None:
    assert ImportJob(state=JobState.VERIFYING).stage == "Verifying"
