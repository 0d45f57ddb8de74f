"""Any FITS product from its subject: layout, cards and data joined and written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from mast.practice import cards, cards_sky, fits_tables, fits_writer
from mast.practice.fits_layout import Image, Layout, Part, Table
from mast.practice.fits_pictures import Painter
from mast.practice.fits_writer import Card
from mast.practice.kinds import layout_of
from mast.practice.subject import Frame, Subject

_NOTHING: Final = np.zeros(0)
_FLAT_SKY: Final = frozenset({"uncal", "ramp", "dark", "rate", "rateints", "bsub", "bsubints"})
"""Products whose WCS knows nothing of distortion."""


def write(subject: Subject, stream: IO[bytes], layout: Layout | None = None) -> None:
    """Write the file to a stream; its length is `layout_of(subject).size_bytes`."""
    layout = layout or layout_of(subject)
    frame = frame_of(subject, layout)
    extensions = {(part.name, part.ver): extension_cards(subject, part, frame) for part in layout.parts}
    fits_writer.write(stream, layout, cards.primary(subject), extensions, _data(subject, layout, frame))


def _data(subject: Subject, layout: Layout, frame: Frame) -> Iterator[NDArray[Any]]:
    painter = Painter(subject, frame)
    for part in layout.all_parts:
        if isinstance(part, Image):
            yield painter.image(part)
        else:
            yield fits_tables.rows(subject, part) if isinstance(part, Table) else _NOTHING


def frame_of(subject: Subject, layout: Layout) -> Frame:
    """The sky of the file's pictures: of the first one's last two dimensions."""
    first = next((part for part in layout.parts if isinstance(part, Image)), None)
    shape = (first.shape[-2], first.shape[-1]) if first else (64, 64)
    if subject.is_exposure or subject.suffix not in {"i2d", "segm", "wfscmb"}:
        return subject.exposure_frame(shape)
    return subject.mosaic_frame(shape)


def extension_cards(subject: Subject, part: Part, frame: Frame) -> list[Card]:
    """Cards of one extension: only SCI carries the whole WCS, as in the pipeline's products."""
    if isinstance(part, Table):
        return cards_sky.slit(subject, part) if part.name in {"EXTRACT1D", "COMBINE1D"} else _oifits(part)
    if isinstance(part, Image) and part.name == "SCI":
        return [*cards_sky.science(subject, part, frame), *_wcs(subject, part, frame), *_slit(subject, part)]
    return []


def _slit(subject: Subject, part: Image) -> list[Card]:
    return cards_sky.slit(subject, part) if subject.mode in {"MSA", "SLIT", "WFSS"} and subject.suffix != "i2d" else []


def _oifits(part: Table) -> list[Card]:
    return [("OI_REVN", 2, "OIFITS revision")] if part.name.startswith("OI_") else []


def _wcs(subject: Subject, part: Image, frame: Frame) -> list[Card]:
    suffix = subject.suffix
    if suffix in {"s2d", "s3d"}:
        return _spectral_wcs(subject, part, frame)
    if suffix.startswith("psf") or subject.is_guide_star:
        return []
    distorted = subject.is_exposure and suffix not in _FLAT_SKY and suffix != "i2d"
    return cards_sky.celestial(frame, distorted=distorted)


def _spectral_wcs(subject: Subject, part: Image, frame: Frame) -> list[Card]:
    low, high = subject.row["em_min"] or 1000.0, subject.row["em_max"] or 5000.0
    count = part.shape[0] if len(part.shape) == 3 else part.shape[-1]
    tabled = suffix_is_tabled(subject)
    axes = [card for card in cards_sky.celestial(frame) if card[0] != "WCSAXES"]
    return [*cards_sky.spectral(low / 1000, (high - low) / 1000 / count, tabled=tabled), *axes]


def suffix_is_tabled(subject: Subject) -> bool:
    """A cube over several bands has uneven wavelengths and looks them up in a table."""
    return subject.suffix == "s3d" and subject.instrument == "miri"
