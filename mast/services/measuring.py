"""Numbers of a file's image: pixels, histograms, statistics, profiles, cut-outs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mast import errors
from mast.fits.plan import Plane
from mast.models import DataFile
from mast.services.viewer import Corners, pixels_of, pyramid_of

if TYPE_CHECKING:
    from mast.fits.histogram import Histogram
    from mast.fits.readout import Pixel
    from mast.fits.regions import Box, Circle


def pixel_of(
    file: DataFile, x: int, y: int, *, hdu: int | None = None, plane: Plane | None = None, box: int = 0
) -> Pixel:
    """The pixel at an array position, with `box` also the values around it."""
    from mast.fits.readout import pixel

    path, plan = pixels_of(file)
    pixels = pyramid_of(file, hdu, plane).plane
    return pixel(path, plan, x, y, hdu, plane, box=box, pixels=pixels)


def pixel_at_sky(file: DataFile, ra_deg: float, dec_deg: float, *, hdu: int | None = None) -> tuple[int, int]:
    """The array position of a place on the sky.

    Raises
    ------
    NoCelestialWcs : the image has no sky, or the place is not on its side of it
    """
    from mast.fits.wcs import image_wcs

    _, plan = pixels_of(file)
    wcs = image_wcs(plan, plan.image(hdu))
    if wcs is None:
        raise errors.NoCelestialWcs("The image has no celestial coordinates.")
    x, y = wcs.sky_to_pixel(ra_deg, dec_deg)
    return round(x), round(y)


def histogram_of(
    file: DataFile,
    bins: int = 256,
    limits: tuple[float, float] | None = None,
    *,
    hdu: int | None = None,
    plane: Plane | None = None,
) -> Histogram:
    """The histogram of a plane."""
    from mast.fits.histogram import histogram

    return histogram(pyramid_of(file, hdu, plane), bins, limits)


def statistics_of(
    file: DataFile, region: Box | Circle, *, hdu: int | None = None, plane: Plane | None = None
) -> dict[str, Any]:
    """Statistics of a region, with unit, area and the place of its centre on the sky."""
    from dataclasses import asdict

    from mast.fits.planes import choose_plane
    from mast.fits.quality import flags_beside
    from mast.fits.regions import Circle, statistics
    from mast.fits.wcs import image_wcs

    path, plan = pixels_of(file)
    image, chosen = choose_plane(plan, hdu, plane)
    pixels = pyramid_of(file, image.index, chosen).plane
    found = statistics(pixels, region, flags_beside(path, plan, image, chosen))
    if isinstance(region, Circle):
        middle = region.x, region.y
    else:
        box = region.within(pixels.shape)
        middle = (box.left + box.right - 1) / 2, (box.lower + box.upper - 1) / 2
    record: dict[str, Any] = asdict(found) | {"unit": image.unit, "areaArcsec2": None, "ra": None, "dec": None}
    if wcs := image_wcs(plan, image):
        ra, dec = wcs.pixel_to_sky(*middle)
        area = wcs.scale_arcsec(*middle) ** 2 * found.pixels
        record |= {"areaArcsec2": area, "ra": float(ra), "dec": float(dec)}
    return record


def profile_of(
    file: DataFile,
    start: tuple[float, float],
    stop: tuple[float, float],
    across: int = 1,
    *,
    hdu: int | None = None,
    plane: Plane | None = None,
) -> dict[str, Any]:
    """The values along a line, with their unit."""
    from dataclasses import asdict

    from mast.fits.regions import profile

    _, plan = pixels_of(file)
    found = profile(pyramid_of(file, hdu, plane).plane, start, stop, across)
    return asdict(found) | {"unit": plan.image(hdu).unit}


def along_cube_of(file: DataFile, x: int, y: int, r: float = 0.0, *, hdu: int | None = None) -> dict[str, Any]:
    """The spectrum at a place of a cube."""
    from dataclasses import asdict

    from mast.fits.axes import axes_of
    from mast.fits.regions import along_cube

    path, plan = pixels_of(file)
    image = plan.image(hdu)
    values = along_cube(path, plan, hdu, x, y, r)
    return {"axis": asdict(axes_of(path, plan, image)[0]), "value": values, "unit": image.unit}


def cutout_of(
    file: DataFile, corners: Corners, *, hdu: int | None = None, plane: Plane | None = None, with_all: bool = False
) -> tuple[bytes, str]:
    """A region as a FITS file."""
    from mast.fits.cutout import cutout
    from mast.fits.regions import Box

    path, plan = pixels_of(file)
    return cutout(path, plan, Box(*corners), hdu, plane, with_all=with_all), "application/fits"
