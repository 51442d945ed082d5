"""What a task can ask of the kernel.

A task makes a request by yielding a `Syscall`. The same object is, while the task is blocked, the record of what it
waits for (`task.blocked_on`), the place that cancellation turns to (`abort`), and the line a process listing prints.

A request is made once. Two tasks need two objects, and so does one task that asks twice. Functions such as `sleep` make
a new one at every call, so `await sleep(1)` and `yield sleep(1)` need no thought.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from itertools import repeat
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeVar, final

from .checks import check_code, check_descriptor, check_seconds, made_before, show_code
from .devices.protocols import Generic

if TYPE_CHECKING:
    from .core import Kernel
    from .task import Task

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# Whatever a task can be made of: a coroutine, or a plain generator that yields syscalls.
Code = Coroutine[Any, Any, T] | Generator[Any, Any, T]


class Syscall(Generic[T_co]):
    """A request to the kernel, made by yielding it; `T_co` is the type of its answer.

    `await request` makes it from an `async def`; `yield request` or `yield from request` from a generator task.
    """

    __slots__ = ()

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        """Carry the request out for `task`.

        Return True when it is answered: the task goes on at once and gets what was put into `task.inbox`. Return
        False when the task has to wait: it stays blocked on this object until `task.wake` or `task.throw`. An
        exception raised here is raised in the task, where it yielded.
        """
        raise NotImplementedError(f"{type(self).__qualname__} does not say how it is carried out: write execute()")

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        """Forget `task`, which is blocked on this object and is being cancelled: it must not be woken any more."""
        raise NotImplementedError(f"{type(self).__qualname__} does not say how a task is taken out: write abort()")

    def __await__(self) -> Generator[Any, Any, T_co]:
        try:
            return (yield self)  # type: ignore[no-any-return]  # the trampoline's answer is of the type asked for
        finally:
            del self  # or an exception would hold, by its traceback and this frame, the request, and that the task

    __iter__ = __await__


class Checkpoint(Syscall[None]):
    """Give up the processor for one turn, as a bare `yield` does."""

    __slots__ = ()

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        task.blocked_on = None
        kernel.ready.append(task)
        return False

    # An iterator that yields None once, as a bare `yield` does; made in C, which benchmarks/switch.py shows.
    __await__ = __iter__ = staticmethod((None,).__iter__)  # type: ignore[assignment]  # all that `await` needs

    def __repr__(self) -> str:
        return "checkpoint()"


class Sleep(Syscall[None]):
    """Wait for a span or a point of time on the kernel's clock; its own entry in the kernel's timers."""

    __slots__ = ("dead", "seconds", "task", "until")

    def __init__(self, seconds: float, until: bool) -> None:
        self.seconds = seconds
        self.until = until
        self.dead: bool | None = None  # not yet a timer
        self.task: Task[Any] | None = None

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self.dead is not None:
            raise made_before(self, task)
        self.task = task
        kernel.timers.add(self.seconds if self.until else kernel.clock.now() + self.seconds, self)
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        self.task = None  # which is not to live as long as the entry in the heap
        kernel.timers.cancel(self)

    def fire(self, kernel: Kernel) -> None:
        """The deadline has come."""
        task, self.task = self.task, None
        assert task is not None
        task.wake(None)

    def __await__(self) -> Generator[Any, Any, None]:
        # Yields the request once and has nothing to answer, in a quarter of a generator's memory: benchmarks/switch.py
        # shows it in the bytes per sleeping task.
        return repeat(self, 1)  # type: ignore[return-value]  # all that `await` needs of a generator

    __iter__ = __await__

    def __repr__(self) -> str:
        return f"sleep_until({self.seconds:g})" if self.until else f"sleep({self.seconds:g})"


class Spawn(Syscall[Any]):  # its answer is a Task; for a name in quotes here, Python 3.14 imports `ast` and more
    """Make a task of some code; answered at once."""

    __slots__ = ("code", "daemon", "made", "name")

    def __init__(self, code: Code[T], name: str | None, daemon: bool) -> None:
        self.code = code
        self.name = name
        self.daemon = daemon
        self.made = False

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self.made:
            raise made_before(self, task)
        self.made = True
        task.inbox = kernel.spawn(self.code, self.name, self.daemon, task.context.copy())
        return True

    def __repr__(self) -> str:
        name = "" if self.name is None else f", name={self.name!r}"
        return f"spawn({show_code(self.code)}{name}{', daemon=True' if self.daemon else ''})"


class Call(Syscall[T_co]):
    """Run code to its end on the calling task's own stack; what it returns or raises goes to the caller."""

    __slots__ = ("code", "made")

    def __init__(self, code: Code[T_co]) -> None:
        self.code = code
        self.made = False

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self.made:
            raise made_before(self, task)
        self.made = True
        if task.callers is None:
            task.callers = []
        task.callers.append(task.code)
        task.code = self.code
        return True

    def __repr__(self) -> str:
        return f"call({show_code(self.code)})"


