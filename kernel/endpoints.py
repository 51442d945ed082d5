"""A descriptor that tasks work on, and the operations on it: attempted, and attempted again when the descriptor is ready.

This is how all input and output of the library waits. An operation (`Attempt`) is a syscall which is itself the listener
that the poller tells: when the descriptor is ready, the operation is attempted right there, and only its outcome wakes
the task. So a task that waits for a whole line is not stepped for each piece of it.
"""

from __future__ import annotations

import errno
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar, Union

from .syscalls import Syscall

if TYPE_CHECKING:
    from .core import Kernel
    from .devices import Registration
    from .task import Task

T = TypeVar("T")


class Unfinished(Enum):
    """The outcome of an attempt that got somewhere and must go on when the descriptor is ready again."""

    UNFINISHED = "unfinished"


UNFINISHED: Final = Unfinished.UNFINISHED
Outcome = Union[T, Unfinished]


class EndpointClosed(OSError):
    """The stream, datagram socket or the like was closed in this process: by then, or while the task waited for it."""


class Endpoint:
    """A non-blocking descriptor, on which one task at a time may read and one may write.

    Closing it, by `close` or by leaving an `async with`, wakes the tasks that wait for it with `EndpointClosed`.
    """

    __slots__ = ("_name", "descriptor", "kernel", "reading", "registration", "writing")

    def __init__(self, descriptor: int, name: str) -> None:
        self.descriptor = descriptor  # -1 when it is closed
        self._name = name
        self.kernel: Kernel | None = None  # known when a task waits
        self.registration: Registration | None = None  # left by the poller
        self.reading: Attempt[Any] | None = None  # what a task waits for
        self.writing: Attempt[Any] | None = None

    @property
    def name(self) -> str:
        """What it is and where it leads to, for messages: "the connection to 127.0.0.1:80"."""
        return self._name

    @property
    def closed(self) -> bool:
        return self.descriptor < 0

    def fileno(self) -> int:
        """The descriptor; -1 when it is closed."""
        return self.descriptor

    def close(self) -> None:
        """Close the descriptor at once; harmless when it is closed already. Tasks that wait for it get `EndpointClosed`."""
        if self.descriptor < 0:
            return
        for attempt in self.reading, self.writing:
            if attempt is not None:
                attempt.fail_now(EndpointClosed(errno.EBADF, f"{self.name} was closed while {attempt.task} waited in "
                                                             f"{attempt}"))
        self.descriptor = -1
        if self.registration is not None:
            self.registration.release()
        self._release()

    def _release(self) -> None:
        """Give the descriptor back to the operating system."""
        raise NotImplementedError

    def refuse(self, attempt: Attempt[Any], busy: Attempt[Any] | None) -> None:
        """Raise the error that says why `attempt` cannot begin, if it cannot."""
        if self.descriptor < 0:
            raise EndpointClosed(errno.EBADF, f"{self.name} is closed")
        if busy is not None:
            raise RuntimeError(f"{self.name} is used already: {busy.task} waits in {busy}; one task at a time may "
                               f"{'write' if attempt.outgoing else 'read'} it")

    def explain(self, error: OSError) -> OSError:
        """The same error, with a message that says where it happened."""
        if not isinstance(error, EndpointClosed):
            error.strerror = f"{error.strerror} ({self.name})"
        return error

    async def __aenter__(self: E) -> E:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.name}{', closed' if self.closed else ''}>"


E = TypeVar("E", bound=Endpoint)


class Attempt(Syscall[T]):
    """An operation on an endpoint; `attempt` carries it out as far as it goes without blocking.

    Each outcome counts: a task whose operation has succeeded gets the answer even when it is cancelled before it runs.
    A cancellation that comes before any attempt, or between two, ends the wait.
    """

    __slots__ = ("endpoint", "task")
    outgoing = False
    once = True

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.task: Task[Any] | None = None

    def attempt(self) -> Outcome[T]:
        """The answer, or `UNFINISHED`; `BlockingIOError` counts as unfinished, other exceptions go to the task."""
        raise NotImplementedError

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        endpoint = self.endpoint
        busy = endpoint.writing if self.outgoing else endpoint.reading
        if busy is not None or endpoint.descriptor < 0:
            endpoint.refuse(self, busy)
        # A task that is being cancelled waits, which is how the trampoline gets hold of it.
        if task.interruption is None or task.shields > 0:
            try:
                outcome = self.attempt()
            except BlockingIOError:
                pass
            except OSError as error:
                raise endpoint.explain(error) from None
            else:
                if outcome is not UNFINISHED:
                    # By way of the ready queue: a task whose peer is always faster would never let go of the kernel.
                    task.wake(outcome)
                    return False
        self.begin_wait(kernel, task)
        return False

    def begin_wait(self, kernel: Kernel, task: Task[Any]) -> None:
        """Block `task` until the descriptor is ready for this operation."""
        endpoint = self.endpoint
        kernel.poller.watch(endpoint.descriptor, self.outgoing, self)
        self.task = task
        endpoint.kernel = kernel
        if self.outgoing:
            endpoint.writing = self
        else:
            endpoint.reading = self

    def fire(self, kernel: Kernel) -> None:
        """The descriptor is ready."""
        task = self.task
        if task is None:
            return  # the endpoint was closed by an event of the same poll
        try:
            outcome = self.attempt()
            if outcome is UNFINISHED:
                return kernel.poller.watch(self.endpoint.descriptor, self.outgoing, self)
        except BlockingIOError:
            return kernel.poller.watch(self.endpoint.descriptor, self.outgoing, self)
        except Exception as error:
            self._end_wait()
            return task.throw(self.endpoint.explain(error) if isinstance(error, OSError) else error)
        self.task = None
        if self.outgoing:
            self.endpoint.writing = None
        else:
            self.endpoint.reading = None
        task.wake(outcome)

    def fail(self, kernel: Kernel, error: OSError) -> None:
        """The descriptor was closed behind the endpoint's back."""
        task = self.task
        if task is not None:
            self._end_wait()
            task.throw(self.endpoint.explain(error))

    def fail_now(self, error: OSError) -> None:
        """End the wait of the task with `error`."""
        task, kernel = self.task, self.endpoint.kernel
        assert task is not None and kernel is not None
        self.abort(kernel, task)
        task.throw(error)

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        kernel.poller.unwatch(self.endpoint.descriptor, self.outgoing)
        self._end_wait()

    def _end_wait(self) -> None:
        self.task = None
        if self.outgoing:
            self.endpoint.writing = None
        else:
            self.endpoint.reading = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.endpoint.name})"
