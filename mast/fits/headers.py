"""The header of one HDU of an inspected file, card by card."""

from __future__ import annotations

from pathlib import Path

from mast.errors import DamagedFile
from mast.fits.plan import Plan
from mast.fitscards import Card
from mast.fitswalk import read_header


def header(path: str | Path, plan: Plan, hdu: int = 0) -> list[Card]:
    """Every card (keyword, value, comment) of an HDU, in the file's order, `CONTINUE` lines joined.

    Raises
    ------
    FileNotFound : the file has no such HDU
    DamagedFile : the file is gone or changed since it was inspected
    """
    offset = plan.hdu(hdu).header_offset
    try:
        if Path(path).stat().st_size != plan.size_bytes:
            raise DamagedFile(f"{plan.file_name} changed on disk since it was inspected.")
        return read_header(path, offset).cards()
    except OSError as error:
        raise DamagedFile(f"{plan.file_name} is not on disk any more: {error.strerror}.") from error
