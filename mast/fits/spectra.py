"""Spectra of `x1d`, `x1dints` and `c1d` files: wavelength, flux, error and their units.

Two layouts occur. The older has one table per source or order and one row per wavelength; the newer (and `x1dints`)
one row per source or integration, each column an array along wavelength.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mast.errors import BadQuery, NotViewable
from mast.fits.columns import Column
from mast.fits.plan import Plan, PlanHdu
from mast.fits.tables import read_column, read_columns, read_values
from mast.fitswalk import read_header

MAX_POINTS: Final = 1_000_000
MAX_CHOICES: Final = 100_000
_BRIGHTNESS: Final = {"FLUX": ("FLUX_ERROR", "ERROR"), "SURF_BRIGHT": ("SB_ERROR",)}
_COLUMNS: Final = ("WAVELENGTH", "FLUX", "FLUX_ERROR", "ERROR", "SURF_BRIGHT", "SB_ERROR")
_WITHOUT_ERRORS: Final = ("WAVELENGTH", "FLUX", "SURF_BRIGHT")
WITH_ERRORS: Final = 20
ALL_POINTS: Final = 250_000
"""of all spectra of one plot together"""
_ROW_NAMES: Final = {"INT_NUM": "integration", "SOURCE_ID": "source", "SPECTRAL_ORDER": "order"}


@dataclass(frozen=True, slots=True)
class Spectrum:
    """One spectrum. NaN is None; `error` is empty where the file has none."""

    label: str
    wavelength: list[float | None]
    flux: list[float | None]
    error: list[float | None]
    wavelength_unit: str
    flux_unit: str
    flux_name: str
    """`FLUX`, or `SURF_BRIGHT` where there is no flux"""


@dataclass(frozen=True, slots=True)
class Choice:
    """A spectrum that a file holds: which HDU, which row of it (None: all rows are one spectrum), and its label."""

    hdu: int
    row: int | None
    label: str


def spectrum_choices(path: str | Path, plan: Plan) -> list[Choice]:
    """Every spectrum of a file, in its order.

    Raises
    ------
    NotViewable : no table of the file has a WAVELENGTH and a FLUX or SURF_BRIGHT column
    """
    choices: list[Choice] = []
    for table in plan.hdus:
        columns = read_columns(path, table) if table.is_table else []
        names = {column.name: column for column in columns}
        if "WAVELENGTH" not in names or not names.keys() & _BRIGHTNESS.keys():
            continue
        if names["WAVELENGTH"].shape:
            choices += _row_choices(path, plan, table, columns)
        else:
            choices.append(Choice(table.index, None, _label(path, table)))
    if not choices:
        raise NotViewable(f"{plan.file_name} holds no spectrum: no table has a WAVELENGTH and a FLUX column.")
    return choices


def _label(path: str | Path, table: PlanHdu) -> str:
    header = read_header(path, table.header_offset)
    named = {"SLTNAME": "slit", "SOURCEID": "source", "SPORDER": "order", "INT_NUM": "integration"}
    parts = [f"{word} {header[keyword]}" for keyword, word in named.items() if header.get(keyword) is not None]
    return ", ".join([table.label, *parts])[:200]


def _row_choices(path: str | Path, plan: Plan, table: PlanHdu, columns: list[Column]) -> list[Choice]:
    # Not by whole rows, which are hundreds of kilobytes long.
    named = {
        column.name: read_column(path, plan, table, column, 0, min(table.shape[0], MAX_CHOICES))
        for column in columns
        if column.name in _ROW_NAMES
    }
    choices = []
    for row in range(min(table.shape[0], MAX_CHOICES)):
        parts = [f"{_ROW_NAMES[name]} {numbers[row]}" for name, numbers in named.items() if numbers.ndim == 1]
        choices.append(Choice(table.index, row, ", ".join([table.label, *(parts or [f"row {row + 1}"])])))
    return choices


def spectrum(path: str | Path, plan: Plan, hdu: int | None = None, row: int | None = None) -> Spectrum:
    """One spectrum: of the HDU and row asked for (counted from 0), else the first of the file."""
    chosen = _choose(spectrum_choices(path, plan), hdu, row)
    table = plan.hdu(chosen.hdu)
    columns = read_columns(path, table)
    if chosen.row is None:
        arrays = _whole(path, plan, table, columns)
    else:
        arrays = _one_row(path, plan, table, columns, chosen.row)
    return _spectrum(chosen.label, arrays, {column.name: column.unit for column in columns})


# --- many at once -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpectrumOf(Spectrum):
    """A spectrum with the place it was read from."""

    hdu: int
    row: int | None


@dataclass(frozen=True, slots=True)
class Spectra:
    """Several spectra of a file to be drawn into one plot, each with units of its own in case they differ."""

    spectra: list[SpectrumOf]
    total: int
    """how many the file has"""
    step: int
    """of how many points each given one is the mean; 1 is all"""
    wavelength_unit: str
    flux_unit: str
    flux_name: str


def spectra(
    path: str | Path, plan: Plan, hdu: int | None = None, first: int = 0, count: int = 1000, most_points: int = 2000
) -> Spectra:
    """Up to `count` spectra of a file, or of one of its tables, made coarser until a browser can draw them all.

    Errors are left out of more than `WITH_ERRORS`: their bands would hide one another.
    """
    choices = [choice for choice in spectrum_choices(path, plan) if hdu in {None, choice.hdu}]
    chosen = choices[first : first + count]
    if not chosen:
        raise BadQuery(f"There are no such spectra; the file holds {len(choices)}.")
    names = _COLUMNS if len(chosen) <= WITH_ERRORS else _WITHOUT_ERRORS
    columns = {index: read_columns(path, plan.hdu(index)) for index in {choice.hdu for choice in chosen}}
    arrays = [_arrays_of(path, plan, choice, columns[choice.hdu], names) for choice in chosen]
    longest = max(len(found["WAVELENGTH"]) for found, _ in arrays)
    step = max(1, -(-longest // most_points), -(-longest * len(chosen) // ALL_POINTS))
    made = [
        SpectrumOf(**_fields(_spectrum(choice.label, _coarser(found, step), units)), hdu=choice.hdu, row=choice.row)
        for choice, (found, units) in zip(chosen, arrays, strict=True)
    ]
    return Spectra(made, len(choices), step, made[0].wavelength_unit, made[0].flux_unit, made[0].flux_name)


def _fields(found: Spectrum) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Spectrum.__slots__}


def _arrays_of(
    path: str | Path, plan: Plan, choice: Choice, columns: list[Column], names: tuple[str, ...]
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The columns of one spectrum, and their units."""
    table = plan.hdu(choice.hdu)
    units = {column.name: column.unit for column in columns}
    if choice.row is None:
        return _whole(path, plan, table, columns), units
    return _one_row(path, plan, table, columns, choice.row, names), units


