"""Views of the library that people keep: their own, and those others share."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q
from django.http import QueryDict

from dashboard.models import SavedView
from mast.errors import BadQuery, NotFound
from mast.visibility import Reader

MOST = 100


@dataclass(frozen=True)
class Listed:
    """A view as the page lists it; `mine` may be changed by this visitor."""

    pk: int
    name: str
    query: str
    is_pinned: bool
    mine: bool


def _own(user: Reader) -> Q:
    """Without a login views belong to nobody, and so to everybody there."""
    return Q(owner=user.pk) if user is not None and user.is_authenticated else Q(owner=None)


def of(user: Reader) -> list[Listed]:
    """What this visitor sees, pinned ones first; one query."""
    mine = user.pk if user is not None and user.is_authenticated else None
    rows = SavedView.objects.filter(_own(user) | Q(owner=None) | Q(is_shared=True))[:MOST]
    return [Listed(row.pk, row.name, row.query, row.is_pinned, row.owner_id == mine) for row in rows]


def change(posted: QueryDict, user: AbstractBaseUser | None) -> str:
    """Save a new view, or pin or remove one of one's own; what was done, in a sentence."""
    action = posted.get("action", "save")
    if action == "save":
        return _save(posted, user)
    number = posted.get("view", "")
    row = SavedView.objects.filter(_own(user), pk=int(number) if number.isdecimal() and len(number) < 16 else 0).first()
    if row is None:
        raise NotFound("This view is not there any more, or belongs to somebody else.")
    if action == "remove":
        row.delete()
        return f"Removed the view “{row.name}”."
    if action not in {"pin", "unpin"}:
        raise BadQuery(f"There is no action {action!r}.", fields={"action": "unknown"})
    row.is_pinned = action == "pin"
    row.save(update_fields=["is_pinned"])
    return f"{'Pinned' if row.is_pinned else 'Unpinned'} “{row.name}”."


def _save(posted: QueryDict, user: AbstractBaseUser | None) -> str:
    name = " ".join(posted.get("name", "").replace("\x00", "").split())
    if not name or len(name) > 100:
        raise BadQuery("A view needs a name of up to 100 characters.", fields={"name": "is missing or too long"})
    query = posted.get("query", "")
    if len(query) > 2000:
        raise BadQuery("This view's address is too long to keep.", fields={"query": "is too long"})
    SavedView.objects.create(
        name=name,
        query=query,
        owner_id=user.pk if user is not None and user.is_authenticated else None,
        is_shared=bool(posted.get("shared")),
        is_pinned=bool(posted.get("pinned")),
    )
    return f"Saved the view “{name}”."
