"""The Django app of the archive itself."""

from django.apps import AppConfig


class MastConfig(AppConfig):
    name = "mast"
    verbose_name = "JWST archive"
    default_auto_field = "django.db.models.BigAutoField"
