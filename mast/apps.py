"""The Django app of the archive itself."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class MastConfig(AppConfig):
    name = "mast"
    verbose_name = "JWST archive"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from mast import access

        post_migrate.connect(access.make_groups, dispatch_uid="groups")
