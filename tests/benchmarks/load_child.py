"""A group at work: people who browse, tabs that poll, scripts that page. `python -I load_child.py PORT PLAN SECONDS`.

PLAN is a JSON file: `pages`, a list of addresses; `poll`, the address the tabs ask for; `api`, where the scripts begin;
`people`, `tabs` and `scripts`, how many there are. Each has a connection of its own. Prints figures as JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from pathlib import Path
from typing import Any

Taken = list[tuple[float, float, str]]
"""when, seconds, and what went wrong"""
TOO_LONG_S = 60.0
PACE = re.compile(rb"load delay:(\d+)s")


class Visitor:
    """One connection, opened again when the server closed it."""

    def __init__(self, port: int, **headers: str) -> None:
        self._port = port
        self._headers = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.StreamReader

    async def get(self, path: str, taken: Taken) -> bytes:
        start = time.perf_counter()
        wrong, body = "", b""
        try:
            body = await asyncio.wait_for(self._get(path), TOO_LONG_S)
        except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError) as error:
            wrong = f"{path[:60]}: {type(error).__name__} {error}"[:200]
            self.close()
        taken.append((time.monotonic(), time.perf_counter() - start, wrong))
        return body

    async def _get(self, path: str) -> bytes:
        if self._writer is None or self._writer.is_closing() or self._reader.at_eof():
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{self._headers}\r\n".encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = next((line for line in head.split("\r\n") if line.startswith("content-length:")), None)
        if length is not None:
            body = await self._reader.readexactly(int(length.partition(":")[2]))
        else:
            body = await self._chunks()
        if not head.startswith("http/1.1 200"):
            raise ValueError(head.split("\r\n", 1)[0])
        return body

    async def _chunks(self) -> bytes:
        found = b""
        while size := int(await self._reader.readline(), 16):
            found += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)
        return found

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


async def person(port: int, pages: list[str], number: int, end: float, taken: Taken) -> None:
    """Looks at a page for some seconds, then at another."""
    draw, visitor = random.Random(number), Visitor(port)
    await asyncio.sleep(draw.uniform(0, 4))
    while time.monotonic() < end:
        await visitor.get(draw.choice(pages), taken)
        await asyncio.sleep(draw.uniform(2, 6))


async def tab(port: int, path: str, after_s: float, end: float, taken: Taken) -> None:
    """Asks again when the answer says, as htmx does."""
    visitor = Visitor(port, HX_Request="true")
    await asyncio.sleep(after_s)
    while time.monotonic() < end:
        delay = PACE.search(await visitor.get(path, taken))
        await asyncio.sleep(int(delay[1]) if delay else 5)


async def script(port: int, path: str, end: float, taken: Taken) -> None:
    """Pages through the library, a hundred records at a time, and begins anew."""
    visitor, at = Visitor(port), path
    while time.monotonic() < end:
        body = await visitor.get(at, taken)
        cursor = json.loads(body)["next"] if body else None
        at = f"{path}&cursor={cursor}" if cursor else path
        await asyncio.sleep(0.2)


def figures(taken: Taken) -> dict[str, Any]:
    times = sorted(seconds * 1e3 for _, seconds, wrong in taken if not wrong)
    wrong = [words for _, _, words in taken if words]
    place = (
        {percent: times[min(len(times) - 1, len(times) * percent // 100)] for percent in (50, 95, 99)} if times else {}
    )
    return {
        "count": len(taken),
        "errors": len(wrong),
        "first_errors": wrong[:5],
        **{f"p{percent}_ms": value for percent, value in place.items()},
    }


async def main(port: int, plan: dict[str, Any], seconds: float) -> dict[str, Any]:
    end = time.monotonic() + seconds
    pages: Taken = []
    polls: Taken = []
    calls: Taken = []
    await asyncio.gather(
        *(person(port, plan["pages"], number, end, pages) for number in range(plan["people"])),
        *(tab(port, plan["poll"], number / plan["tabs"], end, polls) for number in range(plan["tabs"])),
        *(script(port, plan["api"], end, calls) for _ in range(plan["scripts"])),
    )
    return {"pages": figures(pages), "polls": figures(polls), "calls": figures(calls)}


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[2]).read_text())
    print(json.dumps(asyncio.run(main(int(sys.argv[1]), given, float(sys.argv[3])))))
