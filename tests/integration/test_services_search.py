"""Searches through the service door: what is held is counted, and while MAST is down the last good answer is given."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine

from mast import errors, quota, services
from mast.archive.query import Query
from mast.imports import searchcache
from mast.models import CachedSearch
from tests.factories import DataFileFactory, ObservationFactory
from tests.integration.little_mast import LittleMast

OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
Serve = Callable[[LittleMast], Any]

pytestmark = pytest.mark.django_db


def program(little: LittleMast) -> LittleMast:
    little.observation(OBS_ID, 1, t_max=None)
    return little.observation("jw02733001001_02105_00001_nrcb1", 2, level=2, rights="EXCLUSIVE_ACCESS")


def test_an_answer_says_how_many_files_of_each_observation_are_held(little: LittleMast, serve: Serve) -> None:
    serve(program(little))
    observation = ObservationFactory(obs_id=OBS_ID)
    DataFileFactory(observation=observation)
    DataFileFactory(observation=observation, state="damaged")
    found = services.search(Query(kind="program", program_id="02733", calib_levels=None))
    assert found.held == {OBS_ID: 1}
    assert found.cached_at is None
    assert {row.obs_id for row in found.answer.rows} == {OBS_ID, "jw02733001001_02105_00001_nrcb1"}


def test_while_mast_is_down_an_earlier_answer_is_given_with_its_age(little: LittleMast, serve: Serve) -> None:
    server = serve(program(little))
    first = services.search(Query(kind="program", program_id="2733"))
    server.unavailable = True
    again = services.search(Query(kind="program", program_id="02733"))
    assert again.cached_at == first.answer.fetched_at
    assert [row.raw for row in again.answer.rows] == [row.raw for row in first.answer.rows]
    assert again.answer.rows[0].to_dict()["t_max"] is None
    same = ("other_levels", "exclusive_count", "planned_count", "notes", "suggestions", "total_count", "resolved")
    assert [getattr(again.answer, name) for name in same] == [getattr(first.answer, name) for name in same]
    assert again.answer.other_levels == {2: 1}


def test_a_name_that_was_resolved_is_remembered(little: LittleMast, serve: Serve) -> None:
    server = serve(program(little))
    query = Query(kind="target", target_name="NGC 3132", radius_deg=0.1)
    first = services.search(query)
    server.unavailable = True
    assert services.search(query).answer.resolved == first.answer.resolved is not None


def test_without_an_earlier_answer_the_failure_is_said(little: LittleMast, serve: Serve) -> None:
    serve(program(little)).unavailable = True
    with pytest.raises(errors.ArchiveError) as caught:
        services.search(Query(kind="program", program_id="2733"))
    assert caught.value.http_status in {502, 504}


def test_a_query_that_cannot_be_asked_is_refused_though_an_answer_is_kept(little: LittleMast, serve: Serve) -> None:
    serve(program(little))
    with pytest.raises(errors.BadQuery):
        services.search(Query(kind="program", program_id="none"))


def test_a_page_is_turned_without_asking_again_unless_the_answer_is_old(little: LittleMast, serve: Serve) -> None:
    server = serve(program(little))
    query = Query(kind="program", program_id="2733")
    services.search(query)
    server.reset()
    assert services.turn_page(query).answer.rows[0].obs_id == OBS_ID
    assert server.counts.total() == 0
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)):
        services.turn_page(query)
    assert server.counts["invoke Mast.Caom.Filtered"] == 1


def test_a_page_that_asks_again_is_a_search(little: LittleMast, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(program(little))
    spent: list[object] = []
    monkeypatch.setattr(quota, "spend", spent.append)
    query = Query(kind="program", program_id="2733")
    services.turn_page(query)
    services.turn_page(query)
    assert spent == [quota.SEARCHES]


def test_the_oldest_answers_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    for number in range(5):
        CachedSearch.objects.create(
            key=str(number), query={}, answer=b"x" * 10, row_count=0, fetched_at=now + dt.timedelta(hours=number)
        )
    monkeypatch.setattr(searchcache, "MOST_ANSWERS", 4)
    assert searchcache.prune() == 1
    monkeypatch.setattr(searchcache, "MOST_BYTES", 25)
    assert searchcache.prune() == 2
    assert sorted(CachedSearch.objects.values_list("key", flat=True)) == ["3", "4"]
    assert searchcache.prune() == 0


def test_what_is_new_is_newest_first_and_bounded(little: LittleMast, serve: Serve) -> None:
    mjd = (dt.datetime.now(dt.UTC) - dt.datetime(1858, 11, 17, tzinfo=dt.UTC)).total_seconds() / 86400
    for number in range(3):
        little.observation(f"jw02733-o00{number}_t001_nircam_clear-f090w", 10 + number, t_obs_release=mjd - 1 - number)
    serve(little.observation(OBS_ID, 1))
    found = services.whats_new(days_back=7, limit=2)
    assert [row.obsid for row in found.answer.rows] == ["10", "11"]
    assert [row.obsid for row in services.whats_new(days_back=7, limit=2, offset=2).answer.rows] == ["12"]
