"""What a run of the fault tests counted: one table at its end, for the notes of a release."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterator
from typing import Any

from tests.fault.sizes import RELEASE, SEED

_noted: dict[str, dict[str, Any]] = {}


def note(what: str, **figures: Any) -> None:
    """Put figures beside the name of what was counted; words in their names are parted by underscores."""
    _noted.setdefault(what, {}).update(figures)


def spread(values: Collection[float], unit: str = "") -> str:
    """A few words about many numbers."""
    if not values:
        return "none"
    return f"median {statistics.median(values):.3g}, most {max(values):.3g} {unit}".strip()


def lines() -> Iterator[str]:
    """The table, if anything was counted."""
    if not _noted:
        return
    yield f"{'release' if RELEASE else 'CI'} size, FAULT_SEED={SEED}"
    width = max(map(len, _noted))
    for what, figures in _noted.items():
        told = "; ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in figures.items())
        yield f"{what:{width}}  {told}"


def _plain(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
