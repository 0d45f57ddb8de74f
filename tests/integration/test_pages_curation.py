"""Several rows of the library at once: by observation and by file, notes, lists, trash; and views that are kept."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard import library as pages
from dashboard.models import SavedView
from mast import conf, counts, keyset, services, tasks
from mast.imports import refresh, upkeep, verifyjob
from mast.imports import trash as trashing
from mast.library import FILE_ORDERS, Filters, Hits
from mast.models import DataFile, ImportJob, LibraryCount, Observation, Tag, Trash
from tests.factories import DataFileFactory, JobFactory, ObservationFactory, on_disk
from tests.integration.little_mast import LittleMast
from tests.pages import Element, page_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folders")]


@pytest.fixture(autouse=True)
def _patience(settings: Any) -> None:
    # The first question of a process loads astroquery, which takes a while on a busy machine.
    settings.MAST_TIMEOUT_S = 60.0


def get(client: Client, query: str = "") -> Element:
    return page_of(client.get(f"/{query}"))


def act(client: Client, action: str, **fields: Any) -> Any:
    return client.post("/library/bulk/", {"action": action, **fields})


@pytest.fixture
def pair() -> tuple[DataFile, DataFile]:
    """Two observations with one file each, whose bytes lie on disk."""
    return on_disk(DataFileFactory()), on_disk(DataFileFactory(suffix="cat", badge="table"))


# --- by file ----------------------------------------------------------------------------------------------------


def test_the_library_is_shown_by_file_with_its_proof(client: Client, pair: tuple[DataFile, DataFile]) -> None:
    page = get(client, "?view=files")
    rows = page.one("tbody").find("tr")
    assert {row.find("a", class_="mono")[0].text for row in rows} == {file.file_name for file in pair}
    assert all(row.find("a", class_="obs") for row in rows)
    headings = [cell.text for cell in page.one("thead").find("th")]
    assert headings[2:6] == ["File", "Level", "Size", "Target"]
    assert "Verified (UTC)" in headings


@pytest.mark.parametrize("ordering", ["fileSize", "-fileSize", "fileName", "-fetchedAt", "calibrationLevel"])
def test_pages_by_file_in_any_order_show_every_file_once(client: Client, ordering: str) -> None:
    row = ObservationFactory()
    for number in range(120):
        DataFileFactory(observation=row, size_bytes=number % 7, calib_level=None if number % 3 == 0 else 2)
    seen: list[str] = []
    address = f"?view=files&ordering={ordering}"
    while address:
        page = get(client, address)
        seen += [link.text for link in page.one("tbody").find("a", class_="mono")]
        address = next((link["href"] for link in page.find("a") if link.text == "Next page"), "")
    assert len(seen) == len(set(seen)) == 120


def test_columns_of_the_library_are_chosen_by_the_address(client: Client, pair: tuple[DataFile, DataFile]) -> None:
    by_observation = get(client, "?col=pi&col=notes")
    assert [cell.text for cell in by_observation.one("thead").find("th")][2:] == [
        "Observation", "PI", "Note", "Size", "Actions",
    ]  # fmt: skip
    by_file = get(client, "?view=files&col=proof&col=exposure")
    assert [cell.text for cell in by_file.one("thead").find("th")][2:] == ["File", "Proof", "Exposure (s)", "Actions"]


@pytest.mark.parametrize("where", ["tag", "note of the observation", "note of the file", "title", "PI", "file name"])
@pytest.mark.parametrize("view", ["observations", "files"])
def test_the_text_is_looked_for_in_names_titles_notes_and_tags(client: Client, where: str, view: str) -> None:
    fields = {"title": {"obs_title": "a Needle"}, "PI": {"proposal_pi": "Needle, A."}}
    row = ObservationFactory(notes="needle" if where == "note of the observation" else "", **fields.get(where, {}))
    name = {"file_name": "jw_needle_i2d.fits"} if where == "file name" else {}
    file = DataFileFactory(observation=row, notes="a needle" if where == "note of the file" else "", **name)
    DataFileFactory()
    if where == "tag":
        row.tags.add(Tag.objects.create(name="needles"))
    page = get(client, f"?q=needle&view={view}")
    assert [link.text for link in page.find("a", class_="mono")] == [file.file_name]


# --- several at once --------------------------------------------------------------------------------------------


def test_files_are_tagged_and_noted_apart_from_their_observations(
    client: Client, pair: tuple[DataFile, DataFile]
) -> None:
    first, second = pair
    act(client, "tag", file=[first.pk], tag="odd")
    act(client, "note", file=[first.pk, second.pk], tag="flat field of 2024")
    act(client, "note", file=[first.pk], tag="looked at")
    first.refresh_from_db()
    assert [tag.name for tag in first.tags.all()] == ["odd"]
    assert first.notes == "flat field of 2024\nlooked at"
    assert first.observation.notes == ""
    act(client, "untag", file=[first.pk], tag="odd")
    assert not first.tags.exists()


def test_all_that_match_are_chosen_without_ticking_them(client: Client) -> None:
    wanted = [DataFileFactory(observation=ObservationFactory(proposal_id="1111")) for _ in range(60)]
    DataFileFactory(observation=ObservationFactory(proposal_id="2222"))
    page = get(client, "?program=1111")
    form = page.one("form", id="chosen")
    assert "all that match (60)" in form.text
    act(client, "tag", all="1", matching=form.one("input", name="matching")["value"], tag="mine")
    assert Tag.objects.get(name="mine").observations.count() == len(wanted)
    act(client, "tag", all="1", matching="view=files&program=2222", tag="other")
    assert Tag.objects.get(name="other").files.count() == 1


@pytest.mark.parametrize(("action", "text"), [("note", " "), ("tag", ""), ("explode", "x")])
def test_an_action_on_files_that_cannot_be_done_says_why(
    client: Client, pair: tuple[DataFile, DataFile], action: str, text: str
) -> None:
    page_of(act(client, action, file=[pair[0].pk], tag=text), 422)


def test_numbers_that_are_no_files_select_nothing(client: Client, pair: tuple[DataFile, DataFile]) -> None:
    response = client.post("/library/bulk/", {"action": "tag", "tag": "x", "file": ["0", "abc", "9" * 40]}, follow=True)
    assert "Select at least one file first." in page_of(response).text


def test_ten_thousand_ticks_are_taken_and_not_one_more(client: Client, pair: tuple[DataFile, DataFile]) -> None:
    many = [pair[0].pk, *range(10**9, 10**9 + 9_999)]
    assert act(client, "tag", file=many, tag="mine").status_code == 302
    assert Tag.objects.get(name="mine").files.count() == 1
    page = page_of(act(client, "tag", file=[*many, pair[1].pk], tag="mine"), 422)
    assert "10,001 are selected; 10,000 at most" in page.text


def test_a_download_list_comes_in_three_forms(client: Client, pair: tuple[DataFile, DataFile]) -> None:
    DataFile.objects.update(raw={"prvversion": "1.14.0"})
    shell = act(client, "list", file=[file.pk for file in pair], form="shell")
    subprocess.run(["sh", "-n"], input=shell.content, check=True)
    python = act(client, "list", file=[pair[0].pk], form="astroquery")
    assert 'filename="jwst-files.py"' in python["Content-Disposition"]
    compile(python.content, "list", "exec")
    assert pair[0].data_uri in python.content.decode()
    manifest = act(client, "list", obs_id=[pair[0].observation.obs_id], form="manifest")
    (row,) = csv.DictReader(io.StringIO(manifest.content.decode()))
    assert row == {
        "uri": pair[0].data_uri,
        "file_name": pair[0].file_name,
        "size_bytes": "5",
        "sha256": pair[0].sha256,
        "calibration_version": "1.14.0",
        "obs_id": pair[0].product_obs_id,
    }
    assert act(client, "list", file=[pair[0].pk], form="tarball").status_code == 422


@pytest.mark.usefixtures("valkey")
def test_selected_files_are_read_again_as_a_job(client: Client, pair: tuple[DataFile, DataFile]) -> None:
    whole, broken = pair
    (conf.files_dir() / broken.path).chmod(0o644)
    (conf.files_dir() / broken.path).write_bytes(b"other")
    act(client, "verify", file=[whole.pk, broken.pk])
    job = ImportJob.objects.get(kind="verify")
    verifyjob.run(str(job.pk), lambda: False)
    job.refresh_from_db()
    assert job.state == "complete"
    assert job.message == "2 files read again, 1 not as they should be: import them again."
    broken.refresh_from_db()
    assert broken.state == DataFile.State.DAMAGED
    page = page_of(client.get(f"/imports/{job.pk}/"))
    assert page.one("h1").text == "Verification"
    assert broken.file_name in page.text


def test_no_cell_of_a_manifest_is_a_formula(client: Client, pair: tuple[DataFile, DataFile]) -> None:
    DataFile.objects.update(raw={"prvversion": "=cmd|'/c calc'!A1"})
    manifest = act(client, "list", obs_id=[pair[0].observation.obs_id], form="manifest")
    (row, *_) = csv.DictReader(io.StringIO(manifest.content.decode()))
    assert row["calibration_version"] == "'=cmd|'/c calc'!A1"


@pytest.mark.usefixtures("valkey")
def test_selected_observations_are_refreshed_as_a_job_that_says_what_changed(
    client: Client, serve: Callable[[LittleMast], Any], little: LittleMast
) -> None:
    row = ObservationFactory(obs_id="jw02733-o001_t001_nircam_clear-f090w", obsid="1", target_name="OLD")
    gone = ObservationFactory(obs_id="jw02733-o009_t001_nircam_clear-f090w")
    left_alone = ObservationFactory(obs_id="jw02733-o002_t001_nircam_clear-f090w", obsid="2", target_name="OLD")
    for each in (row, gone, left_alone):
        DataFileFactory(observation=each)
    little.observation(row.obs_id, 1, target_name="NEW")
    little.observation(left_alone.obs_id, 2, target_name="NEW")
    serve(little)
    response = act(client, "refresh", obs_id=[row.obs_id, gone.obs_id])
    words = page_of(client.get(response["Location"])).one("ul", class_="messages").text
    assert "To read again from MAST: 2 observations." in words
    job = ImportJob.objects.get(kind="refresh")
    refresh.run(str(job.pk), lambda: False)
    job.refresh_from_db()
    assert (job.state, job.result["updatedCount"]) == ("complete", 1)
    page = page_of(client.get(f"/imports/{job.pk}/"))
    assert "Refresh Metadata of 2 observations" in page.text
    assert "OLD" in page.text
    assert "NEW" in page.text
    assert "MAST does not list it any more." in page.text
    left_alone.refresh_from_db()
    assert left_alone.target_name == "OLD"
    for each, words in ((row, True), (left_alone, False)):
        history = page_of(client.get(f"/observations/{each.obs_id}/")).one("section", aria_labelledby="history-title")
        assert ("metadata asked for again" in history.text) == words


@pytest.mark.usefixtures("valkey")
def test_a_refresh_of_what_mast_lists_no_more_ends_and_says_so(
    client: Client, serve: Callable[[LittleMast], Any], little: LittleMast
) -> None:
    gone = ObservationFactory(obs_id="jw02733-o009_t001_nircam_clear-f090w")
    serve(little)
    act(client, "refresh", obs_id=[gone.obs_id])
    job = ImportJob.objects.get(kind="refresh")
    refresh.run(str(job.pk), lambda: False)
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("complete", "")
    assert job.result["failed"] == [{"obsId": gone.obs_id, "reason": "MAST does not list it any more."}]


@pytest.mark.usefixtures("valkey")
def test_a_refresh_of_some_that_its_worker_left_begins_again_with_the_same_ones(
    client: Client, serve: Callable[[LittleMast], Any], little: LittleMast
) -> None:
    rows = [ObservationFactory(obs_id=f"jw02733-o00{n}_t001_nircam_clear-f090w", obsid=str(n)) for n in (1, 2)]
    for number, row in enumerate(rows, start=1):
        little.observation(row.obs_id, number, target_name="NEW")
    serve(little)
    act(client, "refresh", obs_id=[rows[0].obs_id])
    job = ImportJob.objects.get(kind="refresh")
    refresh.run(str(job.pk), lambda: True)
    job.refresh_from_db()
    assert job.state == "queued"
    refresh.run(str(job.pk), lambda: False)
    for row in rows:
        row.refresh_from_db()
    assert [row.target_name == "NEW" for row in rows] == [True, False]


# --- trash ------------------------------------------------------------------------------------------------------


def test_what_was_removed_comes_back_as_it_was(client: Client) -> None:
    row, other = ObservationFactory(notes="keep"), ObservationFactory()
    row.tags.add(Tag.objects.create(name="ring"))
    own = on_disk(DataFileFactory(observation=row, notes="mine"))
    shared = on_disk(DataFileFactory(observation=row, listed_by=[row, other]))
    own.tags.add(Tag.objects.get(name="ring"))
    job = JobFactory(observation=row, obs_id=row.obs_id)
    response = act(client, "delete-now", obs_id=[row.obs_id])
    page = page_of(client.get(response["Location"]))
    assert page.one("ul", class_="messages").one("a")["href"] == "/trash/"
    assert not (conf.files_dir() / own.path).exists()
    assert list(DataFile.objects.all()) == [shared]
    trash = page_of(client.get("/trash/"))
    assert row.obs_id in trash.text
    (undo,) = [form for form in trash.find("form") if form["action"].endswith("/restore/")]
    client.post(undo["action"])
    back = Observation.objects.get(obs_id=row.obs_id)
    assert (back.notes, [tag.name for tag in back.tags.all()]) == ("keep", ["ring"])
    file = DataFile.objects.get(data_uri=own.data_uri)
    assert (file.pk, file.notes, file.observation) == (own.pk, "mine", back)
    assert [tag.name for tag in file.tags.all()] == ["ring"]
    assert list(file.observations.all()) == [back]
    assert (conf.files_dir() / own.path).read_bytes() == b"bytes"
    job.refresh_from_db()
    assert job.observation == back
    assert not Trash.objects.exists()
    assert not list((conf.files_dir().parent / ".trash").iterdir())


def test_removed_files_come_back_to_their_observation(client: Client, pair: tuple[DataFile, DataFile]) -> None:
    file = pair[0]
    plan = page_of(act(client, "delete", file=[file.pk]))
    assert "Delete 1 file?" in plan.one("h1").text
    assert file.file_name in plan.text
    act(client, "delete-now", file=[file.pk])
    assert list(DataFile.objects.all()) == [pair[1]]
    assert Observation.objects.filter(pk=file.observation_id).exists()
    assert services.restore(Trash.objects.get().pk) == (0, 1)
    assert DataFile.objects.get(pk=file.pk).observation_id == file.observation_id


def test_who_may_read_a_file_may_read_it_when_it_comes_back(client: Client, pair: tuple[DataFile, DataFile]) -> None:
    reader = User.objects.create_user("ada")
    pair[0].readers.add(reader)
    act(client, "delete-now", file=[pair[0].pk])
    services.restore(Trash.objects.get().pk)
    assert list(DataFile.objects.get(pk=pair[0].pk).readers.all()) == [reader]


def test_a_file_imported_again_meanwhile_is_not_put_back_twice(client: Client, pair: tuple[DataFile, DataFile]) -> None:
    file = pair[0]
    act(client, "delete-now", file=[file.pk])
    again = on_disk(DataFileFactory(data_uri=file.data_uri, file_name=file.file_name, observation=file.observation))
    assert services.restore(Trash.objects.get().pk) == (0, 0)
    assert list(DataFile.objects.filter(data_uri=file.data_uri)) == [again]


def test_emptying_takes_the_bytes_and_old_trash_empties_itself(client: Client, pair: tuple[DataFile, DataFile]) -> None:
    act(client, "delete-now", file=[pair[0].pk])
    act(client, "delete-now", file=[pair[1].pk])
    newer, older = Trash.objects.all()
    client.post(f"/trash/{newer.pk}/empty/")
    assert client.post(f"/trash/{newer.pk}/empty/").status_code == 404
    assert client.post(f"/trash/{older.pk}/burn/").status_code == 422
    Trash.objects.filter(pk=older.pk).update(removed_at=timezone.now() - trashing.KEPT * 1.1)
    upkeep.tidy()
    assert not Trash.objects.exists()
    assert not list((conf.files_dir().parent / ".trash").iterdir())
    assert "The trash is empty." in page_of(client.get("/trash/")).text


# --- views ------------------------------------------------------------------------------------------------------


def test_a_view_is_saved_pinned_followed_and_removed(client: Client, pair: tuple[DataFile, DataFile]) -> None:
    query = "dataType=table&ordering=obsId"
    client.post("/library/views/", {"name": "  my   tables ", "query": query})
    client.post("/library/views/", {"name": "a pinned one", "query": "", "pinned": "1"})
    page = get(client)
    links = page.one("section", aria_labelledby="saved-views").one("ul").find("a")
    assert [link.text.removeprefix("★pinned: ") for link in links] == ["a pinned one", "my tables"]
    shown = page_of(client.get(links[1]["href"]))
    assert shown.one("section", aria_labelledby="saved-views").one("a", aria_current="true").text == "my tables"
    assert len(shown.find("tr", class_="file")) == 1
    view = SavedView.objects.get(name="my tables")
    client.post("/library/views/", {"view": view.pk, "action": "pin"})
    view.refresh_from_db()
    assert view.is_pinned
    client.post("/library/views/", {"view": view.pk, "action": "remove"})
    assert list(SavedView.objects.values_list("name", flat=True)) == ["a pinned one"]


def test_views_are_ones_own_unless_they_are_shared(client: Client, pair: tuple[DataFile, DataFile]) -> None:
    alice, bob = (User.objects.create_user(name) for name in ("alice", "bob"))
    client.force_login(alice)
    client.post("/library/views/", {"name": "secret", "query": "level=2"})
    client.post("/library/views/", {"name": "for all", "query": "level=3", "shared": "1"})
    client.force_login(bob)
    section = get(client).one("section", aria_labelledby="saved-views")
    assert [link.text for link in section.one("ul").find("a")] == ["for all"]
    view = SavedView.objects.get(name="for all")
    assert client.post("/library/views/", {"view": view.pk, "action": "remove"}).status_code == 404


@pytest.mark.parametrize("posted", [{"name": ""}, {"name": "x" * 101}, {"name": "x", "query": "q" * 2001}])
def test_a_view_that_cannot_be_kept_is_refused(client: Client, posted: dict[str, str]) -> None:
    assert client.post("/library/views/", posted).status_code == 422
    assert client.post("/library/views/", {"view": "1", "action": "remove"}).status_code == 404


# --- text from outside ------------------------------------------------------------------------------------------


def test_hostile_text_in_every_field_of_the_library_stays_text(client: Client) -> None:
    evil = "<script>alert('x')</script>\u202e\"&" + "long " * 2000
    short = "<script>alert('x')</script>\u202e\"&"
    row = ObservationFactory(
        target_name=short, instrument_name=short, filters=short, proposal_id="<b>2", proposal_pi=short,
        obs_title=evil, notes=evil,
    )  # fmt: skip
    row.tags.add(Tag.objects.create(name=short))
    file = DataFileFactory(
        observation=row, file_name=f"{short}.fits", notes=evil, view_reason=short, is_viewable=False, badge="table"
    )
    file.tags.add(Tag.objects.get(name=short))
    SavedView.objects.create(name=short, query='"><script>alert(1)</script>')
    columns = "".join(f"&col={name}" for name in ("target", "instrument", "filter", "program", "pi", "notes", "proof"))
    for address in ("/", f"/?{columns}", f"/?view=files{columns}", "/?q=%3Cscript", f"/files/{file.pk}/"):
        response = client.get(address)
        assert "<script>alert" not in response.content.decode()
        page_of(response)
    act(client, "delete-now", file=[file.pk])
    assert "<script>alert" not in client.get("/trash/").content.decode()


# --- a large library --------------------------------------------------------------------------------------------


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> list[DataFile]:
    """A library that counts as large, of forty files of two instruments, counted by a worker."""
    monkeypatch.setattr(counts, "KEPT_FROM", 10)
    monkeypatch.setattr(counts, "BROAD", 5)
    monkeypatch.setattr(counts, "MOST_COUNTED", 15)
    made = []
    for number in range(40):
        name, program = ("MIRI/IMAGE", "1111") if number % 4 == 0 else ("NIRCAM/IMAGE", "2222")
        row = ObservationFactory(instrument_name=name, proposal_id=program, exposure_s=float(number % 9))
        kind = {"calib_level": 2, "suffix": "cal"} if number % 2 else {"calib_level": 3, "suffix": "i2d"}
        made.append(DataFileFactory(observation=row, file_name=f"jw{number:02d}_file_{kind['suffix']}.fits", **kind))
    made[0].observation.tags.add(Tag.objects.create(name="ring"))
    tasks.count_library()
    return made


def facet(page: Element, name: str) -> dict[str, str]:
    (section,) = page.find("section", aria_labelledby=f"facet-{name}")
    return dict(link.text.rsplit(" ", 1) for link in section.find("a"))


def test_a_large_library_shows_kept_counts_and_marks_them(client: Client, large: list[DataFile]) -> None:
    page = get(client)
    assert "≈ 40 observations · 40 files" in page.one("div", class_="head").text
    assert facet(page, "instrument") == {"NIRCAM": "30", "MIRI": "10"}
    miri = get(client, "?instrument=MIRI")
    assert facet(miri, "instrument") == {"NIRCAM": "30", "MIRI": "10"}
    assert facet(miri, "program") == {"1111": "10"}
    assert facet(miri, "level") == {"Level 3": "10"}
    both = get(client, "?view=files&instrument=NIRCAM&level=2&suffix=cal")
    assert facet(both, "instrument") == {"NIRCAM": "20"}
    assert len(both.one("tbody").find("tr")) == 20


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?view=files&level=2", 20),
        ("?view=files&instrument=MIRI", 10),
        ("?view=files&instrument=MIRI&program=1111&dataType=image", 10),
        ("?view=files&program=3333", 0),
        ("?view=files&q=jw3", 10),
        ("?view=files&tag=ring", 1),
        ("?instrument=NIRCAM&level=3", 10),
        ("?q=jw07", 1),
        ("?target=ngc+3132&program=1111", 10),
    ],
)
def test_broad_and_narrow_filters_leave_the_same_rows_in_a_large_library(
    client: Client, large: list[DataFile], query: str, count: int
) -> None:
    page = get(client, query)
    rows = page.find("a", class_="mono") if "files" in query else page.find("tbody", class_="group")
    assert len(rows) == count


def test_a_text_that_is_everywhere_says_that_only_some_are_looked_at(client: Client, large: list[DataFile]) -> None:
    page = get(client, "?view=files&q=file")
    assert "only the first 10,000 are looked at" in page.text
    assert len(page.one("tbody").find("tr")) == 15


def test_what_says_a_text_is_counted_as_the_database_counts_it(client: Client, large: list[DataFile]) -> None:
    DataFileFactory(observation=large[11].observation, listed_by=[large[11].observation], file_name="jw11_x.json")
    found, chosen = counts.of(Filters(text="jw1"), None)
    by_database = counts._now(Filters(text="jw1"), None)
    assert found is not None
    assert (found.files, found.observations) == (by_database.files, by_database.observations)
    assert chosen.hits == Hits.of(
        frozenset(DataFile.objects.filter(file_name__contains="jw1").values_list("pk", flat=True))
    )


@pytest.mark.parametrize("ordering", ["-fileSize", "fileName", "verifiedAt", "-fetchedAt"])
def test_pages_of_what_says_a_text_are_in_the_order_of_the_whole_library(
    client: Client, large: list[DataFile], monkeypatch: pytest.MonkeyPatch, ordering: str
) -> None:
    monkeypatch.setattr(pages, "FILES_A_PAGE", 4)
    for file in large[::3]:
        DataFile.objects.filter(pk=file.pk).update(verified_at=timezone.now(), size_bytes=file.pk * 7 % 5)
    names: list[str] = []
    address: str | None = f"?view=files&q=jw1&ordering={ordering}"
    while address:
        page = get(client, address)
        names += [link.text for link in page.one("tbody").find("a", class_="mono")]
        address = next((link["href"] for link in page.find("a", class_="button") if link.text == "Next page"), None)
    order = keyset.order_of(ordering, FILE_ORDERS, "")
    rows = DataFile.objects.filter(file_name__contains="jw1")
    assert names == [row.file_name for row in keyset.page(rows, order, limit=50).rows]
    assert len(names) == 10


def test_no_page_counts_a_large_library(client: Client, large: list[DataFile]) -> None:
    get(client, "?instrument=MIRI")
    with CaptureQueriesContext(connection) as queries:
        get(client, "?instrument=MIRI")
    grouped = [query["sql"] for query in queries if "COUNT(" in query["sql"] and "observation_id" not in query["sql"]]
    assert not any("GROUP BY" in sql for sql in grouped)
    assert len(queries) <= 12


def test_before_anybody_has_counted_the_page_says_so(client: Client, large: list[DataFile]) -> None:
    LibraryCount.objects.all().delete()
    page = get(client, "?level=2")
    assert "being counted" in page.text
    assert len(page.find("tbody", class_="group")) == 20
    assert counts.is_due()
    tasks.count_library()
    assert not counts.is_due()
    assert "≈" in get(client).text
