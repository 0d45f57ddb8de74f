"""Metadata read again: what changed is listed, what people corrected stays, many observations go in one request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from mast import errors, services
from mast.imports import refresh, sweeper
from mast.models import DataFile, ImportJob, Observation
from mast.terms import JobState
from tests.factories import DataFileFactory, ObservationFactory
from tests.integration.little_mast import LittleMast

OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
I2D = f"{OBS_ID}_i2d.fits"
Serve = Callable[[LittleMast], Any]
Ended = Callable[..., ImportJob]

pytestmark = pytest.mark.django_db


def mast_with(little: LittleMast, count: int) -> LittleMast:
    """Observations that MAST has, each known here under another target."""
    names = {1000 + number: f"jw02733-o001_t{number:03d}_nircam_clear-f090w" for number in range(count)}
    for obsid, obs_id in names.items():
        little.observation(obs_id, obsid)
    Observation.objects.bulk_create(
        ObservationFactory.build(obs_id=obs_id, obsid=str(obsid), target_name="OLD NAME")
        for obsid, obs_id in names.items()
    )
    return little


def test_a_refresh_brings_new_values_and_says_field_by_field_what_changed(little: LittleMast, serve: Serve) -> None:
    serve(little.observation(OBS_ID, 1, target_name="NGC-3132", calib_level=3))
    ObservationFactory(obs_id=OBS_ID, obsid="1", target_name="SOUTHERN RING", raw={"obs_id": OBS_ID})
    report = services.refresh_observation(OBS_ID)
    observation = Observation.objects.get()
    assert observation.target_name == "NGC-3132"
    assert (observation.t_min_mjd, observation.raw["t_min"]) == (59733.5, 59733.5)
    assert observation.refreshed_at is not None
    changed = {change.field: (change.old, change.new) for change in report.changed}
    assert changed["target_name"] == ("SOUTHERN RING", "NGC-3132")
    assert changed["mast_t_min"] == (None, 59733.5)
    assert "obs_id" not in changed
    assert (report.obs_id, report.updated_count) == (OBS_ID, 1)
    assert report.message.startswith("1 observation read again from MAST, ")


def test_fields_without_a_column_are_told_with_what_they_were(little: LittleMast, serve: Serve) -> None:
    little.observation(OBS_ID, 1, srcDen=5.0)
    little.product(1, f"{OBS_ID}_i2d.fits", calib_level=3)
    serve(little)
    ObservationFactory(obs_id=OBS_ID, obsid="1")
    file = DataFileFactory(observation=Observation.objects.get(), data_uri=f"mast:JWST/product/{OBS_ID}_i2d.fits")
    services.refresh_observation(OBS_ID)
    raw = Observation.objects.get().raw | {"srcDen": 4.0, "t_min": 1.0}
    Observation.objects.update(raw=raw)
    DataFile.objects.update(raw=DataFile.objects.get().raw | {"prvversion": "1.0.0", "calib_level": 2})
    report = services.refresh_observation(OBS_ID)
    assert {(change.obs_id, change.field, change.old) for change in report.changed} == {
        (OBS_ID, "mast_srcDen", 4.0),
        (file.file_name, "mast_prvversion", "1.0.0"),
    }
    assert services.refresh_observation(OBS_ID).changed == []


def test_a_refresh_of_what_did_not_change_counts_the_record_and_lists_nothing(little: LittleMast, serve: Serve) -> None:
    serve(little.observation(OBS_ID, 1))
    ObservationFactory(obs_id=OBS_ID, obsid="1")
    services.refresh_observation(OBS_ID)
    again = services.refresh_observation(OBS_ID)
    assert (again.updated_count, again.changed) == (1, [])
    assert again.message == "1 observation read again from MAST, 0 fields changed."


def test_what_a_person_corrected_survives_and_is_not_listed(little: LittleMast, serve: Serve) -> None:
    serve(little.observation(OBS_ID, 1, target_name="NGC-3132", proposal_pi="Pontoppidan, Klaus M."))
    observation = ObservationFactory(obs_id=OBS_ID, obsid="1", target_name="NGC-3132")
    observation.target_name = "NGC 3132 (Southern Ring)"
    services.correct(observation, ["target_name"])
    report = services.refresh_observation(OBS_ID)
    observation.refresh_from_db()
    assert observation.target_name == "NGC 3132 (Southern Ring)"
    assert observation.edited_fields == ["target_name"]
    assert observation.proposal_pi == "Pontoppidan, Klaus M."
    assert observation.raw["target_name"] == "NGC-3132"
    assert "target_name" not in {change.field for change in report.changed}


def test_notes_and_tags_are_no_corrections(little: LittleMast) -> None:
    observation = ObservationFactory()
    observation.notes = "looks odd"
    services.correct(observation, ["notes", "tags"])
    observation.refresh_from_db()
    assert (observation.notes, observation.edited_fields) == ("looks odd", [])


def test_the_rows_of_held_files_are_read_again_too(little: LittleMast, serve: Serve) -> None:
    little.observation(OBS_ID, 1).product(1, I2D, level=3, prvversion="1.20.2", description="a new description")
    serve(little)
    observation = ObservationFactory(obs_id=OBS_ID, obsid="1")
    file = DataFileFactory(file_name=I2D, observation=observation, calib_level=2, product_type="INFO")
    file.product_type = "AUXILIARY"
    services.correct(file, ["product_type"])
    report = services.refresh_observation(OBS_ID)
    file = DataFile.objects.get()
    assert (file.calib_level, file.product_type) == (3, "AUXILIARY")
    assert file.raw["prvversion"] == "1.20.2"
    assert (I2D, "calib_level", 2, 3) in [(c.obs_id, c.field, c.old, c.new) for c in report.changed]


def test_an_observation_that_is_not_in_the_library_is_not_found(little: LittleMast, serve: Serve) -> None:
    serve(little.observation(OBS_ID, 1))
    with pytest.raises(errors.ObservationNotFound, match="import it first"):
        services.refresh_observation(OBS_ID)


def test_an_observation_that_mast_lists_no_more_is_kept_and_said(little: LittleMast, serve: Serve) -> None:
    serve(little.observation("jw00001-o001_t001_nircam_clear-f090w", 5))
    ObservationFactory(obs_id=OBS_ID)
    with pytest.raises(errors.ObservationNotFound, match="any more"):
        services.refresh_observation(OBS_ID)
    assert Observation.objects.count() == 1


def test_while_mast_is_down_a_refresh_changes_nothing(little: LittleMast, serve: Serve) -> None:
    serve(mast_with(little, 1)).unavailable = True
    with pytest.raises(errors.ArchiveError):
        services.refresh_observation(Observation.objects.get().obs_id)
    assert Observation.objects.get().target_name == "OLD NAME"


def test_1200_observations_take_two_requests_and_their_files_three_more(little: LittleMast, serve: Serve) -> None:
    server = serve(mast_with(little, 1200))
    report = refresh.everything()
    assert (report.updated_count, report.failed) == (1200, [])
    assert not Observation.objects.filter(target_name="OLD NAME").exists()
    assert server.counts["invoke Mast.Caom.Filtered"] == report.request_count == 2
    files = [DataFileFactory.build(observation=observation) for observation in Observation.objects.all()]
    listing = DataFile.observations.through
    listing.objects.bulk_create(
        listing(datafile=file, observation=file.observation) for file in DataFile.objects.bulk_create(files)
    )
    server.reset()
    report = refresh.everything()
    assert (server.counts["invoke Mast.Caom.Filtered"], server.counts["invoke Mast.Caom.Products"]) == (2, 3)
    assert report.request_count == 5


@pytest.mark.django_db(transaction=True)
def test_refreshing_everything_is_a_job_with_progress_and_a_second_one_joins_it(
    little: LittleMast, serve: Serve, valkey: Any, request: pytest.FixtureRequest, ended: Ended
) -> None:
    serve(mast_with(little, 3))
    ObservationFactory(obs_id="jw00001-o001_t001_nircam_clear-f090w")
    first, second = services.refresh_all(), services.refresh_all()
    assert first.job.pk == second.job.pk
    request.getfixturevalue("worker")
    job = ended(first.job)
    assert (job.state, job.kind, job.obs_id) == (JobState.COMPLETE, "refresh", "all")
    assert job.result["updatedCount"] == 3
    assert job.result["failed"] == [
        {"obsId": "jw00001-o001_t001_nircam_clear-f090w", "reason": "MAST does not list it any more."}
    ]
    progress = services.job_progress(job)
    assert (progress.progress, progress.stage, progress.file_count) == (100.0, "Complete", 0)
    assert progress.result is not None
    assert progress.result.details["updatedCount"] == 3
    assert "3 observations read again" in progress.message


@pytest.mark.django_db(transaction=True)
def test_one_batch_that_fails_does_not_stop_the_rest(
    little: LittleMast, serve: Serve, valkey: Any, settings: Any
) -> None:
    server = serve(mast_with(little, 1001))
    job = services.refresh_all().job
    broken = iter([True, False, False])
    answers = server.holdings.observations

    def sometimes() -> Any:
        if next(broken, False):
            raise ValueError("a row of MAST's that breaks its own server")
        return answers()

    server.holdings.observations = sometimes
    refresh.run(str(job.pk), lambda: False)
    job.refresh_from_db()
    assert job.state == JobState.COMPLETE
    assert (job.result["updatedCount"], job.result["failedCount"]) == (1, 1000)
    assert "1000 could not be read" in job.message


@pytest.mark.django_db(transaction=True)
def test_a_refresh_of_everything_while_mast_is_down_fails_with_the_reason(
    little: LittleMast, serve: Serve, valkey: Any
) -> None:
    server = serve(mast_with(little, 2))
    job = services.refresh_all().job
    server.unavailable = True
    refresh.run(str(job.pk), lambda: False)
    job.refresh_from_db()
    assert (job.state, job.is_resumable) == (JobState.FAILED, True)
    server.unavailable = False
    services.resume_job(job.pk)
    refresh.run(str(job.pk), lambda: False)
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.COMPLETE, "")


@pytest.mark.django_db(transaction=True)
def test_a_refresh_whose_worker_stops_goes_back_to_the_queue(little: LittleMast, serve: Serve, valkey: Any) -> None:
    serve(mast_with(little, 2))
    job = services.refresh_all().job
    refresh.run(str(job.pk), lambda: True)
    job.refresh_from_db()
    assert (job.state, job.lease_owner) == (JobState.QUEUED, "")
    services.cancel_job(job.pk)
    refresh.run(str(job.pk), lambda: False)
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


@pytest.mark.django_db(transaction=True)
def test_a_query_that_outlasts_the_lease_does_not_lose_it(
    little: LittleMast, serve: Serve, valkey: Any, settings: Any
) -> None:
    server = serve(mast_with(little, 2))
    settings.LEASE_S = 0.4
    job = services.refresh_all().job
    server.delay_s = 1.0
    freed = []

    def sweep() -> None:
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            sweeper.free_expired()
            freed.append(ImportJob.objects.get().state)
            time.sleep(0.1)
        connection.close()

    thread = threading.Thread(target=sweep)
    worker = threading.Thread(target=lambda: (refresh.run(str(job.pk), lambda: False), connection.close()))
    worker.start()
    time.sleep(0.3)
    thread.start()
    worker.join()
    thread.join()
    job.refresh_from_db()
    assert job.state == JobState.COMPLETE
    assert "queued" not in freed


def test_an_empty_library_is_refreshed_at_once(little: LittleMast, serve: Serve) -> None:
    serve(little)
    assert refresh.everything().message == "0 observations read again from MAST, 0 fields changed."
