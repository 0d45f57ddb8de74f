"""Requests that end: in time, in size, and on the host they were meant for.

`requests` bounds one receive, not an answer: a server that sends a byte a minute holds its caller for good, and
astroquery passes no time-out at all. So every socket opened here is shut when the query's deadline passes.
Imported only when a query is made; see `client`.
"""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from mast import errors
from mast.archive.deadline import Deadline

CONNECT_TIMEOUT_S = 10.0
LARGEST_BODY = 512 * 1024 * 1024
_PIECE = 1024 * 1024
_MOST_REDIRECTS = 5
_TRY_AGAIN_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


class Wire:
    """A session of one query with one host. Not shared between threads; a query makes its own.

    Parameters
    ----------
    home : the configured address; redirects to other hosts are refused
    token : sent to `home`'s host as `Authorization: token …`, in no cookie and to nobody else
    """

    def __init__(self, home: str, deadline: Deadline, *, token: str = "", largest_body: int = LARGEST_BODY) -> None:
        self.home = urlsplit(home)
        self.deadline = deadline
        self.largest_body = largest_body
        self._open: list[socket.socket] = []
        self.session = self._bounded_session(token)

    def close(self) -> None:
        self.session.close()
        for opened in self._open:
            opened.close()

    def fetch(self, method: str, url: str, **kwargs: Any) -> bytearray:
        """The body of one request, redirects followed by hand.

        Raises
        ------
        ArchiveError : one of its kinds, whatever went wrong
        """
        watch = threading.Timer(self.deadline.remaining(), self._cut)
        watch.daemon = True
        watch.start()
        try:
            with self._translated("before it answered", errors.ArchiveUnavailable):
                response = self._answered(method, url, **kwargs)
            with response, self._translated("in the middle of its answer", errors.MalformedReply):
                body = self._body(response)
            # A connection shut by the watch looks like an answer that ends here.
            self.deadline.remaining()
            return body
        finally:
            watch.cancel()

    def _answered(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        for _ in range(_MOST_REDIRECTS):
            left = self.deadline.remaining()
            response = self.session.request(
                method,
                url,
                stream=True,
                allow_redirects=False,
                timeout=(min(CONNECT_TIMEOUT_S, left), left),
                **kwargs,
            )
            if not response.is_redirect:
                _refuse_failures(response, self.home.netloc)
                return response
            response.close()
            url = self._next_address(url, response.headers["location"])
            kwargs.pop("params", None)
        raise errors.ArchiveRefused(f"{self.home.netloc} redirects in a circle. Check the configured address.")

    def _next_address(self, url: str, location: str) -> str:
        try:
            target = str(urljoin(url, location))
            parts = urlsplit(target)
        except ValueError as exc:
            raise errors.ArchiveRefused(f"{self.home.netloc} redirects to no address at all.") from exc
        is_downgrade = urlsplit(url).scheme == "https" and parts.scheme != "https"
        if parts.hostname != self.home.hostname or is_downgrade or parts.scheme not in {"http", "https"}:
            raise errors.ArchiveRefused(
                f"{self.home.netloc} redirected the query to {parts.scheme}://{parts.netloc}; only the configured "
                "host is followed. Check the configured address."
            )
        return target

    def _body(self, response: requests.Response) -> bytearray:
        announced = response.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > self.largest_body:
            raise self._too_large()
        body = bytearray()
        for piece in response.iter_content(_PIECE):
            body += piece
            if len(body) > self.largest_body:
                raise self._too_large()
            self.deadline.remaining()
        return body

    def _too_large(self) -> errors.ArchiveRefused:
        limit = self.largest_body // (1024 * 1024)
        return errors.ArchiveRefused(f"MAST's answer is larger than {limit} MB. Ask for less, a smaller radius say.")

    def _cut(self) -> None:
        for opened in self._open:
            try:
                opened.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # already closed by its owner

    @contextmanager
    def _translated(self, when: str, broken: type[errors.ArchiveError]) -> Iterator[None]:
        host = self.home.netloc
        try:
            yield
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            if self.deadline.is_over:
                raise self.deadline.timeout() from exc
            raise _as_archive_error(exc, host, when, broken) from exc

    def _bounded_session(self, token: str) -> requests.Session:
        session = _Session()
        session.headers["User-Agent"] = f"jwst-archive python-requests/{requests.__version__}"
        # An `auth` of our own also keeps requests from looking for one in ~/.netrc.
        session.auth = _HomeToken(self.home, token)
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _WatchedAdapter(self._open)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, always: requests reads a redirect's whole body, of any size, before it can be told not to follow."""


class _HomeToken(requests.auth.AuthBase):
    """The token for requests to its own host, and no header for any other."""

    def __init__(self, home: Any, token: str) -> None:
        self._home = home
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        target = urlsplit(request.url or "")
        if self._token and (target.hostname, target.port) == (self._home.hostname, self._home.port):
            request.headers["Authorization"] = f"token {self._token}"
        return request


class _WatchedAdapter(HTTPAdapter):
    """Connections whose sockets are put on a list, so that a deadline can shut them from another thread."""

    def __init__(self, opened: list[socket.socket]) -> None:
        self._pools = _watched_pools(opened)
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _watched_pools(opened: list[socket.socket]) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            made = super()._new_conn()
            # A second handle: TLS takes the first one over before its handshake, which may be slow as well.
            opened.append(made.dup())
            return made

    class Secure(Plain, HTTPSConnection):
        pass

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _refuse_failures(response: requests.Response, host: str) -> None:
    status = response.status_code
    if status < 400:
        return
    response.close()
    if status in _TRY_AGAIN_LATER or status >= 500:
        raise errors.ArchiveUnavailable(
            f"{host} answered {status} {response.reason}: it is overloaded or down. Try again in a few minutes.",
            status=status,
            retry_after=response.headers.get("retry-after", ""),
        )
    if status in {401, 403}:
        raise errors.ArchiveRefused(
            f"{host} answered {status}: it does not accept our token, or wants one. "
            "Make a new one at auth.mast.stsci.edu and set MAST_API_TOKEN.",
            status=status,
        )
    raise errors.ArchiveRefused(f"{host} answered {status} {response.reason} to the query.", status=status)


def _as_archive_error(exc: Exception, host: str, when: str, broken: type[errors.ArchiveError]) -> errors.ArchiveError:
    chain = _chain(exc)
    if any(isinstance(link, requests.exceptions.SSLError) for link in chain):
        return errors.ArchiveUnavailable(
            f"No secure connection to {host} can be made: its certificate is not trusted here, or it speaks no TLS. "
            "Check this machine's clock and REQUESTS_CA_BUNDLE, or try again later."
        )
    # urllib3 counts a refused connection among the time-outs.
    if any(isinstance(link, requests.ConnectTimeout | urllib3.exceptions.ConnectTimeoutError) for link in chain):
        return errors.ArchiveUnavailable(f"{host} cannot be reached. Check the network, or try again later.")
    if any(isinstance(link, requests.Timeout | TimeoutError | urllib3.exceptions.TimeoutError) for link in chain):
        return errors.ArchiveTimeout(f"{host} stopped answering. Try again later, or ask for less.")
    if any(isinstance(link, http.client.HTTPException) and not isinstance(link, OSError) for link in chain):
        return errors.MalformedReply(f"{host} does not answer as a web server does. Try again later.")
    if broken is errors.MalformedReply:
        return errors.MalformedReply(f"The connection to {host} broke {when}. Try again in a few minutes.")
    return errors.ArchiveUnavailable(f"The connection to {host} failed {when}. Check the network, or try again later.")


def _chain(exc: BaseException | None) -> list[BaseException]:
    links: list[BaseException] = []
    while exc is not None and exc not in links:
        links.append(exc)
        nested = [arg for arg in exc.args if isinstance(arg, BaseException)]
        exc = exc.__cause__ or exc.__context__ or (nested[0] if nested else None)
    return links
