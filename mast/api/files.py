"""One file's bytes: by range, resuming, with its checksum as ETag."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router

from mast import library, services
from mast.api import downloads
from mast.api.access import importing, reading
from mast.api.replies import answer
from mast.models import DataFile
from mast.schemas import library as schemas
from mast.schemas.errors import FILE_PROBLEMS, IMPORT_PROBLEMS, problems

router = Router(tags=["files"], auth=reading, by_alias=True)


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
