"""Numbers of a file's image: headers, pixels, histograms, statistics, profiles, the spectrum at a place of a cube."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from mast import answers, services
from mast.api.access import reading
from mast.api.kept import Hdu, PlaneText, Version, kept_json, plane_of, seen_file
from mast.archive.sky import format_position
from mast.errors import BadQuery
from mast.fits.options import parse_limits
from mast.schemas import viewer as schemas
from mast.schemas.errors import FILE_PROBLEMS, problems

router = Router(tags=["pixels"], auth=reading, by_alias=True)
MOST_HEADERS = 200
PIXEL_PROBLEMS = FILE_PROBLEMS | problems(422)
Position = Annotated[int | None, Query(ge=0, le=10_000_000, description="counted from 0, as arrays are", example=100)]
Place = Annotated[float | None, Query(ge=-1e7, le=1e7)]


@router.get("/{int:file_id}/header", response={200: schemas.Header | schemas.AllHeaders, **FILE_PROBLEMS})
def header(
    request: HttpRequest,
    file_id: int,
    hdu: Annotated[str, Query(pattern=r"^([0-9]{1,6}|all)$", description="a number from 0, or `all`")] = "0",
    v: Version = "",
) -> HttpResponse:
    """The cards of one HDU's header, or of every HDU's, at most two hundred."""
    file = seen_file(request, file_id)
    return kept_json(request, file, lambda: _all_headers(file) if hdu == "all" else _header(file, int(hdu)))


def _header(file: Any, hdu: int) -> dict[str, Any]:
    cards = services.file_header(file.pk, hdu)
    listed = [_named(item) for item in services.file_plan(file).hdus]
    return {"hdu": hdu, "hdus": listed, "cards": cards_of(cards)}


def _all_headers(file: Any) -> dict[str, Any]:
    listed = services.file_plan(file).hdus[:MOST_HEADERS]
    return {"hdus": [_named(item) | {"cards": cards_of(services.file_header(file.pk, item.index))} for item in listed]}


def _named(hdu: Any) -> dict[str, Any]:
    return {"index": hdu.index, "name": hdu.name, "ver": hdu.ver, "kind": hdu.kind}


def cards_of(cards: list[Any]) -> list[dict[str, Any]]:
    return [{"keyword": keyword, "value": value, "comment": comment} for keyword, value, comment in cards]


@router.get("/{int:file_id}/histogram", response={200: schemas.Histogram, **FILE_PROBLEMS})
def histogram(
    request: HttpRequest,
    file_id: int,
    bins: Annotated[int, Query(ge=1, le=4096)] = 256,
    limits: Annotated[str, Query(max_length=60, description="two values: 0.1,5; left out: zscale's, widened")] = "",
    hdu: Hdu = None,
    plane: PlaneText = "",
    v: Version = "",
) -> HttpResponse:
    """How often which value occurs in the image; every finite pixel is counted."""
    file = seen_file(request, file_id)
    between = parse_limits(limits) if limits else None
    if between is not None and not isinstance(between, tuple):
        raise BadQuery("The limits of a histogram are two values: `0.1,5`.")
    return kept_json(
        request, file, lambda: answers.camel(services.histogram_of(file, bins, between, hdu=hdu, plane=plane_of(plane)))
    )


@router.get("/{int:file_id}/pixel", response={200: schemas.Pixel, **PIXEL_PROBLEMS})
def pixel(
    request: HttpRequest,
    file_id: int,
    x: Position = None,
    y: Position = None,
    ra: Annotated[float | None, Query(ge=0, le=360, description="instead of x and y: degrees, ICRS")] = None,
    dec: Annotated[float | None, Query(ge=-90, le=90)] = None,
    box: Annotated[int, Query(ge=0, le=65, description="the odd side of a square of values around it")] = 0,
    hdu: Hdu = None,
    plane: PlaneText = "",
    v: Version = "",
) -> HttpResponse:
    """One pixel's value, unit, quality flags and place on the sky; the same pixel's error and weight."""
    file = seen_file(request, file_id)

    def made() -> dict[str, Any]:
        at = _asked_place(file, x, y, ra, dec, hdu)
        found = services.pixel_of(file, *at, hdu=hdu, plane=plane_of(plane), box=box)
        ra_deg, dec_deg = found.ra_deg, found.dec_deg
        words = "" if ra_deg is None or dec_deg is None else format_position(ra_deg, dec_deg)
        record: dict[str, Any] = answers.camel(found)
        return record | {"sexagesimal": words}

    return kept_json(request, file, made)


def _asked_place(
    file: Any, x: int | None, y: int | None, ra: float | None, dec: float | None, hdu: int | None
) -> tuple[int, int]:
    if ra is not None and dec is not None:
        return services.pixel_at_sky(file, ra, dec, hdu=hdu)
    missing = {name: "is missing" for name, value in (("x", x), ("y", y)) if value is None}
    if x is None or y is None:
        listed = [{"field": name, "message": message} for name, message in missing.items()]
        raise BadQuery(f"This cannot be used: {', '.join(missing)} is missing.", fields=listed)
    return x, y


@router.get("/{int:file_id}/stats", response={200: schemas.StatisticsRecord, **FILE_PROBLEMS})
def stats(
    request: HttpRequest,
    file_id: int,
    shape: Literal["box", "circle"] = "box",
    x0: Position = None,
    y0: Position = None,
    x1: Position = None,
    y1: Position = None,
    x: Place = None,
    y: Place = None,
    r: Annotated[float | None, Query(gt=0, le=1e6, description="pixels")] = None,
    hdu: Hdu = None,
    plane: PlaneText = "",
    v: Version = "",
) -> HttpResponse:
    """Mean, median, standard deviation, sum and extremes of the finite pixels of a region.

    A box has corners `x0`, `y0`, `x1`, `y1` in array pixels, the second outside; a circle holds the pixels whose
    centres are at most `r` from `x`, `y`. Without either it is the whole plane.
    """
    from mast.fits.regions import Box, Circle

    file = seen_file(request, file_id)
    region: Box | Circle = Box(x0 or 0, y0 or 0, 10_000_000 if x1 is None else x1, 10_000_000 if y1 is None else y1)
    if shape == "circle":
        if x is None or y is None or r is None:
            raise BadQuery("A circle has a centre and a radius: x, y and r.")
        region = Circle(x, y, r)
    return kept_json(request, file, lambda: services.statistics_of(file, region, hdu=hdu, plane=plane_of(plane)))


@router.get("/{int:file_id}/profile", response={200: schemas.ProfileRecord, **FILE_PROBLEMS})
def profile(
    request: HttpRequest,
    file_id: int,
    x0: Annotated[float, Query(ge=-1e7, le=1e7, description="array pixels from 0", example=10)],
    y0: Annotated[float, Query(ge=-1e7, le=1e7, example=10)],
    x1: Annotated[float, Query(ge=-1e7, le=1e7, example=60)],
    y1: Annotated[float, Query(ge=-1e7, le=1e7, example=40)],
    width: Annotated[int, Query(ge=1, le=101, description="pixels averaged across the line")] = 1,
    hdu: Hdu = None,
    plane: PlaneText = "",
    v: Version = "",
) -> HttpResponse:
    """The pixels nearest to points a pixel apart along a line."""
    file = seen_file(request, file_id)
    return kept_json(
        request,
        file,
        lambda: services.profile_of(file, (x0, y0), (x1, y1), width, hdu=hdu, plane=plane_of(plane)),
    )


@router.get("/{int:file_id}/spectrum-at", response={200: schemas.AlongCube, **FILE_PROBLEMS})
def spectrum_at(
    request: HttpRequest,
    file_id: int,
    x: Annotated[int, Query(ge=0, le=10_000_000, example=10)],
    y: Annotated[int, Query(ge=0, le=10_000_000, example=10)],
    r: Annotated[float, Query(ge=0, le=64, description="mean over a circle of this radius, in pixels")] = 0.0,
    hdu: Hdu = None,
    v: Version = "",
) -> HttpResponse:
    """The values of one pixel of a cube in all of its planes."""
    file = seen_file(request, file_id)
    return kept_json(request, file, lambda: services.along_cube_of(file, x, y, r, hdu=hdu))
