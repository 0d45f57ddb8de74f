"""`manage.py bench load`: a group at work on two cores, for five minutes.

PostgreSQL, Valkey, nginx and gunicorn as in `docs/group.md`; a library of a million files; fifty people who browse,
two hundred tabs that poll a job, three scripts that page through REST, and an import that fills its line all the while.
Then the same with the worker killed every twenty seconds and Valkey once. `--quick` takes a tenth of everything.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks import servers
from tests.benchmarks.bench_pages import ask, served
from tests.benchmarks.installation import Installation, installed, postgresql
from tests.benchmarks.portal import portal
from tests.benchmarks.report import Report, Row, say
from tests.benchmarks.served import Shelf
from tests.benchmarks.servers import Missing, Nginx, free_port, running

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
FILES, PEOPLE, TABS, SCRIPTS = 1_000_000, 50, 200, 3
SECONDS, ALONE_S, KILL_EACH_S = 300, 60, 20
LINE_BYTES_PER_S = 40_000_000
FILE_BYTES = 20_000_000
OBS_ID = "jw02733-o{:03d}_t001_nircam_clear-f090w"
PAGES = (
    "/", "/?view=files", "/?view=files&instrument=NIRCAM", "/?view=files&program=1234", "/?q=Orion", "/imports/",
    "/?ordering=-exposureTime", "/?instrument=MIRI&ordering=-observationDate", "/guide/", "/files/{file}/",
    "/observations/{obs}/",
)  # fmt: skip
_FRONT = """
@user worker_processes 1; daemon off; pid @folder/pid; error_log @folder/error.log;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path @folder/body; proxy_temp_path @folder/proxy; fastcgi_temp_path @folder/fastcgi;
  uwsgi_temp_path @folder/uwsgi; scgi_temp_path @folder/scgi;
  upstream archive { server 127.0.0.1:@archive; keepalive 16; }
  server { listen 127.0.0.1:@port; keepalive_requests 100000;
    location / {
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost; proxy_pass http://archive;
    }
  }
}
"""


@dataclass(frozen=True)
class Size:
    files: int
    seconds: float
    alone_s: float


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="manage.py bench load", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    part = 10 if given.quick else 1
    size = Size(FILES // part, SECONDS / part, ALONE_S / (3 if given.quick else 1))
    report = Report(f"bench load: {size.files:,} files, {PEOPLE} people, {TABS} tabs, {SCRIPTS} scripts, an import")
    report.start()
    folder = Path(os.environ.get("JWST_DATA_DIR") or ROOT / "data").resolve() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        measure(report, folder, size)
    except Missing as missing:
        report.add(Row("load", None, 0, "", note=str(missing)))
    return report.finish()


def measure(report: Report, folder: Path, size: Size) -> None:
    # Two runs and the one alone, and a bit more than the line can bring.
    count = int((2 * size.seconds + size.alone_s) * LINE_BYTES_PER_S / FILE_BYTES * 1.3) + 60
    with ExitStack() as stack:
        shelf = Shelf(folder / "load-shelf")
        names = _many_names(shelf, count)
        nginx = stack.enter_context(Nginx(folder / "load-nginx", shelf).run())
        held = {OBS_ID.format(1): names}
        stack.enter_context(portal(folder / "load-portal", nginx.portal_port, held))
        line = servers.delayed(Path(sys.executable), nginx.ports["plain"], 2.0, link=LINE_BYTES_PER_S)
        line_port = stack.enter_context(line)
        url = stack.enter_context(postgresql(folder / "load-postgresql"))
        archive = stack.enter_context(installed(folder / "load", f"http://localhost:{line_port}", database_url=url))
        say(f"filling PostgreSQL with {size.files:,} files")
        ask(archive, "tests.benchmarks.library_rows", str(size.files))
        workers = stack.enter_context(archive.workers())
        port, web = stack.enter_context(served(archive))
        front = stack.enter_context(_front(folder / "load-front", port))
        job = _start(front, OBS_ID.format(1))
        shelf_dir = archive.data_dir / "mast"
        alone = _rate(shelf_dir, size.alone_s)
        say(f"the import alone: {alone / 1e6:.1f} MB/s of {LINE_BYTES_PER_S / 1e6:.0f}")
        plan = folder / "load-plan.json"
        plan.write_text(json.dumps(_plan(front, job)))
        quiet = _Run(front, plan, shelf_dir, size.seconds, [web, *(each.pid for each in workers)])
        quiet.measure(report, "", alone)
        rough = _Run(front, plan, shelf_dir, size.seconds, [])
        with _trouble(archive, workers, size.seconds):
            rough.measure(report, "worker killed each 20 s, Valkey once: ", None)


def _many_names(shelf: Shelf, count: int) -> list[tuple[str, int]]:
    """So many names of one file's bytes."""
    sample = shelf.one("jw02733-o000_t001_nircam_clear-f090w_i2d.fits", FILE_BYTES)
    names = []
    for number in range(count):
        name = f"jw02733001001_{number:05d}_00001_nrcb1_i2d.fits"
        place = shelf.files / name
        if not place.exists():
            place.hardlink_to(sample.path)
        names.append((name, sample.size_bytes))
    return names


