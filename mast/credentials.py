"""MAST tokens: whose may be used for what. A user's own lies encrypted in the database, its key outside of it.

A token leaves here for one purpose, to be sent to MAST as a header. It is in no message, no address and no log, and
nothing shows it again, not even to its owner.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from mast import access, acting
from mast.access import Right
from mast.errors import BadQuery
from mast.models import ImportJob, MastToken, Transfer

_SHAPE: Final = re.compile(r"[A-Za-z0-9._~+/=-]{8,512}")


@dataclass(frozen=True)
class Credential:
    """A token and whose it is; None: the site's own, `MAST_API_TOKEN`."""

    token: str = field(repr=False)
    owner_id: int | None = None


def _cipher() -> Fernet:
    """From the secret key, which lies in the data directory or in the environment: a stolen database tells nothing."""
    key = HKDF(SHA256(), 32, salt=None, info=b"jwst-archive MAST tokens").derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(key))


# --- a user's own -----------------------------------------------------------------------------------------------


def store(user: Any, token: str) -> None:
    """Keep a user's token, in place of the one before.

    Raises
    ------
    BadQuery : it cannot be a token; what it was is not repeated
    """
    token = token.strip()
    if not _SHAPE.fullmatch(token):
        raise BadQuery("This does not look like a MAST token.", fields={"token": "is not a MAST token"})
    fresh = {"sealed": _cipher().encrypt(token.encode()), "stored_at": timezone.now()}
    MastToken.objects.update_or_create(user=user, defaults=fresh | {"used_at": None, "refused_at": None})


def forget(user: Any) -> None:
    MastToken.objects.filter(user=user).delete()


def _opened(row: MastToken) -> Credential | None:
    """None once the secret key is another: the token has to be stored again."""
    try:
        return Credential(_cipher().decrypt(bytes(row.sealed)).decode(), row.user_id)
    except InvalidToken:
        return None


def note_taken(credential: Credential) -> None:
    """MAST gave a file for it."""
    _rows_of(credential).update(used_at=timezone.now(), refused_at=None)


def note_refused(credential: Credential) -> None:
    """MAST gave no file for it: its owner is told before the next import."""
    _rows_of(credential).update(refused_at=timezone.now())


def _rows_of(credential: Credential) -> QuerySet[MastToken]:
    rows = MastToken.objects.all()
    return rows.none() if credential.owner_id is None else rows.filter(user_id=credential.owner_id)


# --- which one --------------------------------------------------------------------------------------------------


def _of_site(user: Any) -> Credential | None:
    """The site's token is the administrators': with logins, others must bring one of their own."""
    may_use = user is None or settings.ACCESS == "open" or access.may(user, Right.ADMINISTER)
    return Credential(settings.MAST_API_TOKEN) if settings.MAST_API_TOKEN and may_use else None


def of_user(user: Any) -> Credential | None:
    """What this user may ask MAST with for exclusive files; None: nothing."""
    row = MastToken.objects.filter(user=user.pk).first() if user is not None and user.is_authenticated else None
    return (_opened(row) if row else None) or _of_site(user)


def mine() -> Credential | None:
    return of_user(acting.current().user)


def of_transfer(transfer: Transfer) -> Credential | None:
    """With what a file on its way is fetched: the token of somebody whose import waits for it, the best first."""
    jobs = ImportJob.objects.filter(items__transfer=transfer).select_related("owner", "owner__mast_token")
    wanting = [job for job in jobs.order_by("-created_at") if job.owner is None or job.owner.is_active]
    owners = [job.owner for job in wanting if job.owner is not None and job.is_exclusive]
    rows = [owner.mast_token for owner in owners if hasattr(owner, "mast_token")]
    for row in sorted(rows, key=lambda row: row.is_refused):
        if credential := _opened(row):
            return credential
    return next((found for job in wanting if (found := _of_site(job.owner))), None)
