"""Observations brought into a running archive, and their files by name."""

from __future__ import annotations

import json
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stack.archive import Archive

PATIENCE_S = 180


@dataclass(frozen=True)
class Held:
    """One file of the library, as the API lists it."""

    pk: int
    name: str
    suffix: str
    is_viewable: bool
    path: Path

    @property
    def view(self) -> str:
        return f"/files/{self.pk}/view/"


def call(archive: Archive, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(archive.url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def bring(archive: Archive, wanted: dict[str, list[int]]) -> list[Held]:
    """Import each observation at its levels and wait; every file that is held then."""
    bodies = [{"obsId": name, "calibLevel": levels} for name, levels in wanted.items()]
    jobs = [call(archive, "/api/mast/import", body)["jobId"] for body in bodies]
    deadline = time.monotonic() + PATIENCE_S
    while not all(call(archive, f"/api/mast/import-progress/{job}")["isComplete"] for job in jobs):
        assert time.monotonic() < deadline, "the imports did not end"
        time.sleep(0.5)
    rows = call(archive, "/api/files?limit=1000")["results"]
    folder = archive.data_dir / "practice" / "mast"
    return [Held(r["id"], r["fileName"], r["suffix"], r["isViewable"], folder / r["filePath"]) for r in rows]


def named(files: list[Held], part: str) -> Held:
    """The first file whose name holds this."""
    return next(file for file in sorted(files, key=lambda file: file.name) if part in file.name)
