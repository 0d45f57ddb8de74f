"""Who comes in: every request has an actor and a number, and with `JWST_ACCESS=login` pages ask for rights.

The API asks in `mast.api.access`, the admin by Django's permissions, and `mast.services` once more for everything that
changes something. What is not named here is closed: a page that is added later needs the right to read, and its forms
the right to import, before anybody has thought about it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from dashboard.refusals import refusal
from jwstarchive.addresses import client_address
from mast import access, acting
from mast.access import Right
from mast.acting import Actor
from mast.errors import NotPermitted

GetResponse = Callable[[HttpRequest], HttpResponseBase]
SAFE_METHODS: Final = {"GET", "HEAD", "OPTIONS"}
PUBLIC: Final = {"login", "logout", "healthz", "problem", "metrics"}
"""pages for those who have not said who they are, or that ask by themselves"""
SIGNED_IN: Final = {"account", "account-act", "account-password"}
"""pages about oneself, for every account whatever its role"""
READERS_FORMS: Final = {"theme", "views", "bulk", "plan"}
"""about how one looks at things, or whose buttons ask for different rights, each in its service"""
ELSEWHERE: Final = ("api", "admin", "oidc_authentication")
"""namespaces and names that ask for themselves"""
_OPEN_TO_ALL: Final = ("/logout/", "/problems/", "/oidc/", "/api/", "/admin/", "/healthz", "/metrics")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{8,32}")


class Acting:
    """Says who acts, from the first middleware to the last; the number is in the log and in the answer."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "") if settings.BEHIND_PROXY else ""
        number = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        with acting.acting(Actor(AnonymousUser(), "nobody", client_address(request), number)):
            response = self.get_response(request)
        response.headers["X-Request-ID"] = number
        return response


class Doors:
    """The door of the pages. It stands behind Django's authentication, and tells `acting` whom that found."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        acting.identify(request.user, "a session")
        if settings.ACCESS == "open" or request.user.is_authenticated or _is_open_to_all(request.path):
            return self.get_response(request)
        return _to_login(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        right = needed(name, request.method or "GET")
        # What is no call of the API is its own to refuse, in its own form.
        if settings.ACCESS == "open" or right is None or request.path.startswith("/api/"):
            return None
        try:
            access.demand(right)
        except NotPermitted as error:
            return refusal(request, error)
        return None


def needed(name: str, method: str) -> Right | None:
    """The right a page asks for; None where it asks for none, or asks by itself."""
    if name in PUBLIC or name in SIGNED_IN or name.split(":")[0].startswith(ELSEWHERE):
        return None
    return Right.READ if method in SAFE_METHODS or name in READERS_FORMS else Right.IMPORT


def _is_open_to_all(path: str) -> bool:
    return path.startswith((settings.LOGIN_URL, *_OPEN_TO_ALL, f"/{settings.STATIC_URL.lstrip('/')}"))


def _to_login(request: HttpRequest) -> HttpResponseBase:
    response = redirect_to_login(_page_of(request))
    if request.headers.get("HX-Request"):
        # A login form inside a table cell helps nobody: htmx is told to leave the page.
        return HttpResponse(headers={"HX-Redirect": response["Location"]})
    return response


def _page_of(request: HttpRequest) -> str:
    """The page to come back to after a login: for a part of one, and for a form that was sent, the page it was on."""
    if request.method in SAFE_METHODS and not request.headers.get("HX-Request"):
        return request.get_full_path()
    page = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "")
    if page.netloc != request.get_host():
        return "/"
    return page.path + (f"?{page.query}" if page.query else "")
