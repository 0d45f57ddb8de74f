"""What every view needs of htmx: the typed request, and the choice between a page and its part."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class HtmxHttpRequest(HttpRequest):
    htmx: HtmxDetails


def page_or_part(request: HtmxHttpRequest, page: str, part: str) -> str:
    """The template's part for htmx; the whole page for everyone else, and when htmx restores its history."""
    if request.htmx and not request.htmx.history_restore_request:
        return f"{page}#{part}"
    return page


def held_event(obs_id: str) -> str:
    """The event by which a search result's row learns that an import of it moved on.

    A digest: what MAST calls an observation is text, and htmx reads a trigger's name as a language.
    """
    return f"held-{hashlib.sha256(obs_id.encode()).hexdigest()[:16]}"
