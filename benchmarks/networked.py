"""Programs of clients and servers for `benchmarks.explore --network`: plain asyncio streams over 127.0.0.1.

Each has a bug that people make, and a mended version. No two of its times were chosen to meet: a server works for 0.3 s,
and a client waits for 0.5 s. The last one has no bug: what it claims, TCP promises.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.sim.servers.serving import serving

HOST, PORT = "127.0.0.1", 47113  # a fixed one: not every tool's servers say which port they have got
WORK, LIMIT = 0.3, 0.5  # seconds
PIECE = 0.05  # seconds between the lines of an answer


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to the server, until the end of the block."""
    reader, writer = await asyncio.open_connection(HOST, PORT)
    try:
        yield reader, writer
    finally:
        writer.close()


async def late_reply(mended: bool) -> None:
    """A client gives up a question, and keeps the connection. It takes the late reply for that to its next question."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await asyncio.sleep(WORK)
            writer.write(line)

    async def ask(question: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(question)
        with suppress(TimeoutError):
            async with asyncio.timeout(LIMIT):
                reply = await reader.readline()
                assert reply == question, f"the reply to {question!r} was {reply!r}"

    async with serving(answer, HOST, PORT), connected() as connection:
        await ask(b"one\n", *connection)
        if mended:  # a connection for each question
            async with connected() as another:
                await ask(b"two\n", *another)
        else:
            await ask(b"two\n", *connection)


async def gone_client(mended: bool) -> None:
    """A server has a place for each client, and does not free it if the client has gone before the answer's end."""
    places = 1

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal places
        await reader.readline()
        places -= 1
        try:
            for _ in range(6):
                await asyncio.sleep(PIECE)
                writer.write(b"line\n")
                await writer.drain()
            places += not mended
        finally:
            places += mended

    async with serving(answer, HOST, PORT):
        async with connected() as (reader, writer):
            writer.write(b"question\n")
            with suppress(TimeoutError):
                async with asyncio.timeout(LIMIT):
                    for _ in range(6):
                        await reader.readline()
        await asyncio.sleep(10)
        assert places == 1, "the place of a client is not free, although it has long gone"


async def half_close(mended: bool) -> None:
    """A server takes the end of what a client sends for its end, and drops the work. The client waits for the answer."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = await reader.readline()
        work, end = asyncio.create_task(asyncio.sleep(WORK)), asyncio.create_task(reader.read())
        await asyncio.wait([work] if mended else [work, end], return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            writer.write(question)
        for task in work, end:
            task.cancel()
        await asyncio.wait([work, end])

    async with serving(answer, HOST, PORT), connected() as (reader, writer):
        writer.write(b"question\n")
        await asyncio.sleep(LIMIT)
        writer.write_eof()  # no more questions
        reply = await reader.read()
        assert reply == b"question\n", f"the reply was {reply!r}"


async def one_read(mended: bool) -> None:
    """A server takes what one `read` gives for the whole question, though the network may bring it in two pieces."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = await (reader.readline() if mended else reader.read(1000))
        writer.write(question.strip().upper() + b"\n")

    async with serving(answer, HOST, PORT), connected() as (reader, writer):
        writer.write(b"what is the time?\n")
        reply = await reader.readline()
        assert reply == b"WHAT IS THE TIME?\n", f"the reply was {reply!r}"


async def in_order(mended: bool) -> None:
    """No bug: two clients send three questions each without waiting, and get the replies in the order of those."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await asyncio.sleep(WORK / 3)
            writer.write(line)

    async def client() -> None:
        questions = [b"%d\n" % number for number in range(3)]
        async with connected() as (reader, writer):
            for question in questions:
                writer.write(question)
            assert [await reader.readline() for _ in questions] == questions

    async with serving(answer, HOST, PORT):
        await asyncio.gather(client(), client())


PROGRAMS: dict[str, Callable[[bool], Coroutine[Any, Any, None]]] = {
    program.__name__: program for program in (late_reply, gone_client, half_close, one_read, in_order)}
CONTROL = in_order.__name__
