"""What every page shows: the banner, the version, the theme, the imports under way."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from mast import services

THEMES = ("auto", "light", "dark")


def site(request: HttpRequest) -> dict[str, Any]:
    """Context of `base.html`. The pill is asked for only where it is drawn, so a part costs nothing."""
    theme = request.COOKIES.get("theme", "auto")
    return {
        "site": {
            "practice": settings.PRACTICE,
            "version": settings.VERSION,
            "theme": theme if theme in THEMES else "auto",
            "mast_url": settings.MAST_URL,
        },
        "pill": SimpleLazyObject(pill),
    }


def pill() -> dict[str, Any]:
    """Imports under way: how many, and how far they are together (percent)."""
    count, percent = services.active_summary()
    return {"count": count, "percent": round(percent)}
