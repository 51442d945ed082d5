"""TLS of this loop. What a program sees of it has to be what it sees on asyncio's own loop."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
import random
import socket
import ssl
import struct
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import compat
from tests.compat.loops import note_reports
from tests.support.tls import client_context, server_context

NOISE = random.Random(1).randbytes(3_000_000)
Events = list[Any]
VERSIONS = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class Noting(asyncio.Protocol):
    """Notes what the transport calls."""

    def __init__(self) -> None:
        self.events: Events = []
        self.received = bytearray()
        self.lost = asyncio.get_running_loop().create_future()
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.events.append("made")

    def data_received(self, data: bytes) -> None:
        self.received += data

    def eof_received(self) -> None:
        self.events.append("eof")

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.events.append(("lost", type(exc), str(exc)))
        self.lost.set_result(None)


class Pair:
    """A server's protocol and a client's, connected by TLS, and a duplicate of the client's socket."""

    def __init__(self, server: Any, client: Any, raw: socket.socket) -> None:
        self.server, self.client, self.raw = server, client, raw


async def connect(serving: Callable[[], Any] = Noting, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
                  calling: Callable[[], Any] = Noting) -> Pair:
    loop = asyncio.get_running_loop()
    accepted: asyncio.Future[Any] = loop.create_future()

    def accept() -> Any:
        protocol = serving()
        accepted.set_result(protocol)
        return protocol

    context = client_context()
    context.minimum_version = context.maximum_version = version
    server = await loop.create_server(accept, "127.0.0.1", 0, ssl=server_context())
    sock = socket.create_connection(server.sockets[0].getsockname())
    raw = sock.dup()
    _, client = await loop.create_connection(calling, sock=sock, ssl=context, server_hostname="localhost")
    protocol = await accepted
    await until(lambda: protocol.transport is not None)
    server.close()
    return Pair(protocol, client, raw)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.001)


def as_on_asyncio(scenario: Callable[[], Awaitable[Any]], debug: bool = False) -> Any:
    """The result of a scenario on this loop, which has to be the result on asyncio's."""

    async def main() -> Any:
        async with asyncio.timeout(60):
            return await scenario()

    ours = compat.run(main(), debug=debug)
    assert ours == asyncio.run(main(), debug=debug)
    return ours


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("size", [1, 1024, 16384, 16385, 65536, len(NOISE)])
def test_messages_of_all_sizes_come_back(size: int, version: ssl.TLSVersion) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100_000):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def main() -> None:
        context = client_context()
        context.minimum_version = context.maximum_version = version
        async with await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_context()) as server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
            for start in range(3):
                message = NOISE[start:start + size]
                writer.write(message)
                assert await reader.readexactly(len(message)) == message
            writer.close()
            await writer.wait_closed()

    compat.run(main())


def test_connections_that_receive_at_once_do_not_mix_what_they_receive() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(50_000):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def converse(port: int, context: ssl.SSLContext, number: int) -> None:
        reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
        for start in range(number, number + 20):
            message = NOISE[start * 1000:start * 1000 + 20_000]
            writer.write(message)
            assert await reader.readexactly(len(message)) == message
        writer.close()
        await writer.wait_closed()

    async def main() -> None:
        context = client_context()
        async with await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_context()) as server:
            port = server.sockets[0].getsockname()[1]
            await asyncio.gather(*[converse(port, context, number) for number in range(20)])

    compat.run(main())


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_who_writes_too_much_is_paused_and_resumed(kind: Callable[[bytes], Any]) -> None:
    async def scenario() -> Events:
        pair = await connect()
        pair.client.transport.pause_reading()
        while pair.server.events[-1] != "pause":
            pair.server.transport.write(kind(NOISE))
            pair.server.transport.write(b"")
        buffered = pair.server.transport.get_write_buffer_size() > 500_000
        pair.client.transport.resume_reading()
        await until(lambda: pair.server.events[-1] == "resume")
        pair.server.transport.writelines([kind(b"the"), kind(b" end")])
        pair.server.transport.close()
        await pair.client.lost
        await pair.server.lost
        pair.raw.close()
        count, rest = divmod(len(pair.client.received) - 7, len(NOISE))
        whole = hashlib.sha256(pair.client.received).digest() == hashlib.sha256(NOISE * count + b"the end").digest()
        return [rest, whole, buffered, pair.server.events, pair.client.events]

    assert as_on_asyncio(scenario)[:3] == [0, True, True]


