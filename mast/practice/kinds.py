"""The HDUs of every kind of JWST product: names, order, dimensions, units. Nothing here makes a pixel.

Source: JWST user documentation, data products and file formats; frames are smaller than the detectors'.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from mast.practice.fits_layout import Image, Layout, Part, Table, columns
from mast.practice.subject import Subject

SURFACE: Final = "MJy/sr"
RATE: Final = "DN/s"
GROUPS: Final = 4
SLITS: Final = 3
SOURCES: Final = 40
"""Rows of a wide-field spectroscopy's table of sources."""

INT_TIMES: Final = columns(
    "integration_number J, int_start_MJD_UTC D d, int_mid_MJD_UTC D d, int_end_MJD_UTC D d, "
    "int_start_BJD_TDB D d, int_mid_BJD_TDB D d, int_end_BJD_TDB D d"
)
GROUP: Final = columns(
    "integration_number I, group_number I, end_day I, end_milliseconds J, end_submilliseconds I, group_end_time 26A, "
    "number_of_columns I, number_of_rows I, number_of_gaps I, completion_code_number I, completion_code_text 36A, "
    "bary_end_time D, helio_end_time D"
)
HDRTAB: Final = columns(
    "FILENAME 68A, DATE 24A, TELESCOP 8A, INSTRUME 12A, DETECTOR 16A, FILTER 12A, PROGRAM 8A, TARGNAME 32A, "
    "EXPSTART D d, EXPEND D d, EFFEXPTM D s, CAL_VER 12A, CRDS_CTX 16A"
)
SPECTRUM: Final = columns(
    "WAVELENGTH D um, FLUX D Jy, FLUX_ERROR D Jy, FLUX_VAR_POISSON D Jy^2, FLUX_VAR_RNOISE D Jy^2, FLUX_VAR_FLAT D Jy^2, "
    "SURF_BRIGHT D MJy/sr, SB_ERROR D MJy/sr, SB_VAR_POISSON D (MJy/sr)^2, SB_VAR_RNOISE D (MJy/sr)^2, "
    "SB_VAR_FLAT D (MJy/sr)^2, DQ J+, BACKGROUND D MJy/sr, BKGD_ERROR D MJy/sr, BKGD_VAR_POISSON D (MJy/sr)^2, "
    "BKGD_VAR_RNOISE D (MJy/sr)^2, BKGD_VAR_FLAT D (MJy/sr)^2, NPIXELS D"
)
COMBINED: Final = columns("WAVELENGTH D um, FLUX D Jy, ERROR D Jy, SURF_BRIGHT D MJy/sr, SB_ERROR D MJy/sr, DQ J+, WEIGHT D, N_INPUT D")
SPECTRUM_ROWS: Final = 600
SERIES_CHANNELS: Final = 300


def layout_of(subject: Subject) -> Layout:
    """The parts of a FITS file by its suffix; an unknown suffix gets a plain image."""
    return _layout(subject.suffix, _frame(subject), _integrations(subject), _slits(subject), _flavour(subject))


def _frame(subject: Subject) -> tuple[int, int]:
    """Rows and columns of the file's pictures."""
    if not subject.is_exposure and subject.suffix in {"i2d", "segm", "wfscmb"}:
        return _mosaic_shape(subject)
    sub = re.search(r"sub(\d+)", str(subject.row["obs_id"])) or re.search(r"sub(\d+)", subject.stem)
    if subject.is_guide_star:
        return (32, 32)
    if sub:
        return (min(256, int(sub[1])),) * 2
    if subject.is_time_series:
        return (64, 256)
    return (256, 258) if subject.instrument == "miri" else (256, 256)


def _mosaic_shape(subject: Subject) -> tuple[int, int]:
    width, height, _, _ = subject.field
    side = 1200 if _is_showpiece(subject) else 520
    if width >= height:
        return max(48, round(side * height / width)), side
    return side, max(48, round(side * width / height))


def _is_showpiece(subject: Subject) -> bool:
    """A few combined images are large enough for many chunks of a transfer to be seen."""
    return "show" in str(subject.row.get("obs_id", "")) or (subject.program, tuple(subject.elements)) in {
        ("2733", ("F090W",)),
        ("2731", ("F335M",)),
    }


