"""What must be true before anything is started; each refusal is one line that says what to do."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import tempfile
from pathlib import Path

# The environment is installed by now; this is for the database, the logs and a first small file.
LEAST_FREE_BYTES = 100_000_000


class Refused(Exception):
    """The archive cannot start; the message says why, and what to do about it."""


def data_dir_is_usable(folder: Path) -> None:
    """A file can be written there, and there is a little room."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as exc:
        message = f"The data directory {folder} cannot be written: {os.strerror(exc.errno or errno.EIO)}."
        raise Refused(f"{message} Choose another with JWST_DATA_DIR=…") from exc
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise Refused(f"The disk of {folder} has {free / 1e6:.0f} MB free; make room, or set JWST_DATA_DIR=…")


def files_share_a_disk(folder: Path) -> None:
    """Finished files and their parts lie on one file system: a file gets its final name by a link."""
    places = [folder / name for name in ("mast", ".partial")]
    devices = {(place if place.exists() else folder).stat().st_dev for place in places}
    if len(devices) > 1:
        raise Refused(
            f"{places[0]} and {places[1]} are on different file systems, and a finished file cannot move between them "
            f"in one step: put all of {folder} on the larger one, or set JWST_DATA_DIR=…"
        )


def port_is_free(hosts: list[str], port: int) -> None:
    """Nobody listens at any of these addresses, and we may."""
    for host in hosts:
        reason = why_not_bindable(host, port)
        if reason == errno.EADDRINUSE:
            other = next((p for p in range(port + 1, port + 50) if not any(why_not_bindable(h, p) for h in hosts)), 0)
            hint = f" Use another: JWST_PORT={other} python3 manage.py up" if other else ""
            raise Refused(f"Port {port} is in use by another program.{hint}")
        if reason:
            why = "no such address" if reason < 0 else os.strerror(reason).lower()
            raise Refused(f"JWST_HOST={host}, JWST_PORT={port}: cannot listen there: {why}.")


def why_not_bindable(host: str, port: int) -> int:
    """The error number of listening there, 0 when it works; negative for a name that has no address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As gunicorn does: connections of an `up` that just ended linger in TIME_WAIT.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as exc:
            return exc.errno or errno.EIO
    return 0


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
