"""OpenID Connect: accounts by the provider's own subject, groups by the roles it names.

Used only where `OIDC_CLIENT_ID` is set; the package that does the protocol is an extra, `jwst-archive[oidc]`.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from mast.access import ROLES


class GroupBackend(OIDCAuthenticationBackend):  # type: ignore[misc]
    """Matches people by `sub`, which a provider never gives to somebody else; a mail address it may."""

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
