"""The state of the archive's parts: as /healthz says it, and as doctor does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jwstarchive.run import diagnosis
from mast import counts, health
from mast.models import DataFile
from mast.practice import PracticeServer
from tests.benchmarks.servers import free_port
from tests.factories import DataFileFactory

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def nobody_listens(settings: Any, tmp_path: Path) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"


@pytest.fixture
def own_data_dir(settings: Any, tmp_path: Path) -> Path:
    """A data directory as `up` makes it."""
    settings.DATA_DIR = settings.ARCHIVE_DIR = tmp_path
    settings.RUN_DIR = tmp_path / "run"
    settings.RUN_DIR.mkdir(mode=0o700)
    (tmp_path / "keys").mkdir(mode=0o700)
    return tmp_path


def test_a_worker_says_that_it_runs_and_that_it_goes(worker: Any) -> None:
    part = health.worker()
    assert (part.ok, part.message) == (True, "One worker runs.")
    assert part.facts == {"workers": [worker.hostname]}
    health.worker_is_gone(worker.hostname)
    assert not health.worker().ok


def test_a_worker_that_fell_silent_is_forgotten(valkey: redis.Redis) -> None:
    health.worker_is_alive("celery@here")
    assert 0 < valkey.ttl(f"{health.WORKER_KEYS}celery@here") <= health.WORKER_SILENCE_S


@pytest.mark.usefixtures("nobody_listens")
def test_without_redis_both_parts_say_so_and_nothing_fails() -> None:
    assert health.redis_server().message.startswith("Redis does not answer, so nothing new is downloaded: ")
    assert health.worker().message == "Whether a worker runs is not known while Redis does not answer."
    health.worker_is_alive("celery@here")
    health.worker_is_gone("celery@here")


def test_redis_says_what_it_is(valkey: redis.Redis) -> None:
    part = health.redis_server()
    assert part.ok
    assert part.facts["server"] == "Valkey"
    assert part.message == f"Valkey {part.facts['version']} answers."


def test_the_database_says_its_version_and_journal() -> None:
    part = health.database()
    assert part.ok
    assert part.facts["version"] in part.message
    assert part.facts["engine"] == "postgresql" or part.facts["journal_mode"] in {"WAL", "DELETE"}


def test_a_disk_that_imports_would_fill_is_not_well(settings: Any, own_data_dir: Path) -> None:
    assert health.disk().ok
    settings.STORAGE_MIN_FREE_GB = 1e6
    assert health.disk().message.endswith("are free, less than imports must leave free.")
    settings.ARCHIVE_DIR = own_data_dir / "nowhere"
    assert health.disk().message == f"The data folder {own_data_dir}/nowhere cannot be read: No such file or directory."


@pytest.mark.usefixtures("nobody_listens")
def test_healthz_is_up_without_redis_and_down_without_its_disk(settings: Any, client: Client) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["parts"]["redis"] is False
    settings.ARCHIVE_DIR = settings.ARCHIVE_DIR / "nowhere"
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["ok"]) == (503, False)


# --- doctor -----------------------------------------------------------------------------------------------------


def doctor(*arguments: str) -> tuple[int, str]:
    """Exit status and what is on stdout."""
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out)
    except CommandError as exc:
        return exc.returncode, out.getvalue()
    return 0, out.getvalue()


@pytest.mark.usefixtures("worker", "own_data_dir")
def test_doctor_finds_everything_well(mast_stand_in: PracticeServer) -> None:
    status, out = doctor()
    assert (status, "NOT WELL" in out) == (0, False), out
    assert out.splitlines()[0].split() == ["part", "state", "finding"]
    assert "One worker runs." in out
    assert f"{mast_stand_in.url}/api/v0/invoke answers in" in out
    assert "The database is up to date." in out
    assert "0 imports are under way, 0 messages in the queue." in out


@pytest.mark.usefixtures("nobody_listens", "own_data_dir")
def test_doctor_asks_to_try_again_when_only_others_do_not_answer() -> None:
    status, out = doctor("--json")
    assert status == 75
    parts = {part["name"]: part for part in json.loads(out)["parts"]}
    assert not json.loads(out)["ok"]
    assert {name for name, part in parts.items() if not part["ok"]} == {
        "redis", "worker", "queue", "mast", "resolver", "s3",
    }  # fmt: skip
    assert parts["mast"]["message"].endswith("Connection refused.")


@pytest.mark.usefixtures("worker", "mast_stand_in")
def test_doctor_fails_when_a_key_lies_open(own_data_dir: Path) -> None:
    key = own_data_dir / "keys" / "django-secret-key"
    key.touch(mode=0o644)
    key.chmod(0o644)
    status, out = doctor()
    assert status == 1
    assert f"Other users can reach {key}: chmod go= them." in out


def test_doctor_says_what_is_unsafe_where_one_logs_in(settings: Any) -> None:
    settings.ACCESS = "open"
    assert diagnosis.safety().ok
    settings.ACCESS, settings.SESSION_COOKIE_SECURE, settings.SECURE_SSL_REDIRECT = "login", False, False
    found = diagnosis.safety()
    assert not found.ok
    assert {"security.W008", "security.W012"} <= set(found.facts["found"])
    assert "security.W012" in found.message


def test_doctor_says_nothing_of_checks_that_settings_silence(tmp_path: Path) -> None:
    line = "import django; django.setup(); from jwstarchive.run import diagnosis; print(diagnosis.safety())"
    environment = {**os.environ, "JWST_ACCESS": "login", "DJANGO_SECRET_KEY": "k0123456789" * 5}
    environment |= {"DJANGO_SETTINGS_MODULE": "jwstarchive.settings", "DATABASE_URL": "sqlite:///none.sqlite3"}
    environment |= {"DJANGO_ALLOWED_HOSTS": "archive.example.org", "JWST_DATA_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, env=environment, cwd=ROOT)
    # But for SQLite, which stands in for the guide's PostgreSQL here.
    assert "{'found': ['jwst.W006']}" in done.stdout, done.stdout + done.stderr


def test_bench_without_a_name_says_which_there_are() -> None:
    done = subprocess.run([sys.executable, ROOT / "manage.py", "bench"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: manage.py bench ")
    assert "archive" in done.stderr


@pytest.mark.parametrize("command", ["prepare", "archive_verify"])
def test_a_command_whose_database_is_away_says_so_in_two_lines(command: str) -> None:
    environment = {**os.environ, "DATABASE_URL": f"postgres://127.0.0.1:{free_port()}/none"}

    def said(*more: str) -> tuple[int, str]:
        line = [sys.executable, ROOT / "manage.py", command, *more]
        done = subprocess.run(line, capture_output=True, text=True, env=environment)
        return done.returncode, done.stderr

    status, words = said()
    assert status == 75
    assert re.fullmatch(r"The database: .*refused.*\n`python3 manage\.py doctor` .*\n", words)
    assert "Traceback" in said("--traceback")[1]


def test_a_large_library_is_told_as_it_was_counted_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "KEPT_FROM", 3)
    damaged, *whole = DataFileFactory.create_batch(4, size_bytes=5)
    # What only some may see is counted too: the shelf is everybody's.
    DataFile.objects.filter(pk=whole[0].pk).update(data_rights="EXCLUSIVE_ACCESS")
    assert counts.by_state() == {}
    counts.recount()
    DataFile.objects.filter(pk=damaged.pk).update(state="damaged")
    assert counts.by_state() == {"held": (4, 20)}
    with CaptureQueriesContext(connection) as queries:
        part = health.files()
    # What is wrong is asked for at once, by an index; no request counts the whole.
    assert part.facts == {"held": 4, "damaged": 1, "missing": 0}
    assert "1 file is not whole" in part.message
    assert not any("GROUP BY" in query["sql"] for query in queries)
