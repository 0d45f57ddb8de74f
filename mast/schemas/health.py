"""The state of the archive's parts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel


class PartState(BaseModel):
    name: str
    ok: bool
    message: str
    facts: dict[str, Any]


class Health(BaseModel):
    ok: bool
    version: str
    archive: Literal["practice", "live"]
    parts: dict[str, PartState] | None = None
