"""Ten thousand exchanges through a proxy that delays, splits, cuts and resets: each is intact, or raises."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import ssl
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from kernel import IncompleteRead, Stream, TaskGroup, open_connection, run, serve, timeout
from tests.support.descriptors import open_descriptors
from tests.support.reports import ignore
from tests.support.streams import LOCALHOST
from tests.support.tls import client_context, server_context

WORKERS = 50


class Faults:
    """What befalls one direction of a connection: delays and splits always, a cut or a reset some of the time."""

    def __init__(self, seed: int, fatal: float) -> None:
        self._random = random.Random(seed)
        self.budget = self._random.randrange(1, 60000) if self._random.random() < fatal else None
        self.reset = self._random.random() < 0.5

    def pieces(self, data: bytes) -> Iterator[tuple[bytes, float]]:
        """What is passed on of `data`, and the seconds to wait after each piece."""
        while data and self.budget != 0:
            size = self._random.choice([1, 7, 100, 1500, 65536])
            if self.budget is not None:
                size = min(size, self.budget)
            piece, data = data[:size], data[size:]
            if self.budget is not None:
                self.budget -= len(piece)
            yield piece, self._random.choice([0, 0, 0, 0, 0.0005])


class Proxy:
    """A TCP proxy in a thread, on asyncio: nothing in it is the library that it tests."""

    def __init__(self, target: int, seed: int, fatal: float) -> None:
        self._target = target
        self._seeds = random.Random(seed)
        self._fatal = fatal
        self.faults: Counter[str] = Counter()
        self._open: list[asyncio.StreamWriter] = []

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = (Faults(self._seeds.getrandbits(32), self._fatal) for _ in range(2))
        up_reader, up_writer = await asyncio.open_connection(LOCALHOST, self._target)
        writers = writer, up_writer
        self._open += writers
        tasks = [asyncio.create_task(self.pump(reader, up_writer, there, writers)),
                 asyncio.create_task(self.pump(up_reader, writer, back, writers))]
        await asyncio.wait(tasks)
        for each in writers:
            each.close()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, faults: Faults,
                   writers: tuple[asyncio.StreamWriter, ...]) -> None:
        try:
            while data := await reader.read(65536):
                for piece, delay in faults.pieces(data):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(delay)
                if faults.budget == 0:
                    return self.end(faults.reset, writers)
            writer.write_eof()
        except OSError:
            for each in writers:
                each.transport.abort()

    def close(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    def end(self, reset: bool, writers: tuple[asyncio.StreamWriter, ...]) -> None:
        self.faults["reset" if reset else "cut"] += 1
        for each in writers:
            if reset:
                with suppress(OSError):
                    linger = struct.pack("ii", 1, 0)
                    each.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                each.transport.abort()
            else:
                each.close()


@contextmanager
def faulty_proxy(target: int, seed: int, fatal: float) -> Iterator[tuple[int, Counter[str]]]:
    """The port of the proxy, and a count of the faults it has made."""
    proxy = Proxy(target, seed, fatal)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(proxy.connection, LOCALHOST, 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1], proxy.faults
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        proxy.close()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:  # gather() of none would ask for another loop
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


async def answer(stream: Stream) -> None:
    """Each request is a line with a length, and so many bytes; the answer is their checksum and the bytes."""
    async for line in stream:
        data = await stream.read_exactly(int(line))
        await stream.write_all(b"%d %d\n" % (zlib.crc32(data), len(data)))
        await stream.write_all(data)


async def exchange(stream: Stream, data: bytes) -> bool:
    await stream.write_all(b"%d\n" % len(data) + data)
    line = await stream.read_line()
    if not line.endswith(b"\n"):
        raise IncompleteRead("the peer ended the stream in a line", line)
    assert line == b"%d %d\n" % (zlib.crc32(data), len(data))
    assert await stream.read_exactly(len(data)) == data
    return True


async def exchanges(port: int, seed: int, number: int, context: ssl.SSLContext | None, results: Counter[str]) -> None:
    """Make so many exchanges, each on the connection of the one before as long as that lasts."""
    source = random.Random(seed)
    stream: Stream | None = None
    for _ in range(number):
        data = source.randbytes(source.choice([0, 1, 100, 1000, 10000]))
        try:
            async with timeout(30):
                if stream is None:
                    stream = await open_connection(LOCALHOST, port, ssl=context)
                await exchange(stream, data)
            results["intact"] += 1
        except TimeoutError:
            raise
        except (OSError, EOFError) as error:
            results[type(error).__name__] += 1
            if stream is not None:
                stream.close()
            stream = None
    if stream is not None:
        stream.close()


@pytest.mark.parametrize("tls, number", [(False, 10_000), (True, 2_000)])
@pytest.mark.timeout(240)
def test_every_exchange_is_intact_or_raises_and_none_hangs(tls: bool, number: int) -> None:
    seed = int(os.environ.get("FAULT_SEED", "20240611"))
    print(f"FAULT_SEED={seed}")
    results: Counter[str] = Counter()

    async def main(faults: list[Counter[str]]) -> None:
        async with await serve(answer, LOCALHOST, 0, ssl=server_context() if tls else None, grace=0) as server:
            with faulty_proxy(server.port, seed, fatal=0.5) as (port, made):
                faults.append(made)
                async with TaskGroup() as group:
                    for worker in range(WORKERS):
                        context = client_context() if tls else None
                        await group.spawn(exchanges(port, seed + worker, number // WORKERS, context, results))

    faults: list[Counter[str]] = []
    before = open_descriptors()
    run(main(faults), exception_hook=ignore)  # the server's side of the faults
    print(dict(results), dict(faults[0]))
    assert results.total() == number
    assert results["intact"] > number / 2
    assert number - results["intact"] > 20 and faults[0]["cut"] > 10 and faults[0]["reset"] > 10
    assert open_descriptors() == before
