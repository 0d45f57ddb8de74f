"""The search calls: the guide's lines, the contract's shapes, and what bad input gets."""

from __future__ import annotations

from typing import Any

import pytest

from mast.practice import PracticeServer
from mast.schemas.search import ObservationSearch, ProductEnvelope, SearchEnvelope
from tests.api_fixture import GUIDE_OBSERVATION, ApiClient, checked, fields_of, refused
from tests.factories import DataFileFactory, ObservationFactory

pytestmark = pytest.mark.django_db
SEARCHES = "/api/mast/search/"


def search(api: ApiClient, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = checked(api.send(f"{SEARCHES}{kind}", body), SearchEnvelope)
    assert found["result_count"] == len(found["results"])
    return found


def levels(found: dict[str, Any]) -> set[int]:
    return {row["calib_level"] for row in found["results"]}


# --- the guide's lines ------------------------------------------------------------------------------------------


def test_target_search_of_the_guide(api: ApiClient, mast_stand_in: PracticeServer) -> None:
    found = checked(api.send(f"{SEARCHES}target", '{"targetName": "NGC 3132", "radius": 0.1}'), SearchEnvelope)
    assert found["search_type"] == "target"
    assert found["query_params"]["target_name"] == "NGC 3132"
    assert found["query_params"]["radius"] == 0.1
    assert GUIDE_OBSERVATION in {row["obs_id"] for row in found["results"]}
    assert levels(found) == {3}
    assert found["resolved"]["resolver"]


def test_coordinate_search_of_the_guide(api: ApiClient, mast_stand_in: PracticeServer) -> None:
    body = '{"ra": 151.755, "dec": -40.437, "radius": 0.1}'
    found = checked(api.send(f"{SEARCHES}coordinates", body), SearchEnvelope)
    assert found["search_type"] == "coordinates"
    assert GUIDE_OBSERVATION in {row["obs_id"] for row in found["results"]}


# --- shapes -----------------------------------------------------------------------------------------------------


def test_rows_keep_the_columns_and_values_of_mast(api: ApiClient, mast_stand_in: PracticeServer) -> None:
    found = search(api, "observation", {"obsId": GUIDE_OBSERVATION})
    (row,) = [row for row in found["results"] if row["obs_id"] == GUIDE_OBSERVATION]
    for name in ("obsid", "t_min", "t_exptime", "s_region", "dataURL", "jpegURL", "dataRights", "obs_title"):
        assert name in row
    assert found["search_type"] == "observation"


@pytest.mark.parametrize(
    ("ra", "dec"),
    [
        ("10h07m01.8s", "-40d26m11s"),
        ("10:07:01.8", "-40:26:11"),
        ("151.7575", "-40.4364"),
        ("151.7575", "−40.4364"),
        (151.7575, "-40d26m11s"),
    ],
)
def test_coordinates_are_degrees_or_sexagesimal(
    api: ApiClient, mast_stand_in: PracticeServer, ra: Any, dec: Any
) -> None:
    found = search(api, "coordinates", {"ra": ra, "dec": dec, "radius": 0.1})
    assert found["query_params"]["ra"] == pytest.approx(151.7575, abs=1e-3)
    assert found["query_params"]["dec"] == pytest.approx(-40.4364, abs=1e-3)
    assert found["results"]


@pytest.mark.parametrize("program", ["2733", "02733", 2733, "jw02733"])
def test_program_numbers_are_text_or_numbers_with_or_without_zeros(
    api: ApiClient, mast_stand_in: PracticeServer, program: Any
) -> None:
    found = search(api, "program", {"programId": program})
    assert found["search_type"] == "program"
    assert {row["proposal_id"] for row in found["results"]} == {"2733"}
    assert levels(found) == {3}


def test_a_left_out_level_is_3_and_null_is_every_level(api: ApiClient, mast_stand_in: PracticeServer) -> None:
    left_out = search(api, "program", {"programId": "2733"})
    every = search(api, "program", {"programId": "2733", "calibLevel": None})
    chosen = search(api, "program", {"programId": "2733", "calibLevel": [1, 2]})
    single = search(api, "program", {"programId": "2733", "calibLevel": 2})
    assert levels(left_out) == {3}
    assert levels(chosen) <= {1, 2}
    assert levels(single) <= {2}
    assert sum(left_out["other_levels"].values()) + left_out["result_count"] == every["result_count"]
    assert every["other_levels"] == {}


def test_an_observation_id_is_searched_at_every_level() -> None:
    read = ObservationSearch.model_validate
    assert read({"obsId": GUIDE_OBSERVATION}).to_query().calib_levels is None
    assert read({"obsId": GUIDE_OBSERVATION, "calibLevel": None}).to_query().calib_levels is None
    assert read({"obsId": GUIDE_OBSERVATION, "calibLevel": [2, 1, 2]}).to_query().calib_levels == (1, 2)


def test_unknown_keys_of_older_scripts_are_ignored(api: ApiClient, mast_stand_in: PracticeServer) -> None:
    assert search(api, "program", {"programId": "2733", "pageSize": 10, "isPublic": True})["results"]


def test_an_answer_says_which_observations_are_in_the_library(api: ApiClient, mast_stand_in: PracticeServer) -> None:
    DataFileFactory(observation=ObservationFactory(obs_id=GUIDE_OBSERVATION))
    assert search(api, "observation", {"obsId": GUIDE_OBSERVATION})["in_library"] == {GUIDE_OBSERVATION: 1}


def test_whats_new_takes_days_instrument_limit_and_offset(api: ApiClient, mast_stand_in: PracticeServer) -> None:
    body = {"daysBack": 365, "instrument": "NIRCAM", "limit": 5, "offset": 0}
    found = checked(api.send("/api/mast/whats-new", body), SearchEnvelope)
    assert found["search_type"] == "recent_releases"
    assert found["query_params"]["days_back"] == 365
    assert len(found["results"]) <= 5


@pytest.mark.parametrize("body", [None, {}])
def test_whats_new_needs_no_body(api: ApiClient, mast_stand_in: PracticeServer, body: Any) -> None:
    found = checked(api.send("/api/mast/whats-new", body), SearchEnvelope)
    assert found["query_params"]["days_back"] == 7
    assert found["query_params"]["limit"] == 50


def test_products_are_counted_and_summed(api: ApiClient, mast_stand_in: PracticeServer) -> None:
    every = checked(api.send("/api/mast/products", {"obsId": GUIDE_OBSERVATION}), ProductEnvelope)
    science = {"obsId": GUIDE_OBSERVATION, "calibLevel": [3], "productType": "SCIENCE"}
    chosen = checked(api.send("/api/mast/products", science), ProductEnvelope)
    assert every["obs_id"] == GUIDE_OBSERVATION
    assert every["product_count"] == len(every["products"]) > chosen["product_count"] > 0
    assert every["total_bytes"] == sum(row["size"] for row in every["products"])
    assert {"dataURI", "productFilename", "calib_level"} <= set(every["products"][0])


# --- what bad input gets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("target", {}, "targetName"),
        ("target", {"targetName": ""}, "targetName"),
        ("target", {"targetName": "   "}, "targetName"),
        ("target", {"targetName": "x" * 201}, "targetName"),
        ("target", {"targetName": "a\u0000b"}, "targetName"),
        ("target", {"targetName": 3132}, "targetName"),
        ("target", {"targetName": None}, "targetName"),
        ("target", {"targetName": "NGC 3132", "radius": 0}, "radius"),
        ("target", {"targetName": "NGC 3132", "radius": 11}, "radius"),
        ("target", {"targetName": "NGC 3132", "radius": -0.1}, "radius"),
        ("target", {"targetName": "NGC 3132", "radius": "0.1"}, "radius"),
        ("target", {"targetName": "NGC 3132", "radius": True}, "radius"),
        ("target", {"targetName": "NGC 3132", "radius": None}, "radius"),
        ("target", {"targetName": "NGC 3132", "calibLevel": [7]}, "calibLevel"),
        ("target", {"targetName": "NGC 3132", "calibLevel": []}, "calibLevel"),
        ("target", {"targetName": "NGC 3132", "calibLevel": ["3"]}, "calibLevel"),
        ("target", {"targetName": "NGC 3132", "calibLevel": [True]}, "calibLevel"),
        ("target", {"targetName": "NGC 3132", "calibLevel": {"min": 1}}, "calibLevel"),
        ("coordinates", {"dec": 0}, "ra"),
        ("coordinates", {"ra": 360.1, "dec": 0}, "ra"),
        ("coordinates", {"ra": -1, "dec": 0}, "ra"),
        ("coordinates", {"ra": 1, "dec": -90.5}, "dec"),
        ("coordinates", {"ra": "nan", "dec": 0}, "ra"),
        ("coordinates", {"ra": "inf", "dec": 0}, "ra"),
        ("coordinates", {"ra": True, "dec": 0}, "ra"),
        ("coordinates", {"ra": [1], "dec": 0}, "ra"),
        ("coordinates", {"ra": "rubbish", "dec": "-40d26m11s"}, "ra"),
        ("observation", {"obsId": "jw02733/../../etc"}, "obsId"),
        ("observation", {"obsId": "jw02733\\x"}, "obsId"),
        ("observation", {"obsId": ""}, "obsId"),
        ("observation", {"obsId": "x" * 400}, "obsId"),
        ("program", {"programId": "abc"}, "programId"),
        ("program", {"programId": 0}, "programId"),
        ("program", {"programId": 1234567}, "programId"),
        ("program", {"programId": 27.33}, "programId"),
        ("program", {"programId": ""}, "programId"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(api: ApiClient, kind: str, body: dict[str, Any], field: str) -> None:
    problem = refused(api.send(f"{SEARCHES}{kind}", body), 422, "search.bad_query")
    assert field in fields_of(problem)
    assert problem["retryable"] is False


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("field", ["ra", "radius"])
def test_numbers_that_are_none_are_refused(api: ApiClient, field: str, value: str) -> None:
    texts = {"ra": "1", "dec": "1", "radius": "0.1"} | {field: value}
    body = "{" + ", ".join(f'"{name}": {text}' for name, text in texts.items()) + "}"
    assert field in fields_of(refused(api.send(f"{SEARCHES}coordinates", body), 422))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"daysBack": 0}, "daysBack"),
        ({"daysBack": 366}, "daysBack"),
        ({"daysBack": "7"}, "daysBack"),
        ({"daysBack": 7.5}, "daysBack"),
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"offset": -1}, "offset"),
        ({"instrument": 5}, "instrument"),
        ({"instrument": "<script>"}, "instrument"),
    ],
)
def test_whats_new_has_bounds(api: ApiClient, body: dict[str, Any], field: str) -> None:
    assert field in fields_of(refused(api.send("/api/mast/whats-new", body), 422))


