"""A part of an image as a FITS file of its own: the stored bytes as they are, the header's WCS moved along.

Source: FITS Standard 4.0, sections 3.3, 4 and 8; the reference pixel moves with the corner, all else of a WCS stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mast.errors import BadQuery
from mast.fits.plan import Plan, Plane, PlanHdu
from mast.fits.planes import choose_plane, plane_of, plane_offset
from mast.fits.regions import Box
from mast.fits.stored import InspectedFile, read_strided
from mast.fits.wcs import sky_cards
from mast.fitscards import CARD
from mast.fitswalk import BLOCK, read_header

MAX_BYTES: Final = 256 << 20
# What a cut does not keep: sums of other bytes, the footprint of the whole.
_DROPPED: Final = re.compile(r"CHECKSUM|DATASUM|SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|S_REGION")
_WCS: Final = re.compile(
    r"WCSAXES|(CTYPE|CRVAL|CRPIX|CUNIT|CDELT|CROTA|CNAME|LTV)\d|(PC|CD|PS|PV|LTM)\d_\d+"
    r"|LONPOLE|LATPOLE|RADESYS|EQUINOX|(A|B|AP|BP)_(ORDER|DMAX|\d_\d)"
)
# World axes that have no pixels any more.
_OTHER_AXES: Final = re.compile(
    r"WCSAXES|(CTYPE|CRVAL|CRPIX|CUNIT|CDELT|CROTA|CNAME)[3-9]|(PC|CD|PS|PV)([3-9]_\d+|\d_[3-9])"
)
_SCALING: Final = re.compile(r"BSCALE|BZERO|BLANK")
_PICTURE_CARDS: Final = re.compile(
    r"(CTYPE|CRVAL|CUNIT|CDELT)[12]|(PC|CD)[12]_[12]|LONPOLE|LATPOLE|RADESYS|EQUINOX|BUNIT"
)


def cutout(
    path: str | Path,
    plan: Plan,
    region: Box,
    hdu: int | None = None,
    plane: Plane | None = None,
    *,
    with_all: bool = False,
) -> bytes:
    """A FITS file of a region of a plane; `with_all` adds the images of the same size and version.

    Raises
    ------
    BadQuery : the region lies outside, or would be larger than `MAX_BYTES`
    """
    image, chosen = choose_plane(plan, hdu, plane)
    box = region.within((image.shape[-2], image.shape[-1]))
    images = [image, *(_companions(plan, image) if with_all and not isinstance(chosen, str) else [])]
    if sum(box.shape[0] * box.shape[1] * abs(each.bitpix) // 8 for each in images) > MAX_BYTES:
        raise BadQuery(f"A cut-out is at most {MAX_BYTES >> 20} MiB large; choose a smaller region.")
    parts = [_primary(path, plan)]
    for each in images:
        index = chosen if isinstance(chosen, str) or each.shape == image.shape else ()
        parts.append(_image(path, plan, each, index, box))
    return b"".join(parts)


def _companions(plan: Plan, image: PlanHdu) -> list[PlanHdu]:
    sizes = {image.shape, image.shape[-2:]}
    return [
        each
        for each in plan.hdus
        if each.is_image and each.ver == image.ver and each.index != image.index and each.shape in sizes
    ]


def _primary(path: str | Path, plan: Plan) -> bytes:
    """The file's primary header without data."""
    first = [_card("SIMPLE", True), _card("BITPIX", 8), _card("NAXIS", 0), _card("EXTEND", True)]
    kept = [card for keyword, card in _cards(path, plan.hdus[0]) if not _DROPPED.fullmatch(keyword)]
    if plan.hdus[0].is_image:
        kept = [card for card in kept if not _SCALING.fullmatch(card[:8].decode("ascii", "replace").strip())]
    return _header(first + kept)


def _image(path: str | Path, plan: Plan, image: PlanHdu, plane: Plane, box: Box) -> bytes:
    height, width = box.shape
    is_made = isinstance(plane, str)
    cards = [
        _card("XTENSION", "IMAGE"),
        _card("BITPIX", -32 if is_made else image.bitpix),
        _card("NAXIS", 2),
        _card("NAXIS1", width),
        _card("NAXIS2", height),
        _card("PCOUNT", 0),
        _card("GCOUNT", 1),
    ]
    cards += [
        card
        for keyword, card in _cards(path, image)
        if not (_DROPPED.fullmatch(keyword) or _WCS.fullmatch(keyword) or (is_made and _SCALING.fullmatch(keyword)))
    ]
    cards += _wcs_of_box(path, plan, image, box)
    # Where its first pixel lay: what DS9 and IRAF call physical coordinates are those of the whole.
    cards += [_card("LTV1", -box.left), _card("LTV2", -box.lower), _card("LTM1_1", 1), _card("LTM2_2", 1)]
    said = f"{plan.file_name}, pixels {box.left + 1}:{box.right}, {box.lower + 1}:{box.upper} counted from 1"
    cards += _history(f"Cut out of {said}")
    return _header(cards) + _padded(_pixels(path, plan, image, plane, box))


