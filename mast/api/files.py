"""One file: its bytes, and what can be seen of it without reading all of them. Kept by content: the ETag says which."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Query, Router

from mast import answers, library, services
from mast.api import downloads
from mast.api.access import importing, reading
from mast.api.replies import answer, encode
from mast.fits.options import parse_limits, parse_plane
from mast.fits.plan import Plan, Plane
from mast.models import DataFile
from mast.schemas import library as schemas
from mast.schemas.errors import FILE_PROBLEMS, IMPORT_PROBLEMS, problems

router = Router(tags=["files"], auth=reading, by_alias=True)
TEXT_TABLES = {"ecsv", "csv"}
KEPT_FOREVER = "private, max-age=31536000, immutable"

Hdu = Annotated[int | None, Query(ge=0, le=100_000, description="HDU, counted from 0; left out: the one View shows")]
PlaneText = Annotated[
    str, Query(max_length=50, pattern=r"^(median|[0-9, ]*)$", description="`3`, `0,4` or `median`; left out: View's")
]
Version = Annotated[str, Query(max_length=64, description="the file's sha256, or its beginning: lets caches keep it")]


def _plane(text: str) -> Plane | None:
    return parse_plane(text) if text else None


def _inspected(file: DataFile) -> tuple[Path, Plan]:
    return services.file_path(file), services.file_plan(file)


def _kept(request: HttpRequest, file: DataFile, make: Callable[[], tuple[bytes, str]]) -> HttpResponse:
    """What `make` makes of the file, or 304: the same content and address give the same bytes for ever."""
    made_of = f"{file.sha256} {request.get_full_path()}"
    etag = f'"{hashlib.sha256(made_of.encode()).hexdigest()[:32]}"'
    if not_modified := downloads.not_modified(request, etag):
        return not_modified
    body, media_type = make()
    version = request.GET.get("v", "")
    kept = KEPT_FOREVER if len(version) >= 8 and file.sha256.startswith(version) else downloads.CACHED
    return HttpResponse(body, content_type=media_type, headers={"ETag": etag, "Cache-Control": kept})


def _kept_json(request: HttpRequest, file: DataFile, make: Callable[[], Any]) -> HttpResponse:
    return _kept(request, file, lambda: (encode(make()), "application/json"))


@router.post("/fetch-again", auth=importing, response={202: schemas.FetchedAgain, **IMPORT_PROBLEMS})
def fetch_all_again(request: HttpRequest) -> HttpResponse:
    """Fetch every damaged and missing file again, as jobs; none when every file is whole as far as is known."""
    return _fetched_again(request, list(services.wrong_files()))


@router.post("/{int:file_id}/fetch-again", auth=importing, response={202: schemas.FetchedAgain, **IMPORT_PROBLEMS})
def fetch_again(request: HttpRequest, file_id: int) -> HttpResponse:
    """Fetch one damaged or missing file again; 409 for one that is whole as far as is known."""
    return _fetched_again(request, [library.get_file(file_id, request.user)])


def _fetched_again(request: HttpRequest, files: list[DataFile]) -> HttpResponse:
    user = request.user if request.user.is_authenticated else None
    jobs = services.fetch_again(files, user)
    started = [{"jobId": str(job.pk), "obsId": job.obs_id, "message": job.message} for job in jobs]
    return answer({"fileCount": len(files), "jobs": started}, status=202)


@router.get("/{int:file_id}/download", response={200: None, 206: None, **FILE_PROBLEMS, **problems(416)})
def download(request: HttpRequest, file_id: int) -> HttpResponseBase:
    """The file itself; ranges, resuming by `If-Range`, and its SHA-256 as ETag."""
    file = library.get_file(file_id, request.user)
    path = services.file_path(file)
    return downloads.serve(request, path, name=file.file_name, size_bytes=file.size_bytes, sha256=file.sha256)


@router.get("/{int:file_id}/preview", response={200: None, **FILE_PROBLEMS})
def preview(
    request: HttpRequest,
    file_id: int,
    width: Annotated[int, Query(ge=1, le=8000)] = 1024,
    stretch: Annotated[str, Query(max_length=20, description="asinh, linear, log, sqrt or power")] = "asinh",
    limits: Annotated[str, Query(max_length=60, description="zscale, minmax, or two values: 0.1,5")] = "zscale",
    cmap: Annotated[str, Query(max_length=30)] = "gray",
    hdu: Hdu = None,
    plane: PlaneText = "",
    format: Literal["png", "jpeg", "webp"] = "png",  # noqa: A002 - the name callers send
    v: Version = "",
) -> HttpResponse:
    """A picture of the file's image."""
    file = library.get_file(file_id, request.user)
    options = {
        "width": width,
        "stretch": stretch,
        "limits": parse_limits(limits),
        "cmap": cmap,
        "hdu": hdu,
        "plane": _plane(plane),
    }
    return _kept(request, file, lambda: services.file_picture(file.pk, fmt=format, **options))


