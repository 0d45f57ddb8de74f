"""The library: what the archive holds, and what people do with several of its rows at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from dashboard import curation, downloadlists, librarycolumns, libraryfacets, libraryrows, savedviews, selection
from dashboard import library as page_of_library
from dashboard.caller import Caller
from dashboard.context import THEMES
from dashboard.htmx import HtmxHttpRequest, page_or_part
from dashboard.library import Asked
from dashboard.selection import Selection
from mast import conf, counts, keyset, library, services, tallies
from mast.errors import BadQuery
from mast.recent import Recent
from mast.tallies import Counts

TRY_THESE = [
    ("target", "NGC 3132", "the Southern Ring nebula, by its name"),
    ("coordinates", "10h37m16s -58d38m00s", "the Carina Nebula, by right ascension and declination"),
    ("program", "2736", "the first deep field, SMACS 0723, by its program"),
]
LATELY = timedelta(days=7)
_rendered = Recent(seconds=60)
"""facets of a large library: the same for everybody until it is counted anew"""
_lately = Recent(seconds=10)


@require_GET
@vary_on_headers("HX-Request")
def index(request: HtmxHttpRequest) -> HttpResponse:
    asked = Asked.from_query(request.GET)
    found, chosen = counts.of(asked.filters, request.user)
    broad = counts.broad(chosen, found)
    page = page_of_library.page(replace(asked, filters=chosen), request.user, broad)
    context: dict[str, Any] = {"here": "library", "asked": asked, "page": page, "tries": TRY_THESE}
    if not page.is_empty or asked.filters.is_set:
        context |= _surroundings(request, asked, found) | _table(asked, page)
    return render(request, page_or_part(request, "dashboard/library.html", "library"), context)


def _table(asked: Asked, page: page_of_library.LibraryPage) -> dict[str, Any]:
    columns = librarycolumns.chosen(asked.view, asked.columns)
    is_files = asked.view == "files"
    rows = libraryrows.of_files(page.files, columns) if is_files else libraryrows.of_entries(page.entries, columns)
    return {
        "columns": columns,
        "offered": librarycolumns.offered(asked.view),
        "first": ("fileName", "File") if is_files else ("obsId", "Observation"),
        "rows": rows,
    }


def _surroundings(request: HttpRequest, asked: Asked, found: Counts | None) -> dict[str, Any]:
    """What stands around the table: sums, facets, views, and the query that a bulk action repeats."""
    totals = tallies.totals(found, asked.filters) if found else None
    state = _state(request.GET)
    return {
        "totals": totals,
        "is_partial": found is not None and found.is_partial,
        "matching_count": totals and (totals.files if asked.view == "files" else totals.observations),
        "disk_free": conf.free_bytes(),
        "lately": _came_lately(request, is_large=found is None or bool(found.version)),
        "facets": _facets(request, asked, found),
        "saved_views": savedviews.of(request.user),
        "state": state,
        "matching": state,
        "list_forms": [(name, form.title) for name, form in downloadlists.FORMS.items()],
    }


def _state(query: QueryDict) -> str:
    """The page's query without the page."""
    kept = query.copy()
    kept.pop("cursor", None)
    return kept.urlencode()


def _facets(request: HttpRequest, asked: Asked, found: Counts | None) -> SafeString:
    def made() -> SafeString:
        context = {"facets": libraryfacets.of(found, asked), "asked": asked}
        return render_to_string("dashboard/_facets.html", context, request)

    if found is None or not found.version:
        return made()
    return _rendered.get((found.version, _state(request.GET)), made)


def _came_lately(request: HttpRequest, *, is_large: bool) -> str:
    """How many files came in the last week, in words; more than ten thousand are not counted."""

    def made() -> str:
        files = library.visible_files(request.user).filter(fetched_at__gte=timezone.now() - LATELY)
        count, is_exact = keyset.count(files, is_filtered=True)
        words = f"{count:,} file{'' if count == 1 else 's'}"
        return "" if not count else words if is_exact else f"over {words}"

    return _lately.get(getattr(request.user, "pk", None), made) if is_large else made()


