"""Who did what: one line for everything a person changes, kept in the database and in the log."""

from __future__ import annotations

import logging
from typing import Any, Final

from mast import acting
from mast.models import AuditEntry

log = logging.getLogger("jwst.audit")
_WIDEST: Final = 300


def note(action: str, target: object = "", **detail: Any) -> None:
    """Write down that whoever acts did this. What the archive does by itself is in its log alone."""
    actor = acting.current()
    if actor.is_archive:
        return
    words = str(target)[:_WIDEST]
    AuditEntry.objects.create(
        user=actor.user if actor.user.is_authenticated else None,
        who=actor.name[:150],
        how=actor.how[:150],
        action=action,
        target=words,
        detail=detail,
        address=actor.address[:64],
        request_id=actor.request_id,
    )
    log.info("%s: %s %s %s", actor.name, action, words, detail or "")
