"""Servers that are broken or hostile, as a person meets them: a job that ends in one plain sentence, and can go on.

What they waste is their own time: nothing they send is registered, or stays on the disk beyond the file's own length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mast import conf, errors, services
from mast.imports import importer
from mast.models import DataFile, ImportJob, Transfer
from mast.services import ImportRequest
from mast.terms import JobState, SourceChoice
from tests.factories import TransferFactory, job_with
from tests.fault import server as lies
from tests.fault.server import FaultServer
from tests.integration.little_mast import MB, LittleMast, fits_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey", "folders")]

CONTENT = fits_of(3 * MB, "bad input")
LENGTH = len(CONTENT)
PAGE = b"<html><body>Down for maintenance until Monday.</body></html>"
ENDLESS = CONTENT * 8


@contextmanager
def short_waits(monkeypatch: pytest.MonkeyPatch, give_up_after_s: float) -> Iterator[None]:
    """Tries that follow one another quickly."""
    config = replace(
        conf.transfer_config(),
        backoff_first_s=0.01,
        backoff_max_s=0.05,
        stall_timeout_s=2,
        give_up_after_s=give_up_after_s,
    )
    with monkeypatch.context() as patched:
        patched.setattr(conf, "transfer_config", lambda: config)
        yield


@dataclass(frozen=True)
class Bad:
    """What a server does at every request, and what is said of it."""

    name: str
    spoil: lies.Spoil
    error: type[errors.MastError]
    says: str
    serves: dict[str, Any] = field(default_factory=dict)
    content: bytes = CONTENT


def is_that_long(length: int) -> lies.Spoil:
    """Whatever it sends, this is what it says the file's length is."""

    def spoil(plan: lies.Plan, _asked: lies.Asked) -> None:
        if "Content-Range" in plan.headers:
            plan.headers["Content-Range"] = plan.headers["Content-Range"].rpartition("/")[0] + f"/{length}"
        else:
            plan.headers["Content-Length"] = str(length)

    return spoil


def honest(_plan: lies.Plan, _asked: lies.Asked) -> None:
    """The content itself is what is wrong."""


WHOLE = {"has_ranges": False}
BAD = [
    Bad("ends early", lies.cut(700_000), errors.ConnectionLost, "before the reply was whole", WHOLE),
    Bad("says too little", is_that_long(LENGTH - 2880), errors.TruncatedFits, "ends 2,880 bytes too early", WHOLE),
    Bad("says too much", is_that_long(LENGTH + 2880), errors.ConnectionLost, "hardly a byte came any more", WHOLE),
    Bad("says 2^63", is_that_long(2**63), errors.SizeMismatch, "which no JWST file has", WHOLE),
    Bad("says 2^63 in a range", is_that_long(2**63), errors.SizeMismatch, "which no JWST file has"),
    Bad("never ends", honest, errors.SizeMismatch, "sends more than", WHOLE | {"framing": "close"}, ENDLESS),
    Bad(
        "never ends in chunks", honest, errors.SizeMismatch, "sends more than", WHOLE | {"framing": "chunked"}, ENDLESS
    ),
    Bad("compresses", lies.header("Content-Encoding", "gzip"), errors.EncodedReply, "although asked not to"),
    Bad("sends a page", lies.status(200, PAGE, Content_Type="text/html"), errors.NotFits, "sent a web page"),
    Bad("sends a page unsaid", lies.status(200, PAGE), errors.NotFits, "does not begin like FITS"),
    Bad(
        "leads away",
        lies.status(302, Location="http://169.254.169.254/latest/meta-data"),
        errors.ForbiddenAddress,
        "which is not MAST's",
    ),
    Bad("leads to a file", lies.status(302, Location="file:///etc/passwd"), errors.ForbiddenAddress, "not MAST's"),
    Bad("leads in circles", lies.status(302, Location="/again"), errors.ForbiddenAddress, "in circles"),
    Bad("has it not", lies.status(404), errors.NotInSource, "does not have this file (404)"),
    Bad("refuses", lies.status(403), errors.AccessDenied, "a MAST token may open it"),
    Bad("is broken", lies.status(500), errors.ConnectionLost, "is busy (500)"),
]


