"""What a benchmark asks of an archive, in a process of its own where Django is set up: migrate, ready, import, plan."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence

from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mast import conf, health, terms
from mast.imports import broker
from mast.imports.planning import ImportRequest
from mast.models import DataFile, ImportItem, Transfer
from mast.services.imports import start_import
from mast.services.jobs import get_job
from mast.terms import SourceChoice

LIMIT_S = 500


def request(obs_id: str) -> ImportRequest:
    return ImportRequest(obs_id, source=SourceChoice.HTTP)


def migrate() -> dict[str, object]:
    call_command("migrate", verbosity=0)
    return {}


def ready(count: str) -> dict[str, object]:
    """Wait until so many workers take messages."""
    with conf.redis_client() as redis:
        _until(lambda: redis.keys(f"{health.WORKER_KEYS}*"), int(count))
    return {}


def warm_up() -> None:
    """The web process loads astroquery in the background once it has started."""
    from astroquery.mast import Observations  # noqa: F401


def _until(found: Callable[[], list[bytes]], count: int) -> None:
    deadline = time.monotonic() + 60
    while len(found()) < count:
        if time.monotonic() > deadline:
            raise SystemExit("the workers did not start")
        time.sleep(0.05)


def run_imports(*obs_ids: str) -> dict[str, object]:
    """Import observations together, from the call to the last file's record."""
    warm_up()
    start = time.perf_counter()
    jobs = [start_import(request(obs_id)).job for obs_id in obs_ids]
    queued_s = time.perf_counter() - start
    while not all(get_job(str(job.pk)).state in terms.ENDED for job in jobs):
        if time.perf_counter() - start > LIMIT_S:
            raise SystemExit("the import did not end")
        time.sleep(0.02)
    taken_s = time.perf_counter() - start
    states = sorted({str(get_job(str(job.pk)).state) for job in jobs})
    files = DataFile.objects.filter(state=DataFile.State.HELD)
    size = sum(files.values_list("size_bytes", flat=True))
    if states != ["complete"]:
        errors = list(Transfer.objects.exclude(error="").values_list("error", flat=True)[:3])
        raise SystemExit(f"the import ended as {states}: {errors}")
    return {"taken_s": taken_s, "queued_s": queued_s, "files": files.count(), "bytes": size}


def plan(obs_id: str) -> dict[str, object]:
    """From the call until the rows are there and the first messages are out; no worker runs."""
    warm_up()
    with CaptureQueriesContext(connection) as queries:
        start = time.perf_counter()
        start_import(request(obs_id))
        taken_s = time.perf_counter() - start
    items = ImportItem.objects.count()
    return {"taken_s": taken_s, "items": items, "messages": broker.queue_length(), "queries": len(queries)}


WHAT: dict[str, Callable[..., dict[str, object]]] = {
    "migrate": migrate,
    "ready": ready,
    "import": run_imports,
    "plan": plan,
}


def main(arguments: Sequence[str]) -> None:
    """Do one thing and print what there is to say as JSON."""
    print(json.dumps(WHAT[arguments[0]](*arguments[1:])))
