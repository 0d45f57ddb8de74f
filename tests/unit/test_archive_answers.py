"""The sentences that explain an answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mast.archive.answers import Found, SearchAnswer, explain, is_exclusive
from mast.archive.query import Query
from mast.archive.rows import ObservationRow, decode_observations, mjd_of
from tests.mast_replies import body_of, envelope, observation

NOW = datetime.now(UTC)
IN_A_YEAR = mjd_of(NOW + timedelta(days=365))


def rows_of(*levels: int | None, **columns: Any) -> list[ObservationRow]:
    sent = [observation(number, calib_level=level, **columns) for number, level in enumerate(levels)]
    return decode_observations(body_of(envelope(sent))).rows


def answer_to(rows: list[ObservationRow], levels: tuple[int, ...] | None = (3,), **found: Any) -> SearchAnswer:
    query = Query(kind="program", program_id="2733", calib_levels=levels)
    return explain(query, Found(rows, "Searched program 2733.", **found))


def test_rows_at_other_levels_are_counted_and_named() -> None:
    answer = answer_to(rows_of(3, 3, 2, 1, -1))
    assert len(answer.rows) == 2
    assert answer.other_levels == {-1: 1, 1: 1, 2: 1}
    assert answer.notes == [
        "Searched program 2733.",
        "At other levels: 1 uncalibrated (Level 1) and 1 calibrated (Level 2).",
        "1 observation planned and not taken yet.",
    ]


def test_an_answer_with_everything_public_at_the_asked_level_needs_no_more_words() -> None:
    assert answer_to(rows_of(3, 3)).notes == ["Searched program 2733."]


def test_nothing_at_all_says_why_the_search_thinks_so() -> None:
    answer = answer_to([], why_nothing=["There is no such program."])
    assert answer.notes[1:] == ["Nothing was found.", "There is no such program."]


def test_nothing_at_this_level_says_what_lies_at_others() -> None:
    answer = answer_to(rows_of(3, 3, 4), levels=(2,))
    assert answer.notes[1] == (
        "Nothing at Level 2, but 2 combined (Level 3) and 1 contributed (Level 4). "
        "Ask for those levels, or for all of them."
    )
    assert answer.level3_holding == 3
    assert answer.notes[2].startswith("3 Level 3 observations hold files of Level 2 as well")


def test_only_planned_rows_are_no_data_yet() -> None:
    answer = answer_to(rows_of(-1, -1, dataRights="EXCLUSIVE_ACCESS"), levels=(1, 2, 3))
    assert answer.notes[1] == "Nothing at Levels 1, 2 and 3 yet: 2 observations planned, none taken."
    assert answer.planned_count == 2
    assert answer.exclusive_count == 0


def test_exclusive_rows_say_from_when_they_are_public() -> None:
    rows = rows_of(3, dataRights="EXCLUSIVE_ACCESS", t_obs_release=IN_A_YEAR)
    day = f"{NOW + timedelta(days=365):%Y-%m-%d}"
    assert answer_to(rows).notes[-1] == (
        f"Nothing here is public yet: 1 observation under exclusive access; the first becomes public on {day}."
    )
    mixed = rows + rows_of(3, 3)
    assert answer_to(mixed).notes[-1] == f"1 of 3 is under exclusive access; the first becomes public on {day}."
    assert answer_to(mixed).exclusive_count == 1


def test_exclusive_rows_without_a_date_claim_none() -> None:
    rows = rows_of(3, dataRights="EXCLUSIVE_ACCESS", t_obs_release=None)
    assert answer_to(rows).notes[-1] == "Nothing here is public yet: 1 observation under exclusive access."


@pytest.mark.parametrize(
    ("columns", "exclusive"),
    [
        ({"dataRights": "PUBLIC", "t_obs_release": 59000.0}, False),
        ({"dataRights": "EXCLUSIVE_ACCESS", "t_obs_release": 59000.0}, True),
        ({"dataRights": "exclusive_access"}, True),
        ({"dataRights": None, "t_obs_release": IN_A_YEAR}, True),
        ({"dataRights": "PUBLIC", "t_obs_release": None}, False),
        ({"dataRights": "RESTRICTED", "t_obs_release": None}, False),
    ],
)
def test_what_is_exclusive_is_decided_by_rights_or_by_the_date(columns: dict[str, Any], exclusive: bool) -> None:
    (row,) = rows_of(3, **columns)
    assert is_exclusive(row) is exclusive


def test_every_level_leaves_nothing_to_count_elsewhere() -> None:
    answer = answer_to(rows_of(3, 2, -1, None), levels=None)
    assert len(answer.rows) == 4
    assert answer.other_levels == {}
    assert answer.level3_holding is None


def test_part_of_the_recent_releases_keeps_the_count_of_all() -> None:
    sent = [observation(number, t_obs_release=59000.0 + number) for number in range(10)]
    rows = decode_observations(body_of(envelope(sent))).rows
    answer = explain(Query(kind="recent", limit=3, offset=8), Found(rows, "Searched."))
    assert [row.t_obs_release_mjd for row in answer.rows] == [59001.0, 59000.0]
    assert answer.total_count == 10
