"""Warm connections of this process, by server. Proxies and certificate bundles come from the usual variables."""

from __future__ import annotations

import base64
import functools
import ipaddress
import os
import select
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from mast.errors import ConnectionLost, ForbiddenAddress, TransferError
from mast.transfer.wire import Connection, connection_errors, waiting_here

IDLE_S: Final = 30
"""Servers drop idle connections after 5 to 75 s; one that may be gone is not worth the attempt."""
FRESH_S: Final = 5
"""… nor one that was never used, a little later: servers do not wait long for a first request"""
MAX_IDLE: Final = 64


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server. With `is_public_only` its address must not be of a private network, checked once connected."""

    scheme: str
    host: str
    port: int
    is_public_only: bool = False

    @classmethod
    def of(cls, parts: SplitResult, *, is_public_only: bool = False) -> Endpoint:
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ForbiddenAddress(f"Not an address to fetch from: {parts.scheme or 'no scheme'}://{parts.netloc}.")
        default = 443 if parts.scheme == "https" else 80
        return cls(parts.scheme, parts.hostname, parts.port or default, is_public_only)

    @property
    def netloc(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"


def proxy_of(endpoint: Endpoint) -> SplitResult | None:
    """The proxy that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` prescribe."""
    name = f"{endpoint.scheme}_proxy"
    if not (os.environ.get(name) or os.environ.get(name.upper())):
        return None
    # Loaded where there is a proxy: with what it brings along it is a fifth of the time this package takes to load.
    import urllib.request

    proxies = urllib.request.getproxies_environment()
    address = proxies.get(endpoint.scheme)
    # In the standard library since 2.3, yet not in its type stubs.
    bypass = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]
    if not address or bypass(f"{endpoint.host}:{endpoint.port}", proxies):
        return None
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if parts.scheme != "http" or not parts.hostname:
        raise TransferError("A proxy must be given as http://host:port; TLS to the proxy itself is not supported.")
    return parts


def proxy_headers(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    secret = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(secret).decode()}"}


def tls_context() -> ssl.SSLContext:
    """Certificates of the bundle that the environment names, else the system's and certifi's."""
    return _tls_context(os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or "")


@functools.lru_cache(maxsize=4)
def _tls_context(bundle: str) -> ssl.SSLContext:
    if bundle:
        if not Path(bundle).exists():
            raise TransferError(f"The certificate bundle {bundle} does not exist.")
        is_folder = Path(bundle).is_dir()
        return ssl.create_default_context(cafile=None if is_folder else bundle, capath=bundle if is_folder else None)
    context = ssl.create_default_context()
    if not os.environ.get("SSL_CERT_FILE"):
        # Loaded for TLS alone: it is slow to load.
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def connect(endpoint: Endpoint, timeout_s: float) -> Connection:
    """A new connection, through the proxy where one is prescribed."""
    proxy = proxy_of(endpoint)
    with connection_errors(endpoint.host), waiting_here():
        if proxy and endpoint.scheme == "https":
            sock = _tunnelled(endpoint, proxy, timeout_s)
        else:
            sock = _connected(endpoint, proxy, timeout_s)
    if endpoint.is_public_only and proxy is None:
        _refuse_private(sock, endpoint.host)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Connection(sock, endpoint.host)


def _connected(endpoint: Endpoint, proxy: SplitResult | None, timeout_s: float) -> socket.socket:
    address = (proxy.hostname, proxy.port or 80) if proxy else (endpoint.host, endpoint.port)
    sock = socket.create_connection(address, timeout_s)
    if endpoint.scheme == "http":
        return sock
    try:
        return tls_context().wrap_socket(sock, server_hostname=endpoint.host)
    except BaseException:
        sock.close()
        raise


def _tunnelled(endpoint: Endpoint, proxy: SplitResult, timeout_s: float) -> socket.socket:
    import http.client

    opened = http.client.HTTPSConnection(
        proxy.hostname or "", proxy.port or 80, timeout=timeout_s, context=tls_context()
    )
    opened.set_tunnel(endpoint.host, endpoint.port, proxy_headers(proxy))
    try:
        opened.connect()
    except http.client.HTTPException as exc:
        raise ConnectionLost(f"The proxy refused to connect to {endpoint.host}.") from exc
    sock: socket.socket = opened.sock
    return sock


def _refuse_private(sock: socket.socket, host: str) -> None:
    """Refuse after connecting, so that a name cannot change its address between a check and its use."""
    address = ipaddress.ip_address(sock.getpeername()[0].partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    if not (mapped or address).is_global:
        sock.close()
        raise ForbiddenAddress(f"{host} leads into a private network.")


class Pool:
    """Idle connections, newest first. Those of a parent process are dropped after a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[Endpoint, list[Connection]] = {}
        os.register_at_fork(after_in_child=self._forget)

    def take(self, endpoint: Endpoint, timeout_s: float) -> Connection:
        """A warm connection to the server, or a new one."""
        while (connection := self._newest(endpoint)) is not None:
            age_s = time.monotonic() - connection.idle_since
            limit_s = IDLE_S if connection.requests else FRESH_S
            if age_s < limit_s and (connection.may_hold_tickets or not _has_news(connection)):
                return connection
            connection.close()
        return connect(endpoint, timeout_s)

    def _newest(self, endpoint: Endpoint) -> Connection | None:
        with self._lock:
            idle = self._idle.get(endpoint)
            return idle.pop() if idle else None

    def give_back(self, endpoint: Endpoint, connection: Connection) -> None:
        """Keep a connection whose reply was read to its end."""
        connection.idle_since = time.monotonic()
        with self._lock:
            idle = self._idle.setdefault(endpoint, [])
            idle.append(connection)
            surplus = idle.pop(0) if len(idle) > MAX_IDLE else None
        if surplus:
            surplus.close()

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            connections = [connection for idle in self._idle.values() for connection in idle]
            self._idle.clear()
        for connection in connections:
            connection.close()

    def _forget(self) -> None:
        # The lock may have been held by a thread that does not exist in the child.
        self._lock = threading.Lock()
        connections = [connection for idle in self._idle.values() for connection in idle]
        self._idle = {}
        for connection in connections:
            connection.close()


def _has_news(connection: Connection) -> bool:
    """Whether an idle connection can be read from: the server closed it, or said something nobody asked for."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


POOL: Final = Pool()
