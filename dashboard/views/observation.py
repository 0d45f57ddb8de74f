"""Everything known of one observation, and of one file."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from dashboard import curation, downloadlists, facts, footprint, history, lineage, snippets
from dashboard.caller import Caller
from dashboard.forms import CurateForm
from mast import errors, library, services
from mast.models import DataFile, Observation

FILES_PER_PAGE = 200
CHANGES_SAID = 10


def _form(row: Observation | DataFile) -> CurateForm:
    return CurateForm(initial={"tags": ", ".join(tag.name for tag in row.tags.all()), "notes": row.notes})


@require_GET
def observation(request: HttpRequest, obs_id: str) -> HttpResponse:
    row = library.get_observation(obs_id)
    files = library.visible_files(request.user).filter(observations=row).defer("plan", "raw")
    files = files.order_by("-is_viewable", "-calib_level", "file_name")
    shown = list(files[:FILES_PER_PAGE])
    find = request.GET.get("find", "")
    context = {
        "here": "library",
        "observation": row,
        "files": shown,
        "pictured": next((item for item in shown if item.is_viewable), None),
        "file_count": files.count(),
        "facts": facts.of_observation(row),
        "fields": facts.raw_fields(row.raw, "mast_", find),
        "find": find,
        "drawing": footprint.draw(row.s_region),
        "snippets": snippets.of_observation(row, Caller.of(request)),
        "form": _form(row),
        "history": history.of(row),
        "relatives": lineage.relatives(row),
        "list_forms": [(name, form.title) for name, form in downloadlists.FORMS.items()],
        "acknowledgement": downloadlists.ACKNOWLEDGEMENT,
    }
    return render(request, "dashboard/observation.html", context)


@require_POST
def refresh(request: HttpRequest, obs_id: str) -> HttpResponse:
    report = services.refresh_observation(obs_id)
    messages.success(request, report.message)
    for change in report.changed[:CHANGES_SAID]:
        messages.info(request, f"{change.obs_id}: {change.field} was {change.old}, is now {change.new}")
    return redirect("observation", obs_id)


@require_GET
def file(request: HttpRequest, file_id: int) -> HttpResponse:
    row = library.get_file(file_id, request.user)
    find = request.GET.get("find", "")
    context: dict[str, Any] = {
        "here": "library",
        "file": row,
        "facts": facts.of_file(row),
        "proof": facts.of_proof(row),
        "fields": facts.raw_fields(row.raw, "mast_product_", find),
        "find": find,
        "hdus": (row.plan or {}).get("hdus", []),
        "lineage": lineage.of(row),
        "snippets": snippets.of_file(row, Caller.of(request)),
        "form": _form(row),
    }
    return render(request, "dashboard/file.html", context)


@require_POST
def curate(request: HttpRequest, obs_id: str) -> HttpResponse:
    return _curate(request, library.get_observation(obs_id), "observation", obs_id)


@require_POST
def curate_file(request: HttpRequest, file_id: int) -> HttpResponse:
    return _curate(request, library.get_file(file_id, request.user), "file", file_id)


@require_POST
def fetch_again(request: HttpRequest, file_id: int) -> HttpResponse:
    """Bring one damaged or missing file home anew."""
    return _fetch_again(request, [library.get_file(file_id, request.user)])


@require_POST
def fetch_all_again(request: HttpRequest) -> HttpResponse:
    """The same for all of them."""
    return _fetch_again(request, list(services.wrong_files()))


def _fetch_again(request: HttpRequest, files: list[DataFile]) -> HttpResponse:
    user = request.user if isinstance(request.user, AbstractBaseUser) else None
    for job in services.fetch_again(files, user):
        messages.success(request, f"{job.obs_id}: {job.message}")
    return redirect("imports")


def _curate(request: HttpRequest, row: Observation | DataFile, page: str, key: str | int) -> HttpResponse:
    form = CurateForm(request.POST)
    if not form.is_valid():
        raise errors.BadQuery("The tags or the note are too long to keep.", fields=dict(form.errors))
    curation.annotate(row, form.tag_names(), form.cleaned_data["notes"])
    messages.success(request, "Tags and notes saved.")
    return redirect(page, key)
