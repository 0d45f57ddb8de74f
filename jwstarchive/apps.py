"""The project as a Django app: it brings the commands that run it (`up`, `down`, `doctor`, `bench`)."""

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig


class ProjectConfig(AppConfig):
    name = "jwstarchive"
    verbose_name = "JWST archive project"

    def ready(self) -> None:
        from jwstarchive import safety, signals  # noqa: F401 - they register what they hold


class AdminConfig(SimpleAdminConfig):
    """Simple: its pages are loaded with the addresses, not by every command."""

    default_site = "jwstarchive.adminsite.ArchiveAdmin"
