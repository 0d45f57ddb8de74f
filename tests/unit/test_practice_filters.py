"""MAST's filter semantics, one rule at a time."""

from __future__ import annotations

from typing import Any

import pytest

from mast.practice.columns import OBSERVATION, Row
from mast.practice.filters import BadFilter, select

ROWS: list[Row] = [
    {"obs_id": "jw02733-o001_t001_nircam_clear-f090w", "filters": "F090W", "calib_level": 3, "t_min": 59733.7},
    {"obs_id": "jw02733-o001_t001_nircam_f444w-f470n", "filters": "F444W;F470N", "calib_level": 3, "t_min": 59734.0},
    {"obs_id": "jw05782001001_02101_00001_nrca1", "filters": "F182M", "calib_level": 1, "t_min": None, "mtFlag": True},
]


def found(*filters: Row) -> list[int]:
    return [ROWS.index(row) for row in select(ROWS, list(filters), OBSERVATION)]


def one(name: str, *values: Any, **more: Any) -> Row:
    return {"paramName": name, "values": list(values), **more}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([], [0, 1, 2]),
        ([one("calib_level", "3")], [0, 1]),
        ([one("calib_level", "1", "3")], [0, 1, 2]),
        ([one("calib_level", "3"), one("filters", "F090W")], [0]),
        ([one("filters", "F470N", separator=";")], [1]),
        ([one("filters", "F470N")], [1]),
        ([one("filters", "F444W;F470N")], [1]),
        ([one("filters", "F47")], []),
        ([one("obs_id", "JW02733-O001_T001_NIRCAM_CLEAR-F090W")], [0]),
        ([one("OBS_ID", freeText="jw02733%")], [0, 1]),
        ([one("obs_id", freeText="%nrca1")], [2]),
        ([one("obs_id", freeText="*o001*f470n")], [1]),
        ([one("obs_id", freeText="jw02733_o001%")], []),
        ([one("t_min", {"min": 59733, "max": 59733.9})], [0]),
        ([one("t_min", {"min": "59733", "max": "60000"})], [0, 1]),
        ([one("calib_level", {"min": 0, "max": 2})], [2]),
        ([one("mtFlag", "true")], [2]),
        ([one("calib_level")], []),
    ],
)
def test_filters_select(filters: list[Row], expected: list[int]) -> None:
    assert found(*filters) == expected


def test_values_and_free_text_of_one_filter_are_ored() -> None:
    assert found(one("filters", "F182M", freeText="F09%")) == [0, 2]


def test_an_unknown_column_is_an_error() -> None:
    with pytest.raises(BadFilter, match="no_such"):
        found(one("no_such", "x"))
