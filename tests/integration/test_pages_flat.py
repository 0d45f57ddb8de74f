"""What a page asks of the database is as much for a library of a hundred thousand files as for one of ten."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mast import counts, recent
from mast.models import DataFile, Observation
from tests.benchmarks import library_rows
from tests.conftest import forget_recent

pytestmark = pytest.mark.django_db
PAGES = (
    "/",
    "/?ordering=-exposureTime",
    "/?instrument=NIRCAM&level=3",
    "/?q=survey",
    "/?view=files",
    "/?view=files&ordering=fileSize&type=image",
    "/?view=files&q=i2d",
    "/?tag=survey",
    "/observations/{observation}/",
    "/files/{file}/",
    "/search/",
    "/imports/",
    "/trash/",
    "/guide/",
    "/refresh/",
    "/api/files",
    "/api/files?limit=1000",
    "/api/observations?instrument=MIRI",
    "/api/files/{file}",
    "/api/observations?q=Orion",
    "/api/health",
)


COUNTING = 6
"""A small library is counted by the page that shows the numbers; of a large one the kept counts are read instead."""


def test_queries_stay_as_many_from_ten_files_to_a_hundred_thousand(
    client: Client, valkey: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # For what is remembered a while the clock stands still, or it might run out between two visits of a page.
    monkeypatch.setattr(recent, "time", SimpleNamespace(monotonic=lambda: 0.0))
    few, some, many = (_costs(client, count) for count in (10, 20_000, 100_000))
    assert many == some
    dearer = {page: (few[page], many[page]) for page in PAGES if many[page] > few[page] + COUNTING}
    assert dearer == {}


def _costs(client: Client, count: int) -> dict[str, int]:
    """Queries of each page, asked for the second time: what a process remembers is not in them."""
    with connection.cursor() as cursor:
        for table in ("mast_observation_tags", "mast_tag", "mast_datafile_observations", "mast_datafile"):
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("DELETE FROM mast_observation")
    library_rows.fill(count)
    counts.recount()
    forget_recent()
    names = {"observation": Observation.objects.earliest("pk").obs_id, "file": DataFile.objects.earliest("pk").pk}
    return {address: _cost(client, address.format(**names)) for address in PAGES}


def _cost(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)
    return len(queries)
