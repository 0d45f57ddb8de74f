"""`manage.py bench viewer`: a 448 MB mosaic looked at, beside what people look at mosaics with.

The first view of a file never seen, its tiles in one process and over HTTP, stretches, twenty people panning; tables
and spectra; exactness and memory. Peers run as whole processes in turn with ours, in an environment of their own.
`--only NAME` runs one scenario and may be given several times, `--quick` takes one run of each peer.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import viewer_files as files
from tests.benchmarks.installation import installed
from tests.benchmarks.peers import Environment
from tests.benchmarks.race import run_measured, said_by
from tests.benchmarks.report import Report, Row, say
from tests.benchmarks.servers import Missing
from tests.benchmarks.viewer_http import Site, drop, people, percentile, random_tiles, screen, served

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
PACKAGES = ("astropy", "matplotlib", "pillow", "fitsmap")
LOOKING = "limits=0.2577722668647766,0.6238193909925781&stretch=asinh&cmap=gray"
SCREEN = (1280, 800)
PEOPLE, PAUSE_S = 20, 0.5
UNSEEN = "jw01838-o0"
LIMIT_S = 900


class Bench:
    """Files, peers and the table."""

    def __init__(self, report: Report, folder: Path, runs: int) -> None:
        self.report = report
        self.folder = folder
        self.runs = runs
        self.environment = Environment(folder / "viewer-peers", PACKAGES)
        self.mosaic = files.mosaic(folder / "jw01837-o003_t001_nircam_clear-f200w_i2d.fits")
        self.sidecar = folder / "mosaic.pyramid"

    def ours(self, what: str, *arguments: object, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A fresh process of ours; its figures, and what it took as a whole."""
        command = [sys.executable, str(HERE / "viewer_child.py"), what, *map(str, arguments)]
        return self._measured(command, environment or {})

    def peer(self, what: str, out: Path) -> dict[str, Any]:
        path = self.mosaic
        if what == "fitsmap":
            path = files.in_primary(self.mosaic, self.folder / "primary.fits")
        command = [str(self.environment.python), str(HERE / "viewer_peer_child.py"), what, str(path), str(out)]
        return self._measured(command, {})

    def _measured(self, command: list[str], environment: Mapping[str, str]) -> dict[str, Any]:
        figures, printed = run_measured(command, environment, self.folder, LIMIT_S)
        if figures["status"]:
            raise Missing(f"{command[2]} ended with {figures['status']:.0f}: {printed.strip()[-200:]}")
        return figures | said_by(printed)

    def kept(self) -> Path:
        if not self.sidecar.exists():
            self.ours("kept", self.mosaic, self.sidecar)
        return self.sidecar


# --- the first view ---------------------------------------------------------------------------------------------


def first_view(bench: Bench) -> None:
    """Whole processes, page cache warm."""
    bench.environment.make()
    picture = bench.folder / "view.jpg"
    goals = {"imshow": 0.08, "pil": 0.25, "fitsmap": 0.02}
    said: dict[str, list[dict[str, Any]]] = {name: [] for name in ("ours", *goals)}
    for number in range(bench.runs):
        said["ours"].append(bench.ours("first_view", bench.mosaic, picture))
        for name in goals:
            if name == "fitsmap" and number:
                continue
            out = bench.folder / ("fitsmap" if name == "fitsmap" else "peer.jpg")
            shutil.rmtree(out, ignore_errors=True)
            said[name].append(_or_missing(bench, name, out))
    ours = statistics.median(one["wall_s"] for one in said["ours"])
    imports = statistics.median(one["imports_s"] for one in said["ours"])
    peers = {"imshow": "astropy + imshow", "pil": "astropy + PIL", "fitsmap": "fitsmap"}
    for name, goal in goals.items():
        figures = [one for one in said[name] if one]
        theirs = statistics.median(one["wall_s"] for one in figures) if figures else None
        note = f"{figures[0]['rss_mb']:.0f} MB" if figures else "did not run"
        what = "first view, whole process"
        bench.report.add(Row(what, ours, goal, "s", peers[name], theirs, is_ratio=True, note=note))
    added = max(one["added_mb"] for one in said["ours"])
    note = f"{imports:.2f} s of the whole process are imports"
    bench.report.add(Row("memory added by a first view", added, 100, "MB", note=note))


def _or_missing(bench: Bench, name: str, out: Path) -> dict[str, Any]:
    try:
        return bench.peer(name, out)
    except Missing as error:
        say(f"!! {name}: {error}")
        return {}


# --- one process ------------------------------------------------------------------------------------------------


