"""A library of so many file records for the benchmark of the pages: rows with the lengths and spread of real ones.

Run in a process of its own, in the environment of an installation: `python -m tests.benchmarks.library_rows FILES`.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

FILES_EACH = 10
START = dt.datetime(2022, 7, 1, tzinfo=dt.UTC)
INSTRUMENTS = (
    ("NIRCAM/IMAGE", "nircam"),
    ("MIRI/IMAGE", "miri"),
    ("NIRSPEC/MSA", "nirspec"),
    ("NIRISS/WFSS", "niriss"),
)
FILTERS = ("F090W", "F150W", "F200W", "F277W", "F356W", "F444W", "F770W", "F1130W", "CLEAR;PRISM")
KINDS = (
    ("i2d", "image", 3), ("segm", "image", 3), ("cat", "table", 3), ("asn", "table", 3), ("cal", "image", 2),
    ("cal", "image", 2), ("rate", "image", 2), ("rateints", "image", 2), ("x1d", "table", 2), ("uncal", "image", 1),
)  # fmt: skip
SURVEYS = ("deep field", "protoplanetary disks", "exoplanet atmospheres", "galaxy clusters", "the Orion bar")


def observations(count: int, draw: random.Random) -> Iterator[tuple[Any, ...]]:
    for number in range(1, count + 1):
        name, mode = _name(number), INSTRUMENTS[number % 4][0]
        program, seen = str(1000 + number % 1500), START + dt.timedelta(minutes=13 * number)
        ra, dec = draw.uniform(0, 360), draw.uniform(-80, 80)
        mjd = 59700 + number / 110
        title = f"A survey of {SURVEYS[number % 5]} with a title of the usual length, part {number % 1000}"
        raw = {"obs_id": name, "obsid": str(number), "t_min": mjd, "s_ra": ra, "s_dec": dec, "obs_title": title} | {
            f"field_{extra}": "a value of the usual length" for extra in range(12)
        }
        corners = f"{ra} {dec} {ra + 0.02} {dec} {ra + 0.02} {dec + 0.02} {ra} {dec + 0.02}"
        yield (
            number, name, str(70_000_000 + number), 3, "image", f"FIELD-{number % 4000}", mode, FILTERS[number % 9],
            draw.uniform(10, 9000), mjd, mjd + 0.1, mjd + 300, seen, program, f"Doe-{number % 300}, Jane", title,
            "INFRARED", ra, dec, f"POLYGON ICRS {corners}",
            "PUBLIC", "", json.dumps(raw), "[]", "", None, seen,
        )  # fmt: skip


def files(count: int, draw: random.Random) -> Iterator[tuple[Any, ...]]:
    for number in range(1, count + 1):
        parent, place = (number - 1) // FILES_EACH + 1, (number - 1) % FILES_EACH
        suffix, badge, level = KINDS[place]
        root = _name(parent) if level == 3 else f"jw{1000 + parent % 1500:05d}{parent % 999:03d}001_{number:08d}_nrcb1"
        name = f"{root}_{suffix}.{'fits' if suffix not in {'cat', 'asn'} else 'json'}"
        size = int(draw.lognormvariate(17, 1.2))
        raw = {"productFilename": name, "size": size, "productType": "SCIENCE", "note": "of the usual length " * 8}
        yield (
            number, f"mast:JWST/product/{name}", name, f"{1000 + parent % 1500}/{root}/{name}", size, f"{number:064x}",
            suffix, badge, level, "SCIENCE", root, parent, "PUBLIC", "http", '{"http": 1}', "etag", "length", "[]",
            "0.1.0", START + dt.timedelta(seconds=37 * number), START, "held", None, badge == "image",
            "" if badge == "image" else "This file holds a table, not an image; Table shows its rows.", None,
            json.dumps(raw), "[]", "",
        )  # fmt: skip


def _name(number: int) -> str:
    program, kind = 1000 + number % 1500, INSTRUMENTS[number % 4][1]
    return f"jw{program:05d}-o{number % 1000:03d}_t{number // 1000:03d}_{kind}_clear-{FILTERS[number % 9][:5].lower()}"


OBSERVATION_COLUMNS = [
    "id",
    "obs_id",
    "obsid",
    "calib_level",
    "dataproduct_type",
    "target_name",
    "instrument_name",
    "filters",
    "exposure_s",
    "t_min_mjd",
    "t_max_mjd",
    "t_obs_release_mjd",
    "observed_at",
    "proposal_id",
    "proposal_pi",
    "obs_title",
    "wavelength_region",
    "s_ra_deg",
    "s_dec_deg",
    "s_region",
    "data_rights",
    "preview_uri",
    "raw",
    "edited_fields",
    "notes",
    "refreshed_at",
    "created_at",
]
FILE_COLUMNS = [
    "id",
    "data_uri",
    "file_name",
    "path",
    "size_bytes",
    "sha256",
    "suffix",
    "badge",
    "calib_level",
    "product_type",
    "product_obs_id",
    "observation_id",
    "data_rights",
    "source",
    "source_bytes",
    "validator",
    "proof",
    "proof_notes",
    "software",
    "fetched_at",
    "verified_at",
    "state",
    "plan",
    "is_viewable",
    "view_reason",
    "wcs",
    "raw",
    "edited_fields",
    "notes",
]


def fill(count: int) -> None:
    draw = random.Random(7)
    parents = max(1, count // FILES_EACH)
    _insert("mast_observation", OBSERVATION_COLUMNS, observations(parents, draw))
    _insert("mast_datafile", FILE_COLUMNS, files(count, draw))
    pairs = ((number, number, (number - 1) // FILES_EACH + 1) for number in range(1, count + 1))
    _insert("mast_datafile_observations", ["id", "datafile_id", "observation_id"], pairs)
    _insert("mast_tag", ["id", "name"], [(1, "ring"), (2, "survey")])
    tagged = ((number, number * 7, 1 + number % 2) for number in range(1, parents // 7 + 1))
    _insert("mast_observation_tags", ["id", "observation_id", "tag_id"], tagged)


def _insert(table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    from django.db import connection, transaction

    names = ", ".join(columns)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # A million rows take longer than any statement of the archive may.
            cursor.execute("SET statement_timeout = 0")
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
            cursor.execute(f"ANALYZE {table}")
        return
    marks = ", ".join("?" for _ in columns)
    with transaction.atomic(), connection.cursor() as cursor:
        # Past Django's own cursor, which would take every percent sign of a row for a parameter.
        cursor.cursor.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({marks})", ([_plain(value) for value in row] for row in rows)
        )


def _plain(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, dt.datetime) else value


def main(arguments: Sequence[str]) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    fill(int(arguments[0]))
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    print(json.dumps({"files": int(arguments[0])}))


if __name__ == "__main__":
    main(sys.argv[1:])
