"""The transports of this loop, where they are not asyncio's to the letter."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import socket
import time
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

import compat

MESSAGE = bytes(range(256)) * 4096  # a MiB


@pytest.mark.parametrize("proto", [0, socket.IPPROTO_TCP])
def test_small_messages_go_out_at_once_however_the_listening_socket_was_made(proto: int) -> None:
    async def main() -> tuple[int, int]:
        settings: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            sock = writer.get_extra_info("socket")
            settings.set_result(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, proto) as listener:
            listener.bind(("127.0.0.1", 0))
            async with await asyncio.start_server(serve, sock=listener):
                _, writer = await asyncio.open_connection(*listener.getsockname())
                own = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                theirs = await settings
                writer.close()
                await writer.wait_closed()
                return own, theirs

    assert compat.run(main()) == (1, 1)


def test_a_connection_over_a_unix_socket_has_no_such_setting() -> None:
    async def main() -> bytes:
        left, right = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=left)
        other, other_writer = await asyncio.open_connection(sock=right)
        writer.write(b"hello")
        writer.write_eof()
        received = await other.read()
        writer.close()
        other_writer.close()
        return received

    assert compat.run(main()) == b"hello"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_what_the_system_does_not_take_at_once_is_sent_later(kind: type) -> None:
    """The peer reads only when the transport has paused its protocol."""
    paused: list[bool] = []

    class Writing(asyncio.Protocol):
        def pause_writing(self) -> None:
            paused.append(True)

    async def main() -> str:
        left, right = socket.socketpair()
        transport, _ = await asyncio.get_running_loop().create_connection(Writing, sock=left)
        reader, writer = await asyncio.open_connection(sock=right)
        for _ in range(8):
            transport.write(kind(MESSAGE))
        assert paused and transport.get_write_buffer_size() > len(MESSAGE)
        transport.close()
        received = await reader.read()
        writer.close()
        return hashlib.sha256(received).hexdigest()

    assert compat.run(main()) == hashlib.sha256(MESSAGE * 8).hexdigest()


def test_small_messages_take_small_buffers_and_large_ones_large() -> None:
    sizes: list[int] = []

    class Reading(asyncio.Protocol):
        def __init__(self) -> None:
            self.done = asyncio.get_running_loop().create_future()

        def data_received(self, data: bytes) -> None:
            sizes.append(len(data))
            if sum(sizes) >= len(MESSAGE) + 5:
                self.done.set_result(None)

    async def main() -> None:
        left, right = socket.socketpair()
        right.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, len(MESSAGE))
        right.setblocking(False)
        transport, protocol = await asyncio.get_running_loop().create_connection(Reading, sock=left)
        tracemalloc.start()
        right.send(b"small")
        await asyncio.sleep(0.01)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert sizes == [5] and peak < 131072
        await asyncio.get_running_loop().sock_sendall(right, MESSAGE)
        await protocol.done
        assert sum(sizes) == len(MESSAGE) + 5 and max(sizes) > 65536
        transport.close()
        right.close()

    compat.run(main())


def test_a_transport_reads_what_its_owner_allows() -> None:
    """`max_size` is what asyncio's transports ask for, and some programs set it."""
    sizes: list[int] = []

    class Reading(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            sizes.append(len(data))

    async def main() -> None:
        left, right = socket.socketpair()
        transport, _ = await asyncio.get_running_loop().create_connection(Reading, sock=left)
        transport.max_size = 10  # type: ignore[attr-defined]
        right.send(b"x" * 25)
        await asyncio.sleep(0.01)
        transport.close()
        right.close()

    compat.run(main())
    assert sizes == [10, 10, 5]


@pytest.mark.parametrize("make", [compat.new_event_loop, asyncio.new_event_loop])
def test_a_transport_that_is_paused_when_its_data_is_there_does_not_read(
        make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """The descriptors of both are found ready at once. The first that is told pauses the other, and lets it go on."""
    log: list[str] = []

    class Pausing(asyncio.Protocol):
        other: Any

        def __init__(self, name: str) -> None:
            self.name = name

        def data_received(self, data: bytes) -> None:
            log.append(self.name)
            if len(log) == 1:
                self.other.pause_reading()
                self.other.resume_reading()
                asyncio.get_running_loop().call_soon(log.append, "called")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pairs = [socket.socketpair() for _ in range(2)]
        made = [await loop.create_connection(lambda name=name: Pausing(name), sock=pair[0])  # type: ignore[misc]
                for name, pair in zip("ab", pairs)]
        for (_, protocol), (other, _) in zip(made, reversed(made)):
            protocol.other = other
        for pair in pairs:
            pair[1].send(b"x")
        while len(log) < 3:
            await asyncio.sleep(0)
        for transport, _ in made:
            transport.close()
        for pair in pairs:
            pair[1].close()

    with closing(make()) as loop:
        loop.run_until_complete(main())
    assert log in (["a", "called", "b"], ["b", "called", "a"])


@pytest.mark.parametrize("make", [compat.new_event_loop, asyncio.new_event_loop])
def test_what_is_written_in_pieces_arrives_in_order(make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def main() -> bytes:
        left, right = socket.socketpair()
        _, writer = await asyncio.open_connection(sock=left)
        reader, other = await asyncio.open_connection(sock=right)
        writer.writelines([b"a", bytearray(b"b"), memoryview(b"c")])
        writer.write(b"d" * 1_000_000)
        writer.writelines([b"e" * 10, b"f" * 1_000_000])
        writer.write(b"g")
        writer.write_eof()
        received = await reader.read()
        for each in writer, other:
            each.close()
            await each.wait_closed()
        return received

    with closing(make()) as loop:
        assert loop.run_until_complete(main()) == b"abc" + b"d" * 1_000_000 + b"e" * 10 + b"f" * 1_000_000 + b"g"


def test_a_protocol_can_take_the_place_of_another_of_the_other_kind() -> None:
    log: list[object] = []
    transport: Any = None
    first: Any = None

    class Into(asyncio.BufferedProtocol):
        def get_buffer(self, sizehint: int) -> bytearray:
            self.buffer = bytearray(10)
            return self.buffer

        def buffer_updated(self, count: int) -> None:
            log.append(bytes(self.buffer[:count]))
            transport.set_protocol(first)

    class Plain(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            log.append(data)
            transport.set_protocol(Into())

    async def main() -> None:
        nonlocal transport, first
        left, right = socket.socketpair()
        transport, first = await asyncio.get_running_loop().create_connection(Plain, sock=left)
        for number in range(1, 5):
            right.send(b"%d" % number)
            while len(log) < number:
                await asyncio.sleep(0)
        assert transport.get_protocol() is first
        transport.close()
        right.close()

    compat.run(main())
    assert log == [b"1", b"2", b"3", b"4"]


def test_the_slow_read_of_a_connection_is_logged_by_the_name_of_its_method(caplog: pytest.LogCaptureFixture) -> None:
    done: Any = None

    class Slow(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            time.sleep(0.02)
            done.set_result(None)

    async def main() -> None:
        nonlocal done
        loop = asyncio.get_running_loop()
        loop.slow_callback_duration = 0.01
        done = loop.create_future()
        left, right = socket.socketpair()
        transport, _ = await loop.create_connection(Slow, sock=left)
        right.send(b"x")
        await done
        transport.close()
        right.close()

    compat.run(main(), debug=True)
    assert "Executing <Handle SocketTransport._read_ready()" in caplog.text


def test_an_exception_of_a_protocol_ends_the_loop_if_it_is_to_end_the_program() -> None:
    class Leaving(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            raise SystemExit(3)

    async def main() -> None:
        left, right = socket.socketpair()
        await asyncio.get_running_loop().create_connection(Leaving, sock=left)
        with right:
            right.send(b"x")
            await asyncio.sleep(60)

    with pytest.raises(SystemExit), pytest.warns(ResourceWarning):
        compat.run(main())
    gc.collect()


def test_each_connection_knows_its_own_addresses() -> None:
    async def main() -> None:
        names: list[tuple[Any, Any]] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            names.append((writer.get_extra_info("sockname"), writer.get_extra_info("peername")))
            writer.close()

        servers = [await asyncio.start_server(serve, "127.0.0.1", 0) for _ in range(2)]
        for server in servers * 2:
            address = server.sockets[0].getsockname()
            reader, writer = await asyncio.open_connection(*address)
            assert await reader.read() == b""
            assert names.pop() == (address, writer.get_extra_info("sockname"))
            assert writer.get_extra_info("peername") == address
            writer.close()
        for server in servers:
            server.close()

    compat.run(main())
