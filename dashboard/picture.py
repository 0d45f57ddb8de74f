"""The picture of a page: its address, its size on the screen, and what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from mast.fits.plan import Plan
from mast.models import DataFile

FLAT = 4
"""times as wide as high"""


@dataclass(frozen=True)
class Picture:
    """`columns` and `rows` are the plane's own pixels, `width` and `height` those of the picture."""

    address: str
    title: str
    unit: str
    hdu: int
    columns: int
    rows: int
    width: int
    height: int
    reduced: int

    @property
    def is_flat(self) -> bool:
        """A strip, such as a spectrum along a slit: a high frame around it would be empty."""
        return self.columns > FLAT * self.rows

    @classmethod
    def of(cls, file: DataFile, plan: Plan, options: dict[str, Any]) -> Picture:
        hdu = plan.image(options.get("hdu"))
        rows, columns = hdu.shape[-2:]
        reduced = max(1, -(-max(rows, columns) // options["width"]))
        # The sum in the address lets browsers keep the picture for as long as the file is the same.
        query = urlencode({**options, "v": file.sha256[:12]})
        return cls(
            address=f"/api/files/{file.pk}/preview?{query}",
            title=plan.view.title if hdu.index == plan.view.hdu else hdu.label,
            unit=hdu.unit,
            hdu=hdu.index,
            columns=columns,
            rows=rows,
            width=-(-columns // reduced),
            height=-(-rows // reduced),
            reduced=reduced,
        )
