"""Small coroutines that tests of several files have their tasks run."""

from __future__ import annotations

from typing import Any

from kernel import Task, checkpoint, current_task, sleep, timeout


async def turns(number: int) -> None:
    for _ in range(number):
        await checkpoint()


async def after(seconds: float, value: Any = None) -> Any:
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


async def until(condition: Any) -> None:
    async with timeout(30):
        while not condition():
            await sleep(0.001)


async def until_blocked(*tasks: Any) -> None:
    while any(task.state != "blocked" for task in tasks):
        await checkpoint()


async def task_called(beginning: str) -> Task[Any]:
    """The one whose name begins so."""
    task, = (task for task in (await current_task()).kernel.by_age() if task.name.startswith(beginning))
    return task
