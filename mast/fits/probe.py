"""What runs in the limited child: files in, plans out. Standard library and our own pure modules only.

The parent (`inspect`) writes lines, each a JSON list of `[path, file name]`, to standard input; the child answers one
line of JSON per file, in order, so that a death tells which file caused it. It ends with its parent.
"""

from __future__ import annotations

import json
import math
import os
import re
import resource
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from typing import BinaryIO, Final

from mast.errors import DamagedFile, HostileFits, MastError
from mast.fits import others
from mast.fits.plan import Plan, PlanHdu, View, unviewable
from mast.fits.views import choose_view
from mast.fitscards import Header, Value
from mast.fitswalk import LIMITS, Hdu, WalkLimits, walk
from mast.terms import suffix_of

PLAN_CHARACTERS: Final = 16 << 20
"""of JSON; more than a plan of a JWST file takes by far"""

# fmt: off
FACTS: Final = (
    "TELESCOP", "INSTRUME", "DETECTOR", "MODULE", "CHANNEL", "BAND", "FILTER", "PUPIL", "GRATING", "SUBARRAY",
    "EXP_TYPE", "DATAMODL", "FILENAME", "CAL_VER", "CAL_VCS", "CRDS_VER", "CRDS_CTX", "SDP_VER", "DATE", "DATE-OBS",
    "DATE-BEG", "DATE-END", "EXPSTART", "EXPEND", "EFFEXPTM", "NINTS", "NGROUPS", "INTSTART", "INTEND", "EXSEGNUM",
    "EXSEGTOT", "TARGNAME", "TARGPROP", "TARG_RA", "TARG_DEC", "SRCTYPE", "PROGRAM", "OBSERVTN", "BUNIT", "ASNTABLE",
    "ASNPOOL",
)
# fmt: on
_WCS: Final = re.compile(
    r"WCSAXES|(CTYPE|CRVAL|CRPIX|CUNIT|CDELT|CROTA)\d|(PC|CD)\d_\d|(PV|PS)\d_\d+|LONPOLE|LATPOLE|RADESYS|EQUINOX"
    r"|(A|B|AP|BP)_(ORDER|\d_\d)|S_REGION"
)


def main(arguments: list[str]) -> None:
    """Inspect the files named on standard input within the limits `[memory bytes, CPU seconds]`."""
    memory_bytes, cpu_s = (int(argument) for argument in arguments)
    _limit(memory_bytes, cpu_s)
    for path, file_name in chain.from_iterable(map(json.loads, sys.stdin)):
        line = json.dumps(probe(path, file_name).to_json())
        if len(line) > PLAN_CHARACTERS:
            refusal = "The file's headers hold more than any JWST file has."
            line = json.dumps(_refused(file_name, 0, HostileFits(refusal)).to_json())
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _limit(memory_bytes: int, cpu_s: int) -> None:
    """From here on: no more memory and time than this, no file written, no core dumped."""
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: cpu_s,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for which, value in limits.items():
        # A system that does not know one of them still has the parent's clock.
        with suppress(ValueError, OSError):
            resource.setrlimit(which, (value, value))


def probe(path: str, file_name: str) -> Plan:
    """The plan of one file; what is wrong with it is in the plan."""
    size = 0
    try:
        with _open(path) as file:
            size = os.fstat(file.fileno()).st_size
            return fits_plan(file, file_name, size) if _is_fits(file, file_name) else others.plan(file, file_name, size)
    except MastError as error:
        return _refused(file_name, size, error)
    except OSError as error:
        return _refused(file_name, size, DamagedFile(f"The file could not be read: {error.strerror}."))
    except MemoryError:
        return _refused(file_name, size, HostileFits("Inspecting the file takes more memory than is allowed."))


def _refused(file_name: str, size: int, error: MastError) -> Plan:
    return unviewable(file_name, "unknown", size, error.message, error_code=error.code)


def _open(path: str) -> BinaryIO:
    # O_NONBLOCK: a named pipe must not keep the child waiting for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DamagedFile("This is not a regular file.")
    return os.fdopen(descriptor, "rb", buffering=0)


def _is_fits(file: BinaryIO, file_name: str) -> bool:
    lowered = file_name.lower()
    return lowered.endswith((".fits", ".fits.gz", ".fit", ".fts")) or file.read(10) == b"SIMPLE  = "


def fits_plan(file: BinaryIO, file_name: str, size: int, limits: WalkLimits = LIMITS) -> Plan:
    """The plan of an open FITS file, read no further than its headers.

    Raises
    ------
    NotFits, TruncatedFits, HostileFits
    """
    walked = walk(file, limits)
    hdus = tuple(_plan_hdu(hdu) for hdu in walked)
    view = choose_view(hdus, suffix_of(file_name))
    return Plan(file_name, "fits", size, view, hdus, _wcs_of(hdus, view), _facts(walked[0].cards))


def _wcs_of(hdus: Sequence[PlanHdu], view: View) -> dict[str, Value]:
    """The WCS cards of the image that is shown, else of the first HDU that has a reference point."""
    shown = [hdus[view.hdu]] if view.hdu is not None else []
    return next((hdu.cards for hdu in [*shown, *hdus] if "CRVAL1" in hdu.cards), {})


def _facts(primary: Header) -> dict[str, Value]:
    facts = {keyword: primary.get(keyword) for keyword in FACTS if keyword in primary}
    return {keyword: _short(value) for keyword, value in facts.items() if value is not None}


def _short(value: Value) -> Value:
    return value[:200] if isinstance(value, str) else value


def _plan_hdu(hdu: Hdu) -> PlanHdu:
    header = hdu.cards
    is_picture = hdu.kind in {"primary", "image", "compressed"}
    return PlanHdu(
        index=hdu.index,
        name=hdu.name,
        ver=hdu.ver,
        kind=hdu.kind,
        shape=hdu.shape,
        bitpix=hdu.bitpix,
        bscale=_real(header, "BSCALE", 1.0) or 1.0,
        bzero=_real(header, "BZERO", 0.0),
        blank=header.integer("BLANK") if hdu.bitpix > 0 else None,
        unit=header.text("BUNIT", 80),
        header_offset=hdu.header_offset,
        data_offset=hdu.data_offset,
        data_bytes=hdu.data_bytes,
        cards=_wcs_cards(header) if is_picture else {},
    )


def _real(header: Header, keyword: str, default: float) -> float:
    value = header.get(keyword)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return float(value) if math.isfinite(value) else default


def _wcs_cards(header: Header) -> dict[str, Value]:
    return {keyword: _short(header[keyword]) for keyword in header if _WCS.fullmatch(keyword)}