def _wcs_of_box(path: str | Path, plan: Plan, image: PlanHdu, box: Box) -> Iterator[bytes]:
    """The cards that place the box on the sky, as they are written where they come from; only CRPIX moves."""
    placed = sky_cards(plan, image)
    if "CTYPE2" not in placed:
        return
    yield _card("WCSAXES", 2)
    source = image if placed is image.cards else plan.find("SCI", image.ver) or image
    shifts = {"CRPIX1": box.left, "CRPIX2": box.lower}
    for keyword, card in _cards(path, source):
        value = source.cards.get(keyword)
        if keyword in shifts and isinstance(value, int | float):
            yield _card(keyword, float(value) - shifts[keyword])
        elif _WCS.fullmatch(keyword) and keyword in placed and not _OTHER_AXES.fullmatch(keyword):
            yield card


def _pixels(path: str | Path, plan: Plan, image: PlanHdu, plane: Plane, box: Box) -> bytes:
    """The region's bytes as they are stored; of a plane that is made, big-endian float32."""
    if isinstance(plane, str):
        values = plane_of(path, plan, image.index, plane).window(box.lower, box.upper, box.left, box.right)
        return values.astype(">f4").tobytes()
    pixel_bytes = abs(image.bitpix) // 8
    stride = image.shape[-1] * pixel_bytes
    offset = plane_offset(image, plane) + box.lower * stride + box.left * pixel_bytes
    file = InspectedFile(path, plan)
    return read_strided(file.descriptor, offset, stride, box.shape[0], box.shape[1] * pixel_bytes).tobytes()


def _cards(path: str | Path, hdu: PlanHdu) -> Iterator[tuple[str, bytes]]:
    """Keyword and bytes of each card; a card that continues another has that one's keyword."""
    raw = read_header(path, hdu.header_offset).raw
    keyword = ""
    for at in range(0, len(raw), CARD):
        card = raw[at : at + CARD]
        name = card[:8].decode("ascii", "replace").strip()
        keyword = keyword if name == "CONTINUE" else name
        yield keyword, card


def _card(keyword: str, value: str | float | bool) -> bytes:
    if isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, str):
        text = f"'{value:<8}'"
    else:
        text = f"{value if isinstance(value, int) else repr(float(value)).upper():>20}"
    return f"{keyword:<8}= {text}".ljust(CARD).encode("ascii")


def _history(words: str) -> list[bytes]:
    room = CARD - 8
    pieces = [words[at : at + room] for at in range(0, len(words), room)]
    return [f"{'HISTORY':<8}{piece}".ljust(CARD).encode("ascii", "replace") for piece in pieces]


def _header(cards: list[bytes]) -> bytes:
    raw = b"".join([*cards, b"END".ljust(CARD)])
    return raw + b" " * (-len(raw) % BLOCK)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % BLOCK)


# --- pictures ---------------------------------------------------------------------------------------------------


def picture_cards(plan: Plan, hdu: int | None, box: Box, rows: int, factor: int) -> dict[str, str]:
    """What a picture of a region says of itself: its origin, and the WCS of its own pixels.

    FITS convention: the centre of the lower left pixel is 1, 1. SIP is left out; it belongs to the full pixels.
    """
    image = plan.image(hdu)
    words = {"Source": f"{plan.file_name} {image.label}", "Software": "jwst-archive"}
    cards = sky_cards(plan, image)
    pixels = [cards.get(f"CRPIX{axis}") for axis in (1, 2)]
    if "CRVAL1" not in cards or not all(isinstance(pixel, int | float) for pixel in pixels):
        return words
    # The picture begins at its upper left corner; its last row may reach below the region.
    below = rows * factor - box.shape[0]
    corner = box.left, box.lower - below
    for axis, (pixel, start) in enumerate(zip(pixels, corner, strict=True), start=1):
        words[f"CRPIX{axis}"] = repr((float(pixel) - 0.5 - start) / factor + 0.5)  # type: ignore[arg-type]
    for keyword, value in cards.items():
        if value is not None and _PICTURE_CARDS.fullmatch(keyword):
            is_scale = re.fullmatch(r"CDELT[12]|CD[12]_[12]", keyword) and isinstance(value, int | float)
            text = repr(float(value) * factor) if is_scale else str(value)
            words[keyword] = text.removesuffix("-SIP")
    return words
