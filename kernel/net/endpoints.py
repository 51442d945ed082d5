"""A descriptor that tasks work on, and the operations on it: attempted, and attempted again when the descriptor is ready.

This is how all input and output of the library waits. An operation (`Attempt`) is a syscall which is itself the listener
that the poller tells: when the descriptor is ready, the operation is attempted right there, and only its outcome wakes
the task. So a task that waits for a whole line is not stepped for each piece of it.
"""

from __future__ import annotations

import errno
from enum import Enum
from typing import Any, ClassVar, Final, TypeVar, Union

from ..checks import made_before
from ..core import Kernel
from ..devices.protocols import Registration
from ..syscalls import Syscall
from ..task import Task

T = TypeVar("T")


class Unfinished(Enum):
    """The outcome of an attempt that got somewhere and has to go on: when the descriptor is ready again, or in a moment.

    An attempt that could go on for as long as the peer is fast enough stops after a bounded number of system calls.
    `UNFINISHED` is right where the descriptor will be ready at the next look. What has been received already, and
    decrypted or not, makes no descriptor ready: then it is `AGAIN`, and the attempt goes on by way of the ready queue.
    """

    UNFINISHED = "unfinished"
    AGAIN = "again"


UNFINISHED: Final = Unfinished.UNFINISHED
AGAIN: Final = Unfinished.AGAIN
Outcome = Union[T, Unfinished]


# Errors that the outside world causes. The library's own frames in their tracebacks would tell nobody anything.
EXPECTED = (OSError, EOFError, ValueError)


class Spent(Enum):
    """Stands for the task of a request that has been answered, has failed or was cancelled."""

    SPENT = "spent"


SPENT: Final = Spent.SPENT


class EndpointClosed(OSError):
    """The stream, datagram socket or the like was closed in this process: by then, or while the task waited for it."""


def locate(error: OSError, where: str) -> OSError:
    """The same error, with a message that says where it happened."""
    if error.strerror is None:
        error.args = (f"{error} ({where})",)
    else:
        error.strerror = f"{error.strerror} ({where})"
    return error


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

    def refuse(self, attempt: Attempt[Any], busy: Attempt[Any] | None, task: Task[Any]) -> bool:
        """Have the error raised in `task` that says why it cannot begin `attempt`; what `execute` then returns."""
        error: Exception
        if attempt.task is not None:
            error = made_before(attempt, task)
        elif busy is None:
            error = EndpointClosed(errno.EBADF, f"{self.name} is closed")
        else:
            error = RuntimeError(f"{self.name} is used already: {busy.task} waits in {busy}; one task at a time may "
                                 f"{'write' if attempt.outgoing else 'read'} it")
        task.throw(error)
        return False

    def explain(self, error: OSError) -> OSError:
        """The same error, with a message that says where it happened."""
        return error if isinstance(error, EndpointClosed) else locate(error, self.name)

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
    call: ClassVar[str]  # the method of the endpoint, for messages: "read()"
    outgoing = False
    once = True

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.task: Task[Any] | Spent | None = None  # who waits; None before the request is made

    def attempt(self) -> Outcome[T]:
        """The answer, or how to go on; `BlockingIOError` counts as `UNFINISHED`, other exceptions go to the task.

        Makes a bounded number of system calls.
        """
        raise NotImplementedError

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        endpoint = self.endpoint
        busy = endpoint.writing if self.outgoing else endpoint.reading
        if busy is not None or endpoint.descriptor < 0 or self.task is not None:
            return endpoint.refuse(self, busy, task)
        # A task that is being cancelled waits, which is how the trampoline gets hold of it.
        if task.interruption is None or task.shields > 0:
            self.task = SPENT
            # The outcome, good or bad, goes by way of the ready queue: a task whose peer is always faster would never
            # let go of the kernel.
            try:
                outcome = self.attempt()
            except BlockingIOError:
                pass
            except Exception as error:
                self._throw(task, error)
                return False
            else:
                if outcome is AGAIN:
                    self._occupy(kernel, task)
                    kernel.ready.append(self)
                    return False
                if outcome is not UNFINISHED:
                    task.wake(outcome)
                    return False
        self.begin_wait(kernel, task)
        return False

    def begin_wait(self, kernel: Kernel, task: Task[Any]) -> None:
        """Block `task` until the descriptor is ready for this operation."""
        try:
            kernel.poller.watch(self.endpoint.descriptor, self.outgoing, self)
        except Exception:  # the program itself listens to the descriptor, for instance
            self._end_wait()
            raise
        self._occupy(kernel, task)

    def _occupy(self, kernel: Kernel, task: Task[Any]) -> None:
        endpoint = self.endpoint
        self.task = task
        endpoint.kernel = kernel
        if self.outgoing:
            endpoint.writing = self
        else:
            endpoint.reading = self

    def fire(self, kernel: Kernel) -> None:
        """The descriptor is ready."""
        task = self.task
        if task is None or task is SPENT:
            return  # the endpoint was closed by an event of the same poll
        try:
            try:
                outcome = self.attempt()
            except BlockingIOError:
                outcome = UNFINISHED
            if outcome is UNFINISHED:
                return kernel.poller.watch(self.endpoint.descriptor, self.outgoing, self)
        except Exception as error:
            self._end_wait()
            return self._throw(task, error)
        if outcome is AGAIN:
            return kernel.ready.append(self)
        self.task = SPENT
        if self.outgoing:
            self.endpoint.writing = None
        else:
            self.endpoint.reading = None
        task.wake(outcome)

    def run(self, kernel: Kernel) -> None:
        """The attempt, which is in the ready queue in the place of its task, goes on."""
        kernel.current = None
        self.fire(kernel)

    def fail(self, kernel: Kernel, error: OSError) -> None:
        """The descriptor was closed behind the endpoint's back."""
        task = self.task
        if task is not None and task is not SPENT:
            self._end_wait()
            task.throw(self.endpoint.explain(error))

    def fail_now(self, error: OSError) -> None:
        """End the wait of the task with `error`."""
        self.leave().throw(error)

    def leave(self) -> Task[Any]:
        """End the wait of the task, which is to be told why."""
        task, kernel = self.task, self.endpoint.kernel
        assert task is not None and task is not SPENT and kernel is not None
        self.abort(kernel, task)
        return task

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        # It is not there while the attempt is in the ready queue, or in what a poll has brought.
        if kernel.poller.listener(self.endpoint.descriptor, self.outgoing) is self:
            kernel.poller.unwatch(self.endpoint.descriptor, self.outgoing)
        self._end_wait()

    def _end_wait(self) -> None:
        self.task = SPENT
        if self.outgoing:
            self.endpoint.writing = None
        else:
            self.endpoint.reading = None

    def _throw(self, task: Task[Any], error: Exception) -> None:
        """Have `error`, which the attempt has raised, raised in `task`."""
        if isinstance(error, OSError):
            self.endpoint.explain(error)
        if isinstance(error, EXPECTED):
            # The frames that it came through hold the task: one that ended with the error would be a cycle.
            BaseException.with_traceback(error, None)
        task.throw(error)

    def __repr__(self) -> str:
        return f"<{self.endpoint.name}>.{self.call}"
