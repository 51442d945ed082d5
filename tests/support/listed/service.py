"""A program for asyncio: gather, a group, a lock, and a stream on which nothing comes."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from kernel.insight import snapshot


async def hold(lock: asyncio.Lock) -> None:
    async with lock:
        await asyncio.sleep(60)


async def fetch(number: int, lock: asyncio.Lock) -> int:
    async with lock:
        return number


async def fetch_all(lock: asyncio.Lock) -> None:
    fetches = [asyncio.create_task(fetch(number, lock), name=f"fetch {number}") for number in range(2)]
    await asyncio.gather(*fetches)


async def serve(sock: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=sock)
    try:
        await reader.readline()
    finally:
        writer.close()


async def main(seen: list[dict[str, Any]]) -> None:
    lock = asyncio.Lock()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        async with asyncio.TaskGroup() as group:
            group.create_task(hold(lock), name="holder")
            group.create_task(fetch_all(lock), name="fetcher")
            group.create_task(serve(ours), name="server")
            await asyncio.sleep(1)
            seen.append(snapshot())
            theirs.close()
