"""A task: some code, a little bookkeeping, and the trampoline that steps it.

The trampoline is `Task.run`. It makes one step: it resumes the code, which runs until it yields a request, and has the
request carried out. A task is always in one of four states (docs/task-states.svg shows them):

- *ready*: it is in the ready queue. `Kernel.spawn` puts it there, and later whoever ends its wait, by `wake`, `throw`
  or `cancel`.
- *running*: it is `kernel.current`. The scheduler, `Kernel.run_ready`, has taken it from the queue and called `run`.
- *blocked*: it waits for what `blocked_on` says. `run` has left it there, since the request could not be answered yet.
- *done*: the code has returned or raised. `run` has noticed that, and has told those who wait for the task.
"""

from __future__ import annotations

from contextvars import Context
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

from .checks import code_name
from .deadlock import Deadlock, describe
from .failures import Unretrieved, abort_failed, answered_twice, clear_execute, drop_frame, let_pass, traceback_of
from .syscalls import Code, Syscall, call
from .waitable import Waitable

if TYPE_CHECKING:
    from .core import Kernel

T = TypeVar("T")

# A new wait may close a circle of tasks that wait for each other. To see that, so many links of the chain are followed.
# A longer circle is found when nothing else can run. To follow every link would take too long: where each of many tasks
# waits for the one before, the time would grow with the square of their number.
CIRCLE = 64


class Cancelled(BaseException):
    """Raised in a task that is cancelled, where it is suspended. Let it pass, after cleaning up by `try`/`finally`."""


