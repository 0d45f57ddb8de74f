"""Where the web server listens, as host names: loopback means both loopbacks."""

from __future__ import annotations

import socket

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def hosts(host: str) -> list[str]:
    """The addresses to bind. `localhost` is ::1 first in many browsers, so both are, where IPv6 exists."""
    if host not in LOOPBACK:
        return [host]
    return ["127.0.0.1", "::1"] if _has_ipv6_loopback() else ["127.0.0.1"]


def url(host: str, port: int) -> str:
    """The address a person on this machine types."""
    name = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, "localhost" if host in LOOPBACK else host)  # noqa: S104
    return f"http://{bracketed(name)}:{port}"


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
