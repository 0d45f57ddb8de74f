"""Searching MAST: the four kinds, what is new, and an observation's products."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Body, Router

from mast import services
from mast.api.access import reading
from mast.api.answers import answer
from mast.archive.search import Query
from mast.archive.sky import format_sexagesimal
from mast.schemas import search as schemas
from mast.schemas.errors import SEARCH_PROBLEMS
from mast.services import SearchResult

router = Router(tags=["search"], auth=reading)


def envelope(kind: str, result: SearchResult) -> dict[str, Any]:
    """The answer of a search as the contract has it, MAST's rows untouched."""
    found = result.answer
    return {
        "search_type": kind,
        "query_params": found.query.to_params(),
        "results": [row.to_dict() for row in found.rows],
        "result_count": len(found.rows),
        "timestamp": found.fetched_at,
        "resolved": _resolved(found.resolved),
        "other_levels": {str(level): count for level, count in sorted(found.other_levels.items())},
        "exclusive_count": found.exclusive_count,
        "planned_count": found.planned_count,
        "level3_holding": found.level3_holding,
        "in_library": result.held,
        "notes": found.notes,
        "suggestions": found.suggestions,
        "cached_at": result.cached_at,
    }


def _resolved(target: Any) -> dict[str, Any] | None:
    if target is None:
        return None
    return {
        "name": target.name,
        "canonical_name": target.canonical_name,
        "ra": target.ra_deg,
        "dec": target.dec_deg,
        "sexagesimal": " ".join(format_sexagesimal(target.ra_deg, target.dec_deg)),
        "resolver": target.resolver,
    }


def _search(kind: str, query: Query) -> HttpResponse:
    return answer(envelope(kind, services.search(query)))


@router.post("/search/target", response={200: schemas.SearchEnvelope, **SEARCH_PROBLEMS})
def search_target(request: HttpRequest, body: Body[schemas.TargetSearch]) -> HttpResponse:
    """Observations around a named object."""
    return _search("target", body.to_query())


@router.post("/search/coordinates", response={200: schemas.SearchEnvelope, **SEARCH_PROBLEMS})
def search_coordinates(request: HttpRequest, body: Body[schemas.CoordinateSearch]) -> HttpResponse:
    """Observations whose footprint meets a circle on the sky."""
    return _search("coordinates", body.to_query())


@router.post("/search/observation", response={200: schemas.SearchEnvelope, **SEARCH_PROBLEMS})
def search_observation(request: HttpRequest, body: Body[schemas.ObservationSearch]) -> HttpResponse:
    """One observation by its id, at every level unless told otherwise."""
    return _search("observation", body.to_query())


@router.post("/search/program", response={200: schemas.SearchEnvelope, **SEARCH_PROBLEMS})
def search_program(request: HttpRequest, body: Body[schemas.ProgramSearch]) -> HttpResponse:
    """Every observation of a JWST program."""
    return _search("program", body.to_query())


@router.post("/whats-new", response={200: schemas.SearchEnvelope, **SEARCH_PROBLEMS})
def whats_new(request: HttpRequest, body: Body[schemas.WhatsNew] = schemas.WhatsNew()) -> HttpResponse:  # noqa: B008
    """What became public lately, newest first."""
    return _search("recent_releases", body.to_query())


@router.post("/products", response={200: schemas.ProductEnvelope, **SEARCH_PROBLEMS})
def products(request: HttpRequest, body: Body[schemas.ProductQuery]) -> HttpResponse:
    """The files MAST offers for an observation; left-out fields leave nothing out."""
    found = services.list_products(body.obs_id, body.calib_level, body.product_type.upper())
    return answer(
        {
            "obs_id": found.obs_id,
            "products": [row.to_dict() for row in found.rows],
            "product_count": len(found.rows),
            "total_bytes": found.total_bytes,
            "left_out": [{"filename": row.file_name, "reason": reason} for row, reason in found.left_out],
        }
    )
