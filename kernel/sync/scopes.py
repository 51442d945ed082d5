"""Structured concurrency: stretches of a task's work that can be cancelled by themselves, or shielded.

A `Scope` is what a timeout and a task group have in common: it cancels the task while that is inside, and at the end
tells its own cancellation, which stops there, from one that came from outside and goes on. The task's count of
requests decides: as long as anyone else's is outstanding, the exception is not the scope's to stop. That is how scopes
nest in any order, and how `asyncio.timeout` does it since Python 3.11.

A shielded section holds back what comes from outside of it, not what a scope inside of it asks for: cleaning up can be
shielded and have a time limit. So a scope that cancels its task lets one exception through the sections around it. Once
the task has been given that exception, the sections hold again, also while the task cleans up inside the scope.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable
from functools import partial
from types import CoroutineType, TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from ..checks import check_code, check_seconds, made_before
from ..lifecycle import close_unstarted
from ..syscalls import Code, Syscall, checkpoint

if TYPE_CHECKING:
    from ..core import Kernel
    from ..task import Task

T = TypeVar("T")
ScopeT = TypeVar("ScopeT", "TaskGroup", "Timeout", "Shielded")

_sections: dict[Task[Any], Shielded] = {}  # the innermost of each task that is in a shielded section


class Answered:
    """What a call returns that is over already: to await it takes no turn of the kernel."""

    __slots__ = ()
    __await__ = cast("Any", staticmethod(().__iter__))  # made in C: an exit costs no generator


ANSWERED: Awaitable[None] = Answered()


class Enter(Syscall[ScopeT]):
    """Tell a scope whose it is; answered at once."""

    __slots__ = ("_scope",)

    def __init__(self, scope: ScopeT) -> None:
        self._scope: ScopeT = scope

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self._scope.entered:
            raise RuntimeError(f"{task} cannot enter {self._scope!r}: it has been entered before; make a new one")
        self._scope.enter(task)
        task.inbox = self._scope
        return True


class Shielded:
    """A section of a task that is not cancelled from outside; made by `shielded`.

    `task.shields` is how many sections the task is in. The number is negative while a scope in the innermost of them
    has a cancellation on its way: the sections let that one through, and the task then makes the number positive again.
    """

    __slots__ = ("_held", "_lets_through_at_end", "_outer", "_requests", "_task", "cancelling", "entered")

    def __init__(self) -> None:
        self.entered = False
        self._task: Task[Any] | None = None  # while that is inside: a program may keep this object for longer
        self._held: BaseException | None = None
        self.cancelling = 0  # how many scopes of this section, but of none further in, are cancelling the task

    def enter(self, task: Task[Any]) -> None:
        self.entered = True
        self._task = task
        self._requests = _delivered(task)
        self._outer = _sections.get(task)
        self._lets_through_at_end = task.shields < 0
        _sections[task] = self
        task.shields = abs(task.shields) + 1

    def leave(self) -> None:
        """End the section; a cancellation that was held back reaches the task where it suspends next."""
        task, self._task = self._task, None
        assert task is not None
        outer, inner = self._outer, _sections[task]
        lets_through = task.shields < 0
        if inner is not self:  # it was entered in an async generator, which ends inside of a section of its caller
            while inner._outer is not self:
                assert inner._outer is not None
                inner = inner._outer
            inner._outer = outer
            inner._lets_through_at_end |= self._lets_through_at_end
        else:
            lets_through |= self._lets_through_at_end
            if outer is None:
                del _sections[task]
            else:
                _sections[task] = outer
        task.shields = (abs(task.shields) - 1) * (-1 if lets_through else 1)
        if self.cancelling:  # scopes of the caller of such a generator, which go on outside of the section
            if outer is None:
                task.interruption = task.interruption or self._held
            else:
                outer.cancelling += self.cancelling
                outer._held = outer._held or self._held

    @property
    def lasting(self) -> Shielded | None:
        """This section while the task is in it, else the next one outwards that it is in."""
        section: Shielded | None = self
        while section is not None and section._task is None:
            section = section._outer
        return section

    def let_through(self) -> None:
        """Let the next cancellation through to this section: a scope of it is cancelling the task."""
        task = self._task
        assert task is not None
        section = _sections[task]
        if section is self:
            task.shields = -abs(task.shields)
            return
        while section._outer is not self:
            assert section._outer is not None
            section = section._outer
        section._lets_through_at_end = True

    def begin_cancelling(self) -> None:
        """A scope of this section begins to cancel the task; what was held back so far stays so."""
        assert self._task is not None
        self.cancelling += 1
        if self.cancelling == 1:
            self._held, self._task.interruption = self._task.interruption, None
        self.let_through()

    def end_cancelling(self) -> bool:
        """The reverse, when that scope ends; whether no other scope of this section cancels the task."""
        task = self._task
        assert task is not None
        self.cancelling -= 1
        if self.cancelling:
            return False
        task.shields = abs(task.shields)
        held, self._held = self._held, None
        # A request from outside may have been delivered together with the scope's own: it is held back again.
        requested = task.cancel_requests > self._requests
        task.interruption = (held or task.interruption or task.cancelled_type()) if requested else None
        return True

    def __aenter__(self) -> Enter[Shielded]:
        return Enter(self)

    def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                  traceback: TracebackType | None) -> Awaitable[None]:
        task = inside(self)
        self.leave()
        # With an error on its way the cancellation can wait: it reaches the task where that suspends next.
        due = error is None and task.shields <= 0 and task.interruption is not None
        return checkpoint() if due else ANSWERED

    def __repr__(self) -> str:
        return "shielded()"


def shielded() -> Shielded:
    """`async with shielded():` holds back cancellation until the end of the block, where it is then raised.

    When the block ends with an exception, that exception goes on, and the cancellation is raised where the task
    suspends next. A timeout or a task group inside of the block is not held back; what cleans up after it there is
    shielded as before. A shutdown gives a task the kernel's `grace` to end such a block, as it does with any task that
    does not end when cancelled.
    """
    return Shielded()


def inside(scope: Shielded | Scope) -> Task[Any]:
    """The task that is in the scope and is about to leave it."""
    if scope._task is None:
        raise RuntimeError(f"{scope!r} cannot be left: no task is in it; enter it once by 'async with'")
    return scope._task


def _delivered(task: Task[Any]) -> int:
    """How many requests to cancel `task` have reached it: one that is still on its way does not count."""
    return task.cancel_requests - (task.interruption is not None)


class Scope:
    """A stretch of a task's work that can be cancelled by itself; the base of timeouts and task groups."""

    __slots__ = ("_inside", "_interrupted", "_requests", "_section", "_task", "entered")

    def __init__(self) -> None:
        self.entered = False
        self._task: Task[Any] | None = None  # while that is inside, or waits at the end
        self._inside = False
        self._interrupted = False

    def enter(self, task: Task[Any]) -> None:
        self.entered = True
        self._task = task
        self._inside = True
        self._section = _sections.get(task) if task.shields else None
        self._requests = _delivered(task)

    def _interrupt(self) -> None:
        """Cancel what the task does inside the scope."""
        assert self._task is not None
        self._interrupted = True
        if (section := self._around()) is not None:
            section.begin_cancelling()
        self._task.cancel()
        if self._task.interruption is None:  # it was delivered: the section holds again
            self._task.shields = abs(self._task.shields)

    def _around(self) -> Shielded | None:
        """The section that the scope is in."""
        return None if self._section is None else self._section.lasting

    def _leave(self, error: BaseException | None) -> bool:
        """End the scope; whether `error`, with which its body ended, is the scope's own cancellation."""
        task = self._task
        assert task is not None
        self._inside = False
        if not self._interrupted:
            return False
        requests = task.uncancel()
        if (section := self._around()) is not None:
            alone = section.end_cancelling()
        else:
            alone = requests <= self._requests
            if alone:
                task.interruption = None  # the body ended before it was told
        return alone and isinstance(error, task.cancelled_type)


