"""Rows written from what MAST said: every field kept, corrections safe; records as the contract has them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from mast import library, services
from mast.archive.rows import ObservationRow, decode_observations
from mast.imports.upsert import typed_fields, upsert_observations
from mast.models import DataFile, Observation
from tests.factories import DataFileFactory, ObservationFactory, on_disk

pytestmark = pytest.mark.django_db

NGC3132 = {
    "obs_id": "jw02733-o001_t001_nircam_clear-f090w",
    "obsid": "87602454",
    "calib_level": 3,
    "dataproduct_type": "image",
    "target_name": "NGC-3132",
    "instrument_name": "NIRCAM/IMAGE",
    "filters": "F090W",
    "t_exptime": 1460.2,
    "t_min": 59733.741325717594,
    "t_max": None,
    "t_obs_release": 59773.625,
    "proposal_id": "2733",
    "proposal_pi": "Pontoppidan, Klaus M.",
    "obs_title": "JWST Early Release Observation 7",
    "wavelength_region": "INFRARED",
    "s_ra": 151.755,
    "s_dec": -40.437,
    "s_region": "POLYGON ICRS 1 2 3 4 5 6",
    "dataRights": "PUBLIC",
    "jpegURL": "mast:JWST/product/a.jpg",
    "dataURL": "mast:JWST/product/a_i2d.fits",
    "srcDen": float("nan"),
    "sequence_number": -999,
    "a_field_of_tomorrow": {"nested": [1, "two", None]},
}


def rows_of(*rows: dict[str, Any]) -> list[ObservationRow]:
    return decode_observations(json.dumps({"status": "COMPLETE", "data": list(rows)}).encode()).rows


def sent(**fields: Any) -> dict[str, Any]:
    return NGC3132 | {"srcDen": None} | fields


def test_every_field_is_kept_and_the_typed_ones_are_columns() -> None:
    assert upsert_observations(rows_of(sent())) == 1
    observation = Observation.objects.get()
    assert observation.raw == sent()
    assert (observation.exposure_s, observation.t_min_mjd, observation.s_dec_deg) == (1460.2, NGC3132["t_min"], -40.437)
    assert observation.observed_at == dt.datetime(2022, 6, 3, 17, 47, 30, 542000, tzinfo=dt.UTC)
    assert (observation.preview_uri, observation.t_max_mjd) == ("mast:JWST/product/a.jpg", None)
    assert (observation.instrument, observation.mode) == ("NIRCAM", "IMAGE")
    assert observation.refreshed_at is not None


def test_a_row_with_nothing_but_its_name_is_written_too() -> None:
    upsert_observations(rows_of({"obs_id": "jw00001-o001_t001_miri_f770w", **dict.fromkeys(list(NGC3132)[1:])}))
    observation = Observation.objects.get()
    assert (observation.target_name, observation.calib_level, observation.observed_at) == ("", None, None)


def test_a_row_without_a_name_is_left_out() -> None:
    assert upsert_observations(rows_of(sent(obs_id=None))) == 0


def test_writing_again_updates_in_place_and_keeps_what_is_ours() -> None:
    upsert_observations(rows_of(sent()))
    before = Observation.objects.get()
    before.notes = "looked at"
    before.save()
    upsert_observations(rows_of(sent(target_name="NGC 3132"), sent(target_name="NGC 3132 again")))
    after = Observation.objects.get()
    assert (after.pk, after.created_at, after.notes) == (before.pk, before.created_at, "looked at")
    assert after.target_name == "NGC 3132 again"
    assert after.refreshed_at is not None
    assert before.refreshed_at is not None
    assert after.refreshed_at > before.refreshed_at


def test_corrected_fields_stay_while_the_others_follow_mast() -> None:
    upsert_observations(rows_of(sent()))
    observation = Observation.objects.get()
    observation.target_name = "Southern Ring"
    services.correct(observation, ["target_name"])
    upsert_observations(rows_of(sent(proposal_pi="Somebody Else")))
    observation = Observation.objects.get()
    assert (observation.target_name, observation.proposal_pi) == ("Southern Ring", "Somebody Else")
    assert observation.raw["target_name"] == "NGC-3132"


def test_text_longer_than_its_column_is_kept_whole_in_raw() -> None:
    upsert_observations(rows_of(sent(target_name="x" * 1000)))
    observation = Observation.objects.get()
    assert observation.raw["target_name"] == "x" * 1000
    assert observation.target_name.startswith("x" * 300)


def test_the_typed_fields_of_a_row_are_what_the_upsert_writes() -> None:
    (row,) = rows_of(sent())
    upsert_observations([row])
    observation = Observation.objects.get()
    for name, value in typed_fields(row).items():
        assert getattr(observation, name) == value, name


def recorded(folder: Path) -> Iterable[dict[str, Any]]:
    content = json.loads((folder / "observations" / "ngc3132_level3_search.json").read_text())
    rows: list[dict[str, Any]] = content.get("results") or content["data"]
    return rows


def test_the_recorded_rows_of_ngc_3132_are_written_field_by_field(shared_data: Path) -> None:
    rows = list(recorded(shared_data))
    upsert_observations(rows_of(*rows))
    stored = {row.obs_id: row for row in Observation.objects.all()}
    assert len(stored) == len({row["obs_id"] for row in rows})
    for row in rows:
        assert stored[row["obs_id"]].raw == row


# --- the record -------------------------------------------------------------------------------------------------


def test_image_info_has_the_typed_fields_and_the_files_own_level_and_wcs() -> None:
    upsert_observations(rows_of(sent()))
    wcs = {"CRVAL1": 151.75, "CRVAL2": -40.43}
    file: DataFile = DataFileFactory(observation=Observation.objects.get(), calib_level=2, wcs=wcs)
    assert services.image_info(file) == {
        "observationDate": "2022-06-03T17:47:30.542000Z",
        "targetName": "NGC-3132",
        "instrument": "NIRCAM",
        "filter": "F090W",
        "exposureTime": 1460.2,
        "calibrationLevel": 2,
        "proposalId": "2733",
        "proposalPi": "Pontoppidan, Klaus M.",
        "observationTitle": "JWST Early Release Observation 7",
        "wavelengthRange": "INFRARED",
        "wcs": wcs,
    }


def test_image_info_of_an_observation_mast_says_little_of_is_null_not_empty() -> None:
    observation = ObservationFactory(target_name="", instrument_name="", filters="", exposure_s=None, proposal_id="")
    info = services.image_info(DataFileFactory(observation=observation))
    assert {info[key] for key in info if key != "calibrationLevel"} == {None}


@pytest.mark.parametrize(
    ("times", "date"),
    [
        ({"t_min": 59733.5, "t_max": 59734.5, "t_obs_release": 59800.0}, "2022-06-03T12:00:00Z"),
        ({"t_min": None, "t_max": 59734.5, "t_obs_release": 59800.0}, "2022-06-04T12:00:00Z"),
        ({"t_min": None, "t_max": None, "t_obs_release": 59800.0}, "2022-08-09T00:00:00Z"),
        ({"t_min": None, "t_max": None, "t_obs_release": None}, None),
    ],
)
def test_the_date_is_the_start_else_the_end_else_the_release(times: dict[str, Any], date: str | None) -> None:
    upsert_observations(rows_of(sent(**times)))
    assert services.image_info(DataFileFactory(observation=Observation.objects.get()))["observationDate"] == date


def test_metadata_holds_every_field_under_masts_own_names_and_null_for_what_is_masked() -> None:
    raw = {
        "obs_id": "a",
        "t_min": 1.5,
        "srcDen": float("nan"),
        "sequence_number": -999,
        "mtFlag": False,
        "_selected_": None,
    }
    file = DataFileFactory.build(observation=ObservationFactory.build(raw=raw), raw={"size": 5, "dataURI": "mast:x"})
    assert services.metadata(file) == {
        "mast_obs_id": "a",
        "mast_t_min": 1.5,
        "mast_srcDen": None,
        "mast_sequence_number": None,
        "mast_mtFlag": False,
        "mast_product_size": 5,
        "mast_product_dataURI": "mast:x",
    }


def test_a_file_that_is_not_on_disk_any_more_is_said_to_be_damaged(folders: Path) -> None:
    from mast import errors

    file = DataFileFactory()
    with pytest.raises(errors.DamagedFile):
        services.file_path(file)
    assert services.file_path(on_disk(file)) == folders / file.path
    with pytest.raises(errors.FileNotFound):
        services.get_file(10**9)


def test_among_finds_what_in_would_find_with_one_parameter() -> None:
    rows = DataFileFactory.create_batch(3)
    wanted = frozenset(row.pk for row in rows[:2])
    with CaptureQueriesContext(connection) as queries:
        found = set(DataFile.objects.filter(pk__among=wanted).values_list("pk", flat=True))
    assert found == wanted
    assert len(queries) == 1
    assert not DataFile.objects.filter(pk__among=frozenset()).exists()
    parents = frozenset(row.observation_id for row in rows[:2])
    assert DataFile.objects.filter(observation__pk__among=parents).count() == 2
    assert DataFile.objects.filter(pk__among=frozenset(range(-50_000, 0))).count() == 0
    names = [rows[0].observation.obs_id, 'jw"x', "jw{a,b}", "jw\\", ""]
    assert [row.obs_id for row in Observation.objects.filter(obs_id__among=names)] == names[:1]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite reads through the names")
@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (DataFile.objects.filter(file_name__icontains="nrcb1"), "file_trigrams"),
        (Observation.objects.filter(library._telling("Orion")), "observation_trigrams"),
    ],
    ids=["files", "observations"],
)
def test_a_part_of_a_name_is_found_by_an_index(rows: QuerySet[Any], index: str) -> None:
    with connection.cursor() as cursor:
        # An empty table has no statistics: any way but the wanted one is taken from the planner.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
    assert index in rows.explain()
