"""MAST's filter semantics: values of one filter are OR-ed, filters AND-ed, text compared without case."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from mast.practice.columns import SEPARATED, Row

Test = Callable[[Any], bool]


class BadFilter(ValueError):
    """A filter that MAST would answer with status ERROR."""


def select(rows: Iterable[Row], filters: list[Row], known: Iterable[str]) -> list[Row]:
    """The rows that pass every filter."""
    names = {name.lower(): name for name in known}
    tests: list[tuple[str, Test]] = []
    for one in filters:
        asked = str(one.get("paramName", ""))
        name = names.get(asked.lower())
        if name is None:
            raise BadFilter(f"Invalid column name '{asked}'.")
        tests.append((name, _test(name, one)))
    return [row for row in rows if all(test(row.get(name)) for name, test in tests)]


def _test(name: str, one: Row) -> Test:
    values = one.get("values") or []
    ranges = [(value["min"], value["max"]) for value in values if isinstance(value, dict)]
    texts = frozenset(_text(value) for value in values if not isinstance(value, dict))
    pattern = _pattern(one.get("freeText"))
    separator = one.get("separator") or (";" if name in SEPARATED else None)

    def passes(value: Any) -> bool:
        if ranges and _within(value, ranges):
            return True
        members = _members(value, separator)
        if texts and not texts.isdisjoint(members):
            return True
        return pattern is not None and any(pattern.fullmatch(member) for member in members)

    return passes


def _within(value: Any, ranges: list[tuple[Any, Any]]) -> bool:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    return any(float(low) <= number <= float(high) for low, high in ranges)


def _members(value: Any, separator: str | None) -> list[str]:
    """What a value is compared as: itself and, in a list column, each of its members."""
    if value is None:
        return []
    whole = _text(value)
    if separator is None or separator not in whole:
        return [whole]
    return [whole, *(part.strip() for part in whole.split(separator))]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip().lower()


def _pattern(free_text: Any) -> re.Pattern[str] | None:
    """SQL's LIKE: `%` any run, `_` left literal because JWST names are full of it."""
    if not free_text:
        return None
    parts = re.split(r"[%*]", str(free_text).lower())
    return re.compile(".*".join(re.escape(part) for part in parts), re.DOTALL)
