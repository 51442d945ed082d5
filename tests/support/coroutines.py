"""Small coroutines that tests of several files have their tasks run."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from kernel import Task, checkpoint, current_task, sleep, spawn, timeout

T = TypeVar("T")


async def turns(number: int) -> None:
    """Let every other ready task make `number` steps."""
    for _ in range(number):
        await checkpoint()


async def after(seconds: float, value: Any = None) -> Any:
    """Return the value, or raise it if it is an exception."""
    await sleep(seconds)
    if isinstance(value, BaseException):
        raise value
    return value


async def cancel_after(seconds: float, task: Task[Any]) -> None:
    await sleep(seconds)
    task.cancel("from outside")


async def fail_when_cancelled() -> None:
    try:
        await sleep(9)
    finally:
        raise KeyError("k")


async def sleeper(seconds: float = 1000) -> str:
    await sleep(seconds)
    return "slept"


async def until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds, which a thread may bring about."""
    async with timeout(30):
        while not condition():
            await sleep(0.001)


async def until_blocked(*tasks: Task[Any]) -> None:
    """Return when each of the tasks waits for something."""
    while any(task.state != "blocked" for task in tasks):
        await checkpoint()


async def leave(code: Coroutine[Any, Any, T] | Generator[Any, Any, T], name: str | None = None) -> Task[T]:
    """A main that leaves a task to the shutdown: it ends when that task has made its first step."""
    task = await spawn(code, name=name)
    await checkpoint()
    return task


async def task_called(beginning: str) -> Task[Any]:
    """The one task of this kernel whose name begins so."""
    task, = (task for task in (await current_task()).kernel.by_age() if task.name.startswith(beginning))
    return task
