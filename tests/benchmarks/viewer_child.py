"""What is measured of our viewer in a fresh process: `viewer_child.py WHAT ARGUMENT …` prints its figures as JSON."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

START = time.perf_counter()
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


def peak_mb() -> float:
    """Not ru_maxrss, which a child inherits of the process it was forked from."""
    words = Path("/proc/self/status").read_text().split()
    return int(words[words.index("VmHWM:") + 1]) / 1024


def warm(path: str) -> None:
    """The whole file is in memory's page cache, as it is when an import has just written it."""
    with Path(path).open("rb", buffering=0) as file:
        buffer = bytearray(8 << 20)
        while file.readinto(buffer):
            pass


def first_view(path: str, out: str) -> dict[str, float]:
    """A file never seen, inspected and drawn as a 1,024-pixel JPEG with z-scale limits, nothing kept."""
    from mast.fits.inspect import Inspector

    with Inspector() as inspector:
        # The child starts while this process still loads what draws.
        inspector.begin()
        from mast.fits.render import first_picture

        imported = time.perf_counter() - START
        idle = peak_mb()
        [plan] = inspector.inspect([(path, Path(path).name)])
    Path(out).write_bytes(first_picture(path, plan, fmt="jpeg"))
    return {"imports_s": imported, "total_s": time.perf_counter() - START, "added_mb": peak_mb() - idle}


def kept(path: str, place: str) -> dict[str, float]:
    """The pyramid of an import, and what it took."""
    from mast.fits import overview
    from mast.fits.inspect import inspect_file
    from mast.fits.planes import plane_of
    from mast.fits.pyramid import level_shape  # noqa: F401 - loaded before memory is read

    plan = inspect_file(path)
    idle = peak_mb()
    start = time.perf_counter()
    overview.build_file(plane_of(path, plan), Path(place))
    return {"s": time.perf_counter() - start, "added_mb": peak_mb() - idle, "bytes": Path(place).stat().st_size}


