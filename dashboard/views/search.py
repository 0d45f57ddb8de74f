"""Search MAST: one box, its answer in a table, the same answer as a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from dashboard import resultcolumns, resultfacets, results, searchsnippets, skychart
from dashboard.caller import Caller
from dashboard.forms import SearchForm
from dashboard.htmx import HtmxHttpRequest, page_or_part
from dashboard.tablefiles import table_file
from mast import services
from mast.archive.answers import SearchAnswer
from mast.archive.recognise import kind_of
from mast.archive.rows import ObservationRow
from mast.tables import FORMATS, columns_of

TURNING = ("page", "sort", "col", *(facet.name for facet in resultfacets.FACETS))
"""with any of these in the address the answer is looked at, not asked for anew"""


@require_GET
@vary_on_headers("HX-Request")
def search(request: HtmxHttpRequest) -> HttpResponse:
    form = SearchForm(request.GET if "q" in request.GET else None)
    context: dict[str, Any] = {"here": "search", "form": form}
    if form.is_valid():
        context |= _answer(request, form)
    template = page_or_part(request, "dashboard/search.html", "results")
    return render(request, template, context, status=422 if form.errors else 200)


def _answer(request: HtmxHttpRequest, form: SearchForm) -> dict[str, Any]:
    query = form.to_query()
    turning = any(name in request.GET for name in TURNING)
    found = services.turn_page(query) if turning else services.search(query, with_held=False)
    answer = found.answer
    shown = results.Shown.from_query(request.GET, is_cone=form.is_cone)
    rows = results.matching(answer, shown)
    page = results.page_of(rows, shown)
    held = services.held_among(row.obs_id for row in rows)
    return {
        "found": found,
        "shown": shown,
        "page": page,
        "matching": len(rows),
        "importable": sum(row.calib_level != -1 for row in rows),
        "held_count": len(held),
        "rows": results.as_lines(list(page.object_list), shown, request.user),
        "facets": resultfacets.counted(answer, shown.chosen),
        "all_columns": resultcolumns.COLUMNS,
        "chart": _chart(answer, rows, page.object_list, held),
        "snippets": searchsnippets.of_search(answer, Caller.of(request), _export_url(request)),
        "levels": form.import_levels,
        "formats": [*FORMATS, "json"],
        "state": _state(request.GET),
    }


def _chart(
    answer: SearchAnswer, rows: list[ObservationRow], on_page: Iterable[ObservationRow], held: set[str]
) -> skychart.Chart | None:
    return skychart.draw(rows, {row.obs_id for row in on_page}, held, _cone(answer))


def _cone(answer: SearchAnswer) -> skychart.Cone | None:
    query = answer.query
    if query.kind == "coordinates":
        return skychart.Cone(query.ra_deg or 0.0, query.dec_deg or 0.0, query.radius_deg)
    if answer.resolved:
        return skychart.Cone(answer.resolved.ra_deg, answer.resolved.dec_deg, query.radius_deg)
    return None


def _state(query: QueryDict) -> str:
    """The search as one value, for a plan that takes all it found."""
    kept = query.copy()
    for name in ("page", "col"):
        kept.pop(name, None)
    return kept.urlencode()


def _export_url(request: HttpRequest) -> str:
    return f"{Caller.of(request).base_url}/search/export/?{_state(request.GET)}"


@require_GET
def export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Every row that is shown, on all pages, with MAST's own columns."""
    form = SearchForm(request.GET)
    if not form.is_valid():
        return redirect("search")
    answer = services.turn_page(form.to_query()).answer
    rows = results.matching(answer, results.Shown.from_query(request.GET, is_cone=form.is_cone))
    records = [row.to_dict() for row in rows]
    return table_file("jwst-search", request.GET.get("format", "csv"), columns_of(records), records)


@require_GET
def read(request: HttpRequest) -> HttpResponse:
    """What the box would be searched as, said while it is typed into."""
    text = request.GET.get("q", "").strip()[:200]
    kind = kind_of(text) if text and request.GET.get("kind", "auto") in {"", "auto"} else ""
    return render(request, "dashboard/_read_as.html", {"kind": kind})


@require_GET
def held(request: HttpRequest) -> HttpResponse:
    """What the library has of one observation, for its row when an import of it has moved on; where its name leads."""
    obs_id = request.GET.get("obs_id", "")[:200]
    return render(request, "dashboard/_held_now.html", {"held": results.held_of(obs_id), "obs_id": obs_id})


@require_GET
def chart(request: HttpRequest) -> HttpResponse:
    """The chart once more, when an import moved on; nothing when the answer it shows is not kept any more."""
    form = SearchForm(request.GET)
    answer = services.kept_answer(form.to_query()) if form.is_valid() else None
    if answer is None:
        return HttpResponse(status=204)
    shown = results.Shown.from_query(request.GET, is_cone=form.is_cone)
    rows = results.matching(answer, shown)
    held = services.held_among(row.obs_id for row in rows)
    drawn = _chart(answer, rows, results.page_of(rows, shown).object_list, held)
    return render(request, "dashboard/_skychart.html", {"chart": drawn}, status=200 if drawn else 204)


@require_GET
@cache_control(private=True, max_age=86400)
def preview(request: HttpRequest) -> HttpResponse:
    """A small copy of MAST's preview, by its URI: no page asks another host for anything."""
    return HttpResponse(services.preview_thumbnail(request.GET.get("uri", "")), content_type="image/jpeg")
