"""Streams: read, written, closed."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from kernel import EndpointClosed, IncompleteRead, LimitOverrun, Stream, checkpoint, spawn

from .native_network import SOME
from .programs import cancel_in, make, until_done
from .rows import native


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[Stream, Stream]]:
    ours, theirs = socket.socketpair()
    async with Stream.of_socket(ours) as near, Stream.of_socket(theirs) as far:
        yield near, far


@native("every kind of read and write", within=pair)
async def reading_and_writing(ends: tuple[Stream, Stream]) -> None:
    near, far = ends
    await far.write_all(b"abc\nabcdef")
    await near.read_line()
    await near.read_exactly(3)
    await near.read_until(b"e")
    await near.read()
    task = await spawn(make(near.read))
    await checkpoint()
    await far.write(b"x")
    await task


@native("read cancelled", within=pair)
async def read_cancelled(ends: tuple[Stream, Stream]) -> None:
    near = ends[0]
    for method in near.read, near.read_line:
        await cancel_in(method)
    await cancel_in(lambda: near.read_exactly(10))


@native("write_all cancelled", SOME)
async def write_cancelled() -> None:
    ours, theirs = socket.socketpair()
    async with Stream.of_socket(ours) as near, Stream.of_socket(theirs):
        await cancel_in(lambda: near.write_all(bytes(1_000_000)))


@native("stream closed under a reader", SOME)
async def closed_under_reader() -> None:
    ours, theirs = socket.socketpair()
    async with Stream.of_socket(ours) as near, Stream.of_socket(theirs):
        task = await spawn(make(near.read))
        await checkpoint()
        near.close()
        await until_done(task)
        task.exception()
        with suppress(EndpointClosed):
            await near.read()


@native("write after the peer has closed", SOME)
async def writing_in_vain() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    async with Stream.of_socket(ours) as stream:
        with suppress(BrokenPipeError):
            await stream.write_all(b"x")


@native("stream used by two readers", within=pair)
async def two_readers(ends: tuple[Stream, Stream]) -> None:
    task = await spawn(make(ends[0].read))
    await checkpoint()
    with suppress(RuntimeError):
        await ends[0].read()
    task.cancel()
    await until_done(task)


@native("IncompleteRead, LimitOverrun", SOME)
async def incomplete() -> None:
    ours, theirs = socket.socketpair()
    async with Stream.of_socket(ours) as near, Stream.of_socket(theirs) as far:
        await far.write_all(b"0123456789")
        await far.end_writing()
        with suppress(LimitOverrun):
            await near.read_until(b"\n", limit=5)
        with suppress(IncompleteRead):
            await near.read_exactly(100)
        await near.read_all()
