"""Tables written by us, read back by astropy."""

from __future__ import annotations

import io
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from astropy.io import ascii as astropy_ascii
from astropy.io.votable import parse_single_table
from hypothesis import given
from hypothesis import strategies as st

from mast.tables import FORMATS, Column, columns_of

COLUMNS = (
    Column("id", "int"),
    Column("exposureTime", "float", "s", "time.duration", "total, of all exposures"),
    Column("isViewable", "bool"),
    Column("title", "text"),
    Column("date", "time"),
)
ROWS: list[list[Any]] = [
    [1, 2.5, True, "Ring, the “Southern” <one> & 'others'", datetime(2022, 6, 3, 1, 2, 3, tzinfo=UTC)],
    [112_922_409_600, math.nan, False, 'a "quoted"\nsecond line', None],
    [None, None, None, "", None],
]


def written(form: str, rows: list[list[Any]] = ROWS, columns: tuple[Column, ...] = COLUMNS) -> str:
    return "".join(FORMATS[form].lines(columns, rows))


def test_votable_reads_back_with_types_units_and_nulls() -> None:
    table = parse_single_table(io.BytesIO(written("votable").encode())).to_table()
    assert table["id"].dtype.kind == "i"
    assert str(table["exposureTime"].unit) == "s"
    assert list(table["id"][:2]) == [1, 112_922_409_600]
    assert table["id"].mask[2]
    assert math.isnan(table["exposureTime"].filled(math.nan)[1])
    assert bool(table["isViewable"][0]) is True
    assert bool(table["isViewable"][1]) is False
    assert table["title"][0] == ROWS[0][3]
    assert table["date"][0] == "2022-06-03T01:02:03Z"


def test_ecsv_reads_back_with_types_units_and_nulls() -> None:
    table = astropy_ascii.read(written("ecsv"), format="ecsv")
    assert table["exposureTime"].unit == "s"
    assert table["exposureTime"].description == "total, of all exposures"
    assert list(table["id"][:2]) == [1, 112_922_409_600]
    assert table["id"].mask[2]
    assert table["exposureTime"].mask[1]
    assert table["isViewable"].dtype.kind == "b"
    assert table["title"][1] == 'a "quoted"\nsecond line'


def test_csv_reads_back() -> None:
    table = astropy_ascii.read(written("csv", ROWS[:1]), format="csv")
    assert table["title"][0] == ROWS[0][3]
    assert table["exposureTime"][0] == 2.5


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd|' /C calc'!A0", "@SUM(A1)", "\tx", "\rx"])
def test_csv_does_not_hand_formulas_to_spreadsheets(text: str) -> None:
    lines = written("csv", [[text]], (Column("title", "text"),))
    cell = next(iter(astropy_ascii.read(lines, format="csv", guess=False, fast_reader=False)["title"]))
    assert cell.startswith("'")


@pytest.mark.parametrize("value", [-40.437, -1, "-40.437", "+1e-5"])
def test_csv_keeps_the_sign_of_numbers(value: object) -> None:
    assert written("csv", [[value]], (Column("dec", "float"),)).splitlines()[1] == str(value)


@given(st.text(max_size=40))
def test_any_text_makes_a_votable_that_parses(text: str) -> None:
    table = parse_single_table(io.BytesIO(written("votable", [[text]], (Column("title", "text"),)).encode()))
    assert len(table.array) == 1


@given(st.text(alphabet=st.characters(exclude_characters="\r\x00", exclude_categories=("Cs",)), max_size=40))
def test_any_text_survives_ecsv(text: str) -> None:
    rows = [[text, 1]]
    table = astropy_ascii.read(written("ecsv", rows, (Column("title", "text"), Column("n", "int"))), format="ecsv")
    assert table["n"][0] == 1


def test_columns_of_mast_rows_have_their_types_and_units() -> None:
    rows = [{"obs_id": "a", "s_ra": 1, "calib_level": 3, "mtFlag": True}, {"s_ra": 1.5, "calib_level": None, "x": None}]
    found = {column.name: column for column in columns_of(rows)}
    assert [found[name].kind for name in ("obs_id", "s_ra", "calib_level", "mtFlag", "x")] == [
        "text",
        "float",
        "int",
        "bool",
        "text",
    ]
    assert found["s_ra"].unit == "deg"