class Alarm:
    """A timeout's entry in the kernel's timers."""

    __slots__ = ("_timeout", "dead")

    def __init__(self, timeout: Timeout) -> None:
        self._timeout = timeout
        self.dead = False

    def fire(self, kernel: Kernel) -> None:
        self._timeout.expire()


class Timeout(Scope):
    """A block with a time limit; made by `timeout` and `timeout_at`."""

    __slots__ = ("_alarm", "_deadline", "_seconds")

    def __init__(self, seconds: float | None, deadline: float | None) -> None:
        super().__init__()
        self._seconds = seconds
        self._deadline = deadline
        self._alarm: Alarm | None = None

    def enter(self, task: Task[Any]) -> None:
        super().enter(task)
        if self._seconds is not None:
            self._deadline = task.kernel.clock.now() + self._seconds
        self._arm(task.kernel)

    def _arm(self, kernel: Kernel) -> None:
        if self._deadline is not None and self._deadline != math.inf:
            self._alarm = Alarm(self)
            kernel.timers.add(self._deadline, self._alarm)

    def _disarm(self, kernel: Kernel) -> None:
        if self._alarm is not None:
            self._alarm.dead = True
            self._alarm = None
            kernel.timers.forget_one()

    def expire(self) -> None:
        """The deadline has come."""
        self._alarm = None
        self._interrupt()

    @property
    def deadline(self) -> float | None:
        """When the block is cancelled, on the kernel's clock; None without limit, or before the block is entered."""
        return self._deadline

    @property
    def expired(self) -> bool:
        """Whether the deadline came while the task was in the block."""
        return self._interrupted

    def reschedule(self, deadline: float | None) -> None:
        """Move the deadline to another time on the kernel's clock; None takes the limit away.

        Raises `RuntimeError` outside of the block and when the timeout has expired, and `TypeError` or `ValueError` for
        what is not a number; the deadline stays where it was then.
        """
        if self._task is None or self._interrupted:
            state = "has expired" if self._interrupted else "is over" if self.entered else "has not been entered"
            raise RuntimeError(f"the deadline of {self!r} cannot be moved: the block {state}")
        deadline = None if deadline is None else check_seconds(deadline, "reschedule")
        self._disarm(self._task.kernel)
        self._deadline = deadline
        self._arm(self._task.kernel)

    def __aenter__(self) -> Enter[Timeout]:
        return Enter(self)

    def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                  traceback: TracebackType | None) -> Awaitable[None]:
        task = inside(self)
        self._disarm(task.kernel)
        expired = self._leave(error)
        self._task = self._section = None
        if expired:
            message = f"{task} ran out of time: {self!r}"
            del task  # or the error would hold, by its traceback and this frame, the task that may end by it
            raise TimeoutError(message) from error
        return ANSWERED

    def __repr__(self) -> str:
        if self._seconds is not None:
            return f"timeout({self._seconds:g})"
        return f"timeout_at({'None' if self._deadline is None else format(self._deadline, 'g')})"


