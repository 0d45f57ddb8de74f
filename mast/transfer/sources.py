"""Where a file can be had: an HTTP address or an object in a public S3 bucket, both by plain ranged GETs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final, Protocol
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from mast.errors import (
    AccessDenied,
    ConnectionLost,
    ForbiddenAddress,
    NotInSource,
    RangeIgnored,
    SourceChanged,
    TransferError,
)
from mast.transfer.config import TransferConfig
from mast.transfer.headers import (
    Validator,
    retry_after_s,
    s3_etag_md5,
    unsatisfied_total,
    validator_of,
    whole_file_sums,
)
from mast.transfer.pool import POOL, Endpoint, connect, proxy_headers, proxy_of
from mast.transfer.reply import Reply, checked, settle
from mast.transfer.waits import WAITS
from mast.transfer.wire import Pause, Response, read_response

MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_AGENT: Final = "jwst-archive (mast.transfer)"


class Source(Protocol):
    """One place a file can be fetched from."""

    @property
    def name(self) -> str:
        """`s3` or `http`; sources of one file have different names."""

    @property
    def host(self) -> str:
        """Whom a Retry-After concerns."""

    @property
    def tells_sums(self) -> bool:
        """Whether it is worth asking for checksums in a request of their own."""

    def open(
        self, start: int, stop: int | None, validator: Validator | None, config: TransferConfig, pause: Pause
    ) -> Reply:
        """Ask for bytes `start` to `stop` (exclusive), or by a plain GET for the whole file when `stop` is None.

        With a `validator` only that version is wanted. `pause` is called at least five times a second while waiting;
        what it raises ends the request. Raises subclasses of `TransferError`; a reply that is returned has passed the
        checks of status, range, length and encoding.
        """

    def warm(self, config: TransferConfig) -> None:
        """Connect, so that a later `open` need not."""

    def sums(self, config: TransferConfig, pause: Pause) -> tuple[Validator, dict[str, str]]:
        """The current version's validator and whatever whole-file checksums the server tells, by algorithm, in hex."""


class HttpSource:
    """A file at an address. `headers`, the token among them, go to the address's own origin and nowhere else.

    The address itself is trusted as given. Redirects are followed only to its own host and to `allowed_hosts`: a name
    (`mast.stsci.edu`), or with a leading dot everything below a domain (`.stsci.edu`), whose addresses must be public.
    """

    name = "http"
    tells_sums = False

    def __init__(
        self, url: str, *, headers: Mapping[str, str] | None = None, allowed_hosts: Iterable[str] = ()
    ) -> None:
        self._origin = urlsplit(url)
        self._endpoint = Endpoint.of(self._origin)
        self._headers = dict(headers or {})
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._landed = self._origin

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._origin.scheme}://{self._origin.netloc}{self._origin.path})"

    @property
    def host(self) -> str:
        return self._endpoint.host

    def open(
        self, start: int, stop: int | None, validator: Validator | None, config: TransferConfig, pause: Pause
    ) -> Reply:
        headers = self._sum_headers() if stop is None else {"Range": f"bytes={start}-{stop - 1}"}
        if validator is not None:
            headers |= self._condition(validator, is_ranged=stop is not None)
        response, endpoint = self._request("GET", headers, config, pause)
        try:
            self._check_status(response, config, pause)
            return checked(response, endpoint, start, stop, self._sums_of(response))
        except BaseException:
            settle(response, endpoint, pause)
            raise

    def warm(self, config: TransferConfig) -> None:
        endpoint = self._endpoint_of(self._landed)
        POOL.give_back(endpoint, connect(endpoint, config.connect_timeout_s))

    def sums(self, config: TransferConfig, pause: Pause) -> tuple[Validator, dict[str, str]]:
        response, endpoint = self._request("HEAD", self._sum_headers(), config, pause)
        settle(response, endpoint, pause)
        if response.status != 200:
            raise TransferError(f"{self.host} answered {response.status} to HEAD.")
        return validator_of(response.headers), self._sums_of(response)

    def _condition(self, validator: Validator, *, is_ranged: bool) -> dict[str, str]:
        # A weak ETag may not stand in If-Range (RFC 9110, 13.1.5); such a reply is told by its validator alone.
        return {"If-Range": validator.etag} if validator.is_strong and is_ranged else {}

    def _sum_headers(self) -> dict[str, str]:
        return {"Want-Repr-Digest": "sha-256=10"}

    def _sums_of(self, response: Response) -> dict[str, str]:
        return whole_file_sums(response.headers, is_whole=response.status == 200)

    # --- redirects ---------------------------------------------------------------------------------------------

    def _request(
        self, method: str, headers: dict[str, str], config: TransferConfig, pause: Pause
    ) -> tuple[Response, Endpoint]:
        """Send a request and follow redirects by hand, starting where the last request landed."""
        parts = self._landed
        for _ in range(MAX_REDIRECTS + 1):
            endpoint = self._endpoint_of(parts)
            own = self._headers if endpoint == self._endpoint else {}
            response = _exchange(method, parts, endpoint, {**own, **headers}, config, pause)
            if response.status in _REDIRECTS and "location" in response.headers:
                settle(response, endpoint, pause)
                parts = self._redirected(parts, response.headers["location"])
            elif response.status in {400, 401, 403, 404, 410} and parts == self._landed != self._origin:
                # An address handed out by a redirect may have run out; the first one hands out another.
                settle(response, endpoint, pause)
                self._landed = parts = self._origin
            else:
                self._landed = parts
                return response, endpoint
        raise ForbiddenAddress(f"{self.host} redirects in circles.")

    def _redirected(self, parts: SplitResult, location: str) -> SplitResult:
        target = urlsplit(urljoin(parts.geturl(), location))
        if parts.scheme == "https" and target.scheme != "https":
            raise ForbiddenAddress(f"{self.host} redirects from https to {target.scheme or 'nowhere'}.")
        self._endpoint_of(target)
        return target

    def _endpoint_of(self, parts: SplitResult) -> Endpoint:
        host = (parts.hostname or "").lower()
        if host == self._endpoint.host.lower() or host in self._allowed_hosts:
            return Endpoint.of(parts)
        if any(domain.startswith(".") and host.endswith(domain) for domain in self._allowed_hosts):
            return Endpoint.of(parts, is_public_only=True)
        raise ForbiddenAddress(f"{self.host} redirects to {host or 'nowhere'}, which is not MAST's.")

    # --- refusals ----------------------------------------------------------------------------------------------

    def _check_status(self, response: Response, config: TransferConfig, pause: Pause) -> None:
        status = response.status
        if status in {200, 206}:
            return
        if status in {401, 403}:
            raise AccessDenied(f"{self.host} does not give us this file ({status}): {self._why_denied()}")
        if status in {404, 410}:
            raise NotInSource(f"{self.host} does not have this file ({status}).")
        if status == 412:
            raise SourceChanged(f"{self.host} has another version of the file now.")
        if status == 416:
            total = unsatisfied_total(response.headers.get("content-range", ""))
            raise RangeIgnored(f"{self.host} has no such bytes (416).", status=416, total=total)
        if status in {408, 425, 429} or status >= 500:
            raise self._busy(response, config)
        raise TransferError(f"{self.host} answered {status}.")

    def _why_denied(self) -> str:
        if self._headers:
            return "it is exclusive to its proposers, or the token has stopped working."
        return "it is exclusive to its proposers; a MAST token may open it."

    def _busy(self, response: Response, config: TransferConfig) -> ConnectionLost:
        seconds = retry_after_s(response.headers.get("retry-after"))
        if seconds is None:
            return ConnectionLost(f"{self.host} is busy ({response.status}).")
        WAITS.ask(self.host, min(seconds, config.retry_after_max_s))
        return ConnectionLost(f"{self.host} asks us to wait ({response.status}).", is_asked=True)


