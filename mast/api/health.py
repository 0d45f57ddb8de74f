"""How the archive itself is doing. Open to all, for supervisors; who may read the archive reads every part's state."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router

from mast import services
from mast.api.access import reading
from mast.api.replies import answer
from mast.errors import LoginRequired, NotPermitted, ScopeTooSmall
from mast.schemas import health as schemas
from mast.schemas.errors import problems

router = Router(tags=["health"], by_alias=True)


@router.get("/health", response={200: schemas.Health, **problems(500, 503)}, auth=None)
def health(request: HttpRequest) -> HttpResponse:
    """Every part's state; `ok` when all work. 503 when nothing can be shown."""
    state = services.health()
    body: dict[str, Any] = {
        "ok": state["ok"],
        "version": settings.VERSION,
        "archive": "practice" if settings.PRACTICE else "live",
    }
    if _may_read(request):
        body["parts"] = state["parts"]
    return answer(body, status=200 if state["parts"]["database"]["ok"] else 503)


def _may_read(request: HttpRequest) -> bool:
    try:
        return reading(request) is not None
    except (LoginRequired, NotPermitted, ScopeTooSmall):
        return False
