"""Imports over REST: started, watched, steered; files on disk registered; metadata read again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mast import services
from mast.models import DataFile, ImportJob
from mast.practice import PracticeServer
from mast.schemas import imports as schemas
from mast.terms import ENDED, JobState
from tests.api_fixture import GUIDE_OBSERVATION, ApiClient, checked, fields_of, refused
from tests.factories import JobFactory, TransferFactory, job_with

pytestmark = pytest.mark.django_db
IMPORT = "/api/mast/import"
GUIDE_LINE = f'{{"obsId": "{GUIDE_OBSERVATION}", "productType": "SCIENCE"}}'
GUIDE_LINE_S3 = f'{{"obsId": "{GUIDE_OBSERVATION}", "productType": "SCIENCE", "downloadSource": "s3"}}'


def start(api: ApiClient, body: object = GUIDE_LINE) -> dict[str, Any]:
    started: dict[str, Any] = checked(api.send(IMPORT, body), schemas.StartedRecord, 202)
    return started


def watch(api: ApiClient, job_id: str, seconds: float = 60) -> dict[str, Any]:
    """Poll as a script would, until the job has ended."""
    deadline = time.monotonic() + seconds
    while True:
        progress: dict[str, Any] = checked(api.get(f"/api/mast/import-progress/{job_id}"), schemas.ProgressRecord)
        if progress["isComplete"]:
            return progress
        assert time.monotonic() < deadline, progress
        time.sleep(0.1)


# --- the guide, end to end --------------------------------------------------------------------------------------


def test_the_guides_import_ends_complete_with_every_file_in_the_library(
    api: ApiClient, archive: PracticeServer, worker: Any, folders: Path
) -> None:
    response = api.send(IMPORT, GUIDE_LINE)
    started = checked(response, schemas.StartedRecord, 202)
    assert response["Location"] == f"/api/mast/import-progress/{started['jobId']}"
    assert int(response["Retry-After"]) > 0
    assert started["obsId"] == GUIDE_OBSERVATION
    assert started["isResume"] is False

    progress = watch(api, started["jobId"])
    assert progress["error"] is None
    assert (progress["state"], progress["stage"], progress["progress"]) == ("complete", "Complete", 100)
    assert progress["downloadedBytes"] == progress["totalBytes"] > 0
    assert {item["status"] for item in progress["fileProgress"]} == {"complete"}
    ids = progress["result"]["importedDataIds"]
    assert len(ids) == progress["result"]["importedCount"] == progress["fileCount"]
    for file_id in ids:
        record = api.get(f"/api/files/{file_id}").json()
        assert record["imageInfo"]["targetName"]
        assert record["metadata"]["mast_obs_id"] == GUIDE_OBSERVATION
        assert len(record["sha256"]) == 64

    again = checked(api.send(f"{IMPORT}/resume/{started['jobId']}"), schemas.JobRecord)
    assert (again["state"], again["isResume"]) == ("complete", True)
    assert "othing to do" in again["message"]


def test_the_guides_line_for_s3_takes_files_from_s3_alone(
    api: ApiClient, archive: PracticeServer, worker: Any, folders: Path
) -> None:
    progress = watch(api, start(api, GUIDE_LINE_S3)["jobId"])
    assert progress["state"] == "complete", progress["error"]
    assert {item["source"] for item in progress["fileProgress"]} == {"s3"}
    assert progress["downloadSource"] == "s3"


def test_files_on_disk_are_registered_again_after_their_records_were_lost(
    api: ApiClient, archive: PracticeServer, worker: Any, folders: Path
) -> None:
    watch(api, start(api)["jobId"])
    count = DataFile.objects.count()
    ImportJob.objects.all().delete()
    DataFile.objects.all().delete()
    found = checked(api.get(f"{IMPORT}/check-files/{GUIDE_OBSERVATION}"), schemas.FilesOnDiskRecord)
    assert found == {"exists": True, "fileCount": count, "obsId": GUIDE_OBSERVATION}
    started = checked(api.send(f"{IMPORT}/from-existing/{GUIDE_OBSERVATION}"), schemas.StartedRecord, 202)
    assert watch(api, started["jobId"])["result"]["importedCount"] == count
    assert DataFile.objects.count() == count


def test_metadata_of_one_and_of_all_is_read_again(
    api: ApiClient, archive: PracticeServer, worker: Any, folders: Path
) -> None:
    watch(api, start(api)["jobId"])
    one = checked(api.send(f"/api/mast/refresh-metadata/{GUIDE_OBSERVATION}"), schemas.RefreshRecord)
    assert one["obsId"] == GUIDE_OBSERVATION
    assert one["updatedCount"] >= 1
    every = checked(api.send("/api/mast/refresh-metadata-all"), schemas.RefreshRecord)
    assert every["obsId"] == "all"
    assert watch(api, every["jobId"])["state"] == "complete"


# --- starting ---------------------------------------------------------------------------------------------------


def test_the_same_import_again_is_the_same_job(api: ApiClient, archive: PracticeServer) -> None:
    first, second = start(api), start(api)
    assert second["jobId"] == first["jobId"]
    assert (first["isResume"], second["isResume"]) == (False, True)
    other = start(api, {"obsId": GUIDE_OBSERVATION, "calibLevel": [1, 2, 3]})
    assert other["jobId"] != first["jobId"]


def test_null_means_what_leaving_out_means_but_for_levels(api: ApiClient, archive: PracticeServer) -> None:
    first = start(api)
    nulls = {"obsId": GUIDE_OBSERVATION, "productType": None, "downloadSource": None, "tags": None, "isPublic": True}
    assert start(api, nulls)["jobId"] == first["jobId"]
    assert start(api, nulls | {"calibLevel": None})["jobId"] != first["jobId"]


def test_a_preview_lists_files_bytes_and_what_is_left_out_and_downloads_nothing(
    api: ApiClient, archive: PracticeServer
) -> None:
    plan = checked(api.send(f"{IMPORT}/preview", GUIDE_LINE), schemas.PlanRecord)
    assert plan["obsId"] == GUIDE_OBSERVATION
    assert plan["calibLevel"] == [3]
    assert plan["fileCount"] == len(plan["files"]) > 0
    assert {item["calibrationLevel"] for item in plan["files"]} == {3}
    assert plan["bytesToFetch"] == plan["totalBytes"] == sum(item["size"] for item in plan["files"])
    assert plan["leftOut"][0]["reason"]
    assert plan["diskFreeAfterBytes"] == plan["diskFreeBytes"] - plan["bytesToFetch"]
    assert ImportJob.objects.count() == 0
    every = checked(api.send(f"{IMPORT}/preview", {"obsId": GUIDE_OBSERVATION, "calibLevel": None}), schemas.PlanRecord)
    assert every["fileCount"] > plan["fileCount"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "obsId"),
        ({"obsId": ""}, "obsId"),
        ({"obsId": "../../etc/passwd"}, "obsId"),
        ({"obsId": "a/b"}, "obsId"),
        ({"obsId": "a%2Fb"}, "obsId"),
        ({"obsId": 5}, "obsId"),
        ({"obsId": GUIDE_OBSERVATION, "calibLevel": [5]}, "calibLevel"),
        ({"obsId": GUIDE_OBSERVATION, "calibLevel": "3"}, "calibLevel"),
        ({"obsId": GUIDE_OBSERVATION, "downloadSource": "ftp"}, "downloadSource"),
        ({"obsId": GUIDE_OBSERVATION, "downloadSource": 1}, "downloadSource"),
        ({"obsId": GUIDE_OBSERVATION, "productType": "<b>"}, "productType"),
        ({"obsId": GUIDE_OBSERVATION, "suffixes": "i2d"}, "suffixes"),
        ({"obsId": GUIDE_OBSERVATION, "suffixes": ["../i2d"]}, "suffixes.0"),
        ({"obsId": GUIDE_OBSERVATION, "tags": "nebula"}, "tags"),
        ({"obsId": GUIDE_OBSERVATION, "tags": [""]}, "tags.0"),
        ({"obsId": GUIDE_OBSERVATION, "tags": ["x" * 101]}, "tags.0"),
        ({"obsId": GUIDE_OBSERVATION, "tags": ["x"] * 51}, "tags"),
    ],
)
@pytest.mark.parametrize("path", [IMPORT, f"{IMPORT}/preview"])
def test_a_field_that_cannot_be_used_is_named(api: ApiClient, path: str, body: dict[str, Any], field: str) -> None:
    assert field in fields_of(refused(api.send(path, body), 422, "search.bad_query"))
    assert ImportJob.objects.count() == 0


def test_choices_that_match_nothing_say_what_there_is(api: ApiClient, archive: PracticeServer) -> None:
    body = {"obsId": GUIDE_OBSERVATION, "productType": "SCIENCE", "calibLevel": [4]}
    problem = refused(api.send(IMPORT, body), 422, "import.nothing_matches")
    assert problem["available"]
    assert ImportJob.objects.count() == 0


def test_kinds_of_file_can_be_chosen_and_the_job_remembers_which(api: ApiClient, archive: PracticeServer) -> None:
    body = {"obsId": GUIDE_OBSERVATION, "suffixes": ["I2D"]}
    plan = checked(api.send(f"{IMPORT}/preview", body), schemas.PlanRecord)
    assert {item["filename"].rpartition("_")[2] for item in plan["files"]} == {"i2d.fits"}
    job_id = start(api, body)["jobId"]
    jobs = checked(api.get("/api/mast/imports"), schemas.JobList)["results"]
    assert [(job["jobId"], job["suffixes"]) for job in jobs] == [(job_id, ["i2d"])]
    assert "<code>i2d</code>" in api.get(f"/imports/{job_id}/").content.decode()


def test_kinds_that_are_not_there_are_refused_with_those_that_are(api: ApiClient, archive: PracticeServer) -> None:
    body = {"obsId": GUIDE_OBSERVATION, "suffixes": ["s3d"]}
    problem = refused(api.send(IMPORT, body), 422, "import.nothing_matches")
    assert problem["detail"].startswith(f"{GUIDE_OBSERVATION} has no s3d files at these levels. It has ")
    assert "i2d" in problem["detail"]


@pytest.mark.parametrize("path", [IMPORT, f"{IMPORT}/preview"])
def test_an_observation_mast_does_not_have_is_404(api: ApiClient, archive: PracticeServer, path: str) -> None:
    refused(api.send(path, {"obsId": "jw99999-o001_t001_nircam_clear-f090w"}), 404, "archive.observation_not_found")


def test_a_disk_without_room_is_507_before_a_byte_is_fetched(
    api: ApiClient, archive: PracticeServer, settings: Any
) -> None:
    settings.STORAGE_MIN_FREE_GB = 1e9
    problem = refused(api.send(IMPORT, GUIDE_LINE), 507, "disk.full")
    assert problem["retryable"] is True
    assert ImportJob.objects.count() == 0


def test_mast_down_is_said_before_a_job_is_written(api: ApiClient) -> None:
    assert refused(api.send(IMPORT, GUIDE_LINE), 502)["retryable"] is True
    assert ImportJob.objects.count() == 0


def test_nothing_on_disk_is_404(api: ApiClient, archive: PracticeServer, folders: Path) -> None:
    refused(api.send(f"{IMPORT}/from-existing/{GUIDE_OBSERVATION}"), 404, "import.nothing_on_disk")
    found = checked(api.get(f"{IMPORT}/check-files/{GUIDE_OBSERVATION}"), schemas.FilesOnDiskRecord)
    assert found == {"exists": False, "fileCount": 0, "obsId": GUIDE_OBSERVATION}


# --- watching and steering --------------------------------------------------------------------------------------


def test_progress_has_every_field_of_the_contract(api: ApiClient) -> None:
    job = job_with(*[TransferFactory(total_bytes=100, done_bytes=25, state="downloading") for _ in range(3)])
    progress = checked(api.get(f"/api/mast/import-progress/{job.pk}"), schemas.ProgressRecord)
    assert progress["jobId"] == str(job.pk)
    assert progress["obsId"] == job.obs_id
    assert progress["isComplete"] is False
    assert progress["fileCount"] == 3
    for name in ("filename", "totalBytes", "downloadedBytes", "progressPercent", "status", "source"):
        assert name in progress["fileProgress"][0]


def test_a_poll_that_finds_nothing_new_is_304(api: ApiClient) -> None:
    job = JobFactory(state=JobState.COMPLETE)
    first = api.get(f"/api/mast/import-progress/{job.pk}")
    again = api.get(f"/api/mast/import-progress/{job.pk}", headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_at_most_two_hundred_files_are_listed_and_the_true_count_said(api: ApiClient) -> None:
    job = job_with(*[TransferFactory() for _ in range(230)])
    progress = checked(api.get(f"/api/mast/import-progress/{job.pk}"), schemas.ProgressRecord)
    assert len(progress["fileProgress"]) == 200
    assert progress["fileCount"] == 230


@pytest.mark.parametrize(
    "job_id", [str(uuid.UUID(int=7)), "7", "not-a-job", "..", "%00", "0b7e6d9c-9a3c-4d0b-8f3e-4e7d5c2b1a00;drop"]
)
@pytest.mark.parametrize("call", ["import-progress", "import/pause", "import/cancel", "import/resume"])
def test_a_job_nobody_started_is_404(api: ApiClient, call: str, job_id: str) -> None:
    path = f"/api/mast/{call}/{job_id}"
    refused(api.get(path) if call == "import-progress" else api.send(path), 404)


def test_pause_resume_and_cancel_answer_the_job(api: ApiClient) -> None:
    job = job_with(TransferFactory())
    states = []
    for action in ("pause", "resume", "cancel", "resume", "cancel"):
        record = checked(api.send(f"{IMPORT}/{action}/{job.pk}"), schemas.JobRecord)
        assert record["jobId"] == str(job.pk)
        states.append(record["state"])
    assert states == ["paused", "queued", "cancelled", "queued", "cancelled"]


@pytest.mark.parametrize("body", [None, "", "{}", {}])
def test_steering_takes_no_body_or_any(api: ApiClient, body: Any) -> None:
    job = job_with(TransferFactory())
    assert api.send(f"{IMPORT}/pause/{job.pk}", body).status_code == 200


def test_a_running_job_cannot_be_resumed(api: ApiClient) -> None:
    job = JobFactory(state=JobState.DOWNLOADING)
    problem = refused(api.send(f"{IMPORT}/resume/{job.pk}"), 409, "job.wrong_state")
    assert problem["state"] == "downloading"


def test_an_ended_job_cannot_be_paused(api: ApiClient) -> None:
    job = JobFactory(state=JobState.FAILED)
    refused(api.send(f"{IMPORT}/pause/{job.pk}"), 409, "job.wrong_state")


def test_jobs_are_listed_newest_first_by_state_and_observation(api: ApiClient) -> None:
    jobs = [JobFactory(state=state) for state in ("complete", "failed", "queued", "complete")]
    listed = checked(api.get("/api/mast/imports"), schemas.JobList)
    assert [row["jobId"] for row in listed["results"]] == [str(job.pk) for job in reversed(jobs)]
    assert (listed["count"], listed["next"]) == (4, None)
    complete = checked(api.get("/api/mast/imports?state=complete&limit=1"), schemas.JobList)
    assert [row["jobId"] for row in complete["results"]] == [str(jobs[3].pk)]
    assert complete["count"] == 2
    rest = checked(api.get(f"/api/mast/imports?state=complete&limit=1&offset={complete['next']}"), schemas.JobList)
    assert [row["jobId"] for row in rest["results"]] == [str(jobs[0].pk)]
    assert rest["next"] is None
    one = checked(api.get(f"/api/mast/imports?obsId={jobs[1].obs_id}"), schemas.JobList)
    assert [row["state"] for row in one["results"]] == ["failed"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("offset=-1", "offset"),
        ("state=asleep", "state"),
        ("state=%00", "state"),
        ("obsId=%00", "obsId"),
    ],
)
def test_a_parameter_of_the_list_that_cannot_be_used_is_named(api: ApiClient, query: str, field: str) -> None:
    assert field in fields_of(refused(api.get(f"/api/mast/imports?{query}"), 422))


def test_the_number_of_queries_does_not_grow_with_the_jobs(
    api: ApiClient, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for _ in range(100):
        JobFactory()
    with django_assert_max_num_queries(2):
        assert len(api.get("/api/mast/imports?limit=1000").json()["results"]) == 100


@pytest.mark.parametrize("obs_id", ["a%2Fb", "a/b", "..%2F..%2Fetc"])
@pytest.mark.parametrize("call", ["import/from-existing", "refresh-metadata"])
def test_an_observation_id_with_a_slash_is_404(api: ApiClient, call: str, obs_id: str) -> None:
    refused(api.send(f"/api/mast/{call}/{obs_id}"), 404)


@pytest.mark.parametrize("obs_id", ["..", "a b", "%00", "%F0%9F%98%80", "x" * 201])
@pytest.mark.parametrize("call", ["import/from-existing", "refresh-metadata"])
def test_an_observation_id_that_can_be_none_is_422(api: ApiClient, call: str, obs_id: str) -> None:
    refused(api.send(f"/api/mast/{call}/{obs_id}"), 422)


def test_refreshing_what_is_not_in_the_library_is_404(api: ApiClient, archive: PracticeServer) -> None:
    refused(api.send("/api/mast/refresh-metadata/jw99999-o001_t001_nircam_clear-f090w"), 404)


def test_every_state_a_job_may_have_ends_or_does_not(api: ApiClient) -> None:
    for state in JobState:
        record = checked(api.get(f"/api/mast/import-progress/{JobFactory(state=state).pk}"), schemas.ProgressRecord)
        assert record["isComplete"] is (state in ENDED)
        assert record["state"] == state
        assert record["isResumable"] is services.get_job(record["jobId"]).is_resumable
