"""Columns of the tables in JWST products: name, TFORM, unit; `+` marks unsigned integers."""

from __future__ import annotations

from typing import Final

from mast.practice.fits_layout import Column, columns

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
    "WAVELENGTH D um, FLUX D Jy, FLUX_ERROR D Jy, FLUX_VAR_POISSON D Jy^2, FLUX_VAR_RNOISE D Jy^2, "
    "FLUX_VAR_FLAT D Jy^2, SURF_BRIGHT D MJy/sr, SB_ERROR D MJy/sr, SB_VAR_POISSON D (MJy/sr)^2, "
    "SB_VAR_RNOISE D (MJy/sr)^2, SB_VAR_FLAT D (MJy/sr)^2, DQ J+, BACKGROUND D MJy/sr, BKGD_ERROR D MJy/sr, "
    "BKGD_VAR_POISSON D (MJy/sr)^2, BKGD_VAR_RNOISE D (MJy/sr)^2, BKGD_VAR_FLAT D (MJy/sr)^2, NPIXELS D"
)
COMBINED: Final = columns(
    "WAVELENGTH D um, FLUX D Jy, ERROR D Jy, SURF_BRIGHT D MJy/sr, SB_ERROR D MJy/sr, DQ J+, WEIGHT D, N_INPUT D"
)
SHUTTER_INFO: Final = columns(
    "slitlet_id I, msa_metadata_id I, shutter_quadrant I, shutter_row I, shutter_column I, source_id J, background 1A, "
    "shutter_state 6A, estimated_source_in_shutter_x E, estimated_source_in_shutter_y E, dither_point_index I, "
    "primary_source 1A"
)
SOURCE_INFO: Final = columns(
    "program J, source_id J, source_name 40A, alias 31A, ra D deg, dec D deg, preimage_id 30A, stellarity D"
)
CENTROIDS: Final = columns(
    "observatory_time 23A, centroid_time 23A, guide_star_position_x E arcsec, guide_star_position_y E arcsec, "
    "guide_star_instrument_counts_per_sec E, signal_to_noise_current_frame E"
)
POINTING: Final = columns(
    "time D d, jitter E mas, delta_dec E mas, delta_ra E mas, delta_aperture_pa E mas, delta_v2 E mas, delta_v3 E mas"
)
SOLUTIONS: Final = columns("coefficients 44D")

_MEASUREMENT: Final = "TARGET_ID I, TIME D s, MJD D d, INT_TIME D s"
_PLANE: Final = "UCOORD D m, VCOORD D m"
INTERFEROMETRY: Final[dict[str, tuple[tuple[Column, ...], int]]] = {
    "OI_ARRAY": (
        columns(
            "TEL_NAME 16A, STA_NAME 16A, STA_INDEX I, DIAMETER E m, STAXYZ 3D m, FOV D arcsec, FOVTYPE 6A, "
            "CTRS_EQT 2D m, PISTONS D rad, PIST_ERR D rad"
        ),
        7,
    ),
    "OI_TARGET": (columns("TARGET_ID I, TARGET 16A, RAEP0 D deg, DECEP0 D deg, EQUINOX E yr"), 1),
    "OI_T3": (
        columns(
            f"{_MEASUREMENT}, T3AMP D, T3AMPERR D, T3PHI D deg, T3PHIERR D deg, U1COORD D m, V1COORD D m, "
            "U2COORD D m, V2COORD D m, STA_INDEX 3I, FLAG L"
        ),
        35,
    ),
    "OI_VIS": (
        columns(
            f"{_MEASUREMENT}, VISAMP D, VISAMPERR D, VISPHI D deg, VISPHIERR D deg, {_PLANE}, STA_INDEX 2I, FLAG L"
        ),
        21,
    ),
    "OI_VIS2": (columns(f"{_MEASUREMENT}, VIS2DATA D, VIS2ERR D, {_PLANE}, STA_INDEX 2I, FLAG L"), 21),
    "OI_Q4": (
        columns(f"{_MEASUREMENT}, Q4AMP D, Q4AMPERR D, Q4PHI D deg, Q4PHIERR D deg, STA_INDEX 4I, FLAG L"),
        35,
    ),
    "OI_WAVELENGTH": (columns("EFF_WAVE E m, EFF_BAND E m"), 1),
}
"""Tables of OIFITS 2 with their rows: seven holes make 21 baselines, 35 triangles and 35 quads."""


def series(channels: int) -> tuple[Column, ...]:
    """A spectrum per integration: one row each, wavelengths along the row."""
    head = "INT_NUM J, N_ALONGDISP J, SEGMENT J, MJD-BEG D d, MJD-AVG D d, MJD-END D d, TDB-MID D d"
    return columns(f"{head}, {_along(channels)}")


def sources(channels: int) -> tuple[Column, ...]:
    """A spectrum per source of a slitless field: one row each."""
    head = "SOURCE_ID J, N_ALONGDISP J, SOURCE_RA D deg, SOURCE_DEC D deg, SOURCE_TYPE 10A"
    return columns(f"{head}, {_along(channels)}")


def _along(channels: int) -> str:
    return f"WAVELENGTH {channels}D um, FLUX {channels}D Jy, FLUX_ERROR {channels}D Jy"


def wavelengths(channels: int) -> tuple[Column, ...]:
    """The lookup table of a spectral axis."""
    return columns(f"nelem I, wavelength {channels}E um")
