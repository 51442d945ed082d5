"""What it costs to start a process and talk with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import kernel

from ..traffic import NOISE
from ..workload import Meter, Timed


class Processes(Timed):
    """Start `cat`, feed it 1 KiB, collect what it writes, and wait for its end. The time of `cat` does not count."""

    COMMAND = "/bin/cat"

    def __init__(self) -> None:
        super().__init__("subprocess", "io", "spawn a process and communicate()", 50, 2)

    async def again(self, meter: Meter, communicate: Callable[[], Any]) -> None:
        with meter:
            for _ in range(self.count):
                if await communicate() != NOISE[:1024]:
                    raise AssertionError("the process wrote something else than it was given")

    async def on_kernel(self, meter: Meter) -> None:

        async def communicate() -> bytes:
            done = await kernel.run_process([self.COMMAND], input=NOISE[:1024], stderr=None)
            return done.stdout

        await self.again(meter, communicate)

    async def on_asyncio(self, meter: Meter) -> None:

        async def communicate() -> bytes:
            process = await asyncio.create_subprocess_exec(self.COMMAND, stdin=asyncio.subprocess.PIPE,
                                                           stdout=asyncio.subprocess.PIPE)
            output, _ = await process.communicate(NOISE[:1024])
            return output

        await self.again(meter, communicate)

    async def on_trio(self, meter: Meter, trio: Any) -> None:

        async def communicate() -> bytes:
            done = await trio.run_process([self.COMMAND], stdin=NOISE[:1024], capture_stdout=True)
            return bytes(done.stdout)

        await self.again(meter, communicate)