@pytest.mark.parametrize("limits", [(0, 0), (1, 0), (100_000, 10)])
def test_the_limits_of_the_write_buffer(limits: tuple[int, int]) -> None:
    async def scenario() -> Events:
        pair = await connect()
        pair.server.transport.set_write_buffer_limits(*limits)
        events: Events = [pair.server.transport.get_write_buffer_limits()]
        for number in range(4):
            pair.server.transport.write(b"some")
            events.append((pair.server.events[:], pair.server.transport.get_write_buffer_size()))
            pair.client.transport.write(b"answer")
            await until(lambda: len(pair.server.received) == 6 * (number + 1))
        pair.server.transport.abort()
        pair.client.transport.abort()
        pair.raw.close()
        return events

    as_on_asyncio(scenario)


def test_what_comes_while_reading_is_paused_is_received_afterwards() -> None:
    async def scenario() -> Events:
        pair = await connect()
        pair.server.transport.pause_reading()
        pair.client.transport.write(NOISE)
        await asyncio.sleep(0.05)
        before = len(pair.server.received), pair.server.transport.is_reading()
        pair.server.transport.resume_reading()
        await until(lambda: len(pair.server.received) == len(NOISE))
        pair.server.transport.abort()
        pair.client.transport.abort()
        pair.raw.close()
        return [before, pair.server.received == NOISE]

    assert as_on_asyncio(scenario) == [(0, False), True]


def test_a_protocol_with_a_buffer_of_its_own() -> None:
    class Buffered(Noting, asyncio.BufferedProtocol):

        def get_buffer(self, sizehint: int) -> memoryview:
            self.buffer = memoryview(bytearray(1000))
            return self.buffer

        def buffer_updated(self, nbytes: int) -> None:
            self.received += self.buffer[:nbytes]

    async def scenario() -> Events:
        pair = await connect(Buffered)
        pair.client.transport.write(NOISE)
        await until(lambda: len(pair.server.received) == len(NOISE))
        pair.client.transport.close()
        await pair.server.lost
        pair.raw.close()
        return [pair.server.received == NOISE, pair.server.events]

    assert as_on_asyncio(scenario)[0]


def test_a_protocol_without_a_buffer_takes_over_in_the_middle_of_a_record() -> None:
    class Beginning(Noting, asyncio.BufferedProtocol):

        def get_buffer(self, sizehint: int) -> memoryview:
            self.buffer = memoryview(bytearray(10))
            return self.buffer

        def buffer_updated(self, nbytes: int) -> None:
            self.received += self.buffer[:nbytes]
            self.next = Noting()
            self.transport.set_protocol(self.next)

    async def scenario() -> Events:
        pair = await connect(Beginning)
        pair.client.transport.write(NOISE[:3000])
        await asyncio.sleep(0.05)
        pair.client.transport.abort()
        pair.server.transport.abort()
        pair.raw.close()
        return [bytes(pair.server.received), bytes(pair.server.next.received) == NOISE[10:3000]]

    assert as_on_asyncio(scenario) == [NOISE[:10], True]


class Shouting(Noting):
    """Does something when it receives."""

    action: Callable[..., None]

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        type(self).action(self)


def fail(protocol: Noting) -> None:
    raise ValueError("what the protocol raises")


def give_up(protocol: Noting) -> None:
    raise asyncio.CancelledError("raised outside of a task")


def answer_and_close(protocol: Noting) -> None:
    protocol.transport.write(b"bye")
    protocol.transport.close()


def abort(protocol: Noting) -> None:
    protocol.transport.abort()


