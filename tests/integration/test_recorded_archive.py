"""The main job on what MAST really sent: recorded rows, the real 718-row product list, real FITS files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from mast import services
from mast.archive.query import Query
from mast.models import DataFile, ImportJob, Observation
from mast.practice import PracticeServer
from mast.services import ImportRequest
from mast.terms import JobState
from tests.integration.conftest import ask

Ended = Callable[..., ImportJob]
PRISM = "jw05224-o004_s000277193_nirspec_clear-prism"
REAL = {
    "jw01288-o001_t011_nircam_clear-f480m": "jw01288-o001_t011_nircam_clear-f480m_cropped.fits",
    "jw01373-o019_t001_nirspec_g395h-f290lp": "jw01373-o019_t001_nirspec_g395h-f290lp_x1d.fits",
    "jw01714001001_02103_00003_mirimage": "crab_miri_f1130w_64x64_i2d.fits",
}


@pytest.fixture(scope="module")
def recorded_server(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeServer]:
    with PracticeServer(tmp_path_factory.mktemp("recorded"), recorded=shared_data, fill=True) as server:
        yield server


@pytest.fixture
def recorded(recorded_server: PracticeServer, settings: Any, folders: Path) -> PracticeServer:
    recorded_server.reset()
    return ask(recorded_server, settings)


@pytest.mark.parametrize(("program", "count"), [("2733", 10), ("05224", 2)])
def test_the_recorded_programs_are_found(recorded: Any, db: None, program: str, count: int) -> None:
    answer = services.search(Query(kind="program", program_id=program)).answer
    assert len(answer.rows) == count
    assert all(row.calib_level == 3 and row.s_ra_deg is not None for row in answer.rows)


def test_recorded_rows_come_back_with_every_field_mast_sent(recorded: Any, db: None) -> None:
    answer = services.search(Query(kind="target", target_name="ngc3132", radius_deg=0.2)).answer
    row = next(row for row in answer.rows if row.obs_id.endswith("miri_f1130w"))
    sent = row.to_dict()
    assert (sent["t_exptime"], sent["sequence_number"], sent["mtFlag"]) == (2708.4320000000002, None, False)
    assert {"proposal_type", "wave_region", "srcDen", "provenance_name", "jpegURL"} <= set(sent)


def test_the_real_product_list_is_read_whole_and_collapses_to_its_files(recorded: Any, db: None) -> None:
    everything = services.list_products(PRISM, product_type="")
    uris = {row.data_uri for row in everything.rows}
    assert len(everything.rows) == len(uris)
    assert {row.calib_level for row in everything.rows} == {1, 2, 3}
    science = services.list_products(PRISM, (3,), "SCIENCE")
    assert {row.file_name.rpartition("_")[2] for row in science.rows} >= {"x1d.fits", "s2d.fits", "crf.fits"}
    assert all(row.obs_id == PRISM for row in science.rows)


def test_a_recorded_spectrum_is_imported_at_its_own_level_only(
    recorded: Any, worker: Any, folders: Path, ended: Ended
) -> None:
    plan = services.preview_import(ImportRequest(PRISM))
    assert plan.levels_available.keys() >= {1, 2, 3}
    job = ended(services.start_import(ImportRequest(PRISM)).job)
    assert (job.state, job.error) == (JobState.COMPLETE, "")
    files = {file.suffix: file for file in DataFile.objects.all()}
    assert set(files) == {"crf", "s2d", "x1d", "asn"}
    assert {file.calib_level for file in files.values()} == {3}
    assert files["s2d"].size_bytes == 673920
    assert files["x1d"].raw["prvversion"]


def test_real_files_come_home_byte_for_byte_and_are_looked_at(
    recorded: Any, worker: Any, folders: Path, ended: Ended, shared_data: Path, client: Client
) -> None:
    for obs_id, name in REAL.items():
        job = ended(services.start_import(ImportRequest(obs_id)).job)
        assert (job.state, job.error) == (JobState.COMPLETE, ""), obs_id
        file = DataFile.objects.get(file_name=name)
        original = next((shared_data / "fits").rglob(name)).read_bytes()
        assert (folders / file.path).read_bytes() == original
        assert file.sha256 == hashlib.sha256(original).hexdigest()
        for page in (f"/files/{file.pk}/", f"/observations/{obs_id}/", f"/files/{file.pk}/header/"):
            assert client.get(page).status_code == 200, page
    image = DataFile.objects.get(file_name=REAL["jw01288-o001_t011_nircam_clear-f480m"])
    picture = client.get(f"/api/files/{image.pk}/preview?width=400")
    assert picture.content.startswith(b"\x89PNG")
    crab = DataFile.objects.get(file_name="crab_miri_f1130w_64x64_i2d.fits")
    assert crab.is_viewable
    # Whoever shrank it left the sky coordinates out.
    assert crab.wcs is None
    assert crab.raw["productFilename"] == crab.file_name
    spectrum = DataFile.objects.get(suffix="x1d")
    assert (spectrum.badge, spectrum.is_viewable) == ("table", False)
    answer = client.get(f"/api/files/{spectrum.pk}/spectrum").json()
    assert len(answer["wavelength"]) > 1000
    assert client.get(f"/api/files/{spectrum.pk}/preview").status_code == 409


def test_a_refresh_of_recorded_observations_keeps_what_a_person_corrected(
    recorded: Any, worker: Any, ended: Ended
) -> None:
    for obs_id in (PRISM, "jw01373-o019_t001_nirspec_g395h-f290lp"):
        ended(services.start_import(ImportRequest(obs_id)).job)
    observation = Observation.objects.get(obs_id=PRISM)
    observation.target_name = "CAPERS-277193"
    services.correct(observation, ["target_name"])
    Observation.objects.filter(obs_id=PRISM).update(proposal_pi="", obs_title="stale")
    report = services.refresh_observation(PRISM)
    assert {change.field for change in report.changed} >= {"proposal_pi", "obs_title"}
    observation.refresh_from_db()
    assert (observation.target_name, observation.proposal_pi) == ("CAPERS-277193", "Oesch, Pascal")
    job = ended(services.refresh_all().job)
    assert (job.state, job.result["updatedCount"]) == (JobState.COMPLETE, 2)
