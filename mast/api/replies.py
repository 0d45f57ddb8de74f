"""How an answer becomes bytes. Encoded by msgspec: NaN turns into null, and thousands of rows cost milliseconds."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

encode = msgspec.json.Encoder(enc_hook=str).encode


def answer(data: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    """JSON that nobody keeps: what it says changes."""
    given = {"Cache-Control": "no-store"} | (headers or {})
    return HttpResponse(encode(data), status=status, content_type="application/json", headers=given)


def revalidated(request: HttpRequest, data: Any) -> HttpResponse:
    """JSON with an ETag of its content: a poll that finds nothing new gets 304 and no body."""
    body = encode(data)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if etag in request.headers.get("If-None-Match", ""):
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(body, content_type="application/json", headers=headers)