def _integrations(subject: Subject) -> int:
    if subject.is_time_series:
        return 12
    return 3 if subject.mode in {"CORON", "AMI"} else 1


def _slits(subject: Subject) -> int:
    """Spectra side by side in one file; a source's own combined file has one."""
    if subject.mode not in {"MSA", "WFSS", "SLIT"} or subject.instrument == "miri":
        return 0
    return SLITS if subject.is_exposure else 1


def _flavour(subject: Subject) -> str:
    if subject.is_guide_star:
        return "guide"
    if subject.mode == "WFSS" and not subject.is_exposure:
        return "sources"
    if subject.suffix == "uncal":
        return subject.instrument
    return "image" if subject.mode == "IMAGE" else ""


@lru_cache(maxsize=512)
def _layout(suffix: str, frame: tuple[int, int], integrations: int, slits: int, flavour: str) -> Layout:
    cube = (integrations, *frame)
    if flavour == "guide":
        return Layout(_guide(suffix, frame))
    if suffix in {"cal", "crf", "s2d", "flat", "bsub", "mbsub"} and slits:
        return Layout(_multislit(suffix, slits))
    makers = {
        "uncal": lambda: _uncal(integrations, frame, flavour),
        "ramp": lambda: _ramp(integrations, frame),
        "dark": lambda: _ramp(integrations, frame),
        "trapsfilled": lambda: (_sci((3, *frame), ""),),
        "rate": lambda: _measured(frame, RATE),
        "bsub": lambda: _measured(frame, RATE),
        "rateints": lambda: (*_measured(cube, RATE), _int_times(integrations)),
        "bsubints": lambda: (*_measured(cube, RATE), _int_times(integrations)),
        "fitopt": lambda: _fitopt(cube),
        "cal": lambda: _calibrated(frame, flavour),
        "mbsub": lambda: _calibrated(frame, flavour),
        "crf": lambda: _calibrated(frame, flavour),
        "flat": lambda: (_sci(frame, ""), Image("DQ", "u4", frame), Image("ERR", "f4", frame)),
        "calints": lambda: (*_calibrated(cube, flavour), _int_times(integrations)),
        "crfints": lambda: (*_calibrated(cube, flavour), _int_times(integrations)),
        "i2d": lambda: (*_resampled(frame), Table("HDRTAB", HDRTAB, 4)),
        "s2d": lambda: (*_resampled((40, 400)), _wavelengths(400), Table("HDRTAB", HDRTAB, 2)),
        "s3d": lambda: _cube((120, 45, 47)),
        "segm": lambda: (Image("SCI", "i4", frame, blocks=3),),
        "psfstack": lambda: (_sci((5, 80, 80), SURFACE), Image("DQ", "u4", (5, 80, 80)), Image("ERR", "f4", (5, 80, 80), SURFACE)),
        "psfalign": lambda: _masked((5, 80, 80)),
        "psfsub": lambda: _masked((integrations, 80, 80)),
        "amilg": _fringes,
        "wfscmb": lambda: _masked(frame),
        "msa": _shutters,
        "x1d": lambda: _spectra(slits, flavour),
        "c1d": lambda: (Table("COMBINE1D", COMBINED, SPECTRUM_ROWS),),
        "x1dints": lambda: (_series(integrations), _int_times(integrations)),
    }
    if suffix.endswith("-oi"):
        return Layout(_interferometry())
    return Layout(makers.get(suffix, lambda: (_sci(frame, SURFACE),))())


def _sci(shape: tuple[int, ...], unit: str, ver: int = 1) -> Image:
    return Image("SCI", "f4", shape, unit, ver, blocks=3)


def _int_times(integrations: int) -> Table:
    return Table("INT_TIMES", INT_TIMES, integrations)


def _uncal(integrations: int, frame: tuple[int, int], instrument: str) -> tuple[Part, ...]:
    parts: list[Part] = [Image("SCI", "u2", (integrations, GROUPS, *frame), "DN", blocks=3)]
    if instrument in {"nircam", "niriss", "fgs"}:
        parts.append(Image("ZEROFRAME", "u2", (integrations, *frame), "DN"))
    if instrument == "miri":
        parts.append(Image("REFOUT", "u2", (integrations, GROUPS, frame[0], 64), "DN"))
    return (*parts, Table("GROUP", GROUP, integrations * GROUPS), _int_times(integrations))


