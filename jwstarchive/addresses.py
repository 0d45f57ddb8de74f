"""Whose address a request came from: the connection's own, or what a proxy of ours says of it."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The caller's address; empty when it cannot be told.

    The last entry of `X-Forwarded-For` is the one our own proxy wrote; those before it are whatever the caller sent.
    """
    peer = str(request.META.get("REMOTE_ADDR", ""))
    if settings.BEHIND_PROXY and _is_ours(peer):
        last = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        return last if _is_address(last) else peer
    return peer if _is_address(peer) else ""


def _is_ours(peer: str) -> bool:
    # A Unix socket has no address.
    return not peer or (_is_address(peer) and any(ip_address(peer) in each for each in settings.TRUSTED_PROXIES))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
