"""Rows of table extensions, by the name of the extension and of each column."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mast.practice import cards
from mast.practice.fits_layout import Column, Table
from mast.practice.fits_writer import record_dtype
from mast.practice.subject import Subject

Array = NDArray[Any]


def rows(subject: Subject, table: Table) -> Array:
    """A structured array of the table's rows, as stored."""
    records: Array = np.zeros(table.rows, record_dtype(table))
    if table.name == "ASDF":
        return _asdf(subject, records, table)
    for column in table.columns:
        records[column.name] = _values(subject, table, column)
    return records


def _asdf(subject: Subject, records: Array, table: Table) -> Array:
    text = (
        "#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n--- !core/asdf-1.1.0\n"
        f"meta:\n  filename: {subject.file_name}\n  telescope: JWST\n"
        f"  calibration_software_version: {cards.CAL_VER}\n...\n"
    )
    size = table.columns[0].repeat
    records["ASDF_METADATA"] = np.frombuffer(text.encode().ljust(size, b"\n"), np.uint8)
    return records


def _values(subject: Subject, table: Table, column: Column) -> Any:
    """Values of one column: what its name means, else numbers of a plausible size."""
    special = _spectral(subject, table, column)
    if special is None:
        special = _housekeeping(subject, table, column)
    if special is not None:
        return special
    random = np.random.default_rng([subject.seed, len(column.name), sum(column.name.encode())])
    shape = (table.rows,) if column.repeat == 1 else (table.rows, column.repeat)
    if column.code in "DE":
        return random.normal(0.0, 1.0, shape)
    return np.zeros(shape, np.int64)


def _spectral(subject: Subject, table: Table, column: Column) -> Any:
    """WAVELENGTH, FLUX and what hangs on them; a row of samples or, in a 2-D column, one row per spectrum."""
    wide = column.repeat > 1
    count = column.repeat if wide else table.rows
    wave = np.linspace((subject.row["em_min"] or 1000.0) / 1000, (subject.row["em_max"] or 5000.0) / 1000, count)
    name = column.name.upper()
    if name == "WAVELENGTH":
        return np.broadcast_to(wave, (table.rows, count)) if wide else wave
    if name in {"FLUX", "SURF_BRIGHT"}:
        light = _light(subject, wave, table.ver) * (1e-5 if name == "FLUX" else 3.0)
        if not wide:
            return light
        dips = 1 - 0.01 * np.exp(-(((np.arange(table.rows) - table.rows / 2) / max(1.0, table.rows / 6)) ** 4))
        return light[None, :] * dips[:, None]
    if name.endswith("ERROR"):
        size = 2e-7 if name.startswith("FLUX") or name == "ERROR" else 0.05
        return np.full((table.rows, count) if wide else table.rows, size)
    if "_VAR_" in name:
        return np.full(table.rows, 1e-14 if name.startswith("FLUX") else 1e-3)
    return None


def _light(subject: Subject, wave: Array, ver: int) -> Array:
    random = np.random.default_rng([subject.sky_seed, ver])
    place = (wave - wave[0]) / max(1e-9, wave[-1] - wave[0])
    light: Array = 1.0 + 0.5 * np.cos(place * math.pi)
    for centre, height in zip(random.uniform(0.05, 0.95, 7), random.uniform(0.5, 6, 7), strict=True):
        light += height * np.exp(-(((place - centre) / 0.004) ** 2))
    light += np.random.default_rng([subject.seed, 9]).normal(0, 0.02, wave.size)
    return light


def _housekeeping(subject: Subject, table: Table, column: Column) -> Any:
    name, count = column.name, np.arange(table.rows)
    start, end, exposure = cards.times(subject)
    ra, dec = subject.pointing
    if column.code == "A":
        return _words(subject, column, table.rows)
    if name in {"integration_number", "INT_NUM", "group_number", "source_id", "SOURCE_ID", "slitlet_id", "STA_INDEX"}:
        numbers = count + 1
        return numbers if column.repeat == 1 else numbers[:, None] + np.arange(column.repeat)
    if column.unit == "d" or name == "MJD":
        step = (end - start) / max(1, table.rows)
        part = 0.5 if "mid" in name or "AVG" in name or "MID" in name else 1.0 if "end" in name.lower() else 0.0
        return start + (count + part) * step
    fixed = {"EFFEXPTM": exposure, "SOURCE_RA": ra, "ra": ra, "RAEP0": ra, "SOURCE_DEC": dec, "dec": dec, "DECEP0": dec}
    fixed |= {
        "NPIXELS": 5.0,
        "WEIGHT": 1.0,
        "N_INPUT": 4.0,
        "SEGMENT": max(1, subject.segment),
        "EQUINOX": 2000.0,
        "TARGET_ID": 1,
    }
    fixed |= {
        "EFF_WAVE": subject.band_um * 1e-6,
        "EFF_BAND": 2e-7,
        "DIAMETER": 0.8,
        "program": int(subject.program),
        "INT_TIME": exposure,
    }
    if name in fixed:
        return np.full(table.rows, fixed[name])
    if name in {"nelem", "N_ALONGDISP"}:
        return np.full(table.rows, max(column.repeat for column in table.columns))
    if name in {"ra", "SOURCE_RA"}:
        return ra + 0.0002 * count
    return None


def _words(subject: Subject, column: Column, count: int) -> Any:
    words = {
        "FILENAME": subject.file_name,
        "DATE": "2025-01-01T00:00:00.000",
        "TELESCOP": "JWST",
        "INSTRUME": subject.instrument.upper(),
        "DETECTOR": subject.detector.upper(),
        "FILTER": ";".join(subject.elements),
        "PROGRAM": f"{int(subject.program):05d}",
        "TARGNAME": str(subject.row["target_name"]),
        "TARGET": str(subject.row["target_name"]),
        "CAL_VER": cards.CAL_VER,
        "CRDS_CTX": cards.CRDS_CTX,
        "SOURCE_TYPE": "POINT",
        "shutter_state": "OPEN",
        "background": "N",
        "primary_source": "Y",
        "completion_code_text": "Normal Completion",
    }
    return np.full(count, words.get(column.name, "")[: column.repeat].encode())
