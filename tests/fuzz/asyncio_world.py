"""What a random asyncio program finds: things to use, and a log of all that happens to it.

Nothing is logged that may differ between two runs: objects are named by when they came up first, not by address.
"""

from __future__ import annotations

import asyncio
import contextvars
import re
from collections import Counter, UserDict
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any

# What is reported when an object is thrown away. That moment is no part of the contract, so these go by themselves.
LATE = ("was never retrieved", "Task was destroyed")

Body = Callable[..., Any]


class Base(BaseException):
    """Not an `Exception`."""


@dataclass(frozen=True)
class Frozen(Exception):
    """Refuses the attributes that are set on an exception on its way."""

    text: str


class Yield:
    """Awaiting this yields some object to the task's step."""

    def __init__(self, what: object) -> None:
        self._what = what

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self._what)


class OrderedSet(dict[Any, None]):
    """A set that is gone through in the order of its making.

    asyncio's groups cancel their tasks in the order of an ordinary set, which is chance.
    """

    def add(self, item: Any) -> None:
        self[item] = None

    def discard(self, item: Any) -> None:
        self.pop(item, None)


class Group(asyncio.TaskGroup):
    """A task group that cancels its tasks in the order in which they were made."""

    def __init__(self) -> None:
        super().__init__()
        self._tasks: Any = OrderedSet()


class Lasting(UserDict[int, Any]):
    """Things by number, of which there are more and more."""

    def __init__(self, things: list[Any]) -> None:
        super().__init__(enumerate(things))

    def __getitem__(self, number: int) -> Any:
        return super().__getitem__(int(number) % max(1, len(self)))


class Futures(Lasting):
    """The futures of a run, among which may be tasks; `but_oneself` says what a task gets in its own place."""

    def __init__(self, futures: list[Any], but_oneself: Callable[[Any], Any]) -> None:
        self._but_oneself = but_oneself
        super().__init__(futures)

    def __getitem__(self, number: int) -> Any:
        return self._but_oneself(super().__getitem__(number))


# Tasks that wait for each other in a circle are cancelled as often as the stack is deep.
MANY = 100


class World:
    """One run's things; `names` is the namespace of the program."""

    def __init__(self, module: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.trace: list[str] = []
        self.reports: Counter[str] = Counter()
        self.closed = False
        self._module = module
        self._loop = loop
        self._start = loop.time()
        self._numbers: dict[str, int] = {}
        self.tasks: dict[int, Any] = {}
        self.nobody: Any = None
        queues = [module.Queue(), module.Queue(1), module.PriorityQueue(2)]
        self.names: dict[str, Any] = {
            "asyncio": module, "loop": loop, "log": self.log, "attempt": self.attempt, "task": self.task,
            "tasks": self.tasks, "act": self.act, "Done": self.done, "failure": failure, "error_of": error_of,
            "spawn_in_group": self.spawn_in_group, "Group": Group, "Base": Base, "Frozen": Frozen, "Yield": Yield,
            "variable": contextvars.ContextVar("variable", default="unset"), "context": contextvars.copy_context(),
            "limits": {}, "groups": {}, "handles": {},
            "futures": Futures([loop.create_future() for _ in range(3)], self.but_oneself),
            "events": [module.Event(), module.Event()], "locks": [module.Lock(), module.Lock()],
            "conditions": [module.Condition(), module.Condition()], "queues": queues,
            "semaphores": [module.Semaphore(1), module.BoundedSemaphore(2)], "barriers": [module.Barrier(2)]}

    def log(self, place: str, *values: object) -> None:
        if self.closed:
            return
        time = self._loop.time() - self._start
        self.trace.append(f"{time:<4.0f} {self.show(self.current())} at {place}: {', '.join(map(self.show, values))}")

    def attempt(self, function: Callable[[], object]) -> object:
        try:
            return function()
        except Exception as error:
            return error

    def task(self, number: int) -> Any:
        """The last task that was made of body `number`; where there is none, and in that task itself, one that is over."""
        return self.but_oneself(self.tasks.get(number, self.nobody))

    def but_oneself(self, future: Any) -> Any:
        """`future`, or in the place of the task that asks one that is over.

        A task of asyncio's that has awaited itself, and got an error for it, cannot be awaited by others any more; one
        of compat's can.
        """
        return future if not isinstance(future, asyncio.Task) or future is not self.current() else self.nobody

    def current(self) -> Any:
        try:
            return self._module.current_task()
        except RuntimeError:  # outside of a loop that runs
            return None

    def act(self, place: str, action: Callable[[], object]) -> None:
        """What is called back."""
        self.log(place, "called")
        self.log(place, action())

    def done(self, place: str, action: Callable[[], object]) -> Callable[[Any], None]:
        """A callback for a future."""
        def callback(future: Any) -> None:
            self.log(place, "done", future, outcome(future))
            self.log(place, action())

        return callback

    def spawn_in_group(self, group: int, number: int, coroutine: Any) -> None:
        groups = self.names["groups"]
        if group not in groups:
            coroutine.close()
            raise LookupError("there is no such group")
        self.tasks[number] = groups[group].create_task(coroutine)

    def report(self, loop: object, context: dict[str, Any]) -> None:
        """The loop's exception handler."""
        message = scrubbed(context["message"])
        error = self.show(context.get("exception"))
        if "aclose(): asynchronous generator is already running" in error:
            return  # Python 3.11 takes one for running that GeneratorExit has ended, if what it awaited was made in C
        if any(late in message for late in LATE):
            self.reports[f"{message} {error}"] += 1
        else:
            about = [context[key] for key in ("task", "future") if key in context]
            self.log("the exception handler", message, error, *about)

    def show(self, value: object) -> str:
        if isinstance(value, int) and value > MANY:
            return "many"
        if isinstance(value, BaseException):
            return self._show_error(value, 3)
        if isinstance(value, asyncio.Task):
            name = value.get_name()
            return f"task {self._numbers.setdefault(name, len(self._numbers))}"
        if isinstance(value, asyncio.Future):
            return f"future {outcome(value)}"
        if isinstance(value, set):
            return f"set of {', '.join(sorted(map(self.show, in_order(value))))}"
        if isinstance(value, (list, tuple)):
            return f"{type(value).__name__} of {', '.join(map(self.show, value))}"
        return scrubbed(repr(value))

    def _show_error(self, error: BaseException, depth: int) -> str:
        # Not the context: which exception happened to be handled when this one was raised differs between asyncio's
        # own versions of a future, in C and in Python.
        parts = [f"{type(error).__name__}({', '.join(self.show(part) for part in error.args)})"]
        if depth and error.__cause__ is not None:
            parts.append(f"cause {self._show_error(error.__cause__, depth - 1)}")
        return " ".join(parts)


def in_order(futures: Iterable[Any]) -> list[Any]:
    """Tasks by age, which their names tell; futures that are none first."""
    def age(future: Any) -> int:
        return int(future.get_name().rpartition("-")[2]) if isinstance(future, asyncio.Task) else -1

    return sorted(futures, key=age)


def outcome(future: Any) -> str:
    """How a future has ended; does not count as looking at its exception."""
    if not future.done():
        return "pending"
    return "cancelled" if future.cancelled() else "done"


def scrubbed(text: str) -> str:
    """Without addresses and what else is shown of an object."""
    return re.sub(r"<.*>", "<...>", text, flags=re.DOTALL)


def failure(error: Any) -> None:
    raise error


def error_of(function: Callable[[], object]) -> BaseException:
    """What a function raises."""
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")