def become_another(protocol: Noting) -> None:
    protocol.transport.set_protocol(Noting())


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("act", [fail, give_up, answer_and_close, abort, become_another])
def test_what_a_protocol_does_when_it_receives(act: Callable[[Noting], None], debug: bool) -> None:
    class Acting(Shouting):
        action = act

    async def scenario() -> Events:
        reports = note_reports()
        pair = await connect(Acting)
        pair.client.transport.write(b"now")
        await asyncio.sleep(0.02)
        pair.client.transport.write(b"more")
        pair.client.transport.close()
        await pair.client.lost
        pair.raw.close()
        await asyncio.sleep(0.02)
        told = [(report["message"], repr(report["exception"])) for report in reports]
        return [pair.server.events, pair.client.events, pair.client.received, told]

    as_on_asyncio(scenario, debug)


@pytest.mark.parametrize("size", [5, 20_000, 700_000])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_peer_that_vanishes(version: ssl.TLSVersion, size: int) -> None:
    """It ends without the end that TLS has, after some data."""

    async def scenario() -> Events:
        reports = note_reports()
        pair = await connect(version=version)
        pair.client.transport.write(NOISE[:size])
        await until(lambda: len(pair.server.received) == size)
        pair.raw.shutdown(socket.SHUT_WR)
        await pair.server.lost
        pair.client.transport.abort()
        pair.raw.close()
        return [pair.server.events, reports]

    as_on_asyncio(scenario)


def test_a_connection_that_is_reset() -> None:
    async def scenario() -> Events:
        reports = note_reports()
        pair = await connect()
        pair.client.transport.pause_reading()
        pair.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        pair.client.transport.abort()
        await pair.client.lost
        pair.raw.close()
        await pair.server.lost
        return [pair.server.events, reports]

    as_on_asyncio(scenario)


@pytest.mark.parametrize("with_data", [False, True])
@pytest.mark.parametrize("debug", [False, True])
def test_a_record_that_was_tampered_with(with_data: bool, debug: bool) -> None:
    async def scenario() -> Events:
        reports = note_reports()
        pair = await connect()
        if with_data:
            pair.client.transport.write(b"good")
        pair.raw.send(b"\x17\x03\x03\x00\x20" + bytes(32))
        await pair.server.lost
        pair.client.transport.abort()
        pair.raw.close()
        return [[event[:2] for event in pair.server.events], bytes(pair.server.received), reports]

    as_on_asyncio(scenario, debug)


@pytest.mark.parametrize("with_data", [False, True])
def test_half_a_record_is_waited_for(with_data: bool) -> None:
    async def scenario() -> Events:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
        loop = asyncio.get_running_loop()
        accepted: asyncio.Future[Noting] = loop.create_future()

        class Accepted(Noting):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                accepted.set_result(self)

        async with await loop.create_server(Accepted, "127.0.0.1", 0, ssl=server_context()) as server:
            with socket.create_connection(server.sockets[0].getsockname()) as sock:
                sock.setblocking(False)
                while True:
                    try:
                        tls.do_handshake()
                        break
                    except ssl.SSLWantReadError:
                        await loop.sock_sendall(sock, outgoing.read())
                        incoming.write(await loop.sock_recv(sock, 65536))
                await loop.sock_sendall(sock, outgoing.read())
                protocol = await accepted
                if with_data:
                    tls.write(NOISE[:40_000])
                tls.write(b"slowly")
                sent = outgoing.read()
                received = []
                for piece in [sent[:-20], sent[-20:-1], sent[-1:]]:
                    await loop.sock_sendall(sock, piece)
                    await asyncio.sleep(0.03)
                    received.append(len(protocol.received))
                protocol.transport.abort()
                await protocol.lost
                return [received, bytes(protocol.received) == NOISE[:40_000 * with_data] + b"slowly"]

    data = 40_000 * with_data
    assert as_on_asyncio(scenario) == [[data, data, data + 6], True]


