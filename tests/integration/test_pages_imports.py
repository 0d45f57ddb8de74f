"""The imports page: cards that poll themselves at the server's pace, stop at the end, and obey."""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard import jobcards
from dashboard.crowd import MANY, SLOWEST_S, WINDOW_S, Crowd
from dashboard.htmx import held_event
from mast import services
from mast.imports import progress
from mast.models import ImportJob
from mast.terms import JobState
from tests.factories import DataFileFactory, JobFactory, ObservationFactory, TransferFactory, job_with
from tests.pages import Element, page_of
from tests.people import person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobcards, "CROWD", Crowd())


def job_in(state: JobState, **fields: Any) -> ImportJob:
    ended = {"ended_at": timezone.now()} if state in {"complete", "failed", "cancelled"} else {}
    fields = {"created_at": timezone.now() - timedelta(minutes=1)} | fields
    return job_with(
        TransferFactory(state=state, done_bytes=4_000_000), state=state, total_bytes=10_000_000, **ended, **fields
    )


def card_of(page: Element, job: ImportJob) -> Element:
    return page.one("article", id=f"job-{job.pk}")


def actions(card: Element) -> list[str]:
    return [button.text.split()[0] for button in card.find("button")]


@pytest.mark.parametrize(
    ("state", "section", "offered", "pace"),
    [
        (JobState.DOWNLOADING, "Running", ["Pause", "Cancel"], "load delay:1s, wake"),
        (JobState.VERIFYING, "Running", ["Pause", "Cancel"], "load delay:1s, wake"),
        (JobState.QUEUED, "Queued", ["Pause", "Cancel"], "load delay:5s, wake"),
        (JobState.WAITING, "Running", ["Pause", "Cancel"], "load delay:5s, wake"),
        (JobState.PAUSED, "Paused", ["Resume", "Cancel"], None),
        (JobState.FAILED, "Failed", ["Retry", "Dismiss"], None),
        (JobState.CANCELLED, "Finished", ["Resume", "Dismiss"], None),
        (JobState.COMPLETE, "Finished", ["Dismiss"], None),
    ],
)
def test_a_card_stands_in_its_section_with_its_actions_and_pace(
    client: Client, state: JobState, section: str, offered: list[str], pace: str | None
) -> None:
    job = job_in(state)
    page = page_of(client.get("/imports/"))
    place = next(part for part in page.find("section") if part.one("h2").text.startswith(section))
    card = card_of(place, job)
    assert actions(card) == offered
    live = card.one("div", id=f"job-{job.pk}-live")
    assert live.attributes.get("hx-trigger") == pace
    assert bool(page.find("noscript")) == (pace is not None)


def test_progress_is_a_bar_with_words_beside_it(client: Client) -> None:
    job = job_in(JobState.DOWNLOADING)
    card = card_of(page_of(client.get("/imports/")), job)
    bar = card.find("progress")[0]
    assert (bar["max"], bar["aria-label"]) == ("100", f"Progress of {job.obs_id}")
    assert "4.00 MB of 10.0 MB" in card.text


@pytest.mark.parametrize(
    ("state", "after"), [(JobState.DOWNLOADING, JobState.COMPLETE), (JobState.QUEUED, JobState.DOWNLOADING)]
)
def test_a_job_that_moves_on_while_the_page_is_made_has_one_card(
    client: Client, state: JobState, after: JobState
) -> None:
    job = job_in(state)
    has_moved = []

    def move_on(execute: Any, sql: str, *arguments: Any) -> Any:
        answer = execute(sql, *arguments)
        if not has_moved and sql.startswith("SELECT") and "mast_importjob" in sql and "LIMIT" in sql:
            has_moved.append(sql)
            with connection.cursor() as cursor:
                cursor.execute("UPDATE mast_importjob SET state = %s WHERE id IS NOT NULL", [after.value])
        return answer

    with connection.execute_wrapper(move_on):
        page = page_of(client.get("/imports/"))
    assert has_moved
    assert len(page.find("article", id=f"job-{job.pk}")) == 1


def test_nothing_that_polls_holds_an_input(client: Client) -> None:
    job_in(JobState.DOWNLOADING)
    page = page_of(client.get("/imports/"))
    for polled in page.find(data_poll=""):
        assert not polled.find("input")
        assert not polled.find("form")