def timeout(seconds: float | None) -> Timeout:
    """`async with timeout(seconds):` cancels the block when it takes longer, and raises `TimeoutError` at its end.

    The time counts from entering the block; zero or less cancels it where it first suspends; None sets no limit.
    `async with timeout(5) as limit:` gives the object, to look at `limit.expired` and `limit.deadline` and to move the
    deadline by `limit.reschedule(deadline)`. When the block ends before the task was told of the expiry, it ended in
    time, and no error is raised. A cancellation from outside passes through as `Cancelled`, and so does the expiry of a
    timeout further out, which raises its own `TimeoutError`.

    Raises `TypeError` or `ValueError`, at the call, for what is not a number.
    """
    return Timeout(None if seconds is None else check_seconds(seconds, "timeout"), None)


def timeout_at(deadline: float | None) -> Timeout:
    """As `timeout`, until the kernel's clock shows `deadline` (see `now`)."""
    return Timeout(None, None if deadline is None else check_seconds(deadline, "timeout_at"))


class Listener(Protocol):
    """Told how a task ends."""

    def wake(self, value: Any, /) -> None: ...
    def throw(self, error: BaseException, /) -> None: ...


def listen(task: Task[Any], listener: Listener) -> None:
    """Have `listener` told when `task` ends, whose failure then counts as seen.

    It stands in the line of those who wait for the task as another task would. The tasks of a layer that has another
    kind of line offer `add_done_callback` for it.
    """
    add_done_callback = getattr(task, "add_done_callback", None)
    if add_done_callback is None:
        task.execute(task.kernel, cast("Task[Any]", listener))
    else:
        add_done_callback(partial(_tell, listener))


def _tell(listener: Listener, task: Task[Any]) -> None:
    error = task.cancelled_type() if task.cancelled() else task.exception()
    if error is None:
        listener.wake(task.result())
    else:
        listener.throw(error)


class SpawnChild(Syscall["Task[T]"]):
    """Make a task in a group; answered at once.

    Then the same object stands in for the group in the line of those who wait for the task, since a group may have very
    many of them.
    """

    __slots__ = ("_child", "_code", "_daemon", "_group", "_name")

    def __init__(self, group: TaskGroup, code: Code[T], name: str | None, daemon: bool) -> None:
        self._group = group
        self._code: Code[T] | None = code
        self._name = name
        self._daemon = daemon

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        code, self._code = self._code, None
        if code is None:
            raise made_before(self, task)
        if not self._group.is_open:
            close_unstarted(code)
            raise RuntimeError(f"{task} cannot spawn in {self._group!r}, which is not open; enter it by 'async with'")
        self._child = task.inbox = child = kernel.spawn(code, self._name, self._daemon, task.context.copy())
        listen(child, self)
        self._group.adopt(child, self._daemon)
        return True

    def wake(self, value: object) -> None:
        """The task has returned."""
        self._group.ended(self._child, self._daemon)

    def throw(self, error: BaseException) -> None:
        """The task has failed or was cancelled."""
        failed = not self._child.cancelled()
        if failed:
            self._group.failed(error)
        self._group.ended(self._child, self._daemon)
        if failed:
            # In a turn of its own: some who are to be cancelled wait for this very task and are just being woken.
            self._child.kernel.ready.append(self)

    def run(self, kernel: Kernel) -> None:
        """Have the failure end the group."""
        kernel.current = None
        self._group.cancel()

    def __repr__(self) -> str:
        return f"Spawn(in {self._group!r})"


