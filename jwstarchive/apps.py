"""The project as a Django app: it brings the commands that run it (`up`, `down`, `doctor`, `bench`)."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "jwstarchive"
    verbose_name = "JWST archive project"
