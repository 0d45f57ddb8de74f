"""A token that cries out wherever it turns up: every flow with it, failures included, the log at DEBUG.

Afterwards it may be found nowhere: not in the log, not in the database, in Redis, in a file, a page, an answer or a
request that went to another host than MAST's.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from redis import Redis

from mast import acting, credentials, errors, services
from mast.acting import Actor
from mast.archive.client import warm_up
from mast.imports import importer
from mast.models import DataFile, ImportJob, MastToken, Transfer
from mast.services import ImportRequest
from tests.integration.little_mast import LittleMast
from tests.integration.test_exclusive import FILE, OBS_ID, RELEASE_MJD
from tests.people import person

# Beats of running imports write by a connection of their own.
pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "CANARY-4f1d9c07b2e84a6f"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged by anybody, at DEBUG, tracebacks included."""
    # astroquery sets its own logger up when it is first imported.
    warm_up()
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    loggers = [logging.getLogger(name) for name in ("", *logging.root.manager.loggerDict)]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    logging.getLogger("astroquery").addHandler(handler)
    yield written
    for logger, level in before:
        logger.setLevel(level)
    logging.getLogger().removeHandler(handler)
    logging.getLogger("astroquery").removeHandler(handler)


@pytest.fixture
def owner(settings: Any) -> User:
    settings.ACCESS = "login"
    return person("owner", "curator")


@pytest.fixture
def mast(serve: Callable[[LittleMast], Any], little: LittleMast) -> Any:
    little.observation(OBS_ID, 1, rights="EXCLUSIVE_ACCESS", t_obs_release=RELEASE_MJD, proposal_id="9999")
    little.product(1, FILE, rights="EXCLUSIVE_ACCESS", proposal_id="9999")
    little.product(1, f"{OBS_ID}_segm.fits", proposal_id="9999")
    return serve(little)


