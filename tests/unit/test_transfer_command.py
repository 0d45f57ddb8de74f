"""`python -m mast.transfer`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mast.transfer.__main__ import Bar, _name_in, main
from mast.transfer.config import MIB
from mast.transfer.values import Progress
from tests.fault import server as lies
from tests.fault.server import FaultServer
from tests.fault.world import fits_bytes

CHECKOUT = Path(__file__).resolve().parents[2]
CONTENT = fits_bytes(3 * MIB, seed=1)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mast.transfer", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)


def test_a_file_is_fetched_into_a_directory_under_its_own_name(tmp_path: Path) -> None:
    with FaultServer(CONTENT) as server:
        done = run(f"http://127.0.0.1:{server.port}/Download/file?uri=mast:JWST/product/a_i2d.fits", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a_i2d.fits").read_bytes() == CONTENT
    assert "Proof: structure" in done.stdout


def test_an_error_is_one_sentence_and_a_code(tmp_path: Path) -> None:
    with FaultServer(CONTENT) as server:
        server.fault("gone", lies.status(404))
        done = run(server.url, str(tmp_path / "a.fits"))
    assert done.returncode == 1
    assert done.stderr == "127.0.0.1 does not have this file (404). [transfer.not_in_source]\n"


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    with FaultServer(CONTENT, bytes_per_s=1e6) as server:
        command = [sys.executable, "-m", "mast.transfer", server.url, str(tmp_path / "a.fits"), "--connections", "1"]
        process = subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 20
        while server.body_bytes < 1.5 * MIB and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
        assert (process.returncode, said) == (130, "Interrupted; run the same command again to go on.\n")
        server.bytes_per_s = None
        before = server.body_bytes
        assert run(server.url, str(tmp_path / "a.fits"), "--quiet").returncode == 0
        assert server.body_bytes - before < 2.5 * MIB
    assert (tmp_path / "a.fits").read_bytes() == CONTENT


def test_an_s3_address_is_an_object_in_a_bucket(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with FaultServer(CONTENT) as server:
            endpoint = f"http://127.0.0.1:{server.port}"
            assert main(["s3://stpubdata/jwst/a.fits", str(tmp_path), "--s3-endpoint", endpoint, "--quiet"]) == 0
            assert server.asked[0].target == "/stpubdata/jwst/a.fits"
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "url", ["https://mast.stsci.edu/", "https://mast.stsci.edu/..", "https://mast.stsci.edu/?uri=a/"]
)
def test_an_address_without_a_name_asks_for_one(url: str) -> None:
    with pytest.raises(SystemExit, match="OUT"):
        _name_in(url)


def test_the_bar_says_how_far_and_what_it_waits_for() -> None:
    bar = Bar()
    bar.line(Progress(0, 100 * MIB, "s3", "downloading"))
    line = bar.line(Progress(50 * MIB, 100 * MIB, "s3", "waiting", "mast.stsci.edu asks us to wait."))
    assert line.startswith("[##############..............]  50 % 52.4 MB, ")
    assert line.endswith("waiting: mast.stsci.edu asks us to wait.")
    assert bar.line(Progress(5, None, "s3", "downloading")).startswith("0.0 MB, ")


def test_importing_the_library_loads_neither_django_nor_the_heavy_ones() -> None:
    code = (
        "import sys, mast.transfer; "
        "print(sorted({'django', 'numpy', 'astropy', 'boto3', 'requests', 'celery'} & set(sys.modules)))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
