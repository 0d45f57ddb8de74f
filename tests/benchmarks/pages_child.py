"""What the benchmark of the pages asks of one library, in a process of its own where Django is set up.

Each page and its peer are called in turn through the whole stack below the socket: middleware, views, database,
templates. `python -m tests.benchmarks.pages_child SCENARIO ARGUMENT ...` prints figures as JSON.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

RUNS = 15
PAGES = {
    "by file": "/?view=files",
    "by file, smallest first": "/?view=files&ordering=fileSize",
    "by file, Level 2": "/?view=files&level=2",
    "by file, NIRCAM": "/?view=files&instrument=NIRCAM",
    "by file, one program": "/?view=files&program=1234",
    "by observation": "/",
    "by observation, longest exposure": "/?ordering=-exposureTime",
    "by observation, MIRI by date": "/?ordering=-observationDate&instrument=MIRI",
}
DEEP = ("by file", "by observation")
TEXTS = ("nrcb1_cal", "Orion", "FIELD-399")


def visitor(**options: Any) -> Any:
    from django.test import Client

    return Client(HTTP_HOST="localhost", **options)


def timed(call: Callable[[], Any]) -> float:
    """Milliseconds of one call."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def interleaved(runs: int, **calls: Callable[[], Any]) -> dict[str, float]:
    """The median milliseconds of each, run in turn after one that warms up."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(runs):
        for name, call in calls.items():
            taken[name].append(timed(call))
    return {name: statistics.median(values) for name, values in taken.items()}


def cost(client: Any, address: str) -> dict[str, float]:
    """Queries and bytes of one page."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)
    return {"queries": len(queries), "bytes": len(response.content)}


# --- the library ------------------------------------------------------------------------------------------------


def library() -> dict[str, Any]:
    from django.contrib.auth.models import User

    from mast import counts

    counts.recount()
    ours, admin = visitor(), visitor()
    admin.force_login(User.objects.filter(username="bench").first() or User.objects.create_superuser("bench"))

    def list_of_the_admin() -> None:
        assert admin.get("/admin/mast/datafile/").status_code == 200

    calls = {name: (lambda address=address: ours.get(address)) for name, address in PAGES.items()}
    for name in DEEP:
        deep = _deep(PAGES[name], is_files="file" in name)
        calls[f"{name}, last page"] = lambda deep=deep: ours.get(deep)
    taken = interleaved(RUNS, **calls)
    theirs = interleaved(3, admin=list_of_the_admin)["admin"]
    return {"pages": taken, "admin": theirs, "cost": {name: cost(ours, address) for name, address in PAGES.items()}}


def _deep(address: str, *, is_files: bool) -> str:
    """The address of the last page: it begins a page's length before the oldest row."""
    from dashboard.library import FILES_A_PAGE, OBSERVATIONS_A_PAGE
    from mast import keyset
    from mast.models import DataFile, Observation

    column = "fetched_at" if is_files else "created_at"
    rows = (DataFile if is_files else Observation).objects.order_by(column, "pk")
    row = rows[FILES_A_PAGE if is_files else OBSERVATIONS_A_PAGE]
    order = keyset.Order("-fetchedAt" if is_files else "-createdAt", column)
    return f"{address}{'&' if '?' in address else '?'}cursor={keyset._write(order, row)}"


def facets() -> dict[str, Any]:
    """Counting under filters, without what is remembered of an earlier page; and a text."""
    from mast import counts, tallies
    from mast.library import Filters

    kept = counts.kept() or counts.recount()

    def counted(chosen: Filters) -> Callable[[], Any]:
        def call() -> None:
            kept.sums.clear()
            kept.facets.clear()
            tallies.by_facet(kept, chosen, of_files=True)
            tallies.totals(kept, chosen)

        return call

    client = visitor()
    found = interleaved(
        RUNS,
        plain=counted(Filters()),
        filtered=counted(Filters(instrument="NIRCAM", level=2)),
        program=counted(Filters(program="1234", data_type="image")),
    )
    texts = interleaved(5, **{text: (lambda text=text: client.get(f"/?q={text}&view=files")) for text in TEXTS})
    return {"facets": found, "texts": texts}


def listing() -> dict[str, Any]:
    """A thousand rows as JSON, beside a list of ninja schemas of the same records."""
    from django.test import override_settings

    client = visitor()
    with override_settings(ROOT_URLCONF="tests.benchmarks.pages_urls"):
        return interleaved(
            RUNS,
            ours=lambda: client.get("/api/files?limit=1000").content,
            ninja=lambda: client.get("/peer/files").content,
        )


# --- jobs -------------------------------------------------------------------------------------------------------


def _job(count: int) -> Any:
    """A job that downloads so many files."""
    from mast.models import Transfer
    from tests.factories import TransferFactory, job_with

    names = [f"file{count}_{number}.fits" for number in range(count)]
    made = [
        TransferFactory.build(state="downloading", file_name=name, data_uri=f"mast:JWST/product/{name}")
        for name in names
    ]
    return job_with(*Transfer.objects.bulk_create(made), state="downloading")


def polls() -> dict[str, Any]:
    """A poll of a job of five files and of one of five thousand."""
    client = visitor()
    jobs = {count: _job(count) for count in (5, 5000)}
    addresses = {count: f"/imports/{job.pk}/progress/?state=downloading" for count, job in jobs.items()}

    def poll(count: int) -> Callable[[], Any]:
        def call() -> None:
            # A second lies between the polls of a tab, and what a process remembers is a quarter of one old.
            time.sleep(0.02)
            assert client.get(addresses[count], headers={"HX-Request": "true"}).status_code == 200

        return call

    return interleaved(100, few=poll(5), many=poll(5000)) | {"address": addresses[5]}


# --- a search of twenty thousand rows ---------------------------------------------------------------------------


def search(rows: str) -> dict[str, Any]:
    """From MAST's answer, as bytes, to the page; then turning and sorting its pages."""
    from mast.archive.answers import Found, explain
    from mast.archive.query import Query
    from mast.archive.rows import decode_observations
    from mast.imports import searchcache
    from tests.benchmarks.bench_archive import synthetic_answer

    body = synthetic_answer(int(rows)).encode()
    query = Query(kind="program", program_id="9999")
    client = visitor()
    address = "/search/?kind=program&q=9999"

    def first() -> None:
        answer = explain(query, Found(decode_observations(body).rows, "Searched program 9999."))
        searchcache.keep(query, answer)
        # The page that shows the answer just given; `page` keeps it from being asked for once more.
        assert client.get(f"{address}&page=1").status_code == 200

    taken = interleaved(5, first=first)
    turned = {"page 2": "&page=2", "last page": "&page=400", "sorted": "&sort=-date", "filtered": "&filter=F200W"}
    calls = {name: (lambda more=more: client.get(address + more)) for name, more in turned.items()}
    taken |= interleaved(RUNS, **calls)
    return {"ms": taken, "cost": cost(client, f"{address}&page=2")}


def main(arguments: Sequence[str]) -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jwstarchive.settings")
    django.setup()
    scenario = {"library": library, "facets": facets, "listing": listing, "polls": polls, "search": search}
    print(json.dumps(scenario[arguments[0]](*arguments[1:])))


if __name__ == "__main__":
    main(sys.argv[1:])