@pytest.fixture
def serving(settings: Any) -> Iterator[Callable[[FaultServer], FaultServer]]:
    """Let a server stand for MAST's downloads."""
    entered: list[FaultServer] = []

    def serve(server: FaultServer) -> FaultServer:
        entered.append(server.__enter__())
        settings.MAST_URL = f"http://127.0.0.1:{server.port}"
        return server

    yield serve
    for server in entered:
        server.__exit__(None, None, None)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_job_ends_in_a_plain_sentence_and_goes_on_when_the_server_is_honest(
    serving: Callable[[FaultServer], FaultServer], folders: Path, monkeypatch: pytest.MonkeyPatch, bad: Bad
) -> None:
    server = serving(FaultServer(bad.content, **bad.serves))
    server.fault(bad.name, bad.spoil, times=10_000)
    transfer = TransferFactory(catalog_bytes=LENGTH, source_choice=SourceChoice.HTTP)
    job = job_with(transfer)
    # Only what is never told by a reply has to be given up on.
    with short_waits(monkeypatch, give_up_after_s=2 if bad.error is errors.ConnectionLost else 60):
        importer.run([transfer.pk])
    assert server.fired[bad.name]
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FAILED, bad.error.code)
    assert job.error.startswith(f"The file could not be had. {transfer.file_name}: ")
    assert bad.says in job.error
    assert "\n" not in job.error
    assert not DataFile.objects.exists()
    assert not list(folders.rglob("*.fits"))
    assert sum(path.stat().st_size for path in conf.partial_dir().iterdir()) <= LENGTH + 100_000

    serving(FaultServer(CONTENT))
    assert services.resume_job(job.pk).state == JobState.QUEUED
    importer.run([transfer.pk])
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.COMPLETE, "")
    assert services.file_path(DataFile.objects.get()).read_bytes() == CONTENT


EVIL = ["../../evil.fits", "/etc/cron.d/evil.fits", "a\\b.fits", "..", ".hidden.fits", "a\nb.fits"]


@pytest.mark.parametrize("name", EVIL)
def test_a_name_that_could_leave_the_folder_ends_its_file_and_nothing_else(
    serving: Callable[[FaultServer], FaultServer], tmp_path: Path, name: str
) -> None:
    """Planning leaves such files out; should one ever be in a row, it is the worker that refuses."""
    serving(FaultServer(CONTENT))
    evil = TransferFactory(file_name=name, source_choice=SourceChoice.HTTP)
    good = TransferFactory(catalog_bytes=LENGTH, source_choice=SourceChoice.HTTP)
    job = job_with(evil, good)
    importer.run([evil.pk, good.pk])
    evil.refresh_from_db()
    assert (evil.state, evil.error_code) == (JobState.FAILED, errors.UnsafeName.code)
    assert "cannot be a file name" in evil.error
    job.refresh_from_db()
    assert (job.state, DataFile.objects.get().file_name) == (JobState.FAILED, good.file_name)
    assert not [path for path in tmp_path.rglob("*") if "evil" in path.name or "hidden" in path.name]


def test_names_of_the_catalogue_that_could_leave_the_folder_are_left_out_in_words(
    little: LittleMast, serve: Callable[[LittleMast], Any]
) -> None:
    obs_id = "jw02733-o001_t001_nircam_clear-f090w"
    little.observation(obs_id, 1).product(1, f"{obs_id}_i2d.fits")
    evil = [*EVIL, "x" * 201]
    for name in evil:
        little.product(1, name, obs_id="jw02733001001")
    serve(little)
    plan = services.preview_import(ImportRequest(obs_id))
    assert [file.row.file_name for file in plan.files] == [f"{obs_id}_i2d.fits"]
    reasons = {"its name cannot be used as a file name", "its address is not one of MAST's JWST files"}
    assert {name for name, reason in plan.left_out if reason in reasons} == set(evil)
    services.start_import(ImportRequest(obs_id))
    assert Transfer.objects.count() == ImportJob.objects.get().total_files == 1
