"""A MAST for the job benchmarks: the practice archive answers the queries, nginx sends the bytes."""

from __future__ import annotations

import csv
import json
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mast.practice.columns import PRODUCT
from tests.benchmarks.bench_archive import observation
from tests.benchmarks.servers import running

ROOT = Path(__file__).resolve().parents[2]
LEVEL = 3


@contextmanager
def portal(folder: Path, port: int, held: Mapping[str, Sequence[tuple[str, int]]]) -> Iterator[None]:
    """Observations by obs_id, each with its files as (name, bytes), until the end of the block."""
    _write(folder / "recorded", held)
    options = ["--port", str(port), "--data", str(folder / "made"), "--recorded", str(folder / "recorded")]
    with running([sys.executable, "-m", "mast.practice", *options], folder, port, at=ROOT):
        yield


def _write(recorded: Path, held: Mapping[str, Sequence[tuple[str, int]]]) -> None:
    for name in ("observations", "products", "fits"):
        (recorded / name).mkdir(parents=True, exist_ok=True)
    draw = random.Random(3)
    rows = []
    with (recorded / "products" / "listed.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(PRODUCT))
        table.writeheader()
        for number, (obs_id, files) in enumerate(held.items()):
            row = observation(number, draw) | {"obs_id": obs_id, "calib_level": LEVEL, "dataURL": None, "jpegURL": None}
            rows.append(row)
            table.writerows(_product(str(row["obsid"]), obs_id, name, size) for name, size in files)
    (recorded / "observations" / "rows.json").write_text(json.dumps({"results": rows}))


def _product(obsid: str, obs_id: str, name: str, size: int) -> dict[str, object]:
    return dict.fromkeys(PRODUCT) | {
        "obsID": obsid, "parent_obsid": obsid, "obs_collection": "JWST", "dataproduct_type": "image", "obs_id": obs_id,
        "description": "exposure/target (L2b/L3): rectified 2D image", "type": "S",
        "dataURI": f"mast:JWST/product/{name}", "productType": "SCIENCE", "productSubGroupDescription": "I2D",
        "productGroupDescription": "Minimum Recommended Products", "project": "CALJWST", "proposal_id": "2733",
        "productFilename": name, "size": size, "dataRights": "PUBLIC", "calib_level": LEVEL, "filters": "F090W",
    }  # fmt: skip
