"""The stacks, and the programs that are made of each: on one host, or with the server on a host of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any

from tests.support.paths import ROOT

Main = Callable[[], Coroutine[Any, Any, None]]

# Which libraries, as tests/ecosystem/requirements.txt names them, each stack needs.
STACKS = {
    "aiohttp": ("aiohttp",),
    "aiomqtt": ("aiomqtt",),
    "anyio": ("anyio",),
    "asyncpg": ("asyncpg",),
    "dns": ("dnspython",),
    "httpx": ("httpx", "uvicorn", "starlette"),
    "nats": ("nats-py",),
    "redis": ("redis",),
    "smtp": ("aiosmtpd", "aiosmtplib"),
    "tornado": ("tornado",),
    "websockets": ("websockets",),
}
PORT = 8000


def requirements(stack: str) -> list[str]:
    """The releases that the stack needs, such as "redis==8.1.0"."""
    lines = (ROOT / "tests" / "ecosystem" / "requirements.txt").read_text().splitlines()
    return [line for name in STACKS[stack] for line in lines if line.partition("==")[0].partition("[")[0] == name]


def on_one_host(stack: str, port: int = PORT) -> Main:
    """Client and server by the loopback. Raises `ImportError` where the libraries are not installed."""
    module = import_module(f"{__package__}.{stack}")

    async def main() -> None:
        async with module.serving("127.0.0.1", port) as actual:
            await module.use("127.0.0.1", actual)

    return main


def on_two_hosts(stack: str) -> Main:
    """The client on the first host, the server on another one."""
    module = import_module(f"{__package__}.{stack}")
    from kernel.sim import world  # only simulated programs have one

    async def main() -> None:
        ready, done = asyncio.Event(), asyncio.Event()

        async def serve() -> None:
            async with module.serving(server.address, PORT):
                ready.set()
                await done.wait()

        server = world.host("server")
        serving = server.run(serve)
        await ready.wait()
        try:
            await module.use("server", PORT)
        finally:
            done.set()
            await serving

    return main
