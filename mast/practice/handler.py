"""One connection: requests read, routed by their path, answered; the same port speaks for MAST, its resolver and S3."""

from __future__ import annotations

import hmac
import json
import time
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from mast.practice import columns, delivery, portal, store
from mast.practice.catalogue import PRODUCT_URI
from mast.practice.holdings import Held

if TYPE_CHECKING:
    from mast.practice.server import PracticeServer

BODY_LIMIT: Final = 4 << 20
BUCKET: Final = "stpubdata"
_SLICE: Final = 64 << 10
_LONG_POLL_S: Final = 0.05


class Handler(BaseHTTPRequestHandler):
    """`archive` is set on a subclass made for each server."""

    archive: PracticeServer
    protocol_version = "HTTP/1.1"
    server_version = "practice-archive"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 120

    def do_GET(self) -> None:
        self._dispatch({})

    def do_HEAD(self) -> None:
        self._dispatch({})

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            self.close_connection = True
            self._text(413, "body too large")
            return
        self._dispatch(parse_qs(self.rfile.read(int(length)).decode("utf-8", "replace"), keep_blank_values=True))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Quiet: the counts say what was asked."""

    def _dispatch(self, form: dict[str, list[str]]) -> None:
        address = urlsplit(self.path)
        values = parse_qs(address.query, keep_blank_values=True) | form
        path = address.path
        kind, serve = self._route(path)
        self.archive.count(kind if self.command != "HEAD" else f"{kind}_head")
        if kind not in {"health", "counts"} and self._refused(kind):
            return
        serve(path, values)

    def _route(self, path: str) -> tuple[str, Any]:
        exact = {
            "/api/v0/invoke": ("invoke", self._invoke),
            "/portal/Mashup/Mashup.asmx/columnsconfig": ("columnsconfig", self._columns_config),
            "/api/v0.1/path_lookup/": ("path_lookup", self._path_lookup),
            "/api/v0.1/path_lookup": ("path_lookup", self._path_lookup),
            "/api/v0.1/Download/file": ("download", self._download),
            "/Santa-war/query": ("resolver", self._resolve),
            "/whoami": ("whoami", self._whoami),
            "/health": ("health", self._health),
            "/counts": ("counts", self._counts),
        }
        if path in exact:
            return exact[path]
        if path.startswith(("/s3/", f"/{BUCKET}/")):
            return "s3", self._object
        return "unknown", lambda path, values: self._text(404, f"nothing at {path}")

    def _refused(self, kind: str) -> bool:
        """Whether a fault that was asked for answers instead."""
        self.archive.pause(self.archive.delay_s)
        if not self.archive.unavailable and kind not in self.archive.broken:
            return False
        if kind == "s3":
            self._s3_error(503, "SlowDown", "Please reduce your request rate.")
        else:
            self._send(503, b"Service Unavailable", "text/html", {"Retry-After": "1"})
        return True

    # --- MAST's services ---

    def _invoke(self, path: str, values: dict[str, list[str]]) -> None:
        try:
            request = json.loads(values.get("request", [""])[0])
            if not isinstance(request, dict):
                raise TypeError
        except (ValueError, TypeError):
            self._text(400, "request must be a JSON object")
            return
        self.archive.count(f"invoke {request.get('service', '')}")
        if self.archive.still_executing(json.dumps(request, sort_keys=True)):
            self.archive.pause(_LONG_POLL_S)
            self._json({"status": "EXECUTING", "msg": "", "data": [], "percent complete": 0.5})
        elif request.get("format") == "extjs":
            self._json(portal.missions(self.archive.holdings))
        else:
            self._json(portal.answer(request, self.archive.holdings))

    def _columns_config(self, path: str, values: dict[str, list[str]]) -> None:
        self._json(columns.config(values.get("colConfigId", [""])[0]))

    def _resolve(self, path: str, values: dict[str, list[str]]) -> None:
        found = [entry for name in values.get("name", [])[:30] for entry in self.archive.holdings.resolve(name)]
        self._json({"resolvedCoordinate": found, "status": ""})

    def _path_lookup(self, path: str, values: dict[str, list[str]]) -> None:
        answer = {}
        for uri in values.get("uri", []):
            held = self._held(uri)
            key = held.key if held else None
            answer[uri] = {"status_code": 200 if key else 404, "path": f"/{key}" if key else None}
        self._json(answer)

    def _whoami(self, path: str, values: dict[str, list[str]]) -> None:
        if self._has_token():
            self._json({"anon": False, "attrib": {"display_name": "Practice User"}})
        else:
            self._json({"anon": True, "attrib": {}})

    def _health(self, path: str, values: dict[str, list[str]]) -> None:
        self._json({"name": "practice archive"})

    def _counts(self, path: str, values: dict[str, list[str]]) -> None:
        self._json(dict(self.archive.counts))

    # --- files ---

    def _held(self, uri: str) -> Held | None:
        """The file of a `mast:JWST/product/...` URI."""
        prefix, name = uri[: len(PRODUCT_URI)], uri[len(PRODUCT_URI) :]
        return self.archive.holdings.find(name) if prefix.lower() == PRODUCT_URI.lower() and name else None

    def _download(self, path: str, values: dict[str, list[str]]) -> None:
        held = self._held(values.get("uri", [""])[0])
        if held is None:
            self._text(404, "file not found")
        elif held.is_exclusive and not self._has_token():
            self._send(401, b"Unauthorized", "text/plain", {"WWW-Authenticate": "token"})
        else:
            name = held.subject.file_name
            extra = {"Content-Disposition": f'attachment; filename="{name}"'}
            self._deliver(held, self.archive.store.etag(held), extra)

    def _object(self, path: str, values: dict[str, list[str]]) -> None:
        bucket, _, key = unquote(path).removeprefix("/s3").lstrip("/").partition("/")
        held = self.archive.holdings.find(key.rpartition("/")[2]) if key else None
        if bucket != BUCKET:
            self._s3_error(404, "NoSuchBucket", "The specified bucket does not exist")
        elif held is None or held.key != key or not held.in_bucket:
            self._s3_error(404, "NoSuchKey", "The specified key does not exist.", key)
        else:
            etag = self.archive.store.object_etag(held)
            self._deliver(held, etag, {"x-amz-request-id": "PRACTICE", "x-amz-storage-class": "STANDARD"}, is_s3=True)

    def _deliver(self, held: Held, etag: str, extra: dict[str, str], *, is_s3: bool = False) -> None:
        answer = delivery.plan(self.headers, held.size_bytes, etag, store.modified(held))
        if is_s3 and answer.status == 412:
            self._s3_error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
            return
        if is_s3 and answer.status == 416:
            self._s3_error(416, "InvalidRange", "The requested range is not satisfiable")
            return
        self.send_response(answer.status)
        for name, value in (
            {"Content-Type": _mime(held.subject.file_name), "Content-Length": "0"} | extra | answer.headers
        ).items():
            if answer.status != 304 or name != "Content-Length":
                self.send_header(name, value)
        self.end_headers()
        if self.command == "GET" and answer.stop > answer.start:
            self._send_file(held, answer.start, answer.stop, "s3" if is_s3 else "http")

    def _send_file(self, held: Held, start: int, stop: int, kind: str) -> None:
        rate = self.archive.rate
        with self.archive.store.path(held).open("rb") as file:
            if rate is None:
                self.connection.sendfile(file, start, stop - start)
                self.archive.sent_bytes[kind] += stop - start
                return
            began = time.monotonic()
            for offset in range(start, stop, _SLICE):
                part = min(_SLICE, stop - offset)
                self.connection.sendfile(file, offset, part)
                self.archive.sent_bytes[kind] += part
                self.archive.pause(began + (offset + part - start) / (rate * 1e6) - time.monotonic())

    def _has_token(self) -> bool:
        """MAST takes its token as a header or as a cookie."""
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        given = token.strip() if kind.lower() in {"token", "bearer"} else ""
        if not given:
            try:
                cookie = SimpleCookie(self.headers.get("Cookie", "")).get("mast_token")
            except CookieError:
                cookie = None
            given = cookie.value if cookie else ""
        return bool(given) and hmac.compare_digest(given.encode(), self.archive.token.encode())

    # --- writing ---

    def _json(self, answer: Any) -> None:
        self._send(200, json.dumps(answer, allow_nan=False).encode(), "application/json")

    def _text(self, status: int, sentence: str) -> None:
        self._send(status, f"{sentence}\n".encode(), "text/plain")

    def _s3_error(self, status: int, code: str, sentence: str, key: str = "") -> None:
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{sentence}</Message>'
        body += f"<Key>{escape(key)}</Key>" if key else ""
        self._send(status, f"{body}<RequestId>PRACTICE</RequestId></Error>".encode(), "application/xml")

    def _send(self, status: int, body: bytes, mime: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": mime, "Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _mime(file_name: str) -> str:
    kinds = {
        "fits": "application/fits",
        "jpg": "image/jpeg",
        "png": "image/png",
        "json": "application/json",
        "csv": "text/csv",
    }
    return kinds.get(file_name.rpartition(".")[2], "application/octet-stream")
