"""What the statements of a program use: things that tasks share, and a witness that knows how these have to behave.

One world is used by one run. What the kernel and asyncio do in different ways is in the two classes at the end.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from itertools import count
from typing import Any

import kernel
from kernel.lifecycle import running_kernel

Body = Callable[[], Awaitable[object]]

CONNECTIONS = ["connection 1", "connection 2"]
UNITS = 2  # of the semaphore
WORKERS = 3
ITEMS = 3  # that one task puts into a queue of its own


class Failure(Exception):
    """What a program raises."""


class World:
    """The things of one run; `names` is the namespace of the program."""

    library: Any  # where Lock, Queue, TaskGroup and so on come from
    cancelled: type[BaseException]
    keeps_notifications = True  # also one whose task is cancelled before it runs

    def __init__(self) -> None:
        library = self.library
        self.sure = ContextVar("sure", default=True)  # what the running task does is done in every schedule
        self.finished = 0  # statements, of those that are sure
        self.open = 0  # blocks of "clean up"
        self.locks = [library.Lock(), library.Lock()]
        self.totals, self.added = [0, 0], [0, 0]
        self.semaphore, self.units = library.Semaphore(UNITS), 0
        self.pool: Any = library.Queue()
        self.queues: list[Any] = [library.Queue(), library.Queue(1)]
        self.items = count()
        self.given: list[object] = []
        self.taken: list[object] = []
        for connection in CONNECTIONS:
            self.pool.put_nowait(connection)
        self.names: dict[str, Any] = {name: getattr(self, name) for name in (
            "done", "doubtful", "doubt", "start", "cancel_later", "fail", "check", "enter", "leave", "take_back",
            "wait_for_task", "retry", "sleep", "checkpoint", "in_thread", "iterate", "add", "add_to_both", "limited",
            "borrow", "put", "exchange", "notify", "set_later", "meet", "timeout")}
        self.names.update(TaskGroup=library.TaskGroup, Event=library.Event, Cancelled=self.cancelled, Failure=Failure,
                          random=random.random, partial=partial)

    async def run(self, body: Body) -> dict[str, object]:
        """Carry out a program; the answer is its result."""
        async with self.library.TaskGroup() as group:
            workers = [await self.start(group, partial(self.work, self.queues[number % 2]))
                       for number in range(WORKERS)]
            await body()
            for queue in self.queues:
                await queue.join()
            for worker in workers:
                worker.cancel()
        return self.result(self.finished)

    def result(self, finished: int) -> dict[str, object]:
        """What a program leaves behind that has finished so many statements."""
        self.check(self.totals == self.added, f"{self.added} were added, and the totals are {self.totals}")
        self.check(sorted(map(str, self.given)) == sorted(map(str, self.taken)),
                   f"put into queues: {self.given}, got from them: {self.taken}")
        connections = sorted(self.pool.get_nowait() for _ in range(self.pool.qsize()))
        return {"finished": finished, "open": self.open, "units": self.units, "connections": connections}

    # The witness

    def check(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise AssertionError(otherwise)

    def done(self) -> None:
        """A statement has come to its end."""
        self.finished += self.sure.get()

    @contextmanager
    def doubtful(self) -> Iterator[None]:
        """A block that may be cancelled."""
        token = self.sure.set(False)
        try:
            yield
        finally:
            self.sure.reset(token)

    def doubt(self, body: Body) -> Body:
        """A body that may be cancelled."""
        async def doubted() -> None:
            with self.doubtful():
                await body()

        return doubted

    def enter(self) -> None:
        self.open += 1

    def leave(self) -> None:
        self.open -= 1

    # Tasks

    async def start(self, group: Any, body: Body) -> Any:
        raise NotImplementedError

    async def wait_for_task(self, task: Any) -> None:
        """Wait until another task has ended; whoever is cancelled in the wait does not cancel that one."""
        raise NotImplementedError

    async def in_thread(self, seconds: float) -> None:
        raise NotImplementedError

    async def checkpoint(self) -> None:
        raise NotImplementedError

    def take_back(self) -> None:
        """Take back the request to cancel the running task."""
        raise NotImplementedError

    def timeout(self, seconds: float) -> Any:
        return self.library.timeout(seconds)

    def now(self) -> float:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        begin = self.now()
        await self.library.sleep(seconds)
        # asyncio fires timers that are due within the resolution of its clock.
        self.check(self.now() >= begin + seconds - 1e-6, f"a sleep of {seconds} s took {self.now() - begin} s")

    async def cancel_later(self, task: Any, seconds: float) -> None:
        await self.sleep(seconds)
        task.cancel()

    async def fail(self, seconds: float) -> None:
        await self.sleep(seconds)
        raise Failure

    async def iterate(self, seconds: float) -> None:
        async def numbers() -> AsyncIterator[int]:
            for number in range(ITEMS):
                await self.sleep(seconds)
                yield number

        self.check([number async for number in numbers()] == list(range(ITEMS)), "an iteration has left something out")

    # Synchronisation

    async def add(self, number: int, seconds: float) -> None:
        """Add 1 to a total: under its lock, since it is read before a sleep and written after it."""
        async with self.locks[number]:
            total = self.totals[number]
            await self.sleep(seconds)
            self.totals[number] = total + 1
            self.added[number] += 1

    async def add_to_both(self, seconds: float) -> None:
        async with self.locks[0]:
            total = self.totals[0]
            await self.add(1, seconds)
            self.totals[0] = total + 1
            self.added[0] += 1

    async def limited(self, seconds: float) -> None:
        async with self.semaphore:
            self.units += 1
            try:
                self.check(self.units <= UNITS, "more tasks than allowed have a unit of the semaphore")
                await self.sleep(seconds)
            finally:
                self.units -= 1

    async def borrow(self, seconds: float) -> None:
        connection = await self.pool.get()
        try:
            await self.sleep(seconds)
        finally:
            self.pool.put_nowait(connection)

    async def put(self, number: int) -> None:
        """Put an item into a queue that is worked off while the program runs."""
        item = next(self.items)
        await self.queues[number].put(item)
        self.given.append(item)

    async def work(self, queue: Any) -> None:
        while True:
            self.taken.append(await queue.get())
            await self.sleep(0.1)
            queue.task_done()

    async def retry(self, limit: float, seconds: float) -> None:
        """Wait for an item with a time limit, again and again."""
        async def put() -> None:
            await self.sleep(seconds)
            await queue.put("item")

        queue = self.library.Queue()
        async with self.library.TaskGroup() as group:
            await self.start(group, put)
            while True:
                try:
                    async with self.timeout(limit + 0.1):
                        item = await queue.get()
                        break
                except TimeoutError:
                    continue
        self.check(item == "item" and queue.empty(), "an item was not got, or was got twice")

    async def exchange(self, size: int, seconds: float, limit: float) -> None:
        """Some put items into a queue and some get them, and one who gets an item may give up, or put it back."""
        async def put(first: int) -> None:
            for item in range(first, first + ITEMS):
                await queue.put(item)
                await self.sleep(seconds)

        async def get() -> None:
            for _ in range(ITEMS):
                got.append(await queue.get())

        async def give_up() -> None:
            try:
                async with self.timeout(limit):
                    item = await queue.get()
            except TimeoutError:
                return
            await queue.put(item)

        queue: Any = self.library.Queue(size)
        got: list[int] = []
        async with self.library.TaskGroup() as group:
            for body in give_up, get, partial(put, 0), get, partial(put, ITEMS):
                await self.start(group, body)
        self.check(sorted(got) == list(range(2 * ITEMS)) and queue.empty(), f"got out of a queue: {got}")

    async def notify(self, seconds: float, limit: float) -> None:
        """Two wait for what is announced by a condition, and a third who may give up, or passes on what it got."""
        tokens = 0
        condition = self.library.Condition()

        tokens = 0

        async def take() -> None:
            nonlocal tokens
            async with condition:
                await condition.wait_for(lambda: tokens)
                tokens -= 1

        async def give() -> None:
            nonlocal tokens
            async with condition:
                tokens += 1
                condition.notify()
                await self.sleep(seconds)  # in which the task that was notified waits for the lock

        async def give_up() -> None:
            try:
                async with self.timeout(limit):
                    await take()
            except TimeoutError:
                return
            await give()

        condition = self.library.Condition()
        async with self.library.TaskGroup() as group:
            if self.keeps_notifications:
                await self.start(group, give_up)
            await self.start(group, take)
            await self.start(group, take)
            await self.sleep(seconds)  # so that all of them wait
            await give()
            await give()
        self.check(tokens == 0, f"{tokens} tokens are left")

    async def set_later(self, seconds: float) -> None:
        event = self.library.Event()
        async with self.library.TaskGroup() as group:
            for _ in range(2):
                await self.start(group, event.wait)
            await self.sleep(seconds)
            event.set()

    async def meet(self, *seconds: float) -> None:
        """Tasks that come at different times wait for each other."""
        async def come(delay: float) -> None:
            await self.sleep(delay)
            here.append(delay)
            await barrier.wait()
            self.check(len(here) == len(seconds), f"a barrier for {len(seconds)} tasks lets {len(here)} through")

        barrier, here = self.library.Barrier(len(seconds)), list[float]()
        async with self.library.TaskGroup() as group:
            for delay in seconds:
                await self.start(group, partial(come, delay))


class NativeWorld(World):
    """The kernel's."""

    library = kernel
    cancelled = kernel.Cancelled

    def __init__(self) -> None:
        super().__init__()
        self.names["shielded"] = kernel.shielded

    async def start(self, group: Any, body: Body) -> Any:
        async def life() -> None:
            await body()

        return await group.spawn(life())

    async def wait_for_task(self, task: Any) -> None:
        await kernel.wait(task)

    async def in_thread(self, seconds: float) -> None:
        answer = await kernel.run_in_thread(str, seconds, abandon=False)
        self.check(answer == str(seconds), f"a thread has answered {answer}")

    async def checkpoint(self) -> None:
        await kernel.checkpoint()

    def take_back(self) -> None:
        me().uncancel()

    def now(self) -> float:
        return me().kernel.clock.now()


def me() -> kernel.Task[Any]:
    """The native task that runs."""
    running = running_kernel()
    assert running is not None and running.current is not None
    return running.current


class AsyncioWorld(World):
    """asyncio's."""

    library = asyncio
    cancelled = asyncio.CancelledError
    keeps_notifications = sys.version_info >= (3, 13)  # before, `Condition.notify` may be lost (CPython 112202)

    def __init__(self) -> None:
        super().__init__()
        self.names.update(gather=asyncio.gather, wait_for=asyncio.wait_for, wait=asyncio.wait,
                          FIRST_COMPLETED=asyncio.FIRST_COMPLETED)

    async def start(self, group: Any, body: Body) -> Any:
        async def life() -> None:
            await body()

        return group.create_task(life())

    async def wait_for_task(self, task: Any) -> None:
        await asyncio.shield(task)

    async def in_thread(self, seconds: float) -> None:
        answer = await asyncio.to_thread(str, seconds)
        self.check(answer == str(seconds), f"a thread has answered {answer}")

    async def checkpoint(self) -> None:
        await asyncio.sleep(0)

    def take_back(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()

    def now(self) -> float:
        return asyncio.get_running_loop().time()
