"""The project as a Django app: it makes the Celery app the current one before a task can be sent."""

from importlib import import_module

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "jwstarchive"
    verbose_name = "JWST archive project"

    def ready(self) -> None:
        # Not in the package's own __init__: `manage.py` reads jwstarchive.bootstrap before anything is installed.
        import_module("jwstarchive.celery")
