"""A round trip before a port of this machine: `python delay_proxy.py TARGET_PORT RTT_MS LINK`; prints its own port.

Every byte is held back for half the round trip in each direction, and the first ones of a connection for a whole one
more, which is TCP's handshake. At most `WINDOW_BYTES` of a connection are on their way to the client at a time; all
connections together get LINK bytes a second, where that is not 0. Loss and slow start are not played.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections import deque

WINDOW_BYTES = 4 << 20


class Link:
    """What all connections share."""

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_at = 0.0

    async def carry(self, count: int) -> None:
        if self._bytes_per_s:
            now = asyncio.get_running_loop().time()
            self._free_at = max(self._free_at, now - 0.01) + count / self._bytes_per_s
            await asyncio.sleep(self._free_at - now)


class Line:
    """One direction: bytes go in, and come out `delay_s` later."""

    def __init__(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, delay_s: float, link: Link) -> None:
        self._source, self._sink, self._delay_s, self._link = source, sink, delay_s, link
        self._under_way: deque[tuple[float, bytes]] = deque()
        self._held = 0
        self._changed = asyncio.Event()
        self._has_room = asyncio.Event()

    async def run(self, opens_at: float = 0.0) -> None:
        reading = asyncio.create_task(self._read(opens_at))
        with contextlib.suppress(ConnectionError):
            await self._write()
        reading.cancel()
        self._sink.close()

    async def _read(self, opens_at: float) -> None:
        now = asyncio.get_running_loop().time
        data = b"-"
        while data:
            try:
                data = await self._source.read(1 << 18)
            except ConnectionError:
                data = b""
            self._under_way.append((max(now(), opens_at) + self._delay_s, data))
            self._held += len(data)
            self._changed.set()
            while self._held > WINDOW_BYTES // 2:
                self._has_room.clear()
                await self._has_room.wait()

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while not self._under_way:
                self._changed.clear()
                await self._changed.wait()
            due, data = self._under_way.popleft()
            if not data:
                return
            if (early := due - loop.time()) > 0:
                await asyncio.sleep(early)
            await self._link.carry(len(data))
            # The other direction may have closed it meanwhile.
            if self._sink.is_closing():
                return
            self._sink.write(data)
            await self._sink.drain()
            self._held -= len(data)
            self._has_room.set()


async def serve(target_port: int, rtt_s: float, link: Link) -> None:
    async def connected(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        opens_at = asyncio.get_running_loop().time() + rtt_s
        reader, writer = await asyncio.open_connection("127.0.0.1", target_port, limit=1 << 20)
        for stream in (sink, writer):
            stream.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        there, back = Line(source, writer, rtt_s / 2, Link(0)), Line(reader, sink, rtt_s / 2, link)
        await asyncio.gather(there.run(opens_at), back.run())

    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=512, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    serving = serve(int(sys.argv[1]), float(sys.argv[2]) / 1000, Link(float(sys.argv[3])))
    try:
        import uvloop
    except ImportError:
        asyncio.run(serving)
    else:
        uvloop.run(serving)


main()
