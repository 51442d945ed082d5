"""The devices that a kernel is given from outside, to decide on order, time and input, and the types that they use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..core import Kernel


class ReadyQueue(Protocol):
    """A device of the kernel: decides who is next. The default is a `collections.deque`, first come, first served."""

    def append(self, item: Any, /) -> None: ...
    def popleft(self) -> Any: ...
    def __len__(self) -> int: ...


class Event(Protocol):
    """Something that happened outside and is passed to the kernel."""

    def fire(self, kernel: Kernel) -> None: ...


class Registration(Protocol):
    """That a descriptor is known to the operating system, whether or not anybody listens."""

    def release(self) -> None:
        """The descriptor is about to be closed."""


class Owner(Protocol):
    """What a descriptor belongs to, and closes it. A poller may leave a registration with it."""

    registration: Registration | None


class Listener(Event, Protocol):
    """Told that its descriptor is ready, `once` or each time, or that it was closed and never will be.

    Several listeners of one `endpoint`, which owns the descriptor, come one after the other.
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
