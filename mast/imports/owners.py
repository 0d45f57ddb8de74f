"""Who holds a claim: this host, this boot, this process. A sweeper on the same host sees at once when it is dead."""

from __future__ import annotations

import itertools
import os
import socket
from pathlib import Path
from typing import Final

_claims: Final = itertools.count(1)


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _namespace() -> str:
    """Containers may share a host name and a kernel; then the numbers of their processes mean different ones."""
    try:
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty when it is gone or cannot be seen."""
    # The second field is the program's name in brackets and may hold blanks.
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


def host() -> str:
    """This host, boot and process space; no colon in it."""
    boot = _read("/proc/sys/kernel/random/boot_id")
    return f"{socket.gethostname()}/{boot}/{_namespace()}".replace(":", "-")


def new() -> str:
    """A name for one claim: no two claims share one, not even of one process."""
    pid = os.getpid()
    return f"{host()}:{pid}:{_started(pid)}:{next(_claims)}"[:200]


def is_dead(owner: str) -> bool:
    """Whether the process that made this claim ran on this host, in this boot, and runs no more."""
    where, _, rest = owner.partition(":")
    pid, _, rest = rest.partition(":")
    started = rest.partition(":")[0]
    if not pid.isdigit():
        return False
    if where.partition("/")[0] == host().partition("/")[0] and where != host():
        # The host was started anew, or the container was; another container of this name keeps its lease.
        return where.split("/")[1] != host().split("/")[1] and where.split("/")[2] == host().split("/")[2]
    if where != host():
        return False
    return _is_gone(int(pid), started)


def _is_gone(pid: int, started: str) -> bool:
    if started:
        return _started(pid) != started
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