class Join(Syscall[None]):
    """Wait for the tasks of a group."""

    __slots__ = ("_group",)

    def __init__(self, group: TaskGroup) -> None:
        self._group = group

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        self._group.joiner = task
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        self._group.joiner = None

    def __repr__(self) -> str:
        return f"Join({self._group!r})"


class Completions(Syscall["Task[Any]"]):
    """The tasks of a group in the order in which they end; made by `TaskGroup.as_completed`."""

    __slots__ = ("_group", "_next", "_task")

    def __init__(self, group: TaskGroup) -> None:
        self._group = group
        self._next = 0
        self._task: Task[Any] | None = None

    def __aiter__(self) -> Completions:
        return self

    def __anext__(self) -> Completions:
        return self

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self._task is not None:
            raise RuntimeError(f"{task} cannot wait for {self!r}, which {self._task} waits for; call as_completed()")
        completed = self._group.completed
        if self._next < len(completed):
            task.inbox = completed[self._next]
            self._next += 1
            return True
        if not self._group.children:
            raise StopAsyncIteration
        self._task = task
        self._group.watchers.append(self)
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        self._task = None
        self._group.watchers.remove(self)

    def ended(self, child: Task[Any]) -> None:
        """`child` has ended, for which a task waits here."""
        assert self._task is not None
        self._next += 1
        self._task.wake(child)
        self._task = None

    def __repr__(self) -> str:
        return f"Next({self._group!r})"


