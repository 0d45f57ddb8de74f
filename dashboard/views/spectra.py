"""The spectra of a file, plotted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard import curve
from mast import errors, library, services
from mast.models import DataFile

MOST_CHOICES = 3000
FEW = 12


@dataclass(frozen=True)
class Choice:
    """A spectrum of the file as the form names it: `2`, or `2.17` for row 17 of HDU 2."""

    key: str
    hdu: int
    row: int | None
    label: str


@require_GET
def spectrum(request: HttpRequest, file_id: int) -> HttpResponse:
    """One spectrum is drawn here; with scripts several, with zoom and readout."""
    file = library.get_file(file_id, request.user)
    choices = _choices(file)
    asked = request.GET.getlist("s")
    chosen = [choice for choice in choices if choice.key in asked] or choices[:1]
    if asked and not any(choice.key in asked for choice in choices):
        raise errors.BadQuery("The file holds no such spectrum.", fields={"s": "is none of the file's spectra"})
    first = _read(file, chosen[0])
    context = {
        "here": "library",
        "file": file,
        "choices": choices[:MOST_CHOICES],
        "chosen": [choice.key for choice in chosen[:FEW]],
        "first": first,
        "curve": curve.draw(first.wavelength, first.flux, first.error),
        "scene": {"api": f"/api/files/{file.pk}", "file": {"v": file.sha256[:12], "name": file.file_name}},
    }
    return render(request, "dashboard/spectrum.html", context)


def _choices(file: DataFile) -> list[Choice]:
    # numpy is loaded when the first spectrum is looked at, not when the web process starts.
    from mast.fits.spectra import spectrum_choices

    found = spectrum_choices(services.file_path(file), services.file_plan(file))
    return [Choice(_key(item.hdu, item.row), item.hdu, item.row, item.label) for item in found]


def _key(hdu: int, row: int | None) -> str:
    return f"{hdu}" if row is None else f"{hdu}.{row}"


def _read(file: DataFile, choice: Choice) -> Any:
    from mast.fits.spectra import spectrum as read

    return read(services.file_path(file), services.file_plan(file), choice.hdu, choice.row)
