"""Serving connections until the end of a block, which leaves no task and no socket behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(talk: Talk, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """While inside, `talk` has each connection to `host`; gives the port. At the end all connections are closed."""
    talks: dict[asyncio.Task[None], None] = {}  # in the order in which they came

    async def talk_with(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone, which it may at any moment
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def ended(writer: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
        talks.pop(task)
        writer.close()  # a task that was cancelled before its first step has not done so

    # A function, and not a coroutine: older Pythons tell of an error when the task that they make of that is cancelled.
    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(talk_with(reader, writer), name="connection")
        talks[task] = None
        task.add_done_callback(partial(ended, writer))

    server = await asyncio.start_server(accepted, host, port)
    try:
        yield port or server.sockets[0].getsockname()[1]
    finally:
        server.close()
        left = list(talks)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
        await server.wait_closed()


async def serve_for_ever(talk: Talk, host: str, port: int) -> None:
    """Serve until the task is cancelled, or its host crashes."""
    async with serving(talk, host, port):
        await asyncio.Event().wait()
