"""What it costs to have a function called, by the event loop or in a thread."""

from __future__ import annotations

import asyncio

from ..dialects import Words
from ..workload import Meter
from .family import Scheduling


class CallSoon(Scheduling):
    """100 callbacks, of which each calls `call_soon` for itself. Only event loops do this."""

    CHAINS = 100

    def __init__(self) -> None:
        super().__init__("call-soon", "call_soon(), 100 callbacks", 100_000, 200)

    async def on_asyncio(self, meter: Meter) -> None:
        loop = asyncio.get_running_loop()
        call_soon = loop.call_soon
        ended = loop.create_future()
        running = self.CHAINS

        def callback(left: int) -> None:
            nonlocal running
            if left > 1:
                call_soon(callback, left - 1)
            else:
                running -= 1
                if running == 0:
                    ended.set_result(None)

        with meter:
            for _ in range(self.CHAINS):
                call_soon(callback, self.count // self.CHAINS)
            await ended


class Threads(Scheduling):
    """Call a function that takes no time in a thread, again and again. The processor time of the thread counts too."""

    def __init__(self) -> None:
        super().__init__("thread", "run_in_executor()", 3000, 20)

    async def on_each(self, meter: Meter, words: Words) -> None:
        run_in_thread = words.run_in_thread
        with meter:
            for _ in range(self.count):
                await run_in_thread(len, ())

    async def on_asyncio(self, meter: Meter) -> None:
        loop = asyncio.get_running_loop()
        with meter:
            for _ in range(self.count):
                await loop.run_in_executor(None, len, ())
