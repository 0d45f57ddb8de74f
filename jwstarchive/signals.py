"""What Django and its packages say of logins: written down, and new accounts given the role the group chose."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest

from mast import acting, audit

DIRECTORIES = ("django_auth_ldap.", "jwstarchive.oidc.")


@receiver(user_logged_in)
def _logged_in(sender: Any, user: User, **_: Any) -> None:
    acting.identify(user, "a session")
    audit.note("login", user)
    is_guest = str(getattr(user, "backend", "")).startswith(DIRECTORIES) and not user.groups.exists()
    if is_guest and settings.NEW_ACCOUNT_ROLE:
        user.groups.add(Group.objects.get(name=settings.NEW_ACCOUNT_ROLE))


@receiver(user_logged_out)
def _logged_out(sender: Any, user: User | None, **_: Any) -> None:
    if user is not None:
        audit.note("logout", user)


@receiver(user_login_failed)
def _failed(sender: Any, credentials: dict[str, Any], **_: Any) -> None:
    audit.note("login.failed", str(credentials.get("username", ""))[:150])


def _directory_failed(request: HttpRequest | None, **_: Any) -> None:
    """A directory that is down is no wrong password, and the page says so."""
    if request is not None and hasattr(request, "_messages"):
        messages.error(request, "Your institution's directory does not answer. Try again in a while.")


if settings.AUTH_LDAP_SERVER_URI:
    from django_auth_ldap.backend import ldap_error

    ldap_error.connect(_directory_failed)


@receiver(post_save, sender=User)
def _account_made(sender: Any, instance: User, created: bool, **_: Any) -> None:
    if created:
        audit.note("account.make", instance)
