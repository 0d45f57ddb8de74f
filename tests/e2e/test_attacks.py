"""What a page of another site can make Chromium do to an archive without logins (`reliability.md`, C1): nothing.

Each attack is watched from the server's side: it counts as over when its request was answered, or the browser gave it
up, never after a while. The same attacks are let loose on an archive without its middleware, where they must succeed:
a test of a wall that holds without the wall would be worth nothing.
"""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from mast.models import ImportJob
from mast.practice import PracticeServer
from tests.api_fixture import GUIDE_OBSERVATION, ApiClient
from tests.stack.archive import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
WALLS = {"jwstarchive.middleware.CrossOrigin", "jwstarchive.middleware.OwnUser"}
BODY = f'{{"obsId": "{GUIDE_OBSERVATION}", "productType": "SCIENCE"}}'
SCRIPT = Path(__file__).with_name("attacks.js")
IMPORT, REFRESH_ALL = "/api/mast/import", "/api/mast/refresh-metadata-all"
# What each attack of `attacks.js` asks for.
STARTING = {"text": IMPORT, "blob": IMPORT, "bare": REFRESH_ALL, "beacon": IMPORT, "form": IMPORT}
PREFLIGHTED = ["json", "token", "remove"]
READING = {
    "read": "/api/files",
    "cost": "/api/mast/imports",
    "image": "/api/files/1/preview",
    "script": "/api/observations",
    "frame": "/imports/",
}


class Witness:
    """The outermost middleware: what was asked of the archive, and how it answered."""

    seen: list[tuple[str, str, int]]

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        type(self).seen = []

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        self.seen.append((request.method or "", request.path, response.status_code))
        return response

    @classmethod
    def statuses(cls, method: str, path: str) -> list[int]:
        return [status for how, where, status in cls.seen if (how, where) == (method, path)]


class _Evil(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>evil</title><body>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def evil(browser: Browser) -> Iterator[Page]:
    """A page of another site, open in the user's browser."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Evil)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = browser.new_page()
    page.goto(f"http://evil.test:{server.server_port}")
    page.add_script_tag(path=SCRIPT)
    yield page
    page.close()
    server.shutdown()
    server.server_close()


Serve = Callable[..., LiveServer]


@pytest.fixture
def serve(settings: Any, mast_stand_in: PracticeServer) -> Iterator[Serve]:
    """The archive on loopback without logins, as `up` runs it, or with its walls taken out."""
    servers: list[LiveServer] = []

    def start(*, walls: bool) -> LiveServer:
        kept = [name for name in settings.MIDDLEWARE if walls or name not in WALLS]
        settings.MIDDLEWARE = ["tests.e2e.test_attacks.Witness", *kept]
        if not walls:
            settings.ALLOWED_HOSTS = ["*"]
        servers.append(LiveServer("127.0.0.1"))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def run(page: Page, server: LiveServer, attack: str, body: str = BODY) -> str:
    target = server.url.replace("127.0.0.1", "localhost")
    return str(page.evaluate("([name, target, body]) => attacks[name](target, body)", [attack, target, body]))


@pytest.mark.parametrize("attack", STARTING)
def test_another_site_starts_nothing(serve: Serve, evil: Page, attack: str) -> None:
    run(evil, serve(walls=True), attack)
    assert wait_until(lambda: Witness.statuses("POST", STARTING[attack])) == [403]
    assert ImportJob.objects.count() == 0


@pytest.mark.parametrize("attack", STARTING)
def test_without_the_middleware_every_one_of_them_starts_something(serve: Serve, evil: Page, attack: str) -> None:
    run(evil, serve(walls=False), attack)
    (status,) = wait_until(lambda: Witness.statuses("POST", STARTING[attack]))
    assert status in {200, 202}
    assert ImportJob.objects.count() == 1


@pytest.mark.parametrize("attack", PREFLIGHTED)
def test_what_needs_leave_gets_none(serve: Serve, evil: Page, attack: str) -> None:
    assert run(evil, serve(walls=True), attack) == "failed"
    assert [method for method, _, _ in Witness.seen] == ["OPTIONS"]
    assert ImportJob.objects.count() == 0


@pytest.mark.parametrize("attack", READING)
def test_another_site_reads_nothing_and_nothing_is_made_for_it(serve: Serve, evil: Page, attack: str) -> None:
    assert run(evil, serve(walls=True), attack) == "failed"
    assert Witness.statuses("GET", READING[attack]) == [403]


def test_a_name_that_another_site_points_here_reads_nothing(serve: Serve, browser: Browser, evil: Page) -> None:
    """DNS rebinding: to the browser the archive is evil.test's own then, and its pages may read it."""
    port = serve(walls=True).url.rpartition(":")[2]
    answer = evil.goto(f"http://evil.test:{port}/api/files")
    assert answer is not None
    assert answer.status == 400
    assert "results" not in answer.text()


def test_without_the_list_of_hosts_it_would_be_read(serve: Serve, evil: Page) -> None:
    port = serve(walls=False).url.rpartition(":")[2]
    answer = evil.goto(f"http://evil.test:{port}/api/files")
    assert answer is not None
    assert answer.json()["results"] == []


def test_another_site_cannot_press_the_buttons_of_our_pages(serve: Serve, evil: Page) -> None:
    """A form with the fields of our own: no token of ours goes along, and the browser says where it comes from."""
    server = serve(walls=True)
    for path in ("/refresh/", "/import/", "/library/bulk/"):
        run(evil, server, "button", path)
        assert wait_until(lambda path=path: Witness.statuses("POST", path)) == [403]
    assert ImportJob.objects.count() == 0


def test_the_guides_curl_lines_still_work(serve: Serve, api: ApiClient) -> None:
    """The wall that stops all of the above lets through what a shell sends, which says nothing of where it is from."""
    serve(walls=True)
    assert api.send("/api/mast/import", BODY).status_code == 202
    job = ImportJob.objects.get()
    assert api.get(f"/api/mast/import-progress/{job.pk}").status_code == 200
    assert api.send("/api/mast/refresh-metadata-all").status_code == 200
