"""asyncio programs in simulation: an event loop on the devices of a simulated run.

Tasks and futures of such a loop have hashes by their number, and not by their address, so that a set of them has the
same order in every run: asyncio's TaskGroup cancels its tasks in the order of a set.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from asyncio import runners
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from kernel.sim.functions import Crew
from kernel.sim.runs import Engine, Run
from kernel.workers.threads import pool

from . import tasks
from .c_libraries import refused_libraries
from .events import EventLoop
from .futures import Future, init_future
from .runners import Runner
from .tasks import Task


class Numbered:
    """Has a number for its hash."""

    number: int

    def __hash__(self) -> int:
        return self.number


class SimulatedTask(Numbered, Task[Any]):
    """A task of a simulated loop."""


class SimulatedFuture(Numbered, Future[Any]):
    """A future of a simulated loop."""


# What their reprs and asyncio's messages call them.
SimulatedTask.__name__, SimulatedFuture.__name__ = "Task", "Future"


class NoSocket:
    """What the interpreter is to tell of signals, when it is to tell nobody."""

    def fileno(self) -> int:
        return -1


class SimulatedLoop(EventLoop):
    """An event loop in the run that goes on in this thread."""

    if TYPE_CHECKING:  # what is private to asyncio's class, and used here
        _default_executor: ThreadPoolExecutor | None

        def _check_default_executor(self) -> None: ...

        def _handle_signal(self, sig: int) -> None: ...

    def __init__(self, *args: object, **devices: object) -> None:  # of which only a run decides
        self.run: Run | None = _here.run
        if self.run is None:
            raise RuntimeError("a simulated event loop was made outside of a run")
        self._numbers = count(1)
        super().__init__(**self.run.devices())
        self.set_exception_handler(self._failed)

    def _failed(self, loop: object, context: dict[str, Any]) -> None:
        """What nobody handles; the program may set another handler."""
        error = context.get("exception")
        if self.run is not None:
            self.run.fail("unretrieved", f"{context['message']}" + ("" if error is None else f": {error!r}"), error)

    def run_forever(self) -> None:
        if self.run is not _here.run:
            raise RuntimeError("an event loop was used that was made in another run; make it anew in each: where a "
                               "fixture makes it, give that the scope 'function'")
        super().run_forever()

    def create_future(self) -> SimulatedFuture:  # type: ignore[override]  # of the base class
        future = SimulatedFuture.__new__(SimulatedFuture)
        future.number = next(self._numbers)
        init_future(future, loop=self)
        return future

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None,  # type: ignore[override]
                    **others: Any) -> Task[Any]:
        if self._task_factory is not None:
            return super().create_task(coro, name=name, context=context, **others)
        self._check_closed()
        task = SimulatedTask.__new__(SimulatedTask)
        task.number = next(self._numbers)
        task.start(coro, self, self.kernel, name, context, **others)
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        if executor is None:
            self._check_default_executor()
            executor = self._default_executor
        if executor is None or isinstance(executor, ThreadPoolExecutor):  # of another kind has to do without a thread
            executor = self._crew(executor)
        return super().run_in_executor(executor, func, *args)

    def _crew(self, executor: Any) -> Crew:
        threads: Any = self.kernel.resource(pool)
        crew: Crew = threads.crew(executor, None if executor is None else executor._max_workers)
        return crew

    def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: Any) -> None:  # type: ignore[override]
        # Nothing waits in the system for a byte of the interpreter's, so Python's own handler brings the signal.
        with patch.object(self, "_csock", NoSocket()):
            super().add_signal_handler(sig, callback, *args)
        signal.signal(sig, lambda number, frame: self._handle_signal(number))

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        self._executor_shutdown_called = True
        left = self._crew(self._default_executor).futures()
        if left:
            await asyncio.wait([asyncio.wrap_future(future) for future in left], timeout=timeout)

    def close(self) -> None:
        super().close()
        self.run = None


class _Here(threading.local):
    """What goes on in this thread."""

    run: Run | None = None


_here = _Here()
_cancel_all_tasks: Any = runners._cancel_all_tasks  # type: ignore[attr-defined]  # by which a Runner ends a program

# Coroutines of test frameworks, which end with the loop: the one in which anyio's plugin runs tests and fixtures.
_OF_FRAMEWORKS = frozenset(["TestRunner._run_tests_and_fixtures"])


def end_of_program(loop: Any) -> None:
    """`asyncio.runners._cancel_all_tasks`, after a look at what the program leaves behind."""
    if isinstance(loop, SimulatedLoop) and loop.run is not None:
        for task in loop.kernel.everyone():
            if getattr(task.code, "__qualname__", "") in _OF_FRAMEWORKS:
                task.daemon = True
        loop.run.main_ended(loop.kernel, None)
    _cancel_all_tasks(loop)


@contextmanager
def simulated(run: Run) -> Iterator[None]:
    """While inside, `run` goes on in this thread, and every event loop that is made belongs to it."""
    with (run.surroundings(Task), patch.object(_here, "run", run), patch.object(EventLoop, "stand_in", SimulatedLoop),
          patch.object(tasks, "_numbers", count(1)), patch.object(runners, "_cancel_all_tasks", end_of_program),
          refused_libraries()):
        yield


def on_loop(run: Run, main: Callable[[], Any]) -> Any:
    """Run an asyncio program."""
    with Runner() as runner:
        return runner.run(main())


ASYNCIO = Engine(simulated, on_loop)
