"""A whole archive on the practice archive, and Chromium that is watched: every request, every complaint."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests.conftest import missing
from tests.stack.archive import Archive, started

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The name of the foreign site of test_policy.py.
    "--host-resolver-rules=MAP evil.test 127.0.0.1",
]
SHOTS = os.environ.get("E2E_SHOTS", "")
# Said on purpose: a refused form answers 4xx, and leaving a page cuts its poll off.
EXPECTED = re.compile(r"status of 4\d\d|^htmx:(afterRequest|sendError|sendAbort)")
LOADED = """Promise.all([...document.images].map((image) => {
  image.loading = "eager";
  return image.decode().catch(() => null);
}))"""
# A machine may be busy with other things.
expect.set_options(timeout=20_000)
Visit = Callable[..., AbstractContextManager[Page]]


@dataclass
class Watch:
    """What a page asked for and what the browser complained about."""

    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def on(self, page: Page) -> None:
        page.on("request", self._asked)
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"}:
            self.hosts.add(parts.netloc)

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not EXPECTED.search(text):
            self.complaints.append(f"{kind}: {text}")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with started(tmp_path_factory.mktemp("e")) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        missing("Chromium")
    # Playwright's event loop lives in this thread, and Django would take every query for one of a coroutine.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(archive: Archive, browser: Browser) -> Visit:
    """A page of a fresh visitor; at its end no request may have left the archive and nothing may be complained of."""

    @contextmanager
    def visitor(*, width: int = 1440, **options: Any) -> Iterator[Page]:
        context = browser.new_context(base_url=archive.url, viewport={"width": width, "height": 900}, **options)
        page = context.new_page()
        watch = Watch()
        watch.on(page)
        yield page
        context.close()
        assert watch.hosts <= {f"localhost:{archive.port}"}
        assert watch.complaints == []

    return visitor


def shot(page: Page, name: str, *, full_page: bool = True) -> None:
    """Keep a picture of the page in the folder `E2E_SHOTS` names, for a person to look at."""
    if SHOTS:
        folder = Path(SHOTS)
        folder.mkdir(parents=True, exist_ok=True)
        page.evaluate(LOADED)
        page.screenshot(path=folder / f"{name}.png", full_page=full_page)


# --- a library of three observations ------------------------------------------------------------------------------

OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
WANTED = [OBS_ID, "jw02733-o002_t001_miri_f1130w", "jw02733-o002_t001_miri_f770w"]


def call(archive: Archive, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(archive.url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def files(archive: Archive) -> dict[str, Any]:
    """Three observations in the library; ids of a file of each kind, and of a job."""
    jobs = [call(archive, "/api/mast/import", {"obsId": name})["jobId"] for name in WANTED]
    deadline = time.monotonic() + 90
    while not all(call(archive, f"/api/mast/import-progress/{job}")["isComplete"] for job in jobs):
        assert time.monotonic() < deadline, "the imports did not end"
        time.sleep(0.5)
    rows = call(archive, f"/api/files?obsId={OBS_ID}")["results"]
    kinds = {row["suffix"]: row["id"] for row in rows}
    return {"image": kinds["i2d"], "table": kinds["cat"], "asn": kinds["asn"], "job": jobs[0]}
