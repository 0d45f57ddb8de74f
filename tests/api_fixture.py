"""The API as scripts call it, and the practice archive as its MAST."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from pydantic import TypeAdapter

from mast.practice import PracticeServer
from mast.schemas.errors import Problem

GUIDE_OBSERVATION = "jw02733-o001_t001_nircam_clear-f090w"


class ApiClient(Client):
    """A caller with curl's habits: no cookie, no CSRF token, and JSON in the guide's words."""

    def send(self, path: str, body: object = None, **headers: str) -> Any:
        """POST what `curl -d` would send; without a body nothing at all, as `curl -X POST` does."""
        if body is None:
            return self.generic("POST", path, b"", content_type="", headers=headers)
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.generic("POST", path, data, content_type="application/json", headers=headers)


def checked(response: Any, model: Any, status: int = 200) -> Any:
    """The answer's JSON, after it was found to be exactly what the OpenAPI page says."""
    assert response.status_code == status, response.content[:2000]
    assert response["Content-Type"] == "application/json"
    TypeAdapter(model).validate_json(response.content)
    return response.json()


def refused(response: Any, status: int, code: str | None = None) -> Any:
    """The problem's JSON, after it was found to be one: whole, in words, without a traceback."""
    assert response.status_code == status, response.content[:2000]
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    Problem.model_validate(body)
    assert body["error"] == body["detail"]
    assert body["status"] == status
    assert body["detail"].strip()
    assert "Traceback" not in response.content.decode()
    if code:
        assert body["code"] == code
    return body


def fields_of(problem: dict[str, Any]) -> set[str]:
    return {item["field"] for item in problem["fields"]}


@pytest.fixture
def api() -> ApiClient:
    return ApiClient(enforce_csrf_checks=True)


@pytest.fixture
def mast_stand_in(practice: PracticeServer, settings: Any) -> PracticeServer:
    """The practice archive, where the archive's settings say MAST is."""
    settings.MAST_URL = practice.url
    settings.MAST_RESOLVER_URL = f"{practice.url}/Santa-war/query"
    settings.MAST_S3_ENDPOINT_URL = f"{practice.url}/s3"
    return practice
