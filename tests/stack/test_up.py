"""`manage.py up` and `down`: what a person sees, what is restarted, and that nothing is left behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from jwstarchive.run import checks
from mast.practice import PracticeServer
from tests.stack.archive import Archive, child_of, database, family, processes, started, wait_until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with started(tmp_path_factory.mktemp("up")) as running:
        yield running


def test_every_part_is_healthy_when_up_says_so(archive: Archive) -> None:
    assert archive.healthz() == {
        "ok": True,
        "parts": {"database": True, "redis": True, "worker": True, "disk": True, "files": True, "archive": True},
    }


def test_it_listens_on_both_loopbacks_and_nowhere_else(archive: Archive) -> None:
    assert archive.healthz("127.0.0.1")["ok"]
    assert archive.healthz("[::1]")["ok"]
    # Linux answers for all of 127.0.0.0/8: a server bound to 0.0.0.0 would answer here too.
    connect = f"import socket; socket.create_connection(('127.0.0.2', {archive.port}), 5)"
    assert (
        "ConnectionRefusedError"
        in subprocess.run([sys.executable, "-c", connect], capture_output=True, text=True).stderr
    )


def test_a_second_up_says_where_the_first_runs_and_exits_0(archive: Archive) -> None:
    second = archive.manage("up", JWST_PORT="5999")
    assert second.returncode == 0
    assert second.stdout == (
        f"Already running in {archive.data_dir} (process {archive.state()['pid']}): {archive.url}\n"
    )
    detached = archive.manage("up", "--detach")
    assert (detached.returncode, detached.stdout) == (0, second.stdout)


def test_redis_is_a_socket_only_its_owner_can_reach(archive: Archive) -> None:
    url = archive.state()["redis_url"]
    path = Path(url.removeprefix("unix://").partition("?")[0])
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with Redis.from_url(url) as client:
        settings = {str(key): value for key, value in client.config_get("*").items()}
    assert (settings["port"], settings["appendonly"], settings["maxmemory-policy"]) == ("0", "yes", "noeviction")


@pytest.mark.parametrize(
    "words", ["gunicorn", "celery", "valkey-server", "mast.practice", "guard.py"], ids=lambda words: str(words)
)
def test_what_is_killed_is_started_again(archive: Archive, words: str) -> None:
    up = archive.state()["pid"]
    before = wait_until(lambda: child_of(up, words))
    relatives = family(before)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: child_of(up, words) not in {0, before})
    wait_until(lambda: not relatives & set(processes()))

    def is_healthy() -> bool:
        try:
            return all(archive.healthz()["parts"].values())
        except (OSError, urllib.error.URLError):
            return False

    wait_until(is_healthy)


def test_the_state_names_the_practice_archive(archive: Archive) -> None:
    state = archive.state()
    assert state["archive"] == "practice"
    assert state["practice_url"].startswith("http://127.0.0.1:")
    assert state["url"] == archive.url


# --- whole lives ------------------------------------------------------------------------------------------------


def test_the_account_is_shown_once_and_no_end_leaves_anybody_behind(tmp_path: Path) -> None:
    """Two lives in the foreground, ended by Ctrl-C and by `kill -9`. MAST does not answer; the path is long."""
    deep = tmp_path / ("a-folder-whose-name-is-too-long-for-a-socket-" * 2) / "and a space"
    deep.mkdir(parents=True)
    nobody = f"http://127.0.0.1:{checks.free_port()}"
    with database() as url:
        archive = Archive(deep, MAST_ARCHIVE="auto", MAST_URL=nobody, DATABASE_URL=url)
        first, first_s, stop_s = one_life(archive, signal.SIGINT, 0)
        second, second_s, kill_s = one_life(archive, signal.SIGKILL, -signal.SIGKILL)
        assert archive.manage("down").stdout == f"Nothing runs in {archive.data_dir}.\n"
    assert f"JWST archive is ready   {archive.url}\n" in first
    assert f"{archive.url}/api/docs\n" in first
    assert "the practice archive (MAST cannot be reached)\n" in first
    assert f"{archive.data_dir}/practice/mast\n" in first
    assert "admin, password" in first
    assert "password" not in second
    assert "Traceback" not in first + second + archive.log()
    print(f"first start {first_s:.1f} s, second {second_s:.1f} s; Ctrl-C {stop_s:.1f} s, kill -9 {kill_s:.1f} s")
    assert stop_s < 10


def one_life(archive: Archive, end: signal.Signals, status: int) -> tuple[str, float, float]:
    """Start in the foreground, wait for the block, end it: what was said, seconds to start and until nobody is left."""
    began = time.monotonic()
    with archive.popen("up") as process:
        assert process.stdout
        words = ""
        while "Ready in" not in words:
            line = process.stdout.readline()
            assert line, words
            words += line
        started_s = time.monotonic() - began
        relatives = family(process.pid)
        assert len(relatives) > 8
        began = time.monotonic()
        process.send_signal(end)
        words += process.stdout.read()
        assert process.wait() == status
    wait_until(lambda: not relatives & set(processes()), within_s=8)
    assert archive.state() == {}
    return words, started_s, time.monotonic() - began


def test_auto_stays_with_a_mast_that_answers_and_redis_url_is_used(
    tmp_path: Path, practice: PracticeServer, valkey: Redis
) -> None:
    path = valkey.connection_pool.connection_kwargs["path"]
    with started(tmp_path, MAST_ARCHIVE="auto", MAST_URL=practice.url, REDIS_URL=f"unix://{path}?db=5") as archive:
        state = archive.state()
        assert (state["archive"], state["redis_url"]) == ("live", f"unix://{path}?db=5")
        assert not child_of(state["pid"], "valkey-server")
        assert not child_of(state["pid"], "mast.practice")


# --- what cannot start ------------------------------------------------------------------------------------------


def refused(archive: Archive, **environment: str) -> str:
    """The one line that `up` says when it cannot start."""
    done = archive.manage("up", **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_a_busy_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    with socket.create_server(("127.0.0.1", archive.port)):
        line = refused(archive)
    assert line.startswith(f"Port {archive.port} is in use by another program. Use another: JWST_PORT=")
    assert archive.state() == {}


def test_a_data_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    line = refused(Archive(tmp_path), JWST_DATA_DIR=str(tmp_path / "file" / "data"))
    assert str(tmp_path / "file" / "data") in line


def test_files_and_their_parts_on_two_file_systems_are_refused(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is only one file system here")
    archive = Archive(tmp_path)
    archive.data_dir.mkdir()
    with tempfile.TemporaryDirectory(dir=memory) as elsewhere:
        (archive.data_dir / "mast").symlink_to(elsewhere)
        line = refused(archive)
    assert "different file systems" in line


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"JWST_PORT": "70000"}, "JWST_PORT"),
        ({"JWST_PORT": "http"}, "JWST_PORT"),
        ({"MAST_ARCHIVE": "demo"}, "MAST_ARCHIVE"),
        ({"JWST_HOST": "0.0.0.0", "JWST_ACCESS": "open"}, "JWST_ACCESS"),
        ({"JWST_HOST": "no.such.host.invalid", "JWST_ACCESS": "login"}, "JWST_HOST"),
        ({"DATABASE_URL": "postgres"}, "DATABASE_URL"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL"),
        ({"MAST_URL": "mast.stsci.edu"}, "MAST_URL"),
        ({"DOWNLOAD_FILES": "2.5"}, "DOWNLOAD_FILES"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, environment: dict[str, str], named: str) -> None:
    assert named in refused(Archive(tmp_path), **environment)


def test_a_database_that_does_not_answer_is_said_in_one_line(tmp_path: Path) -> None:
    archive = Archive(tmp_path, DATABASE_URL="postgres://nobody:secret-word@127.0.0.1:9/none")
    done = archive.manage("up")
    assert done.returncode == 1
    assert done.stderr.startswith("The database could not be prepared: ")
    assert "Traceback" not in done.stderr
    assert "secret-word" not in done.stderr


def test_down_says_when_nothing_runs(tmp_path: Path) -> None:
    done = Archive(tmp_path).manage("down")
    assert (done.returncode, done.stdout) == (0, f"Nothing runs in {tmp_path / 'data'}.\n")


SLOW_WEB = """
import sys, time
if any(word.endswith("/gunicorn") for word in sys.orig_argv):
    time.sleep(13)
"""


@pytest.mark.one_database
def test_what_it_waits_for_is_said_again_when_it_changes_and_a_signal_ends_the_waiting(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SLOW_WEB)
    nobody = f"redis://:hidden-word@127.0.0.1:{checks.free_port()}/0"
    archive = Archive(tmp_path, REDIS_URL=nobody, PYTHONPATH=str(tmp_path))
    with archive.popen("up") as process:
        assert process.stdout
        said: list[str] = []
        while "redis" not in "".join(said[-1:]):
            said.append(process.stdout.readline())
            assert said[-1], "it ended"
        assert said[-2:] == ["Still waiting for the web server …\n", "Still waiting for redis, worker …\n"]
        process.terminate()
        assert "hidden-word" not in process.stdout.read()
        assert process.wait() == 0
