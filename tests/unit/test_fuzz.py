"""The fuzz corpus, and a short guided run of each target where atheris can be had."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, ranges

CORPUS = Path(__file__).resolve().parents[1] / "fuzz" / "corpus"
ROOT = Path(__file__).resolve().parents[2]
INPUTS = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_an_input_of_the_corpus_breaks_nothing(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_has_a_corpus(name: str) -> None:
    assert len(list((CORPUS / name).iterdir())) > 5


@given(st.binary(max_size=80))
def test_no_header_field_breaks_the_parsers(data: bytes) -> None:
    ranges(data)


@pytest.mark.release
@pytest.mark.parametrize("name", TARGETS)
def test_a_guided_run_finds_nothing(name: str, tmp_path: Path) -> None:
    if find_spec("atheris") is None:
        pytest.skip("atheris has no wheel for this Python")
    runs = "300000" if os.environ.get("FAULT_SIZE") == "release" else "3000"
    command = [sys.executable, "-m", "tests.fuzz", name, f"-runs={runs}", "-max_len=12000"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"Done {runs} runs" in done.stderr or "DONE" in done.stderr
