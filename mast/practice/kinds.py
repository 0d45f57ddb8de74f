"""The HDUs of every kind of JWST product: names, order, dimensions, units. Nothing here makes a pixel.

Source: JWST user documentation, data products and file formats. Frames are smaller than the real detectors'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from mast.practice import table_columns
from mast.practice.fits_layout import Image, Layout, Part, Table
from mast.practice.subject import Subject

SURFACE: Final = "MJy/sr"
RATE: Final = "DN/s"
GROUPS: Final = 4
SLITS: Final = 3
CHANNELS: Final = {"spectrum": 600, "series": 300, "s2d": 400, "s3d": 120}
"""Wavelengths of a table of one spectrum, of many, of a rectified spectrum and of a cube."""

# suffix, dimensions of SCI, its unit, parts in order
_KINDS: Final = """
ramp        | ramp       | DN     | SCI PIXELDQ GROUPDQ INT_TIMES
dark        | ramp       | DN     | SCI PIXELDQ GROUPDQ INT_TIMES
trapsfilled | traps      |        | SCI
rate        | frame      | DN/s   | SCI ERR DQ VAR_POISSON VAR_RNOISE
rateints    | cube       | DN/s   | SCI ERR DQ VAR_POISSON VAR_RNOISE INT_TIMES
bsub        | frame      | DN/s   | SCI ERR DQ VAR_POISSON VAR_RNOISE
bsubints    | cube       | DN/s   | SCI ERR DQ VAR_POISSON VAR_RNOISE INT_TIMES
fitopt      | fits       |        | SLOPE SIGSLOPE VAR_POISSON VAR_RNOISE YINT SIGYINT WEIGHTS CRMAG PEDESTAL
cal         | frame      | MJy/sr | SCI ERR DQ AREA VAR_POISSON VAR_RNOISE VAR_FLAT
mbsub       | frame      | MJy/sr | SCI ERR DQ AREA VAR_POISSON VAR_RNOISE VAR_FLAT
crf         | frame      | MJy/sr | SCI ERR DQ AREA VAR_POISSON VAR_RNOISE VAR_FLAT
calints     | cube       | MJy/sr | SCI ERR DQ AREA VAR_POISSON VAR_RNOISE VAR_FLAT INT_TIMES
crfints     | cube       | MJy/sr | SCI ERR DQ AREA VAR_POISSON VAR_RNOISE VAR_FLAT INT_TIMES
flat        | frame      |        | SCI DQ ERR
i2d         | frame      | MJy/sr | SCI ERR CON WHT VAR_POISSON VAR_RNOISE VAR_FLAT HDRTAB
s2d         | rectified  | MJy/sr | SCI ERR CON WHT VAR_POISSON VAR_RNOISE VAR_FLAT WCS-TABLE HDRTAB
s3d         | spectral   | MJy/sr | SCI ERR DQ WMAP WCS-TABLE HDRTAB
psfstack    | psfs       | MJy/sr | SCI DQ ERR
psfalign    | psfs       | MJy/sr | SCI ERR DQ
psfsub      | subtracted | MJy/sr | SCI ERR DQ
amilg       | fringes    |        | CTRD N_CTRD FIT N_FIT RESID N_RESID SOLNS
wfscmb      | frame      | MJy/sr | SCI ERR DQ
blot        | frame      | MJy/sr | SCI
median      | frame      | MJy/sr | SCI
snr         | frame      | MJy/sr | SCI
msa         | shutters   |        | SHUTTER_IMAGE SHUTTER_INFO SOURCE_INFO
x1d         | frame      |        | EXTRACT1D
c1d         | frame      |        | COMBINE1D
x1dints     | frame      |        | SERIES INT_TIMES
"""
_SLIT_PARTS: Final = [
    "SCI",
    "DQ",
    "ERR",
    "WAVELENGTH",
    "VAR_POISSON",
    "VAR_RNOISE",
    "VAR_FLAT",
    "PATHLOSS_UN",
    "BARSHADOW",
]
_SLIT_S2D_PARTS: Final = ["SCI", "ERR", "CON", "WHT", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT", "WCS-TABLE"]
_PRODUCT_NAMES: Final = {"SERIES": "EXTRACT1D", "SOURCES": "EXTRACT1D"}
"""Names in the file of parts that the table above tells apart."""


@dataclass(frozen=True, slots=True)
class Kind:
    shape: str
    unit: str
    parts: tuple[str, ...]


def _read(text: str) -> dict[str, Kind]:
    lines = ([part.strip() for part in line.split("|")] for line in text.strip().splitlines())
    return {suffix: Kind(shape, unit, tuple(parts.split())) for suffix, shape, unit, parts in lines}


KINDS: Final = _read(_KINDS)
_UNKNOWN: Final = Kind("frame", SURFACE, ("SCI",))


@dataclass(frozen=True, slots=True)
class Dimensions:
    """What a layout depends on beside the suffix; equal ones share one layout."""

    frame: tuple[int, int]
    integrations: int
    slits: int
    instrument: str
    mode: str

    def shape(self, name: str) -> tuple[int, ...]:
        """A shape by its name, numpy order."""
        rows, columns = self.frame
        return {
            "frame": (rows, columns),
            "cube": (self.integrations, rows, columns),
            "ramp": (self.integrations, GROUPS, rows, columns),
            "fits": (self.integrations, 1, rows, columns),
            "traps": (3, rows, columns),
            "rectified": (40, CHANNELS["s2d"]),
            "spectral": (CHANNELS["s3d"], 45, 47),
            "psfs": (5, 80, 80),
            "subtracted": (self.integrations, 80, 80),
            "fringes": (3, 80, 80),
            "shutters": (342, 730),
            "slit": (24, CHANNELS["s2d"]),
        }[name]


def layout_of(subject: Subject) -> Layout:
    """The parts of a FITS file by its suffix; an unknown suffix gets a plain image."""
    instrument = "guide star" if subject.is_guide_star else subject.instrument
    mode = "SOURCES" if subject.mode == "WFSS" and not subject.is_exposure else subject.mode
    return _layout(
        subject.suffix, Dimensions(_frame(subject), _integrations(subject), _slits(subject), instrument, mode)
    )


def _frame(subject: Subject) -> tuple[int, int]:
    """Rows and columns of the file's pictures."""
    if not subject.is_exposure and subject.suffix in {"i2d", "segm", "wfscmb", "blot", "median", "snr"}:
        return _mosaic_shape(subject)
    if subject.is_guide_star:
        return (32, 32)
    sub = re.search(r"sub(\d+)", f"{subject.row['obs_id']} {subject.stem}")
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
    """A few combined images are large enough for the many chunks of a transfer to be seen."""
    return (subject.program, tuple(subject.elements)) in {("2733", ("F090W",)), ("2731", ("F335M",))}


