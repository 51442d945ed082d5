"""`ssl.SSLSocket`: blocking TLS in a thread, and asyncio's TLS at the other end. And by itself, without blocking."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest

import compat
from tests.support.paths import CERTIFICATES
from tests.support.socket_cases import ANY_PORT, pair

engine = compat
MUCH = bytes(range(256)) * 2000


def for_servers() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.pem")
    return context


def for_clients() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATES / "authority.pem"))


async def with_server(handler: Callable[[ssl.SSLSocket], Any], client: Callable[[int], Any]) -> Any:
    """Have `handler` talk, in a thread, to what `client(port)` connects; return what `handler` returns."""
    with socket.create_server(ANY_PORT) as listener:
        def serve() -> Any:
            sock, _ = listener.accept()
            sock.settimeout(10)
            with for_servers().wrap_socket(sock, server_side=True) as tls:
                return handler(tls)

        result, _ = await asyncio.gather(asyncio.to_thread(serve), client(listener.getsockname()[1]))
        return result


async def test_a_server_that_blocks() -> None:
    def handler(tls: ssl.SSLSocket) -> bytes:
        assert isinstance(tls, ssl.SSLSocket) and isinstance(tls, socket.socket) and tls.version() is not None
        question = tls.recv(100)
        tls.sendall(MUCH)
        tls.unwrap().close()
        return question

    async def client(port: int) -> None:
        reader, writer = await asyncio.open_connection("localhost", port, ssl=for_clients())
        writer.write(b"question")
        assert await reader.read() == MUCH
        writer.close()

    assert await with_server(handler, client) == b"question"


async def test_a_client_that_blocks() -> None:
    ended = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(len(MUCH)))
        await reader.read()  # else it would give the client up that takes long
        writer.close()
        ended.set()

    def ask(port: int) -> bytes:
        with socket.create_connection(("localhost", port)) as sock, \
                for_clients().wrap_socket(sock, server_hostname="localhost") as tls:
            assert tls.getpeercert()
            tls.sendall(MUCH)
            with tls.makefile("rb") as file:
                return file.read(len(MUCH))

    async with await asyncio.start_server(answer, *ANY_PORT, ssl=for_servers()) as server:
        assert await asyncio.to_thread(ask, server.sockets[0].getsockname()[1]) == MUCH
        await ended.wait()


async def test_a_certificate_that_nobody_trusts() -> None:
    def ask(port: int) -> None:
        with socket.create_connection(("localhost", port)) as sock:
            with pytest.raises(ssl.SSLCertVerificationError):
                ssl.create_default_context().wrap_socket(sock, server_hostname="localhost")

    with socket.create_server(ANY_PORT) as listener:
        def serve() -> None:
            sock, _ = listener.accept()
            with sock, pytest.raises(OSError):
                for_servers().wrap_socket(sock, server_side=True)

        await asyncio.gather(asyncio.to_thread(serve), asyncio.to_thread(ask, listener.getsockname()[1]))


async def test_nothing_comes_in_time() -> None:
    def handler(tls: ssl.SSLSocket) -> None:
        tls.settimeout(0.05)
        with pytest.raises(TimeoutError):
            tls.recv(1)

    async def client(port: int) -> None:
        reader, writer = await asyncio.open_connection("localhost", port, ssl=for_clients())
        await reader.read()
        writer.close()

    await with_server(handler, client)


async def test_without_blocking() -> None:
    with pair() as (left, right):
        server = for_servers().wrap_socket(left, server_side=True, do_handshake_on_connect=False)
        client = for_clients().wrap_socket(right, server_hostname="localhost", do_handshake_on_connect=False)
        with server, client:
            with pytest.raises(ssl.SSLWantReadError):
                server.do_handshake()
            to_do = [client, server]
            while to_do:
                one = to_do.pop(0)
                try:
                    one.do_handshake()
                except ssl.SSLWantReadError:
                    to_do.append(one)
            with pytest.raises(ssl.SSLWantReadError):
                server.recv(1)
            sent = 0
            with pytest.raises(ssl.SSLWantWriteError):
                while True:
                    sent += client.send(MUCH)
            got = 0
            while got < sent:
                select.select([server], [], [], 0 if server.pending() else 5)
                got += len(server.recv(1 << 20))
            assert got == sent