@router.get("/{int:file_id}/header", response={200: schemas.Header, **FILE_PROBLEMS})
def header(
    request: HttpRequest,
    file_id: int,
    hdu: Annotated[int, Query(ge=0, le=100_000)] = 0,
    v: Version = "",
) -> HttpResponse:
    """The cards of one HDU's header."""
    file = library.get_file(file_id, request.user)
    return _kept_json(request, file, lambda: _header(file, hdu))


def _header(file: DataFile, hdu: int) -> dict[str, Any]:
    _, plan = _inspected(file)
    cards = services.file_header(file.pk, hdu)
    return {
        "hdu": hdu,
        "hdus": [{"index": item.index, "name": item.name, "ver": item.ver, "kind": item.kind} for item in plan.hdus],
        "cards": [{"keyword": keyword, "value": value, "comment": comment} for keyword, value, comment in cards],
    }


@router.get("/{int:file_id}/histogram", response={200: schemas.Histogram, **FILE_PROBLEMS})
def histogram(
    request: HttpRequest,
    file_id: int,
    bins: Annotated[int, Query(ge=1, le=4096)] = 256,
    hdu: Hdu = None,
    plane: PlaneText = "",
    v: Version = "",
) -> HttpResponse:
    """How often which value occurs in the image."""
    from mast.fits.readout import histogram as counted

    file = library.get_file(file_id, request.user)
    path, plan = _inspected(file)
    return _kept_json(
        request, file, lambda: answers.camel(counted(path, plan, bins=bins, hdu=hdu, plane=_plane(plane)))
    )


@router.get("/{int:file_id}/pixel", response={200: schemas.Pixel, **FILE_PROBLEMS})
def pixel(
    request: HttpRequest,
    file_id: int,
    x: Annotated[int, Query(ge=0, le=10_000_000, description="counted from 0, as arrays are")],
    y: Annotated[int, Query(ge=0, le=10_000_000)],
    hdu: Hdu = None,
    plane: PlaneText = "",
    v: Version = "",
) -> HttpResponse:
    """One pixel's value, unit, quality flags and place on the sky."""
    from mast.fits.readout import pixel as read_pixel

    file = library.get_file(file_id, request.user)
    path, plan = _inspected(file)
    return _kept_json(request, file, lambda: answers.camel(read_pixel(path, plan, x, y, hdu, _plane(plane))))


@router.get("/{int:file_id}/table", response={200: schemas.TablePage, **FILE_PROBLEMS})
def table(
    request: HttpRequest,
    file_id: int,
    hdu: Hdu = None,
    start: Annotated[int, Query(ge=0, le=10**12)] = 0,
    count: Annotated[int, Query(ge=1, le=1000)] = 50,
    v: Version = "",
) -> HttpResponse:
    """Some rows of a table of the file."""
    from mast.fits.tables import table_rows
    from mast.fits.texttables import text_rows

    file = library.get_file(file_id, request.user)
    path, plan = _inspected(file)
    if plan.kind in TEXT_TABLES:
        return _kept_json(request, file, lambda: answers.camel(text_rows(path, plan, start, count)))
    return _kept_json(request, file, lambda: answers.camel(table_rows(path, plan, hdu, start, count)))


@router.get("/{int:file_id}/spectrum", response={200: schemas.SpectrumAnswer, **FILE_PROBLEMS})
def spectrum(
    request: HttpRequest,
    file_id: int,
    hdu: Hdu = None,
    row: Annotated[int | None, Query(ge=0, le=10**9, description="of a table with a spectrum in each row")] = None,
    v: Version = "",
) -> HttpResponse:
    """One spectrum of the file, and which others there are."""
    from mast.fits import spectra

    file = library.get_file(file_id, request.user)
    path, plan = _inspected(file)

    def made() -> dict[str, Any]:
        chosen: dict[str, Any] = answers.camel(spectra.spectrum(path, plan, hdu, row))
        return chosen | {"choices": answers.camel(spectra.spectrum_choices(path, plan))}

    return _kept_json(request, file, made)
