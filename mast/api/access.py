"""Who may call what. On loopback (`JWST_ACCESS=open`) everybody; with logins, a session or a token.

A session brings Django's CSRF check for everything that is not a plain read; a token does not need it, because no
browser sends one by itself. A request with both counts as a session. Then the account's role is asked (`mast.access`).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBearer
from ninja.utils import check_csrf

from mast import access, acting, tokens
from mast.access import Right
from mast.errors import CrossOrigin, LoginRequired, ScopeTooSmall
from mast.models import ApiToken

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class Token(HttpBearer):
    """Ninja's guard of a router; its name is what the OpenAPI page shows. `right` is what a caller must hold."""

    def __init__(self, right: Right) -> None:
        super().__init__()
        self.right = right

    def __call__(self, request: HttpRequest) -> Any:
        user = self._caller(request)
        access.demand(self.right, user)
        return user

    def _caller(self, request: HttpRequest) -> Any:
        if request.user.is_authenticated:
            return self._session(request)
        if settings.ACCESS == "open":
            return request.user
        return super().__call__(request) or self._refuse()

    def _session(self, request: HttpRequest) -> Any:
        # Open mode has the middleware's origin check alone, which the guide's curl lines pass.
        if settings.ACCESS == "login" and request.method not in SAFE_METHODS and check_csrf(request):
            raise CrossOrigin("The session's CSRF token is missing or wrong; send it as X-CSRFToken.")
        return request.user

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        found = tokens.find(token)
        if found is None:
            raise LoginRequired("This token is unknown, expired or revoked.")
        if self.right != Right.READ and found.scope != ApiToken.Scope.IMPORT:
            raise ScopeTooSmall
        request.user = found.user
        acting.identify(found.user, f"the token {found.name}")
        return found.user

    def _refuse(self) -> Any:
        raise LoginRequired


reading = Token(Right.READ)
importing = Token(Right.IMPORT)
