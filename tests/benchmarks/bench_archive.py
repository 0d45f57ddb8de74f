"""`manage.py bench archive`: MAST's answers to rows, refreshes, and how fast the archive starts.

Beside what a user would take instead: astroquery's own tables turned into rows, in the same run and interleaved.
Answers are synthetic, with the real columns and lengths; nothing leaves this machine.
"""

from __future__ import annotations

import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.report import Report, Row, interleaved, say

ROOT = Path(__file__).resolve().parents[2]
ROWS = 50_000
REFRESHED = 1_000
RUNS = 3
HEAVY = ("astropy", "astroquery", "boto3")


def main(arguments: Sequence[str] = ()) -> int:
    if arguments:
        raise SystemExit(f"bench archive takes no options: {' '.join(arguments)}")
    report = Report(f"bench archive: {ROWS:,} observation rows, refresh of {REFRESHED:,}, starting and stopping")
    report.start()
    with tempfile.TemporaryDirectory(prefix="jwst-bench-") as folder:
        answer = Path(folder) / "answer.json"
        answer.write_text(synthetic_answer(ROWS))
        parsing(report, answer)
        storing(report, answer)
        refreshing(report, Path(folder))
        importing(report)
        starting(report, Path(folder))
    return report.finish()


# --- a synthetic answer -----------------------------------------------------------------------------------------

_TYPES = {float: "float", int: "int", bool: "boolean", str: "string", type(None): "string"}


def observation(number: int, draw: random.Random) -> dict[str, object]:
    """One CAOM row with the columns, types and lengths that MAST sends for JWST."""
    ra, dec = draw.uniform(0, 360), draw.uniform(-90, 90)
    corners = " ".join(f"{ra + dx:.9f} {dec + dy:.9f}" for dx, dy in ((0, 0), (0.02, 0), (0.02, 0.02), (0, 0.02)))
    program, wide = 1000 + number % 6000, draw.choice([90, 200, 444])
    name = f"jw{program:05d}-o{number % 1000:03d}_t{number // 1000:03d}_nircam_clear-f{wide:03d}w"
    start = draw.uniform(59700, 61300)
    return {
        "intentType": "science", "obs_collection": "JWST", "provenance_name": "CALJWST",
        "instrument_name": "NIRCAM/IMAGE", "project": "JWST", "filters": "F200W", "wave_region": "INFRARED",
        "target_name": f"FIELD-{number % 4000}", "obs_id": name,
        "target_classification": "Galaxy; High-redshift galaxies",
        "s_ra": ra, "s_dec": dec, "dataproduct_type": "image", "proposal_pi": "Doe, Jane", "calib_level": 3,
        "t_min": start, "t_max": start + 0.1, "t_exptime": draw.uniform(100, 9000), "wavelength_region": "INFRARED",
        "em_min": 1755.0, "em_max": 2227.0,
        "obs_title": "A synthetic survey of nothing with a title of the usual length",
        "t_obs_release": start + 365, "proposal_id": str(program), "proposal_type": "GO",
        "sequence_number": None, "s_region": f"POLYGON {corners}", "jpegURL": f"mast:JWST/product/{name}_i2d.jpg",
        "dataURL": f"mast:JWST/product/{name}_i2d.fits", "dataRights": "PUBLIC", "mtFlag": False, "srcDen": None,
        "obsid": str(70_000_000 + number), "objID": str(400_000_000 + number), "wave_min": 1755.0, "wave_max": 2227.0,
    }  # fmt: skip


def synthetic_answer(rows: int) -> str:
    draw = random.Random(1)
    data = [observation(number, draw) for number in range(rows)]
    fields = [{"name": name, "type": _TYPES[type(value)]} for name, value in data[0].items()]
    paging = {"page": 1, "pageSize": rows, "pagesFiltered": 1, "rows": rows, "rowsFiltered": rows, "rowsTotal": rows}
    return json.dumps({"status": "COMPLETE", "msg": "", "data": data, "fields": fields, "paging": paging})


# --- answer bytes to rows ---------------------------------------------------------------------------------------


