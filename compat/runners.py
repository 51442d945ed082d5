"""`run` and `Runner`: running a program on an event loop of this project's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any, TypeVar

from kernel.core import Kernel
from kernel.devices.watchdog import Unheard
from kernel.failures import clear_frame, traceback_of

from .events import check_no_kernel, new_event_loop
from .generators import accepted

T = TypeVar("T")
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


_on_sigint: Any = asyncio.Runner._on_sigint  # type: ignore[attr-defined]  # as asyncio has it


def on_sigint(runner: Any, signum: int, frame: object, main_task: Any) -> None:
    """`asyncio.Runner._on_sigint`: the first Ctrl-C cancels the main task, and says so if that has to wait."""
    _on_sigint(runner, signum, frame, main_task)
    kernel = getattr(runner.get_loop(), "kernel", None)
    if isinstance(kernel, Kernel):
        kernel.call_from_thread(Unheard(kernel))


class Runner(asyncio.Runner):  # type: ignore[misc]  # final only for the type checker
    """`asyncio.Runner`. Without a `loop_factory` its loop is this project's."""

    def __init__(self, *, debug: bool | None = None, loop_factory: LoopFactory | None = None) -> None:
        self._sets_loop = loop_factory is None
        super().__init__(debug=debug, loop_factory=_new_current_loop if loop_factory is None else loop_factory)

    def __enter__(self) -> Runner:
        check_no_kernel("a Runner was entered")
        return super().__enter__()  # type: ignore[return-value]  # itself

    def run(self, coro: Awaitable[T], *, context: Context | None = None) -> T:
        check_no_kernel("run() was called", coro)
        try:
            return super().run(accepted(coro), context=context)  # type: ignore[no-any-return]
        except BaseException as error:
            _clear_own_frames(error)
            raise

    def _on_sigint(self, signum: int, frame: object, main_task: Any) -> None:
        on_sigint(self, signum, frame, main_task)

    def close(self) -> None:
        super().close()
        if self._sets_loop:
            asyncio.set_event_loop(None)


def _clear_own_frames(error: BaseException) -> None:
    """Clear the frames of asyncio, of the kernel and of this package in the traceback.

    The first one is left, since it is still running. These frames have the main task in a variable, and the task has the
    exception: the task would hold itself. The frames of the program keep their variables, which debuggers and error
    reports show.
    """
    entry = traceback_of(error)
    while entry is not None and entry.tb_next is not None:
        entry = entry.tb_next
        if entry.tb_frame.f_globals.get("__name__", "").partition(".")[0] in ("asyncio", "kernel", __package__):
            clear_frame(entry.tb_frame)


def _new_current_loop() -> asyncio.AbstractEventLoop:
    """Make a loop and set it as the thread's current one, as asyncio does where there is no factory."""
    loop = new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


def run(main: Awaitable[T], *, debug: bool | None = None, loop_factory: LoopFactory | None = None) -> T:
    """`asyncio.run`. Without a `loop_factory` it runs on a loop of this project's."""
    if asyncio._get_running_loop() is not None:
        raise RuntimeError("asyncio.run() cannot be called from a running event loop")
    check_no_kernel("run() was called", main)
    with Runner(debug=debug, loop_factory=loop_factory) as runner:
        return runner.run(main)


def __getattr__(name: str) -> Any:
    """Take any other name from asyncio's module of the same name."""
    return getattr(asyncio.runners, name)
