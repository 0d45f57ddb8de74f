"""Text from outside in every column, FITS card and address, on every page and in the admin, in Chromium.

Nothing may run, and nothing may even be tried: a script that only the content security policy stopped is a hole in a
page all the same, so every report of the policy counts. Row `i` carries payload `i + c` in its column `c`: over all
rows every column has carried every payload. A run takes some of the rows, `--release` all forty.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import models
from django.test import Client
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from mast.fits.inspect import inspect_file
from mast.models import ApiToken, AuditEntry, DataFile, ImportJob, Observation, Tag, Transfer
from tests.factories import DataFileFactory, JobFactory, ObservationFactory, TransferFactory
from tests.integration.little_mast import BLOCK, LittleMast

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PAYLOADS = Path(__file__).with_name("payloads.txt").read_text().splitlines()
KEYWORDS = (
    "TARGNAME", "TARGPROP", "TITLE", "PI_NAME", "CATEGORY", "INSTRUME", "DETECTOR", "FILTER", "PUPIL", "GRATING",
    "EXP_TYPE", "OBSLABEL", "PROGRAM", "VISIT_ID", "TELESCOP", "CAL_VER", "CRDS_CTX", "FILENAME", "DATAMODL", "BUNIT",
)  # fmt: skip
MAST_TEXTS = ("target_name", "filters", "proposal_pi", "obs_title", "dataURL", "jpegURL", "instrument_name", "s_region")
# What the archive itself reads back: another text there would test nothing but a 404.
OWN = {
    "sha256", "state", "source", "proof", "path", "badge", "kind", "source_choice", "choices_key", "digest", "prefix",
    "scope", "validator", "lease_owner", "product_type",
}  # fmt: skip
WATCH = """
    window.ran = []; window.reports = [];
    for (const name of ["alert", "confirm", "prompt"]) window[name] = (what) => { window.ran.push(String(what)); };
    document.addEventListener("securitypolicyviolation",
      (event) => window.reports.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


def payload(number: int) -> str:
    return PAYLOADS[number % len(PAYLOADS)]


def poisoned(model: type[models.Model], row: int) -> dict[str, Any]:
    """A text of another payload for every column that holds text."""
    found: dict[str, Any] = {}
    for number, column in enumerate(model._meta.fields):
        if column.name in OWN or column.choices or not isinstance(column, models.CharField | models.TextField):
            continue
        text = payload(row + number)
        if column.unique or column.name == "obs_id":
            # An address holds no slash, and rows differ.
            text = f"{text} {row}".replace("/", "∕")
        found[column.name] = text[: column.max_length]
    return found


def fits_with(row: int, width: int = 60) -> bytes:
    cards = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0"]
    for number, keyword in enumerate(KEYWORDS):
        value = "".join(c for c in payload(row + number) if " " <= c <= "~")[:60].replace("'", "''")
        cards.append(f"{keyword:8}= '{value[:66]}'")
    cards.append(f"COMMENT {payload(row)[:70]}")
    image = ["XTENSION= 'IMAGE   '", "BITPIX  =                    8", "NAXIS   =                    2",
             f"NAXIS1  = {width:20d}", "NAXIS2  =                   48", "PCOUNT  =                    0",
             "GCOUNT  =                    1", "EXTNAME = 'SCI     '"]  # fmt: skip
    heads = b"".join("".join(c[:80].ljust(80) for c in [*part, "END"]).ljust(BLOCK).encode() for part in (cards, image))
    return heads + bytes(range(48)) * width


def make(row: int) -> None:
    """One of each, all of its text from outside."""
    raw = {payload(row + shift): payload(row + shift + 1) for shift in range(3)}
    texts = poisoned(Observation, row)
    observation = ObservationFactory(**texts, raw=raw | {"obs_id": texts["obs_id"]})
    observation.tags.add(Tag.objects.create(name=f"{payload(row + 5)} {row}"[:100]))
    name = f"held-{row}_i2d.fits"
    path = Path(django_settings.FILES_DIR) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(fits_with(row))
    plan = inspect_file(path, file_name=name)
    file = DataFileFactory(
        observation=observation, **poisoned(DataFile, row), path=name, size_bytes=path.stat().st_size, raw=raw,
        plan=plan.to_json(), is_viewable=bool(row % 2), proof_notes=[payload(row)], wcs={"CRVAL1": payload(row)},
    )  # fmt: skip
    job = JobFactory(
        observation=observation, state="failed", **{**poisoned(ImportJob, row), "obs_id": observation.obs_id},
        skipped=[{"reason": payload(row), "count": 1, "examples": [payload(row + 1)]}], tags=[payload(row + 2)],
    )  # fmt: skip
    transfer = TransferFactory(**poisoned(Transfer, row), state="failed", file=file, raw=raw)
    job.items.create(transfer=transfer)
    user = User.objects.get()
    ApiToken.objects.create(user=user, prefix="abcdefgh", digest=f"{row:064d}", **poisoned(ApiToken, row))
    AuditEntry.objects.create(user=user, detail=raw, **poisoned(AuditEntry, row))


def addresses(rows: range) -> Iterator[str]:
    yield from ("/", "/imports/", "/refresh/", "/account/", "/search/?kind=program&q=2733&all_levels=on")
    yield f"/import/preview/?obs_id={quote('jw02733-o001_t001_nircam_clear-f090w')}"
    for observation in Observation.objects.all():
        yield f"/observations/{quote(observation.obs_id, safe='')}/"
        yield f"/admin/mast/observation/{observation.pk}/change/"
    for file in DataFile.objects.all():
        yield from (f"/files/{file.pk}/{page}" for page in ("", "header/", "table/", "view/"))
        yield f"/admin/mast/datafile/{file.pk}/change/"
        yield f"/admin/mast/datafile/{file.pk}/delete/"
    for job in ImportJob.objects.all():
        yield f"/imports/{job.pk}/"
        yield f"/admin/mast/importjob/{job.pk}/change/"
    for model in ("observation", "datafile", "importjob", "transfer", "tag", "apitoken", "auditentry"):
        yield f"/admin/mast/{model}/"
    for entry in AuditEntry.objects.all():
        yield f"/admin/mast/auditentry/{entry.pk}/change/"
    for row in rows:
        text = quote(payload(row), safe="")
        yield from (f"/?q={text}&instrument={text}", f"/search/?kind=target&q={text}", f"/admin/?q={text}")
        yield from (f"/{text}", f"/problems/{text}", f"/api/files?q={text}", f"/admin/mast/observation/?q={text}")


@pytest.fixture
def root(browser: Browser, settings: Any, tmp_path: Path) -> Iterator[Page]:
    """An administrator's browser, watched for what runs in it and what its policy reports; and a MAST as hostile."""
    settings.FILES_DIR = tmp_path / "mast"
    mast = LittleMast(tmp_path / "hostile")
    for row in range(len(PAYLOADS)):
        texts = {name: payload(row + shift) for shift, name in enumerate(MAST_TEXTS)}
        mast.observation(f"jw02733-o{row:03d}_t001_nircam_clear-f090w", row + 1, **texts)
    settings.MAST_URL, settings.MAST_TIMEOUT_S = mast.serve().url, 120
    user = User.objects.create_superuser("root")
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    server = LiveServer("localhost")
    context = browser.new_context(base_url=server.url)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": server.url}])
    context.add_init_script(WATCH)
    page = context.new_page()
    # The first search imports astroquery, which a busy machine takes its time over.
    page.set_default_timeout(120_000)
    yield page
    context.close()
    server.stop()
    mast.stop()


@pytest.mark.release
@pytest.mark.timeout(3600)
def test_nothing_from_outside_runs_on_any_page(root: Page) -> None:
    rows = range(len(PAYLOADS) if os.environ.get("FAULT_SIZE") == "release" else 6)
    for row in rows:
        make(row)
    ran: list[str] = []
    reports: list[str] = []
    asked: set[str] = set()
    root.on("dialog", lambda dialog: ran.append(dialog.message) or dialog.dismiss())
    root.on("request", lambda sent: asked.add(sent.url))
    seen = 0
    for address in addresses(rows):
        answer = root.goto(address)
        assert answer is not None
        # What MAST cannot answer here is said in a page like any other; an error of our own is none of those.
        assert answer.status != 500, address
        ran += [f"{address}: {what}" for what in root.evaluate("window.ran")]
        reports += [f"{address}: {what}" for what in root.evaluate("window.reports")]
        seen += 1
    assert ran == []
    assert reports == []
    # Its own addresses carry payloads that name another host; none is asked for anything.
    assert {urlsplit(url).hostname for url in asked} - {None} == {"localhost"}
    assert seen > 18 * len(rows), seen
    print(f"{seen} pages, {len(rows)} payloads, {len(asked)} requests")


def test_the_watch_sees_what_it_is_to_see(root: Page) -> None:
    """A page of the same policy into which something was let: both counters must move."""
    root.goto("/")
    root.evaluate("""() => { const image = document.createElement('div');
        image.innerHTML = '<img src=x onerror=alert(1)>'; document.body.append(image); window.alert('seen'); }""")
    root.wait_for_function("() => window.reports.length > 0")
    assert root.evaluate("window.ran") == ["seen"]
    assert "script-src" in root.evaluate("window.reports")[0]
