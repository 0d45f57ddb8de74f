"""Whether MAST can be reached: asked once at start, beside everything else, for three seconds at most."""

from __future__ import annotations

import json
import threading
import urllib.parse
import urllib.request

PATIENCE_S = 3.0


class Probe:
    """One question to MAST, in a thread of its own: a name server that says nothing cannot be interrupted."""

    def __init__(self, mast_url: str) -> None:
        self.answered = False
        self._thread = threading.Thread(target=self._ask, args=(mast_url,), daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def _ask(self, mast_url: str) -> None:
        # Some answer is not enough: hotel networks and proxies answer for everybody. MAST answers this with JSON.
        question = {"service": "Mast.Name.Lookup", "params": {"input": "M 16", "format": "json"}}
        address = f"{mast_url}/api/v0/invoke?request={urllib.parse.quote(json.dumps(question))}"
        request = urllib.request.Request(address, headers={"User-Agent": "jwst-archive"})  # noqa: S310 - checked in settings
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as reply:  # noqa: S310
                self.answered = isinstance(json.loads(reply.read(1_000_000)), dict)
        except (OSError, ValueError):
            self.answered = False
