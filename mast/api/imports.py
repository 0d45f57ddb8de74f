"""Imports: planned, started, watched, paused, resumed; files already on disk; metadata read again."""

from __future__ import annotations

from typing import Annotated

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Body, Path, Query, Router

from mast import answers, services, terms
from mast.api.access import importing, reading
from mast.api.replies import answer, revalidated
from mast.schemas import imports as schemas
from mast.schemas.base import NO_CONTROLS, OBS_ID
from mast.schemas.errors import IMPORT_PROBLEMS, JOB_PROBLEMS, RECORD_PROBLEMS
from mast.services import ImportRequest, StartedJob

router = Router(tags=["imports"], auth=importing, by_alias=True)
POLL_AFTER_S = "1"
_EVERY_LEVEL = tuple(int(level) for level in terms.CalibLevel)

ObsIdInPath = Annotated[str, Path(max_length=200, pattern=OBS_ID)]


def _user(request: HttpRequest) -> AbstractBaseUser | None:
    return request.user if request.user.is_authenticated else None


def _request(body: schemas.ImportBody) -> ImportRequest:
    levels = body.calib_level
    if levels is None and "calib_level" in body.model_fields_set:
        # Null is every level; left out is the observation's own, which the import finds out.
        levels = _EVERY_LEVEL
    return ImportRequest(
        obs_id=body.obs_id,
        product_type=body.product_type.upper(),
        calib_levels=levels,
        source=terms.SourceChoice(body.download_source),
        tags=tuple(dict.fromkeys(body.tags)),
        suffixes=tuple(suffix.lower() for suffix in body.suffixes),
    )


def _accepted(started: StartedJob) -> HttpResponse:
    where = reverse("api:import_progress", kwargs={"job_id": str(started.job.pk)})
    return answer(answers.started(started), status=202, headers={"Location": where, "Retry-After": POLL_AFTER_S})


# --- starting ---------------------------------------------------------------------------------------------------


@router.post("/import", response={202: schemas.StartedRecord, **IMPORT_PROBLEMS})
def start_import(request: HttpRequest, body: Body[schemas.ImportBody]) -> HttpResponse:
    """Begin an import, or join the one of the same choices that is under way. Answers before a byte is fetched."""
    return _accepted(services.start_import(_request(body), _user(request)))


@router.post("/import/preview", auth=reading, response={200: schemas.PlanRecord, **IMPORT_PROBLEMS})
def preview_import(request: HttpRequest, body: Body[schemas.ImportBody]) -> HttpResponse:
    """What an import would bring, to the file; downloads nothing."""
    return answer(answers.plan(services.preview_import(_request(body))))


@router.post("/import/from-existing/{obs_id}", response={202: schemas.StartedRecord, **IMPORT_PROBLEMS})
def import_from_existing(request: HttpRequest, obs_id: ObsIdInPath) -> HttpResponse:
    """Verify and register files that lie on this archive's disk already."""
    return _accepted(services.register_existing(obs_id, _user(request)))


@router.get("/import/check-files/{obs_id}", auth=reading, response={200: schemas.FilesOnDiskRecord, **RECORD_PROBLEMS})
def check_files(request: HttpRequest, obs_id: ObsIdInPath) -> HttpResponse:
    """Whether files of an observation lie on this archive's disk."""
    return answer(answers.camel(services.check_files(obs_id)))


# --- watching ---------------------------------------------------------------------------------------------------


@router.get("/import-progress/{job_id}", auth=reading, response={200: schemas.ProgressRecord, **RECORD_PROBLEMS})
def import_progress(request: HttpRequest, job_id: str) -> HttpResponse:
    """How far an import is; with `If-None-Match`, 304 while nothing changed."""
    return revalidated(request, answers.progress(services.job_progress(job_id)))


@router.get("/imports", auth=reading, response={200: schemas.JobList, **RECORD_PROBLEMS})
def list_imports(
    request: HttpRequest,
    state: Annotated[str, Query(description="a job state, or `active` or `ended`")] = "",
    obs_id: Annotated[str, Query(alias="obsId", max_length=200, pattern=NO_CONTROLS)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> HttpResponse:
    """The jobs, newest first."""
    jobs, count = services.list_jobs(state or None, obs_id or None, limit, offset)
    following = str(offset + limit) if offset + limit < count else None
    return answer({"results": [answers.job(job) for job in jobs], "next": following, "count": count})


# --- steering ---------------------------------------------------------------------------------------------------


@router.post("/import/pause/{job_id}", response={200: schemas.JobRecord, **JOB_PROBLEMS})
def pause_import(request: HttpRequest, job_id: str) -> HttpResponse:
    """Stop a job and keep what arrived."""
    return answer(answers.job(services.pause_job(job_id)))


@router.post("/import/cancel/{job_id}", response={200: schemas.JobRecord, **JOB_PROBLEMS})
def cancel_import(request: HttpRequest, job_id: str) -> HttpResponse:
    """End a job; what arrived stays, and it may be resumed for two weeks."""
    return answer(answers.job(services.cancel_job(job_id)))


@router.post("/import/resume/{job_id}", response={200: schemas.JobRecord, **JOB_PROBLEMS})
def resume_import(request: HttpRequest, job_id: str) -> HttpResponse:
    """Go on from the bytes that are here: 409 for a running job, nothing to do for a complete one."""
    job = services.resume_job(job_id)
    message = "Nothing to do: the import is complete." if job.state == terms.JobState.COMPLETE else ""
    return answer(answers.job(job, message=message, is_resume=True))


# --- metadata ---------------------------------------------------------------------------------------------------


@router.post("/refresh-metadata/{obs_id}", response={200: schemas.RefreshRecord, **IMPORT_PROBLEMS})
def refresh_metadata(request: HttpRequest, obs_id: ObsIdInPath) -> HttpResponse:
    """Read one observation's metadata from MAST again; what people corrected stays."""
    return answer(answers.refresh(services.refresh_observation(obs_id)))


@router.post("/refresh-metadata-all", response={200: schemas.RefreshRecord, **IMPORT_PROBLEMS})
def refresh_all_metadata(request: HttpRequest) -> HttpResponse:
    """Read every observation's metadata again, as a job."""
    started = services.refresh_all(_user(request))
    body = {
        "obsId": "all",
        "updatedCount": started.updated_count,
        "message": started.message,
        "jobId": str(started.job.pk),
        "changed": [],
    }
    where = reverse("api:import_progress", kwargs={"job_id": str(started.job.pk)})
    return answer(body, headers={"Location": where})
