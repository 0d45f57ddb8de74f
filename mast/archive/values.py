"""What MAST sends for a value, settled: no nulls in text, no masks in numbers, nothing a database refuses."""

from __future__ import annotations

import json
import math
from typing import Any, Final

MASKED: Final = -999
"""How MAST's integer columns say that there is no value."""
LARGEST_INTEGER: Final = 2**63 - 1


def text(value: Any) -> str:
    """Any JSON value as text, "" for null; older records hold bare numbers in text columns."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value) if isinstance(value, bool | int | float) else json.dumps(value)


def real(value: Any) -> float | None:
    """A finite number, also one written as text; None for anything else and for the mask."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number != MASKED else None


def whole(value: Any, bounds: tuple[int, int]) -> int | None:
    """A whole number within bounds, also one written as text; None for anything else."""
    if not isinstance(value, int) or isinstance(value, bool):
        number = real(value)
        if number is None or not number.is_integer():
            return None
        value = int(number)
    return value if bounds[0] <= value <= bounds[1] else None


def clean(value: Any) -> Any:
    """A JSON value that every database and every JSON reader takes: no NaN, no NUL, no half characters."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) <= LARGEST_INTEGER else text(value)
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return value
