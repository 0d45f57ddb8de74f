"""Fixtures of the fault tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mast.transfer.config import MIB
from mast.transfer.pool import POOL
from mast.transfer.waits import WAITS
from tests.fault import figures
from tests.fault.world import World, fits_bytes
from tests.integration.conftest import ended, folders, little, serve

__all__ = ["content", "ended", "folders", "little", "serve", "world"]

CONTENT = fits_bytes(5 * MIB + 12345, seed=1)


@pytest.fixture
def content() -> bytes:
    """A FITS file of about 5 MiB: six records, six chunks."""
    return CONTENT


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    WAITS.forget()
    yield World(tmp_path)
    POOL.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if lines := list(figures.lines()):
        terminalreporter.section("faults")
        for line in lines:
            terminalreporter.write_line(line)
