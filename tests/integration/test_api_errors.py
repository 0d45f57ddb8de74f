"""Errors of the API: one shape whoever found them, and never a traceback."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from mast.errors import all_codes
from mast.schemas.errors import Problem
from tests.api_fixture import ApiClient, fields_of, refused
from tests.factories import DataFileFactory

pytestmark = pytest.mark.django_db
TARGET = "/api/mast/search/target"


@pytest.mark.parametrize(
    "body", ["{", "{'targetName': 'x'}", "targetName=NGC+3132", b"\xff\xfe", "[" * 100_000, "1" * 5000]
)
def test_a_body_that_is_no_json_is_400(api: ApiClient, body: str | bytes) -> None:
    refused(api.send(TARGET, body), 400, "request.malformed")


@pytest.mark.parametrize("body", ["[]", '"NGC 3132"', "3132", "true", "null"])
def test_a_body_that_is_no_object_is_422(api: ApiClient, body: str) -> None:
    assert fields_of(refused(api.send(TARGET, body), 422)) == {"body"}


def test_a_missing_body_is_422(api: ApiClient) -> None:
    assert refused(api.send(TARGET), 422)["fields"]


def test_text_that_is_no_unicode_is_422(api: ApiClient) -> None:
    assert fields_of(refused(api.send(TARGET, '{"targetName": "\\ud800"}'), 422)) == {"targetName"}


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", ""],
)
def test_a_body_of_another_type_is_415(api: ApiClient, content_type: str) -> None:
    response = api.generic("POST", TARGET, '{"targetName": "NGC 3132"}', content_type=content_type)
    refused(response, 415, "request.not_json")


def test_a_charset_after_the_type_does_no_harm(api: ApiClient) -> None:
    response = api.generic("POST", TARGET, '{"radius": 0}', content_type="application/json; charset=utf-8")
    assert fields_of(refused(response, 422)) == {"targetName", "radius"}


def test_ten_megabytes_are_413_and_nothing_of_them_is_read(api: ApiClient) -> None:
    body = '{"targetName": "' + "x" * 10_000_000 + '"}'
    refused(api.send(TARGET, body), 413, "request.too_large")


def test_a_chunked_body_is_400_and_says_so(api: ApiClient) -> None:
    problem = refused(api.send(TARGET, None, **{"transfer-encoding": "chunked"}), 400, "request.malformed")
    assert "Content-Length" in problem["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/nothing",
        "/api/mast/import/resume",
        "/api/files/abc",
        "/api/observations/a%2Fb",
        "/api/observations/a/b",
    ],
)
def test_an_unknown_address_is_404(api: ApiClient, path: str) -> None:
    refused(api.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", TARGET, "POST"),
        ("DELETE", TARGET, "POST"),
        ("PUT", "/api/mast/import", "POST"),
        ("POST", "/api/files", "GET"),
        ("PATCH", "/api/health", "GET"),
    ],
)
def test_a_wrong_method_is_405_and_says_which_is_right(api: ApiClient, method: str, path: str, allowed: str) -> None:
    response = api.generic(method, path)
    refused(response, 405, "request.method_not_allowed")
    assert response["Allow"] == allowed


@pytest.mark.parametrize(
    "host", ["evil.test", "localhost.evil.test", "127.0.0.1.evil.test", "127.0.0.1:5001@evil.test"]
)
def test_a_foreign_host_name_is_400(api: ApiClient, host: str) -> None:
    refused(api.get("/api/health", headers={"host": host}), 400)


def test_an_unexpected_error_is_500_with_a_reference_that_the_log_has(
    api: ApiClient, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    file = DataFileFactory()
    # What no path can be made of fails deep inside, where nobody translates it.
    settings.FILES_DIR = 5
    client = ApiClient(raise_request_exception=False)
    with caplog.at_level(logging.ERROR):
        problem = refused(client.get(f"/api/files/{file.pk}/download"), 500, "error")
    assert problem["reference"] in problem["detail"]
    assert problem["reference"] in caplog.text
    assert "TypeError" in caplog.text


def test_every_problem_names_its_type_and_place(api: ApiClient) -> None:
    problem = refused(api.send(TARGET, {}), 422)
    assert problem["type"] == "/problems/search.bad_query"
    assert problem["title"] == all_codes()["search.bad_query"].meaning
    assert problem["instance"] == TARGET
    Problem.model_validate(problem)


@pytest.mark.parametrize("code", sorted(all_codes()))
def test_the_type_of_a_problem_leads_to_a_page_that_explains_it(code: str) -> None:
    response = Client().get(f"/problems/{code}")
    assert response.status_code == 200
    assert escape(all_codes()[code].meaning) in response.content.decode()


def test_a_problem_nobody_has_leads_nowhere() -> None:
    assert Client().get("/problems/nothing.here").status_code == 404


def test_head_answers_like_get_without_a_body() -> None:
    response = Client().head("/api/health")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.content == b""


def test_nothing_allows_other_origins_to_read(api: ApiClient) -> None:
    response = api.options(TARGET, headers={"origin": "http://evil.test", "access-control-request-method": "POST"})
    assert not [name for name in response.headers if name.lower().startswith("access-control")]
