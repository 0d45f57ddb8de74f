"""The Celery app: `celery -A jwstarchive worker`. Tasks live in `mast.tasks`, their schedule in the settings."""

import os
from typing import Any

from celery import Celery, bootsteps
from celery.signals import worker_init, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jwstarchive.settings")
# They would import every page and route into each worker; the web server and `manage.py check` do run them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
app = Celery("jwstarchive")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


# The imports below wait for a worker: they need Django's apps, which are not ready when this module is read.


class Alive(bootsteps.StartStopStep):
    """Says every few seconds that this worker runs: a step of what takes messages, so a worker cut off falls silent."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Any) -> None:
        from mast import health

        health.worker_is_alive(parent.hostname)
        parent.timer.call_repeatedly(health.WORKER_BEAT_S, health.worker_is_alive, (parent.hostname,))

    def stop(self, parent: Any) -> None:
        from mast import health

        health.worker_is_gone(parent.hostname)


app.steps["consumer"].add(Alive)


@worker_init.connect
def _take_work_again(**_: Any) -> None:
    from mast.imports import stopping

    stopping.clear()


@worker_shutting_down.connect
def _let_downloads_stop(**_: Any) -> None:
    """A worker that is asked to stop waits for its tasks: they end at the next chunk and are free for others."""
    from mast.imports import stopping

    stopping.ask()
