"""Associations, pools, catalogues of sources: products of text, in plain Python so that sizes are known at once."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from typing import Final

from mast.practice.subject import Subject

Member = tuple[str, str]
"""File name and its part in the association: `science`, `background`, `psf`."""

_RULES: Final = {
    "image2": "Asn_Lv2Image",
    "image3": "Asn_Lv3Image",
    "spec2": "Asn_Lv2Spec",
    "spec3": "Asn_Lv3SpectralTarget",
    "tso3": "Asn_Lv3TSO",
    "coron3": "Asn_Lv3Coron",
    "ami3": "Asn_Lv3AMI",
}
_POOL_COLUMNS: Final = [
    "FILENAME",
    "INSTRUME",
    "DETECTOR",
    "EXP_TYPE",
    "FILTER",
    "PUPIL",
    "GRATING",
    "TARGNAME",
    "TARGTYPE",
    "TARGCATEG",
    "OBS_NUM",
    "OBS_NAME",
    "PROGRAM",
    "VISIT",
    "ASN_CANDIDATE",
    "BKGDTARG",
    "IS_PSF",
]


def association(name: str, members: Sequence[Member], product: str, target: str, stamp: str) -> bytes:
    """An association as the pipeline's generator writes it."""
    head, kind = name.partition("_")[0], name.split("_")[-3]
    program, _, candidate = head.partition("-")
    table = {
        "asn_type": kind,
        "asn_rule": _RULES.get(kind, "Asn_Lv3Image"),
        "version_id": stamp,
        "code_version": "1.17.1",
        "degraded_status": "No known degraded exposures in association.",
        "program": program.removeprefix("jw"),
        "constraints": f"Constraints: candidate {candidate}",
        "asn_id": candidate,
        "target": target,
        "asn_pool": f"{program}_{stamp}_pool",
        "products": [{"name": product, "members": [{"expname": file, "exptype": part} for file, part in members]}],
    }
    return (json.dumps(table, indent=4) + "\n").encode()


def pool(exposures: Sequence[tuple[str, str, str, str, str]]) -> bytes:
    """The pool of a program from exposure, detector, instrument, mode and target, a line each, parted by bars."""
    lines = [" | ".join(_POOL_COLUMNS)]
    for exposure, detector, instrument, mode, target in exposures:
        optics = ["CLEAR"] * 3
        candidate = f"[('o{exposure[7:10]}', 'OBSERVATION')]"
        head = [f"{exposure}_rate.fits", instrument.upper(), detector.upper(), f"{instrument}_{mode}".upper(), *optics]
        tail = [target, "FIXED", "NULL", exposure[7:10], "NULL", exposure[2:7], exposure[10:13], candidate, "F", "F"]
        lines.append(" | ".join([*head, *tail]))
    return ("\n".join(lines) + "\n").encode()


# --- ECSV -------------------------------------------------------------------------------------------------------

_CATALOGUE: Final = (
    "label int64 -, xcentroid float64 pix, ycentroid float64 pix, sky_ra float64 deg, sky_dec float64 deg, "
    "aper30_flux float64 Jy, aper_total_flux float64 Jy, aper_total_flux_err float64 Jy, aper_total_abmag float64 -, "
    "isophotal_flux float64 Jy, isophotal_area float64 pix2, semimajor_sigma float64 pix, ellipticity float64 -, "
    "is_extended bool -"
)
_LIGHT_CURVE: Final = (
    "MJD float64 d, aperture_sum float64 Jy, aperture_sum_err float64 Jy, aperture_x float64 pix, "
    "aperture_y float64 pix, annulus_mean float64 Jy, net_aperture_sum float64 Jy"
)
_WHITE_LIGHT: Final = "MJD_UTC float64 d, BJD_TDB float64 d, whitelight_flux_order_1 float64 Jy"


def ecsv(subject: Subject) -> bytes:
    """A source catalogue, light curve or white-light curve; numbers of fixed width, so every one has a known size."""
    rows = {"phot": _light_curve, "whtlt": _white_light}.get(subject.suffix, _sources)(subject)
    columns = {"phot": _LIGHT_CURVE, "whtlt": _WHITE_LIGHT}.get(subject.suffix, _CATALOGUE)
    parts = [column.split() for column in columns.split(", ")]
    return "\n".join([*_ecsv_head(subject, parts), " ".join(name for name, _, _ in parts), *rows, ""]).encode()


def _ecsv_head(subject: Subject, columns: list[list[str]]) -> list[str]:
    described = []
    for name, kind, unit in columns:
        unit_part = f", unit: {unit}" if unit != "-" else ""
        described.append(f"# - {{name: {name}{unit_part}, datatype: {kind}}}")
    return [
        "# %ECSV 1.0",
        "# ---",
        "# datatype:",
        *described,
        "# meta: !!omap",
        f"# - {{filename: {subject.file_name}}}",
        "# - {telescope: JWST}",
        "# schema: astropy-2.0",
    ]


def _sources(subject: Subject) -> list[str]:
    draw = random.Random(subject.seed)
    ra, dec = subject.pointing
    spread = subject.field[0] / 3600 / 2.2
    rows = []
    for label in range(1, 121):
        east, north = draw.uniform(-spread, spread), draw.uniform(-spread, spread)
        flux = 10 ** draw.uniform(-8.5, -4.5)
        values = (
            draw.uniform(5, 500),
            draw.uniform(5, 500),
            (ra + east / max(0.02, math.cos(math.radians(dec)))) % 360,
            max(-90.0, min(90.0, dec + north)),
            flux * 0.3,
            flux,
            flux * 0.02,
            8.9 - 2.5 * math.log10(flux),
            flux * 0.97,
            draw.uniform(9, 200),
            draw.uniform(1, 6),
            draw.uniform(0, 0.8),
        )
        rows.append(f"{label:5d} " + " ".join(f"{value:.9e}" for value in values) + f" {draw.random() < 0.2!s}")
    return rows


def _moments(subject: Subject, count: int) -> list[tuple[float, float]]:
    """Times (MJD) and relative brightness through a transit."""
    start, end = float(subject.row["t_min"] or 6e4), float(subject.row["t_max"] or 6e4)
    draw = random.Random(subject.seed)
    dip = [1 - 0.012 * math.exp(-(((index - count / 2) / (count / 6)) ** 4)) for index in range(count)]
    return [(start + (end - start) * index / count, level + draw.gauss(0, 2e-4)) for index, level in enumerate(dip)]


def _light_curve(subject: Subject) -> list[str]:
    return [
        f"{mjd:.9f} {level:.9e} {2e-4:.3e} 128.500 128.500 {1e-3:.3e} {level - 1e-3:.9e}"
        for mjd, level in _moments(subject, 240)
    ]


def _white_light(subject: Subject) -> list[str]:
    return [f"{mjd:.9f} {mjd + 0.0007:.9f} {level:.9e}" for mjd, level in _moments(subject, 240)]
