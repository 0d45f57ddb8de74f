"""How far a job is: rows and Redis merged, bounded, in a constant number of queries."""

from __future__ import annotations

import socketserver
import threading
import time
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from mast import recent, services
from mast.imports import live
from mast.imports.live import Numbers
from mast.models import ImportItem, Transfer
from mast.recent import Recent
from mast.services import JobProgress
from mast.terms import JobState
from tests.factories import DataFileFactory, JobFactory, TransferFactory, job_with

pytestmark = pytest.mark.django_db


def numbers(done: int, **fields: Any) -> Numbers:
    given: dict[str, Any] = {"total_bytes": 1000, "speed": 50.0, "source": "s3", "message": "", "epoch": 1}
    return Numbers(done_bytes=done, at=time.time(), **(given | fields))


def running(**fields: Any) -> Transfer:
    given = {"state": JobState.DOWNLOADING, "epoch": 1, "total_bytes": 1000, "done_bytes": 100}
    return TransferFactory(**(given | fields))


def progress_of(*transfers: Transfer, **fields: Any) -> JobProgress:
    return services.job_progress(job_with(*transfers, **({"state": JobState.DOWNLOADING} | fields)))


def test_live_numbers_are_ahead_of_the_row(valkey: Any) -> None:
    transfer = running()
    live.write({transfer.pk: numbers(400)})
    progress = progress_of(transfer)
    assert (progress.downloaded_bytes, progress.total_bytes, progress.progress) == (400, 1000, 40.0)
    assert (progress.speed_bytes_per_sec, progress.eta_seconds) == (50.0, 12.0)
    assert (progress.download_source, progress.live) == ("s3", True)
    (file,) = progress.file_progress
    assert (file.downloaded_bytes, file.progress_percent, file.status, file.source) == (400, 40.0, "downloading", "s3")
    assert file.eta_seconds == 12.0


def test_numbers_of_an_earlier_claim_say_nothing(valkey: Any) -> None:
    transfer = running(epoch=2)
    live.write({transfer.pk: numbers(900, epoch=1)})
    progress = progress_of(transfer)
    assert (progress.downloaded_bytes, progress.speed_bytes_per_sec, progress.eta_seconds) == (100, 0.0, None)


def test_old_numbers_have_no_speed(valkey: Any) -> None:
    transfer = running()
    stale = numbers(400)
    live.write({transfer.pk: Numbers(**(vars(stale) | {"at": time.time() - 60}))})
    assert progress_of(transfer).speed_bytes_per_sec == 0.0


def test_progress_never_exceeds_the_total(valkey: Any) -> None:
    transfer = running()
    live.write({transfer.pk: numbers(5000)})
    progress = progress_of(transfer)
    assert progress.downloaded_bytes == 1000
    assert progress.progress < 100
    assert progress.file_progress[0].progress_percent == 100.0


