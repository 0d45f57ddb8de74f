"""The leading axes of an image, those a slider moves along: what they are and, of a spectral cube, their values.

Source: FITS WCS papers I and III (Greisen & Calabretta 2002; Greisen et al. 2006, section 6 on `-TAB`); JWST `s3d`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mast.errors import MastError
from mast.fits.plan import Plan, PlanHdu
from mast.fits.roles import axis_names, spectral_type
from mast.fits.tables import read_columns, read_values
from mast.terms import suffix_of


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of planes. `values` are where each plane lies along it, empty where only the count is known."""

    name: str
    length: int
    unit: str = ""
    values: list[float] = field(default_factory=list)


def axes_of(path: str | Path, plan: Plan, image: PlanHdu) -> list[Axis]:
    """The leading axes of an image, outermost first."""
    if spectral := _spectral(path, plan, image):
        return [spectral]
    names = axis_names(suffix_of(plan.file_name), image)
    return [Axis(name, length) for name, length in zip(names, image.shape[:-2], strict=True)]


def _spectral(path: str | Path, plan: Plan, image: PlanHdu) -> Axis | None:
    """The third axis when it is one of wavelength, with its values; None when it is not."""
    kind = spectral_type(plan, image)
    if not kind:
        return None
    cards, length = plan.wcs_cards(image), image.shape[0]
    unit = str(cards.get("CUNIT3") or "")
    name = "wavelength" if kind[:4] in {"WAVE", "AWAV"} else "frequency" if kind[:4] == "FREQ" else "velocity"
    values = _from_table(path, plan, cards) if kind.endswith("TAB") else _linear(cards, length)
    return Axis(name, length, unit, values if len(values) == length else [])


def _linear(cards: dict[str, str | int | float | bool | None], length: int) -> list[float]:
    def number(keyword: str) -> float | None:
        value = cards.get(keyword)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    start, pixel = number("CRVAL3"), number("CRPIX3")
    step = number("CD3_3")
    if step is None:
        scale, turn = number("CDELT3"), number("PC3_3")
        step = None if scale is None else scale * (1.0 if turn is None else turn)
    if start is None or step is None:
        return []
    places = np.arange(length) + 1 - (1.0 if pixel is None else pixel)
    return [float(value) for value in start + places * step]


def _from_table(path: str | Path, plan: Plan, cards: dict[str, str | int | float | bool | None]) -> list[float]:
    """The wavelength of each plane from the table the header names; it overrides CRVAL3."""
    table = plan.find(str(cards.get("PS3_0") or "WCS-TABLE").strip().upper())
    column = str(cards.get("PS3_1") or "wavelength").strip()
    if table is None or not table.is_table:
        return []
    try:
        columns = read_columns(path, table)
        named = next((each.name for each in columns if each.name.lower() == column.lower()), "")
        found = read_values(path, plan, table, columns, [named])
    except MastError:
        return []
    values = found[named].ravel().astype(np.float64) if named in found else np.empty(0)
    return values.tolist() if np.isfinite(values).all() else []
