"""Preview pictures of products: JPEG of an image, PNG plot of a spectrum, each of exactly the size the list says."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageDraw

from mast.practice import fits_factory
from mast.practice.fits_layout import Image, Layout
from mast.practice.fits_pictures import Painter
from mast.practice.kinds import layout_of
from mast.practice.subject import Subject

_FULL_PIXELS: Final = 512
_THUMB_PIXELS: Final = 128


def make(subject: Subject, size_bytes: int) -> bytes:
    """The preview, filled up with a comment to its size; made smaller until it fits."""
    if subject.extension == "png":
        return _png(subject, size_bytes)
    grey = _stretched(_first_plane(subject))
    pixels = _THUMB_PIXELS if "_thumb." in subject.file_name else _FULL_PIXELS
    while True:
        body = _jpeg(grey, pixels)
        if len(body) <= size_bytes or pixels <= 8:
            return _pad_jpeg(body, size_bytes)
        pixels //= 2


def _first_plane(subject: Subject) -> NDArray[Any]:
    """The picture the preview shows: of the FITS file of the same name."""
    source = replace(subject, file_name=f"{subject.stem}.fits")
    layout: Layout = layout_of(source)
    part = next((part for part in layout.parts if isinstance(part, Image)), Image("SCI", "f4", (64, 64)))
    painter = Painter(source, fits_factory.frame_of(source, layout))
    plane = painter.image(part)
    return np.asarray(plane.reshape(-1, *plane.shape[-2:])[-1], dtype=np.float32)


def _stretched(plane: NDArray[Any]) -> NDArray[np.uint8]:
    good = plane[np.isfinite(plane)]
    low, high = np.percentile(good, [2.0, 99.7]) if good.size else (0.0, 1.0)
    value = np.nan_to_num((plane - low) / max(1e-9, high - low)).clip(0, 1)
    return np.asarray(np.arcsinh(value * 10) / np.arcsinh(10) * 255, dtype=np.uint8)[::-1]


def _jpeg(grey: NDArray[np.uint8], pixels: int) -> bytes:
    stream = io.BytesIO()
    picture = Pictures.fromarray(grey)
    picture.thumbnail((pixels, pixels))
    picture.save(stream, "JPEG", quality=80, optimize=True)
    return stream.getvalue()


def _pad_jpeg(body: bytes, size_bytes: int) -> bytes:
    """Comment segments after the start marker; a rest too short for one more rides behind the end marker."""
    comments = b""
    rest = size_bytes - len(body)
    while rest - len(comments) >= 4:
        length = min(65_533, rest - len(comments) - 4)
        comments += b"\xff\xfe" + struct.pack(">H", length + 2) + b" " * length
    return body[:2] + comments + body[2:] + b"\0" * max(0, rest - len(comments))


def _png(subject: Subject, size_bytes: int) -> bytes:
    """A line plot of a spectrum."""
    width, height = (640, 320) if size_bytes >= 15_000 else (96, 48)
    draw = np.random.default_rng(subject.seed)
    light = 1 + 0.3 * np.sin(np.linspace(0, 5, width)) + draw.normal(0, 0.03, width)
    for centre in draw.integers(10, width - 10, 6):
        light[centre - 2 : centre + 3] += draw.uniform(0.5, 3.0)
    scaled = height - 20 - (light - light.min()) / (light.max() - light.min()) * (height - 40)
    picture = Pictures.new("L", (width, height), 255)
    ImageDraw.Draw(picture).line([(x, float(y)) for x, y in enumerate(scaled)], fill=0)
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return _pad_png(stream.getvalue(), size_bytes)


def _pad_png(body: bytes, size_bytes: int) -> bytes:
    """A text chunk before the end chunk fills the file up."""
    rest = size_bytes - len(body) - 12
    if rest < 2:
        return body.ljust(size_bytes, b"\0")
    chunk = b"tEXt" + (b"Comment\0" if rest >= 8 else b"C\0").ljust(rest, b" ")
    return body[:-12] + struct.pack(">I", rest) + chunk + struct.pack(">I", zlib.crc32(chunk)) + body[-12:]