class TaskGroup(Scope):
    """`async with TaskGroup() as group:` runs tasks that all end before the block does.

    The first task that fails, or a failure of the block itself, cancels the rest; when all have ended the failures are
    raised together, as one `ExceptionGroup`. Cancelling the task that is in the block, or waits at its end, cancels the
    group's tasks too, and `Cancelled` goes on once they have ended; when some of them failed then, their failures go
    first and `Cancelled` comes where the task suspends next. A task that is cancelled by itself is no failure, and
    `KeyboardInterrupt` and `SystemExit` in a task end the whole run as they do anywhere.

    The group keeps its tasks for `results` unless it fails; a block that goes on spawning for days does so with
    `daemon=True`, since a daemon is forgotten when it has ended.
    """

    __slots__ = ("_cancelled", "_errors", "_failed", "_spawned", "children", "completed", "daemons", "is_open",
                 "joiner", "watchers")

    def __init__(self) -> None:
        super().__init__()
        self.is_open = False
        self.children: dict[Task[Any], None] = {}  # that have not ended; a dict as an ordered set
        self.daemons: dict[Task[Any], None] = {}
        self.completed: list[Task[Any]] = []
        self.watchers: list[Completions] = []
        self.joiner: Task[Any] | None = None
        self._spawned: list[Task[Any]] = []
        self._errors: list[BaseException] = []
        self._cancelled = False
        self._failed = False

    def enter(self, task: Task[Any]) -> None:
        super().enter(task)
        self.is_open = True

    def spawn(self, code: Code[T], *, name: str | None = None, daemon: bool = False) -> Syscall[Task[T]]:
        """Start a task in the group that runs `code`; the answer is the `Task`. As `kernel.spawn` otherwise.

        Any task may do this, also one of the group's own. A daemon works in the background: the group does not wait for
        it but cancels it when the block and all other tasks have ended. In a group that is being cancelled the new task
        is cancelled at once. `RuntimeError` before the block is entered and after its end.
        """
        if type(code) is not CoroutineType or code.cr_running or code.cr_suspended:
            check_code(code, "spawn")  # see kernel.spawn for why not always
        return SpawnChild(self, code, name, daemon)

    def cancel(self) -> None:
        """Cancel the block and every task in the group. That by itself is no error: the block ends without one."""
        if self._cancelled or not self.is_open:
            return
        self._cancelled = True
        for child in [*self.children, *self.daemons]:
            child.cancel()
        if self._inside:
            self._interrupt()

    def results(self) -> list[Any]:
        """What the tasks returned, in the order in which they were spawned; of daemons none.

        `RuntimeError` when the group has not ended or has failed, or a task was cancelled and so returned nothing.
        """
        if self.is_open or not self.entered:
            raise RuntimeError(f"{self!r} has no results before its block has ended")
        if self._failed:
            raise RuntimeError("a task group that has failed or was cancelled has no results")
        for task in self._spawned:
            if task.cancelled():
                raise RuntimeError(f"{task} was cancelled and has no result")
        return [task.result() for task in self._spawned]

    def as_completed(self) -> Completions:
        """`async for task in group.as_completed():` gives each task when it ends, in that order; daemons never.

        Those that have ended before come first; the loop ends when no task is left, counting those spawned meanwhile.
        """
        return Completions(self)

    def adopt(self, child: Task[Any], daemon: bool) -> None:
        """Take in a task that was just made."""
        if daemon:
            self.daemons[child] = None
        else:
            self.children[child] = None
            self._spawned.append(child)
        if self._cancelled:
            child.cancel()

    def failed(self, error: BaseException) -> None:
        """One of the tasks has failed."""
        if not isinstance(error, (KeyboardInterrupt, SystemExit)):
            self._errors.append(error)

    def ended(self, child: Task[Any], daemon: bool) -> None:
        """`child` has ended, however it did."""
        if daemon:
            del self.daemons[child]
        else:
            del self.children[child]
            self.completed.append(child)
            if self.watchers:
                watchers, self.watchers = self.watchers, []
                for watcher in watchers:
                    watcher.ended(child)
        if self.joiner is not None and not self._unfinished():
            self.joiner.wake()
            self.joiner = None

    def _unfinished(self) -> bool:
        """Whether there are tasks to wait for; daemons are such only once they have been told to end."""
        return bool(self.children or self._cancelled and self.daemons)

    async def _join(self) -> BaseException | None:
        """Wait for every task; the cancellation that came to the waiting one meanwhile, if any did."""
        assert self._task is not None
        cancellation = None
        try:
            while True:
                while self._unfinished():
                    try:
                        await Join(self)
                    except self._task.cancelled_type as error:
                        cancellation = error
                        self.cancel()
                if self._cancelled:
                    return cancellation
                self.cancel()  # none but daemons is left
        finally:
            del cancellation  # which has this frame in its traceback

    def _forget_tasks(self) -> None:
        """Let go of the tasks: the failure of one often leads, by its traceback and frames, to the group."""
        self._failed = True
        self._spawned.clear()
        self.completed.clear()

    def _repeat(self, cancellation: BaseException) -> None:
        """Have the task told again, where it suspends next, of a cancellation that gives way to failures."""
        task, section = self._task, self._around()
        assert task is not None
        if task.interruption is not None or task.cancel_requests <= self._requests:
            return  # one is on its way anyway; or nobody has cancelled the task, which had waited for one that was
        if section is not None:
            if not section.cancelling:
                return
            section.let_through()
        task.uncancel()
        task.cancel(*cancellation.args[:1])

    def __aenter__(self) -> Enter[TaskGroup]:
        return Enter(self)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> bool:
        task = inside(self)
        own, cancellation = self._leave(error), None
        try:
            if error is not None:
                self.cancel()
            if isinstance(error, GeneratorExit):
                return False  # the task is being thrown away, and may not wait any more
            cancellation = await self._join()
            self.is_open = False
            if isinstance(error, task.cancelled_type):
                cancellation = cancellation or (None if own else error)
            elif isinstance(error, (KeyboardInterrupt, SystemExit)):
                return False
            elif error is not None and not any(error is other for other in self._errors):
                self._errors.append(error)
            errors, self._errors = self._errors, []
            if errors or cancellation is not None:
                self._forget_tasks()
            if errors:
                if cancellation is not None:
                    self._repeat(cancellation)
                raise BaseExceptionGroup(f"failures in the task group of {task}", errors) from None
            if cancellation is not None and cancellation is not error:
                raise cancellation
            return own
        finally:
            self._task = self._section = None
            del task, cancellation  # or the error would hold, by its traceback and this frame, itself and the task

    def __repr__(self) -> str:
        unfinished = [str(task) for task in [*self.children, *self.daemons]]
        listed = ", ".join(unfinished[:5]) + (", ..." if len(unfinished) > 5 else "")
        return f"TaskGroup of {len(unfinished)}: {listed}" if unfinished else "TaskGroup of none"
