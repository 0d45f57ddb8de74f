"""The plan of a file: what its inspection found. Stored with the record; pixels and rows are read by its offsets.

Standard library only: the inspecting child imports it.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from mast.errors import FileNotFound, NotViewable
from mast.fitscards import Value

VERSION: Final = 3
"""of the layout below; a stored plan of another version is made anew"""

Plane = tuple[int, ...] | str
"""Indexes of the leading axes, `(integration, group)` or `(wavelength,)`, or the name of a plane that is made:
`median` along the first of three axes; `difference,2` is the last group minus the first of integration 2 of a ramp."""

MEDIAN_BYTES: Final = 256 << 20
"""of the largest cube whose median is made on request, in a second or two"""

UNPACKED_BYTES: Final = 512 << 20
"""of the largest tile-compressed image that is unpacked"""

IMAGE_KINDS: Final = frozenset({"primary", "image"})


@dataclass(frozen=True, slots=True)
class PlanHdu:
    """One HDU: where its data lie and how to read them."""

    index: int
    name: str
    ver: int
    kind: str
    shape: tuple[int, ...]
    """numpy order; of a table (rows, row bytes)"""
    bitpix: int
    bscale: float
    bzero: float
    blank: int | None
    unit: str
    header_offset: int
    data_offset: int
    data_bytes: int
    cards: dict[str, Value] = field(default_factory=dict)
    """the WCS cards of an image"""

    @property
    def label(self) -> str:
        """`SCI`, or `SCI,2` from the second of a name on."""
        name = self.name or f"HDU {self.index}"
        return name if self.ver == 1 else f"{name},{self.ver}"

    @property
    def is_image(self) -> bool:
        """Whether it is an uncompressed picture: two axes or more, none of them empty, all of it in the file."""
        is_picture = self.kind in IMAGE_KINDS and len(self.shape) >= 2
        return is_picture and 0 < math.prod(self.shape) * abs(self.bitpix) // 8 <= self.data_bytes

    @property
    def is_packed_image(self) -> bool:
        """Whether it is a tile-compressed picture that can be shown once it is unpacked."""
        size = math.prod(self.shape) * abs(self.bitpix) // 8
        return self.kind == "compressed" and len(self.shape) >= 2 and 0 < size <= UNPACKED_BYTES

    @property
    def is_table(self) -> bool:
        """Whether it is a binary table whose rows have a width and are all in the file."""
        return self.kind == "bintable" and self.shape[1:] > (0,) and math.prod(self.shape) <= self.data_bytes


@dataclass(frozen=True, slots=True)
class View:
    """Whether the file can be shown as an image, which HDU and plane come first, and if not, why."""

    viewable: bool
    why: str = ""
    """why it cannot be shown, a sentence; empty when it can"""
    title: str = ""
    """what is shown first: `SCI, integration 1 of 3, group 5 of 5`"""
    hdu: int | None = None
    plane: Plane = ()
    is_labels: bool = False
    """a segmentation map: each whole number a colour, 0 transparent"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one file holds."""

    file_name: str
    kind: str
    """`fits`, `association`, `ecsv`, `csv`, `json`, `jpeg`, `png`, `asdf` or `unknown`"""
    size_bytes: int
    view: View
    hdus: tuple[PlanHdu, ...] = ()
    wcs: dict[str, Value] = field(default_factory=dict)
    """CRVAL1, CRVAL2, CRPIX1, … of the picture that is shown, else of the first HDU that has any"""
    facts: dict[str, Value] = field(default_factory=dict)
    """from the primary header: CAL_VER, CRDS_CTX, DATE, EXP_TYPE, …; of an association its members counted"""
    error_code: str = ""
    """of mast.errors, when the file is not what it should be"""
    version: int = VERSION

    def hdu(self, index: int) -> PlanHdu:
        if not 0 <= index < len(self.hdus):
            raise FileNotFound(f"{self.file_name} has no HDU {index}; it has {len(self.hdus)}.")
        return self.hdus[index]

    def image(self, index: int | None = None) -> PlanHdu:
        """The HDU to show: the one asked for, else the plan's choice."""
        if index is None:
            index = self.view.hdu
        if index is None:
            raise NotViewable(self.view.why)
        hdu = self.hdu(index)
        if hdu.is_packed_image:
            raise NotViewable(f"{hdu.label} is tile-compressed; only its unpacked copy can be read.")
        if not hdu.is_image:
            raise NotViewable(f"HDU {index} ({hdu.label}) holds no image that can be shown.")
        return hdu

    def find(self, name: str, ver: int = 1) -> PlanHdu | None:
        """The HDU of a name and version, or None."""
        return next((hdu for hdu in self.hdus if hdu.name == name and hdu.ver == ver), None)

    def wcs_cards(self, hdu: PlanHdu) -> dict[str, Value]:
        """The WCS cards of an image. ERR, DQ, WHT … have none of their own and borrow those of their SCI."""
        if "CRVAL1" in hdu.cards:
            return hdu.cards
        science = self.find("SCI", hdu.ver)
        if science and science.shape[-2:] == hdu.shape[-2:]:
            return science.cards
        return {}

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Plan:
        view = dict(stored["view"])
        view["plane"] = view["plane"] if isinstance(view["plane"], str) else tuple(view["plane"])
        hdus = tuple(PlanHdu(**(hdu | {"shape": tuple(hdu["shape"])})) for hdu in stored["hdus"])
        return cls(**(stored | {"view": View(**view), "hdus": hdus}))


def unviewable(file_name: str, kind: str, size_bytes: int, why: str, *, error_code: str = "", **facts: Value) -> Plan:
    """The plan of a file that is no image, with the reason."""
    return Plan(file_name, kind, size_bytes, View(viewable=False, why=why), facts=facts, error_code=error_code)
