"""What the devices of a kernel have to offer, and what the kernel asks of other objects that it is handed.

A kernel is handed its devices. They decide on order (the ready queue), time (the clock) and input (the poller). A
tracer watches the kernel at work.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import GenericAlias
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Generic as Generic
    from typing import Protocol as Protocol
    from ..core import Kernel
    from ..deadlock import Deadlock
    from ..task import Task
else:
    # Only type checkers read what `typing` has to say of a class. Without it Python makes the class several times as
    # fast, which is 2% of `import compat`.
    Protocol = object

    class Generic:
        """A base of classes such as `Syscall`: `Syscall[int]` is made in C, as `list[int]` is."""

        __slots__ = ()
        __class_getitem__ = classmethod(GenericAlias)


class ReadyQueue(Protocol):
    """A device of the kernel: decides who is next. The default is a `collections.deque`, first come, first served."""

    def append(self, item: Any, /) -> None: ...
    def popleft(self) -> Any: ...
    def __len__(self) -> int: ...


class Event(Protocol):
    """Something that happened outside and is passed to the kernel."""

    def fire(self, kernel: Kernel) -> None: ...


class Timer(Event, Protocol):
    """Something to do, once, when its time has come, unless it is cancelled before."""

    dead: bool | None  # None: not added yet. True: has fired, or was cancelled. `Timers` sets it.


class Waiter(Protocol):
    """Told how something ends: a task, or whatever else has these two methods."""

    def wake(self, value: Any, /) -> None: ...
    def throw(self, error: BaseException, /) -> None: ...


class Registration(Protocol):
    """Whoever keeps a descriptor's entry with the operating system, which may stay when nobody listens any more."""

    def release(self, fd: int) -> None:
        """The descriptor is about to be closed."""


class Owner(Protocol):
    """The object that owns a descriptor and closes it. A poller may leave a registration with it."""

    registration: Registration | None


class Listener(Event, Protocol):
    """Told that its descriptor is ready, `once` or each time; or that it was closed, and never will be ready.

    The listeners of one `endpoint`, which owns the descriptor, come one after the other.
    """

    @property
    def once(self) -> bool: ...

    @property
    def endpoint(self) -> Owner | None: ...

    def fail(self, kernel: Kernel, error: OSError) -> None: ...


class Poller(Protocol):
    """A device of the kernel. Only `wake` may be called from other threads and from signal handlers."""

    def watch(self, fd: int, writing: bool, listener: Listener) -> None:
        """Have `listener` told when `fd` is ready to be read, or written.

        Raises `RuntimeError` when there is a listener already, `OSError` when the descriptor cannot be watched.
        """

    def unwatch(self, fd: int, writing: bool) -> bool:
        """Forget the listener; False when there is none."""

    def drop(self, event: Event) -> None:
        """Forget `event` wherever it listens, if it does."""

    def listener(self, fd: int, writing: bool) -> Listener | None:
        """Who waits for `fd`."""

    def watching(self) -> bool:
        """Whether there is any listener."""

    def poll(self, timeout: float | None) -> list[Event]:
        """What has happened, waiting up to `timeout` seconds (None: for ever) for the first event or for `wake`."""

    def wake(self) -> None:
        """Make a `poll` that is waiting, or else the next one, return."""

    def wakeup_fd(self) -> int:
        """A descriptor to which a written byte is a `wake` (for `signal.set_wakeup_fd`)."""

    def close(self) -> None:
        """Release everything; the poller is of no use any more."""


class Clock(Protocol):
    """A device of the kernel."""

    def now(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...

    def idle(self, poller: Poller, deadline: float, busy_outside: bool) -> Iterable[Event]:
        """Nothing is ready: wait until a descriptor is ready, `poller` is woken or `deadline` has come.

        `deadline` is infinite without timers; `busy_outside` says that threads are at work for the kernel, which
        will wake the poller. Returns what `poller.poll` returned.
        """
        ...


class Tap(Protocol):
    """Where a kernel tells what its tracer cannot see by itself from the ready queue and the contexts of the tasks."""

    def attach(self, task: Task[Any]) -> None:
        """`task` has been made. The tap may put a stand-in in the place of its context: one with `run`, `copy` and the
        `context` itself.
        """

    def moved(self, task: Task[Any]) -> None:
        """`task`, which was blocked, is now blocked on something else, without having run."""

    def renamed(self, task: Task[Any]) -> None:
        """`task` has been given another name."""

    def ended(self, task: Task[Any], value: Any, error: BaseException | None) -> None:
        """`task` is done: it has returned `value`, or has ended with `error`."""

    def deadlock(self, error: Deadlock) -> None:
        """Nothing can wake the blocked tasks, and the kernel is about to raise `error`."""


class Tracer(Protocol):
    """A device of the kernel: watches it. `Observer` is one, and the base of others."""

    def attach_to(self, kernel: Kernel) -> Tap:
        """Begin to watch `kernel`, which is just being made, and may get a stand-in for its ready queue."""
        ...
