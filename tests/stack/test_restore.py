"""The drill: a backup of a running archive in mid-import, restored elsewhere, verified, and gone on with."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.stack.archive import Archive, database, started, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]
OBSERVATION = "jw02733-o001_t001_nircam_clear-f090w"


def jobs(archive: Archive) -> list[dict[str, Any]]:
    return list(json.loads(archive.manage("mast_jobs", "--json").stdout)["results"])


def asked(archive: Archive, action: str) -> None:
    (job,) = jobs(archive)
    address = f"{archive.url}/api/mast/import/{action}/{job['jobId']}"
    with urllib.request.urlopen(urllib.request.Request(address, method="POST"), timeout=30) as answer:
        assert answer.status == 200


def test_a_backup_of_a_half_finished_import_is_restored_verified_and_gone_on_with(tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    with started(tmp_path / "first", "--rate", "0.5") as first:
        done = first.manage("mast_import", OBSERVATION)
        assert done.returncode == 0, done.stderr
        parts = first.data_dir / "practice" / ".partial"
        wait_until(lambda: any(part.stat().st_size for part in parts.glob("*.part*")), within_s=60)
        asked(first, "pause")
        trashed = first.data_dir / "practice" / ".trash" / "1" / "a_removed.fits"
        trashed.parent.mkdir(parents=True)
        trashed.write_bytes(b"what may be put back")
        done = first.manage("archive_backup", str(backup))
        assert done.returncode == 0, done.stderr
    assert any((backup / "partial").iterdir())
    with database() as url:
        second = Archive(tmp_path / "second", DATABASE_URL=url)
        done = second.manage("archive_restore", str(backup))
        assert done.returncode == 0, done.stderr
        assert second.manage("archive_restore", str(backup)).returncode == 1
        back = second.data_dir / "practice" / trashed.relative_to(first.data_dir / "practice")
        assert back.read_bytes() == b"what may be put back"
        key = "keys/django-secret-key"
        assert (second.data_dir / key).read_text() == (first.data_dir / key).read_text()
        assert second.manage("up", "--detach").returncode == 0
        try:
            assert jobs(second)[0]["state"] == "paused"
            asked(second, "resume")
            wait_until(lambda: jobs(second)[0]["state"] == "complete", within_s=120)
            verified = second.manage("archive_verify")
            assert verified.returncode == 0, verified.stderr
        finally:
            assert second.manage("down").returncode == 0
