"""API tokens: a script's key, shown once and stored as its SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from mast.models import ApiToken

PREFIX_LENGTH: Final = 8
USE_NOTED_EVERY: Final = timedelta(minutes=1)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def make(
    user: User, name: str, scope: str = ApiToken.Scope.IMPORT, expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A new token and its key of 256 random bits, which nothing can show again."""
    key = secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        user=user, name=name, scope=scope, expires_at=expires_at, prefix=key[:PREFIX_LENGTH], digest=_digest(key)
    )
    return row, key


def find(key: str) -> ApiToken | None:
    """The living token of this key, its user active; notes that it was used, at most once a minute."""
    now = timezone.now()
    alive = Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now))
    # Looked up by digest: comparing digests gives nothing away about the key, however long it takes.
    token = ApiToken.objects.select_related("user").filter(alive, digest=_digest(key), user__is_active=True).first()
    if token and (token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def revoke(token: ApiToken) -> None:
    """From now on the key opens nothing; the row stays for the record."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