def exactness(bench: Bench) -> None:
    found = bench.ours("exact", bench.mosaic, bench.kept())
    bench.report.add(Row("z-scale limits that differ from astropy's", found["zscale_differs"], 0, ""))
    bench.report.add(Row("99.5 % limits that differ from astropy's", found["percentiles_differ"], 0, ""))
    bench.report.add(
        Row("share of pixels on another of 255 levels", found["share"], 1e-5, "", note=f"by {found['levels']:.0f}")
    )
    note = f"their ranks take {found['knots_s']:.1f} s, once"
    bench.report.add(Row("the same of histogram equalisation", found["equalised"], 1e-5, "", note=note))
    bench.report.add(Row("block means against numpy, relative", found["mean_error"], 1e-6, ""))
    bench.report.add(Row("blocks whose NaN differs", found["nan_differs"], 0, ""))
    share = bench.kept().stat().st_size / files.bytes_of(files.SHAPE)
    bench.report.add(Row("sidecar, share of the plane", share, 0.10, ""))


def tiles(bench: Bench) -> None:
    bench.environment.make()
    found = bench.ours("tiles", bench.mosaic, bench.kept(), 200)
    levels = ", ".join(f"{found[f'level{level}_p50']:.2f}" for level in range(7))
    bench.report.add(Row("tile in process, p50 of the slowest level", found["worst_p50"], 3, "ms", note=levels))
    bench.report.add(Row("tile in process, p99", found["p99"], 8, "ms"))
    recipe = _or_missing(bench, "recipe", bench.folder / "none").get("tile_ms")
    peer = "z-scale per request"
    bench.report.add(Row("tile", found["worst_p50"], 0.02, "ms", peer, recipe, is_ratio=True))


def memory(bench: Bench) -> None:
    """4 GB: as much memory as 448 MB."""
    big = files.hollow(bench.folder / "hollow_i2d.fits", 32_768)
    place = bench.folder / "hollow.pyramid"
    try:
        for path, kept in ((bench.mosaic, bench.folder / "again.pyramid"), (big, place)):
            found = bench.ours("kept", path, kept)
            size = path.stat().st_size / 1e9
            note = f"{found['s']:.2f} s, {found['bytes'] / 1e6:.0f} MB kept; {found['rss_mb']:.0f} MB in all"
            bench.report.add(
                Row(f"memory added by an import of {size:.2g} GB", found["added_mb"], 100, "MB", note=note)
            )
            kept.unlink()
    finally:
        big.unlink()


# --- over HTTP --------------------------------------------------------------------------------------------------


def over_http(bench: Bench) -> None:
    table = files.table(bench.folder / "jw01837-o003_t001_nircam_clear-f200w_x1d.fits")
    spectra = files.spectra(bench.folder / "jw01366003001_04101_00001-seg001_nrs1_x1dints.fits")
    with installed(bench.folder / "viewer-archive", "http://127.0.0.1:9") as archive:

        def register(*paths: str) -> dict[str, int]:
            found = bench.ours("register", *paths, environment=archive.environment)
            return {Path(path).name: found[Path(path).name] for path in paths}

        names = {bench.mosaic.name: bench.mosaic, table.name: table, spectra.name: spectra}
        names |= {f"{UNSEEN}{number:02d}_t001_nircam_clear-f200w_i2d.fits": bench.mosaic for number in range(10)}
        with served(archive, register, names) as site:
            _first_views(bench, site)
            _in_chromium(bench, site)
            _tiles_over_http(bench, site, archive.data_dir / ".derived")
            _numbers_over_http(bench, site, table.name, spectra.name)


def _first_views(bench: Bench, site: Site) -> None:
    """A warm server and files it has not seen; their plans are known from the import, nothing else is kept."""
    client = site.client()
    # numpy and pillow are loaded by the first picture of a process: both have drawn one then.
    for _ in range(40):
        site.client().get(f"/api/files/{site.files[bench.mosaic.name]}/preview?width=64")
    unseen = [number for name, number in site.files.items() if name.startswith(UNSEEN)]
    for state, goal in (("warm", 0.5), ("cold disk", 1.0)):
        taken = []
        for _ in range(3):
            if state != "warm":
                drop(site.folder / bench.mosaic.name)
            taken.append(client.timed(f"/api/files/{unseen.pop()}/preview?width=1024&format=jpeg") / 1e3)
        note = " ".join(f"{value:.2f}" for value in taken)
        bench.report.add(Row(f"first view over HTTP, {state}", statistics.median(taken), goal, "s", note=note))


def _in_chromium(bench: Bench, site: Site) -> None:
    """From the click on View to the picture as a whole, of files that nobody looked at yet."""
    row = Row("View of a file never seen, visible in Chromium", None, 1.2, "s")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        row.note = "no Chromium"
    else:
        from playwright.sync_api import sync_playwright

        unseen = [number for name, number in site.files.items() if name.startswith(UNSEEN)][:4]
        taken = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_context(viewport={"width": SCREEN[0], "height": SCREEN[1]}).new_page()
            for number in unseen:
                page.goto(f"http://localhost:{site.port}/files/{number}/", wait_until="load")
                start = time.perf_counter()
                page.get_by_role("link", name="View").first.click(no_wait_after=True)
                page.wait_for_selector("#stage[data-drawn]", timeout=60_000)
                taken.append(time.perf_counter() - start)
                # The histogram, which comes after the picture, is not to meet the next one.
                page.wait_for_function("() => document.getElementById('levels-note').textContent")
            browser.close()
        row.ours = statistics.median(taken[1:])
        row.note = " ".join(f"{value:.2f}" for value in taken) + "; the first one fills the browser's cache"
    bench.report.add(row)


