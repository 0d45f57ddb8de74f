"""Redis away, silent, full or closed; messages that are doubled, late or forged: rows S2 and S6 of the fault matrix."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.test import Client

from jwstarchive.celery import app
from jwstarchive.run.valkey import Valkey
from mast.archive.client import warm_up
from mast.imports import broker
from mast.models import DataFile, ImportJob, Transfer
from mast.terms import JobState
from tests.factories import JobFactory, TransferFactory, job_with
from tests.fault import figures
from tests.fault.proxy import Proxy
from tests.fault.sizes import trials
from tests.integration.little_mast import LittleMast
from tests.stack.archive import wait_until

OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
Serve = Callable[[LittleMast], Any]
PATIENCE_S = 30
"""a second for each question to Redis, on a busy machine; what waits for an answer waits for ever"""

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folders")]


# --- away -------------------------------------------------------------------------------------------------------


def nobody(_stack: ExitStack, settings: Any, _server: Valkey) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"


def refusing(stack: ExitStack, settings: Any, server: Valkey) -> None:
    proxy = stack.enter_context(Proxy(server.socket))
    proxy.refuses = True
    settings.REDIS_URL = f"redis://127.0.0.1:{proxy.port}/0"


def silent(stack: ExitStack, settings: Any, server: Valkey) -> None:
    """A network that swallows everything."""
    proxy = stack.enter_context(Proxy(server.socket))
    proxy.is_blackhole = True
    settings.REDIS_URL = f"redis://127.0.0.1:{proxy.port}/0"


def closed(stack: ExitStack, _settings: Any, server: Valkey) -> None:
    """It wants a password that nobody told us."""
    client = stack.enter_context(redis.Redis.from_url(server.url(), single_connection_client=True))
    client.config_set("requirepass", "secret")
    stack.callback(client.config_set, "requirepass", "")


def full(stack: ExitStack, _settings: Any, server: Valkey) -> None:
    client = stack.enter_context(redis.Redis.from_url(server.url()))
    client.config_set("maxmemory", "1")
    stack.callback(client.config_set, "maxmemory", "0")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        yield entered


@pytest.mark.usefixtures("valkey")
@pytest.mark.parametrize("trouble", [nobody, refusing, silent, closed, full], ids=lambda trouble: trouble.__name__)
def test_without_redis_imports_are_accepted_and_every_page_answers(
    little: LittleMast,
    serve: Serve,
    client: Client,
    settings: Any,
    stack: ExitStack,
    trouble: Callable[[ExitStack, Any, Valkey], None],
) -> None:
    serve(little.observation(OBS_ID, 1).product(1, f"{OBS_ID}_i2d.fits"))
    # What the first request imports is not what is timed.
    warm_up()
    client.get("/")
    trouble(stack, settings, Valkey.in_run_dir(django_settings.RUN_DIR))
    took: dict[str, float] = {}

    def ask(path: str, body: dict[str, Any] | None = None) -> Any:
        began = time.monotonic()
        how = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
        answer = client.post(path, **how) if body is not None else client.get(path)
        took[path] = time.monotonic() - began
        assert answer.status_code < 500 or path == "/api/health", path
        assert took[path] < PATIENCE_S, path
        return answer

    accepted = ask("/api/mast/import", {"obsId": OBS_ID})
    assert accepted.status_code == 202
    job = accepted.json()["jobId"]
    assert ImportJob.objects.get().message == broker.UNREACHABLE
    for path in ("/", "/imports/", "/search/", f"/imports/{job}/", "/imports/pill/", "/healthz", "/api/health"):
        ask(path)
    assert ask(f"/api/mast/import-progress/{job}").json()["state"] == "queued"
    assert ask(f"/api/mast/import/pause/{job}", {}).json()["state"] == "paused"
    assert ask(f"/api/mast/import/resume/{job}", {}).json()["state"] == "queued"
    assert ask(f"/api/mast/import/cancel/{job}", {}).json()["state"] == "cancelled"
    figures.note(f"Redis is {trouble.__name__}", answers=figures.spread(list(took.values()), "s"))


# --- messages ---------------------------------------------------------------------------------------------------


def rows() -> list[Any]:
    """Everything a message could change."""
    return [list(model.objects.order_by("pk").values()) for model in (Transfer, ImportJob, DataFile)]


ODD = [None, -1, 0, 2**62, 10**30, "", "x", "1; DROP TABLE mast_transfer", [], {}, [[]], 1.5, True]
TASKS = ["mast.tasks.fetch", "mast.tasks.register_existing", "mast.tasks.refresh", "mast.tasks.none"]


def a_forged_message(chance: random.Random, known: dict[str, Any]) -> tuple[str, list[Any]]:
    """A task's name and its arguments: ids unknown, ended, of another kind, of the wrong type, none, too many."""
    ids = [chance.choice([known["complete"], known["failed"], known["paused"], chance.randrange(10**6, 10**9)])]
    arguments: list[Any] = chance.choice(
        [
            [ids * chance.randint(1, 3)],
            [[chance.choice(ODD)]],
            [chance.choice(ODD)],
            [str(chance.choice([known["job"], uuid.uuid4()]))],
            [],
            [ids, ids],
        ]
    )
    return chance.choice(TASKS), arguments


@pytest.mark.release
def test_messages_that_are_doubled_late_or_forged_change_nothing(worker: Any, valkey: redis.Redis) -> None:
    complete = TransferFactory(state=JobState.COMPLETE)
    failed, paused = TransferFactory(state=JobState.FAILED), TransferFactory(state=JobState.PAUSED)
    job_with(complete, state=JobState.COMPLETE)
    job_with(failed, state=JobState.FAILED)
    job_with(paused, state=JobState.PAUSED)
    ended = JobFactory(state=JobState.COMPLETE, kind=ImportJob.Kind.REFRESH)
    known = {"complete": complete.pk, "failed": failed.pk, "paused": paused.pk, "job": ended.pk}
    before, count = rows(), 0
    for trial in trials("messages", 100, 1000):
        with trial as chance:
            name, arguments = a_forged_message(chance, known)
            for _ in range(chance.choice([1, 1, 2])):
                app.send_task(name, args=arguments, ignore_result=True)
                count += 1
    wait_until(lambda: valkey.llen(django_settings.CELERY_TASK_DEFAULT_QUEUE) == 0, within_s=120)
    # The worker is there still, and takes what is meant: a transfer that nobody gives ends.
    real = TransferFactory(source_choice="http")
    job = job_with(real)
    broker.publish_transfers(job.pk)
    wait_until(lambda: ImportJob.objects.get(pk=job.pk).state == JobState.FAILED, within_s=60)
    Transfer.objects.filter(pk=real.pk).delete()
    observation = job.observation
    job.delete()
    assert observation is not None
    assert rows() == before
    figures.note("messages by hand", sent=count, changes=0)
