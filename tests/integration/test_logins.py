"""Logins: cookies, guessed passwords, one's own page, allowances, and what is written down of who did what."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from redis import Redis

from jwstarchive.addresses import client_address
from mast import acting, errors, quota, services, tokens
from mast.acting import Actor
from mast.models import ApiToken, AuditEntry, ImportItem, MastToken, Trust
from mast.services import ImportRequest
from tests.api_fixture import refused
from tests.factories import DataFileFactory, JobFactory, TransferFactory
from tests.people import person

pytestmark = pytest.mark.django_db
PASSWORD = "dark matter halo"


@pytest.fixture(autouse=True)
def _with_logins(settings: Any) -> None:
    settings.ACCESS = "login"


@pytest.fixture
def vera() -> User:
    return person("vera", "importer", password=PASSWORD)


@pytest.fixture
def browser(vera: User) -> Client:
    client = Client()
    client.force_login(vera, backend="django.contrib.auth.backends.ModelBackend")
    return client


def log_in(client: Client, password: str = PASSWORD, **extra: Any) -> Any:
    return client.post("/login/", {"username": "vera", "password": password}, **extra)


# --- sessions ---------------------------------------------------------------------------------------------------


def test_a_login_leads_where_one_wanted_to_go(vera: User) -> None:
    client = Client()
    assert client.get("/imports/")["Location"] == "/login/?next=/imports/"
    response = client.post("/login/?next=/imports/", {"username": "vera", "password": PASSWORD, "next": "/imports/"})
    assert response["Location"] == "/imports/"
    assert client.get("/imports/").status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.test/", "//evil.test/", "javascript:alert(1)", "/\\evil.test"])
def test_a_login_leads_nowhere_else(vera: User, elsewhere: str) -> None:
    response = Client().post("/login/", {"username": "vera", "password": PASSWORD, "next": elsewhere})
    assert response["Location"] == "/"


def test_a_login_begins_a_session_of_its_own(vera: User) -> None:
    client = Client()
    client.cookies["sessionid"] = "chosen-by-somebody-else-before-00"
    log_in(client)
    assert client.cookies["sessionid"].value != "chosen-by-somebody-else-before-00"


def test_the_sessions_cookie_is_out_of_scripts_and_other_sites_reach(vera: User) -> None:
    cookie = log_in(Client()).cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_a_changed_password_ends_the_other_sessions(vera: User) -> None:
    here, there = Client(), Client()
    log_in(here)
    log_in(there)
    fresh = "another dark halo 9"
    changed = here.post(
        "/account/password/", {"old_password": PASSWORD, "new_password1": fresh, "new_password2": fresh}
    )
    assert changed["Location"] == "/account/"
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 302


@pytest.mark.parametrize("weak", ["short", "password12", "1234567890123", "verav"])
def test_weak_passwords_are_refused_with_the_reason(browser: Client, vera: User, weak: str) -> None:
    answer = browser.post(
        "/account/password/", {"old_password": PASSWORD, "new_password1": weak, "new_password2": weak}
    )
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    vera.refresh_from_db()
    assert vera.check_password(PASSWORD)


# --- guessing ---------------------------------------------------------------------------------------------------


def test_guessing_is_locked_out_and_the_right_password_then_too(vera: User, settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    statuses = [log_in(Client(), "wrong").status_code for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    response = log_in(Client())
    assert response.status_code == 429
    assert "Try again in 15 minutes" in response.content.decode()
    assert response["Retry-After"] == "900"


def test_a_locked_out_address_locks_out_nobody_elsewhere(vera: User, settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT, settings.BEHIND_PROXY = 2, True
    for _ in range(3):
        log_in(Client(), "wrong", headers={"x-forwarded-for": "203.0.113.9"})
    assert log_in(Client(), headers={"x-forwarded-for": "203.0.113.9"}).status_code == 429
    assert log_in(Client(), headers={"x-forwarded-for": "198.51.100.7"}).status_code == 302


def test_an_address_that_the_caller_made_up_is_not_believed(vera: User, settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT = 2
    for number in range(3):
        log_in(Client(), "wrong", headers={"x-forwarded-for": f"203.0.113.{number}"})
    assert log_in(Client()).status_code == 429


def test_a_proxy_elsewhere_is_believed_when_its_network_is_named(vera: User, settings: Any) -> None:
    settings.BEHIND_PROXY, proxy = True, {"REMOTE_ADDR": "172.30.5.1"}
    request = RequestFactory().get("/", headers={"x-forwarded-for": "1.2.3.4, 203.0.113.9"}, **proxy)
    assert client_address(request) == "172.30.5.1"
    settings.TRUSTED_PROXIES = [ip_network("172.30.5.0/24"), ip_network("::1/128")]
    assert client_address(request) == "203.0.113.9"


def test_after_a_quarter_of_an_hour_one_may_try_again(vera: User, settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT = 2
    with time_machine.travel("2026-11-01T10:00:00Z", tick=False) as clock:
        for _ in range(3):
            log_in(Client(), "wrong")
        assert log_in(Client()).status_code == 429
        clock.shift(16 * 60)
        assert log_in(Client()).status_code == 302


def test_a_wrong_name_and_a_wrong_password_are_answered_alike(vera: User) -> None:
    known = Client().post("/login/", {"username": "vera", "password": "wrong"}).content.decode()
    unknown = Client().post("/login/", {"username": "vero", "password": "wrong"}).content.decode()
    without = [re.sub(r'value="[^"]*"|"X-CSRFToken": "[^"]*"', "", text) for text in (known, unknown)]
    assert without[0] == without[1]


# --- one's own page ---------------------------------------------------------------------------------------------


def test_a_token_is_made_shown_once_used_and_revoked(browser: Client, vera: User) -> None:
    page = browser.post("/account/make-token/", {"name": "laptop", "scope": "read", "days": "30"})
    assert "no-store" in page["Cache-Control"]
    key = re.search(r'id="key"[^>]*>([^<]+)<', page.content.decode())
    assert key is not None
    assert key[1] not in browser.get("/account/").content.decode()
    sent = {"authorization": f"Bearer {key[1]}"}
    assert Client().get("/api/files", headers=sent).status_code == 200
    row = ApiToken.objects.get()
    assert row.expires_at is not None
    browser.post("/account/revoke-token/", {"id": row.pk})
    refused(Client().get("/api/files", headers=sent), 401)


def test_nobody_revokes_anothers_token(browser: Client) -> None:
    row, key = tokens.make(person("ada", "viewer"), "hers")
    assert browser.post("/account/revoke-token/", {"id": row.pk}).status_code == 404
    assert tokens.find(key) is not None


def test_the_mast_token_is_taken_in_and_never_given_out(browser: Client) -> None:
    browser.post("/account/store-mast-token/", {"token": "CANARY-0123456789"})
    page = browser.get("/account/").content.decode()
    assert MastToken.objects.count() == 1
    assert "CANARY" not in page
    assert "Stored on" in page
    browser.post("/account/forget-mast-token/")
    assert not MastToken.objects.exists()


def test_people_are_named_and_unnamed(browser: Client, vera: User) -> None:
    person("ada", "viewer")
    browser.post("/account/trust/", {"username": "ada"})
    assert Trust.objects.get().trusted.username == "ada"
    browser.post("/account/distrust/", {"id": Trust.objects.get().pk})
    assert not Trust.objects.exists()
    for unknown in ("vera", "nobody-of-this-name", ""):
        assert browser.post("/account/trust/", {"username": unknown}).status_code == 422


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("make-token", {"name": "", "scope": "read", "days": "30"}),
        ("make-token", {"name": "x", "scope": "everything", "days": "30"}),
        ("make-token", {"name": "x", "scope": "read", "days": "100000"}),
        ("store-mast-token", {"token": "two words"}),
        ("fly", {}),
    ],
)
def test_what_cannot_be_done_is_said(browser: Client, action: str, data: dict[str, str]) -> None:
    assert browser.post(f"/account/{action}/", data).status_code == 422


def test_an_account_without_a_role_is_told_so(settings: Any) -> None:
    client = Client()
    client.force_login(person("new"), backend="django.contrib.auth.backends.ModelBackend")
    assert "no role yet" in client.get("/account/").content.decode()
    assert client.get("/").status_code == 403


# --- allowances -------------------------------------------------------------------------------------------------


def searches(client: Client, count: int) -> list[int]:
    body = '{"programId": "2733"}'
    path = "/api/mast/search/program"
    return [client.post(path, body, content_type="application/json").status_code for _ in range(count)]


@pytest.mark.parametrize("redis_is_there", [True, False])
def test_searches_are_allowed_so_often_a_minute(
    browser: Client, vera: User, settings: Any, redis_is_there: bool, request: pytest.FixtureRequest
) -> None:
    if redis_is_there:
        request.getfixturevalue("valkey")
    else:
        settings.REDIS_URL = "redis://127.0.0.1:9/0"
    settings.SEARCHES_PER_MINUTE = 3
    with time_machine.travel("2026-11-01T10:00:10Z", tick=False) as clock:
        # MAST cannot be reached here: 502 is a search that was let through.
        assert searches(browser, 5) == [502, 502, 502, 429, 429]
        other = Client()
        other.force_login(person("ada", "viewer"), backend="django.contrib.auth.backends.ModelBackend")
        assert searches(other, 1) == [502]
        answer = browser.post("/api/mast/search/program", '{"programId": "1"}', content_type="application/json")
        assert answer["Retry-After"] == "50"
        refused(answer, 429, "request.too_many")
        clock.shift(51)
        assert searches(browser, 1) == [502]


def test_very_many_imports_under_way_are_enough(browser: Client, vera: User, settings: Any, valkey: Redis) -> None:
    settings.MOST_LIVE_JOBS = 2
    for _ in range(2):
        JobFactory(owner=vera, state="queued")
    answer = browser.post("/api/mast/import", '{"obsId": "jw1"}', content_type="application/json")
    refused(answer, 429, "request.too_many")


def test_bytes_on_their_way_are_limited_for_each(vera: User, settings: Any) -> None:
    settings.QUEUED_GB = 1
    job = JobFactory(owner=vera, state="downloading")
    ended = JobFactory(owner=vera, state="complete")
    others = JobFactory(owner=person("ada", "importer"), state="downloading")
    for whose, size, done in [(job, 600_000_000, 100_000_000), (ended, 10**12, 0), (others, 10**12, 0)]:
        transfer = TransferFactory(state="downloading", total_bytes=size, done_bytes=done)
        ImportItem.objects.create(job=whose, transfer=transfer)
    with acting.acting(Actor(vera, "a test")):
        quota.refuse_too_many_bytes(500_000_000)
        with pytest.raises(errors.TooManyRequests, match="brings 501 MB, and 500 MB of yours"):
            quota.refuse_too_many_bytes(501_000_000)
        # An import that brings nothing new only registers what is there.
        quota.refuse_too_many_bytes(0)


def test_very_many_observations_at_once_are_refused_before_mast_is_asked(vera: User) -> None:
    requests = [ImportRequest(obs_id=f"jw{number}") for number in range(1001)]
    with acting.acting(Actor(vera, "a test")), pytest.raises(errors.BadQuery, match="1,001 observations are too many"):
        services.start_imports(requests, vera)


# --- who did what -----------------------------------------------------------------------------------------------


def test_what_people_do_is_written_down_with_how_and_from_where(vera: User) -> None:
    client = Client()
    log_in(client, "wrong")
    log_in(client)
    job = JobFactory(state="queued", owner=vera)
    client.post(f"/imports/{job.pk}/cancel/")
    _, key = tokens.make(vera, "laptop")
    script = Client().generic("POST", f"/api/mast/import/resume/{job.pk}", headers={"authorization": f"Bearer {key}"})
    client.post("/logout/")
    written = [(entry.action, entry.who, entry.how) for entry in AuditEntry.objects.order_by("id")]
    assert written == [
        ("login.failed", "anonymous", "a session"),
        ("login", "vera", "a session"),
        ("import.cancel", "vera", "a session"),
        ("import.resume", "vera", "the token laptop"),
        ("logout", "vera", "a session"),
    ]
    last = AuditEntry.objects.get(action="import.resume")
    assert last.target == job.obs_id
    assert last.detail == {"job": str(job.pk)}
    assert last.address == "127.0.0.1"
    assert last.request_id == script["X-Request-ID"]


def test_the_record_outlives_the_account(vera: User) -> None:
    log_in(Client())
    vera.delete()
    entry = AuditEntry.objects.get(action="login")
    assert (entry.who, entry.user) == ("vera", None)


def test_curators_work_is_written_down(settings: Any) -> None:
    client = Client()
    client.force_login(person("ada", "curator"), backend="django.contrib.auth.backends.ModelBackend")
    AuditEntry.objects.all().delete()
    file = DataFileFactory()
    obs_id = file.observation.obs_id
    client.post("/library/bulk/", {"obs_id": obs_id, "action": "tag", "tag": "x"})
    client.post(f"/observations/{obs_id}/curate/", {"tags": "", "notes": "a note"})
    client.post("/library/bulk/", {"obs_id": obs_id, "action": "delete-now"})
    done = list(AuditEntry.objects.order_by("id").values_list("action", "target"))
    assert done == [
        ("record.tag", "x"),
        ("record.annotate", obs_id),
        ("record.remove", obs_id),
    ]


def test_an_administrator_makes_no_superuser() -> None:
    boss = person("boss", "admin")
    root = User.objects.create_superuser("root")
    client = Client()
    client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/admin/auth/user/{boss.pk}/change/").content.decode()
    assert 'name="is_superuser"' not in page
    assert 'name="groups"' in page
    assert client.post(f"/admin/auth/user/{root.pk}/change/", {"username": "gone"}).status_code == 403


@pytest.mark.parametrize("address", ["/api/nothing", "/api/files/-1", "/api/files/99999999999999999999"])
def test_an_address_that_is_no_call_of_the_api_is_not_found_with_a_token_and_without(
    settings: Any, address: str
) -> None:
    settings.ACCESS = "login"
    _, key = tokens.make(person("ada", "viewer"), "script")
    for headers in ({}, {"Authorization": f"Bearer {key}"}):
        answer = Client(raise_request_exception=False).get(address, headers=headers)
        assert answer.status_code in ({401, 404} if not headers else {404}), answer.content
        assert answer["Content-Type"] == "application/problem+json"