def browser_of(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def run_flows(owner: User, mast: Any, settings: Any) -> list[str]:
    """Everything the token has to do with, well and ill; returns every page and answer."""
    client, boss = browser_of(owner), browser_of(person("boss", "admin"))
    bodies = [client.post("/account/store-mast-token/", {"token": CANARY}, follow=True).content.decode()]
    # Refused: MAST does not know it.
    bodies.append(_post(client, "/api/mast/import", f'{{"obsId": "{OBS_ID}"}}'))
    bodies.append(client.get(f"/import/preview/?obs_id={OBS_ID}").content.decode())
    # Taken.
    mast.token = CANARY
    bodies.append(_post(client, "/api/mast/import/preview", f'{{"obsId": "{OBS_ID}"}}'))
    bodies.append(_post(client, "/api/mast/import", f'{{"obsId": "{OBS_ID}"}}'))
    job = ImportJob.objects.get()
    # Refused in mid-import, then taken.
    mast.token = "another"
    importer.run(list(Transfer.objects.values_list("pk", flat=True)))
    bodies.append(client.get(f"/imports/{job.pk}/").content.decode())
    mast.token = CANARY
    bodies.append(_post(client, f"/api/mast/import/resume/{job.pk}", ""))
    importer.run(list(Transfer.objects.values_list("pk", flat=True)))
    file = DataFile.objects.get(file_name=FILE)
    bodies += [_text(client.get(path)) for path in (
        "/account/", "/imports/", f"/imports/{job.pk}/", f"/files/{file.pk}/", f"/api/files/{file.pk}", "/metrics",
        f"/api/mast/import-progress/{job.pk}", "/api/health", "/api/files?format=csv", f"/observations/{OBS_ID}/",
    )]  # fmt: skip
    bodies += [boss.get(path).content.decode() for path in (
        "/admin/mast/masttoken/", f"/admin/mast/masttoken/{MastToken.objects.get().pk}/change/",
        "/admin/mast/auditentry/", "/admin/mast/importjob/", "/admin/auth/user/",
    )]  # fmt: skip
    # MAST away, and an error of our own with the token at hand.
    settings.MAST_URL = "http://127.0.0.1:9"
    bodies.append(_post(client, "/api/mast/import", f'{{"obsId": "{OBS_ID}", "calibLevel": [2]}}'))
    bodies.append(_post(client, f"/api/mast/refresh-metadata/{OBS_ID}", ""))
    return bodies


def _text(response: Any) -> str:
    return (b"".join(response) if response.streaming else response.content).decode("latin-1")


def _post(client: Client, path: str, body: str) -> str:
    return client.generic("POST", path, body, "application/json" if body else "").content.decode()


def rows() -> Iterator[str]:
    for model in (model for model in apps.get_models() if model._meta.managed):
        for values in model._default_manager.values():
            yield f"{model.__name__} {values}"


def test_the_token_turns_up_nowhere(
    owner: User, mast: Any, settings: Any, log: io.StringIO, valkey: Redis, tmp_path: Path
) -> None:
    bodies = run_flows(owner, mast, settings)
    found = credentials.of_user(owner)
    assert found is not None
    assert found.token == CANARY
    # The flows did what they were to do.
    assert DataFile.objects.filter(file_name=FILE).exists()
    assert any("stopped working" in body for body in bodies)
    assert len(log.getvalue()) > 10_000

    assert [body[:200] for body in bodies if CANARY in body] == []
    assert CANARY not in log.getvalue()
    assert [row[:200] for row in rows() if CANARY in row] == []
    assert [
        key for key in valkey.scan_iter("*") if CANARY.encode() in bytes(valkey.dump(key) or b"") + bytes(key)
    ] == []
    held = [path for path in tmp_path.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert held == []


def test_an_error_of_our_own_does_not_write_it_down(
    owner: User, mast: Any, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials.store(owner, CANARY)
    mast.token = CANARY

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("mast.transfer.sources.HttpSource.open", fails)
    answer = _post(browser_of(owner), "/api/mast/import", f'{{"obsId": "{OBS_ID}"}}')
    assert "reference" in answer
    assert "a fault of ours" in log.getvalue()
    assert CANARY not in answer + log.getvalue()


def test_the_token_goes_to_mast_and_to_no_other_host(owner: User, mast: Any, little: LittleMast) -> None:
    """A MAST that leads elsewhere: the redirect is not followed at all, least of all with the token."""
    import http.server
    import threading

    heard: list[str] = []

    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(str(self.headers))
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    class Leading(Elsewhere):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{elsewhere.server_port}/x")
            self.send_header("Content-Length", "0")
            self.end_headers()

    elsewhere = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    leading = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Leading)
    for server in (elsewhere, leading):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        from mast import conf
        from mast.transfer.sources import HttpSource

        source = HttpSource(
            f"http://127.0.0.1:{leading.server_port}/file", headers={"Authorization": f"token {CANARY}"}
        )
        with pytest.raises(errors.ForbiddenAddress):
            source.open(0, 1, None, conf.transfer_config(), lambda: None)
        # Allowed to lead there, it is followed, and the token stays at home.
        source = HttpSource(
            f"http://127.0.0.1:{leading.server_port}/file",
            headers={"Authorization": f"token {CANARY}"},
            allowed_hosts=["localhost"],
        )
        with pytest.raises(errors.NotInSource):
            source.open(0, 1, None, conf.transfer_config(), lambda: None)
    finally:
        for server in (elsewhere, leading):
            server.shutdown()
            server.server_close()
    assert heard
    assert CANARY not in "".join(heard)


def test_commands_use_the_sites_token_and_do_not_say_it(mast: Any, settings: Any, log: io.StringIO) -> None:
    settings.MAST_API_TOKEN = mast.token = CANARY
    job = services.start_import(ImportRequest(OBS_ID)).job
    importer.run(list(Transfer.objects.values_list("pk", flat=True)))
    job.refresh_from_db()
    assert job.state == "complete"
    assert acting.current() == Actor()
    assert CANARY not in log.getvalue() + "".join(rows())
