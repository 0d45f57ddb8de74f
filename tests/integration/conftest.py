"""The archive pointed at the practice archive, with its own empty folders."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mast.models import ImportJob
from tests.integration.little_mast import LittleMast


@pytest.fixture
def folders(settings: Any, tmp_path: Path) -> Path:
    """Empty folders for files and parts; returns the one of the files."""
    settings.FILES_DIR, settings.PARTIAL_DIR = tmp_path / "mast", tmp_path / ".partial"
    return tmp_path / "mast"


def ask(server: Any, settings: Any) -> Any:
    """Let the archive ask this server in place of MAST."""
    settings.MAST_URL = server.url
    settings.MAST_RESOLVER_URL = f"{server.url}/Santa-war/query"
    settings.MAST_S3_ENDPOINT_URL = f"{server.url}/s3"
    return server


@pytest.fixture
def archive(practice: Any, settings: Any, folders: Path) -> Any:
    """The practice archive, asked by this archive in place of MAST."""
    return ask(practice, settings)


@pytest.fixture
def serve(settings: Any, folders: Path, tmp_path: Path) -> Iterator[Callable[[LittleMast], Any]]:
    """Serve a MAST with just what a test names; `serve(little_mast)` gives the server."""
    served: list[LittleMast] = []

    def start(mast: LittleMast) -> Any:
        served.append(mast)
        return ask(mast.serve(), settings)

    yield start
    for mast in served:
        mast.stop()


@pytest.fixture
def little(tmp_path: Path) -> LittleMast:
    """An empty MAST to fill."""
    return LittleMast(tmp_path / "little")


@pytest.fixture
def ended() -> Callable[..., ImportJob]:
    """Wait until a job has reached one of some states (ended, by default), and return it."""

    def wait(job: ImportJob, *states: str, seconds: float = 60) -> ImportJob:
        deadline = time.monotonic() + seconds
        while True:
            job.refresh_from_db()
            if job.state in states or (not states and job.is_ended):
                return job
            assert time.monotonic() < deadline, f"the job is still {job.state}: {job.message}"
            time.sleep(0.05)

    return wait
