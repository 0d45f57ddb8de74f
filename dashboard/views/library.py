"""The library: what the archive holds, and what people do with several observations at once."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from dashboard import curation, library
from dashboard.context import THEMES
from dashboard.htmx import HtmxHttpRequest, page_or_part
from mast import services
from mast.errors import BadQuery

TRY_THESE = [
    ("target", "NGC 3132", "the Southern Ring nebula, by its name"),
    ("coordinates", "10h37m16s -58d38m00s", "the Carina Nebula, by right ascension and declination"),
    ("program", "2736", "the first deep field, SMACS 0723, by its program"),
]


@require_GET
@vary_on_headers("HX-Request")
def index(request: HtmxHttpRequest) -> HttpResponse:
    asked = library.Asked.from_query(request.GET)
    page = library.page(asked, request.user)
    context = {"here": "library", "asked": asked, "page": page, "columns": library.COLUMNS, "tries": TRY_THESE}
    if page.entries or asked.filters.is_set:
        context["facets"] = library.facets(asked.filters, request.user)
        context["totals"] = library.totals(asked.filters, request.user)
    return render(request, page_or_part(request, "dashboard/library.html", "library"), context)


@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """Tag, list or delete the selected observations; deleting asks first and shows what would go."""
    obs_ids = request.POST.getlist("obs_id")
    action = request.POST.get("action", "")
    if not obs_ids:
        messages.warning(request, "Select at least one observation first.")
        return redirect(_next(request))
    if action == "list":
        return _download_list(request, obs_ids)
    if action == "delete":
        return render(request, "dashboard/delete.html", {"here": "library", "plan": services.plan_removal(obs_ids)})
    if action == "delete-now":
        messages.success(request, curation.removed(services.remove_observations(obs_ids)))
    elif action in {"tag", "untag"}:
        messages.success(request, curation.tag(obs_ids, request.POST.get("tag", ""), remove=action == "untag"))
    else:
        raise BadQuery(f"There is no action {action!r}.", fields={"action": "unknown"})
    return redirect(_next(request))


def _download_list(request: HttpRequest, obs_ids: list[str]) -> HttpResponse:
    """A shell script that fetches the files from this archive with curl and checks their sums."""
    script = curation.download_script(obs_ids, f"{request.scheme}://{request.get_host()}", request.user)
    return HttpResponse(
        script,
        content_type="text/x-shellscript; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="jwst-files.sh"'},
    )


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark, or what the system says."""
    response = redirect(_next(request))
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie("theme", chosen, max_age=365 * 86400, samesite="Lax", httponly=True)
    return response


def _next(request: HttpRequest) -> str:
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
    return target if is_ours else "/"
