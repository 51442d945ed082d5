"""httpcore 1093: a pool of connections keeps the place of a connection whose request was cancelled before it was made.

httpcore 1.0.9 has the bug, and no later release was there when this was written. The remedy is in httpcore2.

Three customers share a pool of one connection, each for another host. One of them gives up after half a second. When
the pool has just given it a place for its connection, and it gives up before its next step, the pool keeps the place
for a connection that nobody will make. The next customer waits for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any

try:
    import httpcore2 as httpcore  # by other authors, and the same in what is used here
except ImportError:
    import httpcore


class Answers(httpcore.AsyncNetworkStream):  # type: ignore[misc]  # of no type where httpcore is not installed
    """A connection to a server that answers after a while."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        await asyncio.sleep(0.2)
        return b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        pass

    async def aclose(self) -> None:
        pass

    def get_extra_info(self, info: str) -> Any:
        return None


class Network(httpcore.AsyncNetworkBackend):  # type: ignore[misc]  # as above
    """Connects after a while."""

    async def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> Answers:
        await asyncio.sleep(0.1)
        return Answers()


async def get(pool: Any, host: str) -> None:
    answer = await pool.request("GET", f"http://{host}/")
    assert answer.content == b"hello"


async def get_impatiently(pool: Any, host: str) -> None:
    try:
        async with asyncio.timeout(0.5):
            await get(pool, host)
    except TimeoutError:
        pass


async def main() -> None:
    async with httpcore.AsyncConnectionPool(max_connections=1, network_backend=Network()) as pool:
        await asyncio.gather(get(pool, "one"), get_impatiently(pool, "two"), get(pool, "three"))