def test_writing_what_cannot_be_written(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> Events:
        caplog.clear()
        pair = await connect()
        errors = []
        for wrong in "text", None, 5, [b"list"]:
            with pytest.raises(TypeError) as caught:
                pair.server.transport.write(wrong)
            errors.append(str(caught.value))
        with pytest.raises(NotImplementedError):
            pair.server.transport.write_eof()
        pair.server.transport.close()
        for _ in range(8):
            pair.server.transport.write(b"too late")
        await pair.server.lost
        await pair.client.lost
        pair.raw.close()
        logged = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        return [errors, logged, pair.client.received, pair.server.events, pair.server.transport.is_closing(),
                pair.server.transport.can_write_eof()]

    assert as_on_asyncio(scenario)[1]


def test_a_transport_tells_of_its_connection() -> None:
    async def scenario() -> Events:
        pair = await connect()
        transport = pair.client.transport
        info = [transport.get_extra_info(name) for name in ("cipher", "compression", "peercert")]
        kinds = [type(transport.get_extra_info(name)).__name__ for name in ("ssl_object", "sslcontext", "socket")]
        version = transport.get_extra_info("ssl_object").version()
        names = transport.get_extra_info("peername") == pair.server.transport.get_extra_info("sockname")
        pair.client.transport.abort()
        await pair.client.lost
        pair.server.transport.abort()
        pair.raw.close()
        named = "ssl" in type(transport).__name__.lower()  # by which some programs know it
        return [info, kinds, version, names, named, transport.get_extra_info("nothing", "such")]

    assert as_on_asyncio(scenario)[2] == "TLSv1.3"


def test_tls_in_tls() -> None:
    async def scenario() -> Events:
        loop = asyncio.get_running_loop()
        pair = await connect()
        inner = Noting(), Noting()
        served, called = await asyncio.gather(
            loop.start_tls(pair.server.transport, inner[0], server_context(), server_side=True),
            loop.start_tls(pair.client.transport, inner[1], client_context(), server_hostname="localhost"))
        assert served is not None and called is not None
        called.write(NOISE)
        await until(lambda: len(inner[0].received) == len(NOISE))
        served.write(b"thanks")
        served.close()
        await inner[0].lost
        await inner[1].lost
        pair.raw.close()
        return [inner[0].received == NOISE, bytes(inner[1].received), inner[0].events, inner[1].events]

    assert as_on_asyncio(scenario)[:2] == [True, b"thanks"]


def test_a_handshake_that_is_cancelled_or_takes_too_long() -> None:
    async def scenario() -> Events:
        loop = asyncio.get_running_loop()
        errors = []
        with socket.create_server(("127.0.0.1", 0)) as silent:
            for error, seconds in (ConnectionAbortedError, 0.02), (TimeoutError, 60.0):
                with pytest.raises(error) as caught:
                    async with asyncio.timeout(0.1):
                        await loop.create_connection(Noting, *silent.getsockname(), ssl=client_context(),
                                                     server_hostname="localhost", ssl_handshake_timeout=seconds)
                errors.append(str(caught.value))
        return errors

    as_on_asyncio(scenario)


def test_an_unclosed_transport_is_told_of() -> None:
    async def scenario() -> Events:
        pair = await connect()
        pair.server.transport._ssl_protocol._transport.abort()
        transport = type(pair.client.transport)(asyncio.get_running_loop(), pair.client.transport._ssl_protocol)
        with pytest.warns(ResourceWarning) as caught:
            del transport
        pair.client.transport.abort()
        await pair.server.lost
        await pair.client.lost
        pair.raw.close()
        return [str(warning.message) for warning in caught]

    as_on_asyncio(scenario)


def test_an_idle_connection_keeps_no_buffer() -> None:
    number = 20

    async def main() -> float:
        first = await connect()
        gc.collect()
        tracemalloc.start()
        pairs = [await connect() for _ in range(number)]
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        for pair in [first, *pairs]:
            pair.client.transport.abort()
            pair.server.transport.abort()
            pair.raw.close()
        return kept / (2 * number)

    assert compat.run(main()) < 40_000