def test_a_poll_of_an_unchanged_job_brings_the_moving_part_alone(client: Client) -> None:
    job = job_in(JobState.DOWNLOADING)
    response = client.get(f"/imports/{job.pk}/progress/?state=downloading", headers=HTMX)
    page = page_of(response)
    assert page.one("div", id=f"job-{job.pk}-live")
    assert not page.find("article")
    assert "HX-Retarget" not in response


def test_a_poll_that_finds_another_state_brings_the_whole_card_and_the_polling_ends(client: Client) -> None:
    job = job_in(JobState.COMPLETE, message="All 1 file is in the library.")
    response = client.get(f"/imports/{job.pk}/progress/?state=downloading", headers=HTMX)
    page = page_of(response)
    assert response["HX-Retarget"] == f"#job-{job.pk}"
    assert {"jobs-changed", held_event(job.obs_id)} <= set(json.loads(response["HX-Trigger"]))
    assert "hx-trigger" not in page.one("div", id=f"job-{job.pk}-live").attributes
    assert "Complete" in page.one("div", id="announce").text


def test_a_failed_card_says_what_happened_and_what_is_kept(client: Client) -> None:
    job = job_in(JobState.FAILED, error="MAST did not answer for 60 s.", error_code="archive.timeout")
    text = card_of(page_of(client.get("/imports/")), job).text
    assert "MAST did not answer for 60 s." in text
    assert "4.00 MB of 10.0 MB kept" in text


def test_a_large_job_shows_a_few_files_on_its_card_and_200_on_its_page(client: Client) -> None:
    job = job_with(*TransferFactory.create_batch(210, state=JobState.DOWNLOADING), state=JobState.DOWNLOADING)
    assert len(card_of(page_of(client.get("/imports/")), job).one("tbody").find("tr")) == 6
    page = page_of(client.get(f"/imports/{job.pk}/"))
    assert len(page.one("tbody").find("tr")) == 200
    assert "and 10 more" in page.text


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        (JobState.QUEUED, "pause", JobState.PAUSED),
        (JobState.QUEUED, "cancel", JobState.CANCELLED),
        (JobState.PAUSED, "resume", JobState.QUEUED),
        (JobState.FAILED, "retry", JobState.QUEUED),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_buttons_do_what_they_say_with_and_without_scripts(
    client: Client, before: JobState, action: str, after: JobState, headers: dict[str, str]
) -> None:
    job = job_in(before)
    response = client.post(f"/imports/{job.pk}/{action}/", headers=headers)
    job.refresh_from_db()
    assert job.state == after
    if headers:
        assert card_of(page_of(response), job)
        assert "jobs-changed" in response["HX-Trigger"]
    else:
        assert response["Location"] == "/imports/"


def test_a_dismissed_card_is_gone(client: Client) -> None:
    job = job_in(JobState.COMPLETE)
    assert client.post(f"/imports/{job.pk}/dismiss/", headers=HTMX).content == b""
    assert not page_of(client.get("/imports/")).find("article")


def test_an_action_the_state_does_not_allow_is_409_in_words(client: Client) -> None:
    job = job_in(JobState.DOWNLOADING)
    page_of(client.post(f"/imports/{job.pk}/resume/"), 409)
    page_of(client.post(f"/imports/{job.pk}/explode/"), 422)


@pytest.mark.parametrize("job_id", ["00000000-0000-0000-0000-000000000000", "nonsense"])
def test_a_job_that_is_not_there_is_404(client: Client, job_id: str) -> None:
    page_of(client.get(f"/imports/{job_id}/"), 404)
    page_of(client.get(f"/imports/{job_id}/progress/"), 404)


# --- the pill ---------------------------------------------------------------------------------------------------


def test_the_pill_counts_what_runs_on_every_page_and_polls_only_then(client: Client) -> None:
    job_in(JobState.DOWNLOADING)
    for address in ("/", "/search/", "/imports/pill/"):
        pill = page_of(client.get(address)).one("span", id="import-pill")
        assert pill.one("a").text.startswith("1 import · ")
        assert pill["hx-trigger"].startswith("load delay:2s")


