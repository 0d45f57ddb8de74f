"""The Celery app: `celery -A jwstarchive worker`. Tasks live in `mast.tasks`, their schedule in the settings."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_ready, worker_shutdown, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jwstarchive.settings")
# They would import every page and route into each worker; the web server and `manage.py check` do run them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
app = Celery("jwstarchive")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# The imports below wait for a signal: they need Django's apps, which are not ready when this module is read.


@worker_init.connect
def _take_work_again(**_: Any) -> None:
    from mast.imports import stopping

    stopping.clear()


@worker_ready.connect
def _say_alive_every_few_seconds(sender: Any, **_: Any) -> None:
    """From the loop that takes messages, so that a worker that is stuck falls silent."""
    from mast import health

    health.worker_is_alive(sender.hostname)
    sender.timer.call_repeatedly(health.WORKER_BEAT_S, health.worker_is_alive, (sender.hostname,))


@worker_shutting_down.connect
def _let_downloads_stop(**_: Any) -> None:
    """A worker that is asked to stop waits for its tasks: they end at the next chunk and are free for others."""
    from mast.imports import stopping

    stopping.ask()


@worker_shutdown.connect
def _say_gone(sender: Any, **_: Any) -> None:
    from mast import health

    health.worker_is_gone(sender.hostname)
