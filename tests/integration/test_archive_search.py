"""Searches of the practice archive, as a person would make them, and what the answers say."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any

import pytest

from mast import errors
from mast.archive import footprints, names
from mast.archive.client import ArchiveConfig
from mast.archive.products import distinct, path_lookup, products, select
from mast.archive.search import Query, SearchAnswer, observations, search
from mast.practice import PracticeServer
from tests.liar import Liar, as_json, unused_port
from tests.mast_replies import envelope, mast, observation

pytestmark = pytest.mark.one_database

RING = "jw02733-o001_t001_nircam_clear-f090w"


@pytest.fixture
def config(practice: PracticeServer) -> ArchiveConfig:
    return ArchiveConfig(practice.url, f"{practice.url}/Santa-war/query", timeout_s=20)


def ids(answer: SearchAnswer) -> list[str]:
    return [row.obs_id for row in answer.rows]


def ask(config: ArchiveConfig, **values: Any) -> SearchAnswer:
    return search(Query(**values), config)


# --- target -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["NGC 3132", "NGC3132", "ngc-3132", " ngc_3132 "])
def test_every_spelling_of_a_target_finds_the_same(config: ArchiveConfig, name: str) -> None:
    answer = ask(config, kind="target", target_name=name, radius_deg=0.1)
    assert RING in ids(answer)
    assert {row.proposal_id for row in answer.rows} == {"2733"}
    assert {row.calib_level for row in answer.rows} == {3}
    assert answer.resolved is not None
    assert answer.resolved.sentence.startswith("NGC 3132 → 10h07m")
    assert answer.resolved.sentence in answer.notes[0]
    assert answer.total_count == len(answer.rows) == 10


def test_a_target_search_is_one_question_to_the_resolver_and_one_to_mast(
    practice: PracticeServer, config: ArchiveConfig
) -> None:
    ask(config, kind="target", target_name="NGC 3132")
    assert practice.counts["resolver"] == 1
    assert practice.counts["invoke"] == 1
    assert practice.counts["columnsconfig"] <= 1


def test_without_the_resolver_a_well_known_name_is_found_by_our_own_table(
    practice: PracticeServer, config: ArchiveConfig
) -> None:
    practice.broken = {"resolver"}
    answer = ask(config, kind="target", target_name="Southern Ring Nebula")
    assert RING in ids(answer)
    assert answer.resolved is not None
    assert "table" in answer.resolved.resolver
    assert any("does not answer" in note for note in answer.notes)


def test_a_dead_resolver_is_no_reason_not_to_find_well_known_names(config: ArchiveConfig) -> None:
    dead = dataclasses.replace(config, resolver_url=f"http://127.0.0.1:{unused_port()}/query")
    assert RING in ids(search(Query(kind="target", target_name="ngc3132"), dead))


def test_without_the_resolver_other_names_are_looked_for_among_the_target_names(
    practice: PracticeServer, config: ArchiveConfig
) -> None:
    practice.broken = {"resolver"}
    answer = ask(config, kind="target", target_name="G028.320+01.243")
    assert {row.target_name for row in answer.rows} == {"G028.320+01.243"}
    with pytest.raises(errors.ArchiveUnavailable, match="The name resolver failed, so Nowhere 77777 has no position"):
        ask(config, kind="target", target_name="Nowhere 77777")


def test_a_planet_has_no_position_but_observations_of_its_name(config: ArchiveConfig) -> None:
    answer = ask(config, kind="target", target_name="2026a1")
    assert answer.rows
    assert {row.target_name for row in answer.rows} == {"2026A1"}


def test_a_name_nobody_knows_is_refused_with_suggestions(config: ArchiveConfig) -> None:
    with pytest.raises(errors.TargetNotResolved) as caught:
        ask(config, kind="target", target_name="Carena Nebula")
    assert "Carina Nebula" in caught.value.details["suggestions"]
    assert "Did you mean" in caught.value.message
    with pytest.raises(errors.TargetNotResolved, match="Check the spelling"):
        ask(config, kind="target", target_name="qqqqqqqq")


def test_coordinates_typed_as_a_target_are_read_as_coordinates(config: ArchiveConfig) -> None:
    assert RING in ids(ask(config, kind="target", target_name="10h07m01.8s -40d26m11s"))


# --- coordinates ------------------------------------------------------------------------------------------------


def test_a_search_across_ra_nought_finds_both_sides(config: ArchiveConfig) -> None:
    found = [
        set(ids(ask(config, kind="coordinates", ra_deg=ra, dec_deg=-12.3, radius_deg=0.1)))
        for ra in (359.95, 0.0, 0.05, 360.0)
    ]
    assert found[0]
    assert found[0] == found[1] == found[2] == found[3]
    assert ids(ask(config, kind="coordinates", ra_deg=180, dec_deg=-12.3, radius_deg=0.1)) == []


def test_a_search_near_the_pole_does_not_care_for_right_ascension(config: ArchiveConfig) -> None:
    found = [
        set(ids(ask(config, kind="coordinates", ra_deg=ra, dec_deg=dec, radius_deg=0.1)))
        for ra, dec in [(120, 89.99), (300, 89.99), (0, 90), (210, 89.97)]
    ]
    assert found[0]
    assert found[0] == found[1] == found[2] == found[3]


def test_a_circle_that_touches_a_footprint_finds_it_and_a_smaller_one_does_not(config: ArchiveConfig) -> None:
    ra, dec = 151.757, -40.50
    (ring,) = observations(config, obs_ids=[RING])
    edge = footprints.distance_to(footprints.parse_footprint(ring.s_region), ra, dec)
    assert edge is not None
    assert 0.01 < edge < 0.1
    touching = ask(config, kind="coordinates", ra_deg=ra, dec_deg=dec, radius_deg=edge * 1.02)
    assert RING in ids(touching)
    missing = ask(config, kind="coordinates", ra_deg=ra, dec_deg=dec, radius_deg=edge * 0.98)
    assert RING not in ids(missing)


def test_an_empty_place_names_the_nearest_pointing(config: ArchiveConfig) -> None:
    answer = ask(config, kind="coordinates", ra_deg=151.757, dec_deg=-41.5, radius_deg=0.1)
    assert answer.rows == []
    assert any("nearest JWST pointing is 1.0° away: NGC-3132" in note for note in answer.notes)


def test_a_place_with_nothing_far_and_wide_says_so(config: ArchiveConfig) -> None:
    answer = ask(config, kind="coordinates", ra_deg=100, dec_deg=-20, radius_deg=0.1)
    assert any("no pointing within 2.0°" in note for note in answer.notes)
    widest = ask(config, kind="coordinates", ra_deg=100, dec_deg=-40, radius_deg=10)
    assert widest.rows == []


def test_coordinates_of_good_queries_only_reach_mast(practice: PracticeServer, config: ArchiveConfig) -> None:
    with pytest.raises(errors.BadQuery):
        ask(config, kind="coordinates", ra_deg=float("nan"), dec_deg=0)
    assert practice.counts.total() == 0


# --- observation ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        RING,
        RING.upper(),
        f"{RING}_i2d.fits",
        f"{RING}_i2d_thumb.jpg",
        f"mast:JWST/product/{RING}_cat.ecsv",
        "jw02733-o001_t001_nircam_clear-f090*",
    ],
)
def test_an_observation_is_found_by_every_form_of_its_name(config: ArchiveConfig, typed: str) -> None:
    assert ids(ask(config, kind="observation", obs_id=typed, calib_levels=None)) == [RING]


def test_part_of_an_id_finds_all_that_begin_with_it(config: ArchiveConfig) -> None:
    answer = ask(config, kind="observation", obs_id="jw02733-o001", calib_levels=None)
    assert len(answer.rows) == 6
    assert all(name.startswith("jw02733-o001_") for name in ids(answer))


def test_an_exposure_with_a_row_of_its_own_is_found(config: ArchiveConfig) -> None:
    one = ask(config, kind="observation", obs_id="jw05782001001_02101_00001_nrcb1_rate.fits", calib_levels=None)
    assert ids(one) == ["jw05782001001_02101_00001_nrcb1"]
    several = ask(config, kind="observation", obs_id="jw05782001001_02101_00001", calib_levels=None)
    assert len(several.rows) == 4


def test_an_exposure_without_a_row_leads_to_the_observations_that_hold_it(config: ArchiveConfig) -> None:
    (ring,) = observations(config, obs_ids=[RING])
    member = next(
        row for row in products([ring.obsid], config) if row.calib_level == 2 and row.product_type == "SCIENCE"
    )
    answer = ask(config, kind="observation", obs_id=member.file_name, calib_levels=None)
    assert RING in ids(answer)
    assert any(f"no row of its own for {member.obs_id}" in note for note in answer.notes)
    levels = ask(config, kind="observation", obs_id=member.obs_id, calib_levels=(1, 2))
    assert levels.rows == []
    assert levels.level3_holding == len(answer.rows)


def test_an_id_that_does_not_exist_suggests_those_that_do(config: ArchiveConfig) -> None:
    answer = ask(config, kind="observation", obs_id="jw02733-o001_t001_nircam_clear-f999w", calib_levels=None)
    assert answer.rows == []
    assert RING in answer.suggestions
    assert any("Program 2733 has" in note for note in answer.notes)
    nowhere = ask(config, kind="observation", obs_id="jw00001-o001_t001_nircam_clear-f090w", calib_levels=None)
    assert any("no JWST observation of program 1 either" in note for note in nowhere.notes)


@pytest.mark.parametrize("typed", ["*", "jw*", "*nircam*", "jw02*"])
def test_an_id_of_which_nothing_is_fixed_is_refused(
    practice: PracticeServer, config: ArchiveConfig, typed: str
) -> None:
    with pytest.raises(errors.BadQuery):
        ask(config, kind="observation", obs_id=typed)
    assert practice.counts["invoke"] == 0


def test_a_program_number_typed_as_an_observation_finds_the_program(config: ArchiveConfig) -> None:
    assert ids(ask(config, kind="observation", obs_id="jw02733")) == ids(ask(config, kind="program", program_id="2733"))


# --- program, recent, levels ------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", ["2733", "02733", "jw02733", " 2733 "])
def test_a_program_is_found_however_it_is_written(config: ArchiveConfig, program: str) -> None:
    answer = ask(config, kind="program", program_id=program)
    assert len(answer.rows) == 10
    assert answer.notes[0] == "Searched program 2733."


def test_a_program_without_observations_says_so(config: ArchiveConfig) -> None:
    answer = ask(config, kind="program", program_id="1")
    assert answer.notes[1:] == [
        "Nothing was found.",
        "MAST has no JWST observation of program 1, not even a planned one.",
    ]


def test_levels_are_the_rows_own_and_the_others_are_counted(config: ArchiveConfig) -> None:
    every = ask(config, kind="program", program_id="5782", calib_levels=None)
    by_level = {level: sum(row.calib_level == level for row in every.rows) for level in (1, 2, 3)}
    assert by_level[1]
    for level in 1, 2, 3:
        answer = ask(config, kind="program", program_id="5782", calib_levels=(level,))
        assert len(answer.rows) == by_level[level]
        assert answer.other_levels == {other: n for other, n in by_level.items() if other != level and n}
    assert every.other_levels == {}


def test_a_level_2_search_says_how_many_level_3_observations_hold_such_files(config: ArchiveConfig) -> None:
    answer = ask(config, kind="program", program_id="2733", calib_levels=(1, 2))
    assert answer.rows == []
    assert answer.level3_holding == 10
    assert any("10 Level 3 observations hold files of Levels 1 and 2" in note for note in answer.notes)
    assert any("10 combined (Level 3)" in note for note in answer.notes)
    assert ask(config, kind="program", program_id="2733").level3_holding is None


def test_exclusive_rows_are_counted_with_the_day_they_become_public(config: ArchiveConfig) -> None:
    answer = ask(config, kind="coordinates", ra_deg=83.822, dec_deg=-5.391, radius_deg=0.2)
    assert answer.exclusive_count >= 1
    note = next(note for note in answer.notes if "exclusive" in note)
    assert " on 20" in note


def test_planned_rows_are_counted_and_explained(config: ArchiveConfig) -> None:
    answer = ask(config, kind="coordinates", ra_deg=150.1163, dec_deg=2.2058, radius_deg=0.01)
    assert answer.planned_count >= 1
    assert answer.other_levels.get(-1) == answer.planned_count
    if not answer.rows:
        assert any("planned, none taken" in note for note in answer.notes)


def test_what_became_public_lately_is_listed_newest_first_in_parts(config: ArchiveConfig) -> None:
    whole = ask(config, kind="recent", days_back=365, limit=200)
    releases = [row.t_obs_release_mjd or 0 for row in whole.rows]
    assert len(releases) > 5
    assert releases == sorted(releases, reverse=True)
    part = ask(config, kind="recent", days_back=365, limit=3, offset=2)
    assert ids(part) == ids(whole)[2:5]
    assert part.total_count == whole.total_count
    miri = ask(config, kind="recent", days_back=365, limit=200, instrument="miri")
    assert {row.instrument_name.partition("/")[0] for row in miri.rows} == {"MIRI"}
    assert 0 < miri.total_count < whole.total_count


# --- time, pages, cancelling ------------------------------------------------------------------------------------


def test_a_query_that_is_being_executed_is_waited_for(practice: PracticeServer, config: ArchiveConfig) -> None:
    practice.executing_polls = 3
    answer = ask(config, kind="program", program_id="2733")
    assert len(answer.rows) == 10
    assert practice.counts["invoke"] == 4


def test_a_slow_archive_ends_in_a_timeout_within_its_bound(practice: PracticeServer, config: ArchiveConfig) -> None:
    practice.delay_s = 30
    hurried = dataclasses.replace(config, timeout_s=1)
    started = time.monotonic()
    with pytest.raises(errors.ArchiveTimeout, match="within 1 s"):
        search(Query(kind="program", program_id="2733"), hurried)
    assert time.monotonic() - started < 6


def test_an_archive_that_is_down_is_said_to_be_down(practice: PracticeServer, config: ArchiveConfig) -> None:
    practice.unavailable = True
    with pytest.raises(errors.ArchiveUnavailable, match="503"):
        ask(config, kind="program", program_id="2733")


def test_small_pages_give_the_same_rows(practice: PracticeServer, config: ArchiveConfig) -> None:
    paged = dataclasses.replace(config, page_size=3)
    answer = search(Query(kind="program", program_id="2733"), paged)
    assert ids(answer) == ids(ask(config, kind="program", program_id="2733"))
    assert practice.counts["invoke"] == 4 + 1


def test_a_search_can_be_cancelled_while_mast_is_executing_it(practice: PracticeServer, config: ArchiveConfig) -> None:
    practice.executing_polls = 1000
    wish = threading.Event()
    threading.Timer(0.5, wish.set).start()
    started = time.monotonic()
    with pytest.raises(errors.Cancelled):
        search(Query(kind="program", program_id="2733"), config, cancelled=wish.is_set)
    assert time.monotonic() - started < 6


def test_a_search_cancelled_before_it_starts_asks_nothing(practice: PracticeServer, config: ArchiveConfig) -> None:
    with pytest.raises(errors.Cancelled):
        search(Query(kind="program", program_id="2733"), config, cancelled=lambda: True)
    assert practice.counts["invoke"] == 0


def test_twenty_thousand_rows_come_in_one_answer() -> None:
    body = as_json(envelope([observation(number) for number in range(20_000)]))
    with Liar(mast(lambda _: body)) as server:
        many = search(Query(kind="program", program_id="2733"), ArchiveConfig(server.url, server.url, timeout_s=30))
    assert many.total_count == len({row.obsid for row in many.rows}) == 20_000


# --- observations again, and their products ---------------------------------------------------------------------


def test_observations_are_read_again_by_id_and_by_number(practice: PracticeServer, config: ArchiveConfig) -> None:
    (ring,) = observations(config, obs_ids=[RING, RING, "jw02733-o999_t001_nircam_clear-f090w"])
    assert observations(config, obsids=[ring.obsid]) == [ring]
    everything = ask(config, kind="program", program_id="2733", calib_levels=None)
    practice.counts.clear()
    again = observations(config, obs_ids=ids(everything))
    assert {row.obs_id for row in again} == set(ids(everything))
    assert practice.counts["invoke"] == 1


def test_the_guides_observation_brings_its_level_3_files(config: ArchiveConfig) -> None:
    (ring,) = observations(config, obs_ids=[RING])
    listed = products([ring.obsid], config)
    assert {row.calib_level for row in listed} >= {1, 2, 3}
    assert len(distinct(listed)) < len(listed) or len(distinct(listed)) == len({row.data_uri for row in listed})
    chosen = select(listed, levels={3}).chosen
    assert f"{RING}_i2d.fits" in [row.file_name for row in chosen]
    assert {row.calib_level for row in chosen} == {3}
    assert {row.sub_group for row in chosen} >= {"I2D", "ASN"}
    assert all(row.size_bytes for row in chosen)
    assert all(row.obs_id for row in chosen)


def test_path_lookup_gives_keys_for_public_files_and_none_for_others(config: ArchiveConfig) -> None:
    (ring,) = observations(config, obs_ids=[RING])
    uris = [row.data_uri for row in distinct(products([ring.obsid], config))][:90]
    keys = path_lookup([*uris, "mast:JWST/product/nothing_of_the_kind.fits"], config)
    assert len(keys) == len(uris) + 1
    assert keys["mast:JWST/product/nothing_of_the_kind.fits"] is None
    known = [key for key in keys.values() if key]
    assert known
    assert all(key.startswith("jwst/public/jw02733/") for key in known)


def test_our_table_and_the_practice_archive_agree_on_where_things_are(config: ArchiveConfig) -> None:
    for place in names.places():
        near = ask(config, kind="coordinates", ra_deg=place.ra_deg, dec_deg=place.dec_deg, radius_deg=0.2)
        if any(names.lookup_key(row.target_name) == names.lookup_key(place.name) for row in near.rows):
            return
    pytest.fail("no well-known target of the table is in the practice archive")
