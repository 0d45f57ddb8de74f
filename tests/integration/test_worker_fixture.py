"""The test worker itself: a task that is sent runs, in another thread, on the test's own database."""

import threading
import time

import pytest
import redis
from celery import shared_task

from mast.models import Tag


@shared_task(name="tests.name_a_tag")
def name_a_tag(name: str) -> None:
    Tag.objects.create(name=f"{name} {threading.current_thread() is threading.main_thread()}")


@pytest.mark.parametrize("name", ["first", "second"])
def test_a_task_that_is_sent_runs_in_the_worker(worker: object, name: str) -> None:
    name_a_tag.delay(name)
    deadline = time.monotonic() + 10
    while not Tag.objects.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [tag.name for tag in Tag.objects.all()] == [f"{name} False"]


def test_valkey_is_empty_at_the_start(valkey: redis.Redis) -> None:
    assert valkey.dbsize() == 0
    valkey.set("left", "behind")