def test_a_name_nobody_knows_is_422_with_a_sentence(api: ApiClient, mast_stand_in: PracticeServer) -> None:
    problem = refused(api.send(f"{SEARCHES}target", {"targetName": "NGC 99999999"}), 422)
    assert problem["code"] == "search.target_not_resolved"


def test_an_observation_nobody_knows_is_an_answer_of_no_rows(api: ApiClient, mast_stand_in: PracticeServer) -> None:
    found = search(api, "observation", {"obsId": "jw99999-o001_t001_nircam_clear-f090w"})
    assert found["results"] == []
    assert found["notes"]


def test_products_of_an_unknown_observation_are_404(api: ApiClient, mast_stand_in: PracticeServer) -> None:
    body = {"obsId": "jw99999-o001_t001_nircam_clear-f090w"}
    refused(api.send("/api/mast/products", body), 404, "archive.observation_not_found")


# --- MAST down --------------------------------------------------------------------------------------------------


def test_mast_down_is_502_and_worth_trying_again(api: ApiClient) -> None:
    problem = refused(api.send(f"{SEARCHES}program", {"programId": "2733"}), 502)
    assert problem["code"].startswith("archive.")
    assert problem["retryable"] is True


def test_an_earlier_answer_is_served_with_its_age_while_mast_is_down(
    api: ApiClient, mast_stand_in: PracticeServer, settings: Any
) -> None:
    before = search(api, "program", {"programId": "2733"})
    settings.MAST_URL = "http://127.0.0.1:9"
    after = search(api, "program", {"programId": "02733"})
    assert before["cached_at"] is None
    assert after["cached_at"]
    assert after["results"] == before["results"]