def _integrations(subject: Subject) -> int:
    if subject.is_time_series:
        return 12
    return 3 if subject.mode in {"CORON", "AMI"} else 1


def _slits(subject: Subject) -> int:
    """Spectra side by side in one file; a source's own combined file has one."""
    if subject.mode not in {"MSA", "WFSS", "SLIT"} or subject.instrument == "miri":
        return 0
    return SLITS if subject.is_exposure else 1


@lru_cache(maxsize=512)
def _layout(suffix: str, dimensions: Dimensions) -> Layout:
    if dimensions.instrument == "guide star":
        return Layout(_guide_star(suffix, dimensions))
    if suffix == "uncal":
        return Layout(_uncal(dimensions))
    if suffix == "segm":
        return Layout((Image("SCI", "i4", dimensions.frame, blocks=3),))
    if suffix.endswith("-oi"):
        return Layout(tuple(Table(name, *rows) for name, rows in table_columns.INTERFEROMETRY.items()))
    if dimensions.slits and suffix in {"cal", "crf", "flat", "bsub", "mbsub", "s2d", "x1d"}:
        return Layout(_by_slit(suffix, dimensions))
    kind = KINDS.get(suffix, _UNKNOWN)
    names = (name for name in kind.parts if name != "AREA" or dimensions.mode == "IMAGE")
    return Layout(tuple(_part(name, kind, dimensions) for name in names))


def _by_slit(suffix: str, dimensions: Dimensions) -> tuple[Part, ...]:
    """EXTVER tells the slits apart; each is a narrow picture, or a table, of its own."""
    if suffix == "x1d":
        name = "SOURCES" if dimensions.mode == "SOURCES" else "EXTRACT1D"
        return tuple(_part(name, KINDS["x1d"], dimensions, ver) for ver in range(1, dimensions.slits + 1))
    names = _SLIT_S2D_PARTS if suffix == "s2d" else _SLIT_PARTS
    kind = Kind("slit", SURFACE, tuple(names))
    return tuple(_part(name, kind, dimensions, ver) for ver in range(1, dimensions.slits + 1) for name in names)


