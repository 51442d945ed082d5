"""What things cost that are there: memory, the time until a program begins, and the time a timer comes too late."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from statistics import quantiles
from typing import Any

import kernel

from .contenders import Contender
from .io import ByStreams
from .measuring import ROOT, Alone, Failed, Figures, Meter, Timed, Worker, resident_memory
from .scheduling import DISTANT, SEED, all_blocked, nothing
from .traffic import WrongAnswer


class Memory(Alone):
    """How the memory of a new process grows by `count` things; what C libraries take counts like what Python takes.

    A subclass has methods as those of `Timed`, which get `grown`, to be called when the things are there.
    """

    fresh = True

    def __init__(self, name: str, title: str, count: int) -> None:
        super().__init__(name, "cost", title, "bytes")
        self.full_count = self.count = count

    def speaks(self, contender: Contender) -> bool:
        return hasattr(self, f"on_{contender.dialect}")

    def sample(self, contender: Contender, quick: bool) -> Figures:
        self.count = 100 if quick else self.full_count
        after = 0

        def grown() -> None:
            nonlocal after
            after = resident_memory()

        before = resident_memory()
        contender.run(getattr(self, f"on_{contender.dialect}"), grown, *contender.library)
        return {"value": (after - before) / self.count}


class IdleTask(Memory):
    """Tasks that sleep, each with its coroutine and its timer."""

    def __init__(self) -> None:
        super().__init__("idle-task", "a sleeping task", 50_000)

    async def on_kernel(self, grown: Callable[[], None]) -> None:

        async def sleeper() -> None:
            await kernel.sleep(DISTANT)

        tasks = [await kernel.spawn(sleeper()) for _ in range(self.count)]
        await kernel.sleep(0)  # now all sleep
        grown()
        for task in tasks:
            task.cancel()

    async def on_asyncio(self, grown: Callable[[], None]) -> None:

        async def sleeper() -> None:
            await asyncio.sleep(DISTANT)

        tasks = [asyncio.create_task(sleeper()) for _ in range(self.count)]
        await asyncio.sleep(0)
        grown()
        for task in tasks:
            task.cancel()

    async def on_trio(self, grown: Callable[[], None], trio: Any) -> None:

        async def sleeper() -> None:
            await trio.sleep(DISTANT)

        async with trio.open_nursery() as nursery:
            for _ in range(self.count):
                nursery.start_soon(sleeper)
            await all_blocked()
            grown()
            nursery.cancel_scope.cancel()

    async def on_curio(self, grown: Callable[[], None], curio: Any) -> None:

        async def sleeper() -> None:
            await curio.sleep(DISTANT)

        tasks = [await curio.spawn(sleeper) for _ in range(self.count)]
        await curio.sleep(0)
        grown()
        for task in tasks:
            await task.cancel(blocking=False)


class IdleTimer(Memory):
    """What `call_later` leaves until its time has come."""

    def __init__(self) -> None:
        super().__init__("idle-timer", "a pending call_later()", 50_000)

    async def on_asyncio(self, grown: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(DISTANT, nothing) for _ in range(self.count)]
        grown()
        for timer in timers:
            timer.cancel()


class IdleConnection(ByStreams):
    """A connection of the echo server by streams that has had one message, on the server's side."""

    def __init__(self) -> None:
        super().__init__(1024, 1000)
        self.name, self.family = "idle-connection", "cost"
        self.title, self.unit = "an idle connection of streams", "bytes"

    @contextmanager
    def open(self, contender: Contender, quick: bool) -> Iterator[Callable[[], Figures]]:
        """Every round has a new server, since memory stays with a process when it is not needed any more."""
        yield lambda: self.round(contender, quick)

    def round(self, contender: Contender, quick: bool) -> Figures:
        with Worker(self.name, contender.name, quick) as worker, ExitStack() as stack:
            address = tuple(worker.ask())
            before = worker.ask("account")["resident"]
            try:
                self.connect_all(stack, address)
            except WrongAnswer as error:
                raise Failed(f"{error} ({worker.last_words()})") from error
            return {"value": (worker.ask("account")["resident"] - before) / self.connections}


