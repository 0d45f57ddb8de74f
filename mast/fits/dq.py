"""Names of the bits of a JWST data-quality value.

Source: ``stcal``/``jwst.datamodels.dqflags``, JWST documentation "Data quality flags".
"""

from __future__ import annotations

from typing import Final

FLAGS: Final = {
    0: "DO_NOT_USE",
    1: "SATURATED",
    2: "JUMP_DET",
    3: "DROPOUT",
    4: "OUTLIER",
    5: "PERSISTENCE",
    6: "AD_FLOOR",
    7: "CHARGELOSS",
    9: "NON_SCIENCE",
    10: "DEAD",
    11: "HOT",
    12: "WARM",
    13: "LOW_QE",
    14: "RC",
    15: "TELEGRAPH",
    16: "NONLINEAR",
    17: "BAD_REF_PIXEL",
    18: "NO_FLAT_FIELD",
    19: "NO_GAIN_VALUE",
    20: "NO_LIN_CORR",
    21: "NO_SAT_CHECK",
    22: "UNRELIABLE_BIAS",
    23: "UNRELIABLE_DARK",
    24: "UNRELIABLE_SLOPE",
    25: "UNRELIABLE_FLAT",
    26: "OPEN",
    27: "ADJ_OPEN",
    28: "FLUX_ESTIMATED",
    29: "MSA_FAILED_OPEN",
    30: "OTHER_BAD_PIXEL",
    31: "REFERENCE_PIXEL",
}

UNUSABLE: Final = 1 << 0 | 1 << 9 | 1 << 31
"""the bits of pixels that say nothing of the sky: DO_NOT_USE, NON_SCIENCE, REFERENCE_PIXEL"""


def flag_names(value: int) -> list[str]:
    """`5` as SATURATED's and others' names, lowest bit first; a bit without a name by its number."""
    return [FLAGS.get(bit, f"bit {bit}") for bit in range(value.bit_length()) if value >> bit & 1]