def _part(name: str, kind: Kind, dimensions: Dimensions, ver: int = 1) -> Part:
    table = _TABLES.get(name)
    if table is not None:
        columns, rows = table
        return Table(_PRODUCT_NAMES.get(name, name), columns, rows or dimensions.integrations, ver)
    if name == "WCS-TABLE":
        channels = CHANNELS["s3d" if kind.shape == "spectral" else "s2d"]
        return Table(name, table_columns.wavelengths(channels), 1, ver)
    return _image(name, kind, dimensions, ver)


_TABLES: Final = {
    "INT_TIMES": (table_columns.INT_TIMES, 0),
    "HDRTAB": (table_columns.HDRTAB, 4),
    "EXTRACT1D": (table_columns.SPECTRUM, CHANNELS["spectrum"]),
    "COMBINE1D": (table_columns.COMBINED, CHANNELS["spectrum"]),
    "SERIES": (table_columns.series(CHANNELS["series"]), 0),
    "SOURCES": (table_columns.sources(CHANNELS["series"]), 40),
    "SOLNS": (table_columns.SOLUTIONS, 3),
    "SHUTTER_INFO": (table_columns.SHUTTER_INFO, 240),
    "SOURCE_INFO": (table_columns.SOURCE_INFO, 80),
    "CENTROID_PACKET": (table_columns.CENTROIDS, 60),
    "POINTING": (table_columns.POINTING, 120),
}
"""Columns and rows; no rows means one for each integration."""
_DTYPES: Final = {"DQ": "u4", "PIXELDQ": "u4", "GROUPDQ": "u1", "CON": "i4", "SHUTTER_IMAGE": "i2"}
_UNITLESS: Final = frozenset({"DQ", "PIXELDQ", "GROUPDQ", "CON", "WHT", "WMAP", "AREA", "PATHLOSS_UN", "BARSHADOW"})


def _image(name: str, kind: Kind, dimensions: Dimensions, ver: int) -> Image:
    shape = dimensions.shape(kind.shape)
    if name in {"AREA", "PIXELDQ"}:
        shape = shape[-2:]
    elif name == "CON":
        shape = (1, *shape)
    elif name == "PEDESTAL":
        shape = dimensions.shape("cube")
    blocks = 3 if name in {"SCI", "SLOPE", "CTRD"} else 1
    return Image(name, _DTYPES.get(name, "f4"), shape, _unit(name, kind.unit), ver, blocks)


def _unit(name: str, unit: str) -> str:
    if name == "WAVELENGTH":
        return "um"
    if name in _UNITLESS or not unit:
        return ""
    return f"({unit})^2" if name.startswith("VAR_") else unit


def _uncal(dimensions: Dimensions) -> tuple[Part, ...]:
    """Raw counts: beside SCI a first frame in the near-infrared, reference output in the mid-infrared."""
    ramp = dimensions.shape("ramp")
    parts: list[Part] = [Image("SCI", "u2", ramp, "DN", blocks=3)]
    if dimensions.instrument in {"nircam", "niriss", "fgs"}:
        parts.append(Image("ZEROFRAME", "u2", dimensions.shape("cube"), "DN"))
    if dimensions.instrument == "miri":
        parts.append(Image("REFOUT", "u2", (*ramp[:-1], 64), "DN"))
    groups = Table("GROUP", table_columns.GROUP, dimensions.integrations * GROUPS)
    return (*parts, groups, Table("INT_TIMES", table_columns.INT_TIMES, dimensions.integrations))


def _guide_star(suffix: str, dimensions: Dimensions) -> tuple[Part, ...]:
    kind = Kind("frame", RATE, ())
    if suffix == "stream":
        return (_part("POINTING", kind, dimensions),)
    packet = _part("CENTROID_PACKET", kind, dimensions)
    shape = (8, *dimensions.frame)
    if suffix == "uncal":
        return (Image("SCI", "u2", (1, *shape), "DN", blocks=3), packet)
    return (
        Image("SCI", "f4", shape, RATE, blocks=3),
        Image("ERR", "f4", shape, RATE),
        Image("DQ", "u4", shape),
        packet,
    )
