"""Tabs that poll once a second, each on a connection of its own: `python -I pages_load.py PORT PATH TABS SECONDS`."""

from __future__ import annotations

import asyncio
import json
import sys
import time


async def tab(port: int, path: str, after_s: float, seconds: float, taken: list[float]) -> None:
    """One tab: a poll each second, the time to the whole answer of each."""
    await asyncio.sleep(after_s)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nHX-Request: true\r\n\r\n".encode()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head[:200]
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        taken.append(time.perf_counter() - start)
        await asyncio.sleep(max(0.0, 1 - (time.perf_counter() - start)))
    writer.close()


async def main(port: int, path: str, tabs: int, seconds: float) -> list[float]:
    taken: list[float] = []
    await asyncio.gather(*(tab(port, path, number / tabs, seconds, taken) for number in range(tabs)))
    return sorted(taken)


if __name__ == "__main__":
    times = asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
    figures = {
        "polls": len(times),
        "p50_ms": times[len(times) // 2] * 1e3,
        "p99_ms": times[int(len(times) * 0.99)] * 1e3,
    }
    print(json.dumps(figures))
