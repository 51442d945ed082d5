"""What is given to a stream's or a server's methods and cannot be: an error at the call, and nothing lost."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pytest

from kernel import Stream, open_connection, open_unix_connection, run, serve
from tests.support.streams import LOCALHOST, echo, stream_and_peer, stream_pair

WRONG: dict[str, tuple[type[Exception], Callable[[Stream], Any]]] = {
    "a fraction": (TypeError, lambda stream: stream.read_exactly(2.0)),  # type: ignore[arg-type]
    "a fraction to read": (TypeError, lambda stream: stream.read(1.5)),  # type: ignore[arg-type]
    "a string": (TypeError, lambda stream: stream.read_exactly("2")),  # type: ignore[arg-type]
    "a negative number": (ValueError, lambda stream: stream.read_exactly(-1)),
    "nothing": (ValueError, lambda stream: stream.read(0)),
    "a text separator": (TypeError, lambda stream: stream.read_until("x")),  # type: ignore[arg-type]
    "a limit that is none": (TypeError, lambda stream: stream.read_line("x")),  # type: ignore[arg-type]
    "a limit of nothing": (ValueError, lambda stream: stream.read_until(b"x", 0)),
}


@pytest.mark.parametrize("kind", WRONG)
def test_at_the_call(kind: str) -> None:
    async def main() -> None:
        stream, peer = stream_and_peer()
        with peer:
            peer.sendall(b"all of it")
            error, call = WRONG[kind]
            with pytest.raises(error, match=r"read\w*\(\) takes"):
                call(stream)
            assert await stream.read() == b"all of it"
            stream.close()

    run(main())


def test_what_only_the_attempt_finds_takes_nothing_either() -> None:
    async def main() -> None:
        stream, peer = stream_and_peer()
        with peer:
            peer.sendall(b"all of it")
            request = stream.read_until(b"x")
            request.separator = "x"  # type: ignore[assignment]
            with pytest.raises(TypeError):
                await request
            for wrong in "text", None, 5:
                with pytest.raises(TypeError):
                    await stream.write(wrong)  # type: ignore[arg-type]
                with pytest.raises(TypeError):
                    await stream.write_all(wrong)  # type: ignore[arg-type]
            with pytest.raises(TypeError):
                await stream.read_all("x")  # type: ignore[arg-type]
            assert await stream.read() == b"all of it"
            stream.close()

    run(main())


def test_a_limit_that_is_exceeded_already() -> None:
    async def main() -> None:
        stream, peer = stream_and_peer()
        with peer:
            peer.sendall(b"one\ntwo\n")
            assert await stream.read_line() == b"one\n"
            with pytest.raises(ValueError, match="over 2 bytes"):
                await stream.read_all(2)
            assert await stream.read_line() == b"two\n"
            stream.close()

    run(main())


def test_a_context_for_the_other_side() -> None:
    async def ignore(stream: Stream) -> None:
        pass

    async def main() -> None:
        stream, peer = stream_and_peer()
        with peer:
            with pytest.raises(ssl.SSLError):
                await stream.start_tls(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            assert stream.closed

    with pytest.raises(ValueError, match=r"serve\(\) takes an ssl.SSLContext for servers"):
        serve(ignore, LOCALHOST, 0, ssl=ssl.create_default_context())
    run(main())


def test_a_grace_that_is_none_harms_no_handler() -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match=r"serve\(\) takes a number of seconds"):
            serve(echo, LOCALHOST, 0, grace="long")  # type: ignore[arg-type]
        async with await serve(echo, LOCALHOST, 0, grace=0) as server:
            async with await open_connection(LOCALHOST, server.port) as stream:
                for _ in range(2):
                    await stream.write_all(b"hello")
                    assert await stream.read() == b"hello"
                    with pytest.raises(TypeError, match="takes a number of seconds"):
                        await server.shutdown("long")  # type: ignore[arg-type]
                    assert server.connections == 1 and server.addresses

    run(main())


def test_what_no_stream_connection_or_server_takes() -> None:
    a, b = stream_pair()
    for call in (lambda: a.read(0), lambda: a.read_exactly(-1), lambda: a.read_until(b""),
                 lambda: open_connection("localhost", 1, server_hostname="x"),
                 lambda: open_unix_connection("/x", ssl=True), lambda: a.start_tls(),
                 lambda: a.start_tls(server_side=True)):
        with pytest.raises(ValueError):
            call()
    with pytest.raises(TypeError):
        open_connection("localhost", 1, ssl="yes")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        serve(echo, "localhost", 1, ssl=True)  # type: ignore[arg-type]
    run(closing(a, b))


async def closing(*streams: Stream) -> None:
    for stream in streams:
        stream.close()