def _child(code: str, *arguments: object, environment: dict[str, str] | None = None) -> dict[str, float]:
    """Run code in a fresh interpreter; it prints its figures as JSON."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=600)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


PARSE = """
import json, sys, time
from pathlib import Path
from mast.archive.rows import decode_observations
body = Path(sys.argv[1]).read_bytes()
start = time.perf_counter()
rows = decode_observations(body).rows
print(json.dumps({"s": time.perf_counter() - start, "rows": len(rows)}))
"""
ASTROQUERY = """
import json, sys, time, warnings
from pathlib import Path
import requests
from astroquery.mast import Observations
answer = requests.Response(); answer.status_code = 200; answer._content = Path(sys.argv[1]).read_bytes()
start = time.perf_counter()
answer.json()
table = Observations._portal_api_connection._parse_result([answer])
table_s = time.perf_counter() - start
rows = [dict(zip(table.colnames, row)) for row in table]
print(json.dumps({"s": time.perf_counter() - start, "table_s": table_s, "rows": len(rows)}))
"""


def parsing(report: Report, answer: Path) -> None:
    tables: list[float] = []

    def theirs() -> float:
        figures = _child(ASTROQUERY, answer)
        assert figures["rows"] == ROWS
        tables.append(figures["table_s"])
        return figures["s"]

    def ours() -> float:
        figures = _child(PARSE, answer)
        assert figures["rows"] == ROWS
        return figures["s"]

    mine, rows = interleaved(RUNS, ours, theirs)
    report.add(Row("parsing", mine, 0.02, "s", "astroquery table to rows", rows, is_ratio=True))
    report.add(Row("parsing", mine, 0.15, "s", "astroquery table", sorted(tables)[len(tables) // 2], is_ratio=True))


STORE = """
import json, sys, time
from pathlib import Path
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from mast.archive.rows import ObservationRow, decode_rows, read_envelope
from mast.imports.upsert import upsert_observations
from mast.models import Observation
body = Path(sys.argv[1]).read_bytes()
times = []
for _ in range(2):
    start = time.perf_counter()
    written = upsert_observations(decode_rows(read_envelope(body).data, ObservationRow))
    times.append(time.perf_counter() - start)