@contextmanager
def _front(folder: Path, archive_port: int) -> Iterator[int]:
    nginx, port = servers.program("nginx", "nginx-light"), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    text = _FRONT.replace("@user", "user root;" if os.geteuid() == 0 else "").replace("@folder", str(folder))
    (folder / "nginx.conf").write_text(text.replace("@archive", str(archive_port)).replace("@port", str(port)))
    command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with running(command, folder, port):
        yield port


def _call(port: int, path: str, body: object = None) -> Any:
    import urllib.request

    data = None if body is None else json.dumps(body).encode()
    headers = {"Host": "localhost", "Content-Type": "application/json"}
    with urllib.request.urlopen(
        urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers), timeout=60
    ) as reply:
        return json.load(reply)


def _start(port: int, obs_id: str) -> str:
    return str(_call(port, "/api/mast/import", {"obsId": obs_id, "source": "http"})["jobId"])


def _plan(port: int, job: str) -> dict[str, Any]:
    (row,) = _call(port, "/api/files?limit=1")["results"]
    pages = [page.format(file=row["id"], obs=row["obsId"]) for page in PAGES]
    poll = f"/imports/{job}/progress/?state=downloading"
    return {
        "pages": pages,
        "poll": poll,
        "api": "/api/files?limit=100",
        "people": PEOPLE,
        "tabs": TABS,
        "scripts": SCRIPTS,
    }


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.fits"))


def _rate(folder: Path, seconds: float) -> float:
    """Bytes a second of whole files, after a moment for the job to begin."""
    time.sleep(5)
    before, start = _bytes_in(folder), time.monotonic()
    time.sleep(seconds)
    return (_bytes_in(folder) - before) / (time.monotonic() - start)


@dataclass
class _Run:
    port: int
    plan: Path
    shelf: Path
    seconds: float
    pids: list[int]

    def measure(self, report: Report, prefix: str, alone: float | None) -> None:
        command = [sys.executable, "-I", str(HERE / "load_child.py"), str(self.port), str(self.plan), str(self.seconds)]
        before, start = _bytes_in(self.shelf), time.monotonic()
        memory: list[float] = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            while child.poll() is None:
                time.sleep(1)
                if self.pids:
                    memory.append(sum(_rss_mb(pid) for pid in self.pids))
            assert child.stdout is not None
            said = json.loads(child.stdout.read())
        rate = (_bytes_in(self.shelf) - before) / (time.monotonic() - start)
        goals = {"pages": 250.0, "polls": 100.0, "calls": None} if alone else dict.fromkeys(said)
        for kind, found in said.items():
            note = f"{found['count']:,}; p50 {found.get('p50_ms', 0):.0f}, p99 {found.get('p99_ms', 0):.0f} ms"
            report.add(Row(f"{prefix}{kind}, p95", found.get("p95_ms"), goals[kind], "ms", note=note))
            words = "; ".join(found["first_errors"])
            report.add(Row(f"{prefix}{kind} that failed", found["errors"], 0, "", note=words))
        if alone:
            note = f"{rate / 1e6:.1f} MB/s"
            # 0.8 of alone is reached when a byte takes at most 1 / 0.8 of the time.
            report.add(Row(f"{prefix}import", 1e6 / rate, 1 / 0.8, "s", "alone", 1e6 / alone, is_ratio=True, note=note))
            early, late = memory[len(memory) // 4], max(memory[-len(memory) // 4 :])
            note = f"{early:.0f} MB after a quarter, {late:.0f} MB at most in the last"
            report.add(Row(f"{prefix}memory of web and workers, growth", late / early, 1.1, "", note=note))
        else:
            report.add(Row(f"{prefix}import", rate / 1e6, None, "MB", note="a second"))


def _rss_mb(pid: int) -> float:
    """Of a process and its children, in MB; memory that they share is counted once, as /proc's Pss does."""
    total = 0.0
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    for each in [pid, *map(int, listed.stdout.split())]:
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next((int(line.split()[1]) / 1e3 for line in lines if line.startswith("Pss:")), 0.0)
    return total


@contextmanager
def _trouble(archive: Installation, workers: list[subprocess.Popen[bytes]], seconds: float) -> Iterator[None]:
    """Kill the worker every twenty seconds, and Valkey once; both are started again, as a supervisor would."""
    over = threading.Event()

    def make() -> None:
        start = time.monotonic()
        is_valkey_due = True
        while not over.wait(min(KILL_EACH_S, seconds / 4)):
            process = workers.pop()
            process.send_signal(signal.SIGKILL)
            process.wait()
            subprocess.run(["pkill", "-KILL", "-P", str(process.pid)], check=False)
            if is_valkey_due and time.monotonic() - start > seconds / 2:
                is_valkey_due = False
                archive.restart_valkey()
            workers.append(archive.start_worker(0))

    maker = threading.Thread(target=make)
    maker.start()
    try:
        yield
    finally:
        over.set()
        maker.join()
