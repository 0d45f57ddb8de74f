"""Beginning an import: what is planned, refused, joined, and what is written. No worker runs here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from mast import errors, services
from mast.models import DataFile, ImportItem, ImportJob, Observation, Tag, Transfer
from mast.services import ImportRequest
from mast.terms import JobState, SourceChoice
from tests.factories import DataFileFactory, ObservationFactory, TransferFactory, on_disk
from tests.integration.little_mast import MB, LittleMast

OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
EXPOSURE = "jw02733001001_02105_00001_nrcb1"
NAMES = {
    "i2d": f"{OBS_ID}_i2d.fits",
    "cat": f"{OBS_ID}_cat.ecsv",
    "asn": "jw02733-o001_20230127t104421_image3_00001_asn.json",
    "cal": f"{EXPOSURE}_cal.fits",
    "rate": f"{EXPOSURE}_rate.fits",
    "uncal": f"{EXPOSURE}_uncal.fits",
    "jpg": f"{OBS_ID}_i2d.jpg",
}
Serve = Callable[[LittleMast], Any]

pytestmark = pytest.mark.django_db(transaction=True)


def ngc3132(little: LittleMast, **fields: Any) -> LittleMast:
    """A Level 3 observation with files of every level, the exposure listed twice."""
    little.observation(OBS_ID, 1, **fields)
    little.product(1, NAMES["i2d"], size=3 * MB)
    little.product(1, NAMES["cat"], size=20_000)
    little.product(1, NAMES["asn"], size=4_000, kind="INFO")
    little.product(1, NAMES["jpg"], size=100_000, kind="PREVIEW")
    for _ in range(2):
        for level, suffix in ((2, "cal"), (2, "rate"), (1, "uncal")):
            little.product(1, NAMES[suffix], level=level, obsID="7")
    return little


def names_of(job: ImportJob) -> set[str]:
    return set(Transfer.objects.filter(items__job=job).values_list("file_name", flat=True))


@pytest.mark.usefixtures("valkey")
def test_left_out_levels_mean_the_observations_own(little: LittleMast, serve: Serve) -> None:
    serve(ngc3132(little))
    started = services.start_import(ImportRequest(OBS_ID))
    assert names_of(started.job) == {NAMES["i2d"], NAMES["cat"], NAMES["asn"]}
    assert started.job.calib_levels == [3]
    assert started.job.observation is not None
    assert started.job.observation.raw["t_min"] == 59733.5


@pytest.mark.usefixtures("valkey")
def test_all_levels_bring_every_science_file_once(little: LittleMast, serve: Serve) -> None:
    serve(ngc3132(little))
    started = services.start_import(ImportRequest(OBS_ID, calib_levels=(1, 2, 3)))
    assert names_of(started.job) == {NAMES[key] for key in ("i2d", "cat", "asn", "cal", "rate", "uncal")}
    assert started.job.total_files == 6
    reasons = {entry["reason"]: entry["count"] for entry in started.job.skipped}
    assert reasons == {"the same file is listed twice": 3, "its type is PREVIEW": 1}


@pytest.mark.usefixtures("valkey")
def test_level_1_of_a_level_3_observation_brings_its_raw_exposures(little: LittleMast, serve: Serve) -> None:
    serve(ngc3132(little))
    assert names_of(services.start_import(ImportRequest(OBS_ID, calib_levels=(1,))).job) == {NAMES["uncal"]}


def test_a_choice_that_matches_nothing_lists_what_there_is(little: LittleMast, serve: Serve) -> None:
    serve(ngc3132(little))
    with pytest.raises(errors.NothingToImport) as caught:
        services.start_import(ImportRequest(OBS_ID, calib_levels=(4,)))
    assert caught.value.details["available"] == {"1": 1, "2": 2, "3": 2}
    assert "Level 4" in caught.value.message
    assert not ImportJob.objects.exists()
    assert not Observation.objects.exists()


def test_an_unknown_observation_is_not_found(little: LittleMast, serve: Serve) -> None:
    serve(ngc3132(little))
    with pytest.raises(errors.ObservationNotFound):
        services.start_import(ImportRequest("jw09999-o001_t001_nircam_clear-f090w"))


def test_a_planned_observation_cannot_be_imported(little: LittleMast, serve: Serve) -> None:
    serve(little.observation("jw09999-o001_t001_nircam_clear-f090w", 9, level=-1))
    with pytest.raises(errors.NothingToImport, match="planned"):
        services.start_import(ImportRequest("jw09999-o001_t001_nircam_clear-f090w"))


def test_an_exclusive_observation_is_refused_with_its_date(little: LittleMast, serve: Serve) -> None:
    little.observation(OBS_ID, 1, rights="EXCLUSIVE_ACCESS", t_obs_release=99999.0)
    serve(little.product(1, NAMES["i2d"], rights="EXCLUSIVE_ACCESS"))
    with pytest.raises(errors.ExclusiveAccess, match=r"2132-08-31.*MAST_API_TOKEN") as caught:
        services.start_import(ImportRequest(OBS_ID))
    assert caught.value.http_status == 403
    assert not ImportJob.objects.exists()


@pytest.mark.usefixtures("valkey")
def test_with_a_token_an_exclusive_observation_may_be_imported(little: LittleMast, serve: Serve, settings: Any) -> None:
    settings.MAST_API_TOKEN = "a token"
    little.observation(OBS_ID, 1, rights="EXCLUSIVE_ACCESS")
    serve(little.product(1, NAMES["i2d"], rights="EXCLUSIVE_ACCESS"))
    assert services.start_import(ImportRequest(OBS_ID)).job.total_files == 1


def test_an_import_the_disk_has_no_room_for_is_refused_before_a_row_is_written(
    little: LittleMast, serve: Serve, settings: Any
) -> None:
    serve(ngc3132(little))
    settings.STORAGE_MIN_FREE_GB = 1e6
    with pytest.raises(errors.DiskFull) as caught:
        services.start_import(ImportRequest(OBS_ID))
    assert caught.value.http_status == 507
    assert caught.value.details["missing_bytes"] > 0
    assert not any(model.objects.exists() for model in (ImportJob, Transfer, Observation, ImportItem))


def test_what_others_wait_for_counts_against_the_room(little: LittleMast, serve: Serve) -> None:
    serve(ngc3132(little))
    TransferFactory(catalog_bytes=10**18)
    with pytest.raises(errors.DiskFull):
        services.start_import(ImportRequest(OBS_ID))


@pytest.mark.usefixtures("valkey")
def test_the_same_import_again_is_the_same_job(little: LittleMast, serve: Serve) -> None:
    server = serve(ngc3132(little))
    first = services.start_import(ImportRequest(OBS_ID))
    server.unavailable = True
    second = services.start_import(ImportRequest(OBS_ID, calib_levels=(3,), product_type="science"))
    assert (first.is_resume, second.is_resume) == (False, True)
    assert second.job.pk == first.job.pk
    assert "under way" in second.message


@pytest.mark.usefixtures("valkey")
def test_asking_again_for_a_paused_import_lets_it_go_on(little: LittleMast, serve: Serve) -> None:
    serve(ngc3132(little))
    job = services.start_import(ImportRequest(OBS_ID)).job
    services.pause_job(job.pk)
    again = services.start_import(ImportRequest(OBS_ID))
    assert again.is_resume
    assert (again.job.pk, again.job.state) == (job.pk, JobState.QUEUED)


@pytest.mark.usefixtures("valkey")
def test_of_two_clicks_at_once_one_makes_the_job_and_the_other_joins(little: LittleMast, serve: Serve) -> None:
    serve(ngc3132(little))
    together = threading.Barrier(2)

    def click(_: int) -> tuple[str, bool]:
        try:
            together.wait(10)
            started = services.start_import(ImportRequest(OBS_ID))
            return str(started.job.pk), started.is_resume
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        clicks = list(pool.map(click, range(2)))
    assert len({job_id for job_id, _ in clicks}) == 1
    assert {is_resume for _, is_resume in clicks} == {False, True}
    assert ImportItem.objects.count() == 3


@pytest.mark.usefixtures("valkey")
def test_other_choices_are_a_new_job_that_joins_files_on_their_way(little: LittleMast, serve: Serve) -> None:
    serve(ngc3132(little))
    first = services.start_import(ImportRequest(OBS_ID)).job
    second = services.start_import(ImportRequest(OBS_ID, calib_levels=(1, 2, 3))).job
    assert first.pk != second.pk
    assert Transfer.objects.count() == 6
    assert Transfer.objects.get(file_name=NAMES["i2d"]).items.count() == 2


@pytest.mark.usefixtures("valkey")
def test_a_cancelled_file_that_another_import_wants_is_queued_again(little: LittleMast, serve: Serve) -> None:
    serve(ngc3132(little))
    services.cancel_job(services.start_import(ImportRequest(OBS_ID)).job.pk)
    Transfer.objects.filter(file_name=NAMES["i2d"]).update(done_bytes=1_000)
    services.start_import(ImportRequest(OBS_ID, source=SourceChoice.HTTP))
    transfer = Transfer.objects.get(file_name=NAMES["i2d"])
    assert (transfer.state, transfer.source_choice, transfer.done_bytes) == (JobState.QUEUED, "http", 1_000)


def test_an_import_of_what_is_held_is_complete_at_once_and_tags_it(
    little: LittleMast, serve: Serve, folders: Path
) -> None:
    serve(little.observation(OBS_ID, 1).product(1, NAMES["i2d"], size=5))
    file = on_disk(DataFileFactory(file_name=NAMES["i2d"]))
    started = services.start_import(ImportRequest(OBS_ID, tags=("nebulae", " nebulae ", "")))
    assert started.job.state == JobState.COMPLETE
    progress = services.job_progress(started.job)
    assert progress.result is not None
    assert (progress.result.skipped_count, progress.result.imported_data_ids) == (1, [file.pk])
    assert [tag.name for tag in file.tags.all()] == ["nebulae"]
    assert [tag.name for tag in Observation.objects.get(obs_id=OBS_ID).tags.all()] == ["nebulae"]
    assert Tag.objects.count() == 1
    assert set(file.observations.values_list("obs_id", flat=True)) == {OBS_ID, file.observation.obs_id}


@pytest.mark.usefixtures("valkey")
def test_a_file_found_damaged_is_fetched_again(little: LittleMast, serve: Serve) -> None:
    serve(little.observation(OBS_ID, 1).product(1, NAMES["i2d"], size=5))
    DataFileFactory(file_name=NAMES["i2d"], state=DataFile.State.DAMAGED)
    started = services.start_import(ImportRequest(OBS_ID))
    assert started.job.state == JobState.QUEUED
    assert Transfer.objects.get().state == JobState.QUEUED


def test_a_preview_tells_every_file_and_writes_nothing(little: LittleMast, serve: Serve, folders: Path) -> None:
    server = serve(ngc3132(little))
    on_disk(DataFileFactory(file_name=NAMES["cat"]))
    plan = services.preview_import(ImportRequest(OBS_ID))
    assert {file.row.file_name: file.held for file in plan.files} == {
        NAMES["i2d"]: False,
        NAMES["cat"]: True,
        NAMES["asn"]: False,
    }
    assert (plan.total_bytes, plan.to_fetch_bytes, plan.held_count) == (3 * MB + 24_000, 3 * MB + 4_000, 1)
    assert plan.disk_free_after_bytes == plan.disk_free_bytes - plan.to_fetch_bytes
    assert (NAMES["cal"], "it is Level 2") in plan.left_out
    assert plan.levels_available == {1: 1, 2: 2, 3: 2}
    assert not ImportJob.objects.exists()
    assert server.sent_bytes.total() == 0


def test_while_redis_is_away_an_import_is_accepted_and_says_so(little: LittleMast, serve: Serve, settings: Any) -> None:
    serve(ngc3132(little))
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    started = services.start_import(ImportRequest(OBS_ID))
    assert started.job.state == JobState.QUEUED
    assert "not reachable" in started.message
    assert Transfer.objects.filter(published_at=None).count() == 3


def test_names_that_could_leave_the_folder_are_left_out(little: LittleMast, serve: Serve) -> None:
    serve(little.observation(OBS_ID, 1).product(1, "../../etc/passwd").product(1, NAMES["i2d"]))
    plan = services.preview_import(ImportRequest(OBS_ID))
    assert [file.row.file_name for file in plan.files] == [NAMES["i2d"]]


def test_products_are_listed_once_with_what_was_left_out(little: LittleMast, serve: Serve) -> None:
    serve(ngc3132(little))
    listed = services.list_products(OBS_ID)
    assert {row.file_name for row in listed.rows} == set(NAMES.values())
    assert listed.total_bytes == sum(row.size_bytes or 0 for row in listed.rows)
    only = services.list_products(OBS_ID, (3,), "SCIENCE")
    assert {row.file_name for row in only.rows} == {NAMES["i2d"], NAMES["cat"], NAMES["asn"]}


@pytest.mark.usefixtures("valkey")
def test_of_several_imports_one_that_is_refused_does_not_stop_the_others(little: LittleMast, serve: Serve) -> None:
    serve(ngc3132(little))
    started, refused = services.start_imports([ImportRequest("jw00001-nothing"), ImportRequest(OBS_ID)])
    assert [item.job.obs_id for item in started] == [OBS_ID]
    assert [(item.obs_id, type(item.error)) for item in refused] == [("jw00001-nothing", errors.ObservationNotFound)]


@pytest.mark.usefixtures("valkey")
def test_an_import_of_a_known_observation_keeps_what_a_person_corrected(little: LittleMast, serve: Serve) -> None:
    serve(ngc3132(little))
    ObservationFactory(obs_id=OBS_ID, target_name="Southern Ring", edited_fields=["target_name"])
    services.start_import(ImportRequest(OBS_ID))
    observation = Observation.objects.get(obs_id=OBS_ID)
    assert (observation.target_name, observation.t_min_mjd) == ("Southern Ring", 59733.5)


@pytest.mark.usefixtures("valkey")
def test_many_imports_at_once_ask_mast_once_for_the_observations_and_once_for_their_files(
    little: LittleMast, serve: Serve
) -> None:
    names = [f"jw02733-o001_t{number:03d}_nircam_clear-f187n" for number in range(20)]
    for number, name in enumerate(names):
        little.observation(name, 100 + number).product(100 + number, f"{name}_i2d.fits")
    server = serve(little)
    started, refused = services.start_imports([ImportRequest(name) for name in names])
    assert ([item.job.obs_id for item in started], refused) == (names, [])
    assert server.counts["invoke"] == 2
    assert [names_of(item.job) for item in started] == [{f"{name}_i2d.fits"} for name in names]