class S3Source(HttpSource):
    """An object in a public bucket, unsigned: virtual-host addresses on AWS, path style on any other endpoint."""

    name = "s3"
    tells_sums = True

    def __init__(self, endpoint_url: str, bucket: str, key: str, region: str = "us-east-1") -> None:
        super().__init__(object_url(endpoint_url, bucket, key, region))

    def _condition(self, validator: Validator, *, is_ranged: bool) -> dict[str, str]:
        return {"If-Match": validator.etag} if validator.is_strong else {}

    def _sum_headers(self) -> dict[str, str]:
        return {"x-amz-checksum-mode": "ENABLED"}

    def _sums_of(self, response: Response) -> dict[str, str]:
        md5 = s3_etag_md5(response.headers)
        return super()._sums_of(response) | ({"md5": md5} if md5 else {})

    def _why_denied(self) -> str:
        return "it is not in the public bucket."


def object_url(endpoint_url: str, bucket: str, key: str, region: str) -> str:
    """Where an object lies. A bucket with dots takes the path style: its name does not fit AWS's certificate."""
    path = quote(key.lstrip("/"), safe="/-_.~")
    host = urlsplit(endpoint_url).hostname or ""
    if endpoint_url and not host.endswith(".amazonaws.com"):
        return f"{endpoint_url.rstrip('/')}/{bucket}/{path}"
    if "." in bucket:
        return f"https://s3.{region}.amazonaws.com/{bucket}/{path}"
    return f"https://{bucket}.s3.{region}.amazonaws.com/{path}"


# --- one request ------------------------------------------------------------------------------------------------


def _exchange(
    method: str, parts: SplitResult, endpoint: Endpoint, headers: dict[str, str], config: TransferConfig, pause: Pause
) -> Response:
    """One request on a warm connection, or on a new one where the warm one turns out to be closed."""
    while True:
        pause()
        connection = POOL.take(endpoint, config.connect_timeout_s)
        try:
            connection.send(_request_text(method, parts, endpoint, headers), pause)
            deadline = time.monotonic() + config.first_byte_timeout_s
            return read_response(connection, deadline, pause, has_body=method != "HEAD")
        except ConnectionLost as exc:
            connection.close()
            # A warm connection may have died of old age; that is no failure of the server.
            if connection.requests == 1 or exc.details.get("is_timeout"):
                raise
        except BaseException:
            connection.close()
            raise


def _request_text(method: str, parts: SplitResult, endpoint: Endpoint, headers: dict[str, str]) -> bytes:
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (f"?{parts.query}" if parts.query else "")
    fields = {"Host": endpoint.netloc, "User-Agent": _AGENT, "Accept": "*/*", "Accept-Encoding": "identity", **headers}
    proxy = proxy_of(endpoint) if endpoint.scheme == "http" else None
    if proxy:
        target = f"http://{endpoint.netloc}{target}"
        fields |= proxy_headers(proxy)
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ForbiddenAddress("An address or a header holds a line break.")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