def test_the_pill_is_empty_and_silent_when_nothing_runs(client: Client) -> None:
    pill = page_of(client.get("/imports/pill/")).one("span", id="import-pill")
    assert pill.text == ""
    assert pill["hx-trigger"] == "jobs-changed from:body"


def test_a_row_of_a_search_asks_for_its_own_holdings_when_its_import_moved_on(client: Client) -> None:
    row = ObservationFactory()
    held = page_of(client.get(f"/search/held/?obs_id={row.obs_id}"))
    assert "not in library" in held.text
    assert not held.find("a")
    DataFileFactory(observation=row, listed_by=[row], suffix="i2d")
    held = page_of(client.get(f"/search/held/?obs_id={row.obs_id}"))
    badge, name = held.one("a", class_="good"), held.one("a", class_="obs")
    assert (badge["href"], badge["title"]) == (f"/observations/{row.obs_id}/#files", "1 i2d")
    # Its name, which led to the plan of its import, leads to what is held now.
    assert (name["id"], name["href"]) == (f"name-{row.obs_id}", f"/observations/{row.obs_id}/")
    assert name["hx-swap-oob"] == "true"
    page_of(client.get("/search/held/?obs_id=%00<script>"))
    # A trigger's name is a language to htmx: nothing of a hostile name gets into it.
    assert re.fullmatch(r"held-[0-9a-f]{16}", held_event("a[alert(1)], click"))


# --- refresh ----------------------------------------------------------------------------------------------------


def test_refresh_metadata_says_what_it_will_do_and_runs_as_a_job(client: Client) -> None:
    ObservationFactory.create_batch(3)
    assert "3 observations" in page_of(client.get("/refresh/")).one("main").text
    assert client.post("/refresh/")["Location"] == "/imports/"
    job = ImportJob.objects.get()
    assert job.kind == "refresh"
    assert card_of(page_of(client.get("/imports/")), job).one("h3").text == "Refresh Metadata"


def test_an_empty_library_has_nothing_to_refresh(client: Client) -> None:
    form = next(form for form in page_of(client.get("/refresh/")).find("form") if form["action"] == "/refresh/")
    assert "disabled" in form.one("button").attributes


def test_forms_are_safe_from_other_sites(client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    job = JobFactory(state=JobState.QUEUED)
    assert strict.post(f"/imports/{job.pk}/cancel/").status_code == 403
    page_of(strict.post("/refresh/"), 403)


def test_a_job_just_started_is_looked_at_every_second(client: Client) -> None:
    job = job_in(JobState.QUEUED, created_at=timezone.now())
    live = page_of(client.get("/imports/")).one("div", id=f"job-{job.pk}-live")
    assert live["hx-trigger"] == "load delay:1s, wake"


# --- all at once ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "section", "action", "after"),
    [
        (JobState.WAITING, "running", "pause", JobState.PAUSED),
        (JobState.QUEUED, "queued", "cancel", JobState.CANCELLED),
        (JobState.PAUSED, "paused", "resume", JobState.QUEUED),
        (JobState.FAILED, "failed", "retry", JobState.QUEUED),
    ],
)
def test_what_one_button_does_another_does_for_all_of_a_section(
    client: Client, state: JobState, section: str, action: str, after: JobState
) -> None:
    jobs = [job_in(state) for _ in range(3)]
    other = job_in(JobState.COMPLETE)
    page = page_of(client.get("/imports/"))
    (form,) = page.find("form", action=f"/imports/all/{section}/{action}/")
    assert form.one("button").text == f"{action.capitalize()} all {section}"
    client.post(form["action"])
    for job in jobs:
        job.refresh_from_db()
        assert job.state == after
    other.refresh_from_db()
    assert other.state == JobState.COMPLETE


def test_dismiss_all_empties_a_section_and_says_how_many(client: Client) -> None:
    for _ in range(2):
        job_in(JobState.FAILED)
    page = page_of(client.post("/imports/all/failed/dismiss/", follow=True))
    assert "Dismiss: 2 jobs." in page.text
    assert not page.find("article")


def test_an_action_a_section_does_not_have_is_refused(client: Client) -> None:
    assert client.post("/imports/all/finished/cancel/").status_code == 422
    assert client.post("/imports/all/nonsense/cancel/").status_code == 422


