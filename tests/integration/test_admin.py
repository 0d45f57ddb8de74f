"""Django's admin: records are fixed here, and what a person corrected survives the next refresh."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from mast import conf, services, tokens
from mast.models import ApiToken, DataFile, ImportJob, Observation, Tag
from mast.terms import JobState
from tests.factories import DataFileFactory, JobFactory, ObservationFactory, TransferFactory, on_disk
from tests.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folders", "valkey")]
GUIDE = "jw02733-o001_t001_nircam_clear-f090w"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("keeper"))
    return client


def act(admin: Client, model: str, action: str, *rows: Any, **fields: str) -> Any:
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows], **fields}
    return admin.post(f"/admin/mast/{model}/", data, follow=True)


def said(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def form_of(admin: Client, address: str) -> dict[str, Any]:
    """What the change form would send back untouched."""
    fields = admin.get(address).context["adminform"].form
    return {name: "" if (value := fields[name].value()) is None else value for name in fields.fields}


# --- every page opens -------------------------------------------------------------------------------------------


def test_every_list_and_record_opens(admin: Client) -> None:
    file = DataFileFactory(observation__raw={"t_min": 59733.5}, plan={"kind": "fits"})
    rows = [file, file.observation, JobFactory(), TransferFactory(), Tag.objects.create(name="ring")]
    for row in rows:
        model = row._meta.model_name
        assert admin.get(f"/admin/mast/{model}/").status_code == 200
        answer = admin.get(f"/admin/mast/{model}/{row.pk}/change/")
        assert answer.status_code == 200
        assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert admin.get("/admin/mast/apitoken/").status_code == 200
    assert admin.get("/admin/mast/cachedsearch/").status_code == 200


@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("observation", "?q=3132&calib_level=3&observed_at__year=2022"),
        ("datafile", "?q=i2d&badge=image&state=held"),
        ("importjob", "?q=jw02733&state=queued"),
    ],
)
def test_lists_are_searched_and_filtered(admin: Client, model: str, query: str) -> None:
    DataFileFactory()
    JobFactory()
    assert admin.get(f"/admin/mast/{model}/{query}").status_code == 200


def test_dates_are_written_as_on_every_page(admin: Client) -> None:
    file = DataFileFactory(fetched_at=dt.datetime(2026, 3, 4, 15, 6, 7, tzinfo=dt.UTC))
    page = admin.get(f"/admin/mast/datafile/{file.pk}/change/").content.decode()
    assert "2026-03-04 15:06:07" in page
    assert "p.m." not in page


def test_a_list_costs_the_same_for_few_and_many(admin: Client, django_assert_max_num_queries: Any) -> None:
    DataFileFactory.create_batch(20)
    with django_assert_max_num_queries(14):
        admin.get("/admin/mast/datafile/")
    with django_assert_max_num_queries(14):
        admin.get("/admin/mast/observation/")


def test_raw_fields_are_shown_in_full_and_as_text(admin: Client) -> None:
    row = ObservationFactory(raw={"obs_title": "<script>alert(1)</script>"})
    text = admin.get(f"/admin/mast/observation/{row.pk}/change/").content.decode()
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert(1)" not in text


# --- corrections ------------------------------------------------------------------------------------------------


def test_a_corrected_target_survives_the_next_refresh(admin: Client, archive: Any) -> None:
    row = ObservationFactory(obs_id=GUIDE, obsid="87602454", target_name="NGC-3132", filters="WRONG")
    address = f"/admin/mast/observation/{row.pk}/change/"
    admin.post(address, {**form_of(admin, address), "target_name": "Southern Ring", "tags": []})
    row.refresh_from_db()
    assert row.edited_fields == ["target_name"]
    services.refresh_observation(GUIDE)
    row.refresh_from_db()
    assert (row.target_name, row.filters) == ("Southern Ring", "F090W")


def test_a_correction_can_be_given_back_to_mast(admin: Client, archive: Any) -> None:
    row = ObservationFactory(obs_id=GUIDE, obsid="87602454", target_name="Mine", edited_fields=["target_name"])
    act(admin, "observation", "forget_corrections", row)
    act(admin, "observation", "refresh_metadata", row)
    row.refresh_from_db()
    assert (row.target_name, row.edited_fields) == ("NGC-3132", [])


def test_saving_without_a_change_protects_nothing(admin: Client) -> None:
    row = ObservationFactory()
    address = f"/admin/mast/observation/{row.pk}/change/"
    admin.post(address, {**form_of(admin, address), "tags": []})
    row.refresh_from_db()
    assert row.edited_fields == []


def test_a_file_marked_as_table_stays_one_and_the_history_says_who(admin: Client) -> None:
    file = DataFileFactory(badge="image")
    assert "Marked as table" in said(act(admin, "datafile", "mark_table", file))
    file.refresh_from_db()
    assert file.badge == "table"
    assert "badge" in file.edited_fields
    entry = LogEntry.objects.get(object_id=str(file.pk))
    assert (entry.user.username, entry.change_message) == ("keeper", "Marked as table")


def test_measured_facts_cannot_be_edited(admin: Client) -> None:
    file = DataFileFactory()
    assert not {"sha256", "size_bytes", "path", "proof"} & set(
        form_of(admin, f"/admin/mast/datafile/{file.pk}/change/")
    )


# --- actions ----------------------------------------------------------------------------------------------------


def test_refreshing_one_that_mast_does_not_know_leaves_the_others_alone(admin: Client, archive: Any) -> None:
    known = ObservationFactory(obs_id=GUIDE, obsid="87602454")
    unknown = ObservationFactory(obs_id="jw00001-o001_t001_nircam_x", obsid="1")
    words = said(act(admin, "observation", "refresh_metadata", unknown, known))
    assert "jw00001-o001" in words
    known.refresh_from_db()
    assert known.refreshed_at


def test_verifying_reads_the_bytes_and_marks_what_changed(admin: Client) -> None:
    good, bad = on_disk(DataFileFactory()), on_disk(DataFileFactory())
    (conf.files_dir() / bad.path).write_bytes(b"other")
    words = said(act(admin, "datafile", "verify", good, bad))
    assert f"{good.file_name}: every byte is as it was registered" in words
    states = dict(DataFile.objects.values_list("pk", "state"))
    assert states == {good.pk: "held", bad.pk: "damaged"}


def test_jobs_are_cancelled_and_resumed(admin: Client) -> None:
    job = JobFactory(state=JobState.QUEUED)
    act(admin, "importjob", "cancel", job)
    assert ImportJob.objects.get().state == JobState.CANCELLED
    assert "Resumed" in said(act(admin, "importjob", "resume", job))


@pytest.mark.parametrize("model", ["observation", "datafile", "importjob"])
def test_a_selection_is_exported_as_csv_that_a_spreadsheet_runs_nothing_of(admin: Client, model: str) -> None:
    row = DataFileFactory(observation__target_name="=cmd()")
    rows = {"observation": row.observation, "datafile": row, "importjob": JobFactory()}
    response = act(admin, model, "export_csv", rows[model])
    assert response["Content-Type"].startswith("text/csv")
    lines = response.content.decode().splitlines()
    assert len(lines) == 2
    assert ",=cmd()" not in lines[1]


# --- deleting ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tick", "stays"), [({"delete_bytes": "1"}, False), ({}, True)])
def test_deleting_a_file_asks_about_its_bytes(admin: Client, tick: dict[str, str], stays: bool) -> None:
    file = on_disk(DataFileFactory())
    address = f"/admin/mast/datafile/{file.pk}/delete/"
    assert "Delete the bytes" in admin.get(address).content.decode()
    admin.post(address, {"post": "yes", **tick})
    assert not DataFile.objects.exists()
    assert (conf.files_dir() / file.path).exists() is stays


def test_deleting_several_files_shows_their_sizes(admin: Client) -> None:
    files = [on_disk(DataFileFactory(), b"x" * 2000) for _ in range(2)]
    page = act(admin, "datafile", "delete_selected", *files).content.decode()
    assert page.count("2.00 kB") == 2
    act(admin, "datafile", "delete_selected", *files, post="yes", delete_bytes="1")
    assert not DataFile.objects.exists()
    assert not (conf.files_dir() / files[0].path).exists()


def test_an_observation_goes_with_its_files_after_a_question(admin: Client) -> None:
    file = on_disk(DataFileFactory(), b"x" * 2000)
    page = act(admin, "observation", "remove", file.observation).content.decode()
    assert "2.00 kB" in page
    assert DataFile.objects.exists()
    act(admin, "observation", "remove", file.observation, confirmed="1")
    assert not Observation.objects.exists()
    assert not (conf.files_dir() / file.path).exists()


# --- tokens -----------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_works_and_can_be_revoked(admin: Client) -> None:
    user = User.objects.get(username="keeper")
    data = {"name": "pipeline", "user": user.pk, "scope": "import"}
    response = admin.post("/admin/mast/apitoken/add/", data, follow=True)
    token = ApiToken.objects.get()
    key = next(part.split("<")[0] for part in said(response).split(">") if part.startswith(token.prefix))
    assert tokens.find(key) == token
    assert key not in admin.get("/admin/mast/apitoken/").content.decode()
    act(admin, "apitoken", "revoke", token)
    assert tokens.find(key) is None


def test_an_administrator_makes_no_token_for_a_superuser(settings: Any) -> None:
    settings.ACCESS = "login"
    root, boss = User.objects.create_superuser("root-of-all"), person("boss", "admin")
    boss.is_staff = True
    boss.save()
    client = Client()
    client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    data = {"name": "mine now", "user": root.pk, "scope": "import"}
    assert client.post("/admin/mast/apitoken/add/", data).status_code == 200
    assert not ApiToken.objects.exists()
    assert client.post("/admin/mast/apitoken/add/", data | {"user": boss.pk}).status_code == 302
    assert ApiToken.objects.get().user == boss


# --- the practice archive ---------------------------------------------------------------------------------------


def test_the_admin_too_says_that_this_is_practice(admin: Client, settings: Any) -> None:
    settings.PRACTICE = True
    for address in ("/admin/", "/admin/mast/datafile/", "/", "/search/"):
        assert "PRACTICE ARCHIVE" in admin.get(address).content.decode()
