"""Endpoints: descriptors that tasks read and write, and operations that are attempted until they succeed.

Streams, datagram sockets and listening sockets all wait in this way. An operation is an `Attempt`. It is a syscall, and
it is also the listener that the poller calls when the descriptor is ready. Then the operation is attempted again, and
only its outcome wakes the task. So a task that waits for a whole line does not run for each piece of the line.
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
    """The outcome of an attempt that has to go on: when the descriptor is ready again, or at a later turn.

    An attempt stops after a bounded number of system calls, since a fast peer could keep it busy for ever. `UNFINISHED`
    means: the attempt goes on when the poller finds the descriptor ready. But a descriptor does not become ready for
    bytes that were received already, with TLS for example. Then the outcome is `AGAIN`: the attempt goes to the end of
    the ready queue, and goes on from there.
    """

    UNFINISHED = "unfinished"
    AGAIN = "again"


UNFINISHED: Final = Unfinished.UNFINISHED
AGAIN: Final = Unfinished.AGAIN
Outcome = Union[T, Unfinished]


# Errors that the outside world causes. Their tracebacks lose the library's own frames, which would explain nothing.
EXPECTED = (OSError, EOFError, ValueError)


class Spent(Enum):
    """Stands in the place of the task when a request was answered, has failed or was cancelled."""

    SPENT = "spent"


SPENT: Final = Spent.SPENT


class EndpointClosed(OSError):
    """This process has closed the stream, datagram socket or listener, before the request or during the wait."""


def locate(error: OSError, where: str) -> OSError:
    """`error`, with `where` it happened added to its message."""
    if error.strerror is None:
        error.args = (f"{error} ({where})",)
    else:
        error.strerror = f"{error.strerror} ({where})"
    return error


class Endpoint:
    """A non-blocking descriptor. One task at a time may read it, and one may write it.

    `close`, or the end of `async with endpoint:`, closes it. The tasks that wait for it get `EndpointClosed`.
    """

    __slots__ = ("_name", "descriptor", "kernel", "reading", "registration", "writing")

    def __init__(self, descriptor: int, name: str) -> None:
        self.descriptor = descriptor  # -1 when it is closed
        self._name = name
        self.kernel: Kernel | None = None  # known once a task has waited
        self.registration: Registration | None = None  # the poller has left it here
        self.reading: Attempt[Any] | None = None  # what a task waits in to read,
        self.writing: Attempt[Any] | None = None  # and to write

    @property
    def name(self) -> str:
        """What this is and where it leads, for messages: "the connection to 127.0.0.1:80"."""
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
        fd, self.descriptor = self.descriptor, -1
        if self.registration is not None:
            self.registration.release(fd)
        self._release()

    def _release(self) -> None:
        """Give the descriptor back to the operating system."""
        raise NotImplementedError

    def refuse(self, attempt: Attempt[Any], busy: Attempt[Any] | None, task: Task[Any]) -> bool:
        """Raise in `task` the error that says why it cannot begin `attempt`. Returns what `execute` then returns."""
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
        """`error`, with the name of this endpoint in its message."""
        return error if isinstance(error, EndpointClosed) else locate(error, self.name)

    async def __aenter__(self: E) -> E:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.name}{', closed' if self.closed else ''}>"


E = TypeVar("E", bound=Endpoint)


class Attempt(Syscall[T]):
    """An operation on an endpoint; `attempt` carries it out as far as it can without blocking.

    No outcome is lost. A task whose operation has succeeded gets the answer, also if it is cancelled before it runs
    again. A cancellation that comes before the first attempt, or between two, ends the wait.
    """

    __slots__ = ("endpoint", "task")
    call: ClassVar[str]  # the method of the endpoint, for messages: "read()"
    outgoing = False
    once = True

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.task: Task[Any] | Spent | None = None  # the task that waits; None before the request

    def attempt(self) -> Outcome[T]:
        """Carry out the operation with a bounded number of system calls, and return the answer or how to go on.

        A `BlockingIOError` counts as `UNFINISHED`. Any other exception is raised in the task.
        """
        raise NotImplementedError

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        endpoint = self.endpoint
        busy = endpoint.writing if self.outgoing else endpoint.reading
        if busy is not None or endpoint.descriptor < 0 or self.task is not None:
            return endpoint.refuse(self, busy, task)
        # A task with a cancellation on its way makes no attempt. It waits, and the trampoline ends that wait.
        if task.interruption is None or task.shields > 0:
            self.task = SPENT
            # The outcome, good or bad, goes by way of the ready queue. Otherwise a task whose peer is always fast
            # enough would never let other tasks run.
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
        except Exception:  # for instance, the program waits for the descriptor by itself
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
        """The descriptor is ready: attempt the operation."""
        task = self.task
        if task is None or task is SPENT:
            return  # an earlier event of the same poll has closed the endpoint
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
        """Go on with the attempt, which was in the ready queue in the place of its task."""
        kernel.leave_task()
        self.fire(kernel)

    def fail(self, kernel: Kernel, error: OSError) -> None:
        """The program has closed the descriptor without the endpoint."""
        task = self.task
        if task is not None and task is not SPENT:
            self._end_wait()
            task.throw(self.endpoint.explain(error))

    def fail_now(self, error: OSError) -> None:
        """End the wait of the task with `error`."""
        self.leave().throw(error)

    def leave(self) -> Task[Any]:
        """End the wait of the task, and return the task, which the caller has to wake."""
        task, kernel = self.task, self.endpoint.kernel
        assert task is not None and task is not SPENT and kernel is not None
        self.abort(kernel, task)
        return task

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        # The poller has no listener for an attempt in the ready queue, nor for one whose event a poll has just brought.
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
        """Raise `error`, which comes from the attempt, in `task`."""
        if isinstance(error, OSError):
            self.endpoint.explain(error)
        if isinstance(error, EXPECTED):
            # The error's frames hold the task. If the task ended with the error, the two would hold each other.
            BaseException.with_traceback(error, None)
        task.throw(error)

    def __repr__(self) -> str:
        return f"<{self.endpoint.name}>.{self.call}"
