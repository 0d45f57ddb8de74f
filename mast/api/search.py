"""Searching MAST: the four kinds, what is new, and an observation's products."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Body, Router

from mast import answers, services
from mast.api.access import reading
from mast.api.replies import answer
from mast.archive.query import Query
from mast.schemas import search as schemas
from mast.schemas.errors import SEARCH_PROBLEMS

router = Router(tags=["search"], auth=reading, by_alias=True)


def _search(query: Query) -> HttpResponse:
    return answer(answers.search(services.search(query)))


@router.post("/search/target", response={200: schemas.SearchEnvelope, **SEARCH_PROBLEMS})
def search_target(request: HttpRequest, body: Body[schemas.TargetSearch]) -> HttpResponse:
    """Observations around a named object."""
    return _search(body.to_query())


@router.post("/search/coordinates", response={200: schemas.SearchEnvelope, **SEARCH_PROBLEMS})
def search_coordinates(request: HttpRequest, body: Body[schemas.CoordinateSearch]) -> HttpResponse:
    """Observations whose footprint meets a circle on the sky."""
    return _search(body.to_query())


@router.post("/search/observation", response={200: schemas.SearchEnvelope, **SEARCH_PROBLEMS})
def search_observation(request: HttpRequest, body: Body[schemas.ObservationSearch]) -> HttpResponse:
    """One observation by its id, at every level unless told otherwise."""
    return _search(body.to_query())


@router.post("/search/program", response={200: schemas.SearchEnvelope, **SEARCH_PROBLEMS})
def search_program(request: HttpRequest, body: Body[schemas.ProgramSearch]) -> HttpResponse:
    """Every observation of a JWST program."""
    return _search(body.to_query())


@router.post("/whats-new", response={200: schemas.SearchEnvelope, **SEARCH_PROBLEMS})
def whats_new(request: HttpRequest, body: Body[schemas.WhatsNew] = schemas.WhatsNew()) -> HttpResponse:  # noqa: B008
    """What became public lately, newest first."""
    return _search(body.to_query())


@router.post("/products", response={200: schemas.ProductEnvelope, **SEARCH_PROBLEMS})
def products(request: HttpRequest, body: Body[schemas.ProductQuery]) -> HttpResponse:
    """The files MAST offers for an observation; left-out fields leave nothing out."""
    found = services.list_products(body.obs_id, body.calib_level, body.product_type.upper())
    return answer(answers.products(found))
