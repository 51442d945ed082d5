"""The words of each dialect: what the kernel, asyncio, trio and curio call the things that many workloads need.

For example, `words.sleep` is `kernel.sleep`, `asyncio.sleep`, `trio.sleep` or `curio.sleep`. A workload that needs only
such words is written once.

The words must not cost anything where it is measured. So a measured loop calls the library's own functions, and `Tasks`
spawns, cancels and awaits in the loops that a user of the library would write. A word for one spawn, say, would be a
call more for each task. Where the measured loop itself differs from dialect to dialect, the workload has a method for
each of them.
"""

from __future__ import annotations

import asyncio
import importlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Self

import kernel

from .spans import DISTANT

Function = Callable[..., Coroutine[Any, Any, None]]


class Tasks(ABC):
    """Tasks that are spawned together. At its end an `async with` waits until each has ended or has been cancelled."""

    def __init__(self) -> None:
        self.members: list[Any] = []  # in the order of spawning; empty with trio, which gives nobody its tasks

    async def __aenter__(self) -> Self:
        return self

    @abstractmethod
    async def __aexit__(self, *exc_info: object) -> None: ...

    async def spawn(self, count: int, function: Function, *arguments: Any) -> None:
        """Spawn `count` tasks; each runs `function(*arguments)`. To be called once, or else `spawn_each`."""
        await self.spawn_each(lambda _: function(*arguments), range(count))

    @abstractmethod
    async def spawn_each(self, function: Function, arguments: Iterable[Any]) -> None:
        """Spawn a task for each of the arguments; it runs `function(argument)`. To be called once, or else `spawn`."""

    @abstractmethod
    async def settle(self) -> None:
        """Let each of them run until it waits for something. They wait for the first time."""

    @abstractmethod
    async def cancel(self) -> None:
        """Cancel all of them, without waiting for their end."""


@dataclass(frozen=True)
class Words:
    """What a dialect calls things. A word is None where its use in a program differs from that in the others."""

    sleep: Callable[[float], Awaitable[None]]
    sleeper: Function  # sleeps until it is cancelled; no variables are in its frame, as its memory is measured
    tasks: Callable[[], Tasks]
    Event: Callable[[], Any]
    Lock: Callable[[], Any]
    Semaphore: Callable[[int], Any]
    Condition: Callable[[], Any]
    Queue: Any = None  # trio has channels
    timeout: Any = None  # trio's block is a plain `with`
    run_in_thread: Any = None  # a loop's has an executor for its first argument


class AwaitedTasks(Tasks):
    """Tasks that are objects: a program cancels each by `cancel()` and waits for it by `await`."""

    cancellation: type[BaseException]  # what awaiting a cancelled task raises

    async def cancel(self) -> None:
        for task in self.members:
            task.cancel()

    async def __aexit__(self, *exc_info: object) -> None:
        for task in self.members:
            try:
                await task
            except self.cancellation:
                pass


class KernelTasks(AwaitedTasks):
    cancellation = kernel.Cancelled

    async def spawn_each(self, function: Function, arguments: Iterable[Any]) -> None:
        self.members = [await kernel.spawn(function(argument)) for argument in arguments]

    async def settle(self) -> None:
        await kernel.sleep(0)


def of_kernel() -> Words:

    async def sleeper() -> None:
        await kernel.sleep(DISTANT)

    return Words(kernel.sleep, sleeper, KernelTasks, kernel.Event, kernel.Lock, kernel.Semaphore, kernel.Condition,
                 kernel.Queue, kernel.timeout, kernel.run_in_thread)


class AsyncioTasks(AwaitedTasks):
    cancellation = asyncio.CancelledError

    async def spawn_each(self, function: Function, arguments: Iterable[Any]) -> None:
        self.members = [asyncio.create_task(function(argument)) for argument in arguments]

    async def settle(self) -> None:
        await asyncio.sleep(0)


def of_asyncio() -> Words:

    async def sleeper() -> None:
        await asyncio.sleep(DISTANT)

    return Words(asyncio.sleep, sleeper, AsyncioTasks, asyncio.Event, asyncio.Lock, asyncio.Semaphore,
                 asyncio.Condition, asyncio.Queue, asyncio.timeout)


class TrioTasks(Tasks):
    """The tasks of a nursery."""

    def __init__(self, trio: Any, settle: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self._opening = trio.open_nursery()
        self._settle = settle

    async def __aenter__(self) -> Self:
        self._nursery = await self._opening.__aenter__()
        return self

    async def spawn_each(self, function: Function, arguments: Iterable[Any]) -> None:
        for argument in arguments:
            self._nursery.start_soon(function, argument)

    async def settle(self) -> None:
        await self._settle()

    async def cancel(self) -> None:
        self._nursery.cancel_scope.cancel()

    async def __aexit__(self, *exc_info: object) -> None:
        await self._opening.__aexit__(*exc_info)


def of_trio(trio: Any) -> Words:
    settle = importlib.import_module("trio.testing").wait_all_tasks_blocked

    async def sleeper() -> None:
        await trio.sleep(DISTANT)

    return Words(trio.sleep, sleeper, lambda: TrioTasks(trio, settle), trio.Event, trio.Lock, trio.Semaphore,
                 trio.Condition, run_in_thread=trio.to_thread.run_sync)


class CurioTasks(Tasks):
    def __init__(self, curio: Any) -> None:
        super().__init__()
        self._curio = curio
        self._cancelled = False

    async def spawn_each(self, function: Function, arguments: Iterable[Any]) -> None:
        spawn = self._curio.spawn
        self.members = [await spawn(function, argument) for argument in arguments]

    async def settle(self) -> None:
        await self._curio.sleep(0)

    async def cancel(self) -> None:
        self._cancelled = True
        for task in self.members:
            await task.cancel(blocking=False)

    async def __aexit__(self, *exc_info: object) -> None:
        for task in self.members:
            # `join` raises an error when a task has failed, but also when it has been cancelled.
            await (task.wait() if self._cancelled else task.join())


def of_curio(curio: Any) -> Words:

    async def sleeper() -> None:
        await curio.sleep(DISTANT)

    return Words(curio.sleep, sleeper, lambda: CurioTasks(curio), curio.Event, curio.Lock, curio.Semaphore,
                 curio.Condition, curio.Queue, curio.timeout_after, curio.run_in_thread)


# For each dialect a function that returns its words. That of trio and of curio gets the module.
WORDS: dict[str, Callable[..., Words]] = {"kernel": of_kernel, "asyncio": of_asyncio, "trio": of_trio,
                                          "curio": of_curio}
