"""Every command and every curl line of the README, run in its order against a whole archive."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.archive import Archive, started

ROOT = Path(__file__).resolve().parents[2]
TOLD_ELSEWHERE = ("manage.py up", "manage.py test", "manage.py down")
"""started and stopped by this folder's tests; `test` is what runs this"""


def shell_lines() -> list[str]:
    """The commands of the README's shell blocks, continuation lines joined."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    commands = [line.split(" #", 1)[0].strip() for line in lines]
    return [line for line in commands if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with started(tmp_path_factory.mktemp("readme")) as running:
        yield running


def fetched(archive: Archive, path: str) -> dict[str, object]:
    with urllib.request.urlopen(f"{archive.url}{path}", timeout=20) as answer:
        return dict(json.load(answer))


def wait_until_complete(archive: Archive, job_id: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        job = fetched(archive, f"/api/mast/import-progress/{job_id}")
        if job["isComplete"]:
            assert job["state"] == "complete", job
            return
        assert time.monotonic() < deadline, job
        time.sleep(0.2)


def filled_in(line: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        line = line.replace("{" + name + "}", value)
    return line


def run(line: str, archive: Archive, folder: Path) -> str:
    """Run a line as a person would, at this archive's address; curl must meet no error status."""
    line = line.replace("http://localhost:5001", archive.url)
    line = line.replace("curl ", "curl -sS --fail-with-body ", 1).replace(
        "python3 manage.py", f"{sys.executable} {ROOT}/manage.py"
    )
    done = subprocess.run(
        line, shell=True, cwd=folder, env=archive.environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.stack
def test_every_line_runs(archive: Archive, tmp_path: Path) -> None:
    known = {"obsId": "jw02733-o001_t001_nircam_clear-f090w"}
    ran = 0
    for line in shell_lines():
        if any(told in line for told in TOLD_ELSEWHERE):
            continue
        if "{fileId}" in line and "fileId" not in known:
            wait_until_complete(archive, known["jobId"])
            # An association is a table by its badge too, but holds no columns.
            for name, suffix in (("fileId", "i2d"), ("tableId", "cat")):
                files = fetched(archive, f"/api/files?suffix={suffix}&limit=1")["results"]
                assert isinstance(files, list)
                known[name] = str(files[0]["id"])
        if "/import/cancel/" in line or "/import/pause/" in line:
            # A job that may have ended by now: 409 says so, which is an answer too.
            line = line.replace("curl ", "curl -o answer.json ", 1)
            done = subprocess.run(
                filled_in(line, known).replace("http://localhost:5001", archive.url),
                shell=True, cwd=tmp_path, env=archive.environment, capture_output=True, timeout=60, check=True,
            )  # fmt: skip
            assert done.returncode == 0
            assert json.loads((tmp_path / "answer.json").read_text()).get("status", 200) in {200, 409}
        else:
            out = run(filled_in(line, known), archive, tmp_path)
            if re.search(r"/import\b.*-d", line) and "preview" not in line:
                known.setdefault("jobId", json.loads(out)["jobId"])
                wait_until_complete(archive, known["jobId"])
        assert "{" not in re.sub(r"'\{.*\}'", "", filled_in(line, known)), line
        ran += 1
    assert ran >= 35
    assert (tmp_path / "image.fits").read_bytes().startswith(b"SIMPLE  =")
    assert (tmp_path / "image.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "image.png").stat().st_size > 1000
