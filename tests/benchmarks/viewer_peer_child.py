"""First views as the users of other tools make them; run by the interpreter of the peers' own environment.

`python viewer_peer_child.py imshow|pil|fitsmap|recipe FITS OUT`; what each prints as JSON is what a user waits for.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

START = time.perf_counter()
PATH, OUT = sys.argv[2:4]


def imshow() -> None:
    """The notebook's recipe."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from astropy.io import fits
    from astropy.visualization import AsinhStretch, ImageNormalize, ZScaleInterval

    data = fits.getdata(PATH, "SCI")
    norm = ImageNormalize(data, interval=ZScaleInterval(), stretch=AsinhStretch(), clip=True)
    plt.figure(figsize=(10.24, 5.85))
    plt.imshow(data, norm=norm, origin="lower", cmap="gray")
    plt.savefig(OUT)


def pil() -> None:
    """Normalised whole, as a thumbnail."""
    import numpy as np
    from astropy.io import fits
    from astropy.visualization import AsinhStretch, ImageNormalize, ZScaleInterval
    from PIL import Image

    data = fits.getdata(PATH, "SCI")
    norm = ImageNormalize(data, interval=ZScaleInterval(), stretch=AsinhStretch(), clip=True)
    levels = (np.ma.filled(norm(data), 0) * 255).astype(np.uint8)
    picture = Image.fromarray(levels[::-1])
    picture.thumbnail((1024, 1024))
    picture.save(OUT, quality=90)


def fitsmap() -> None:
    """All tiles are made before any is seen."""
    from fitsmap import convert

    convert.files_to_map([PATH], out_dir=OUT, norm_kwargs={"stretch": "asinh"})


def recipe() -> dict[str, float]:
    """One tile: open, z-scale of the whole image, cut out, encode; the median of three."""
    import io

    import numpy as np
    from astropy.io import fits
    from astropy.visualization import AsinhStretch, ImageNormalize, ZScaleInterval
    from PIL import Image

    taken = []
    for x, y in ((20, 12), (30, 9), (8, 20), (40, 15)):
        start = time.perf_counter()
        with fits.open(PATH) as hdus:
            data = hdus["SCI"].data
            norm = ImageNormalize(data, interval=ZScaleInterval(), stretch=AsinhStretch(), clip=True)
            part = norm(data[y * 256 : (y + 1) * 256, x * 256 : (x + 1) * 256])
            levels = (np.ma.filled(part, 0) * 255).astype(np.uint8)
            Image.fromarray(levels[::-1]).save(io.BytesIO(), "PNG")
        taken.append((time.perf_counter() - start) * 1e3)
    return {"tile_ms": sorted(taken[1:])[1]}


figures = {"imshow": imshow, "pil": pil, "fitsmap": fitsmap, "recipe": recipe}[sys.argv[1]]() or {}
if sys.argv[1] != "recipe" and not Path(OUT).exists():
    raise SystemExit("nothing was made")
print(json.dumps({"total_s": time.perf_counter() - START, **figures}))
