"""What other web sites may make a browser do here: nothing. And what browsers are told to load: our own."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.api_fixture import ApiClient, refused
from tests.people import person

pytestmark = pytest.mark.django_db
RESUME = "/api/mast/import/resume/0b7e6d9c-9a3c-4d0b-8f3e-4e7d5c2b1a00"
OURS = "http://localhost:5001"


def sent(api: ApiClient, headers: dict[str, str], body: object = None) -> int:
    return int(api.send(RESUME, body, host="localhost:5001", **headers).status_code)


# Past the middleware, the job is unknown: 404 says that the request was let through.
LET_THROUGH, REFUSED = 404, 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, LET_THROUGH),
        ({"sec-fetch-site": "same-origin", "origin": OURS}, LET_THROUGH),
        ({"sec-fetch-site": "none"}, LET_THROUGH),
        ({"sec-fetch-site": "cross-site", "origin": "http://evil.test"}, REFUSED),
        ({"sec-fetch-site": "same-site", "origin": "http://localhost:3000"}, REFUSED),
        ({"sec-fetch-site": "cross-site"}, REFUSED),
        ({"sec-fetch-site": "cross-site", "origin": OURS}, REFUSED),
        ({"sec-fetch-site": ""}, REFUSED),
        ({"sec-fetch-site": "Same-Origin"}, REFUSED),
        ({"origin": OURS}, LET_THROUGH),
        ({"origin": "http://localhost:3000"}, REFUSED),
        ({"origin": "https://localhost:5001"}, REFUSED),
        ({"origin": "http://127.0.0.1:5001"}, REFUSED),
        ({"origin": "http://localhost:5001.evil.test"}, REFUSED),
        ({"origin": "null"}, REFUSED),
        ({"origin": ""}, REFUSED),
    ],
)
def test_only_our_own_pages_and_programs_may_change_things(
    api: ApiClient, headers: dict[str, str], status: int
) -> None:
    assert sent(api, headers) == status


@pytest.mark.parametrize(
    "content_type", ["text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded"]
)
def test_what_a_form_or_a_beacon_can_send_is_refused(api: ApiClient, content_type: str) -> None:
    body = '{"obsId": "jw02733-o001_t001_nircam_clear-f090w", "productType": "SCIENCE"}'
    foreign = {"sec-fetch-site": "cross-site", "origin": "http://evil.test"}
    refused(api.generic("POST", "/api/mast/import", body, content_type=content_type, headers=foreign), 403)
    # An old browser that says nothing of where it comes from still cannot send JSON unasked.
    refused(api.generic("POST", "/api/mast/import", body, content_type=content_type), 415)


def test_a_trusted_origin_behind_a_proxy_may_change_things(api: ApiClient, settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://jwst.example.org"]
    assert sent(api, {"origin": "https://jwst.example.org"}) == LET_THROUGH
    assert sent(api, {"origin": "https://jwst.example.com"}) == REFUSED


@pytest.mark.parametrize(
    ("path", "mode", "destination", "is_allowed"),
    [
        ("/api/files", "no-cors", "image", False),
        ("/api/files/1/preview", "no-cors", "image", False),
        ("/api/files/1/download", "navigate", "document", False),
        ("/api/files", "cors", "empty", False),
        ("/api/docs", "navigate", "document", True),
        ("/", "navigate", "document", True),
        ("/", "navigate", "iframe", False),
        ("/", "no-cors", "image", False),
        ("/search/?kind=program&q=2733", "no-cors", "script", False),
    ],
)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_sites_may_link_to_pages_and_to_nothing_costly(
    api: ApiClient, path: str, mode: str, destination: str, is_allowed: bool, site: str
) -> None:
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": destination}
    assert (api.get(path, headers=headers).status_code != REFUSED) is is_allowed


def test_a_page_refuses_with_a_page() -> None:
    response = Client().post("/refresh/", headers={"sec-fetch-site": "cross-site"})
    assert response.status_code == REFUSED
    assert response["Content-Type"].startswith("text/html")
    assert "Another web site" in response.content.decode()


@pytest.mark.parametrize("path", ["/", "/api/health", "/api/docs", "/admin/login/", "/nothing", "/static/nothing"])
def test_every_answer_tells_browsers_to_load_our_own_alone(path: str) -> None:
    response = Client().get(path)
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


# --- logins -----------------------------------------------------------------------------------------------------


def test_with_logins_pages_lead_to_the_login(settings: Any) -> None:
    settings.ACCESS = "login"
    response = Client().get("/search/?q=NGC+3132")
    assert response.status_code == 302
    assert response["Location"] == "/login/?next=/search/%3Fq%3DNGC%2B3132"


def test_with_logins_htmx_leaves_the_page_instead_of_swapping_in_a_form(settings: Any) -> None:
    settings.ACCESS = "login"
    response = Client().get("/imports/", headers={"hx-request": "true"})
    assert response["HX-Redirect"] == "/login/?next=/"
    assert response.content == b""


@pytest.mark.parametrize(
    ("header", "page", "leads"),
    [
        ("HX-Current-URL", "http://testserver/search/?q=NGC+3132&page=2", "/search/%3Fq%3DNGC%2B3132%26page%3D2"),
        ("Referer", "http://testserver/?view=files", "/%3Fview%3Dfiles"),
        ("Referer", "http://evil.test/trap", "/"),
        ("HX-Current-URL", "no address", "/"),
    ],
)
def test_a_session_that_ended_leads_back_to_the_page_not_to_its_form(
    settings: Any, header: str, page: str, leads: str
) -> None:
    """A form's own address answers no GET, and a part of a page is no page."""
    settings.ACCESS = "login"
    part = Client().get("/imports/pill/", headers={"HX-Request": "true", header: page})
    assert part["HX-Redirect"] == f"/login/?next={leads}"
    form = Client().post("/library/bulk/", {"action": "tag"}, headers={header: page})
    assert form["Location"] == f"/login/?next={leads}"


def test_with_logins_a_session_sees_the_pages(settings: Any) -> None:
    settings.ACCESS = "login"
    client = Client()
    client.force_login(person("vera", "viewer"))
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("path", ["/login/", "/healthz", "/admin/login/"])
def test_with_logins_the_way_in_stays_open(settings: Any, path: str) -> None:
    settings.ACCESS = "login"
    assert Client().get(path).status_code != 302