# --- several at once --------------------------------------------------------------------------------------------


@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """Do something to all that is selected; removing asks first and shows what would go."""
    action = request.POST.get("action", "")
    chosen = selection.of(request.POST, request.user)
    if not chosen.ids:
        messages.warning(request, f"Select at least one {chosen.noun} first.")
        return redirect(_next(request))
    if action == "list":
        return _download_list(request, chosen)
    if action == "delete":
        return _ask_before_removing(request, chosen)
    if action == "delete-now":
        messages.success(request, curation.removed(services.discard(_removal(chosen), _user(request))), "undo")
        return redirect(_next(request))
    messages.success(request, _done(request, chosen, action))
    return redirect(_next(request))


def _done(request: HttpRequest, chosen: Selection, action: str) -> str:
    """One of the actions that need no page of their own; what was done, in a sentence."""
    text = request.POST.get("tag", "")
    if action in {"tag", "untag"}:
        return curation.tag(chosen, text, remove=action == "untag")
    if action == "note":
        return curation.note(chosen, text)
    if action == "verify":
        ids = list(chosen.files.values_list("pk", flat=True))
        services.start_verification(ids, _user(request))
        return f"{len(ids)} {'file is' if len(ids) == 1 else 'files are'} being read again; Imports shows how far."
    if action == "refresh":
        job = services.refresh_some(chosen.obs_ids, _user(request))
        return f"To read again from MAST: {job.obs_id}. Imports shows how far it is and what changed."
    raise BadQuery(f"There is no action {action!r}.", fields={"action": "unknown"})


def _removal(chosen: Selection) -> services.Removal:
    if chosen.is_files:
        return services.plan_file_removal(chosen.ids)
    return services.plan_removal(chosen.obs_ids)


def _ask_before_removing(request: HttpRequest, chosen: Selection) -> HttpResponse:
    plan = _removal(chosen)
    names = (
        list(chosen.files.order_by("file_name").values_list("file_name", flat=True)[:200]) if chosen.is_files else []
    )
    context = {"here": "library", "plan": plan, "chosen": chosen, "names": names, "next": _next(request)}
    return render(request, "dashboard/delete.html", context)


def _user(request: HttpRequest) -> AbstractBaseUser | None:
    return request.user if isinstance(request.user, AbstractBaseUser) else None


def _download_list(request: HttpRequest, chosen: Selection) -> HttpResponse:
    form, text = downloadlists.listed(request.POST.get("form", "shell"), chosen.files, Caller.of(request))
    headers = {"Content-Disposition": f'attachment; filename="{form.file_name}"'}
    return HttpResponse(text, content_type=form.media_type, headers=headers)


# --- trash, views, theme ----------------------------------------------------------------------------------------


@require_GET
def trash(request: HttpRequest) -> HttpResponse:
    """What was removed in the last thirty days."""
    return render(request, "dashboard/trash.html", {"here": "library", "removals": services.list_trash()})


@require_POST
def untrash(request: HttpRequest, trash_id: int, action: str) -> HttpResponse:
    """Undo a removal, or forget it for good."""
    if action == "restore":
        observations, files = services.restore(trash_id)
        messages.success(request, f"Put back: {observations} observations and {files} files.")
    elif action == "empty":
        services.empty_trash(trash_id)
        messages.success(request, "Gone for good. MAST keeps its copies: they can be imported again.")
    else:
        raise BadQuery(f"There is no action {action!r}.", fields={"action": "unknown"})
    return redirect("trash")


@require_POST
def views(request: HttpRequest) -> HttpResponse:
    """Save, pin or remove a view of the library."""
    messages.success(request, savedviews.change(request.POST, _user(request)))
    return redirect(f"/?{request.POST.get('query', '')[:2000]}")


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
