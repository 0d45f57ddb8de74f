"""What is known of a record, as lines with a unit and a meaning, for people who do not know MAST's column names."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.templatetags import archive as write
from mast import terms, visibility
from mast.archive.sky import format_sexagesimal
from mast.models import DataFile, Observation


@dataclass(frozen=True)
class Fact:
    """One line: what, its value with the unit, what it means, and whether a person corrected it."""

    label: str
    value: str
    meaning: str = ""
    edited: bool = False


def of_observation(row: Observation) -> list[Fact]:
    """The typed fields of an observation; empty ones are left out."""
    facts = [
        ("target_name", "Target", row.target_name, "as the proposers named it"),
        ("instrument_name", "Instrument", row.instrument, ""),
        ("instrument_name", "Mode", row.mode, "what MAST writes after the instrument"),
        ("filters", "Filter", " ".join(terms.filters_of(row.filters)) or row.filters, "optical elements in the beam"),
        ("calib_level", "Level", _level(row.calib_level), "the highest calibration level the observation reached"),
        ("exposure_s", "Exposure", _unit(row.exposure_s, "s", "{:,.1f}"), "total exposure time"),
        ("observed_at", "Date", _utc(row), "start of the observation; else its end, else its release"),
        ("s_ra_deg", "Position", _position(row), "centre, ICRS"),
        ("wavelength_region", "Wavelength", row.wavelength_region.lower(), "region of the spectrum"),
        ("proposal_id", "Program", row.proposal_id, "JWST proposal number"),
        ("proposal_pi", "Principal investigator", row.proposal_pi, ""),
        ("obs_title", "Title", row.obs_title, "of the proposal"),
        ("data_rights", "Rights", _rights(row), "who may have the files"),
        ("obsid", "MAST obsid", row.obsid, "MAST's number for its group of files; not the observation id"),
        ("", "Read from MAST", write.utc(row.refreshed_at), "when the metadata was last refreshed"),
    ]
    return list(_lines(facts, row.edited_fields))


def of_file(file: DataFile) -> list[Fact]:
    """The typed fields of a file."""
    facts = [
        ("suffix", "Kind", f"{file.suffix} – {write.kind_of(file.suffix)}".strip(" –"), "by the last part of its name"),
        ("calib_level", "Level", _level(file.calib_level), "the file's own calibration level"),
        ("size_bytes", "Size", f"{write.size(file.size_bytes)} ({file.size_bytes:,} bytes)", ""),
        ("product_type", "Product type", file.product_type.lower(), "MAST's word for its role"),
        ("product_obs_id", "Own observation id", file.product_obs_id, "the exposure or product it belongs to"),
        ("path", "On disk", file.path, "below the archive's folder; read-only"),
        ("data_uri", "MAST URI", file.data_uri, "what MAST calls it"),
        ("wcs", "Reference point", _reference(file.wcs), "CRVAL1 and CRVAL2 of the SCI header, ICRS degrees"),
    ]
    return list(_lines(facts, file.edited_fields))


def of_proof(file: DataFile) -> list[Fact]:
    """Why the file may be trusted."""
    parts = ", ".join(f"{write.size(count)} by {source}" for source, count in file.source_bytes.items())
    facts = [
        ("", "SHA-256", file.sha256, "of the whole file"),
        ("", "Verified", write.utc(file.verified_at), "when every byte was last read and found right (UTC)"),
        ("", "Proof", file.proof, "; ".join(str(note) for note in file.proof_notes)),
        ("", "Source", parts or file.source, "where the bytes came from"),
        ("", "Fetched", write.utc(file.fetched_at), "UTC"),
        ("", "Bound to", file.validator, "the version the server named; every range came from it"),
        ("", "Fetched by", file.software, ""),
    ]
    return list(_lines(facts, []))


def _lines(facts: list[tuple[str, str, str, str]], edited: list[str]) -> Iterator[Fact]:
    for column, label, value, meaning in facts:
        if value and value != write.DASH:
            yield Fact(label, value, meaning, column in edited)


def _level(level: int | None) -> str:
    return "" if level is None else f"{level} ({write.level_name(level)})".replace("-", "−")


def _unit(value: float | None, unit: str, form: str) -> str:
    return "" if value is None else f"{form.format(value)} {unit}"


def _utc(row: Observation) -> str:
    if not row.observed_at:
        return ""
    mjd = f" (MJD {row.t_min_mjd:.5f})" if row.t_min_mjd is not None else ""
    return f"{write.utc(row.observed_at)} UTC{mjd}"


def _position(row: Observation) -> str:
    if row.s_ra_deg is None or row.s_dec_deg is None:
        return ""
    ra, dec = format_sexagesimal(row.s_ra_deg, row.s_dec_deg)
    return f"{ra} {dec} ({row.s_ra_deg:.6f}°, {row.s_dec_deg:+.6f}°)".replace("-", "−")


def _rights(row: Observation) -> str:
    known = row.data_rights.replace("_", " ").lower()
    released = write.mjd_day(row.t_obs_release_mjd)
    if not known or released == write.DASH:
        return known
    days = math.ceil((row.t_obs_release_mjd or 0) - visibility.now_mjd())
    wait = "" if days <= 0 else ", tomorrow at the latest" if days == 1 else f", in {days} days"
    return f"{known}, release {released}{wait}"


def _reference(wcs: Mapping[str, Any] | None) -> str:
    if not wcs or "CRVAL1" not in wcs or "CRVAL2" not in wcs:
        return ""
    return f"{wcs['CRVAL1']}, {wcs['CRVAL2']}"


def raw_fields(raw: Mapping[str, Any], prefix: str, find: str = "") -> list[tuple[str, str]]:
    """Every field MAST sent, under the names scripts use; `find` keeps those whose name or value holds it."""
    rows = [(f"{prefix}{name}", "" if value is None else str(value)) for name, value in raw.items()]
    wanted = find.strip().lower()
    return [row for row in rows if wanted in row[0].lower() or wanted in row[1].lower()]
