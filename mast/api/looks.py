"""Looking at a file at MAST before it is imported."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from mast import services
from mast.api.access import reading
from mast.api.pictures import LookQuery
from mast.api.pixels import cards_of
from mast.api.replies import answer
from mast.schemas import viewer as schemas
from mast.schemas.errors import FILE_PROBLEMS, problems

router = Router(tags=["look"], auth=reading, by_alias=True)
LOOK_PROBLEMS = FILE_PROBLEMS | problems(502, 504)
KEPT = "private, max-age=3600"
Uri = Annotated[
    str,
    Query(
        max_length=300,
        description="MAST's name of a FITS file",
        examples=["mast:JWST/product/jw02733-o001_t001_nircam_clear-f090w_i2d.fits"],
    ),
]


@router.get("/look", response={200: schemas.LookRecord, **LOOK_PROBLEMS})
def look(request: HttpRequest, uri: Uri) -> HttpResponse:
    """What a file at MAST holds, read by ranges; never more than `bytesLimit` of it is read."""
    seen = services.look(uri)
    hdus = [
        {"index": hdu.index, "name": hdu.name, "ver": hdu.ver, "kind": hdu.kind, "label": hdu.label,
         "shape": list(hdu.shape), "unit": hdu.unit, "isImage": hdu.is_image}
        for hdu in seen.hdus
    ]  # fmt: skip
    return answer(
        {
            "uri": seen.uri,
            "viewable": seen.viewable,
            "why": seen.why,
            "title": seen.title,
            "hdu": seen.hdu,
            "hdus": hdus,
            "totalBytes": seen.total_bytes,
            "bytesRead": seen.bytes_read,
            "bytesLimit": seen.bytes_limit,
        }
    )


@router.get("/look/header", response={200: schemas.HeaderCards, **LOOK_PROBLEMS})
def header(request: HttpRequest, uri: Uri, hdu: Annotated[int, Query(ge=0, le=100_000)] = 0) -> HttpResponse:
    """The cards of one HDU of a file at MAST."""
    return answer({"hdu": hdu, "cards": cards_of(services.look_header(uri, hdu))})


@router.get("/look/preview", response={200: None, **LOOK_PROBLEMS})
def preview(
    request: HttpRequest,
    uri: Uri,
    query: Query[LookQuery],
    width: Annotated[int, Query(ge=1, le=4000)] = 1024,
    hdu: Annotated[int | None, Query(ge=0, le=100_000)] = None,
    format: Literal["png", "jpeg", "webp"] = "png",  # noqa: A002 - the name callers send
) -> HttpResponse:
    """A reduced picture of a file at MAST: of a large one a few hundred of its rows."""
    body, media_type = services.look_picture(uri, query.to_look(), width=width, fmt=format, hdu=hdu)
    return HttpResponse(body, content_type=media_type, headers={"Cache-Control": KEPT})
