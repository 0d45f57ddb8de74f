"""Errors on the wire: RFC 9457 `application/problem+json`, the same shape whoever found the error."""

from __future__ import annotations

import json
import logging
import secrets
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from pydantic.alias_generators import to_camel

from mast import errors
from mast.errors import MastError

log = logging.getLogger(__name__)

CONTENT_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5
_OWN: Final = frozenset({"type", "title", "status", "detail", "code", "retryable", "error", "instance"})


def problem(request: HttpRequest, error: MastError, *, headers: dict[str, str] | None = None) -> HttpResponse:
    """The answer to a request that failed: a code for a script, a sentence for a person."""
    details = {to_camel(name): value for name, value in error.details.items() if name not in _OWN}
    if "fields" in details:
        details["fields"] = _fields(details["fields"])
    body: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": error.meaning,
        "status": error.http_status,
        "detail": error.message,
        "code": error.code,
        "retryable": error.retryable,
        "error": error.message,
        "instance": request.path,
        **details,
    }
    return HttpResponse(
        json.dumps(body, default=str),
        status=error.http_status,
        content_type=CONTENT_TYPE,
        headers={"Cache-Control": "no-store"} | _hints(error) | (headers or {}),
    )


_WIRE_NAMES: Final = {"ra_deg": "ra", "dec_deg": "dec", "radius_deg": "radius", "calib_levels": "calibLevel"}


def _fields(found: Any) -> list[dict[str, str]]:
    """Wrong fields as a list, under the names callers send."""
    if not isinstance(found, dict):
        return list(found)
    named = ((_WIRE_NAMES.get(name) or to_camel(name), sentence) for name, sentence in found.items())
    return [{"field": name, "message": str(sentence)} for name, sentence in named]


def _hints(error: MastError) -> dict[str, str]:
    if error.http_status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if error.http_status == 416:
        return {"Content-Range": f"bytes */{error.details.get('size_bytes', '*')}"}
    if error.http_status in {429, 503}:
        return {"Retry-After": str(error.details.get("retry_after_s", RETRY_AFTER_S))}
    return {}


def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """What a problem's `type` leads to: the code in words."""
    kind = errors.all_codes().get(code)
    if kind is None:
        raise Http404
    return render(request, "problem.html", {"kind": kind})


def unexpected(request: HttpRequest, exc: BaseException | None = None) -> MastError:
    """An error of our own. The log has the traceback under a reference; the caller gets the reference alone."""
    reference = secrets.token_hex(4)
    log.error("%s %s failed, reference %s", request.method, request.path, reference, exc_info=exc)
    return MastError(
        f"Something failed in the archive itself; its log says more under {reference}.", reference=reference
    )


_BY_STATUS: Final[dict[int, type[MastError]]] = {
    400: errors.MalformedRequest,
    401: errors.LoginRequired,
    403: errors.CrossOrigin,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.RequestTooLarge,
    415: errors.NotJson,
    503: errors.Overloaded,
}


def as_problem(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """What Django answered with a page of its own (no such address, wrong method, bad Host), as a problem."""
    kind = _BY_STATUS.get(response.status_code)
    if kind is None and response.status_code < 500:
        return response
    error = kind(_SENTENCES.get(response.status_code, "")) if kind else unexpected(request)
    kept = {name: response[name] for name in ("Allow", "WWW-Authenticate") if name in response}
    return problem(request, error, headers=kept)


_SENTENCES: Final = {
    400: "The request is not one this archive reads: its address, headers or encoding are wrong.",
    404: "There is no such address here; /api/docs lists those there are.",
}
