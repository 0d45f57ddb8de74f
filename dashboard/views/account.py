"""A person's own page: role, password, API tokens, MAST token, whom they trust, what they did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from dashboard.caller import Caller
from mast import access
from mast.errors import BadQuery, TooManyRequests
from mast.services import accounts

LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "until it is revoked")]


@require_GET
@never_cache
@login_required
def account(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(request: HttpRequest, **shown: Any) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - for the type checker: both callers ask for a login
    context = {
        "here": "account",
        "roles": list(user.groups.filter(name__in=access.ROLES).values_list("name", flat=True)),
        "tokens": accounts.living_tokens(user),
        "lifetimes": LIFETIMES,
        "mast_token": accounts.mast_token(user),
        "trusted": accounts.trusted(user),
        "deeds": accounts.deeds(user),
        "has_password": user.has_usable_password(),
        "base_url": Caller.of(request).base_url,
    }
    return render(request, "dashboard/account.html", context | shown)


@require_POST
@never_cache
@login_required
def act(request: HttpRequest, action: str) -> HttpResponse:
    if action == "make-token":
        # No redirect: the key is in this one answer and nowhere else.
        return _make_token(request)
    if action not in ACTIONS:
        raise BadQuery(f"There is no action {action!r}.", fields={"action": "unknown"})
    messages.success(request, ACTIONS[action](request))
    return redirect("account")


def _make_token(request: HttpRequest) -> HttpResponse:
    days = request.POST.get("days", "")
    if days not in dict(LIFETIMES):
        raise BadQuery("Choose how long the token shall live.", fields={"days": "is not offered"})
    name, scope = request.POST.get("name", ""), request.POST.get("scope", "read")
    row, key = accounts.make_token(request.user, name, scope, int(days) if days else None)
    return _page(request, made=row, key=key)


def _number(request: HttpRequest) -> int:
    text = request.POST.get("id", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _revoke_token(request: HttpRequest) -> str:
    accounts.revoke_token(request.user, _number(request))
    return "The token is revoked: it opens nothing any more."


def _store_mast_token(request: HttpRequest) -> str:
    accounts.store_mast_token(request.user, request.POST.get("token", ""))
    return "Your MAST token is stored, encrypted. It is tried before your next import of exclusive files begins."


def _forget_mast_token(request: HttpRequest) -> str:
    accounts.forget_mast_token(request.user)
    return "Your MAST token is deleted."


def _trust(request: HttpRequest) -> str:
    other = accounts.trust(request.user, request.POST.get("username", ""))
    return f"{other.get_username()} sees your exclusive files from now on."


def _distrust(request: HttpRequest) -> str:
    accounts.distrust(request.user, _number(request))
    return "They do not see your exclusive files any more."


ACTIONS: dict[str, Callable[[HttpRequest], str]] = {
    "revoke-token": _revoke_token,
    "store-mast-token": _store_mast_token,
    "forget-mast-token": _forget_mast_token,
    "trust": _trust,
    "distrust": _distrust,
}


class ChangePassword(PasswordChangeView):
    template_name = "dashboard/password.html"
    success_url = reverse_lazy("account")

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, "Your password is changed; your other sessions are logged out.")
        return super().form_valid(form)


def locked_out(request: HttpRequest, response: Any = None, credentials: Any = None) -> HttpResponse:
    """Too many wrong passwords in a row; says nothing of whether the account exists."""
    wait_s = int(settings.AXES_COOLOFF_TIME * 3600)
    error = TooManyRequests(f"Too many wrong passwords. Try again in {wait_s // 60} minutes.", retry_after_s=wait_s)
    answer = render(request, "error.html", {"error": error}, status=error.http_status)
    answer.headers["Retry-After"] = str(wait_s)
    return answer