def _ramp(integrations: int, frame: tuple[int, int]) -> tuple[Part, ...]:
    shape = (integrations, GROUPS, *frame)
    return (_sci(shape, "DN"), Image("PIXELDQ", "u4", frame), Image("GROUPDQ", "u1", shape), _int_times(integrations))


def _masked(shape: tuple[int, ...], unit: str = SURFACE) -> tuple[Part, ...]:
    return _sci(shape, unit), Image("ERR", "f4", shape, unit), Image("DQ", "u4", shape)


def _measured(shape: tuple[int, ...], unit: str) -> tuple[Part, ...]:
    square = f"({unit})^2"
    return (*_masked(shape, unit), Image("VAR_POISSON", "f4", shape, square), Image("VAR_RNOISE", "f4", shape, square))


def _calibrated(shape: tuple[int, ...], flavour: str) -> tuple[Part, ...]:
    area = (Image("AREA", "f4", shape[-2:]),) if flavour == "image" else ()
    return (*_masked(shape), *area, *_variances(shape))


def _variances(shape: tuple[int, ...], ver: int = 1) -> tuple[Part, ...]:
    return tuple(Image(f"VAR_{name}", "f4", shape, "(MJy/sr)^2", ver) for name in ("POISSON", "RNOISE", "FLAT"))


def _resampled(shape: tuple[int, ...], ver: int = 1) -> tuple[Part, ...]:
    return (
        _sci(shape, SURFACE, ver),
        Image("ERR", "f4", shape, SURFACE, ver),
        Image("CON", "i4", (1, *shape), "", ver),
        Image("WHT", "f4", shape, "", ver),
        *_variances(shape, ver),
    )


def _wavelengths(count: int, ver: int = 1) -> Table:
    return Table("WCS-TABLE", columns(f"nelem I, wavelength {count}E um"), 1, ver)


def _multislit(suffix: str, slits: int) -> tuple[Part, ...]:
    """EXTVER tells the slits apart; each is a narrow picture of its own."""
    parts: list[Part] = []
    for ver in range(1, slits + 1):
        if suffix == "s2d":
            parts += [*_resampled((30, 400), ver), _wavelengths(400, ver)]
            continue
        shape = (24, 400)
        parts += [_sci(shape, SURFACE, ver), Image("DQ", "u4", shape, "", ver), Image("ERR", "f4", shape, SURFACE, ver)]
        parts += [Image("WAVELENGTH", "f4", shape, "um", ver), *_variances(shape, ver)]
        parts += [Image(name, "f4", shape, "", ver) for name in ("PATHLOSS_UN", "BARSHADOW")]
    return tuple(parts)


def _cube(shape: tuple[int, int, int]) -> tuple[Part, ...]:
    return (*_masked(shape), Image("WMAP", "f4", shape), _wavelengths(shape[0]), Table("HDRTAB", HDRTAB, 4))


def _fitopt(cube: tuple[int, ...]) -> tuple[Part, ...]:
    shape = (cube[0], 1, *cube[1:])
    names = ("SLOPE", "SIGSLOPE", "VAR_POISSON", "VAR_RNOISE", "YINT", "SIGYINT", "WEIGHTS", "CRMAG")
    return (*(Image(name, "f4", shape) for name in names), Image("PEDESTAL", "f4", cube))


def _fringes() -> tuple[Part, ...]:
    shape = (3, 80, 80)
    names = ("CTRD", "N_CTRD", "FIT", "N_FIT", "RESID", "N_RESID")
    return (*(Image(name, "f4", shape, blocks=2) for name in names), Table("SOLNS", columns("coefficients 44D"), 3))


