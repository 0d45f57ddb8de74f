"""A file's bytes over HTTP: whole or one range of it, resumable, verifiable by its SHA-256."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, quote_etag

from mast import conf
from mast.errors import DamagedFile, RangeNotSatisfiable

_RANGE: Final = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")
_TYPES: Final = {
    ".fits": "application/fits",
    ".json": "application/json",
    ".csv": "text/csv",
    ".ecsv": "text/x-ecsv",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gz": "application/gzip",
}
# A file of this SHA-256 never changes, its address might come to hold another: kept, and asked about each time.
CACHED: Final = "private, no-cache"


class FilePart:
    """Some bytes of an open file. The server may send them itself (`fileno`); `read` is for those that cannot."""

    def __init__(self, file: BinaryIO, start: int, stop: int) -> None:
        self._file = file
        self._left = stop - start
        file.seek(start)

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        block = self._file.read(wanted)
        self._left -= len(block)
        return block

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()


class _Download(FileResponse):
    block_size = 1024 * 1024


def parse_range(header: str, size_bytes: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None for the whole file, as for ranges this server does not do.

    Raises
    ------
    RangeNotSatisfiable : the file has no such bytes
    """
    match = _RANGE.fullmatch(header.strip())
    if not match or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size_bytes - int(last)), size_bytes
    else:
        start, stop = int(first), min(int(last) + 1, size_bytes) if last else size_bytes
        if last and int(last) < start:
            return None
    if start >= stop:
        raise RangeNotSatisfiable(f"The file has {size_bytes} bytes.", size_bytes=size_bytes)
    return start, stop


def serve(request: HttpRequest, path: Path, *, name: str, size_bytes: int, sha256: str) -> HttpResponseBase:
    """The file, or the range asked for while its ETag (the SHA-256) is the one the caller knows.

    Raises
    ------
    DamagedFile : it is gone, or no longer as long as it was
    RangeNotSatisfiable : the file has no such bytes
    """
    etag = quote_etag(sha256)
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": CACHED}
    if is_known(request, etag):
        return HttpResponseNotModified(headers=headers)
    asked = request.headers.get("Range", "") if request.headers.get("If-Range", etag) == etag else ""
    if settings.SENDFILE and "If-Range" not in request.headers:
        return _by_nginx(path, name, size_bytes, headers)
    part = parse_range(asked, size_bytes)
    start, stop = part or (0, size_bytes)
    file = _open(path, size_bytes)
    headers |= {
        "Content-Length": str(stop - start),
        "Content-Disposition": _disposition(name),
    }
    if part:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size_bytes}"
    status = 206 if part else 200
    return _Download(FilePart(file, start, stop), status=status, headers=headers, content_type=_media_type(name))


def _by_nginx(path: Path, name: str, size_bytes: int, headers: dict[str, str]) -> HttpResponse:
    """Lead nginx to the file: it sends it, or a range, by itself. It knows no `If-Range` of our ETag."""
    _open(path, size_bytes).close()
    inside = quote(str(path.relative_to(conf.files_dir())))
    return HttpResponse(
        content_type=_media_type(name),
        headers=headers
        | {"X-Accel-Redirect": f"{settings.SENDFILE}{inside}", "Content-Disposition": _disposition(name)},
    )


def _media_type(name: str) -> str:
    return _TYPES.get(Path(name).suffix.lower(), "application/octet-stream")


def _disposition(name: str) -> str:
    return content_disposition_header(as_attachment=True, filename=name) or ""


def is_known(request: HttpRequest, etag: str) -> bool:
    """Whether the caller holds this very content already."""
    held = {tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")}
    return etag in held or "*" in held


def _open(path: Path, size_bytes: int) -> BinaryIO:
    try:
        file = path.open("rb", buffering=0)
    except OSError as exc:
        raise DamagedFile("The file is missing from the archive's disk; import it again.") from exc
    if path.stat().st_size != size_bytes:
        file.close()
        raise DamagedFile("The file on disk no longer has its length; import it again.")
    return file


def not_modified(request: HttpRequest, etag: str) -> HttpResponse | None:
    """304 when the caller holds this very content."""
    if is_known(request, etag):
        return HttpResponseNotModified(headers={"ETag": etag, "Cache-Control": CACHED})
    return None
