"""Fixtures of the whole suite: a Valkey server, a Celery worker, the practice archive, the shared recordings."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import redis
from django.conf import settings as django_settings

from jwstarchive.run.valkey import Valkey
from mast.archive.client import KNOWN_COLUMNS
from mast.recent import Recent
from mast.transfer.waits import WAITS

if find_spec("tests.practice_fixture"):
    pytest_plugins = ["tests.practice_fixture", "tests.api_fixture"]

# Where these are set pytest draws whole differences, and of two files of megabytes that takes minutes.
for _name in ("CI", "BUILD_NUMBER"):
    os.environ.pop(_name, None)

# A shared machine stalls now and then; how long an example took says nothing about the code.
hypothesis.settings.register_profile("archive", deadline=None)
hypothesis.settings.load_profile("archive")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def missing(what: str) -> None:
    """Skip the test because a program is not on this machine; a failure where everything must be there."""
    if os.environ.get("REQUIRE_ALL"):
        pytest.fail(f"REQUIRE_ALL is set and {what} is missing")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The recordings of real MAST answers and FITS files beside the checkout, which are in no repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the folder shared/data beside the checkout is absent")
    return SHARED_DATA


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody trusts unless told to, with its key in the same file."""
    if shutil.which("openssl") is None:
        missing("openssl")
    folder = tmp_path_factory.mktemp("certificate")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout key.pem -out certificate.pem"
    )
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1"], cwd=folder, check=True, capture_output=True
    )
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "certificate.pem").read_text())
    return both


@pytest.fixture(autouse=True)
def _servers_are_its_own() -> Iterator[None]:
    """What one test's servers said does not count for the next, whose server may have the same port.

    A worker shares the waits its servers ask for with its whole site, and keeps MAST's columns by address.
    """
    yield
    WAITS.share_with(None)
    KNOWN_COLUMNS.clear()


def forget_recent() -> None:
    """As in a process that has just begun."""
    for recent in Recent.every:
        recent.forget()


@pytest.fixture(autouse=True)
def _answers_are_its_own() -> Iterator[None]:
    """What is remembered for a moment is of one test's rows; the next one's may have the same ids or names."""
    yield
    forget_recent()


@pytest.fixture(scope="session")
def _valkey_server() -> Iterator[Valkey]:
    server = Valkey.in_run_dir(django_settings.RUN_DIR)
    server.prepare()
    with subprocess.Popen(server.command(), stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 10
        while not server.answers():
            assert process.poll() is None, "the Valkey server ended"
            assert time.monotonic() < deadline, "the Valkey server does not answer"
            time.sleep(0.01)
        yield server
        process.terminate()


@pytest.fixture
def valkey(_valkey_server: Valkey) -> Iterator[redis.Redis]:
    """A client of a real Valkey server, empty at the start, at the address the settings name."""
    from mast.imports import live

    # A test before this one may have had none, and what did not answer is left alone for some seconds.
    live._connection._quiet_until = 0.0
    with redis.Redis.from_url(_valkey_server.url()) as client:
        client.flushall()
        yield client


@pytest.fixture
def worker(transactional_db: None, valkey: redis.Redis) -> Iterator[Any]:
    """A real Celery worker, four threads of this process, on the test's own database and Valkey.

    Threads, so that it sees the test database on SQLite and PostgreSQL alike and its lines count as covered; the
    prefork worker that users run is started by the tests marked `stack`.
    """
    from celery.contrib.testing.worker import start_worker

    from jwstarchive.celery import app

    with start_worker(
        app, pool="threads", concurrency=4, perform_ping_check=False, loglevel="WARNING", shutdown_timeout=30
    ) as started:
        yield started
