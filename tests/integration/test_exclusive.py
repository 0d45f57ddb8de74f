"""Exclusive-access data: seen by those who may, at every door, until the day it is everybody's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from mast import acting, credentials, errors, services, tokens, visibility
from mast.acting import Actor
from mast.imports import importer
from mast.models import DataFile, ImportJob, MastToken, Observation, Transfer, Trust
from mast.services import ImportRequest, accounts
from mast.terms import JobState
from tests.factories import DataFileFactory, JobFactory, ObservationFactory, TransferFactory, on_disk
from tests.integration.little_mast import LittleMast
from tests.pages import page_of
from tests.people import person

pytestmark = pytest.mark.django_db
OBS_ID = "jw09999-o001_t001_nircam_clear-f090w"
FILE = f"{OBS_ID}_i2d.fits"
RELEASE = datetime(2032, 6, 1, tzinfo=UTC)
RELEASE_MJD = (RELEASE - datetime(1858, 11, 17, tzinfo=UTC)).total_seconds() / 86400


@pytest.fixture(autouse=True)
def _with_logins(settings: Any, folders: Path) -> None:
    settings.ACCESS = "login"


@pytest.fixture
def people() -> dict[str, User]:
    roles = {"owner": "importer", "friend": "viewer", "other": "curator", "boss": "admin"}
    made = {name: person(name, role) for name, role in roles.items()}
    Trust.objects.create(owner=made["owner"], trusted=made["friend"])
    return made


@pytest.fixture
def secret(people: dict[str, User]) -> DataFile:
    """A file that `owner` fetched with a token of their own, and the job that brought it."""
    observation = ObservationFactory(
        obs_id=OBS_ID, data_rights="EXCLUSIVE_ACCESS", t_obs_release_mjd=RELEASE_MJD, target_name="HIDDEN-TARGET"
    )
    file = on_disk(DataFileFactory(observation=observation, file_name=FILE, data_rights="EXCLUSIVE_ACCESS"))
    file.readers.add(people["owner"])
    job = JobFactory(
        observation=observation, owner=people["owner"], is_exclusive=True, state=JobState.FAILED, obs_id=OBS_ID
    )
    transfer = TransferFactory(file_name=FILE, data_rights="EXCLUSIVE_ACCESS", file=file, state=JobState.COMPLETE)
    job.items.create(transfer=transfer)
    return file


def doors(file: DataFile, job: ImportJob) -> dict[str, str]:
    """Every address that could tell of the file; lists tell by what they hold, the others by their status."""
    return {
        "list": "/api/files",
        "list of observations": "/api/observations",
        "csv": "/api/files?format=csv",
        "votable": "/api/observations?format=votable",
        "search by text": f"/api/files?q={OBS_ID}",
        "detail": f"/api/files/{file.pk}",
        "observation": f"/api/observations/{OBS_ID}",
        "download": f"/api/files/{file.pk}/download",
        "preview": f"/api/files/{file.pk}/preview",
        "header": f"/api/files/{file.pk}/header",
        "table": f"/api/files/{file.pk}/table",
        "jobs": "/api/mast/imports",
        "progress": f"/api/mast/import-progress/{job.pk}",
        "library page": "/",
        "library page, filtered": "/?q=HIDDEN",
        "observation page": f"/observations/{OBS_ID}/",
        "file page": f"/files/{file.pk}/",
        "view": f"/files/{file.pk}/view/",
        "imports page": "/imports/",
        "job page": f"/imports/{job.pk}/",
        "poll": f"/imports/{job.pk}/progress/",
    }


def tells(client: Client, path: str) -> bool:
    """Whether the answer gives the file, its observation or its job away."""
    response = client.get(path)
    if response.status_code == 404:
        return False
    content = b"".join(response) if response.streaming else response.content
    body = content.decode("latin-1")
    if response.status_code == 200 and "/download" in path:
        return True
    return OBS_ID in body or "HIDDEN-TARGET" in body or response.status_code == 409


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def telling(user: User, file: DataFile) -> set[str]:
    job = ImportJob.objects.get(is_exclusive=True)
    client = client_of(user)
    return {name for name, path in doors(file, job).items() if tells(client, path)}


@pytest.mark.parametrize("name", ["owner", "friend"])
def test_who_fetched_it_and_whom_they_name_see_it_at_every_door(
    people: dict[str, User], secret: DataFile, name: str
) -> None:
    assert telling(people[name], secret) == set(doors(secret, ImportJob.objects.get()))


@pytest.mark.parametrize("name", ["other", "boss"])
def test_to_everybody_else_there_is_nothing_at_any_door(people: dict[str, User], secret: DataFile, name: str) -> None:
    assert telling(people[name], secret) == set()


@pytest.mark.parametrize("name", ["other", "boss"])
def test_the_admin_has_no_such_row_either(people: dict[str, User], secret: DataFile, name: str) -> None:
    client, job = client_of(people[name]), ImportJob.objects.get()
    for model in ("datafile", "observation", "importjob", "transfer"):
        assert OBS_ID not in client.get(f"/admin/mast/{model}/").content.decode()
    for model, pk in (("datafile", secret.pk), ("observation", secret.observation_id), ("importjob", job.pk)):
        # Django leads from a record that is not there to its index, and says that there is none.
        assert client.get(f"/admin/mast/{model}/{pk}/change/").status_code == 302


@pytest.mark.parametrize(("name", "may_open"), [("other", False), ("boss", True)])
def test_what_opens_exclusive_files_is_the_administrators_to_correct(
    people: dict[str, User], secret: DataFile, name: str, may_open: bool
) -> None:
    secret.readers.set([people[name]])
    client = client_of(people[name])
    for model, pk, column in (
        ("observation", secret.observation_id, "t_obs_release_mjd"),
        ("datafile", secret.pk, "data_rights"),
    ):
        page = client.get(f"/admin/mast/{model}/{pk}/change/").content.decode()
        assert 'name="notes"' in page
        assert (f'name="{column}"' in page) is may_open


def test_a_curator_who_sends_the_release_date_all_the_same_changes_nothing(
    people: dict[str, User], secret: DataFile
) -> None:
    secret.readers.set([people["other"]])
    observation = secret.observation
    sent = {"target_name": "NGC 1", "t_obs_release_mjd": "50000", "data_rights": "PUBLIC", "calib_level": "3"}
    path = f"/admin/mast/observation/{observation.pk}/change/"
    assert client_of(people["other"]).post(path, sent).status_code == 302
    observation.refresh_from_db()
    assert (observation.target_name, observation.t_obs_release_mjd) == ("NGC 1", RELEASE_MJD)
    assert observation.data_rights == "EXCLUSIVE_ACCESS"


def test_the_outcome_of_a_job_leaves_out_what_its_reader_may_not_know_of(
    people: dict[str, User], secret: DataFile
) -> None:
    lines = [
        {"obs_id": name, "field": "filters", "old": "", "new": "F090W"} for name in (OBS_ID, FILE, "jw01000-o001_t001")
    ]
    result = {"changed": lines, "changedCount": 3, "failed": [{"obsId": OBS_ID, "reason": "MAST does not list it."}]}
    job = JobFactory(kind=ImportJob.Kind.REFRESH, obs_id="all", state=JobState.COMPLETE, result=result)
    for name, count in (("owner", 3), ("friend", 3), ("other", 1)):
        client = client_of(people[name])
        details = client.get(f"/api/mast/import-progress/{job.pk}").json()["result"]["details"]
        page = client.get(f"/imports/{job.pk}/").content.decode()
        assert len(details["changed"]) == count
        assert len(details["failed"]) == (count == 3)
        assert "jw01000-o001_t001" in page.replace("<wbr>", "")
        assert (OBS_ID in page.replace("<wbr>", "")) is (count == 3)


def test_the_archive_itself_reads_every_line(people: dict[str, User], secret: DataFile) -> None:
    assert visibility.hidden_names([OBS_ID, FILE]) == set()
    with acting.acting(Actor(people["other"])):
        assert visibility.hidden_names([OBS_ID, FILE, "jw01000"]) == {OBS_ID, FILE}


def test_an_answer_to_what_one_may_not_see_is_that_to_what_is_not_there(
    people: dict[str, User], secret: DataFile
) -> None:
    client, job = client_of(people["other"]), ImportJob.objects.get()
    unknown = "0b7e6d9c-9a3c-4d0b-8f3e-4e7d5c2b1a00"
    for hidden, absent in (
        (f"/api/files/{secret.pk}", "/api/files/999999999"),
        (f"/api/observations/{OBS_ID}", "/api/observations/jw00000"),
        (f"/api/mast/import-progress/{job.pk}", f"/api/mast/import-progress/{unknown}"),
    ):
        one, two = client.get(hidden), client.get(absent)
        ids = {str(secret.pk), OBS_ID, str(job.pk), "999999999", "jw00000", unknown}
        texts = [response.content.decode() for response in (one, two)]
        for number in sorted(ids, key=len, reverse=True):
            texts = [text.replace(number, "…") for text in texts]
        assert (one.status_code, texts[0]) == (two.status_code, texts[1])
    for action in ("cancel", "resume", "pause"):
        assert client.generic("POST", f"/api/mast/import/{action}/{job.pk}").status_code == 404


def test_on_the_day_of_its_release_it_is_everybodys_by_itself(people: dict[str, User], secret: DataFile) -> None:
    with time_machine.travel(RELEASE - timedelta(seconds=1), tick=False):
        assert not visibility.files(people["other"]).exists()
    with time_machine.travel(RELEASE, tick=False):
        assert visibility.files(people["other"]).get() == secret
        assert visibility.jobs(people["other"]).exists()
        assert visibility.observations(people["other"]).exists()


def test_a_release_date_nobody_knows_never_comes(people: dict[str, User], secret: DataFile) -> None:
    Observation.objects.update(t_obs_release_mjd=None)
    assert not visibility.files(people["other"]).exists()


def test_trust_taken_back_is_taken_back(people: dict[str, User], secret: DataFile) -> None:
    accounts.distrust(people["owner"], Trust.objects.get().pk)
    assert telling(people["friend"], secret) == set()


def test_what_the_sites_token_brought_is_the_administrators(people: dict[str, User], secret: DataFile) -> None:
    secret.readers.clear()
    seen = {name for name, user in people.items() if visibility.files(user).exists()}
    assert seen == {"boss"}


def test_a_curator_who_removes_an_observation_leaves_what_they_do_not_know_of(
    people: dict[str, User], secret: DataFile
) -> None:
    shared = on_disk(DataFileFactory(observation=secret.observation))
    with acting.acting(Actor(people["other"])):
        assert services.remove_observations([OBS_ID]).file_ids == [shared.pk]
    assert DataFile.objects.get() == secret
    assert not visibility.observations(people["other"]).exists()


def test_the_trash_tells_nothing_of_exclusive_files(people: dict[str, User], secret: DataFile) -> None:
    keeper = person("keeper", "curator")
    secret.readers.add(keeper)
    public = on_disk(DataFileFactory())
    with acting.acting(Actor(keeper)):
        services.discard(services.plan_file_removal([public.pk]), keeper)
        hidden = services.discard(services.plan_file_removal([secret.pk]), keeper)
    for name in ("other", "boss"):
        page = page_of(client_of(people[name]).get("/trash/"))
        assert public.file_name in page.text
        assert FILE not in page.text
        assert OBS_ID not in page.text
        for action in ("restore", "empty"):
            assert client_of(people[name]).post(f"/trash/{hidden.pk}/{action}/").status_code == 404
    assert FILE in page_of(client_of(keeper).get("/trash/")).text
    assert client_of(keeper).post(f"/trash/{hidden.pk}/restore/").status_code == 302
    assert DataFile.objects.filter(file_name=FILE).exists()


def test_without_logins_the_page_of_a_job_says_whom_its_exclusive_files_are_for(
    people: dict[str, User], secret: DataFile, settings: Any
) -> None:
    settings.ACCESS = "open"
    secret.readers.clear()
    ImportJob.objects.update(is_exclusive=False, owner=None)
    job = ImportJob.objects.get()
    words = "1 file of this import is under exclusive access"
    assert words in page_of(Client().get(f"/imports/{job.pk}/")).text
    assert words not in page_of(client_of(people["boss"]).get(f"/imports/{job.pk}/")).text
    assert client_of(people["boss"]).get(f"/files/{secret.pk}/").status_code == 200


# --- tokens -----------------------------------------------------------------------------------------------------


def test_a_token_is_kept_so_that_the_database_alone_tells_nothing(people: dict[str, User], settings: Any) -> None:
    credentials.store(people["owner"], "a-token-of-mine")
    row = MastToken.objects.get()
    assert b"a-token-of-mine" not in bytes(row.sealed)
    found = credentials.of_user(people["owner"])
    assert found is not None
    assert found.token == "a-token-of-mine"
    assert "a-token" not in repr(found)
    settings.SECRET_KEY = "another key"
    assert credentials.of_user(people["owner"]) is None


@pytest.mark.parametrize("token", ["", "short", "two words here", "a\nline-break-in-it", "x" * 600, "naïve-token"])
def test_what_cannot_be_a_token_is_refused_and_not_repeated(people: dict[str, User], token: str) -> None:
    with pytest.raises(errors.BadQuery) as caught:
        credentials.store(people["owner"], token)
    assert not token or token not in str(caught.value)


def test_the_sites_token_is_the_administrators(people: dict[str, User], settings: Any) -> None:
    settings.MAST_API_TOKEN = "the-site"
    assert credentials.of_user(people["owner"]) is None
    assert credentials.of_user(people["boss"]) == credentials.Credential("the-site")
    assert credentials.of_user(None) == credentials.Credential("the-site")


Begin = Callable[[User], ImportJob]


@pytest.fixture
def begin(serve: Callable[[LittleMast], Any], little: LittleMast) -> Begin:
    """Start the import of an observation with one public and one exclusive file, as a user."""
    little.observation(OBS_ID, 1, rights="EXCLUSIVE_ACCESS", t_obs_release=RELEASE_MJD, proposal_id="9999")
    little.product(1, FILE, rights="EXCLUSIVE_ACCESS", proposal_id="9999")
    little.product(1, f"{OBS_ID}_segm.fits", kind="SCIENCE", proposal_id="9999")
    server = serve(little)

    def start(user: User) -> ImportJob:
        with acting.acting(Actor(user)):
            return services.start_import(ImportRequest(OBS_ID), user).job

    start.server = server  # type: ignore[attr-defined]
    return start


def bring(job: ImportJob) -> None:
    """Its heart beats from a thread of its own, which sees only what is committed."""
    importer.run(list(Transfer.objects.filter(items__job=job).values_list("pk", flat=True)))
    job.refresh_from_db()


@pytest.mark.django_db(transaction=True)
def test_without_a_token_the_exclusive_file_is_left_out_and_named(people: dict[str, User], begin: Begin) -> None:
    job = begin(people["other"])
    bring(job)
    assert job.state == JobState.COMPLETE
    assert [row["reason"] for row in job.skipped] == ["exclusive to its proposers until 2032-06-01"]
    assert not job.is_exclusive


@pytest.mark.django_db(transaction=True)
def test_with_a_token_of_ones_own_it_comes_and_is_ones_own(people: dict[str, User], begin: Begin) -> None:
    credentials.store(people["owner"], begin.server.token)  # type: ignore[attr-defined]
    job = begin(people["owner"])
    bring(job)
    assert job.state == JobState.COMPLETE
    file = DataFile.objects.get(file_name=FILE)
    assert list(file.readers.all()) == [people["owner"]]
    assert not DataFile.objects.get(file_name__endswith="segm.fits").readers.exists()
    assert visibility.jobs(people["friend"]).exists()
    assert not visibility.jobs(people["other"]).exists()


def test_a_token_that_stopped_working_is_told_before_anything_starts(people: dict[str, User], begin: Begin) -> None:
    credentials.store(people["owner"], "this-one-is-old")
    with pytest.raises(errors.MastTokenRefused, match="stopped working"):
        begin(people["owner"])
    assert not ImportJob.objects.exists()
    token = accounts.mast_token(people["owner"])
    assert token is not None
    assert token.is_refused


@pytest.mark.django_db(transaction=True)
def test_a_second_owner_of_the_rights_sees_the_file_without_another_download(
    people: dict[str, User], begin: Begin
) -> None:
    for name in ("owner", "other"):
        credentials.store(people[name], begin.server.token)  # type: ignore[attr-defined]
        job = begin(people[name])
        bring(job)
        assert job.state == JobState.COMPLETE
    assert DataFile.objects.get(file_name=FILE).readers.count() == 2
    assert visibility.files(people["other"]).filter(file_name=FILE).exists()


def test_nobody_joins_an_import_they_may_not_know_of(people: dict[str, User], begin: Begin) -> None:
    credentials.store(people["owner"], begin.server.token)  # type: ignore[attr-defined]
    own = begin(people["owner"])
    assert begin(people["other"]).pk != own.pk
    assert begin(people["owner"]).pk == own.pk


@pytest.mark.django_db(transaction=True)
def test_a_plan_does_not_say_that_a_hidden_file_is_held(people: dict[str, User], begin: Begin) -> None:
    credentials.store(people["owner"], begin.server.token)  # type: ignore[attr-defined]
    bring(begin(people["owner"]))
    with acting.acting(Actor(people["other"])):
        plan = services.preview_import(ImportRequest(OBS_ID))
        assert FILE not in {file.row.file_name for file in plan.files}
        assert services.check_files(OBS_ID).file_count == 1


def test_a_read_only_api_token_sees_what_its_owner_sees(people: dict[str, User], secret: DataFile) -> None:
    for name, status in (("owner", 200), ("other", 404)):
        _, key = tokens.make(people[name], "script", "read")
        answer = Client().get(f"/api/files/{secret.pk}", headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == status
