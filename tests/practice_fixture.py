"""A practice archive in a thread, for every test that needs a MAST to talk to."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from mast.practice import PracticeServer


@pytest.fixture(scope="session")
def practice_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeServer]:
    """One server for the whole run; the files it makes are kept, which is what makes the suite fast."""
    with PracticeServer(tmp_path_factory.mktemp("practice")) as server:
        yield server


@pytest.fixture
def practice(practice_server: PracticeServer) -> PracticeServer:
    """The server with its counts at zero and no faults; set its knobs freely."""
    practice_server.reset()
    return practice_server


def bytes_sent(practice: PracticeServer, source: str, expected: int) -> int:
    """What the server says it sent. It counts a piece once it is sent: the client may have it a moment earlier."""
    deadline = time.monotonic() + 5
    while practice.sent_bytes[source] < expected and time.monotonic() < deadline:
        time.sleep(0.01)
    return practice.sent_bytes[source]
