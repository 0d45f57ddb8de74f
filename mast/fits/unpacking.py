"""What runs in the limited child that unpacks: `[path, HDUs, memory, CPU seconds, bytes]`; the copy goes to stdout."""

from __future__ import annotations

import os
import resource
import sys
import warnings
from contextlib import suppress
from typing import Any


def main(arguments: list[str]) -> None:
    """Write a plain FITS file whose images are those of the HDUs named, everything else empty."""
    path, listed, memory_bytes, cpu_s, most_bytes = arguments
    descriptor = os.open(path, os.O_RDONLY)
    # Before the limits: starting takes address space of its own.
    from astropy.io import fits

    limits = {
        resource.RLIMIT_AS: int(memory_bytes),
        resource.RLIMIT_CPU: int(cpu_s),
        resource.RLIMIT_FSIZE: int(most_bytes) + (64 << 20),
        resource.RLIMIT_CORE: 0,
    }
    for which, value in limits.items():
        with suppress(ValueError, OSError):
            resource.setrlimit(which, (value, value))
    warnings.simplefilter("ignore")
    wanted = {int(number) for number in listed.split(",") if number}
    with os.fdopen(descriptor, "rb") as file, fits.open(file, memmap=False, lazy_load_hdus=True) as hdus:
        copies = [_copy(fits, hdu, index in wanted, is_first=index == 0) for index, hdu in enumerate(hdus)]
        fits.HDUList(copies).writeto(sys.stdout.buffer, output_verify="silentfix+ignore")
    sys.stdout.buffer.flush()


def _copy(fits: Any, hdu: Any, is_wanted: bool, *, is_first: bool) -> Any:
    kind = fits.PrimaryHDU if is_first else fits.ImageHDU
    copy = kind(hdu.data, hdu.header) if is_wanted else kind()
    if not is_wanted and not is_first:
        copy.name, copy.ver = hdu.name, hdu.ver
    return copy
