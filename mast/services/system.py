"""How the archive itself is doing."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from mast import health as parts_of_health
from mast.imports import live

_DOWN: Final = "mast down since"
_STANDS_MS: Final = 10 * 60 * 1000
"""how long nobody's finding MAST down is believed"""


def health() -> dict[str, Any]:
    """Every part's state; `ok` when all of them work."""
    parts = parts_of_health.parts()
    return {"ok": all(part.ok for part in parts), "parts": {part.name: part.to_dict() for part in parts}}


def shelf_state() -> parts_of_health.Part:
    """Whether every file is whole as far as is known, and what the last verification found."""
    return parts_of_health.files()


def mast_failed() -> None:
    """MAST did not answer: pages say so, with the time it was first noticed."""
    since = live.remembered(_DOWN) or dt.datetime.now(dt.UTC).isoformat().encode()
    live.remember(_DOWN, since, _STANDS_MS)


def mast_answered() -> None:
    """MAST answered: whatever was noticed before is over."""
    if live.remembered(_DOWN):
        live.remember(_DOWN, b"", 1)


def mast_down_since() -> dt.datetime | None:
    """When MAST was first noticed not to answer, while that is so."""
    since = live.remembered(_DOWN)
    return dt.datetime.fromisoformat(since.decode()) if since else None
