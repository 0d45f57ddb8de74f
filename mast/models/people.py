"""Rows about people: what the groups may do, their tokens, who may see whose exclusive files, who did what."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class Access(models.Model):  # noqa: DJ008 - there is never a row to name
    """No rows: the home of the four rights, so that Django's groups, LDAP and OpenID Connect can give them."""

    class Meta:
        default_permissions = ()
        permissions: ClassVar = [
            ("read_library", "May search MAST and read the library"),
            ("import_files", "May import, and steer own imports"),
            ("curate_library", "May correct, tag and delete records, and steer everybody's imports"),
            ("administer_archive", "May manage accounts and read what was done by whom"),
        ]


class MastToken(models.Model):
    """A user's own token for exclusive-access data. Written and used, never shown: not even to its owner."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mast_token")
    sealed = models.BinaryField(editable=False, help_text="encrypted; the key is not in the database")
    stored_at = models.DateTimeField(default=timezone.now, editable=False)
    used_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="when MAST last took it")
    refused_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="when MAST last refused it")

    def __str__(self) -> str:
        return f"MAST token of {self.user}"

    @property
    def is_refused(self) -> bool:
        """Whether MAST's last word on it was no."""
        return self.refused_at is not None and (self.used_at is None or self.used_at < self.refused_at)


class Trust(models.Model):
    """`trusted` may see the exclusive files of `owner` until they are released."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="trusts")
    trusted = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="trusted_by")
    since = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "trusted person"
        verbose_name_plural = "trusted people"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "trusted"], name="one_trust_per_pair"),
            models.CheckConstraint(condition=~Q(owner=F("trusted")), name="nobody_trusts_themselves"),
        ]

    def __str__(self) -> str:
        return f"{self.owner} → {self.trusted}"


class AuditEntry(models.Model):
    """Something a person did, kept whatever becomes of the person and the thing. Never holds a secret."""

    at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="deeds"
    )
    who = models.CharField(max_length=150, db_index=True, help_text="the name at that time")
    how = models.CharField(max_length=150, help_text="a session, a token by its name, a command")
    action = models.CharField(max_length=64, db_index=True)
    target = models.CharField(max_length=300, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    address = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=32, blank=True)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.who}: {self.action} {self.target}"


class ApiToken(models.Model):
    """A script's key. Only its digest is stored; the key itself is shown once."""

    class Scope(models.TextChoices):
        READ = "read"
        IMPORT = "import"

    name = models.CharField(max_length=100, help_text="what it is for")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    prefix = models.CharField(max_length=8, db_index=True, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scope = models.CharField(max_length=16, choices=Scope.choices, default=Scope.IMPORT)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
