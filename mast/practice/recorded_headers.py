"""An observation's row from the headers of a real FITS file, for files that were recorded without one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from mast.practice import optics
from mast.practice.columns import Row
from mast.practice.fits_layout import BLOCK

Cards = dict[str, Any]

_MODES: Final = {"NRS_IFU": "IFU", "NRS_MSASPEC": "MSA", "MIR_MRS": "IFU", "NRS_FIXEDSLIT": "SLIT"}
_NAME: Final = re.compile(r"jw(\d{5})(?:\d{6}_|-[oac]\d+_).*")


def observation(path: Path) -> Row:
    """The columns of an observation row that name and headers tell; the others stay out."""
    primary, extension = read_headers(path)
    cards = extension | primary
    named = cards.get("FILENAME") or path.name
    obs_id = str(named).rpartition(".")[0]
    program = _NAME.fullmatch(obs_id)
    if program:
        obs_id = obs_id.rpartition("_")[0]
    instrument = cards.get("INSTRUME") or next(
        (name.upper() for name in optics.FIELD_ARCSEC if name in path.name), None
    )
    mode = _MODES.get(str(cards.get("EXP_TYPE")), "IMAGE")
    filters = ";".join(str(cards[key]) for key in ("FILTER", "GRATING") if cards.get(key))
    filters = filters or optics.filters_of(obs_id.rpartition(f"_{(instrument or '').lower()}_")[2])
    low, high = optics.wavelengths_nm(filters)
    region = cards.get("S_REGION")
    return {
        "intentType": "science",
        "obs_collection": "JWST",
        "provenance_name": "CALJWST",
        "instrument_name": f"{instrument}/{mode}" if instrument else None,
        "project": "JWST",
        "filters": filters or None,
        "wave_region": "INFRARED",
        "wavelength_region": "INFRARED",
        "target_name": cards.get("TARGPROP"),
        "obs_id": obs_id,
        "s_ra": cards.get("TARG_RA", cards.get("CRVAL1")),
        "s_dec": cards.get("TARG_DEC", cards.get("CRVAL2")),
        "dataproduct_type": "cube" if mode == "IFU" else "spectrum" if mode in {"MSA", "SLIT"} else "image",
        "proposal_pi": cards.get("PI_NAME"),
        "proposal_id": str(int(program[1])) if program else None,
        "proposal_type": cards.get("CATEGORY"),
        "calib_level": 3 if not program or "-" in obs_id.partition("_")[0] else 2,
        "t_min": cards.get("EXPSTART"),
        "t_max": cards.get("EXPEND"),
        "t_exptime": cards.get("EFFEXPTM"),
        "em_min": low,
        "em_max": high,
        "wave_min": low,
        "wave_max": high,
        "obs_title": cards.get("TITLE"),
        "s_region": str(region).replace("ICRS ", "") if region else None,
        "dataRights": "PUBLIC",
        "mtFlag": cards.get("TARGTYPE") == "MOVING",
    }


def read_headers(path: Path) -> tuple[Cards, Cards]:
    """Cards of the primary header and of the first extension's, which is empty in a file without one."""
    with path.open("rb") as stream:
        primary = _header(stream)
        stream.seek(_data_bytes(primary), 1)
        return primary, _header(stream)


def _header(stream: IO[bytes]) -> Cards:
    cards: Cards = {}
    while block := stream.read(BLOCK).decode("ascii", "replace"):
        lines = [block[start : start + 80] for start in range(0, BLOCK, 80)]
        for keyword, value in _cards(lines):
            if keyword == "CONTINUE" and cards:
                last = next(reversed(cards))
                cards[last] = str(cards[last]).removesuffix("&") + str(value)
            else:
                cards[keyword] = value
        if any(line.startswith("END     ") for line in lines):
            break
    return {key: value.removesuffix("&") if isinstance(value, str) else value for key, value in cards.items()}


def _cards(lines: list[str]) -> Iterator[tuple[str, Any]]:
    for line in lines:
        if line[8:10] == "= " or line.startswith("CONTINUE"):
            yield line[:8].strip(), _value(line[10:].strip())


def _value(text: str) -> Any:
    if text.startswith("'"):
        match = re.match(r"'((?:[^']|'')*)'", text)
        return match[1].replace("''", "'").rstrip() if match else text
    plain = text.partition("/")[0].strip()
    if plain in {"T", "F"}:
        return plain == "T"
    try:
        return int(plain) if re.fullmatch(r"[-+]?\d+", plain) else float(plain)
    except ValueError:
        return None


def _data_bytes(cards: Cards) -> int:
    axes = [int(cards[f"NAXIS{number}"]) for number in range(1, int(cards.get("NAXIS", 0)) + 1)]
    if not axes:
        return 0
    size = abs(int(cards["BITPIX"])) // 8
    for axis in axes:
        size *= axis
    return -(-size // BLOCK) * BLOCK
