"""`/metrics` for Prometheus: requests by page and status, jobs by state, what the library holds, what is ill.

Counters of all web processes are added up by way of files in the run directory, which `prometheus-client` keeps. Asked
for on loopback without a proxy; with logins by a token or session that may read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from mast import counts, health
from mast.api.access import reading
from mast.errors import LoginRequired, MastError
from mast.imports import broker
from mast.models import ImportJob

GetResponse = Callable[[HttpRequest], HttpResponseBase]
BUCKETS_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)
REQUESTS = Counter("jwst_requests_total", "Requests answered", ["page", "method", "status"])
SECONDS = Histogram("jwst_request_seconds", "Time to an answer", ["page"], buckets=BUCKETS_S)


class Measured:
    """Counts every request under its page's name: an address may hold anything, and would make a series of its own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        page = (request.resolver_match and request.resolver_match.view_name) or "none"
        method = request.method if request.method in {"GET", "HEAD", "POST"} else "other"
        REQUESTS.labels(page, method, response.status_code).inc()
        SECONDS.labels(page).observe(time.perf_counter() - began)
        return response


class Archive:
    """What is read anew for every scrape."""

    def collect(self) -> Iterator[Any]:
        yield _family("jwst_jobs", "Jobs by state", "state", _jobs())
        states = counts.by_state()
        yield _family("jwst_files", "Files by state", "state", {state: files for state, (files, _) in states.items()})
        sizes: dict[str, float] = {state: size for state, (_, size) in states.items()}
        yield _family("jwst_file_bytes", "Bytes of files by state", "state", sizes)
        parts = {part.name: float(part.ok) for part in health.parts()}
        yield _family("jwst_part_ok", "Whether a part of the archive works", "part", parts)
        waiting = broker.queue_length()
        yield GaugeMetricFamily(
            "jwst_queue_messages", "Messages in the queue; -1: not known", -1 if waiting is None else waiting
        )


def _family(name: str, words: str, label: str, values: dict[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _jobs() -> dict[str, float]:
    return dict(ImportJob.objects.order_by().values_list("state").annotate(n=Count("pk")))


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    try:
        reading(request)
    except MastError as error:
        status = 401 if isinstance(error, LoginRequired) else error.http_status
        return HttpResponse(f"{error.message}\n", status=status, content_type="text/plain; charset=utf-8")
    registry = CollectorRegistry()
    if settings.METRICS_DIR.is_dir():
        MultiProcessCollector(registry, path=str(settings.METRICS_DIR))  # type: ignore[no-untyped-call]
    registry.register(Archive())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
