"""Connections: warm ones, proxies, certificates, addresses."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mast.errors import ForbiddenAddress, TransferError
from mast.transfer import HttpSource
from mast.transfer.pool import Endpoint, Pool, connect, proxy_headers, proxy_of
from mast.transfer.sources import object_url
from tests.fault.server import FaultServer
from tests.fault.world import World, fits_bytes


@pytest.fixture(autouse=True)
def no_proxy_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def endpoint(url: str) -> Endpoint:
    return Endpoint.of(urlsplit(url))


# --- addresses --------------------------------------------------------------------------------------------------


def test_an_endpoint_knows_its_port_and_host_header() -> None:
    assert endpoint("https://mast.stsci.edu/x").netloc == "mast.stsci.edu"
    assert endpoint("http://127.0.0.1:5001/x").netloc == "127.0.0.1:5001"
    assert endpoint("http://[::1]:5001/x").netloc == "[::1]:5001"


@pytest.mark.parametrize("url", ["ftp://a/b", "file:///etc/passwd", "//a/b", "nonsense", "http:///x"])
def test_only_http_and_https_are_addresses(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        HttpSource(url)


def test_an_address_with_a_line_break_is_not_sent(tmp_path: Path) -> None:
    with FaultServer(b"x") as server, pytest.raises(ForbiddenAddress):
        World(tmp_path).fetch(HttpSource(server.url, headers={"X": "a\r\nHost: b"}))


@pytest.mark.parametrize(
    ("endpoint_url", "bucket", "url"),
    [
        ("", "stpubdata", "https://stpubdata.s3.us-east-1.amazonaws.com/jwst/public/a%20b.fits"),
        (
            "https://s3.amazonaws.com",
            "stpubdata",
            "https://stpubdata.s3.us-east-1.amazonaws.com/jwst/public/a%20b.fits",
        ),
        ("", "st.pub", "https://s3.us-east-1.amazonaws.com/st.pub/jwst/public/a%20b.fits"),
        ("http://127.0.0.1:9000/s3/", "stpubdata", "http://127.0.0.1:9000/s3/stpubdata/jwst/public/a%20b.fits"),
    ],
)
def test_an_object_lies_at_a_virtual_host_on_aws_and_under_its_bucket_elsewhere(
    endpoint_url: str, bucket: str, url: str
) -> None:
    assert object_url(endpoint_url, bucket, "/jwst/public/a b.fits", "us-east-1") == url


# --- warm connections -------------------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def at(listener: socket.socket) -> Endpoint:
    return Endpoint("http", "127.0.0.1", listener.getsockname()[1])


def test_a_connection_given_back_is_taken_again(listener: socket.socket) -> None:
    pool = Pool()
    first = pool.take(at(listener), 1)
    pool.give_back(at(listener), first)
    assert pool.take(at(listener), 1) is first
    first.close()


def test_a_connection_the_server_closed_is_not_taken(listener: socket.socket) -> None:
    pool = Pool()
    first = pool.take(at(listener), 1)
    accepted, _ = listener.accept()
    pool.give_back(at(listener), first)
    accepted.close()
    second = pool.take(at(listener), 1)
    assert second is not first
    second.close()


def test_a_child_process_does_not_use_its_parents_connections(listener: socket.socket) -> None:
    pool = Pool()
    pool.give_back(at(listener), pool.take(at(listener), 1))
    pool._forget()
    assert pool._newest(at(listener)) is None


def test_an_address_of_a_private_network_can_be_refused(listener: socket.socket) -> None:
    public_only = Endpoint("http", "127.0.0.1", listener.getsockname()[1], is_public_only=True)
    with pytest.raises(ForbiddenAddress, match="private"):
        connect(public_only, 1)


# --- proxies ----------------------------------------------------------------------------------------------------


def test_proxies_come_from_the_usual_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://user:p%40ss@proxy.example:3128")
    monkeypatch.setenv("no_proxy", "localhost,.stsci.edu")
    proxy = proxy_of(endpoint("https://s3.amazonaws.com/x"))
    assert proxy is not None
    assert (proxy.hostname, proxy.port) == ("proxy.example", 3128)
    assert proxy_headers(proxy) == {"Proxy-Authorization": "Basic dXNlcjpwQHNz"}
    assert proxy_of(endpoint("https://mast.stsci.edu/x")) is None
    assert proxy_of(endpoint("http://s3.amazonaws.com/x")) is None


def test_a_proxy_that_needs_tls_itself_is_said_to_be_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "https://proxy.example:3128")
    with pytest.raises(TransferError, match="proxy"):
        proxy_of(endpoint("https://s3.amazonaws.com/x"))


def test_plain_http_goes_through_the_proxy_with_its_whole_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = fits_bytes(20_000, seed=1)
    with FaultServer(content) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        world = World(tmp_path)
        fetched = world.fetch(HttpSource("http://mast.example/a.fits?x=1"), catalog_bytes=len(content))
        world.assert_is_a_version_of(fetched, proxy)
        assert proxy.asked[0].target == "http://mast.example/a.fits?x=1"
        assert proxy.asked[0].headers["host"] == "mast.example"


# --- TLS --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 and mast.example, with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mast.example")])
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("mast.example")]
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


class TlsServer(FaultServer):
    """The fault server behind TLS."""

    def __init__(self, content: bytes, certificate: Path) -> None:
        super().__init__(content)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/file.fits"

    def _serve(self, client: socket.socket) -> None:
        try:
            super()._serve(self._context.wrap_socket(client, server_side=True))
        except OSError:
            client.close()


def test_a_file_comes_over_tls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certificate: Path) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    content = fits_bytes(3_000_000, seed=1)
    with TlsServer(content, certificate) as server:
        world = World(tmp_path)
        world.assert_is_a_version_of(world.fetch(server), server)
        assert len(server.asked) > 1


def test_a_certificate_nobody_vouches_for_is_refused_for_good(tmp_path: Path, certificate: Path) -> None:
    with TlsServer(b"x", certificate) as server:
        with pytest.raises(TransferError, match="certificate"):
            World(tmp_path).fetch(server)
        assert not server.asked


def test_a_bundle_that_does_not_exist_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certificate: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem")
    with TlsServer(b"x", certificate) as server, pytest.raises(TransferError, match="nowhere"):
        World(tmp_path).fetch(server)


class ConnectProxy:
    """A proxy that only knows CONNECT, to one port whatever is asked for."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.asked: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.asked.append(client.recv(65536))
            server = socket.create_connection(("127.0.0.1", self._to))
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            for pair in ((client, server), (server, client)):
                threading.Thread(target=_pump, args=pair, daemon=True).start()

    def close(self) -> None:
        self._listener.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        source.close()
        target.close()


def test_https_goes_through_a_tunnel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certificate: Path) -> None:
    content = fits_bytes(20_000, seed=1)
    with TlsServer(content, certificate) as server:
        proxy = ConnectProxy(server.port)
        monkeypatch.setenv("https_proxy", f"http://u:p@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        world = World(tmp_path)
        world.assert_is_a_version_of(world.fetch(HttpSource("https://mast.example/a.fits")), server)
        proxy.close()
        assert proxy.asked[0].startswith(b"CONNECT mast.example:443 HTTP/1.")
        assert b"Proxy-Authorization: Basic dTpw" in proxy.asked[0]
        assert b"proxy-authorization" not in str(server.asked[0].headers).encode()
