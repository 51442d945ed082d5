"""The words of each dialect: what kernel, asyncio, trio and curio call the things that most workloads need.

A workload is written once where the dialects differ in nothing but these words. What a measured loop calls, `sleep` for
example, is the library's own function, and `Tasks` spawns, cancels and waits in the loops that a user of the library
would write. A workload whose measured loop itself differs from dialect to dialect has a method for each instead.
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
    """Tasks that are spawned together. `async with` ends when all of them have ended, cancelled ones included."""

    def __init__(self) -> None:
        self.members: list[Any] = []  # in the order of spawning; none of trio's, where nobody gets hold of a task

    async def __aenter__(self) -> Self:
        return self

    @abstractmethod
    async def __aexit__(self, *exc_info: object) -> None: ...

    async def spawn(self, count: int, function: Function, *arguments: Any) -> None:
        """Spawn `count` tasks, each of which runs `function(*arguments)`. Spawn once."""
        await self.spawn_each(lambda _: function(*arguments), range(count))

    @abstractmethod
    async def spawn_each(self, function: Function, arguments: Iterable[Any]) -> None:
        """Spawn a task for each of the arguments, which runs `function(argument)`. Spawn once."""

    @abstractmethod
    async def settle(self) -> None:
        """Let each of them run until it waits for something."""

    @abstractmethod
    async def cancel(self) -> None:
        """Cancel all of them, and do not wait for their end."""


@dataclass(frozen=True)
class Words:
    """What a dialect calls things. A word is None where a library has no such thing, or calls it in another way."""

    sleep: Callable[[float], Awaitable[None]]
    sleeper: Function  # what a task runs that sleeps until it is cancelled; nothing else is in its frame
    tasks: Callable[[], Tasks]
    Event: Callable[[], Any]
    Lock: Callable[[], Any]
    Queue: Any = None  # trio has channels
    timeout: Any = None  # trio's block is a plain `with`
    run_in_thread: Any = None  # a loop's has an executor for its first argument


class AwaitedTasks(Tasks):
    """Tasks of which each is an object that has `cancel()` and can be awaited."""

    cancellation: type[BaseException]  # what an `await` of a cancelled task raises

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

    return Words(kernel.sleep, sleeper, KernelTasks, kernel.Event, kernel.Lock, kernel.Queue, kernel.timeout,
                 kernel.run_in_thread)


class AsyncioTasks(AwaitedTasks):
    cancellation = asyncio.CancelledError

    async def spawn_each(self, function: Function, arguments: Iterable[Any]) -> None:
        self.members = [asyncio.create_task(function(argument)) for argument in arguments]

    async def settle(self) -> None:
        await asyncio.sleep(0)


def of_asyncio() -> Words:

    async def sleeper() -> None:
        await asyncio.sleep(DISTANT)

    return Words(asyncio.sleep, sleeper, AsyncioTasks, asyncio.Event, asyncio.Lock, asyncio.Queue, asyncio.timeout)


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

    return Words(trio.sleep, sleeper, lambda: TrioTasks(trio, settle), trio.Event, trio.Lock,
                 run_in_thread=trio.to_thread.run_sync)


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
            # `join` raises the error of a task that failed, but an error also for one that was cancelled.
            await (task.wait() if self._cancelled else task.join())


def of_curio(curio: Any) -> Words:

    async def sleeper() -> None:
        await curio.sleep(DISTANT)

    return Words(curio.sleep, sleeper, lambda: CurioTasks(curio), curio.Event, curio.Lock, curio.Queue,
                 curio.timeout_after, curio.run_in_thread)


# What makes them gets the module of a library that may not be installed.
WORDS: dict[str, Callable[..., Words]] = {"kernel": of_kernel, "asyncio": of_asyncio, "trio": of_trio, "curio": of_curio}
