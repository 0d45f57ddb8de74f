"""Files to look at: a mosaic with noise, stars, a rotated border of NaN and holes; a long table; many spectra."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from astropy.io import fits

SHAPE = (8000, 14_000)
ROWS = 1_000_000
INTEGRATIONS, POINTS = 500, 2048


def mosaic(path: Path, shape: tuple[int, int] = SHAPE) -> Path:
    """float32 with one star to 4,000 pixels, as an i2d mosaic of a deep field has; made once."""
    if path.exists():
        return path
    height, width = shape
    draw = np.random.default_rng(42)
    sky = np.empty(shape, np.float32)
    for top in range(0, height, 500):
        part = sky[top : top + 500]
        part[:] = draw.standard_normal(part.shape, dtype=np.float32) * 0.02 + 0.35
        part += 0.05 * np.sin(np.arange(width, dtype=np.float32) / 3000)
    _add_stars(sky, draw)
    _remove_border(sky)
    header = fits.Header(
        {
            "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 34.0, "CRVAL2": -5.0, "CRPIX1": width / 2,
            "CRPIX2": height / 2, "CDELT1": -8.3e-6, "CDELT2": 8.3e-6, "BUNIT": "MJy/sr",
        }
    )  # fmt: skip
    part = path.with_suffix(".part")
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(sky, header, name="SCI")]).writeto(part, overwrite=True)
    part.rename(path)
    return path


def in_primary(mosaic: Path, path: Path) -> Path:
    """The same picture in the primary HDU, the only one that fitsmap looks into."""
    if not path.exists():
        data, header = fits.getdata(mosaic, "SCI", header=True)
        fits.PrimaryHDU(data, header).writeto(path)
    return path


def _add_stars(sky: np.ndarray, draw: np.random.Generator) -> None:
    height, width = sky.shape
    count = height * width // 4000
    xs, ys = draw.uniform(0, width, count), draw.uniform(0, height, count)
    fluxes = np.minimum(draw.pareto(1.1, count) + 0.2, 3e4)
    sizes = np.where(draw.random(count) < 0.05, draw.uniform(2, 12, count), draw.uniform(0.9, 1.3, count))
    for x, y, flux, size in zip(xs, ys, fluxes, sizes, strict=True):
        reach = int(4 * size) + 1
        left, right = max(0, int(x) - reach), min(width, int(x) + reach + 1)
        low, high = max(0, int(y) - reach), min(height, int(y) + reach + 1)
        across = np.exp(-0.5 * ((np.arange(left, right) - x) / size) ** 2).astype(np.float32)
        along = np.exp(-0.5 * ((np.arange(low, high) - y) / size) ** 2).astype(np.float32)
        sky[low:high, left:right] += np.float32(flux) * along[:, None] * across


def _remove_border(sky: np.ndarray) -> None:
    """What a dithered, rotated field does not cover, in slices so that no mask of the whole is made."""
    height, width = sky.shape
    x = np.arange(width)
    for y in range(height):
        row = sky[y]
        row[(x * 0.12 + y < 0.06 * height) | (y - x * 0.12 > 0.94 * height)] = np.nan
        row[(x - 0.12 * y < 0.02 * width) | (x + 0.12 * y > 1.06 * width)] = np.nan


def hollow(path: Path, side: int) -> Path:
    """A square image of zeros that takes no room on disk."""
    header = fits.ImageHDU(np.zeros((1, 1), np.float32), name="SCI").header
    header["NAXIS1"] = header["NAXIS2"] = side
    with path.open("wb") as file:
        file.write(fits.PrimaryHDU().header.tostring().encode() + header.tostring().encode())
        file.truncate(file.tell() + -(-4 * side * side // 2880) * 2880)
    return path


def table(path: Path, rows: int = ROWS) -> Path:
    if path.exists():
        return path
    draw = np.random.default_rng(1)
    columns = [
        fits.Column("ID", "K", array=np.arange(rows)),
        fits.Column("NAME", "12A", array=np.full(rows, b"source")),
    ]
    columns += [fits.Column(f"FLUX_{number}", "E", "Jy", array=draw.random(rows, np.float32)) for number in range(20)]
    columns += [fits.Column(f"POS_{number}", "D", "deg", array=draw.random(rows)) for number in range(6)]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="CAT")]).writeto(path)
    return path


def spectra(path: Path, count: int = INTEGRATIONS, points: int = POINTS) -> Path:
    """One row for each integration with seventeen columns, as `x1dints` have."""
    if path.exists():
        return path
    draw = np.random.default_rng(2)
    waves = np.tile(np.linspace(0.6, 5.3, points), (count, 1))
    names = [
        "FLUX", "FLUX_ERROR", "FLUX_VAR_POISSON", "FLUX_VAR_RNOISE", "FLUX_VAR_FLAT", "SURF_BRIGHT", "SB_ERROR",
        "SB_VAR_POISSON", "SB_VAR_RNOISE", "SB_VAR_FLAT", "BACKGROUND", "BKGD_ERROR", "BKGD_VAR_POISSON", "NPIXELS",
    ]  # fmt: skip
    columns = [fits.Column("INT_NUM", "J", array=np.arange(1, count + 1))]
    columns += [fits.Column("WAVELENGTH", f"{points}D", "um", array=waves)]
    columns += [fits.Column(name, f"{points}D", "Jy", array=draw.normal(1, 0.1, (count, points))) for name in names]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="EXTRACT1D")]).writeto(path)
    return path


def bytes_of(shape: tuple[int, int]) -> int:
    return 4 * math.prod(shape)
