"""Scanning and verifying the archive's disk from the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from mast.models import DataFile
from mast.practice import PracticeServer
from tests.factories import DataFileFactory, ObservationFactory, on_disk

pytestmark = pytest.mark.django_db


def run(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*words, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), err.getvalue() + str(error)
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def shelf(folders: Path) -> dict[str, DataFile]:
    observation = ObservationFactory()
    return {name: on_disk(DataFileFactory(observation=observation)) for name in ("whole", "damaged", "missing")}


def test_verifying_finds_what_was_damaged_and_what_is_gone(folders: Path, shelf: dict[str, DataFile]) -> None:
    (folders / shelf["damaged"].path).write_bytes(b"bites")
    (folders / shelf["missing"].path).unlink()
    code, out, err = run("archive_verify", "--json")
    found = json.loads(out)
    assert code == 1
    assert found["checkedCount"] == 3
    assert {(row["id"], row["state"]) for row in found["wrong"]} == {
        (shelf["damaged"].pk, "damaged"),
        (shelf["missing"].pk, "missing"),
    }
    assert "3 files read, 2 not as they should be." in err
    shelf["damaged"].refresh_from_db()
    assert shelf["damaged"].state == "damaged"


def test_verifying_a_whole_library_is_silent_on_stdout(shelf: dict[str, DataFile]) -> None:
    assert run("archive_verify") == (0, "", "3 files read, 0 not as they should be.\n")


def test_verifying_one_observation_reads_its_files_alone(shelf: dict[str, DataFile]) -> None:
    other = on_disk(DataFileFactory())
    code, _, err = run("archive_verify", other.observation.obs_id)
    assert (code, err) == (0, "1 file read, 0 not as they should be.\n")
    code, _, err = run("archive_verify", "jw00000-o000")
    assert code == 1
    assert "not in the library" in err


def test_scanning_an_empty_disk_finds_nothing(archive: PracticeServer, folders: Path) -> None:
    code, out, err = run("archive_scan", "--json")
    assert (code, json.loads(out)["importedCount"]) == (0, 0)
    assert "0 files verified and registered" in err


def test_scanning_says_which_files_were_not_taken_and_why(archive: PracticeServer, folders: Path) -> None:
    stray = folders / "2733" / "jw02733001001_02101_00001_nrcb1" / "jw02733001001_02101_00001_nrcb1_cal.fits"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"no FITS file")
    code, out, _ = run("archive_scan")
    assert code == 1
    assert stray.name in out
    assert not DataFile.objects.exists()


def test_a_place_that_cannot_be_written_is_one_line(folders: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    place = tmp_path / "taken" / "backup"
    assert run("archive_backup", str(place)) == (1, "", f"{place}: Not a directory.")