def test_a_long_section_has_pages_of_its_own(client: Client) -> None:
    for _ in range(53):
        JobFactory(state=JobState.COMPLETE, ended_at=timezone.now())
    page = page_of(client.get("/imports/"))
    assert len(page.find("article")) == 20
    (link,) = [link for link in page.find("a") if link.text == "All 53 finished"]
    first = page_of(client.get(f"/imports/{link['href'].removeprefix('/imports/')}"))
    assert len(first.find("article")) == 50
    second = page_of(client.get(f"{link['href']}&page=2"))
    assert len(second.find("article")) == 3
    assert "Older" not in second.text
    assert page_of(client.get("/imports/?state=finished&page=x")).find("article")


def test_a_large_job_is_added_up_once_for_all_who_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred tabs of a job of thousands of files cost what one costs; another process sees the same numbers."""
    # An answer stands for as long as this test takes on any machine.
    monkeypatch.setattr(progress, "COST_SHARE", 1_000_000)
    monkeypatch.setattr(progress, "LONGEST_S", 600)
    job = job_with(*[TransferFactory(state=JobState.DOWNLOADING) for _ in range(201)], state=JobState.DOWNLOADING)
    first = services.job_progress(job, max_files=6)
    progress._recent.forget()
    with CaptureQueriesContext(connection) as queries:
        assert services.job_progress(job, max_files=6) == first
    assert [query["sql"] for query in queries if "mast_transfer" in query["sql"]] == []
    ImportJob.objects.filter(pk=job.pk).update(state=JobState.PAUSED)
    assert services.job_progress(job, max_files=6).state == JobState.PAUSED


def test_tabs_come_less_often_while_they_are_very_many(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd()
    assert (crowd.pace_s(1), crowd.pace_s(5)) == (1, 5)
    monkeypatch.setattr(jobcards, "CROWD", crowd)
    for _ in range(int(MANY * WINDOW_S * 2.5)):
        crowd.came()
    assert (crowd.pace_s(1), crowd.pace_s(5)) == (3, SLOWEST_S)
    job = job_in(JobState.DOWNLOADING)
    assert "load delay:3s" in client.get(f"/imports/{job.pk}/progress/?state=downloading").content.decode()
    later = time.monotonic() + WINDOW_S + 1
    monkeypatch.setattr("dashboard.crowd.time.monotonic", lambda: later)
    assert crowd.pace_s(1) == 1


# --- on every page ----------------------------------------------------------------------------------------------


def started_here(client: Client, path: str = "/guide/") -> list[str]:
    """The names that the page lists as what its reader started."""
    box = page_of(client.get(path)).one("aside", id="mine")
    assert all(link.text == "Show import" for link in box.find("a")), "no second link of an observation's name"
    return [line.find("span")[0].text for line in box.find("p")]


def test_every_page_shows_what_one_started_and_how_far_it_is(client: Client, settings: Any) -> None:
    assert started_here(client) == []
    moving = JobFactory(state=JobState.DOWNLOADING, obs_id="jw00001-o001_t001_nircam_clear-f090w")
    failed = JobFactory(state=JobState.FAILED, obs_id="jw00002-o001", ended_at=timezone.now(), error="No room.")
    JobFactory(state=JobState.COMPLETE, obs_id="jw00003-o001", ended_at=timezone.now())
    JobFactory(state=JobState.FAILED, obs_id="jw00004-o001", ended_at=timezone.now(), dismissed_at=timezone.now())
    assert sorted(started_here(client)) == sorted([moving.obs_id, failed.obs_id])
    assert started_here(client, "/imports/") == [], "their cards are on the page itself"
    part = client.get("/imports/pill/").content.decode()
    assert 'id="mine"' in part
    assert 'hx-swap-oob="true"' in part
    assert moving.obs_id.replace("_", "") in part.replace("<wbr>", "").replace("_", "")
    assert "<input" not in part
    assert moving.obs_id not in client.get("/imports/pill/?here=imports").content.decode()


def test_with_logins_it_is_what_one_started_oneself(settings: Any) -> None:
    settings.ACCESS = "login"
    vera, otto = person("vera", "importer"), person("otto", "importer")
    JobFactory(state=JobState.DOWNLOADING, obs_id="jw00001-o001", owner=vera)
    for user, names in ((vera, ["jw00001-o001"]), (otto, [])):
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        assert started_here(client) == names
