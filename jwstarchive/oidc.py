"""OpenID Connect: accounts by the provider's own subject, groups by the roles it names.

Used only where `OIDC_CLIENT_ID` is set; the package that does the protocol is an extra, `jwst-archive[oidc]`.
"""

from __future__ import annotations

import logging
from typing import Any

import jwt
import requests
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import Group, User
from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView

from mast.access import ROLES

log = logging.getLogger(__name__)


class GroupBackend(OIDCAuthenticationBackend):  # type: ignore[misc]
    """Matches people by `sub`, which a provider never gives to somebody else; a mail address it may."""

    def retrieve_matching_jwk(self, token: str) -> jwt.PyJWK:
        """Of a set of one key none need be named (OpenID Connect Core 10.1); the package insists on a name."""
        if "kid" in jwt.get_unverified_header(token):
            key: jwt.PyJWK = super().retrieve_matching_jwk(token)
            return key
        told = requests.get(settings.OIDC_OP_JWKS_ENDPOINT, timeout=settings.OIDC_TIMEOUT)
        told.raise_for_status()
        keys = told.json()["keys"]
        if len(keys) != 1:
            raise SuspiciousOperation("The login names none of the provider's keys.")
        return jwt.PyJWK(keys[0], algorithm=settings.OIDC_RP_SIGN_ALGO)

    def get_userinfo(self, access_token: str, id_token: str, payload: dict[str, Any]) -> dict[str, Any]:
        """What the provider knows of the person who logged in here, of nobody else: Core 3.1.3.7 and 5.3.2.

        The package asks neither whether the login was meant for this archive nor whether both answers name one person.
        """
        audience = payload.get("aud")
        if settings.OIDC_RP_CLIENT_ID not in (audience if isinstance(audience, list) else [audience]):
            raise SuspiciousOperation("The login was meant for another client of the provider.")
        claims: dict[str, Any] = super().get_userinfo(access_token, id_token, payload)
        if claims.get("sub") != payload.get("sub"):
            raise SuspiciousOperation("The provider's answers name two people.")
        return claims

    def get_username(self, claims: dict[str, Any]) -> str:
        return f"oidc-{claims['sub']}"[:150]

    def filter_users_by_claims(self, claims: dict[str, Any]) -> QuerySet[User]:
        return User.objects.filter(username=self.get_username(claims))

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        return bool(claims.get("sub"))

    def create_user(self, claims: dict[str, Any]) -> User:
        user = User.objects.create_user(self.get_username(claims))
        return self.update_user(user, claims)

    def update_user(self, user: User, claims: dict[str, Any]) -> User:
        user.email = str(claims.get("email") or "")[:254]
        user.first_name = str(claims.get("given_name") or claims.get("name") or "")[:150]
        user.last_name = str(claims.get("family_name") or "")[:150]
        user.save()
        _take_roles(user, claims.get(settings.OIDC_ROLES_CLAIM))
        return user


def _take_roles(user: User, named: Any) -> None:
    """Membership of the four groups follows the provider, where it says anything of groups at all."""
    if not isinstance(named, list):
        return
    ours = Group.objects.filter(name__in=ROLES)
    user.groups.remove(*ours.exclude(name__in=[str(name) for name in named]))
    user.groups.add(*ours.filter(name__in=[str(name) for name in named]))


class Callback(OIDCAuthenticationCallbackView):  # type: ignore[misc]
    """Where the provider sends a browser back to. Whatever is wrong with its answer is said on the login page."""

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            answer: HttpResponse = super().get(request)
        except requests.HTTPError as error:
            return self._turned_away("Your institution's login service did not accept this login. Try again.", error)
        except requests.RequestException as error:
            return self._turned_away("Your institution's login service does not answer. Try again in a while.", error)
        # What is no JSON is a ValueError, whatever library reads it; what lacks a field is a KeyError.
        except (SuspiciousOperation, jwt.PyJWTError, KeyError, ValueError) as error:
            return self._turned_away("This login was begun elsewhere, or is no longer valid. Log in again.", error)
        return answer

    def login_failure(self) -> HttpResponse:
        return self._turned_away("Your institution's login service did not let you in.", self.request.GET.get("error"))

    def _turned_away(self, words: str, reason: object) -> HttpResponse:
        log.warning("nobody was logged in by OpenID Connect: %.500r", reason)
        messages.error(self.request, words)
        return redirect(settings.LOGIN_URL)