def _tiles_over_http(bench: Bench, site: Site, derived: Path) -> None:
    file_id = site.files[bench.mosaic.name]
    client = site.client()
    warm = random_tiles(file_id, LOOKING, 400, 1, files.SHAPE)
    for address in warm[:40]:
        site.client().get(address)
    taken = [client.timed(address) for address in warm]
    note = f"p50 {percentile(taken, 50):.1f} ms"
    bench.report.add(Row("tile over HTTP, warm, p95", percentile(taken, 95), 15, "ms", note=note))
    cold = []
    for address in random_tiles(file_id, LOOKING, 60, 2, files.SHAPE):
        drop(site.folder / bench.mosaic.name, *derived.glob("pyramids/*/*/*.pyramid"))
        cold.append(client.timed(address))
    note = f"p50 {percentile(cold, 50):.1f} ms"
    bench.report.add(Row("tile over HTTP, cold disk, p95", percentile(cold, 95), 50, "ms", note=note))
    columns, rows = (-(-length // 256) + 1 for length in SCREEN)
    repainted = []
    for number in range(9):
        look = f"limits=0.2,{0.6 + number / 100}&stretch=log&cmap=inferno"
        addresses = [
            f"/api/files/{file_id}/tile/0/{20 + column}/{10 + row}?{look}"
            for row in range(rows) for column in range(columns)
        ]  # fmt: skip
        repainted.append(screen(site, addresses))
    note = f"{columns * rows} tiles of {SCREEN[0]} x {SCREEN[1]} pixels, six connections"
    bench.report.add(Row("a screen in another stretch and map", statistics.median(repainted), 150, "ms", note=note))
    panned = people(site, lambda number: random_tiles(file_id, LOOKING, 60, 100 + number, files.SHAPE), PEOPLE, PAUSE_S)
    note = f"p50 {percentile(panned, 50):.1f} ms; four tiles each {PAUSE_S} s"
    bench.report.add(Row(f"{PEOPLE} people panning, p95", percentile(panned, 95), 100, "ms", note=note))


def _numbers_over_http(bench: Bench, site: Site, table: str, spectra: str) -> None:
    client = site.client()
    number = site.files[table]
    for _ in range(20):
        site.client().get(f"/api/files/{number}/table?count=1")
    pages = [client.timed(f"/api/files/{number}/table?start={start}&count=100") for start in range(0, 900_000, 30_011)]
    bench.report.add(Row("page of a table of 1,000,000 rows, p95", percentile(pages, 95), 50, "ms"))
    first = client.timed(f"/api/files/{number}/table?sort=-FLUX_3&count=100")
    ordered = [
        client.timed(f"/api/files/{number}/table?sort=-FLUX_3&start={start}&count=100")
        for start in range(0, 900_000, 30_011)
    ]
    note = f"the first, which orders them, {first:.0f} ms"
    bench.report.add(Row("the same ordered by a column, p95", percentile(ordered, 95), 50, "ms", note=note))
    address = f"/api/files/{site.files[spectra]}/spectrum?all=true"
    site.client().get(address + "&points=500")
    taken = [client.timed(f"{address}&points={2000 + number}") / 1e3 for number in range(5)]
    size = len(client.get(address)) / 1e6
    what = f"{files.INTEGRATIONS} spectra of {files.POINTS} points in one answer"
    bench.report.add(Row(what, statistics.median(taken), 0.5, "s", note=f"{size:.1f} MB of JSON"))


SCENARIOS: Mapping[str, Callable[[Bench], None]] = {
    "first-view": first_view,
    "exactness": exactness,
    "tiles": tiles,
    "memory": memory,
    "http": over_http,
}


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="manage.py bench viewer", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run of each peer")
    parser.add_argument("--only", choices=list(SCENARIOS), action="append", help="may be given several times")
    given = parser.parse_args(arguments)
    folder = Path(os.environ.get("JWST_DATA_DIR") or ROOT / "data").resolve() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    report = Report(f"bench viewer{', quick' if given.quick else ''}: a mosaic of 14000 x 8000 float32, 448 MB")
    report.start()
    say("making the files, once")
    bench = Bench(report, folder, 1 if given.quick else 3)
    for name in given.only or SCENARIOS:
        try:
            SCENARIOS[name](bench)
        except (Missing, subprocess.SubprocessError) as exc:
            report.add(Row(name, None, None, "", note=str(exc)[:300]))
    return report.finish()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    raise SystemExit(main(sys.argv[1:]))
