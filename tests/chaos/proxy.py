"""A TCP proxy that can refuse, reset, delay, drop and throttle connections; switchable."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Literal

from tests.conftest import free_port

Mode = Literal["pass", "refuse", "cut", "delay", "blackhole", "throttle"]
CHUNK = 65_536
DELAY_SECONDS = 1.0
THROTTLED_BYTES, THROTTLED_PAUSE = 64, 0.02  # bytes per write, seconds between writes


class Proxy:
    """Forwards `port` to the loopback port `to`.

    refuse: the port is closed, and open connections are reset · cut: all connections are reset at
    the next byte · delay: each chunk comes a second late · blackhole: data is dropped, connections
    stay open · throttle: 3 kB a second.
    """

    def __init__(self, name: str, to: int, port: int = 0) -> None:
        self.name, self._to = name, to
        self.port = port or free_port()
        self.mode: Mode = "pass"
        self._loop: asyncio.AbstractEventLoop
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        self._loop = asyncio.new_event_loop()
        thread = Thread(target=self._loop.run_forever, name=f"proxy-{self.name}", daemon=True)
        thread.start()
        self.switch("pass")
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)
            self._loop.close()

    def switch(self, mode: Mode) -> None:
        """Change the mode, also for open connections."""
        asyncio.run_coroutine_threadsafe(self._switch(mode), self._loop).result(10)

    async def _switch(self, mode: Mode) -> None:
        self.mode = mode
        if mode == "refuse":
            await self._close()
        elif self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self._open):
            _reset(writer)

    async def _stop(self) -> None:
        await self._close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._forward(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            target = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            self._open.discard(writer)
            _reset(writer)
            return
        self._open.add(target[1])
        copies = [self._copy(reader, target[1]), self._copy(target[0], writer)]
        tasks = [asyncio.ensure_future(copy) for copy in copies]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for end in (writer, target[1]):
                self._open.discard(end)
                end.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(CHUNK):
                if self.mode == "cut":
                    for end in tuple(self._open):
                        _reset(end)
                    return
                if self.mode == "blackhole":
                    continue
                if self.mode == "delay":
                    await asyncio.sleep(DELAY_SECONDS)
                await self._write(writer, chunk)

    async def _write(self, writer: asyncio.StreamWriter, chunk: bytes) -> None:
        size = THROTTLED_BYTES if self.mode == "throttle" else CHUNK
        for start in range(0, len(chunk), size):
            writer.write(chunk[start : start + size])
            await writer.drain()
            if self.mode == "throttle":
                await asyncio.sleep(THROTTLED_PAUSE)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset, as a crash or a firewall does."""
    transport = writer.transport
    raw = transport.get_extra_info("socket")
    with suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
