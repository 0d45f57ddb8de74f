"""Stopping the archive in the middle of a download: proven bytes stay, and the next start goes on by itself."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.stack.archive import Archive, database, wait_until

OBSERVATION = "jw02733-o001_t001_nircam_clear-f090w"


def call(archive: Archive, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{archive.url}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return dict(json.load(answer))


@pytest.mark.stack
def test_a_download_goes_on_after_down_and_up(tmp_path: Path) -> None:
    with database() as url:
        archive = Archive(tmp_path, DATABASE_URL=url, DOWNLOAD_CHUNK_MB="0.25")
        try:
            assert archive.manage("up", "--detach", "--rate", "1").returncode == 0
            job = call(archive, "/api/mast/import", {"obsId": OBSERVATION})["jobId"]

            def progress() -> dict[str, Any]:
                return call(archive, f"/api/mast/import-progress/{job}")

            wait_until(lambda: progress()["downloadedBytes"] > 500_000)
            assert archive.manage("down").returncode == 0
            assert archive.manage("up", "--detach").returncode == 0
            kept = progress()
            assert kept["downloadedBytes"] > 0 or kept["isComplete"]
            assert wait_until(lambda: progress()["isComplete"] and progress(), within_s=60)["state"] == "complete"
        finally:
            archive.manage("down")
