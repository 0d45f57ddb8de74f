"""Metadata read again from MAST, many observations a request; what people corrected by hand is left alone."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Change:
    """One field that differed."""

    obs_id: str
    field: str
    old: object
    new: object


@dataclass(frozen=True)
class RefreshReport:
    """`updated_count` counts records read again, changed or not."""

    obs_id: str
    updated_count: int
    changed: list[Change]
    message: str
    request_count: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    """pairs of obs_id and reason"""