@final
class CurrentTask(Syscall[Any]):  # as above
    """Who am I; answered at once."""

    __slots__ = ()

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        task.inbox = task
        return True

    def __repr__(self) -> str:
        return "current_task()"


@final
class Now(Syscall[float]):
    """What time is it on the kernel's clock; answered at once."""

    __slots__ = ()

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        task.inbox = kernel.clock.now()
        return True

    def __repr__(self) -> str:
        return "now()"


class Readiness(Syscall[None]):
    """Wait until a file descriptor can be read or written; its own registration with the kernel's poller."""

    __slots__ = ("fd", "task", "writing")
    once = True
    endpoint = None

    def __init__(self, fd: int, writing: bool) -> None:
        self.fd = fd
        self.writing = writing
        self.task: Task[Any]  # that waits

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        kernel.poller.watch(self.fd, self.writing, self)
        self.task = task
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        kernel.poller.unwatch(self.fd, self.writing)

    def fire(self, kernel: Kernel) -> None:
        """The descriptor is ready."""
        self.task.wake(None)

    def fail(self, kernel: Kernel, error: OSError) -> None:
        """The descriptor was closed while the task waited."""
        self.task.throw(error)

    def __repr__(self) -> str:
        return f"wait_{'writable' if self.writing else 'readable'}({self.fd})"


_CHECKPOINT = Checkpoint()
_CURRENT_TASK = CurrentTask()
_NOW = Now()


def sleep(seconds: float) -> Syscall[None]:
    """Sleep for `seconds` on the kernel's clock.

    Zero or less is a `checkpoint`; `math.inf` sleeps until cancelled. Cancellation ends it at once.
    Raises `ValueError` for NaN and `TypeError` for what is not a number, at the call.
    """
    if seconds == 0:
        return _CHECKPOINT
    seconds = check_seconds(seconds, "sleep")
    return Sleep(seconds, False) if seconds > 0 else _CHECKPOINT


def sleep_until(deadline: float) -> Syscall[None]:
    """Sleep until the kernel's clock shows `deadline` (see `now`); a `checkpoint` when that has passed.

    Raises and is cancelled as `sleep` is.
    """
    return Sleep(check_seconds(deadline, "sleep_until"), True)


def checkpoint() -> Syscall[None]:
    """Let every other ready task run once before going on; the task can be cancelled here."""
    return _CHECKPOINT


def spawn(code: Code[T], *, name: str | None = None, daemon: bool = False) -> Syscall[Task[T]]:
    """Start a task that runs `code`, a coroutine or a generator; the answer is the `Task`.

    The new task is put at the end of the ready queue, in a copy of its spawner's context; the spawner goes on. When
    nobody ever waits for the task and it fails, the kernel's exception hook is told. A daemon is a task that serves
    others until the end: when `run` shuts down it is cancelled after every ordinary task has ended, and its failure is
    reported at once, since nobody is expected to wait for it.

    Raises `TypeError` or `ValueError`, at the call, for what cannot be run. Not a point of cancellation.
    """
    if type(code) is not CoroutineType or code.cr_running or code.cr_suspended:
        check_code(code, "spawn")
    # Whether a coroutine has finished only its frame object tells: 160 bytes that it would then keep. It raises
    # RuntimeError when the task starts.
    return Spawn(code, name, daemon)


def call(code: Code[T]) -> Syscall[T]:
    """Run `code` on this task's own stack and answer with what it returns; an exception from it is raised here.

    What `yield code` does in a generator task, for an `async def`. Depth is bounded by memory only, where that of
    `await code` is bounded by the interpreter's stack. Raises as `spawn` does.
    """
    check_code(code, "call")
    return Call(code)


def current_task() -> Syscall[Task[Any]]:
    """The task that asks. Not a point of cancellation."""
    return _CURRENT_TASK


def now() -> Syscall[float]:
    """The time on the kernel's clock, in seconds since a moment that only differences make meaningful.

    Not a point of cancellation.
    """
    return _NOW


def wait_readable(fd: Any) -> Syscall[None]:
    """Wait until `fd`, a file descriptor or an object with `fileno()`, can be read without blocking (or is at its end).

    One task at a time may wait to read a descriptor, and one to write it: a second gets a `RuntimeError`. A descriptor
    that is not open, or cannot be waited for (a regular file), raises `OSError` in this task; so does one that is
    closed while it is waited for, within about a second of the kernel having nothing else to do. Cancellation ends
    the wait at once.
    """
    return Readiness(check_descriptor(fd, "wait_readable"), False)


def wait_writable(fd: Any) -> Syscall[None]:
    """Wait until `fd` can be written without blocking; else as `wait_readable`."""
    return Readiness(check_descriptor(fd, "wait_writable"), True)
