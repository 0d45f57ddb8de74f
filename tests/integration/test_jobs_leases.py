"""Claims on transfers: one worker wins, nobody writes with a claim that is gone."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from mast import errors
from mast.imports import broker, control, joblease, leases, owners, sweeper
from mast.imports.leases import Pulse
from mast.models import Transfer
from mast.terms import JobState
from tests.factories import JobFactory, TransferFactory, job_with


@pytest.mark.django_db
def test_a_claim_takes_a_queued_transfer_and_raises_its_epoch() -> None:
    transfer = TransferFactory()
    (claim,) = leases.claim([transfer.pk])
    assert (claim.transfer.state, claim.epoch, claim.transfer.attempts) == (JobState.DOWNLOADING, 1, 1)
    assert claim.transfer.lease_until > timezone.now()


@pytest.mark.django_db
def test_a_second_claim_finds_nothing() -> None:
    transfer = TransferFactory()
    assert leases.claim([transfer.pk])
    assert leases.claim([transfer.pk]) == []


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_at_once_one_wins() -> None:
    transfers = TransferFactory.create_batch(5)
    ids = [transfer.pk for transfer in transfers]

    def claim(_: int) -> list[int]:
        try:
            return [claim.id for claim in leases.claim(ids)]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        taken = [pk for won in pool.map(claim, range(8)) for pk in won]
    assert sorted(taken) == sorted(ids)


@pytest.mark.django_db
@pytest.mark.parametrize("state", [JobState.PAUSED, JobState.CANCELLED, JobState.FAILED, JobState.COMPLETE])
def test_what_has_stopped_cannot_be_claimed(state: JobState) -> None:
    assert leases.claim([TransferFactory(state=state).pk]) == []


@pytest.mark.django_db
def test_what_waits_is_claimed_only_when_it_is_due() -> None:
    later = TransferFactory(state=JobState.WAITING, not_before=timezone.now() + dt.timedelta(seconds=60))
    due = TransferFactory(state=JobState.WAITING, not_before=timezone.now() - dt.timedelta(seconds=1))
    assert [claim.id for claim in leases.claim([later.pk, due.pk])] == [due.pk]


@pytest.mark.django_db
def test_a_lease_that_ran_out_may_be_taken_over_and_its_holder_can_write_no_more() -> None:
    transfer = TransferFactory()
    (first,) = leases.claim([transfer.pk])
    Transfer.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    (second,) = leases.claim([transfer.pk])
    assert second.epoch == first.epoch + 1
    assert leases.beat([first], {first.id: Pulse(done_bytes=7)}) == {first.id}
    assert not leases.release(first, 7)
    assert not leases.fail(first, errors.ConnectionLost())
    transfer.refresh_from_db()
    assert (transfer.state, transfer.done_bytes, transfer.owner) == (JobState.DOWNLOADING, 0, second.owner)


@pytest.mark.django_db
def test_a_beat_extends_the_lease_only_while_bytes_move() -> None:
    transfer = TransferFactory()
    (claim,) = leases.claim([transfer.pk])
    past = timezone.now() - dt.timedelta(seconds=1)
    Transfer.objects.update(lease_until=past)
    leases.beat([claim], {claim.id: Pulse(done_bytes=5, is_alive=False)})
    transfer.refresh_from_db()
    assert (transfer.lease_until, transfer.done_bytes) == (past, 5)
    leases.beat([claim], {claim.id: Pulse(done_bytes=6, is_alive=True)})
    transfer.refresh_from_db()
    assert transfer.lease_until > timezone.now()


@pytest.mark.django_db
def test_leases_follow_the_clock_of_the_database_not_that_of_the_worker() -> None:
    transfer = TransferFactory()
    with time_machine.travel(dt.datetime(2031, 1, 1, tzinfo=dt.UTC)):
        assert leases.claim([transfer.pk])
        assert sweeper.free_expired() == 0
        assert leases.claim([transfer.pk]) == []
    transfer.refresh_from_db()
    assert transfer.lease_until < timezone.now() + dt.timedelta(minutes=1)


@pytest.mark.django_db(transaction=True)
def test_a_row_that_a_stopped_worker_keeps_locked_does_not_hold_the_sweeper_up() -> None:
    locked, free = TransferFactory.create_batch(2)
    leases.claim([locked.pk, free.pk])
    Transfer.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    is_locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        # SQLite locks no rows: there the other worker stops between two transactions.
        with transaction.atomic() if connection.vendor != "sqlite" else contextlib.nullcontext():
            Transfer.objects.filter(pk=locked.pk).update(message="half written")
            is_locked.set()
            done.wait(20)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_locked.wait(10)
    began = time.monotonic()
    freed = sweeper.free_expired()
    assert time.monotonic() - began < 10
    done.set()
    holder.join()
    assert freed + sweeper.free_expired() == 2


@pytest.mark.django_db
def test_a_released_transfer_is_queued_unharmed() -> None:
    transfer = TransferFactory()
    job = job_with(transfer)
    (claim,) = leases.claim([transfer.pk])
    assert leases.release(claim, 1234)
    transfer.refresh_from_db()
    assert (transfer.state, transfer.done_bytes, transfer.attempts) == (JobState.QUEUED, 1234, 0)
    assert (transfer.owner, transfer.lease_until, transfer.published_at) == ("", None, None)
    job.refresh_from_db()
    assert job.state == JobState.QUEUED


@pytest.mark.django_db
def test_new_bytes_forgive_earlier_deaths() -> None:
    transfer = TransferFactory(attempts=2)
    (claim,) = leases.claim([transfer.pk])
    assert claim.transfer.attempts == 3
    leases.beat([claim], {claim.id: Pulse(done_bytes=1, has_moved=True)})
    transfer.refresh_from_db()
    assert transfer.attempts == 0


@pytest.mark.django_db
def test_a_file_that_kills_its_workers_is_given_up_after_three_attempts() -> None:
    transfer = TransferFactory()
    job = job_with(transfer)
    for _ in range(3):
        assert leases.claim([transfer.pk])
        Transfer.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
        assert sweeper.free_expired() == 1
    assert leases.claim([transfer.pk]) == []
    sweeper.give_up()
    transfer.refresh_from_db()
    job.refresh_from_db()
    assert (transfer.state, transfer.error_code) == (JobState.FAILED, errors.WorkerDied.code)
    assert (job.state, job.error_code) == (JobState.FAILED, errors.WorkerDied.code)
    assert transfer.file_name in job.error
    assert "3 times" in job.error


def _dead_owner() -> str:
    """The owner string of a process that has ended."""
    line = "from mast.imports import owners; print(owners.new())"
    return subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.django_db
def test_a_dead_process_of_this_host_is_seen_at_once() -> None:
    dead = TransferFactory(state=JobState.DOWNLOADING, owner=_dead_owner(), done_bytes=99)
    alive = TransferFactory(state=JobState.DOWNLOADING, owner=owners.new())
    Transfer.objects.update(lease_until=timezone.now() + dt.timedelta(hours=1))
    job_with(dead, alive)
    assert sweeper.free_dead() == 1
    dead.refresh_from_db()
    alive.refresh_from_db()
    assert (dead.state, dead.done_bytes, dead.owner) == (JobState.QUEUED, 99, "")
    assert alive.state == JobState.DOWNLOADING


@pytest.mark.django_db
def test_a_refresh_whose_worker_died_goes_back_to_the_queue_and_out_again(valkey: Any) -> None:
    lease = timezone.now() + dt.timedelta(hours=1)
    job = JobFactory(kind="refresh", state=JobState.DOWNLOADING, lease_owner=_dead_owner(), lease_until=lease)
    sweeper.sweep()
    job.refresh_from_db()
    assert (job.state, job.lease_owner, job.lease_until) == (JobState.QUEUED, "", None)
    assert valkey.llen(settings.CELERY_TASK_DEFAULT_QUEUE) >= 1


@pytest.mark.django_db
def test_a_paused_refresh_is_held_by_nobody() -> None:
    job = JobFactory(kind="refresh")
    held = joblease.claim(job.pk, JobState.DOWNLOADING)
    assert held is not None
    assert joblease.claim(job.pk, JobState.DOWNLOADING) is None
    control.pause(job)
    with pytest.raises(errors.LeaseLost):
        held.beat(50, "half way", {})
    assert (job.state, job.lease_until) == (JobState.PAUSED, None)


@pytest.mark.django_db
def test_a_refresh_accepted_without_redis_is_sent_by_the_sweeper(valkey: Any, settings: Any) -> None:
    job = JobFactory(kind="refresh")
    address, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:9/0"
    assert not broker.publish_job(job)
    settings.REDIS_URL = address
    valkey.lpush(settings.CELERY_TASK_DEFAULT_QUEUE, "somebody else's message")
    sweeper.sweep()
    job.refresh_from_db()
    assert job.message == "Waiting for a free worker."
    assert valkey.llen(settings.CELERY_TASK_DEFAULT_QUEUE) == 2
    sweeper.sweep()
    assert valkey.llen(settings.CELERY_TASK_DEFAULT_QUEUE) == 2


def test_this_process_is_not_dead_and_another_hosts_cannot_be_judged() -> None:
    own = owners.new()
    assert not owners.is_dead(own)
    assert not owners.is_dead("elsewhere/boot/1:1:2:3")
    assert not owners.is_dead("")
    assert not owners.is_dead("nonsense")


def test_a_process_number_used_again_by_another_process_is_a_dead_owner() -> None:
    where = owners.new().partition(":")[0]
    assert owners.is_dead(f"{where}:{os.getpid()}:1:1")


def test_a_process_of_an_earlier_boot_is_dead() -> None:
    host, boot, space = owners.host().split("/")
    assert boot
    assert owners.is_dead(f"{host}/{boot[::-1]}/{space}:{os.getpid()}:1:1")
