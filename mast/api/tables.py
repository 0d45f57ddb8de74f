"""Tables and spectra of a file, by rows and whole."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from mast import answers, services
from mast.api.access import reading
from mast.api.kept import Hdu, Version, kept_json, seen_file
from mast.schemas import viewer as schemas
from mast.schemas.errors import FILE_PROBLEMS

router = Router(tags=["tables"], auth=reading, by_alias=True)
TEXT_TABLES = {"ecsv", "csv"}


@router.get("/{int:file_id}/table", response={200: schemas.TablePage, **FILE_PROBLEMS})
def table(
    request: HttpRequest,
    file_id: int,
    hdu: Hdu = None,
    start: Annotated[int, Query(ge=0, le=10**12)] = 0,
    count: Annotated[int, Query(ge=1, le=1000)] = 50,
    v: Version = "",
) -> HttpResponse:
    """Some rows of a table of the file."""
    from mast.fits.tables import table_rows
    from mast.fits.texttables import text_rows

    file = seen_file(request, file_id)
    path, plan = services.file_path(file), services.file_plan(file)
    if plan.kind in TEXT_TABLES:
        return kept_json(request, file, lambda: answers.camel(text_rows(path, plan, start, count)))
    return kept_json(request, file, lambda: answers.camel(table_rows(path, plan, hdu, start, count)))


@router.get("/{int:file_id}/spectrum", response={200: schemas.SpectrumAnswer, **FILE_PROBLEMS})
def spectrum(
    request: HttpRequest,
    file_id: int,
    hdu: Hdu = None,
    row: Annotated[int | None, Query(ge=0, le=10**9, description="of a table with a spectrum in each row")] = None,
    v: Version = "",
) -> HttpResponse:
    """One spectrum of the file, and which others there are."""
    from mast.fits import spectra

    file = seen_file(request, file_id)
    path, plan = services.file_path(file), services.file_plan(file)

    def made() -> dict[str, Any]:
        chosen: dict[str, Any] = answers.camel(spectra.spectrum(path, plan, hdu, row))
        return chosen | {"choices": answers.camel(spectra.spectrum_choices(path, plan))}

    return kept_json(request, file, made)
