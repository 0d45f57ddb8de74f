"""Header cards of extensions: times and photometry of SCI, coordinates on the sky and along the spectrum, slits."""

from __future__ import annotations

import math

from mast.practice.cards import times
from mast.practice.fits_layout import Image, Part
from mast.practice.fits_writer import Card
from mast.practice.kinds import RATE
from mast.practice.subject import Frame, Subject


def science(subject: Subject, part: Image, frame: Frame) -> list[Card]:
    """Cards of SCI: times, photometry, WCS."""
    start, end, exposure = times(subject)
    cards: list[Card] = [
        ("MJD-BEG", start, "[d] exposure start time in MJD"),
        ("MJD-AVG", (start + end) / 2, "[d] exposure mid-point in MJD"),
        ("MJD-END", end, "[d] exposure end time in MJD"),
        ("XPOSURE", exposure, "[s] Effective exposure time"),
        ("TELAPSE", exposure, "[s] Total elapsed exposure time"),
        ("PA_APER", frame.angle_deg, "[deg] Position angle of aperture used"),
        ("VA_SCALE", 0.99993, "Velocity aberration scale factor"),
    ]
    if part.unit not in {RATE, "DN", ""}:
        area = frame.scale_arcsec**2
        cards += [
            ("PHOTMJSR", 1.84, "Flux density (MJy/steradian) producing 1 cps"),
            ("PIXAR_SR", area * (math.pi / 648_000) ** 2, "Nominal pixel area in steradians"),
            ("PIXAR_A2", area, "Nominal pixel area in arcsec^2"),
        ]
    return cards


def celestial(frame: Frame, *, distorted: bool = False) -> list[Card]:
    """A gnomonic WCS in degrees; a distorted frame adds the SIP terms the pipeline fits to its own model."""
    turn = math.radians(frame.angle_deg)
    step = frame.scale_arcsec / 3600
    tail = "-SIP" if distorted else ""
    cards: list[Card] = [
        ("RADESYS", "ICRS", "Name of the coordinate reference frame"),
        ("WCSAXES", 2, "number of World Coordinate System axes"),
        ("CRPIX1", frame.crpix[0], "axis 1 coordinate of the reference pixel"),
        ("CRPIX2", frame.crpix[1], "axis 2 coordinate of the reference pixel"),
        ("CRVAL1", frame.crval[0], "first axis value at the reference pixel"),
        ("CRVAL2", frame.crval[1], "second axis value at the reference pixel"),
        ("CTYPE1", f"RA---TAN{tail}", "Axis 1 type"),
        ("CTYPE2", f"DEC--TAN{tail}", "Axis 2 type"),
        ("CUNIT1", "deg", "Axis 1 units"),
        ("CUNIT2", "deg", "Axis 2 units"),
        ("CDELT1", step, "Axis 1 coordinate increment at reference point"),
        ("CDELT2", step, "Axis 2 coordinate increment at reference point"),
        ("PC1_1", -math.cos(turn), "linear transformation matrix element"),
        ("PC1_2", math.sin(turn), "linear transformation matrix element"),
        ("PC2_1", math.sin(turn), "linear transformation matrix element"),
        ("PC2_2", math.cos(turn), "linear transformation matrix element"),
    ]
    if distorted:
        cards += [
            ("A_ORDER", 2, "Degree of forward SIP polynomial"),
            ("B_ORDER", 2, "Degree of forward SIP polynomial"),
        ]
        cards += [("A_2_0", 2e-7, "SIP coefficient"), ("B_0_2", -1e-7, "SIP coefficient")]
    corners = " ".join(f"{ra:.9f} {dec:.9f}" for ra, dec in frame.corners)
    return [*cards, ("S_REGION", f"POLYGON ICRS  {corners}", "spatial extent of the observation")]


def spectral(low_um: float, step_um: float, *, tabled: bool) -> list[Card]:
    """A third axis of wavelength in micrometres; a tabled one is looked up in the WCS-TABLE extension."""
    cards: list[Card] = [
        ("WCSAXES", 3, "number of World Coordinate System axes"),
        ("CTYPE3", "WAVE-TAB" if tabled else "WAVE", "Axis 3 type"),
        ("CUNIT3", "um", "Axis 3 units"),
        ("CRPIX3", 1.0, "axis 3 coordinate of the reference pixel"),
        ("CRVAL3", 1.0 if tabled else low_um, "third axis value at the reference pixel"),
        ("CDELT3", 1.0 if tabled else step_um, "Axis 3 coordinate increment at reference point"),
        ("PC1_3", 0.0, "linear transformation matrix element"),
        ("PC2_3", 0.0, "linear transformation matrix element"),
        ("PC3_1", 0.0, "linear transformation matrix element"),
        ("PC3_2", 0.0, "linear transformation matrix element"),
        ("PC3_3", 1.0, "linear transformation matrix element"),
    ]
    if tabled:
        cards += [
            ("PS3_0", "WCS-TABLE", "table of wavelengths"),
            ("PS3_1", "wavelength", "its column"),
            ("PV3_3", 1.0, ""),
        ]
    return cards


def slit(subject: Subject, part: Part) -> list[Card]:
    """Which slit and source an extension belongs to."""
    ra, dec = subject.pointing
    return [
        ("SLTNAME", f"S{part.ver:03d}", "Name of the slit"),
        ("SOURCEID", part.ver, "Source ID"),
        ("SRCTYPE", "POINT", "Source type used for calibration"),
        ("SLIT_RA", ra + 0.0005 * (part.ver - 1), "Right ascension (deg) at middle of slit"),
        ("SLIT_DEC", dec, "Declination (deg) at middle of slit"),
    ]
