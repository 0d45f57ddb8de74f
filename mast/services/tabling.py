"""Tables and spectra of a file: pages in any order, whole tables row by row, spectra to plot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from mast.fits.plan import Plan
from mast.imports import derived
from mast.models import DataFile
from mast.services.library import file_path
from mast.services.viewer import plan_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mast.fits.spectra import Choice, Spectra, Spectrum
    from mast.fits.tables import TablePage

BATCH: Final = 1000
_TEXT: Final = frozenset({"ecsv", "csv"})


def table_page(file: DataFile, hdu: int | None = None, start: int = 0, count: int = 50, sort: str = "") -> TablePage:
    """Rows of a table, ordered by a column where `sort` names one, `-` before it for descending.

    Raises
    ------
    NotViewable, FileNotFound, BadQuery, DamagedFile
    """
    return _page(file, hdu, start, count, sort, values=8)


def _page(file: DataFile, hdu: int | None, start: int, count: int, sort: str, *, values: int) -> TablePage:
    # numpy is loaded when the first table is looked at, not when the web process starts.
    from mast.fits.tables import table_rows
    from mast.fits.texttables import text_rows

    path, plan = file_path(file), plan_of(file)
    order = _order(file, plan, hdu, sort) if sort else None
    if plan.kind in _TEXT:
        return text_rows(path, plan, start, count, starts=_starts(file, plan), order=order)
    return table_rows(path, plan, hdu, start, count, values=values, order=order)


def _starts(file: DataFile, plan: Plan) -> NDArray[np.int64]:
    from mast.fits.texttables import row_starts

    return derived.array(file.sha256, "rows", lambda: row_starts(file_path(file), plan))


def _order(file: DataFile, plan: Plan, hdu: int | None, sort: str) -> NDArray[np.int64]:
    from mast.fits.ordering import order_of
    from mast.fits.tables import choose_table
    from mast.fits.texttables import text_order

    path = file_path(file)
    column = hashlib.sha256(sort.encode()).hexdigest()[:16]
    if plan.kind in _TEXT:
        return derived.array(file.sha256, f"order-{column}", lambda: text_order(path, plan, sort))
    table = choose_table(plan, hdu)
    return derived.array(file.sha256, f"{table.index}-order-{column}", lambda: order_of(path, plan, table, sort))


def table_batches(file: DataFile, hdu: int | None = None, sort: str = "") -> Iterator[TablePage]:
    """A whole table in pages of a thousand rows; cells that are arrays hold all of their values."""
    start = 0
    while True:
        page = _page(file, hdu, start, BATCH, sort, values=1 << 20)
        yield page
        start += len(page.rows)
        if not page.rows or start >= page.total:
            return


# --- spectra ----------------------------------------------------------------------------------------------------


def spectrum_of(file: DataFile, hdu: int | None = None, row: int | None = None) -> tuple[Spectrum, list[Choice]]:
    """One spectrum of a file, and which others there are."""
    from mast.fits import spectra

    path, plan = file_path(file), plan_of(file)
    return spectra.spectrum(path, plan, hdu, row), spectra.spectrum_choices(path, plan)


def spectra_of(file: DataFile, hdu: int | None, first: int, count: int, most_points: int) -> Spectra:
    """Some of a file's spectra at once, coarse enough for one plot."""
    from mast.fits import spectra

    return spectra.spectra(file_path(file), plan_of(file), hdu, first, count, most_points)
