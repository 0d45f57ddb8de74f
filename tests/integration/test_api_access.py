"""Who may call what when the archive asks for logins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from mast import tokens
from mast.models import ApiToken, ImportJob
from mast.practice import PracticeServer
from tests.api_fixture import GUIDE_OBSERVATION, ApiClient, refused
from tests.factories import JobFactory
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _with_logins(settings: Any) -> None:
    settings.ACCESS = "login"


@pytest.fixture
def vera() -> User:
    return person("vera", "importer", password="dark matter")


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_without_a_key_nothing_is_read(api: ApiClient) -> None:
    for path in ("/api/files", "/api/observations", "/api/mast/imports", "/api/files/1/download"):
        response = api.get(path)
        refused(response, 401, "access.login_required")
        assert response["WWW-Authenticate"] == "Bearer"


def test_without_a_key_nothing_is_changed_and_no_id_is_told(api: ApiClient) -> None:
    job = JobFactory(state="queued")
    for job_id in (job.pk, "0b7e6d9c-9a3c-4d0b-8f3e-4e7d5c2b1a00"):
        refused(api.send(f"/api/mast/import/cancel/{job_id}"), 401)
    refused(api.send("/api/mast/import", {}), 401)
    job.refresh_from_db()
    assert job.state == "queued"


def test_a_key_is_shown_once_and_stored_as_its_digest(vera: User) -> None:
    row, key = tokens.make(vera, "laptop")
    assert len(key) >= 43
    assert row.prefix == key[:8]
    stored = str(ApiToken.objects.values().get())
    assert key not in stored
    assert key[8:20] not in stored


def test_a_key_reads_and_imports(api: ApiClient, vera: User, archive: PracticeServer) -> None:
    row, key = tokens.make(vera, "laptop")
    assert api.get("/api/files", headers=bearer(key)).status_code == 200
    started = api.send("/api/mast/import", {"obsId": GUIDE_OBSERVATION}, **bearer(key))
    assert started.status_code == 202
    assert ImportJob.objects.get(pk=started.json()["jobId"]).owner == vera
    row.refresh_from_db()
    assert row.last_used_at is not None


def test_a_read_only_key_searches_and_reads_and_starts_nothing(
    api: ApiClient, vera: User, archive: PracticeServer
) -> None:
    _, key = tokens.make(vera, "dashboard", ApiToken.Scope.READ)
    job = JobFactory(state="queued")
    assert api.get("/api/mast/imports", headers=bearer(key)).status_code == 200
    assert api.send("/api/mast/search/program", {"programId": 2733}, **bearer(key)).status_code == 200
    assert api.send("/api/mast/import/preview", {"obsId": GUIDE_OBSERVATION}, **bearer(key)).status_code == 200
    for path, body in (
        ("/api/mast/import", {"obsId": GUIDE_OBSERVATION}),
        (f"/api/mast/import/cancel/{job.pk}", None),
        ("/api/mast/refresh-metadata-all", None),
        (f"/api/mast/import/from-existing/{GUIDE_OBSERVATION}", None),
    ):
        refused(api.send(path, body, **bearer(key)), 403, "access.scope_too_small")
    assert ImportJob.objects.count() == 1


@pytest.mark.parametrize("fate", ["revoked", "expired", "unknown", "empty", "inactive"])
def test_a_dead_key_opens_nothing(api: ApiClient, vera: User, fate: str) -> None:
    row, key = tokens.make(vera, "old", expires_at=timezone.now() - timedelta(1) if fate == "expired" else None)
    if fate == "revoked":
        tokens.revoke(row)
    if fate == "inactive":
        vera.is_active = False
        vera.save()
    sent = {"unknown": "x" * 43, "empty": ""}.get(fate, key)
    refused(api.get("/api/files", headers=bearer(sent)), 401)


@pytest.mark.parametrize("header", ["Basic dmVyYTpkYXJr", "Bearer", "Token abc", "bearer"])
def test_another_scheme_is_401(api: ApiClient, header: str) -> None:
    refused(api.get("/api/files", headers={"authorization": header}), 401)


def test_a_session_reads_and_needs_its_csrf_token_to_change_things(api: ApiClient, vera: User) -> None:
    api.force_login(vera)
    job = JobFactory(state="queued", owner=vera)
    path = f"/api/mast/import/cancel/{job.pk}"
    assert api.get("/api/files").status_code == 200
    refused(api.send(path), 403)
    api.get("/")
    token = api.cookies["csrftoken"].value
    assert api.send(path, **{"x-csrftoken": token}).status_code == 200


def test_a_session_beside_a_key_counts_as_a_session(api: ApiClient, vera: User) -> None:
    _, key = tokens.make(vera, "laptop")
    api.force_login(vera)
    refused(api.send(f"/api/mast/import/cancel/{JobFactory(state='queued').pk}", **bearer(key)), 403)


def test_health_tells_strangers_whether_it_works_and_no_more(api: ApiClient, vera: User) -> None:
    _, key = tokens.make(vera, "monitor", ApiToken.Scope.READ)
    stranger, known = api.get("/api/health").json(), api.get("/api/health", headers=bearer(key)).json()
    assert "parts" not in stranger
    assert "database" in known["parts"]


def test_a_key_still_passes_the_cross_origin_check_only_from_programs(api: ApiClient, vera: User) -> None:
    _, key = tokens.make(vera, "laptop")
    headers = bearer(key) | {"sec-fetch-site": "cross-site", "origin": "http://evil.test"}
    refused(api.send("/api/mast/refresh-metadata-all", None, **headers), 403, "request.cross_origin")
