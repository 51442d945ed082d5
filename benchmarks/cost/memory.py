"""How much memory things take while they do nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from ..accounting import resident_memory
from ..contenders import Contender
from ..dialects import Words
from ..io.streams import ByStreams
from ..orders import Failed, Worker
from ..scheduling.spawning import nothing
from ..spans import DISTANT
from ..traffic import WrongAnswer
from ..workload import Alone, Figures


class Memory(Alone):
    """By how much the memory of a new process grows for each of `count` things.

    Memory that a C library takes counts like that of Python objects. The coroutine functions of a subclass get `grown`,
    and call it when the things are there.
    """

    fresh = True

    def __init__(self, name: str, title: str, count: int) -> None:
        super().__init__(name, "cost", title, "bytes")
        self.full_count = self.count = count

    def warm_up(self, contender: Contender) -> None:
        # What a library takes for itself, and for its first loop, is no part of the things.
        contender.words()
        contender.run(nothing)

    def sample(self, contender: Contender, quick: bool) -> Figures:
        self.count = 100 if quick else self.full_count
        after = 0

        def grown() -> None:
            nonlocal after
            after = resident_memory()

        before = resident_memory()
        self.perform(contender, grown)
        return {"value": (after - before) / self.count}


class IdleTask(Memory):
    """Tasks that sleep, each with its coroutine and its timer."""

    def __init__(self) -> None:
        super().__init__("idle-task", "a sleeping task", 50_000)

    async def on_each(self, grown: Callable[[], None], words: Words) -> None:
        async with words.tasks() as tasks:
            await tasks.spawn(self.count, words.sleeper)
            await tasks.settle()
            grown()
            await tasks.cancel()


class IdleTimer(Memory):
    """What `call_later` takes until its time has come."""

    def __init__(self) -> None:
        super().__init__("idle-timer", "a pending call_later()", 50_000)

    async def on_asyncio(self, grown: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(DISTANT, nothing) for _ in range(self.count)]
        grown()
        for timer in timers:
            timer.cancel()


class IdleConnection(ByStreams):
    """What a connection takes in the echo server by streams, after one message."""

    def __init__(self) -> None:
        super().__init__(1024, 1000)
        self.name, self.family = "idle-connection", "cost"
        self.title, self.unit = "an idle connection of streams", "bytes"

    @contextmanager
    def open(self, contender: Contender, quick: bool) -> Iterator[Callable[[], Figures]]:
        """Every round has a new server, since a process keeps memory that it does not need any more."""
        yield lambda: self.round(contender, quick)

    def round(self, contender: Contender, quick: bool) -> Figures:
        with Worker(self.name, contender.name, quick) as worker, ExitStack() as stack:
            address = tuple(worker.ask())
            try:
                self.connect_all(stack, address)  # which fill the gaps that the process has in its memory
                before = worker.ask("account")["resident"]
                self.connect_all(stack, address)
            except WrongAnswer as error:
                raise Failed(f"{error} ({worker.last_words()})") from error
            return {"value": (worker.ask("account")["resident"] - before) / self.connections}