assert Observation.objects.count() == written
# Not ru_maxrss: a child inherits that of the process it was forked from.
status = Path("/proc/self/status").read_text().split()
peak_mb = int(status[status.index("VmHWM:") + 1]) / 1024
print(json.dumps({"s": times[0], "again_s": times[1], "rows": written, "mb": peak_mb}))
"""


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JWST_", "MAST_", "DOWNLOAD_"))}
    kept.pop("DATABASE_URL", None)
    return kept | {
        "JWST_DATA_DIR": str(folder),
        "MAST_ARCHIVE": "practice",
        "DJANGO_SETTINGS_MODULE": "jwstarchive.settings",
    }


def storing(report: Report, answer: Path) -> None:
    figures = []
    for number in range(RUNS):
        folder = answer.parent / f"store{number}"
        (folder / "practice").mkdir(parents=True)
        figures.append(_child(STORE, answer, environment=_environment(folder)))
    middle = sorted(figures, key=lambda figure: figure["s"])[RUNS // 2]
    report.add(
        Row(
            "answer bytes to rows in SQLite", middle["s"], 1.0, "s", note=f"again, all known: {middle['again_s']:.2f} s"
        )
    )
    report.add(Row("peak memory of that", middle["mb"], 200, "MB"))


# --- refresh ----------------------------------------------------------------------------------------------------

REFRESH = """
import json, sys, time
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from mast.archive.rows import decode_observations
from mast.imports import refresh
from mast.imports.upsert import upsert_observations
from pathlib import Path
upsert_observations(decode_observations(Path(sys.argv[1]).read_bytes()).rows)
start = time.perf_counter()
report = refresh.everything()
print(json.dumps({"s": time.perf_counter() - start, "updated": report.updated_count}))
"""


def refreshing(report: Report, folder: Path) -> None:
    """1,000 observations that the practice archive serves as recorded rows; it counts what it is asked."""
    from mast.practice.server import PracticeServer

    draw = random.Random(2)
    rows = [observation(number, draw) for number in range(REFRESHED)]
    recorded = folder / "recorded" / "observations"
    recorded.mkdir(parents=True)
    (recorded / "rows.json").write_text(json.dumps({"results": rows}))
    known = folder / "known.json"
    known.write_text(json.dumps(json.loads(synthetic_answer(1)) | {"data": rows}))
    with practice(PracticeServer(folder / "practice-files", recorded=folder / "recorded")) as server:
        environment = _environment(folder / "refresh") | {"MAST_ARCHIVE": "live", "MAST_URL": server.url}
        (folder / "refresh").mkdir()
        figures = _child(REFRESH, known, environment=environment)
        asked = sum(server.counts.values())
    note = f"{figures['updated']:.0f} read again in {figures['s']:.1f} s"
    what = f"requests to refresh {REFRESHED:,} observations"
    report.add(
        Row(
            what,
            float(asked),
            4,
            "",
            "one by one",
            2.0 * REFRESHED,
            note=note,
        )
    )


@contextmanager
def practice(server: object) -> Iterator[object]:
    server.start()  # type: ignore[attr-defined]
    try:
        yield server
    finally:
        server.stop()  # type: ignore[attr-defined]


# --- starting ---------------------------------------------------------------------------------------------------

WEB = """
import json, os, sys
from jwstarchive.wsgi import application
print(json.dumps([name for name in ("astropy", "astroquery", "boto3") if name in sys.modules]))
"""


def importing(report: Report) -> None:
    def help_s() -> float:
        return _timed([sys.executable, "manage.py", "mast_search", "--help"])

    def astroquery_s() -> float:
        return _timed([sys.executable, "-c", "import astroquery.mast"])

    mine, theirs = interleaved(RUNS + 2, help_s, astroquery_s)
    report.add(Row("mast_search --help", mine, 0.5, "s"))
    report.add(Row("mast_search --help", mine, 0.3, "s", "import astroquery.mast", theirs, is_ratio=True))
    done = subprocess.run([sys.executable, "-c", WEB], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout.splitlines()[-1])
    report.add(Row("heavy packages the web process starts with", float(len(loaded)), 0, "", note=" ".join(loaded)))


def _timed(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - start


def starting(report: Report, folder: Path) -> None:
    """A clean clone to its first page, the second start, and the stop; `up` runs as a person starts it."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        for what, goal in (("clone to first page", 25), ("second start to first page", 4), ("stop", 4)):
            report.add(Row(what, None, goal, "s", note="needs the git checkout"))
        return
    say("cloning and starting; the packages come from the index or its cache")
    start = time.perf_counter()
    clone = folder / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    first, _ = _start_and_stop(clone, folder, since=start)
    second = [_start_and_stop(clone, folder) for _ in range(RUNS)]
    report.add(Row("clone to first page", first, 25, "s"))
    report.add(Row("second start to first page", sorted(s for s, _ in second)[RUNS // 2], 4, "s"))
    report.add(Row("stop", sorted(s for _, s in second)[RUNS // 2], 4, "s"))


def _start_and_stop(clone: Path, folder: Path, since: float | None = None) -> tuple[float, float]:
    port = str(random.Random().randint(20000, 30000))
    environment = _environment(folder / "up") | {"JWST_PORT": port}
    for name in ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"):
        environment.pop(name, None)
    # A bare interpreter, not the one of this environment: it makes its own.
    python = shutil.which("python3", path=re.sub(r"[^:]*/\.venv/bin:?", "", environment["PATH"])) or sys.executable
    start = since or time.perf_counter()
    with subprocess.Popen(
        [python, "manage.py", "up"], cwd=clone, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as up:
        _wait_for_page(f"http://localhost:{port}/", up)
        first_page = time.perf_counter() - start
        time.sleep(2)
        stopping = time.perf_counter()
        up.send_signal(signal.SIGTERM)
        up.wait(30)
    return first_page, time.perf_counter() - stopping


def _wait_for_page(url: str, up: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 180
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if up.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"`up` did not serve {url}") from None
            time.sleep(0.02)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    raise SystemExit(main())
