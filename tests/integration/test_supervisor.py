"""The supervisor with real processes: restarts, groups, lines, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jwstarchive.run.supervisor import PAUSE_LONGEST_S, STEADY_AFTER_S, Child, Program, Supervisor

pytestmark = pytest.mark.one_database

ROOT = Path(__file__).resolve().parents[2]


class Lines(list[tuple[str, str]]):
    """What was logged, as (program, line)."""

    def __call__(self, name: str, line: str) -> None:
        self.append((name, line))

    def of(self, name: str) -> list[str]:
        return [line for who, line in self if who == name]


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def supervisor(lines: Lines) -> Iterator[Supervisor]:
    # Under nohup SIGHUP is ignored, and a supervisor leaves it so.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with Supervisor(lines) as running:
        yield running
    signal.signal(signal.SIGHUP, before)


def shell(name: str, script: str) -> Program:
    return Program(name, ["/bin/sh", "-c", script])


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout


def wait(supervisor: Supervisor, until: Callable[[], bool], within_s: float = 10) -> None:
    assert supervisor.run(until, timeout_s=within_s, every_s=0.02)


def test_a_program_that_ends_is_started_again(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(shell("short", "echo here; exit 3"))
    wait(supervisor, lambda: len(lines.of("short")) == 2)
    assert lines.of("up")[0] == "short ended with status 3; starting it again in 0.5 s"


def test_a_program_that_does_not_exist_is_tried_again(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(Program("nobody", ["/no/such/program"]))
    assert lines.of("up") == [
        "nobody cannot be started: [Errno 2] No such file or directory: '/no/such/program'; starting it again in 0.5 s"
    ]


def test_pauses_double_up_to_half_a_minute_and_begin_again_after_a_steady_one() -> None:
    child = Child(shell("any", ":"))
    child.started_at = 1000.0
    assert [child.next_pause_s(1001.0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, PAUSE_LONGEST_S, PAUSE_LONGEST_S]
    assert child.next_pause_s(1000.0 + STEADY_AFTER_S) == 0.5


def test_what_a_dead_program_leaves_in_its_group_is_killed(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(shell("parent", "sleep 1000 & echo $!; exit 1"))
    wait(supervisor, lambda: any("again" in line for line in lines.of("up")))
    left = int(lines.of("parent")[0])
    wait(supervisor, lambda: not exists(left))


def test_a_program_that_does_not_stop_is_killed_with_its_children(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(shell("deaf", "trap '' TERM; sleep 1000 & echo $!; while :; do wait; done"))
    wait(supervisor, lambda: bool(lines.of("deaf")))
    child = int(lines.of("deaf")[0])
    began = time.monotonic()
    supervisor.stop(["deaf"], patience_s=0.3)
    assert time.monotonic() - began < 3
    assert lines.of("up") == ["deaf did not stop in 0.3 s; killed"]
    wait(supervisor, lambda: not exists(child))


def test_every_line_is_kept_the_last_without_its_end_too(supervisor: Supervisor, lines: Lines) -> None:
    status = supervisor.run_once(shell("words", "printf 'one\\ntwo\\n'; echo three >&2; printf last; exit 5"))
    assert status == 5
    assert lines == [("words", "one"), ("words", "two"), ("words", "three"), ("words", "last")]


def test_a_line_without_end_is_cut(supervisor: Supervisor, lines: Lines) -> None:
    assert supervisor.run_once(shell("long", "head -c 300000 /dev/zero | tr '\\0' x")) == 0
    assert sum(len(line) for line in lines.of("long")) == 300_000
    assert len(lines) > 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_loop_at_once(supervisor: Supervisor, number: signal.Signals) -> None:
    supervisor.start(shell("long", "exec sleep 1000"))
    threading.Timer(0.2, os.kill, (os.getpid(), number)).start()
    began = time.monotonic()
    assert supervisor.run(lambda: False, every_s=30) is False
    assert time.monotonic() - began < 5


def test_a_signal_ends_a_program_that_runs_once(supervisor: Supervisor, lines: Lines) -> None:
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
    assert supervisor.run_once(shell("long", "echo $$; exec sleep 1000")) is None
    assert not exists(int(lines.of("long")[0]))


def test_patience_may_end_before_it_is_so(supervisor: Supervisor) -> None:
    assert supervisor.run(lambda: False, timeout_s=0.1) is False
    assert not supervisor.stop_requested


def test_the_guard_ends_everything_of_a_supervisor_that_was_killed() -> None:
    deaf = "trap '' TERM; sleep 1000 & echo $$ $!; while :; do wait; done"
    script = (
        "import sys\n"
        "from jwstarchive.run.supervisor import Program, Supervisor\n"
        "with Supervisor(lambda name, line: print(line, flush=True)) as s:\n"
        "    s.start(Program('deaf', ['/bin/sh', '-c', sys.argv[1]]))\n"
        "    s.run(lambda: False)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, deaf], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        left = [int(pid) for pid in process.stdout.readline().split()]
        process.kill()
        process.wait()
        deadline = time.monotonic() + 8
        while any(exists(pid) for pid in left):
            assert time.monotonic() < deadline
            time.sleep(0.05)