def test_without_redis_the_rows_answer_and_the_message_says_so(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    began = time.monotonic()
    progress = progress_of(running())
    assert time.monotonic() - began < 1.5
    assert (progress.downloaded_bytes, progress.live) == (100, False)
    assert "last recorded" in progress.message


@pytest.mark.parametrize("reply", [b"$4\r\n\xff\xfe\xff\xfe\r\n", b"*1\r\n:x\r\n", b"?\r\n", b"$999999999999\r\n"])
def test_a_redis_that_answers_nonsense_fails_no_page(settings: Any, reply: bytes) -> None:
    """The client knows more errors than those it calls its own: of text, of numbers."""

    class Nonsense(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline():
                self.wfile.write(reply * 8)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Nonsense) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.REDIS_URL = f"redis://127.0.0.1:{server.server_address[1]}/0"
        assert progress_of(running()).downloaded_bytes == 100
        assert live.remembered("anything") is None
        server.shutdown()


def test_what_a_file_waits_for_is_in_the_message(valkey: Any) -> None:
    transfer = running(state=JobState.WAITING, message="MAST asks us to wait until 12:30.")
    assert progress_of(transfer).message.endswith(f"{transfer.file_name}: MAST asks us to wait until 12:30.")


def test_a_job_whose_bytes_are_all_there_saves_records(valkey: Any) -> None:
    transfer = running(state=JobState.COMPLETE, done_bytes=1000, file=DataFileFactory())
    progress = progress_of(transfer)
    assert (progress.stage, progress.progress) == ("Saving records", 99.9)
    assert progress.result is None


def test_active_and_failed_files_come_first_and_200_are_listed(valkey: Any) -> None:
    queued = TransferFactory.create_batch(201)
    failed, moving = running(state=JobState.FAILED), running()
    complete = running(state=JobState.COMPLETE, file=DataFileFactory())
    progress = progress_of(complete, *queued, failed, moving)
    assert progress.file_count == 204
    assert len(progress.file_progress) == 200
    assert [file.filename for file in progress.file_progress[:2]] == [moving.file_name, failed.file_name]
    assert complete.file_name not in {file.filename for file in progress.file_progress}
    assert progress.total_bytes == 201 * 10_000_000 + 3000


@pytest.mark.parametrize("count", [1, 60])
def test_the_number_of_queries_does_not_grow_with_the_files(
    valkey: Any, count: int, django_assert_max_num_queries: Any
) -> None:
    job = job_with(*(running() for _ in range(count)), state=JobState.DOWNLOADING)
    with django_assert_max_num_queries(3):
        services.job_progress(job)


def test_the_pill_takes_two_queries(django_assert_num_queries: Any) -> None:
    job_with(running(), state=JobState.DOWNLOADING)
    context: CaptureQueriesContext
    with django_assert_num_queries(2) as context:
        assert services.active_summary() == (1, 10.0)
    assert context.captured_queries


def test_a_refresh_alone_shows_its_own_percent_in_the_pill() -> None:
    JobFactory(kind="refresh", state=JobState.DOWNLOADING, progress_percent=42)
    assert services.active_summary() == (1, 42.0)


def test_an_ended_job_tells_what_it_brought_and_what_it_left_out(valkey: Any) -> None:
    file, held = DataFileFactory(), DataFileFactory()
    fetched = running(state=JobState.COMPLETE, file=file, file_name=file.file_name)
    known = running(state=JobState.COMPLETE, file=held, file_name=held.file_name)
    job = job_with(fetched, known, state=JobState.COMPLETE, skipped=[{"reason": "it is Level 2", "count": 3}])
    ImportItem.objects.filter(transfer=known).update(was_held=True)
    # Another job that found the first file held says nothing about this one.
    other = job_with(fetched, state=JobState.COMPLETE)
    ImportItem.objects.filter(job=other).update(was_held=True)
    result = services.job_progress(job).result
    assert result is not None
    assert result.imported_data_ids == [file.pk, held.pk]
    assert (result.imported_count, result.skipped_count, result.failed_count) == (2, 1, 0)
    assert result.left_out == [{"reason": "it is Level 2", "count": 3}]


def test_many_who_ask_at_once_cost_as_much_as_one(valkey: Any, django_assert_num_queries: Any) -> None:
    job = job_with(running(), state=JobState.DOWNLOADING)
    first = services.job_progress(job)
    with django_assert_num_queries(1):
        assert services.job_progress(job) is first
    services.pause_job(job.pk)
    assert services.job_progress(job).state == JobState.PAUSED


def test_answers_that_stand_for_a_moment_are_bounded() -> None:
    answers = Recent(seconds=60)
    for number in range(recent.MOST + 1):
        assert answers.get(number, lambda number=number: number) == number
    assert answers.get(0, lambda: "made again") == "made again"
    assert answers.get(recent.MOST, lambda: "made again") == recent.MOST


def test_a_job_without_files_has_no_share(valkey: Any) -> None:
    progress = progress_of()
    assert (progress.progress, progress.total_bytes, progress.file_progress) == (0.0, 0, [])


def test_speed_is_that_of_the_last_seconds_and_starts_anew_when_a_file_does() -> None:
    speed = live.Speed()
    assert speed.of(0) == 0.0
    time.sleep(0.02)
    assert speed.of(1_000_000) > 0
    assert speed.of(10) == 0.0


def test_live_numbers_that_make_no_sense_are_left_out(valkey: Any) -> None:
    valkey.hset("transfer:7", mapping={"done": "many"})
    assert live.read([7, 8]) == {}
    assert live.read([]) == {}


def test_live_numbers_are_gone_after_a_day(valkey: Any) -> None:
    live.write({7: numbers(1)})
    assert 0 < valkey.ttl("transfer:7") <= live.KEPT_S
