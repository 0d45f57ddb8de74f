"""OpenAPI: examples as the guide has them, errors declared, docs that need no internet; and the state of the parts."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.staticfiles import finders

from mast.schemas.health import Health
from tests.api_fixture import ApiClient, checked

pytestmark = pytest.mark.django_db
CONTRACT = """
post /api/mast/search/target
post /api/mast/search/coordinates
post /api/mast/search/observation
post /api/mast/search/program
post /api/mast/whats-new
post /api/mast/products
post /api/mast/import
post /api/mast/import/preview
get /api/mast/import-progress/{job_id}
get /api/mast/imports
post /api/mast/import/cancel/{job_id}
post /api/mast/import/pause/{job_id}
post /api/mast/import/resume/{job_id}
post /api/mast/import/from-existing/{obs_id}
get /api/mast/import/check-files/{obs_id}
post /api/mast/refresh-metadata/{obs_id}
post /api/mast/refresh-metadata-all
get /api/observations
get /api/observations/{obs_id}
get /api/files
get /api/files/{file_id}
post /api/files/fetch-again
post /api/files/{file_id}/fetch-again
get /api/files/{file_id}/download
get /api/files/{file_id}/preview
get /api/files/{file_id}/header
get /api/files/{file_id}/histogram
get /api/files/{file_id}/pixel
get /api/files/{file_id}/members
get /api/files/{file_id}/table
get /api/files/{file_id}/spectrum
get /api/mast/look
get /api/mast/look/header
get /api/mast/look/preview
get /api/files/{file_id}/cubeinfo
get /api/files/{file_id}/thumbnail
get /api/files/{file_id}/tile/{z}/{x}/{y}
get /api/files/{file_id}/dq
get /api/files/{file_id}/dq/{z}/{x}/{y}
get /api/files/{file_id}/cutout
get /api/files/{file_id}/stats
get /api/files/{file_id}/profile
get /api/files/{file_id}/spectrum-at
get /api/health
"""
GUIDE = {
    "TargetSearch": ['{"targetName": "NGC 3132", "radius": 0.1}'],
    "CoordinateSearch": ['{"ra": 151.755, "dec": -40.437, "radius": 0.1}'],
    "ImportBody": [
        '{"obsId": "jw02733-o001_t001_nircam_clear-f090w", "productType": "SCIENCE"}',
        '{"obsId": "jw02733-o001_t001_nircam_clear-f090w", "productType": "SCIENCE", "downloadSource": "s3"}',
    ],
}


@pytest.fixture
def schema(api: ApiClient) -> Any:
    return api.get("/api/openapi.json").json()


def operations(schema: Any) -> dict[str, Any]:
    return {f"{method} {path}": call for path, calls in schema["paths"].items() for method, call in calls.items()}


def test_every_call_of_the_contract_is_there(schema: Any) -> None:
    assert set(operations(schema)) == set(CONTRACT.split("\n")) - {""}


def test_examples_are_the_guides_own_lines(schema: Any) -> None:
    for name, lines in GUIDE.items():
        assert schema["components"]["schemas"][name]["examples"] == [json.loads(line) for line in lines]


def test_bodies_and_records_are_camel_case_and_envelopes_are_not(schema: Any) -> None:
    schemas = schema["components"]["schemas"]
    assert {"targetName", "radius", "calibLevel"} == set(schemas["TargetSearch"]["properties"])
    assert {"search_type", "query_params", "result_count"} <= set(schemas["SearchEnvelope"]["properties"])
    assert {"fileName", "imageInfo", "isViewable"} <= set(schemas["FileRecord"]["properties"])
    assert {"downloadProgressPercent", "fileProgress"} <= set(schemas["ProgressRecord"]["properties"])


def test_every_call_declares_its_errors_as_problems(schema: Any) -> None:
    for name, call in operations(schema).items():
        failures = {status: answer for status, answer in call["responses"].items() if int(status) >= 400}
        assert {"500", "503"} <= set(failures), name
        for answer in failures.values():
            (media_type,) = answer["content"]
            assert media_type == "application/problem+json"
        assert call["summary"], name
        assert call["description"], name


def test_calls_without_a_body_declare_none(schema: Any) -> None:
    for name, call in operations(schema).items():
        takes_body = re.search(r"search/|whats-new|products|import$|preview$", name) and name.startswith("post")
        assert ("requestBody" in call) is bool(takes_body), name


def test_the_docs_load_nothing_from_elsewhere(api: ApiClient) -> None:
    page = api.get("/api/docs").content.decode()
    loaded = re.findall(r"(?:src|href)=\"([^\"]+)\"", page)
    assert loaded
    for address in loaded:
        assert address.startswith("/static/")
        assert finders.find(address.removeprefix("/static/")), address
    # Inline script or style would be stopped by the content security policy.
    assert not re.search(r"<style|<script(?![^>]*(?:src=|application/json))| style=| on\w+=", page)


def test_health_says_how_each_part_is(api: ApiClient) -> None:
    found = checked(api.get("/api/health"), Health)
    assert found["archive"] == "live"
    assert found["parts"]["database"]["ok"] is True
    assert found["ok"] is all(part["ok"] for part in found["parts"].values())
    for part in found["parts"].values():
        assert part["message"].endswith(".")
