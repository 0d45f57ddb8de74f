"""How the archive itself is doing."""

from __future__ import annotations

import datetime as dt
from typing import Any

from mast import health as parts_of_health
from mast.imports import upstream


def health() -> dict[str, Any]:
    """Every part's state; `ok` when all of them work."""
    parts = parts_of_health.parts()
    return {"ok": all(part.ok for part in parts), "parts": {part.name: part.to_dict() for part in parts}}


def shelf_state() -> parts_of_health.Part:
    """Whether every file is whole as far as is known, and what the last verification found."""
    return parts_of_health.files()


def mast_down_since() -> dt.datetime | None:
    """When MAST was first noticed not to answer, while that is so."""
    return upstream.down_since()
