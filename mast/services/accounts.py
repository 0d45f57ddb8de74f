"""What people keep about themselves: API tokens, a MAST token, whom they let see their exclusive files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.utils import timezone

from mast import audit, credentials, errors, tokens
from mast.models import ApiToken, AuditEntry, MastToken, Trust

MOST_TOKENS: Final = 50
LATEST_DEEDS: Final = 20


def make_token(user: Any, name: str, scope: str, days: int | None) -> tuple[ApiToken, str]:
    """A new API token and its key, which nothing shows again. `days` None: it does not expire.

    Raises
    ------
    BadQuery
    """
    name = name.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise errors.BadQuery("A token needs a name of up to 100 characters.", fields={"name": "is missing"})
    if scope not in ApiToken.Scope.values:
        raise errors.BadQuery("A token may read, or read and import.", fields={"scope": "is not a scope"})
    if living_tokens(user).count() >= MOST_TOKENS:
        raise errors.BadQuery(f"You have {MOST_TOKENS} tokens; revoke one first.", fields={"name": "is one too many"})
    expires_at = timezone.now() + timedelta(days=days) if days else None
    row, key = tokens.make(user, name, scope, expires_at)
    audit.note("token.make", f"{name} ({row.prefix}…)", scope=scope, days=days)
    return row, key


def living_tokens(user: Any) -> Any:
    return ApiToken.objects.filter(user=user, revoked_at=None)


def revoke_token(user: Any, token_id: int) -> None:
    """Revoke one of this user's own tokens; of others' none is known here.

    Raises
    ------
    NotFound
    """
    row = ApiToken.objects.filter(user=user, pk=token_id).first()
    if row is None:
        raise errors.NotFound("You have no such token.")
    tokens.revoke(row)
    audit.note("token.revoke", f"{row.name} ({row.prefix}…)")


def store_mast_token(user: Any, token: str) -> None:
    credentials.store(user, token)
    audit.note("mast_token.store", user)


def forget_mast_token(user: Any) -> None:
    credentials.forget(user)
    audit.note("mast_token.forget", user)


def mast_token(user: Any) -> MastToken | None:
    """What is known of this user's MAST token, short of the token."""
    return MastToken.objects.defer("sealed").filter(user=user).first()


def trust(user: Any, username: str) -> User:
    """Let somebody see one's exclusive files.

    Raises
    ------
    BadQuery
    """
    other = User.objects.filter(username=username.strip(), is_active=True).exclude(pk=user.pk).first()
    if other is None:
        raise errors.BadQuery("There is nobody else of this user name here.", fields={"username": "is not known"})
    Trust.objects.get_or_create(owner=user, trusted=other)
    audit.note("trust.add", other)
    return other


def distrust(user: Any, trust_id: int) -> None:
    row = Trust.objects.select_related("trusted").filter(owner=user, pk=trust_id).first()
    if row is None:
        raise errors.NotFound("You trust nobody under this number.")
    row.delete()
    audit.note("trust.remove", row.trusted)


def trusted(user: Any) -> Sequence[Trust]:
    return list(Trust.objects.filter(owner=user).select_related("trusted").order_by("trusted__username"))


def deeds(user: Any) -> Sequence[AuditEntry]:
    """The last things this user did, as they are kept."""
    return list(AuditEntry.objects.filter(user=user)[:LATEST_DEEDS])
