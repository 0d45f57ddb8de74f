"""The shelf read again: every damage found, stopped and gone on with, at a rate, and what is wrong fetched again."""

from __future__ import annotations

import errno
import io
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from mast import errors, health, services
from mast.imports import importer, verification
from mast.models import DataFile, ImportJob, Transfer, Verification
from mast.services import ImportRequest
from mast.terms import JobState
from tests.factories import DataFileFactory, ObservationFactory, TransferFactory, on_disk
from tests.fault.sizes import trials
from tests.integration.little_mast import MB, LittleMast

OBS_ID = "jw02733-o001_t001_nircam_clear-f090w"
I2D = f"{OBS_ID}_i2d.fits"
Serve = Callable[[LittleMast], Any]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folders")]


def run(*words: str) -> tuple[int, str]:
    """Exit status of `archive_verify`, and what it said."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("archive_verify", *words, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue() + err.getvalue() + str(error)
    return 0, out.getvalue() + err.getvalue()


def shelf_of(count: int) -> list[DataFile]:
    observation = ObservationFactory()
    files = DataFileFactory.create_batch(count, observation=observation)
    return [on_disk(file, random.Random(file.pk).randbytes(3000)) for file in files]


# --- damage -----------------------------------------------------------------------------------------------------


def truncate(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(3000))


def lengthen(path: Path, chance: random.Random) -> None:
    with path.open("ab") as file:
        file.write(b"\0" * chance.randint(1, 100))


def edit(path: Path, chance: random.Random) -> None:
    with path.open("r+b") as file:
        at = chance.randrange(3000)
        byte = os.pread(file.fileno(), 1, at)[0]
        os.pwrite(file.fileno(), bytes([byte ^ (1 << chance.randrange(8))]), at)


def remove(path: Path, _chance: random.Random) -> None:
    path.unlink()


def replace_by_a_folder(path: Path, _chance: random.Random) -> None:
    path.unlink()
    path.mkdir()


def replace_by_a_link(path: Path, _chance: random.Random) -> None:
    path.rename(path.with_name(f".{path.name}"))
    path.symlink_to(path.with_name(f".{path.name}"))


DAMAGES = {truncate: "damaged", lengthen: "damaged", edit: "damaged", remove: "missing", replace_by_a_folder: "missing",
           replace_by_a_link: "missing"}  # fmt: skip


@pytest.mark.release
def test_every_one_of_two_hundred_damages_is_found_and_nothing_else(folders: Path) -> None:
    for trial in trials("damages", 1, 5):
        with trial as chance:
            DataFile.objects.all().delete()
            files = shelf_of(250)
            expected = {}
            for file in chance.sample(files, 170):
                damage = chance.choice(list(DAMAGES))
                damage(folders / file.path, chance)
                expected[file.file_name] = DAMAGES[damage]
            for number in range(30):
                stray = folders / str(chance.randrange(5)) / f"stray-{number}.fits"
                stray.parent.mkdir(exist_ok=True)
                stray.write_bytes(b"SIMPLE  =")
                expected[stray.name] = "unknown"
            assert len(expected) == 200
            reading = services.begin_verification(anew=True)
            assert len(list(services.verify_shelf(reading))) == 250
            assert {row["fileName"]: row["state"] for row in reading.found} == expected
            counts = Counter(expected.values())
            assert (reading.damaged_count, reading.missing_count) == (counts["damaged"], counts["missing"])
            assert (reading.unknown_count, reading.file_count) == (30, 250)
            states = dict(DataFile.objects.exclude(state="held").values_list("file_name", "state"))
            assert states == {name: state for name, state in expected.items() if state != "unknown"}
            for path in folders.rglob("stray-*"):
                path.unlink()


def test_a_file_the_disk_cannot_read_is_damaged_and_the_others_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = shelf_of(2)
    real = Path.open

    def broken(self: Path, *arguments: Any, **named: Any) -> Any:
        if self.name == first.file_name:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(self, *arguments, **named)

    monkeypatch.setattr(Path, "open", broken)
    found = {checked.file.pk: (checked.state, checked.why) for checked in services.verify_files(DataFile.objects.all())}
    assert found == {first.pk: ("damaged", "it cannot be read: Input/output error"), second.pk: ("held", "")}


def test_what_is_about_to_be_recorded_is_not_unknown(folders: Path) -> None:
    coming = TransferFactory(state=JobState.VERIFYING)
    (folders / "2733").mkdir(parents=True)
    (folders / "2733" / coming.file_name).write_bytes(b"bytes")
    assert run() == (0, "0 files read, 0 not as they should be.\n")


def test_a_file_fetched_anew_while_it_was_read_is_not_marked_by_what_was_read() -> None:
    (file,) = shelf_of(1)
    before = DataFile.objects.get()
    DataFile.objects.update(fetched_at=verification.Now())
    verification.records.mark(before, DataFile.State.DAMAGED)
    file.refresh_from_db()
    assert file.state == "held"


# --- going on ---------------------------------------------------------------------------------------------------


def test_a_reading_that_was_stopped_goes_on_where_it_was() -> None:
    files = shelf_of(6)
    stopped = services.begin_verification()
    for number, _ in enumerate(services.verify_shelf(stopped), start=1):
        if number == 2:
            break
    assert services.left_to_verify(Verification.objects.get()) == (4, 12_000)
    (services.file_path(files[0])).unlink()
    code, words = run()
    assert code == 0, "what was read before is not read again"
    assert words.startswith("Going on after the 2 files read since ")
    assert "6 files read, 0 not as they should be." in words
    assert Verification.objects.get().ended_at is not None
    code, words = run()
    assert (code, Verification.objects.count()) == (1, 2)
    assert "6 files read, 1 not as they should be." in words


def test_a_reading_can_be_begun_anew() -> None:
    shelf_of(2)
    next(iter(services.verify_shelf(services.begin_verification())))
    assert run("--anew") == (0, "2 files read, 0 not as they should be.\n")


def test_a_second_reading_of_the_same_shelf_gives_way() -> None:
    shelf_of(3)
    first = iter(services.verify_shelf(services.begin_verification()))
    second = iter(services.verify_shelf(services.begin_verification()))
    next(first)
    with pytest.raises(errors.AlreadyClaimed):
        next(second)
    assert len(list(first)) == 2


def test_reading_keeps_to_its_rate() -> None:
    shelf_of(4)
    began = time.monotonic()
    pace = services.verification_pace(0.02)
    assert len(list(services.verify_shelf(services.begin_verification(), pace.took))) == 4
    assert time.monotonic() - began >= 12_000 / 20_000


def test_a_rate_of_nought_is_no_rate(settings: Any) -> None:
    settings.VERIFY_MB_PER_S = 0.0
    began = time.monotonic()
    services.verification_pace().took(10**15)
    assert time.monotonic() - began < 5


def test_progress_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from mast.management.commands import archive_verify

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(archive_verify, "TELL_EVERY_S", 0)
    shelf_of(3)
    err = Terminal()
    call_command("archive_verify", stdout=io.StringIO(), stderr=err)
    assert "100%  3 of 3 files" in err.getvalue()
    assert err.getvalue().endswith("\r\x1b[K3 files read, 0 not as they should be.\n")


# --- how it stands ----------------------------------------------------------------------------------------------


def test_health_says_when_the_shelf_was_last_read_and_what_was_found(folders: Path) -> None:
    part = health.files()
    assert (part.ok, part.facts) == (True, {"held": 0, "damaged": 0, "missing": 0})
    assert part.message.startswith("No verification has read the whole shelf yet")
    files = shelf_of(3)
    (folders / files[0].path).unlink()
    (folders / "stray.fits").write_bytes(b"?")
    run()
    part = health.files()
    assert not part.ok
    assert part.message.startswith("1 file is not whole (1 missing): fetch again. Last verification ")
    assert part.message.endswith(": 3 files read, 1 missing, 1 unknown found.")
    assert part.facts["last_verification"]["files"] == 3
    answer = Client().get("/api/health").json()
    assert answer["parts"]["files"]["facts"]["last_verification"]["missing"] == 1


# --- fetched again ----------------------------------------------------------------------------------------------


@pytest.fixture
def imported(little: LittleMast, serve: Serve, transactional_db: None, valkey: Any) -> Any:
    """MAST, and one file of it in the library."""
    server = serve(little.observation(OBS_ID, 1).product(1, I2D, size=MB))
    services.start_import(ImportRequest(OBS_ID))
    importer.run([Transfer.objects.get().pk])
    assert DataFile.objects.get().state == "held"
    server.reset()
    return server


def spoil(file: DataFile) -> bytes:
    """Edit it; what it was."""
    path = services.file_path(file)
    content = path.read_bytes()
    path.chmod(0o644)
    edit(path, random.Random(1))
    return content


def by_page(client: Client, file: DataFile) -> None:
    assert "Fetch again" in client.get(reverse("file", args=[file.pk])).text
    assert client.post(reverse("fetch-again", args=[file.pk])).url == reverse("imports")


def by_the_list_of_all(client: Client, file: DataFile) -> None:
    page = client.get(reverse("imports")).text
    assert file.file_name in page.replace("<wbr>", "")
    assert "Fetch all again" in page
    client.post(reverse("fetch-all-again"))


def by_api(client: Client, file: DataFile) -> None:
    answer = client.post(f"/api/files/{file.pk}/fetch-again", content_type="application/json")
    assert answer.status_code == 202
    assert answer.json()["jobs"][0]["obsId"] == OBS_ID


def by_one_call_for_all(client: Client, _file: DataFile) -> None:
    assert client.post("/api/files/fetch-again", content_type="application/json").json()["fileCount"] == 1


def by_the_admin(client: Client, file: DataFile) -> None:
    client.force_login(User.objects.create_superuser("admin"))
    data = {"action": "fetch_again", "_selected_action": [file.pk]}
    page = client.post(reverse("admin:mast_datafile_changelist"), data, follow=True)
    assert "1 file to fetch again" in page.text


def by_command(_client: Client, _file: DataFile) -> None:
    assert run("--fetch-again", "--anew")[0] == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "way",
    [by_page, by_the_list_of_all, by_api, by_one_call_for_all, by_the_admin, by_command],
    ids=lambda way: way.__name__,
)
def test_a_damaged_file_is_one_click_or_one_call_from_being_fetched_again(
    imported: Any, client: Client, way: Callable[[Client, DataFile], None]
) -> None:
    file = DataFile.objects.get()
    content = spoil(file)
    assert run()[0] == 1
    imported.unavailable = True  # what to fetch is known: MAST need not say
    way(client, file)
    imported.unavailable = False
    job = ImportJob.objects.first()
    assert job is not None
    assert (job.state, job.total_files) == (JobState.QUEUED, 1)
    importer.run([Transfer.objects.get().pk])
    job.refresh_from_db()
    assert job.state == JobState.COMPLETE
    file.refresh_from_db()
    assert (file.state, services.file_path(file).read_bytes()) == ("held", content)
    assert run()[0] == 0
    assert health.files().ok


@pytest.mark.django_db(transaction=True)
def test_a_file_replaced_by_a_link_is_a_file_again(imported: Any, folders: Path) -> None:
    file = DataFile.objects.get()
    replace_by_a_link(folders / file.path, random.Random(1))
    assert run("--fetch-again")[0] == 0
    importer.run([Transfer.objects.get().pk])
    assert not (folders / file.path).is_symlink()
    assert run()[0] == 0


@pytest.mark.django_db(transaction=True)
def test_asking_twice_is_one_job_and_takes_in_what_was_found_since(imported: Any) -> None:
    first = DataFile.objects.get()
    second = on_disk(DataFileFactory(observation=first.observation))
    DataFile.objects.filter(pk=first.pk).update(state="damaged")
    (job,) = services.fetch_again([DataFile.objects.get(pk=first.pk)])
    DataFile.objects.filter(pk=second.pk).update(state="missing")
    (again,) = services.fetch_again(list(services.wrong_files()))
    assert (again.pk, again.total_files) == (job.pk, 2)
    assert Transfer.objects.filter(state=JobState.QUEUED).count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_at_once_both_are_served(imported: Any) -> None:
    DataFile.objects.update(state="damaged")
    barrier, got = threading.Barrier(2), []

    def ask() -> None:
        barrier.wait(10)
        got.append(services.fetch_again(list(services.wrong_files()))[0].pk)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 2
    assert len(set(got)) == 1


def test_a_file_that_is_whole_is_not_fetched_again(client: Client) -> None:
    (file,) = shelf_of(1)
    answer = client.post(f"/api/files/{file.pk}/fetch-again", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (409, "job.wrong_state")
    assert client.post("/api/files/fetch-again", content_type="application/json").json() == {"fileCount": 0, "jobs": []}


def test_without_room_nothing_is_fetched_again(client: Client, settings: Any) -> None:
    (file,) = shelf_of(1)
    DataFile.objects.update(state="missing")
    settings.STORAGE_MIN_FREE_GB = 1e6
    answer = client.post(f"/api/files/{file.pk}/fetch-again", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (507, "disk.full")
    assert not ImportJob.objects.exists()