def _shutters() -> tuple[Part, ...]:
    info = "slitlet_id I, msa_metadata_id I, shutter_quadrant I, shutter_row I, shutter_column I, source_id J, background 1A, "
    info += "shutter_state 6A, estimated_source_in_shutter_x E, estimated_source_in_shutter_y E, dither_point_index I, primary_source 1A"
    source = "program J, source_id J, source_name 40A, alias 31A, ra D deg, dec D deg, preimage_id 30A, stellarity D"
    return (
        Image("SHUTTER_IMAGE", "i2", (342, 730)),
        Table("SHUTTER_INFO", columns(info), 240),
        Table("SOURCE_INFO", columns(source), 80),
    )


def _spectra(slits: int, flavour: str) -> tuple[Part, ...]:
    if flavour == "sources":
        wide = ", ".join(f"{column.name} {SERIES_CHANNELS}{column.form} {column.unit}{'+' * 0}" for column in SPECTRUM[:3])
        head = "SOURCE_ID J, N_ALONGDISP J, SOURCE_RA D deg, SOURCE_DEC D deg, SOURCE_TYPE 10A"
        return (Table("EXTRACT1D", columns(f"{head}, {wide}"), SOURCES),)
    return tuple(Table("EXTRACT1D", SPECTRUM, SPECTRUM_ROWS, ver) for ver in range(1, max(1, slits) + 1))


def _series(integrations: int) -> Table:
    wide = ", ".join(f"{name} {SERIES_CHANNELS}D {unit}" for name, unit in (("WAVELENGTH", "um"), ("FLUX", "Jy"), ("FLUX_ERROR", "Jy")))
    head = "INT_NUM J, N_ALONGDISP J, SEGMENT J, MJD-BEG D d, MJD-AVG D d, MJD-END D d, TDB-MID D d"
    return Table("EXTRACT1D", columns(f"{head}, {wide}"), integrations)


def _interferometry() -> tuple[Part, ...]:
    """OIFITS 2: seven holes make 21 baselines, 35 triangles and 35 quads."""
    base = "TARGET_ID I, TIME D s, MJD D d, INT_TIME D s"
    array = "TEL_NAME 16A, STA_NAME 16A, STA_INDEX I, DIAMETER E m, STAXYZ 3D m, FOV D arcsec, FOVTYPE 6A, CTRS_EQT 2D m, PISTONS D rad, PIST_ERR D rad"
    return (
        Table("OI_ARRAY", columns(array), 7),
        Table("OI_TARGET", columns("TARGET_ID I, TARGET 16A, RAEP0 D deg, DECEP0 D deg, EQUINOX E yr"), 1),
        Table("OI_T3", columns(f"{base}, T3AMP D, T3AMPERR D, T3PHI D deg, T3PHIERR D deg, U1COORD D m, V1COORD D m, U2COORD D m, V2COORD D m, STA_INDEX 3I, FLAG L"), 35),
        Table("OI_VIS", columns(f"{base}, VISAMP D, VISAMPERR D, VISPHI D deg, VISPHIERR D deg, UCOORD D m, VCOORD D m, STA_INDEX 2I, FLAG L"), 21),
        Table("OI_VIS2", columns(f"{base}, VIS2DATA D, VIS2ERR D, UCOORD D m, VCOORD D m, STA_INDEX 2I, FLAG L"), 21),
        Table("OI_Q4", columns(f"{base}, Q4AMP D, Q4AMPERR D, Q4PHI D deg, Q4PHIERR D deg, STA_INDEX 4I, FLAG L"), 35),
        Table("OI_WAVELENGTH", columns("EFF_WAVE E m, EFF_BAND E m"), 1),
    )


def _guide(suffix: str, frame: tuple[int, int]) -> tuple[Part, ...]:
    packet = columns("observatory_time 23A, centroid_time 23A, guide_star_position_x E arcsec, guide_star_position_y E arcsec, guide_star_instrument_counts_per_sec E, signal_to_noise_current_frame E")
    if suffix == "stream":
        return (Table("POINTING", columns("time D d, jitter E mas, delta_dec E mas, delta_ra E mas, delta_aperture_pa E mas, delta_v2 E mas, delta_v3 E mas"), 120),)
    if suffix == "uncal":
        return (Image("SCI", "u2", (1, 8, *frame), "DN", blocks=3), Table("CENTROID_PACKET", packet, 60))
    shape = (8, *frame)
    return (*_masked(shape, RATE), Table("CENTROID_PACKET", packet, 60))
