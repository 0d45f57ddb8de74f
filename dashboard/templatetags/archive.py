"""How numbers, names and states of the archive are written on a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.template import Context
from django.utils.safestring import SafeString, mark_safe

from dashboard.htmx import held_event
from mast import terms, words
from mast.archive.rows import mjd_to_datetime
from mast.errors import MastError

register = template.Library()
DASH = "–"
TONES: Mapping[str, str] = {
    "queued": "wait",
    "waiting": "wait",
    "paused": "wait",
    "downloading": "busy",
    "verifying": "busy",
    "complete": "good",
    "failed": "bad",
    "cancelled": "",
}


_BREAKS = re.compile(r"([_\-/.])")


@cache
def _icon(name: str) -> SafeString:
    path = Path(settings.BASE_DIR) / "static" / "icons" / f"{name}.svg"
    return mark_safe(path.read_text().strip())  # noqa: S308 - our own file


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of `static/icons`, inline so that it takes the colour of the text."""
    return _icon(name)


@register.simple_tag(takes_context=True)
def address(context: Context, *pairs: Any) -> str:
    """The page's own query with some parameters changed, given in pairs of name and value; None takes one out."""
    query = context["request"].GET.copy()
    for name, value in zip(pairs[0::2], pairs[1::2], strict=True):
        if value is None:
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def toggled(context: Context, name: str, value: str) -> str:
    """The page's own query with one value of a parameter put in or taken out; always its first page."""
    query = context["request"].GET.copy()
    values = query.getlist(name)
    query.setlist(name, [kept for kept in values if kept != value] if value in values else [*values, value])
    for turned in ("page", "cursor"):
        query.pop(turned, None)
    return f"?{query.urlencode()}"


@register.filter("words")
def split_words(text: str) -> list[str]:
    return text.split()


@register.filter
def size(size_bytes: float | None) -> str:
    """Bytes in the decimal units of disks: `5.36 GB`."""
    return DASH if size_bytes is None else words.size(size_bytes)


@register.filter
def exposure(seconds: float | None) -> str:
    return DASH if seconds is None else f"{seconds:,.1f}"


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds as people say them: `42 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds is None:
        return DASH
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@register.filter
def utc(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if moment else DASH


@register.filter
def day(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d") if moment else DASH


@register.filter
def mjd_day(mjd: float | None) -> str:
    """The UTC day of a Modified Julian Date."""
    return day(mjd_to_datetime(mjd))


@register.filter
def level(calib_level: int | None) -> str:
    """`L3`, or a dash where MAST gives none."""
    return DASH if calib_level is None else f"L{calib_level}".replace("-", "−")


@register.filter
def level_name(calib_level: int | None) -> str:
    known = {int(value): value.label for value in terms.CalibLevel}
    return known.get(calib_level, "unknown") if calib_level is not None else "unknown"


register.filter(held_event)


@register.filter
def breakable(name: str) -> SafeString:
    """A long name with places where a line may break, so that its end, the file's kind, is never cut."""
    return mark_safe(_BREAKS.sub(r"\1<wbr>", escape(str(name))))  # noqa: S308 - escaped first


@register.filter
def instrument(instrument_name: str) -> str:
    return terms.split_instrument(instrument_name)[0] or DASH


@register.filter
def mode(instrument_name: str) -> str:
    return terms.split_instrument(instrument_name)[1]


@register.filter
def kind_of(suffix: str) -> str:
    """What a suffix is, in words."""
    known = terms.SUFFIXES.get(suffix)
    return known.meaning if known else ""


@register.filter
def tone(state: str) -> str:
    """The colour class of a job's state."""
    return TONES.get(state, "")


@register.filter
def filters(text: str) -> str:
    return " ".join(terms.filters_of(text)) or DASH


@register.filter
def total(counts: Mapping[Any, int]) -> int:
    return sum(counts.values())


@register.filter
def problems(error: MastError) -> list[tuple[str, str]]:
    """Fields a refusal names, whichever way it lists them, as pairs of name and problem."""
    fields = error.details.get("fields", {})
    if isinstance(fields, Mapping):
        return [(str(name), str(problem)) for name, problem in fields.items()]
    return [(str(item.get("field", "")), str(item.get("message", ""))) for item in fields]


@register.filter
def cell(value: Any) -> str:
    """A table's cell: numbers short enough to compare, arrays by their first values."""
    if value is None:
        return DASH
    if isinstance(value, float):
        return f"{value:.7g}"
    if isinstance(value, list):
        return " ".join(cell(item) for item in value) + " …"
    return str(value)
