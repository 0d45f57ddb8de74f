"""Files that lie on disk already: adopted when whole, refused when not; damage found; old parts removed."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mast import conf, errors, services
from mast.imports import shelf, upkeep
from mast.models import DataFile, ImportJob, Transfer
from mast.services import ImportRequest
from mast.terms import JobState
from tests.factories import DataFileFactory, ObservationFactory, TransferFactory, job_with, on_disk
from tests.integration.little_mast import MB, LittleMast, fits_of

OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
EXPOSURE = "jw02733001001_02105_00001_nrcb1"
I2D, CAL, ECSV = f"{OBS_ID}_i2d.fits", f"{EXPOSURE}_cal.fits", f"{OBS_ID}_cat.ecsv"
Serve = Callable[[LittleMast], Any]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


def ngc3132(little: LittleMast) -> LittleMast:
    little.observation(OBS_ID, 1)
    return little.product(1, I2D, size=2 * MB).product(1, CAL, size=MB, level=2, obsID="7")


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def register(obs_id: str = OBS_ID) -> ImportJob:
    job = services.register_existing(obs_id).job
    shelf.run(str(job.pk), lambda: False)
    job.refresh_from_db()
    return job


def test_whole_files_anywhere_below_the_folder_are_verified_moved_to_their_place_and_registered(
    little: LittleMast, serve: Serve, folders: Path
) -> None:
    server = serve(ngc3132(little))
    put(folders / "2733" / OBS_ID / I2D, fits_of(2 * MB, I2D))
    put(folders / "mastDownload" / "JWST" / EXPOSURE / CAL, fits_of(MB, CAL))
    job = register()
    assert (job.state, job.kind) == (JobState.COMPLETE, "existing")
    assert job.result["importedCount"] == 2
    files = {file.file_name: file for file in DataFile.objects.all()}
    assert files[CAL].path == f"2733/{EXPOSURE}/{CAL}"
    for file in files.values():
        path = services.file_path(file)
        assert (file.source, file.proof) == ("existing", "structure")
        assert stat.S_IMODE(path.stat().st_mode) == 0o444
        assert [row.obs_id for row in file.observations.all()] == [OBS_ID]
        assert "its length is what MAST lists" in " ".join(file.proof_notes)
    assert not (folders / "mastDownload" / "JWST" / EXPOSURE / CAL).exists()
    assert server.sent_bytes.total() == 0
    progress = services.job_progress(job)
    assert progress.result is not None
    assert sorted(progress.result.imported_data_ids) == sorted(file.pk for file in files.values())
    assert progress.message.startswith("2 files verified and registered")


def test_registering_twice_changes_nothing(little: LittleMast, serve: Serve, folders: Path) -> None:
    serve(ngc3132(little))
    put(folders / "2733" / OBS_ID / I2D, fits_of(2 * MB, I2D))
    register()
    before = DataFile.objects.values().get()
    job = register()
    assert (job.state, job.result["importedCount"], job.result["skippedCount"]) == (JobState.COMPLETE, 0, 1)
    assert DataFile.objects.values().get() == before


def test_with_nothing_on_disk_there_is_nothing_to_register(little: LittleMast, serve: Serve, folders: Path) -> None:
    serve(ngc3132(little))
    with pytest.raises(errors.NothingOnDisk) as caught:
        services.register_existing(OBS_ID)
    assert caught.value.http_status == 404
    assert not ImportJob.objects.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (fits_of(2 * MB, I2D)[:-2880], "bytes"),
        (b"<html>maintenance</html>".ljust(2 * MB), "FITS"),
        (fits_of(2 * MB + 2880, I2D)[: 2 * MB], "ends"),
    ],
    ids=["shorter than listed", "another kind of file", "cut inside"],
)
def test_a_file_that_is_not_whole_is_left_where_it_is_and_never_registered(
    little: LittleMast, serve: Serve, folders: Path, content: bytes, reason: str
) -> None:
    serve(ngc3132(little))
    path = put(folders / "2733" / OBS_ID / I2D, content)
    job = register()
    assert (job.state, job.error_code) == (JobState.FAILED, errors.NothingOnDisk.code)
    assert I2D in job.error
    assert reason in job.error
    assert path.read_bytes() == content
    assert not DataFile.objects.exists()


def test_where_masts_list_is_wrong_its_server_decides(little: LittleMast, serve: Serve, folders: Path) -> None:
    server = serve(little.observation(OBS_ID, 1).product(1, I2D, size=2 * MB, listed=12345))
    put(folders / "2733" / OBS_ID / I2D, fits_of(2 * MB, I2D))
    server.broken = {"download"}
    assert "12,345 are expected" in register().error
    server.broken = set()
    assert register().result["importedCount"] == 1
    assert "server says" in " ".join(DataFile.objects.get().proof_notes)
    assert server.sent_bytes.total() <= 1


def test_a_file_whose_length_nobody_knows_is_not_adopted(little: LittleMast, serve: Serve, folders: Path) -> None:
    server = serve(little.observation(OBS_ID, 1).product(1, I2D, size=None))
    put(folders / "2733" / OBS_ID / I2D, fits_of(2 * MB, I2D))
    server.broken = {"download"}
    assert "MAST gives no length" in register().error


def test_one_that_is_not_whole_does_not_stop_the_others(little: LittleMast, serve: Serve, folders: Path) -> None:
    serve(ngc3132(little))
    put(folders / "2733" / OBS_ID / I2D, b"short")
    put(folders / "2733" / EXPOSURE / CAL, fits_of(MB, CAL))
    job = register()
    assert (job.state, job.result["importedCount"], job.result["rejectedCount"]) == (JobState.COMPLETE, 1, 1)
    assert job.result["rejected"][0]["fileName"] == I2D


def test_of_two_copies_the_whole_one_is_taken(little: LittleMast, serve: Serve, folders: Path) -> None:
    serve(ngc3132(little))
    put(folders / "old" / I2D, b"short")
    put(folders / "new" / I2D, fits_of(2 * MB, I2D))
    assert register().result["importedCount"] == 1
    assert (folders / "old" / I2D).read_bytes() == b"short"
    assert not (folders / "new" / I2D).exists()


def test_links_and_hidden_folders_are_not_followed(
    little: LittleMast, serve: Serve, folders: Path, tmp_path: Path
) -> None:
    serve(ngc3132(little))
    outside = put(tmp_path / "outside" / I2D, fits_of(2 * MB, I2D))
    (folders / "2733").mkdir(parents=True)
    (folders / "2733" / I2D).symlink_to(outside)
    put(folders / ".hidden" / I2D, fits_of(2 * MB, I2D))
    with pytest.raises(errors.NothingOnDisk):
        services.register_existing(OBS_ID)


def test_an_import_after_a_registration_has_nothing_to_fetch(little: LittleMast, serve: Serve, folders: Path) -> None:
    serve(ngc3132(little))
    put(folders / "2733" / OBS_ID / I2D, fits_of(2 * MB, I2D))
    register()
    assert services.start_import(ImportRequest(OBS_ID)).job.state == JobState.COMPLETE
    assert Transfer.objects.get().state == JobState.COMPLETE


def test_what_a_worker_is_fetching_is_left_to_it(little: LittleMast, serve: Serve, folders: Path) -> None:
    serve(ngc3132(little))
    TransferFactory(file_name=I2D, state=JobState.DOWNLOADING)
    put(folders / "elsewhere" / I2D, fits_of(2 * MB, I2D))
    job = register()
    assert "being downloaded" in job.error
    assert not DataFile.objects.exists()
    assert (folders / "elsewhere" / I2D).exists()


def test_a_registration_whose_worker_stops_goes_back_to_the_queue(
    little: LittleMast, serve: Serve, folders: Path
) -> None:
    serve(ngc3132(little))
    put(folders / "2733" / OBS_ID / I2D, fits_of(2 * MB, I2D))
    job = services.register_existing(OBS_ID).job
    asked = iter([False, False, True])
    shelf.run(str(job.pk), lambda: next(asked, True))
    job.refresh_from_db()
    assert (job.state, job.lease_owner) == (JobState.QUEUED, "")
    assert not DataFile.objects.exists()
    shelf.run(str(job.pk), lambda: False)
    job.refresh_from_db()
    assert job.state == JobState.COMPLETE


def test_a_registration_already_under_way_is_joined(little: LittleMast, serve: Serve, folders: Path) -> None:
    serve(ngc3132(little))
    put(folders / "2733" / OBS_ID / I2D, fits_of(2 * MB, I2D))
    first, second = services.register_existing(OBS_ID), services.register_existing(OBS_ID)
    assert (first.is_resume, second.is_resume, first.job.pk) == (False, True, second.job.pk)


def test_check_files_counts_what_lies_there_registered_or_not(little: LittleMast, serve: Serve, folders: Path) -> None:
    server = serve(ngc3132(little))
    assert services.check_files(OBS_ID) == services.FilesOnDisk(OBS_ID, False, 0)
    put(folders / "anywhere" / CAL, fits_of(MB, CAL))
    put(folders / "2733" / OBS_ID / I2D, fits_of(2 * MB, I2D))
    assert services.check_files(OBS_ID) == services.FilesOnDisk(OBS_ID, True, 2)
    register()
    server.unavailable = True
    assert services.check_files(OBS_ID).file_count == 2


# --- the whole disk ---------------------------------------------------------------------------------------------


def test_a_scan_adopts_every_whole_product_and_says_what_it_left(
    little: LittleMast, serve: Serve, folders: Path
) -> None:
    ngc3132(little).observation(EXPOSURE, 7, level=2)
    serve(little.product(7, CAL, size=MB, level=2))
    put(folders / "2733" / OBS_ID / I2D, fits_of(2 * MB, I2D))
    put(folders / "2733" / EXPOSURE / CAL, fits_of(MB, CAL))
    put(folders / "notes.txt", b"mine")
    outcome = services.scan()
    assert len(outcome.adopted) == 2
    assert outcome.rejected == [("notes.txt", "is in no product list of MAST")]
    owners = dict(DataFile.objects.values_list("file_name", "observation__obs_id"))
    assert owners == {I2D: OBS_ID, CAL: EXPOSURE}
    assert {job.state for job in ImportJob.objects.all()} == {JobState.COMPLETE}
    again = services.scan()
    assert (again.adopted, again.known) == ([], 2)
    assert ImportJob.objects.count() == 2


def test_a_scan_of_an_empty_archive_finds_nothing(little: LittleMast, serve: Serve, folders: Path) -> None:
    serve(little)
    outcome = services.scan()
    assert (outcome.adopted, outcome.rejected, outcome.known) == ([], [], 0)


# --- reading again ----------------------------------------------------------------------------------------------


def test_reading_again_finds_every_kind_of_damage(folders: Path) -> None:
    whole, gone, short, flipped, linked = (on_disk(DataFileFactory()) for _ in range(5))
    services.file_path(gone).unlink()
    services.file_path(short).write_bytes(b"byte")
    services.file_path(flipped).write_bytes(b"bytez")
    services.file_path(linked).rename(folders / "moved")
    (folders / linked.path).symlink_to(folders / "moved")
    found = {checked.file.pk: (checked.state, checked.why) for checked in services.verify_files(DataFile.objects.all())}
    assert found[whole.pk] == ("held", "")
    assert found[gone.pk] == ("missing", "it is not on disk any more")
    assert found[short.pk] == ("damaged", "it has 4 bytes, not 5")
    assert found[flipped.pk][0] == "damaged"
    assert found[linked.pk][0] == "missing"
    assert dict(DataFile.objects.values_list("pk", "state")) == {pk: state for pk, (state, _) in found.items()}


def test_a_file_that_is_right_again_is_held_again(folders: Path) -> None:
    file = on_disk(DataFileFactory(state=DataFile.State.MISSING))
    before = file.verified_at
    assert [checked.state for checked in services.verify_files(DataFile.objects.all())] == ["held"]
    file.refresh_from_db()
    assert file.state == "held"
    assert file.verified_at > before


def test_removing_a_file_removes_row_bytes_and_empty_folders(folders: Path) -> None:
    file, sibling = on_disk(DataFileFactory()), on_disk(DataFileFactory())
    path = services.file_path(file)
    assert services.delete_files([file.pk]) == 1
    assert not path.parent.exists()
    assert services.file_path(sibling).exists()
    assert list(DataFile.objects.all()) == [sibling]


def test_old_parts_go_unless_a_live_job_waits_for_them(folders: Path) -> None:
    wanted = TransferFactory()
    job_with(wanted)
    old = time.time() - upkeep.KEPT_S - 60
    names = [
        "a_i2d.fits.12345678.part",
        "a_i2d.fits.12345678.part.journal",
        f"{wanted.file_name}.12345678.part",
        "new.part",
    ]
    for name in names:
        path = put(conf.partial_dir() / name, b"bytes")
        if name != "new.part":
            os.utime(path, (old, old))
    assert upkeep.remove_old_parts() == 2
    assert sorted(path.name for path in conf.partial_dir().iterdir()) == sorted(names[2:])


def test_without_a_folder_of_parts_there_is_nothing_to_remove(folders: Path) -> None:
    assert upkeep.remove_old_parts() == 0


def test_a_name_that_may_not_be_a_folders_is_replaced_by_our_own_id(folders: Path) -> None:
    from mast.imports import importer

    transfer = TransferFactory(product_obs_id="../../up", raw={"proposal_id": "../x"}, file_name="odd_i2d.fits")
    assert importer.final_path(transfer) == folders / "other" / f"product-{transfer.pk}" / "odd_i2d.fits"
    with pytest.raises(errors.UnsafeName):
        importer.final_path(TransferFactory.build(file_name="../evil.fits"))


def test_an_observation_that_has_been_seen_is_needed_while_mast_is_down(
    little: LittleMast, serve: Serve, folders: Path
) -> None:
    server = serve(ngc3132(little))
    server.unavailable = True
    with pytest.raises(errors.ArchiveError):
        services.check_files(OBS_ID)
    ObservationFactory(obs_id=OBS_ID)
    assert services.check_files(OBS_ID).file_count == 0