def tiles(path: str, place: str, count: str) -> dict[str, float]:
    """Random JPEG tiles of every level in one warm process, milliseconds."""
    from mast.fits import pyramid, render
    from mast.fits.inspect import inspect_file
    from mast.fits.options import Look
    from mast.fits.planes import plane_of

    warm(path)
    found = pyramid.read(Path(place), plane_of(path, inspect_file(path)))
    assert found is not None
    draw, look, all_ms, figures = random.Random(1), Look(limits=found.facts.zscale), [], {}
    for level in range(found.level_count):
        rows, columns = (-(-length // pyramid.TILE) for length in pyramid.level_shape(found.shape, level))
        places = [(draw.randrange(columns), draw.randrange(rows)) for _ in range(int(count))]
        render.tile(found, look, level, *places[0], "jpeg")
        taken = _each_ms(lambda at, level=level: render.tile(found, look, level, *at, "jpeg"), places)
        figures[f"level{level}_p50"] = taken[len(taken) // 2]
        all_ms += taken
    all_ms.sort()
    figures |= {"p50": all_ms[len(all_ms) // 2], "p99": all_ms[int(len(all_ms) * 0.99)]}
    figures["worst_p50"] = max(value for name, value in figures.items() if name.startswith("level"))
    return figures


def _each_ms(call: Callable[[tuple[int, int]], object], places: list[tuple[int, int]]) -> list[float]:
    taken = []
    for place in places:
        start = time.perf_counter()
        call(place)
        taken.append((time.perf_counter() - start) * 1e3)
    return sorted(taken)


def exact(path: str, place: str) -> dict[str, float]:
    """Against astropy on the same pixels: limits to the bit, levels of the stretch, means of blocks."""
    import numpy as np
    from astropy.io import fits
    from astropy.visualization import AsinhStretch, HistEqStretch, ManualInterval, PercentileInterval, ZScaleInterval

    from mast.fits import pyramid
    from mast.fits.inspect import inspect_file
    from mast.fits.limits import knots_of, limits_of
    from mast.fits.options import parse_limits
    from mast.fits.planes import plane_of
    from mast.fits.stretch import stretched

    found = pyramid.read(Path(place), plane_of(path, inspect_file(path)))
    assert found is not None
    data = fits.getdata(path, "SCI")
    limits = tuple(float(value) for value in ZScaleInterval().get_limits(data))
    finite = data[np.isfinite(data)]
    percentiles = tuple(float(value) for value in PercentileInterval(99.5).get_limits(finite))
    different = worst = equalised = compared = 0
    equal = HistEqStretch(np.clip(finite, *limits))
    start = time.perf_counter()
    knots = knots_of(found)
    knots_s = time.perf_counter() - start
    for top in range(0, len(data), 500):
        part = data[top : top + 500].astype("f4")
        theirs = AsinhStretch()(ManualInterval(*limits)(part))
        ours = stretched(part, found.facts.zscale, "asinh")
        gap = np.abs(np.nan_to_num(theirs * 255).astype(int) - np.nan_to_num(ours * 255).astype(int))
        different, worst = different + np.count_nonzero(gap), max(worst, int(gap.max()))
        # Astropy looks each pixel up among all of them: a row of twenty is enough.
        part = part[::20]
        theirs = equal(ManualInterval(*limits)(part))
        ours = stretched(part, found.facts.zscale, "histeq", knots=knots)
        compared += part.size
        equalised += np.count_nonzero(np.floor(np.nan_to_num(theirs) * 256) != np.floor(np.nan_to_num(ours) * 256))
    rows = found.window(2, 0, 500, 0, data.shape[1] // 4)
    blocks = data[::-1][:2000].reshape(500, 4, -1, 4).astype("f8")
    good = np.isfinite(blocks)
    with np.errstate(invalid="ignore"):
        means = np.where(good, blocks, 0).sum(axis=(1, 3)) / good.sum(axis=(1, 3))
    return {
        "zscale_differs": float(limits != found.facts.zscale),
        "percentiles_differ": float(percentiles != limits_of(found, parse_limits("99.5%"))),
        "share": different / data.size,
        "levels": float(worst),
        "equalised": equalised / compared,
        "knots_s": knots_s,
        "mean_error": float(np.nanmax(np.abs(means - rows) / np.abs(means))),
        "nan_differs": float((np.isnan(means) != np.isnan(rows)).any()),
    }


def register(*paths: str) -> dict[str, int]:
    """Records of files that lie in the archive's folder; their ids by name.

    The checksum is that of the name: copies of a file by another name are files the viewer has not seen.
    """
    import hashlib

    import django

    django.setup()
    from django.utils import timezone

    from mast import conf, terms
    from mast.fits.inspect import inspect_file
    from mast.models import DataFile, Observation

    made = {}
    for number, path in enumerate(map(Path, paths)):
        plan = inspect_file(path)
        fields = {"obs_id": path.stem, "obsid": str(number), "raw": {}}
        digest = hashlib.sha256(path.name.encode()).hexdigest()
        row = DataFile.objects.create(
            observation=Observation.objects.create(**fields), file_name=path.name, sha256=digest,
            data_uri=f"mast:JWST/product/{path.name}", path=str(path.relative_to(conf.files_dir())),
            size_bytes=path.stat().st_size, plan=plan.to_json(), is_viewable=plan.view.viewable,
            view_reason=plan.view.why[:300], suffix=terms.suffix_of(path.name), badge=terms.badge_of(path.name),
            source=terms.Source.HTTP, proof=terms.Proof.LENGTH, verified_at=timezone.now(), fetched_at=timezone.now(),
            raw={}, data_rights="PUBLIC",
        )  # fmt: skip
        made[path.name] = row.pk
    return made


ALL = {call.__name__: call for call in (first_view, kept, tiles, exact, register)}

if __name__ == "__main__":
    print(json.dumps(ALL[sys.argv[1]](*sys.argv[2:])))
