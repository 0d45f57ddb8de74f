"""`manage.py bench pages`: what the pages cost on a hundred thousand and on a million file records.

Beside what a user would take instead, on the very same rows and in the same run: Django's admin list, datasette's
table page (SQLite), and a list of ninja schemas. Everything is generated; nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.installation import Installation, installed, postgresql
from tests.benchmarks.report import Report, Row, say
from tests.benchmarks.servers import Missing, free_port, running

ROOT = Path(__file__).resolve().parents[2]
SIZES = (100_000, 1_000_000)
DATABASES = ("sqlite", "postgresql")
LIMIT_S = 900
TABS, TAB_SECONDS = 200, 10
SEARCHED = 20_000
GOAL_MS = {"sqlite": 5.0, "postgresql": 7.0}
OWN_ASSETS = ("site.css", "site.js", "selection.js", "favicon.svg")
DATASETTE = "datasette<1"


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="manage.py bench pages", description=__doc__)
    parser.add_argument("--files", default=",".join(map(str, SIZES)), help="file records, several with commas")
    parser.add_argument("--databases", default=",".join(DATABASES))
    given = parser.parse_args(arguments)
    report = Report("bench pages: lists, facets, texts, exports, polls, searches; milliseconds are medians")
    report.start()
    folder = Path(os.environ.get("JWST_DATA_DIR") or ROOT / "data").resolve() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    assets(report)
    for database in given.databases.split(","):
        for size in map(int, given.files.split(",")):
            try:
                with library(folder, database, size) as archive:
                    measure(report, archive, database, size)
            except Missing as missing:
                report.add(Row(f"{database}, {size:,} files", None, GOAL_MS[database], "ms", note=str(missing)))
    return report.finish()


@contextmanager
def library(folder: Path, database: str, size: int) -> Iterator[Installation]:
    """An archive of its own with so many file records."""
    with ExitStack() as stack:
        url = stack.enter_context(postgresql(folder / "postgresql")) if database == "postgresql" else ""
        archive = stack.enter_context(installed(folder / "pages", "http://127.0.0.1:9", database_url=url))
        say(f"filling {database} with {size:,} files")
        ask(archive, "tests.benchmarks.library_rows", str(size))
        yield archive


def ask(archive: Installation, module: str, *arguments: str) -> Any:
    """Run a module in the archive's environment; what it printed last, as JSON."""
    command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
    done = subprocess.run(
        command, env=archive.environment, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    if done.returncode:
        raise Missing(f"{module} {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()[-400:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(report: Report, archive: Installation, database: str, size: int) -> None:
    where = f"{database} {size:,}"
    by_file = lists(report, archive, database, where)
    if database == "sqlite":
        datasette(report, archive, where, by_file)
    counting(report, archive, where)
    exports(report, archive, where)
    if size == SIZES[0]:
        polling(report, archive, where)
        searching(report, archive, where)


def child(archive: Installation, *arguments: str) -> Any:
    return ask(archive, "tests.benchmarks.pages_child", *arguments)


# --- lists ------------------------------------------------------------------------------------------------------


def lists(report: Report, archive: Installation, database: str, where: str) -> float:
    """The library's pages; what the first one by file took."""
    found = child(archive, "library")
    pages, costs = found["pages"], found["cost"]
    for name, taken in pages.items():
        note = ""
        if name in costs:
            note = f"{costs[name]['queries']:.0f} queries, {costs[name]['bytes'] / 1e3:.0f} kB"
        report.add(Row(f"{where}, {name}", taken, GOAL_MS[database], "ms", note=note))
    for name in ("by file", "by observation"):
        last, first = pages[f"{name}, last page"], pages[name]
        report.add(Row(f"{where}, {name}: last page", last, 1.5, "ms", "first page", first, is_ratio=True))
    report.add(Row(f"{where}, by file", pages["by file"], 0.03, "ms", "admin's list", found["admin"], is_ratio=True))
    return float(pages["by file"])


def datasette(report: Report, archive: Installation, where: str, ours: float) -> None:
    row = Row(f"{where}, by file", ours, 0.01, "ms", "datasette's table page", None, is_ratio=True)
    try:
        row.theirs = datasette_ms(archive)
    except Missing as missing:
        row.note = str(missing)
    report.add(row)


def datasette_ms(archive: Installation) -> float:
    """The median of its table page of the same file, over HTTP."""
    python = _peers(archive.data_dir.parent / "pages-peers")
    port = free_port()
    file = next(archive.data_dir.glob("**/db.sqlite3"))
    options = ["serve", str(file), "--port", str(port), "--setting", "sql_time_limit_ms", "20000"]
    with running([str(python.parent / "datasette"), *options], archive.data_dir, port):
        address = f"http://127.0.0.1:{port}/db/mast_datafile?_size=50"
        taken = []
        for _ in range(4):
            start = time.perf_counter()
            with urllib.request.urlopen(address, timeout=120) as answer:
                answer.read()
            taken.append((time.perf_counter() - start) * 1e3)
    return statistics.median(taken[1:])


def _peers(folder: Path) -> Path:
    """The interpreter of an environment with the peers, made once."""
    python = folder / "bin" / "python"
    stamp = folder / "packages.txt"
    if not stamp.exists() or stamp.read_text() != DATASETTE:
        say("making the peers' environment; the packages come from the index or its cache")
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        installer = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", DATASETTE]
        if subprocess.run(installer, check=False).returncode:
            raise Missing("datasette cannot be installed")
        stamp.write_text(DATASETTE)
    return python


# --- counts, texts, exports -------------------------------------------------------------------------------------


def counting(report: Report, archive: Installation, where: str) -> None:
    found = child(archive, "facets")
    for name, taken in found["facets"].items():
        report.add(Row(f"{where}, facets with counts, {name}", taken, 50, "ms"))
    for text, taken in found["texts"].items():
        report.add(Row(f"{where}, page of the text {text}", taken, 100, "ms"))


def exports(report: Report, archive: Installation, where: str) -> None:
    found = child(archive, "listing")
    row = Row(f"{where}, 1,000 rows of JSON", found["ours"], 0.2, "ms", "ninja schemas", found["ninja"], is_ratio=True)
    report.add(row)


# --- polls ------------------------------------------------------------------------------------------------------


def polling(report: Report, archive: Installation, where: str) -> None:
    found = child(archive, "polls")
    what = f"{where}, poll of a job of 5,000 files"
    report.add(Row(what, found["many"], 1.0, "ms", "of one of 5", found["few"], is_ratio=True))
    with served(archive) as (port, pid):
        first_paint(report, where, port)
        tabs(report, where, port, pid, found["address"])


def tabs(report: Report, where: str, port: int, pid: int, address: str) -> None:
    """How the web server holds the tabs, and how much of a core it takes for that."""
    before = _cpu_s(pid)
    script = str(Path(__file__).with_name("pages_load.py"))
    command = [sys.executable, "-I", script, str(port), address, str(TABS), str(TAB_SECONDS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    cores, load = (_cpu_s(pid) - before) / (TAB_SECONDS + 1), json.loads(done.stdout)
    what = f"{where}, {TABS} tabs polling each second"
    report.add(
        Row(f"{what}, p99", load["p99_ms"], 30, "ms", note=f"p50 {load['p50_ms']:.1f} ms, {load['polls']} polls")
    )
    report.add(Row(f"{what}, cores", cores, 0.25, ""))


@contextmanager
def served(archive: Installation) -> Iterator[tuple[int, int]]:
    """The web server of the archive: its port and process id."""
    port = free_port()
    environment = archive.environment | {"JWST_PORT": str(port), "JWST_HOST": "127.0.0.1"}
    command = [sys.executable, "-m", "gunicorn", "--config", "python:jwstarchive.gunicorn", "jwstarchive.wsgi"]
    with (archive.data_dir / "web.log").open("wb") as output:
        web = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=output)
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz")
        # Until the warm-up of the web processes is over.
        time.sleep(8)
        yield port, web.pid
    finally:
        web.terminate()
        web.wait(30)


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(address, headers={"Host": "localhost"}), timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise Missing("the web server does not answer") from None
            time.sleep(0.1)


def _cpu_s(pid: int) -> float:
    """User and system time of a process and its children, in seconds."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid or stat.parent.name == str(pid):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


# --- searches, assets -------------------------------------------------------------------------------------------


def searching(report: Report, archive: Installation, where: str) -> None:
    found = child(archive, "search", str(SEARCHED))
    taken = found["ms"]
    what = f"{where}, search of {SEARCHED:,} rows"
    report.add(Row(f"{what}: MAST's answer to the page", taken.pop("first"), 1000, "ms"))
    for name, value in taken.items():
        report.add(Row(f"{what}: {name}", value, 100, "ms"))
    note = f"{found['cost']['queries']} queries"
    report.add(Row(f"{what}: page weight", found["cost"]["bytes"] / 1e3, 150, "kB", note=note))


def assets(report: Report) -> None:
    """What every page loads besides itself, compressed; htmx is among it, the viewer is not."""
    import django_htmx

    htmx = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js"
    files = [htmx, *(ROOT / "static" / name for name in OWN_ASSETS)]
    size = sum(len(gzip.compress(file.read_bytes(), 6)) for file in files)
    report.add(Row("assets of a page, compressed", size / 1e3, 60, "kB"))


PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def first_paint(report: Report, where: str, port: int) -> None:
    """From the address to what is first seen, in Chromium, of the dashboard."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    row = Row(f"{where}, dashboard: first paint in Chromium", None, 300, "ms", note="" if program else "no Chromium")
    if program:
        from playwright.sync_api import sync_playwright

        taken = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            for _ in range(5):
                page = browser.new_context().new_page()
                page.goto(f"http://localhost:{port}/", wait_until="load")
                page.wait_for_function(f"() => {PAINT[: -len('.startTime')]} !== undefined")
                taken.append(float(page.evaluate(PAINT)))
                page.context.close()
            browser.close()
        row.ours = statistics.median(taken[1:])
    report.add(row)