class Import(Alone):
    """The processor time of importing the library in a new interpreter, from byte code as an installed one is.

    asyncio's loops need asyncio too.
    """

    fresh = True

    def __init__(self) -> None:
        super().__init__("import", "cost", "import the library", "µs")

    def speaks(self, contender: Contender) -> bool:
        return True

    def sample(self, contender: Contender, quick: bool) -> Figures:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # the first import, to warm up, writes it
        program = (f"import time; began = time.process_time_ns(); import {contender.module}; "
                   "print(time.process_time_ns() - began)")
        done = subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, cwd=ROOT,
                              env=environment)
        return {"value": int(done.stdout) / 1000}

    def warm_up(self, contender: Contender) -> None:
        self.sample(contender, True)


class RunNothing(Alone):
    """Make a kernel or a loop, run a coroutine that does nothing, and close it again."""

    def __init__(self) -> None:
        super().__init__("run", "cost", "run() of nothing", "µs")

    def speaks(self, contender: Contender) -> bool:
        return True

    def warm_up(self, contender: Contender) -> None:
        contender.run(nothing)

    def sample(self, contender: Contender, quick: bool) -> Figures:
        count = 2 if quick else 300
        meter = Meter()
        with meter:
            for _ in range(count):
                contender.run(nothing)
        return {"value": meter.spent / 1000 / count}


class Lateness(Timed):
    """1,000 tasks sleep for random spans of up to half a second, while 50 others never stop working.

    The figure is how late they go on, which only one in a hundred exceeds: by the clock, not in processor time.
    """

    WORKERS = 50

    def __init__(self) -> None:
        super().__init__("lateness", "cost", "99th percentile of a timer's lateness under load", 1000, 10)
        self.unit = "µs"

    def sample(self, contender: Contender, quick: bool) -> Figures:
        self.late: list[float] = []
        self.sleeping = self.count = self.quick_count if quick else self.full_count
        contender.run(getattr(self, f"on_{contender.dialect}"), *contender.library)
        return {"value": quantiles(self.late, n=100)[98] * 1e6}

    def delays(self) -> list[float]:
        order = random.Random(SEED)
        return [order.random() / 2 for _ in range(self.count)]

    async def sleeper(self, delay: float, sleep: Callable[[float], Awaitable[None]]) -> None:
        due = time.monotonic() + delay
        await sleep(delay)
        self.late.append(time.monotonic() - due)
        self.sleeping -= 1

    async def worker(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        while self.sleeping:
            sum(range(500))
            await sleep(0)

    async def on_kernel(self) -> None:
        for _ in range(self.WORKERS):
            await kernel.spawn(self.worker(kernel.sleep))
        for task in [await kernel.spawn(self.sleeper(delay, kernel.sleep)) for delay in self.delays()]:
            await task

    async def on_asyncio(self) -> None:
        workers = [asyncio.create_task(self.worker(asyncio.sleep)) for _ in range(self.WORKERS)]
        sleepers = [asyncio.create_task(self.sleeper(delay, asyncio.sleep)) for delay in self.delays()]
        for task in [*sleepers, *workers]:
            await task

    async def on_trio(self, trio: Any) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(self.WORKERS):
                nursery.start_soon(self.worker, trio.sleep)
            for delay in self.delays():
                nursery.start_soon(self.sleeper, delay, trio.sleep)

    async def on_curio(self, curio: Any) -> None:
        workers = [await curio.spawn(self.worker, curio.sleep) for _ in range(self.WORKERS)]
        sleepers = [await curio.spawn(self.sleeper, delay, curio.sleep) for delay in self.delays()]
        for task in [*sleepers, *workers]:
            await task.join()


class Depth(Timed):
    """Calls one inside the other, by `yield`, which the interpreter's stack does not bound. Of the kernel only."""

    fresh = True

    def __init__(self) -> None:
        super().__init__("depth", "cost", "1,000,000 nested calls by yield, each", 1_000_000, 5000)

    def warm_up(self, contender: Contender) -> None:
        """Nothing: the memory of one run would be in the next."""

    def nested(self, depth: int) -> Generator[Any, Any, int]:
        if depth == 0:
            return 0
        inner: int = yield self.nested(depth - 1)
        if depth == self.count:
            self.at_return = resident_memory()
        return inner + 1

    def sample(self, contender: Contender, quick: bool) -> Figures:
        before = resident_memory()
        figures = super().sample(contender, quick)
        return {**figures, "bytes a call": (self.at_return - before) / self.count}

    async def on_kernel(self, meter: Meter) -> None:
        with meter:
            reached = await kernel.call(self.nested(self.count))
        if reached != self.count:
            raise AssertionError(f"{self.count} nested calls counted {reached}")


WORKLOADS = [IdleTask(), IdleTimer(), IdleConnection(), Import(), RunNothing(), Lateness(), Depth()]
