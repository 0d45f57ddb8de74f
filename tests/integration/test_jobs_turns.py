"""Whose turn it is, what the site shares, and when files are fetched at all."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest
import redis
import time_machine
from django.contrib.auth import get_user_model

from mast import services
from mast.hours import Hours
from mast.imports import broker, importer, leases, opening, site, sweeper, turns
from mast.imports.heart import Heart
from mast.models import ImportJob, Transfer
from mast.terms import JobState
from mast.transfer.values import Progress
from mast.transfer.waits import Waits
from tests.factories import TransferFactory, job_with

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

SMALL, LARGE, LIMIT = 1_000_000, 10**9, 8 << 20


def job(count: int, size: int, owner: Any = None) -> ImportJob:
    return job_with(*TransferFactory.create_batch(count, catalog_bytes=size), owner=owner)


def user(name: str) -> Any:
    return get_user_model().objects.create_user(name)


def owners_in_turn(room: int) -> list[str]:
    """Whose files the next messages name."""
    by_id = dict(Transfer.objects.values_list("pk", "items__job__owner__username"))
    return [by_id[ids[0]] for ids in turns.messages(Transfer.objects.all(), room, LIMIT)]


# --- turns ------------------------------------------------------------------------------------------------------


def test_users_take_turns_however_many_files_one_of_them_wants() -> None:
    job(20, LARGE, user("first"))
    job(2, LARGE, user("second"))
    assert owners_in_turn(6) == ["first", "second", "first", "second", "first", "first"]


def test_the_jobs_of_a_user_take_turns_too() -> None:
    someone = user("someone")
    jobs = [job(5, LARGE, someone), job(5, LARGE + 1, someone)]
    by_id = dict(Transfer.objects.values_list("pk", "items__job"))
    taken = [by_id[ids[0]] for ids in turns.messages(Transfer.objects.all(), 4, LIMIT)]
    assert [jobs.index(ImportJob.objects.get(pk=pk)) for pk in taken] == [0, 1, 0, 1]


def test_what_a_user_has_under_way_counts() -> None:
    busy = job(6, LARGE, user("busy"))
    Transfer.objects.filter(pk__in=busy.items.values("transfer")[:3]).update(state=JobState.DOWNLOADING)
    job(2, LARGE, user("late"))
    queued = Transfer.objects.filter(state=JobState.QUEUED)
    by_id = dict(Transfer.objects.values_list("pk", "items__job__owner__username"))
    assert [by_id[ids[0]] for ids in turns.messages(queued, 3, LIMIT)] == ["late", "late", "busy"]


def test_small_files_of_a_job_go_first_and_together() -> None:
    job_with(
        *TransferFactory.create_batch(2, catalog_bytes=LARGE), *TransferFactory.create_batch(60, catalog_bytes=SMALL)
    )
    sizes = dict(Transfer.objects.values_list("pk", "catalog_bytes"))
    taken = [[sizes[pk] for pk in ids] for ids in turns.messages(Transfer.objects.all(), 9, LIMIT)]
    assert taken == [[SMALL] * 50, [SMALL] * 10, [LARGE], [LARGE]]


def test_a_file_that_two_jobs_want_is_sent_once() -> None:
    shared = TransferFactory.create_batch(3, catalog_bytes=LARGE)
    job_with(*shared, owner=user("one"))
    job_with(*shared, owner=user("other"))
    ids = [pk for message in turns.messages(Transfer.objects.all(), 9, LIMIT) for pk in message]
    assert sorted(ids) == sorted(transfer.pk for transfer in shared)


def test_who_comes_late_to_a_long_queue_is_sent_within_a_window(valkey: redis.Redis) -> None:
    first = job(200, LARGE, user("first"))
    broker.publish_transfers(first.pk)
    late = job(1, LARGE, user("late"))
    assert valkey.llen("archive") == broker.WINDOW
    while valkey.llen("archive") >= broker.WINDOW // 2:
        valkey.rpop("archive")
    sweeper.refill()
    assert Transfer.objects.get(items__job=late).published_at is not None


def test_sending_out_costs_the_same_few_queries_for_many_files(django_assert_max_num_queries: Any) -> None:
    for size in (SMALL, LARGE):
        many = job(300, size)
        with django_assert_max_num_queries(8):
            assert broker.publish_transfers(many.pk)


# --- what the site shares ---------------------------------------------------------------------------------------


def test_one_group_may_have_all_connections_and_two_share_them(settings: Any) -> None:
    settings.DOWNLOAD_CONNECTIONS = 16
    first = site.Member("s3", 16)
    assert first.granted == 16
    second = site.Member("s3", 16)
    assert second.granted == 0, "the first still holds them"
    first.refresh()
    assert first.granted == 8
    second.refresh()
    assert second.granted == 8
    second.leave()
    first.refresh()
    assert first.granted == 16


def test_what_one_has_no_use_for_goes_to_the_others(settings: Any) -> None:
    settings.DOWNLOAD_CONNECTIONS = 16
    little = site.Member("s3", 2)
    much = site.Member("s3", 16)
    assert (little.granted, much.granted) == (2, 14)


def test_each_source_has_connections_of_its_own(settings: Any) -> None:
    settings.DOWNLOAD_CONNECTIONS = 4
    assert site.Member("s3", 4).granted == 4
    assert site.Member("http", 4).granted == 4


def test_the_site_never_grants_more_than_it_has_whoever_comes_and_goes(settings: Any) -> None:
    settings.DOWNLOAD_CONNECTIONS = 5
    members = [site.Member("http", wanted) for wanted in (16, 3, 1, 16, 16, 2, 16)]
    for turn in range(30):
        members[turn % len(members)].refresh()
        assert sum(member.granted for member in members) <= 5
    assert sum(member.granted for member in members) == 5


def test_a_member_that_fell_silent_is_forgotten(settings: Any) -> None:
    settings.DOWNLOAD_CONNECTIONS, usual_s = 4, settings.SILENT_S
    settings.SILENT_S = 0.05
    site.Member("http", 4)
    settings.SILENT_S = usual_s
    alive = site.Member("http", 4)
    deadline = time.monotonic() + 20
    while alive.granted < 4:
        assert time.monotonic() < deadline
        alive.refresh()


def test_without_redis_each_keeps_what_it_had_or_takes_its_part(settings: Any) -> None:
    settings.DOWNLOAD_CONNECTIONS, settings.DOWNLOAD_FILES, settings.DOWNLOAD_RATE_MB = 16, 4, 100
    before = site.Member("http", 16)
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    before.refresh()
    assert before.granted == 16
    assert site.Member("http", 16).granted == 4


def test_the_rate_of_the_site_is_shared_by_those_who_fetch(settings: Any) -> None:
    settings.DOWNLOAD_RATE_MB = 10
    first = site.Member("http", 4)
    assert first.delay_s(20_000_000) > 1
    site.Member("s3", 4)
    first.refresh()
    second = site.Member("http", 4)
    # Three share 10 MB/s.
    assert second.delay_s(10_000_000) == pytest.approx(3, rel=0.3)


def test_a_server_that_asks_one_process_to_wait_asks_all() -> None:
    one, other = Waits(), Waits()
    for waits in (one, other):
        waits.share_with(site.SharedWaits())
    assert other.remaining_s("mast.example") == 0
    one.ask("mast.example", 60)
    other.forget()
    assert 50 < other.remaining_s("mast.example") <= 60
    assert other.remaining_s("another.example") == 0


# --- hours ------------------------------------------------------------------------------------------------------

NOON = dt.datetime(2026, 1, 10, 12, tzinfo=dt.UTC)


@pytest.fixture
def night(settings: Any) -> None:
    settings.DOWNLOAD_HOURS = Hours.parse("22:00-06:00")


@pytest.mark.usefixtures("night")
def test_outside_the_hours_an_import_waits_and_says_until_when(valkey: redis.Redis) -> None:
    waiting = job(3, SMALL)
    with time_machine.travel(NOON):
        assert broker.publish_transfers(waiting.pk)
        sweeper.sweep()
    waiting.refresh_from_db()
    assert (waiting.state, valkey.llen("archive")) == (JobState.WAITING, 0)
    transfer = Transfer.objects.all()[0]
    assert transfer.state == JobState.WAITING
    assert "22:00 to 06:00 (UTC)" in transfer.message
    with time_machine.travel(NOON + dt.timedelta(hours=11)):
        sweeper.sweep()
    assert valkey.llen("archive") == 1
    assert not Transfer.objects.filter(message__startswith=opening.CLOSED).exists()


@pytest.mark.usefixtures("night")
def test_a_message_that_comes_outside_the_hours_starts_nothing() -> None:
    late = job(1, SMALL)
    transfer = Transfer.objects.get()
    with time_machine.travel(NOON):
        importer.run([transfer.pk])
    transfer.refresh_from_db()
    late.refresh_from_db()
    assert (transfer.state, transfer.owner, transfer.attempts) == (JobState.WAITING, "", 0)
    assert late.state == JobState.WAITING


def test_what_waited_goes_on_when_the_hours_are_taken_away(settings: Any, valkey: redis.Redis, night: None) -> None:
    waiting = job(1, SMALL)
    with time_machine.travel(NOON):
        broker.publish_transfers(waiting.pk)
    settings.DOWNLOAD_HOURS = None
    sweeper.sweep()
    assert valkey.llen("archive") == 1


# --- slices and beats -------------------------------------------------------------------------------------------


def test_a_long_download_lets_others_in_only_while_some_wait(settings: Any, valkey: redis.Redis) -> None:
    settings.SLICE_BYTES = 1000
    transfer = TransferFactory(catalog_bytes=LARGE)
    job_with(transfer)
    (claim,) = leases.claim([transfer.pk])
    turn, member = importer.Turn(), site.Member("http", 4)
    with Heart([claim], lambda: False) as heart:
        heart.report(claim.id, Progress(0, LARGE, "http", "downloading"))
        heart.report(claim.id, Progress(2000, LARGE, "http", "downloading"))
        turn.tick(heart, member)
        assert not turn.is_over
        valkey.lpush("archive", "{}")
        turn.tick(heart, member)
        assert turn.is_over


def test_a_file_that_is_read_again_for_long_gets_a_longer_slice(settings: Any) -> None:
    settings.SLICE_BYTES = 1000
    transfer = TransferFactory(catalog_bytes=LARGE, done_bytes=5000)
    job_with(transfer)
    (claim,) = leases.claim([transfer.pk])
    with Heart([claim], lambda: False) as heart:
        heart.report(claim.id, Progress(5000, LARGE, "http", "downloading"))
        heart.report(claim.id, Progress(9000, LARGE, "http", "downloading"))
        assert not heart.is_slice_over
        heart.report(claim.id, Progress(10_001, LARGE, "http", "downloading"))
        assert heart.is_slice_over


def test_a_cancel_is_heard_long_before_the_next_beat(settings: Any) -> None:
    settings.LEASE_S = 1200.0
    transfer = TransferFactory()
    wanting = job_with(transfer)
    (claim,) = leases.claim([transfer.pk])
    with Heart([claim], lambda: False) as heart:
        services.cancel_job(wanting.pk)
        deadline = time.monotonic() + 30
        while not heart.should_stop(claim.id):
            assert time.monotonic() < deadline, "a beat comes once a minute here"
            time.sleep(0.02)


def test_a_batch_beats_with_few_statements(django_assert_max_num_queries: Any) -> None:
    transfers = TransferFactory.create_batch(50)
    job_with(*transfers)
    claims = leases.claim([transfer.pk for transfer in transfers])
    pulses = {claim.id: leases.Pulse() for claim in claims}
    pulses[claims[0].id] = leases.Pulse(done_bytes=5)
    Transfer.objects.filter(pk=claims[7].id).update(owner="another")
    with django_assert_max_num_queries(5):
        assert leases.beat(claims, pulses) == {claims[7].id}
    assert Transfer.objects.get(pk=claims[0].id).done_bytes == 5