def _coarser(arrays: dict[str, NDArray[Any]], step: int) -> dict[str, NDArray[Any]]:
    """Means of `step` points that follow one another; what is no number is left out."""
    if step == 1:
        return arrays
    coarse = {}
    for name, values in arrays.items():
        padded = np.full(-(-len(values) // step) * step, np.nan)
        padded[: len(values)] = values
        parts = padded.reshape(-1, step)
        finite = np.isfinite(parts)
        with np.errstate(invalid="ignore", divide="ignore"):
            coarse[name] = np.where(finite, parts, 0).sum(axis=1) / finite.sum(axis=1)
    return coarse


def _choose(choices: list[Choice], hdu: int | None, row: int | None) -> Choice:
    for choice in choices:
        if hdu in {None, choice.hdu} and row in {None, choice.row}:
            return choice
    raise BadQuery(f"There is no such spectrum; the file holds {len(choices)}.")


def _whole(path: str | Path, plan: Plan, table: PlanHdu, columns: list[Column]) -> dict[str, NDArray[Any]]:
    if table.shape[0] > MAX_POINTS:
        raise NotViewable(f"The spectrum has {table.shape[0]:,} points; {MAX_POINTS:,} can be plotted.")
    return read_values(path, plan, table, columns, _COLUMNS)


def _one_row(
    path: str | Path,
    plan: Plan,
    table: PlanHdu,
    columns: list[Column],
    row: int,
    names: tuple[str, ...] = _COLUMNS,
) -> dict[str, NDArray[Any]]:
    wanted = {*names, "N_ALONGDISP"}
    found = {
        column.name: read_column(path, plan, table, column, row, row + 1)[0]
        for column in columns
        if column.name in wanted
    }
    length = found.pop("N_ALONGDISP", None)
    # Rows are as long as the longest spectrum of the table; N_ALONGDISP says how much of one is used.
    used = int(length) if length is not None and np.ndim(length) == 0 and length > 0 else MAX_POINTS
    return {name: np.ravel(values)[:used] for name, values in found.items()}


def _spectrum(label: str, arrays: dict[str, NDArray[Any]], units: dict[str, str]) -> Spectrum:
    name = next((name for name in _BRIGHTNESS if name in arrays and np.isfinite(arrays[name]).any()), "")
    name = name or next(name for name in _BRIGHTNESS if name in arrays)
    error = next((column for column in _BRIGHTNESS[name] if column in arrays), "")
    return Spectrum(
        label=label,
        wavelength=_plain(arrays["WAVELENGTH"]),
        flux=_plain(arrays[name]),
        error=_plain(arrays[error]) if error else [],
        wavelength_unit=units.get("WAVELENGTH", ""),
        flux_unit=units.get(name, ""),
        flux_name=name,
    )


def _plain(values: NDArray[Any]) -> list[float | None]:
    finite = np.isfinite(values)
    if finite.all():
        plain: list[float | None] = values.tolist()
        return plain
    return [value if is_good else None for value, is_good in zip(values.tolist(), finite.tolist(), strict=True)]
