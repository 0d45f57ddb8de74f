"""What every page shows: the banner, the version, the theme, the imports under way."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from dashboard.crowd import CROWD
from dashboard.jobcards import Card
from mast import access, acting, services
from mast.access import Right

PILL_S = 2
THEMES = ("auto", "light", "dark")


def archive(request: HttpRequest) -> dict[str, Any]:
    """Context of `base.html`. The pill is asked for only where it is drawn, so a part costs nothing."""
    theme = request.COOKIES.get("theme", "auto")
    return {
        "archive": {
            "practice": settings.PRACTICE,
            "version": settings.VERSION,
            "theme": theme if theme in THEMES else "auto",
            "mast_url": settings.MAST_URL,
            "oidc": settings.OIDC,
        },
        "may": May(getattr(request, "user", AnonymousUser())),
        "pill": SimpleLazyObject(pill),
        "mine": SimpleLazyObject(mine),
        "mast_down_since": services.mast_down_since,
    }


class May:
    """What the reader of a page may do, for templates: `{% if may.curate %}`. Buttons only; the services ask again."""

    def __init__(self, user: Any) -> None:
        self._user = user

    def __getattr__(self, name: str) -> bool:
        try:
            return access.may(self._user, Right[name.upper()])
        except KeyError:
            raise AttributeError(name) from None


def mine() -> list[Card]:
    """What the reader started and is not over, or failed and was not dismissed."""
    if not access.may(acting.current().user, Right.READ):
        return []
    return [Card.of(job, 0) for job in services.own_jobs()]


def pill() -> dict[str, Any]:
    """Imports under way: how many, and how far they are together (percent). Nothing for who may not read."""
    if not access.may(acting.current().user, Right.READ):
        return {"count": 0, "percent": 0}
    count, percent = services.active_summary()
    return {"count": count, "percent": round(percent), "pace_s": CROWD.pace_s(PILL_S)}
