"""Celery shells: ids in, one call. Messages may be lost, doubled or late; each call looks at the rows first."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from typing import Any, Final

from celery import shared_task
from celery.signals import worker_init, worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import connection

from mast import acting, counts, health
from mast.imports import importer, preparing, shelf, stopping, sweeper, verifyjob
from mast.imports import refresh as refreshing
from mast.imports import upkeep as keeping
from mast.models import ImportItem

log = logging.getLogger(__name__)


@shared_task
def fetch(transfer_ids: Sequence[int]) -> None:
    """Bring these products home."""
    job = ImportItem.objects.filter(transfer__in=list(transfer_ids)).values_list("job_id", flat=True).last()
    with stopping.by_signal(), acting.working_for(str(job or "")):
        importer.run(transfer_ids, stopping.is_asked)
        if not stopping.is_asked():
            sweeper.refill()


@shared_task
def derive(data_uris: Sequence[str]) -> None:
    """Make the pyramids and thumbnails of files that arrived."""
    preparing.prepare(data_uris, stopping.is_asked)


@shared_task
def refresh(job_id: str) -> None:
    """Read every observation again, or those that were chosen."""
    with stopping.by_signal(), acting.working_for(job_id):
        refreshing.run(job_id, stopping.is_asked)


@shared_task
def register_existing(job_id: str) -> None:
    """Verify and register files that lie on disk."""
    with stopping.by_signal(), acting.working_for(job_id):
        shelf.run(job_id, stopping.is_asked)


@shared_task
def verify(job_id: str) -> None:
    """Read files again and compare every byte."""
    with stopping.by_signal():
        verifyjob.run(job_id, stopping.is_asked)


@shared_task
def count_library() -> None:
    """Count a large library anew, so that no page has to."""
    if counts.is_due():
        counts.recount()


@shared_task
def sweep() -> None:
    """Put right what dead workers and lost messages left."""
    sweeper.sweep()


@shared_task
def upkeep() -> None:
    """Once an hour: remove parts and cached answers that nobody needs."""
    keeping.tidy()


# --- the worker around them -------------------------------------------------------------------------------------


class _Sweeping:
    """A thread of the worker that sweeps and says that the worker lives, until the worker stops."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._between = threading.Lock()
        self._thread: threading.Thread | None = None
        # A pool process forked while the thread is inside SQLite would inherit its locks for ever.
        os.register_at_fork(
            before=self._between.acquire, after_in_parent=self._between.release, after_in_child=self._between.release
        )

    def start(self, name: str) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(name,), name="sweeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=5)

    def _run(self, name: str) -> None:
        while True:
            with self._between:
                self._round(name)
            if self._stop.wait(min(settings.SWEEP_EVERY_S, health.WORKER_BEAT_S)):
                return

    def _round(self, name: str) -> None:
        try:
            health.worker_is_alive(name)
            sweeper.sweep()
        except Exception:
            # Whatever it was, the next round may do better; without rounds nothing heals.
            log.exception("a sweep failed")
        finally:
            connection.close()


_sweeping: Final = _Sweeping()


@worker_init.connect
def _begin(**_: Any) -> None:
    stopping.clear()


@worker_ready.connect
def _ready(sender: Any = None, **_: Any) -> None:
    _sweeping.start(getattr(sender, "hostname", "") or "worker")


@worker_shutting_down.connect
def _stop(**_: Any) -> None:
    stopping.ask()


@worker_shutdown.connect
def _stopped(sender: Any = None, **_: Any) -> None:
    _sweeping.stop()
    health.worker_is_gone(getattr(sender, "hostname", "") or "worker")
