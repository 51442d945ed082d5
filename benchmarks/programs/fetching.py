"""Clients that fetch many pages at once, from aiohttp's server in the same process."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from ..listening import HOST
from ..workload import Meter
from .family import Program


class Fetch(Program):
    """One client fetches 100 pages at once, again and again, by connections that stay open. It checks every page."""

    PAGES = 100

    def __init__(self, library: str, count: int) -> None:
        super().__init__(f"fetch-{library}", f"a page by {library}'s client from aiohttp, {self.PAGES} at a time", count,
                         self.PAGES)

    async def fetch_all(self, meter: Meter, fetch: Callable[[int], Awaitable[bytes]]) -> None:
        numbers = range(self.PAGES)
        expected = [body(number) for number in numbers]
        await asyncio.gather(*[fetch(number) for number in numbers])  # now all connections are open
        with meter:
            for _ in range(self.count // self.PAGES):
                if await asyncio.gather(*[fetch(number) for number in numbers]) != expected:
                    raise AssertionError("the pages are not what the server has")


class ByAiohttp(Fetch):
    needs = ("aiohttp",)

    def __init__(self) -> None:
        super().__init__("aiohttp", 5000)

    async def on_asyncio(self, meter: Meter) -> None:
        aiohttp = importlib.import_module("aiohttp")
        async with serving() as site, aiohttp.ClientSession(raise_for_status=True) as session:

            async def fetch(number: int) -> Any:
                async with session.get(f"{site}/{number}") as response:
                    return await response.read()

            await self.fetch_all(meter, fetch)


class ByHttpx(Fetch):
    needs = ("aiohttp", "httpx")

    def __init__(self) -> None:
        super().__init__("httpx", 500)

    async def on_asyncio(self, meter: Meter) -> None:
        httpx = importlib.import_module("httpx")
        async with serving() as site, httpx.AsyncClient(trust_env=False) as client:

            async def fetch(number: int) -> Any:
                response = await client.get(f"{site}/{number}")
                return response.raise_for_status().content

            await self.fetch_all(meter, fetch)


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """aiohttp's server, inside of the block. It has a page for each number. The value is the URL of their directory."""
    web = importlib.import_module("aiohttp.web")

    async def page(request: Any) -> Any:
        return web.Response(body=body(int(request.match_info["number"])))

    application = web.Application()
    application.router.add_get(r"/{number}", page)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    host, port = runner.addresses[0]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def body(number: int) -> bytes:
    return f"<p>This is page {number}.</p>\n".encode() * 30
