"""Keeps programs running: starts them, reads what they print, starts again what died, stops them all.

Why not one of the well-kept ones. `honcho` runs each line in a shell, ends everything when one program ends and never
restarts; after `kill -9` of that shell the program lives on. `supervisor` restarts, but gives up after `startretries`
with a pause that grows by a fixed second, is configured by a file only, and its children outlive a killed
`supervisord`. `circus` needs pyzmq and tornado and leaves orphans in the same case. None ends what it started when it
is itself killed; ours does (`guard.py`), restarts for ever with a pause of 0.5 s growing to 30 s, and needs nothing
installed.

One thread and one `select` loop: signals, deaths and lines all arrive in `run`.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

PAUSE_FIRST_S = 0.5
PAUSE_LONGEST_S = 30.0
STEADY_AFTER_S = 60.0
LONGEST_LINE = 64 * 1024

Log = Callable[[str, str], None]


@dataclass(frozen=True)
class Program:
    """What to run under which name."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


class Child:
    """One program's present process, and how often it died."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.failures = 0
        self.started_at = 0.0
        self.start_again_at: float | None = None
        self.unfinished_line = b""

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def next_pause_s(self, now: float) -> float:
        """How long to wait before the next start: doubled each time, short again after a steady minute."""
        if now - self.started_at >= STEADY_AFTER_S:
            self.failures = 0
        self.failures += 1
        return min(PAUSE_FIRST_S * 2.0 ** min(self.failures - 1, 10), PAUSE_LONGEST_S)


class Supervisor:
    """Runs programs, each as the leader of a session of its own. Use it as a context: leaving stops everything."""

    def __init__(self, log: Log) -> None:
        self.children: dict[str, Child] = {}
        self.stop_requested = False
        self._log = log
        self._selector = selectors.DefaultSelector()
        self._wake, self._wake_writer = socket.socketpair()
        self._guard: subprocess.Popen[bytes] | None = None
        self._handlers: dict[signal.Signals, Any] = {}

    # --- signals and the guard

    def __enter__(self) -> Self:
        self._wake.setblocking(False)
        self._wake_writer.setblocking(False)
        self._selector.register(self._wake, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under `nohup` the end of the terminal is to be overheard.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._handlers[number] = signal.signal(number, self._on_stop_signal)
        # A handler that does nothing: only then does a child's death wake the loop.
        self._handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        self._start_guard()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop(list(self.children))
        if self._guard and self._guard.stdin:
            with contextlib.suppress(OSError):
                self._guard.stdin.close()
            self._guard.wait()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(-1)
        self._selector.close()
        self._wake.close()
        self._wake_writer.close()

    def _on_stop_signal(self, *_: object) -> None:
        self.stop_requested = True

    def _start_guard(self) -> None:
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for child in self.children.values():
            if child.pid:
                self._tell_guard("+", child.pid)

    def _tell_guard(self, sign: str, group: int) -> None:
        if self._guard and self._guard.stdin:
            # Where the guard has gone, the next turn of the loop starts another and names every group to it.
            with contextlib.suppress(OSError):
                self._guard.stdin.write(f"{sign}{group}\n".encode())
                self._guard.stdin.flush()

    # --- starting and restarting

    def start(self, program: Program) -> None:
        """Start a program and keep it running until it is stopped."""
        self.children[program.name] = child = Child(program)
        self._spawn(child)

    def _spawn(self, child: Child) -> None:
        child.started_at = time.monotonic()
        child.start_again_at = None
        try:
            child.process = subprocess.Popen(
                child.program.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=os.environ | dict(child.program.environment),
                start_new_session=True,
            )
        except OSError as exc:
            self._start_later(child, f"cannot be started: {exc}")
            return
        self._tell_guard("+", child.process.pid)
        assert child.process.stdout is not None  # noqa: S101 - a pipe was asked for
        os.set_blocking(child.process.stdout.fileno(), False)
        self._selector.register(child.process.stdout, selectors.EVENT_READ, child)

    def _start_later(self, child: Child, why: str) -> None:
        now = time.monotonic()
        pause_s = child.next_pause_s(now)
        child.start_again_at = now + pause_s
        self._log("up", f"{child.program.name} {why}; starting it again in {pause_s:g} s")

    # --- the loop

    def run(self, until: Callable[[], bool], *, timeout_s: float | None = None, every_s: float = 0.5) -> bool:
        """Serve the children until `until()` is true, asked at least every `every_s`; False when time or patience ends.

        Patience ends with SIGINT, SIGTERM or SIGHUP.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self.stop_requested:
            if until():
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False
            self._turn(every_s)
        return False

    def run_once(self, program: Program) -> int | None:
        """Run a program to its end and return its exit status; None when a signal came first."""
        child = Child(program)
        self._spawn(child)
        ended = self.run(lambda: child.process is None or child.process.poll() is not None, every_s=0.05)
        status = child.process.returncode if child.process and ended else None
        self._bury(child)
        return status

    def _turn(self, wait_s: float) -> None:
        for key, _ in self._selector.select(wait_s):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._wake.recv(4096)
            else:
                self._read(key.data)
        self._look_after_children()

    def _look_after_children(self) -> None:
        if self._guard and self._guard.poll() is not None:
            self._start_guard()
        for child in list(self.children.values()):
            if child.process and child.process.poll() is not None:
                status = child.process.returncode
                self._bury(child)
                self._start_later(child, _how_it_ended(status))
            elif child.start_again_at and time.monotonic() >= child.start_again_at:
                self._spawn(child)

    def _read(self, child: Child) -> None:
        stream = child.process.stdout if child.process else None
        if stream is None:
            return
        data = _read_available(stream)
        if data == b"":
            self._stop_reading(stream)
            return
        *lines, rest = (child.unfinished_line + (data or b"")).split(b"\n")
        if len(rest) > LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        child.unfinished_line = rest
        for line in lines:
            self._log(child.program.name, line.decode(errors="replace"))

    def _stop_reading(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(stream)

    def _bury(self, child: Child) -> None:
        """Kill what is left of a program's group, read its last words, forget it."""
        process = child.process
        if process is None:
            return
        _kill_group(process.pid)
        process.wait()
        self._tell_guard("-", process.pid)
        if process.stdout:
            self._read(child)
            self._stop_reading(process.stdout)
            process.stdout.close()
        if child.unfinished_line:
            self._log(child.program.name, child.unfinished_line.decode(errors="replace"))
        child.unfinished_line = b""
        child.process = None

    # --- stopping

    def stop(self, names: Iterable[str], *, patience_s: float = 3.2) -> None:
        """Ask these programs to stop, all at once; after `patience_s` kill the groups of those that did not."""
        stopping = [child for name in names if (child := self.children.pop(name, None))]
        for child in stopping:
            if child.process and child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + patience_s
        while any(child.process and child.process.poll() is None for child in stopping):
            if time.monotonic() >= deadline:
                break
            self._turn(0.05)
        for child in stopping:
            if child.process and child.process.poll() is None:
                self._log("up", f"{child.program.name} did not stop in {patience_s:g} s; killed")
            self._bury(child)


def _read_available(stream: IO[bytes]) -> bytes | None:
    """What the pipe holds now; b"" at its end, None when there is nothing yet."""
    try:
        return os.read(stream.fileno(), LONGEST_LINE)
    except BlockingIOError:
        return None


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _how_it_ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-status).name}"
    return f"was ended by signal {-status}"
