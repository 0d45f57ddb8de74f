"""Searching, importing, listing, resuming and refreshing from the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from astropy.io import ascii as astropy_ascii
from astropy.io.votable import parse_single_table
from django.core.management import CommandError, call_command

from mast.archive.recognise import kind_of
from mast.management.waiting import bar, exit_code_of
from mast.models import DataFile, ImportJob
from mast.practice import PracticeServer
from mast.schemas.imports import JobRecord, PlanRecord, ProgressRecord, StartedRecord
from mast.schemas.search import SearchEnvelope
from mast.services import job_progress
from mast.terms import JobState
from tests.api_fixture import GUIDE_OBSERVATION
from tests.factories import JobFactory, TransferFactory, job_with

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(*words: str, terminal: bool = False) -> tuple[int, str, str]:
    """Exit code, data and words of a command."""
    out, err = io.StringIO(), Terminal() if terminal else io.StringIO()
    try:
        call_command(*words, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), err.getvalue() + str(error)
    return 0, out.getvalue(), err.getvalue()


# --- mast_search ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("NGC 3132", "target"),
        ("2733", "program"),
        ("02733", "program"),
        (GUIDE_OBSERVATION, "observation"),
        ("151.755 -40.437", "coordinates"),
        ("10h07m01.8s -40d26m11s", "coordinates"),
        ("M 16", "target"),
    ],
)
def test_the_words_tell_what_is_searched(text: str, kind: str) -> None:
    assert kind_of(text) == kind


def test_a_search_prints_rows_on_stdout_and_words_on_stderr(mast_stand_in: PracticeServer) -> None:
    code, out, err = run("mast_search", "NGC", "3132", "--radius", "6'")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split()[:2] == ["obs_id", "target_name"]
    assert any(line.startswith(GUIDE_OBSERVATION) for line in lines)
    assert f"{len(lines) - 1} observations." in err
    assert "observations." not in out


@pytest.mark.parametrize("words", [("--json",), ("--format", "json")])
def test_a_search_as_json_is_what_the_rest_call_answers(mast_stand_in: PracticeServer, words: tuple[str, ...]) -> None:
    code, out, _ = run("mast_search", "2733", "--all-levels", *words)
    found = SearchEnvelope.model_validate_json(out)
    assert code == 0
    assert found.search_type == "program"
    assert found.query_params["calib_level"] is None


def test_a_search_as_a_table_is_read_by_astropy(mast_stand_in: PracticeServer) -> None:
    _, votable, _ = run("mast_search", "2733", "--format", "votable")
    _, csv, _ = run("mast_search", "2733", "--format", "csv")
    found = parse_single_table(io.BytesIO(votable.encode())).to_table()
    assert str(found["s_ra"].unit) == "deg"
    assert list(found["obs_id"]) == list(astropy_ascii.read(csv, format="csv")["obs_id"])


def test_a_search_that_finds_nothing_is_no_failure(mast_stand_in: PracticeServer) -> None:
    code, out, err = run("mast_search", "9999", "--json")
    assert (code, json.loads(out)["results"]) == (0, [])
    assert "0 observations." in err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("mast_search", "NGC 3132", "--radius", "11"), 2),
        (("mast_search", "NGC 3132", "--radius", "wide"), 2),
        (("mast_search", "x" * 300), 2),
        (("mast_search", "2733"), 75),
        (("mast_import", GUIDE_OBSERVATION), 75),
        (("mast_resume", "not-a-job"), 1),
        (("mast_jobs", "--state", "asleep"), 2),
        (("mast_refresh",), 2),
        (("mast_refresh", GUIDE_OBSERVATION, "--all"), 2),
    ],
)
def test_the_exit_code_says_whose_fault_it_was(words: tuple[str, ...], code: int) -> None:
    found, out, err = run(*words)
    assert found == code
    assert out == ""
    assert err.strip().endswith(".")
    assert "Traceback" not in err


# --- imports ----------------------------------------------------------------------------------------------------


def test_an_import_is_waited_for_and_ends_complete(archive: PracticeServer, worker: Any, folders: Path) -> None:
    code, out, err = run("mast_import", GUIDE_OBSERVATION, "--tag", "nebulae", "--wait", "--timeout", "60", "--json")
    (progress,) = json.loads(out)
    ProgressRecord.model_validate(progress)
    assert (code, progress["state"]) == (0, "complete")
    assert DataFile.objects.count() == progress["result"]["importedCount"] > 0
    assert "in the library." in err
    assert "\r" not in err

    code, out, err = run("mast_refresh", GUIDE_OBSERVATION, "--json")
    assert (code, json.loads(out)[0]["obsId"]) == (0, GUIDE_OBSERVATION)
    code, out, err = run("mast_refresh", "--all", "--wait", "--timeout", "60", terminal=True)
    assert code == 0
    assert "100%" in err


def test_an_import_says_its_job_and_goes_on_in_the_background(archive: PracticeServer) -> None:
    code, out, _ = run("mast_import", GUIDE_OBSERVATION, "--json")
    (started,) = json.loads(out)
    StartedRecord.model_validate(started)
    assert code == 0
    assert ImportJob.objects.get(pk=started["jobId"]).state == JobState.QUEUED
    assert json.loads(run("mast_import", GUIDE_OBSERVATION, "--json")[1])[0]["isResume"] is True


def test_a_wait_that_takes_too_long_is_worth_trying_again(archive: PracticeServer) -> None:
    code, _, err = run("mast_import", GUIDE_OBSERVATION, "--wait", "--timeout", "0.1")
    assert code == 75
    assert "mast_resume" in err


def test_a_preview_lists_the_files_and_starts_nothing(archive: PracticeServer) -> None:
    code, out, err = run("mast_import", GUIDE_OBSERVATION, "--preview")
    assert code == 0
    assert "_i2d.fits" in out
    assert "to fetch" in err
    plans = json.loads(run("mast_import", GUIDE_OBSERVATION, "--preview", "--all-levels", "--json")[1])
    assert PlanRecord.model_validate(plans[0]).file_count > len(out.splitlines()) - 1
    assert not ImportJob.objects.exists()


def test_jobs_are_listed_and_resumed() -> None:
    job = job_with(TransferFactory(state="paused"), state=JobState.PAUSED)
    JobFactory(state=JobState.COMPLETE)
    code, out, err = run("mast_jobs")
    assert code == 0
    assert str(job.pk) in out
    assert "2 of 2 jobs." in err
    listed = json.loads(run("mast_jobs", "--state", "paused", "--json")[1])
    assert [JobRecord.model_validate(row).job_id for row in listed["results"]] == [str(job.pk)]
    code, out, _ = run("mast_resume", str(job.pk), "--json")
    assert (code, json.loads(out)[0]["state"]) == (0, "queued")
    assert run("mast_resume", str(job.pk))[0] == 1


# --- waiting ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "error_code", "code"),
    [
        ("complete", "", 0),
        ("failed", "transfer.not_in_source", 1),
        ("failed", "transfer.connection_lost", 75),
        ("cancelled", "", 1),
        ("paused", "disk.full", 75),
        ("queued", "", 75),
    ],
)
def test_a_job_that_may_be_retried_exits_with_75(state: str, error_code: str, code: int) -> None:
    assert exit_code_of([job_progress(JobFactory(state=state, error_code=error_code))]) == code


def test_the_bar_says_percent_bytes_and_stage() -> None:
    transfers = [TransferFactory(total_bytes=4_000_000, done_bytes=1_000_000, state="downloading") for _ in range(2)]
    job = job_with(*transfers, state=JobState.DOWNLOADING, total_bytes=8_000_000)
    drawn = bar(job_progress(job))
    assert drawn.startswith("[======")
    assert "2.00 MB of 8.00 MB" in drawn
    assert drawn.endswith("Downloading")
