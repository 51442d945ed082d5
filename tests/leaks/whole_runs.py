"""Kernels and event loops, made, run and closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import compat
import kernel

from .measuring import ignore
from .programs import HOUR, count_up, count_up_in_asyncio, fail, make, nothing, raise_error, wait_forever
from .rows import call

SOME = 200

Program = Callable[[], Coroutine[Any, Any, object]]

kept: list[Any] = []  # what lives until the run has ended


def on_kernel(program: Program) -> Callable[[], None]:
    def run() -> None:
        with suppress(ValueError, SystemExit, kernel.Deadlock):
            kernel.run(program(), exception_hook=ignore)
        kept.clear()
    return run


def on_asyncio(program: Program) -> Callable[[], None]:
    def run() -> None:
        with suppress(ValueError, SystemExit):
            asyncio.run(program())
        kept.clear()
    return run


def on_compat(program: Program) -> Callable[[], None]:
    def run() -> None:
        with suppress(ValueError, SystemExit):
            compat.run(program())
        kept.clear()
    return run


def make_and_close() -> None:
    kernel.Kernel().close()


def make_loop_and_close() -> None:
    asyncio.SelectorEventLoop().close()


def make_our_loop_and_close() -> None:
    compat.EventLoop().close()


call("kernel: Kernel made, closed", SOME, make_and_close, make_loop_and_close)
call("kernel: run of nothing", SOME, on_kernel(nothing), on_asyncio(nothing))
call("kernel: run of what fails", SOME, on_kernel(fail), on_asyncio(fail))
call("compat: loop made, closed", SOME, make_our_loop_and_close, make_loop_and_close, as_asyncio=True)
call("compat: run of nothing", SOME, on_compat(nothing), on_asyncio(nothing), as_asyncio=True)
call("compat: run of what fails", SOME, on_compat(fail), on_asyncio(fail), as_asyncio=True)


async def leave_tasks() -> None:
    await kernel.spawn(wait_forever())
    await kernel.spawn(kernel_sleep(), daemon=True)


async def kernel_sleep() -> None:
    await kernel.sleep(HOUR)


async def leave_asyncio_tasks() -> None:
    for _ in range(2):
        asyncio.create_task(asyncio.sleep(HOUR))
    await asyncio.sleep(0)


call("kernel: run that leaves tasks", SOME, on_kernel(leave_tasks), on_asyncio(leave_asyncio_tasks))
call("compat: run that leaves tasks", SOME, on_compat(leave_asyncio_tasks), on_asyncio(leave_asyncio_tasks),
     as_asyncio=True)


async def leave_failure() -> None:
    await kernel.spawn(fail())
    await kernel.checkpoint()


call("kernel: run that leaves a failure", SOME, on_kernel(leave_failure), None)
call("kernel: Deadlock", SOME, on_kernel(wait_forever), None)


async def wait_in_vain_in_many() -> None:
    lock = kernel.Lock()
    async with lock:
        async with kernel.TaskGroup() as group:
            for _ in range(3):
                await group.spawn(make(lock.acquire))


call("kernel: Deadlock of many", SOME, on_kernel(wait_in_vain_in_many), None)


async def leave_generators() -> None:
    kept[:] = [count_up()]
    async for _ in kept[0]:
        break


async def leave_asyncio_generators() -> None:
    kept[:] = [count_up_in_asyncio()]
    async for _ in kept[0]:
        break


call("kernel: run that leaves an async generator", SOME, on_kernel(leave_generators),
     on_asyncio(leave_asyncio_generators))
call("compat: run that leaves an async generator", SOME, on_compat(leave_asyncio_generators),
     on_asyncio(leave_asyncio_generators), as_asyncio=True)


async def exit_program() -> None:
    raise SystemExit(1)


call("kernel: run that exits", SOME, on_kernel(exit_program), on_asyncio(exit_program), as_asyncio=True)
call("compat: run that exits", SOME, on_compat(exit_program), on_asyncio(exit_program), as_asyncio=True)


async def exit_in_child() -> None:
    await kernel.spawn(exit_program())
    await wait_forever()


async def exit_in_asyncio_child() -> None:
    asyncio.create_task(exit_program())
    await asyncio.sleep(HOUR)


call("kernel: run that exits in a child", SOME, on_kernel(exit_in_child), on_asyncio(exit_in_asyncio_child),
     as_asyncio=True)
call("compat: run that exits in a child", SOME, on_compat(exit_in_asyncio_child), on_asyncio(exit_in_asyncio_child),
     as_asyncio=True)


async def run_inside() -> None:
    with suppress(RuntimeError):
        kernel.run(nothing())


call("kernel: run inside of a run", SOME, on_kernel(run_inside), None)


async def in_thread() -> None:
    await kernel.run_in_thread(nothing_at_all)


async def in_asyncio_thread() -> None:
    await asyncio.to_thread(nothing_at_all)


def nothing_at_all() -> None:
    pass


call("kernel: run with a thread", SOME, on_kernel(in_thread), on_asyncio(in_asyncio_thread))
call("compat: run with a thread", SOME, on_compat(in_asyncio_thread), on_asyncio(in_asyncio_thread), as_asyncio=True)


async def fail_in_thread() -> None:
    await kernel.run_in_thread(raise_error)


call("kernel: run that fails in a thread", SOME, on_kernel(fail_in_thread), None)


def run_in_virtual_time() -> None:
    kernel.run(kernel_sleep(), clock=kernel.VirtualClock())


class Silent(kernel.Observer):
    """Is told everything and says nothing."""


def run_observed() -> None:
    kernel.run(leave_tasks(), observer=Silent())


call("kernel: run in virtual time", SOME, run_in_virtual_time, None)
call("kernel: run with an observer", SOME, run_observed, None)


def use_closed() -> None:
    closed = kernel.Kernel()
    closed.close()
    with suppress(RuntimeError):
        closed.run(nothing())


call("kernel: run of a closed Kernel", SOME, use_closed, None)
