"""Limits and stretches of a picture, number for number those of ``astropy.visualization``, without importing it.

Sources: astropy ``ZScaleInterval`` (IRAF's zscale by way of stsci.numdisplay), ``ManualInterval``, ``LinearStretch``,
``LogStretch``, ``SqrtStretch``, ``AsinhStretch``, ``PowerStretch``, ``HistEqStretch`` (BSD-3-Clause). Tests compare.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mast.errors import BadQuery
from mast.fits.options import STRETCHES

Knots = tuple[NDArray[Any], NDArray[np.float64]]
"""Values in ascending order and each one's share of the cumulative distribution, 0 to 1."""

SAMPLES: Final = 1000
_CONTRAST: Final = 0.25
_MAX_REJECT: Final = 0.5
_MIN_PIXELS: Final = 5
_SIGMAS: Final = 2.5
_ITERATIONS: Final = 5

_LOG_A: Final = 1000.0
_ASINH_A: Final = 0.1
_POWER: Final = 2.0


def zscale_limits(values: NDArray[Any]) -> tuple[float, float]:
    """The limits of astropy's ``ZScaleInterval`` for these values; (0, 1) when none is finite."""
    finite = values[np.isfinite(values)]
    stride = int(max(1.0, finite.size / SAMPLES))
    return zscale_of_sample(finite[::stride][:SAMPLES])


def zscale_of_sample(sample: NDArray[Any]) -> tuple[float, float]:
    """The same from the sample itself (`planes.finite_sample`): at most 1,000 finite values in the file's order."""
    if not sample.size:
        return 0.0, 1.0
    ordered = np.sort(sample)
    slope = _fit_slope(ordered)
    low, high = ordered[0], ordered[-1]
    if slope is not None:
        slope = slope / _CONTRAST
        count, center = len(ordered), (len(ordered) - 1) // 2
        median = np.median(ordered)
        low = max(low, median - (center - 1) * slope)
        high = min(high, median + (count - center) * slope)
    return float(low), float(high)


def _fit_slope(ordered: NDArray[Any]) -> Any:
    """Slope of a line fitted to the sorted sample with outliers rejected; None when too few pixels are good."""
    count = len(ordered)
    least = max(_MIN_PIXELS, int(count * _MAX_REJECT))
    x = np.arange(count)
    good_count, last_good_count = count, count + 1
    bad = np.zeros(count, dtype=bool)
    kernel = np.ones(max(1, int(count * 0.01)), dtype=bool)
    slope: Any = None
    for _ in range(_ITERATIONS):
        if good_count >= last_good_count or good_count < least:
            break
        fit = np.polyfit(x, ordered, deg=1, w=(~bad).astype(int))
        flat = ordered - np.poly1d(fit)(x)
        threshold = _SIGMAS * flat[~bad].std()
        bad[(flat < -threshold) | (flat > threshold)] = True
        bad = np.convolve(bad, kernel, mode="same")
        last_good_count, good_count = good_count, int(np.sum(~bad))
        slope = fit[0]
    return slope if good_count >= least else None


def stretched(
    values: NDArray[Any],
    limits: tuple[float, float],
    stretch: str = "asinh",
    *,
    gamma: float = 1.0,
    knots: Knots | None = None,
) -> NDArray[Any]:
    """Values between the limits as 0 to 1, in their own floating-point type; NaN stays NaN.

    `power` squares. With equal limits everything above them is 1. `gamma` bends the result further, as
    ``PowerStretch(1 / gamma)`` after the stretch. `knots` are of the pixels that `histeq` makes equally frequent.
    """
    low, high = limits
    if stretch not in STRETCHES:
        raise BadQuery(f"{stretch!r} is no stretch; there are {', '.join(STRETCHES)}.")
    scaled: NDArray[Any] = np.subtract(values, low)
    if high - low != 0:
        np.true_divide(scaled, high - low, out=scaled)
    np.clip(scaled, 0.0, 1.0, out=scaled)
    if stretch == "histeq":
        _equalise(scaled, knots, limits)
    else:
        _curve(scaled, stretch)
    if gamma != 1.0:
        np.power(scaled, 1.0 / gamma, out=scaled)
    return scaled


def _equalise(scaled: NDArray[Any], knots: Knots | None, limits: tuple[float, float]) -> None:
    """In place, by share of the pixels that are less, clipped to the limits, as ``HistEqStretch(clipped)`` gives it."""
    if knots is None or not knots[0].size:
        return
    ordered, shares = np.clip(knots[0], *limits), knots[1]
    low, high = ordered[0], ordered[-1]
    if high > low:
        scaled[...] = np.interp(scaled, (ordered - low) / (high - low), shares)


def _curve(scaled: NDArray[Any], stretch: str) -> NDArray[Any]:
    """The stretch of values in 0 to 1, in place."""
    match stretch:
        case "sqrt":
            np.sqrt(scaled, out=scaled)
        case "power":
            np.power(scaled, _POWER, out=scaled)
        case "log":
            np.multiply(scaled, _LOG_A, out=scaled)
            np.add(scaled, 1.0, out=scaled)
            np.log(scaled, out=scaled)
            np.true_divide(scaled, np.log(_LOG_A + 1.0), out=scaled)
        case "asinh":
            np.true_divide(scaled, _ASINH_A, out=scaled)
            np.arcsinh(scaled, out=scaled)
            np.true_divide(scaled, np.arcsinh(1.0 / _ASINH_A), out=scaled)
    return scaled