class Task(Waitable[T]):
    """Code being run by a kernel; made by `spawn`. As a `Waitable`, it completes with what that returns or raises."""

    __slots__ = ("__weakref__", "_name", "blocked_on", "callers", "cancel_requests", "code", "context", "daemon",
                 "error", "id", "inbox", "interruption", "kernel", "shields", "traceback", "unretrieved", "woken")

    cancelled_type: ClassVar[type[BaseException]] = Cancelled

    def __init__(self, kernel: Kernel, code: Code[T], context: Context, name: str | None, daemon: bool) -> None:
        self._done = False
        self._waiters = None
        self.kernel = kernel
        self.code: Any = code  # what is stepped: the innermost of a chain of calls,
        self.callers: list[Any] | None = None  # and the others, outermost first
        self.context = context
        self.id = next(kernel.task_ids)
        self._name = name
        self.daemon = daemon
        self.blocked_on: Syscall[Any] | None = None
        self.inbox: Any = None  # the answer, which the next step sends into the code,
        self.error: BaseException | None = None  # unless this is to be thrown into it,
        self.traceback: TracebackType | None  # with the traceback that it had when that was decided
        self.unretrieved: Unretrieved | None  # a failure that nobody has seen, of a task that is done
        self.woken = False  # the task's wait is over, and a cancellation must not take away what it brought
        self.interruption: BaseException | None = None  # a cancellation to be thrown where the task suspends next
        # How many sections the task is in that hold back a cancellation until they end. The number is negative while
        # they have to let one cancellation through, for a scope inside of them.
        self.shields = 0
        self.cancel_requests = 0

    def run(self, kernel: Kernel) -> None:
        """Make one step: resume the code, take the request that it yields, and have that carried out.

        The code is resumed again in the same step where its request is answered at once, and where one piece of code
        calls another or returns to it.
        """
        kernel.current = self
        self.woken = False
        if self.error is None:
            resume, value, self.inbox = type(self.code).send, self.inbox, None
        else:
            resume, value = type(self.code).throw, self._take_error()
        while True:
            try:
                request = self.context.run(resume, self.code, value)
            except StopIteration as stop:
                if not self.callers:
                    self._return(stop.value)
                    break
                self.code = self.callers.pop()
                resume, value = type(self.code).send, stop.value
                continue
            except BaseException as error:
                drop_frame(error)
                if not self.callers:
                    self._raise(error)
                    break
                self.code = self.callers.pop()
                resume, value = type(self.code).throw, error
                continue
            try:
                if request is None:
                    kernel.ready.append(self)
                else:
                    self.blocked_on = request
                    if not isinstance(request, Syscall):
                        self.blocked_on = request = self.translate(request)
                    if request.execute(kernel, self):
                        if self.blocked_on is None:
                            raise answered_twice(request, self)
                        self.blocked_on = None
                        resume, value, self.inbox = type(self.code).send, self.inbox, None
                        continue
            except BaseException as error:
                drop_frame(error)
                clear_execute(error)
                if self._refused(error):
                    resume, value = type(self.code).throw, error
                    continue
                break
            if self.interruption is not None and not (self.woken or self.shields > 0):
                self._deliver()
            break
        # A traceback holds the frames of the code, and each of those holds this frame, its caller. An exception holds
        # the traceback, and the task may hold the exception. If this frame held one of the two, it would hold itself.
        request = None
        del self, value

    def _refused(self, error: BaseException) -> bool:
        """The request could not be carried out: raise `error` in the code, at once if this returns True."""
        if self.blocked_on is None:  # execute() had made the task ready before it failed
            self.error, self.traceback = error, traceback_of(error)
            return False
        self.blocked_on = self.inbox = None
        return True

    def translate(self, request: object) -> Syscall[Any]:
        """The syscall for something else that was yielded: a generator or a coroutine is called."""
        try:
            return call(request)  # type: ignore[arg-type]  # checked there
        except (TypeError, ValueError) as error:
            raise TypeError(f"{self} yielded {request!r}, which is neither a syscall nor code to call: yield what sleep(), "
                            f"spawn() and the like return, or a new generator or coroutine ({error})") from None

    def _return(self, value: T) -> None:
        """The code has come to its end."""
        kernel = self.kernel
        del kernel.tasks[self.code]
        if self is kernel.main:
            kernel.end_turn()
        self._settle(value, None)
        if kernel.tap is not None:
            kernel.tap.ended(self, value, None)

    def _raise(self, error: BaseException) -> None:
        """The code has failed."""
        kernel = self.kernel
        del kernel.tasks[self.code]
        if self is kernel.main:
            kernel.end_turn()
        cancelled = isinstance(error, self.cancelled_type)
        ends_run = not cancelled and isinstance(error, (KeyboardInterrupt, SystemExit))
        self.unretrieved = None if self._waiters is not None or ends_run or cancelled else Unretrieved(self, error)
        self._settle(None, error)
        if cancelled:
            # The traceback of `error` will get the frames of those who wait for this task, and they often hold it. So
            # the task keeps a copy.
            self._exception, self._traceback = self.cancelled_type(*error.args), None
        if kernel.tap is not None:
            kernel.tap.ended(self, None, error)
        if ends_run and error is not kernel.ended_by:  # the same exception may also end those who waited for this task
            kernel.ended_by = error
            raise error

    def wake(self, value: object = None) -> None:
        """End the task's wait: it becomes ready, and `value` is the answer to its request.

        A cancellation from now on does not take the answer away: it reaches the task where it suspends next.
        Raises `RuntimeError` when the task is not blocked.
        """
        if self.blocked_on is None:
            self._refuse_wake()
        self.blocked_on = None
        self.inbox = value
        self.woken = True
        self.kernel.woken.append(self)

    def throw(self, error: BaseException) -> None:
        """End the task's wait: it becomes ready, and `error` is raised where it made its request.

        Raises `RuntimeError` when the task is not blocked.
        """
        if self.blocked_on is None:
            self._refuse_wake()
        self.blocked_on = None
        self.error = error
        self.traceback = traceback_of(error)  # others may have it raised in them, and add to it, before this task runs
        self.woken = True
        self.kernel.woken.append(self)

    def _refuse_wake(self) -> NoReturn:
        raise RuntimeError(f"{self} cannot be woken, since it is {self.state} and not blocked: a syscall wakes its "
                           "task once, and no more after abort()")

    def cancel(self, msg: Any = None) -> bool:
        """Raise `Cancelled(msg)` in the task, once, where it is suspended or else suspends next.

        False when the task is done. A task that has not started yet never starts. Every call counts for
        `cancelling()`, but requests that come before the exception is raised share one.
        """
        if self._done:
            return False
        self.cancel_requests += 1
        error = self.cancelled_type() if msg is None else self.cancelled_type(msg)
        if self.error is not None and self.interruption is None and not self.woken:
            self.error, self.traceback = error, None  # in the place of one that has ended a wait already
            return True
        self.interruption = error
        if not (self.woken or self.shields > 0 or self.kernel.current is self):
            self._deliver()
        return True

    def _deliver(self) -> None:
        """Have the cancellation raised in the next step. Unless it ends a wait, `uncancel` can still take it back."""
        self.error, self.traceback, self.shields = self.interruption, None, abs(self.shields)
        request, self.blocked_on = self.blocked_on, None
        if request is not None:
            self.interruption = None
            self.kernel.woken.append(self)
            try:
                request.abort(self.kernel, self)
            except BaseException as error:
                abort_failed(self.kernel, request, self, error)

    def _take_error(self) -> BaseException:
        """The exception to be thrown now."""
        error, self.error = self.error, None
        traceback, self.traceback, self.inbox = self.traceback, None, None
        assert error is not None
        if error is self.interruption:
            self.interruption = None
        return BaseException.with_traceback(error, traceback)

    def cancelling(self) -> int:
        """How many requests to cancel the task have not been taken back."""
        return self.cancel_requests

    def uncancel(self) -> int:
        """Take one request back and return how many are left; with the last, one not yet delivered is dropped.

        As `asyncio.Task.uncancel` since 3.13.
        """
        if self.cancel_requests > 0:
            self.cancel_requests -= 1
            if self.cancel_requests == 0 and self.interruption is not None:
                if self.error is self.interruption:
                    self.error = None
                self.interruption = None
        return self.cancel_requests

    def cancelled(self) -> bool:
        """Whether the task ended by a cancellation."""
        return self._done and isinstance(self._exception, self.cancelled_type)

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self.blocked_on is not None or self is task:
            self._refuse_circle(task)
        return Waitable.execute(self, kernel, task)

    def _refuse_circle(self, task: Task[Any]) -> None:
        """Raise `Deadlock` if this task, which `task` is about to wait for, waits for `task`."""
        links: list[Task[Any]] = []
        link: Syscall[Any] | None = self
        while isinstance(link, Task) and len(links) < CIRCLE:
            links.append(link)
            if link is task:
                raise Deadlock(f"{task} waits in a circle", links)
            link = link.blocked_on

    def abandon(self) -> None:
        """End the task from outside, as if it had been cancelled; its code has been closed."""
        self._raise(self.cancelled_type("abandoned at shutdown"))

    def _failure(self) -> BaseException:
        self._retrieved()
        if isinstance(self._exception, self.cancelled_type):
            return self.cancelled_type(*self._exception.args)  # a new one for each, as above
        return Waitable._failure(self)

    def _retrieved(self) -> None:
        if self.unretrieved is not None:
            self.unretrieved.disarm()
            self.unretrieved = None

    def _waiters_failed(self, failures: tuple[BaseException, ...]) -> None:
        for failure in failures:
            let_pass(failure)
            self.kernel.report(f"one who waited for {self} failed when told of its end", failure)

    def complete(self, value: object) -> NoReturn:
        """Raises `RuntimeError`: a task completes with what its code returns or raises."""
        raise RuntimeError(f"{self} completes with what its code returns or raises; cancel() ends it before")

    def fail(self, error: BaseException) -> NoReturn:
        """As `complete`."""
        self.complete(error)

    @property
    def name(self) -> str:
        """The name given to `spawn`, else that of the function."""
        return self._name or code_name(self.callers[0] if self.callers else self.code)

    @property
    def state(self) -> str:
        """"ready", "running", "blocked" or "done"."""
        if self._done:
            return "done"
        if self.kernel.current is self:
            return "running"
        return "ready" if self.blocked_on is None else "blocked"

    def __str__(self) -> str:
        return f"task {self.id} '{self.name}'"

    def __repr__(self) -> str:
        return f"<{self} is done>" if self._done else f"<{self} {describe(self)}>"


class Cancel(Syscall[bool]):
    """Request a task's cancellation; answered at once."""

    __slots__ = ("msg", "target")

    def __init__(self, target: Task[Any], msg: Any) -> None:
        self.target = target
        self.msg = msg

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        task.inbox = self.target.cancel(self.msg)
        return True

    def __repr__(self) -> str:
        return f"cancel({self.target}{'' if self.msg is None else f', {self.msg!r}'})"


def cancel(task: Task[Any], msg: Any = None) -> Syscall[bool]:
    """Request that `task` be cancelled, as `task.cancel(msg)`; the answer is False when it is done already.

    Does not wait for the task to end. Not a point of cancellation.
    """
    if not isinstance(task, Task):
        raise TypeError(f"cancel() takes a task, not {task!r}")
    return Cancel(task, msg)
