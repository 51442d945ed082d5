"""The transports of this loop, where they are not asyncio's to the letter."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import tracemalloc

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
