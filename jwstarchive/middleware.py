"""What every request passes: refusals for other web sites, headers for browsers, and errors in words.

Loopback without login is safe only because of `CrossOrigin`: any page a user visits can send requests to localhost,
and ninja reads a JSON body whatever its content type. Seen in Chromium: five ways in without it, none with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from dashboard.refusals import refusal
from jwstarchive import peers
from jwstarchive.problems import CONTENT_TYPE, as_problem, problem
from mast.errors import CrossOrigin as CrossOriginRefused
from mast.errors import MalformedRequest, MastError, NotJson, OtherUser, RequestTooLarge

GetResponse = Callable[[HttpRequest], HttpResponseBase]
API: Final = "/api/"
SAFE_METHODS: Final = {"GET", "HEAD", "OPTIONS", "TRACE"}


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith(API)


# --- errors -----------------------------------------------------------------------------------------------------


class Problems:
    """API errors leave as problem+json whoever raised them; a `MastError` of a page becomes its error part."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._answer(request)
        if is_api(request) and isinstance(response, HttpResponse) and response.status_code >= 400:
            return response if response["Content-Type"] == CONTENT_TYPE else as_problem(request, response)
        return response

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        if request.method != "HEAD" or not is_api(request):
            return self.get_response(request)
        # Ninja knows no HEAD; the server sends the headers of the GET and leaves its body out.
        request.method = "GET"
        response = self.get_response(request)
        request.method = "HEAD"
        return response

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        if not isinstance(exc, MastError):
            return None
        if is_api(request):
            return problem(request, exc)
        return refusal(request, exc)


# --- other web sites --------------------------------------------------------------------------------------------


class CrossOrigin:
    """Refuses what another web site makes a user's browser send. curl and scripts send none of these headers."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        error = self._why_not(request)
        if error is None:
            return self.get_response(request)
        if is_api(request):
            return problem(request, error)
        return refusal(request, error)

    def _why_not(self, request: HttpRequest) -> MastError | None:
        if request.method in SAFE_METHODS:
            return None if _may_read(request) else CrossOriginRefused()
        if not _is_same_origin(request):
            return CrossOriginRefused()
        return _body_error(request) if is_api(request) else None


def _may_read(request: HttpRequest) -> bool:
    """Other sites may link to pages, and to nothing that is costly or answers with data."""
    if request.headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}:
        return True
    is_link = (
        request.headers.get("Sec-Fetch-Mode") == "navigate" and request.headers.get("Sec-Fetch-Dest") == "document"
    )
    return is_link and (not is_api(request) or request.path == f"{API}docs")


def _is_same_origin(request: HttpRequest) -> bool:
    """Browsers send `Sec-Fetch-Site` to https and localhost only; on a plain-http name `Origin` has to do."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        return site in {"same-origin", "none"}
    if origin is None:
        return True
    return origin in {f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS}


def _body_error(request: HttpRequest) -> MastError | None:
    if "Transfer-Encoding" in request.headers:
        # Django reads no body whose length it is not told; unsaid, its caller would wonder where it went.
        return MalformedRequest("Send the body with a Content-Length; a chunked body is not read.")
    length = request.headers.get("Content-Length") or "0"
    if not length.isascii() or not length.isdigit() or int(length) == 0:
        return None
    if int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return RequestTooLarge(f"The body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024} KiB.")
    return None if request.content_type == "application/json" else NotJson()


# --- other users of this machine --------------------------------------------------------------------------------


class OwnUser:
    """Without logins the port is everybody's on this machine: only the archive's own user, and root, may call."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.ACCESS == "login" or settings.OTHER_USERS == "allow" or self._is_own(request.META):
            return self.get_response(request)
        error = OtherUser()
        return problem(request, error) if is_api(request) else refusal(request, error)

    def _is_own(self, meta: dict[str, Any]) -> bool:
        port = str(meta.get("REMOTE_PORT") or "")
        if not port.isdigit() or not peers.can_tell():
            return True
        server = str(meta.get("SERVER_NAME", "")), int(meta.get("SERVER_PORT") or 0)
        return peers.may_call((str(meta.get("REMOTE_ADDR", "")), int(port)), server)


# --- headers ----------------------------------------------------------------------------------------------------

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class SecurityHeaders:
    """What browsers may load and who may embed it: this archive alone, and no inline script or style."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response
