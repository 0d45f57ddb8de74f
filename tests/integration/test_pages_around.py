"""What's New, the guide, the banner while MAST is down, and what an observation's page says of history and citing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.utils import timezone

from mast import errors, services
from mast.archive.rows import mjd_of
from mast.imports import upstream
from mast.models import AuditEntry, DataFile, Observation
from mast.services import ImportRequest
from tests.factories import DataFileFactory, JobFactory, ObservationFactory
from tests.integration.little_mast import LittleMast
from tests.pages import Element, page_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey", "folders")]


@pytest.fixture(autouse=True)
def _own_derived(settings: Any, tmp_path: Path) -> None:
    settings.DERIVED_DIR = tmp_path / ".derived"
    # The first question of a process loads astroquery, which takes a while on a busy machine.
    settings.MAST_TIMEOUT_S = 60.0


# --- what's new -------------------------------------------------------------------------------------------------


@pytest.fixture
def fresh(serve: Callable[[LittleMast], Any], little: LittleMast) -> LittleMast:
    """Releases of two, twenty and two hundred days ago, the middle one by MIRI."""
    for number, (days, instrument) in enumerate([(2, "NIRCAM"), (20, "MIRI"), (200, "NIRCAM")], start=1):
        released = mjd_of(timezone.now() - timedelta(days=days))
        name = f"jw0{number}000-o001_t001_{instrument.lower()}_f1"
        little.observation(name, number, instrument_name=f"{instrument}/IMAGE", t_obs_release=released)
    serve(little)
    return little


def shown(page: Element) -> list[str]:
    return [link.text[:7] for link in page.find("a", class_="obs")]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["jw01000"]),
        ("?days=30", ["jw01000", "jw02000"]),
        ("?days=30&instrument=MIRI", ["jw02000"]),
        ("?days=365", ["jw01000", "jw02000", "jw03000"]),
        ("?days=12&instrument=HUBBLE&from=x", ["jw01000"]),
        ("?days=30&instrument=FGS", []),
    ],
)
def test_what_became_public_is_shown_by_days_and_instrument(
    client: Client, fresh: LittleMast, query: str, expected: list[str]
) -> None:
    page = page_of(client.get(f"/whats-new/{query}"))
    assert shown(page) == expected
    assert len(page.find("a", aria_current="page")) == 3
    assert bool(page.find("button", name="only")) == bool(expected)


def test_a_release_in_the_library_says_so(client: Client, fresh: LittleMast) -> None:
    row = ObservationFactory(obs_id=str(fresh.observations[0]["obs_id"]))
    DataFileFactory(observation=row)
    page = page_of(client.get("/whats-new/"))
    assert page.one("a", class_="good").text == "In library: 1 file"


def test_many_releases_have_pages(client: Client, serve: Callable[[LittleMast], Any], little: LittleMast) -> None:
    released = mjd_of(timezone.now() - timedelta(days=1))
    for number in range(70):
        little.observation(f"jw01000-o{number:03d}_t001_miri_f1", number + 1, t_obs_release=released)
    serve(little)
    first = page_of(client.get("/whats-new/"))
    assert "1 to 60 of 70" in first.text
    (older,) = [link for link in first.find("a", class_="button") if link.text == "Older"]
    second = page_of(client.get(f"/whats-new/{older['href']}"))
    assert len(second.find("a", class_="obs")) == 10


# --- MAST down --------------------------------------------------------------------------------------------------


def test_while_mast_is_down_every_page_says_since_when_and_kept_answers_are_offered(
    client: Client, serve: Callable[[LittleMast], Any], little: LittleMast
) -> None:
    little.observation("jw02733-o001_t001_nircam_clear-f090w", 1)
    server = serve(little)
    page_of(client.get("/search/?kind=program&q=2733"))
    assert "MAST DOES NOT ANSWER" not in page_of(client.get("/")).text
    server.stop()
    failed = page_of(client.get("/search/?kind=program&q=9999"), 502)
    (kept,) = [link for link in failed.find("a") if link.text == "program 2733"]
    for address in ("/", "/imports/", "/guide/"):
        banner = page_of(client.get(address)).one("aside", aria_label="MAST does not answer")
        assert f"noticed {timezone.now():%Y-%m-%d}" in banner.text
    again = page_of(client.get(kept["href"]))
    assert again.find("a", class_="obs")
    since = services.mast_down_since()
    upstream.heard(False)
    assert services.mast_down_since() == since
    little.server = None
    serve(little)
    page_of(client.get("/search/?kind=program&q=2733"))
    assert services.mast_down_since() is None


def test_whoever_asks_mast_notices_that_it_is_down(
    client: Client, serve: Callable[[LittleMast], Any], little: LittleMast
) -> None:
    server = serve(little.observation("jw02733-o001_t001_nircam_clear-f090w", 1))
    ObservationFactory(obs_id="jw02733-o001_t001_nircam_clear-f090w", obsid="1")
    server.unavailable = True
    with pytest.raises(errors.ArchiveError):
        services.preview_import(ImportRequest("jw02733-o001_t001_nircam_clear-f090w"))
    assert services.mast_down_since() is not None
    server.unavailable = False
    services.refresh_observation("jw02733-o001_t001_nircam_clear-f090w")
    assert services.mast_down_since() is None


# --- the guide, and an observation's page -----------------------------------------------------------------------


def test_the_guide_explains_levels_and_kinds_of_file(client: Client) -> None:
    page = page_of(client.get("/guide/"))
    for words in ("uncalibrated", "combined", "Exclusive access", "resampled, combined image", "Trash"):
        assert words in page.text
    for link in page.one("main").find("a"):
        assert client.get(link["href"]).status_code == 200


def test_an_observation_tells_its_history_with_who_did_what(client: Client) -> None:
    alice = User.objects.create_user("alice")
    row = ObservationFactory(refreshed_at=timezone.now())
    JobFactory(observation=row, obs_id=row.obs_id, owner=alice, calib_levels=[3])
    LogEntry.objects.create(
        user=alice,
        content_type=ContentType.objects.get_for_model(Observation),
        object_id=str(row.pk),
        object_repr=row.obs_id,
        action_flag=CHANGE,
        change_message='[{"changed": {"fields": ["Target name"]}}]',
    )
    page = page_of(client.get(f"/observations/{row.obs_id}/"))
    lines = [line.text for line in page.one("section", aria_labelledby="history-title").find("li")]
    assert any("import, levels 3 by alice" in line for line in lines)
    assert any("corrected: Changed Target name. by alice" in line for line in lines)
    assert any("came into the library" in line for line in lines)
    assert any("metadata read from MAST" in line for line in lines)


def test_the_history_tells_of_tags_notes_and_removals_too(client: Client) -> None:
    file, other = DataFileFactory(), DataFileFactory()
    row = file.observation
    client.post("/library/bulk/", {"action": "tag", "tag": "ring", "obs_id": [row.obs_id]})
    client.post("/library/bulk/", {"action": "note", "tag": "look again", "file": [file.pk, other.pk]})
    client.post(f"/observations/{row.obs_id}/curate/", {"tags": "mine", "notes": "a note"})
    AuditEntry.objects.create(who="alice", action="metadata.refresh", target=row.obs_id)
    AuditEntry.objects.create(who="bob", action="file.delete", target=other.file_name)
    page = page_of(client.get(f"/observations/{row.obs_id}/"))
    lines = " | ".join(line.text for line in page.one("section", aria_labelledby="history-title").find("li"))
    for words in ("tagged “ring”", "a note added", "tags and note edited", "metadata asked for again by alice"):
        assert words in lines
    assert "bob" not in lines, "that was another observation's file"


def test_observations_that_share_files_lead_to_each_other(client: Client) -> None:
    mosaic, member, stranger = ObservationFactory(), ObservationFactory(calib_level=2), ObservationFactory()
    DataFileFactory(observation=member, listed_by=[member, mosaic])
    DataFileFactory(observation=stranger)
    page = page_of(client.get(f"/observations/{mosaic.obs_id}/"))
    section = page.one("section", aria_labelledby="relatives-title")
    assert [link.text for link in section.find("a")] == [member.obs_id]


def test_an_observation_is_cited_by_manifest_ids_and_bibtex(client: Client) -> None:
    row = ObservationFactory(proposal_pi="Pontoppidan, K. {M}", obs_title="ERO: 100% of \\ring & more")
    DataFileFactory(observation=row)
    page = page_of(client.get(f"/observations/{row.obs_id}/"))
    assert "NASA/ESA/CSA James Webb Space Telescope" in page.text
    forms = [option["value"] for option in page.one("select", id="cite-form").find("option")]
    texts = {
        form: client.post("/library/bulk/", {"action": "list", "obs_id": row.obs_id, "form": form}).content.decode()
        for form in forms
    }
    assert texts["doi"] == f"{row.obs_id}\n"
    assert DataFile.objects.get().sha256 in texts["manifest"]
    entry = texts["bibtex"].partition("@misc")[2]
    assert "author = {Pontoppidan, K. M}" in entry
    assert "title = {{ERO: 100 of ring more}}" in entry
    assert entry.count("{") == entry.count("}")
