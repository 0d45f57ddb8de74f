"""A practice archive with just the observations and files a test names."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any, Self

from mast import terms
from mast.practice import PracticeServer
from mast.practice.columns import OBSERVATION, PRODUCT

BLOCK = 2880
MB = 350 * BLOCK
"""a megabyte of whole FITS blocks, so that files have exactly the listed size"""


def fits_of(size: int, seed: str) -> bytes:
    """A FITS file of exactly this length: an empty primary HDU and one SCI image of noise, 720 pixels wide."""
    rows = size // BLOCK - 2
    primary = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0"]
    image = [
        "XTENSION= 'IMAGE   '",
        "BITPIX  =                  -32",
        "NAXIS   =                    2",
        "NAXIS1  =                  720",
        f"NAXIS2  = {rows:20d}",
        "PCOUNT  =                    0",
        "GCOUNT  =                    1",
        "EXTNAME = 'SCI     '",
        "CTYPE1  = 'RA---TAN'",
        "CTYPE2  = 'DEC--TAN'",
        "CRVAL1  =              151.755",
        "CRVAL2  =              -40.437",
    ]
    return _header(primary) + _header(image) + random.Random(seed).randbytes(rows * BLOCK)


def _header(cards: list[str]) -> bytes:
    return "".join(card.ljust(80) for card in [*cards, "END"]).ljust(BLOCK).encode()


class LittleMast:
    """Say what MAST holds, then `serve` it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.observations: list[dict[str, Any]] = []
        self.products: list[dict[str, Any]] = []
        self.sizes: dict[str, int | None] = {}
        self.server: PracticeServer | None = None

    def observation(self, obs_id: str, obsid: int, *, level: int = 3, rights: str = "PUBLIC", **fields: Any) -> Self:
        row: dict[str, Any] = dict.fromkeys(OBSERVATION)
        row |= {
            "obs_id": obs_id,
            "obsid": str(obsid),
            "calib_level": level,
            "obs_collection": "JWST",
            "dataproduct_type": "image",
            "instrument_name": "NIRCAM/IMAGE",
            "target_name": "NGC-3132",
            "filters": "F090W",
            "proposal_id": "2733",
            "t_min": 59733.5,
            "t_obs_release": 59773.6,
            "s_ra": 151.755,
            "s_dec": -40.437,
            "s_region": "CIRCLE 151.755 -40.437 0.001",
            "dataRights": rights,
            "dataURL": f"mast:JWST/product/{obs_id}_i2d.fits",
        } | fields
        self.observations.append(row)
        return self

    def product(
        self,
        parent: int,
        name: str,
        *,
        level: int = 3,
        size: int | None = MB,
        listed: int | None = None,
        kind: str = "SCIENCE",
        rights: str = "PUBLIC",
        obs_id: str = "",
        **fields: Any,
    ) -> Self:
        """A file of `size` bytes, which MAST's list may give as `listed`."""
        suffix = name.rpartition(".")[0].rpartition("_")[2].upper()
        row: dict[str, Any] = dict.fromkeys(PRODUCT)
        row |= {
            "obsID": str(parent),
            "parent_obsid": str(parent),
            "obs_collection": "JWST",
            "dataproduct_type": "image",
            "obs_id": obs_id or name.rpartition("_")[0],
            "type": "S",
            "dataURI": f"mast:JWST/product/{name}",
            "productType": kind,
            "productSubGroupDescription": suffix,
            "project": "CALJWST",
            "proposal_id": "2733",
            "productFilename": name,
            "size": listed or size,
            "dataRights": rights,
            "calib_level": level,
        } | fields
        self.products.append(row)
        self.sizes[name] = size
        return self

    def serve(self) -> PracticeServer:
        recorded = self.folder / "recorded"
        for name in ("observations", "products", "fits"):
            (recorded / name).mkdir(parents=True, exist_ok=True)
        for name, size in self.sizes.items():
            if name.endswith(".fits") and terms.is_safe_name(name) and size and not size % BLOCK:
                (recorded / "fits" / name).write_bytes(fits_of(size, name))
        (recorded / "observations" / "rows.json").write_text(json.dumps({"results": self.observations}))
        with (recorded / "products" / "list.csv").open("w", newline="") as file:
            table = csv.DictWriter(file, list(PRODUCT))
            table.writeheader()
            table.writerows({name: row[name] for name in PRODUCT} for row in self.products)
        self.server = PracticeServer(self.folder / "served", recorded=recorded, fill=True).start()
        return self.server

    def stop(self) -> None:
        if self.server:
            self.server.stop()
