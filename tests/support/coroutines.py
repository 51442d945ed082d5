"""Small coroutines that tests of several files have their tasks run."""

from __future__ import annotations

from typing import Any

from kernel import Task, checkpoint, sleep


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
