"""Task groups: a block that starts tasks, and does not end before all of them have ended."""

from __future__ import annotations

from types import CoroutineType, TracebackType
from typing import Any, TypeVar

from ..checks import check_code, close_unstarted, made_before, show_code
from ..core import Kernel
from ..syscalls import Code, Syscall
from ..task import Task
from .blocks import Enter, inside
from .scopes import Scope

T = TypeVar("T")


class SpawnChild(Syscall[Task[T]]):
    """Make a task in a group; answered at once.

    After that, this object is the child's waiter: it tells the group how the child ends. No second object is made for
    this, since a group may have very many children.
    """

    __slots__ = ("_code", "_daemon", "_name", "child", "group")

    def __init__(self, group: TaskGroup, code: Code[T], name: str | None, daemon: bool) -> None:
        self.group = group
        self._code: Code[T] | None = code
        self._name = name
        self._daemon = daemon

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        code, self._code = self._code, None
        if code is None:
            raise made_before(self, task)
        group = self.group
        if not group.is_open:
            close_unstarted(code)
            raise RuntimeError(f"{task} cannot spawn in {group!r}, which is not open; enter it by 'async with'")
        self.child = task.inbox = child = kernel.spawn(code, self._name, self._daemon, task.context.copy())
        if self._daemon:
            group.daemons[child] = None
        else:
            group.children[child] = None
            group.spawned.append(child)
        if group.cancelled:
            child.cancel()
        child.add_waiter(self)
        return True

    def wake(self, value: object) -> None:
        """The task has returned."""
        self.group.ended(self.child, self._daemon)

    def throw(self, error: BaseException) -> None:
        """The task has failed or was cancelled."""
        failed = not self.child.cancelled()
        if failed:
            self.group.failed(error)
        self.group.ended(self.child, self._daemon)
        if failed:
            # The ready queue calls `run` later. Now the other waiters of the child are being woken, and some of these
            # may be tasks that the group will cancel.
            self.child.kernel.ready.append(self)

    def run(self, kernel: Kernel) -> None:
        """Cancel the group, since the child has failed."""
        kernel.leave_task()
        kernel.firing = self  # type: ignore[assignment]  # as if it came from outside: observers see the cause by it
        self.group.cancel()
        kernel.firing = None

    def __repr__(self) -> str:
        code = "..." if self._code is None else show_code(self._code)  # the child has it
        return f"<{self.group!r}>.spawn({code})"


class Join(Syscall[None]):
    """Wait until the tasks of a group have ended."""

    __slots__ = ("group",)

    def __init__(self, group: TaskGroup) -> None:
        self.group = group

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        self.group.joiner = task
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        self.group.joiner = None

    def __repr__(self) -> str:
        return f"<{self.group!r}>.__aexit__()"


class Completions(Syscall[Task[Any]]):
    """The tasks of a group in the order in which they end; made by `TaskGroup.as_completed`."""

    __slots__ = ("_next", "_task", "group")

    def __init__(self, group: TaskGroup) -> None:
        self.group = group
        self._next = 0
        self._task: Task[Any] | None = None

    def __aiter__(self) -> Completions:
        return self

    def __anext__(self) -> Completions:
        return self

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self._task is not None:
            raise RuntimeError(f"{task} cannot wait for {self!r}, which {self._task} waits for; call as_completed()")
        completed = self.group.completed
        if self._next < len(completed):
            task.inbox = completed[self._next]
            self._next += 1
            return True
        if not self.group.children:
            raise StopAsyncIteration
        self._task = task
        self.group.watchers.append(self)
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        self._task = None
        self.group.watchers.remove(self)

    def ended(self, child: Task[Any]) -> None:
        """`child` has ended: wake the task that waits here for the next one."""
        assert self._task is not None
        self._next += 1
        self._task.wake(child)
        self._task = None

    def __repr__(self) -> str:
        return f"<{self.group!r}>.as_completed()"


class TaskGroup(Scope):
    """`async with TaskGroup() as group:` runs tasks that all end before the block does.

    When a task fails, or the block itself, the group cancels the rest. When all have ended, the block raises the
    failures together, as one `ExceptionGroup`. A task that is cancelled by itself is no failure. `KeyboardInterrupt`
    and `SystemExit` in a task end the whole run, as they do anywhere.

    Cancelling the task that is in the block, or waits at its end, cancels the group's tasks too. `Cancelled` goes on
    once they have ended. If some of them failed meanwhile, the block raises their failures, and `Cancelled` is raised
    where the task suspends next.

    The group keeps its tasks for `results`, unless it fails. A block that spawns tasks for days should spawn them with
    `daemon=True`: the group forgets a daemon when it has ended.
    """

    __slots__ = ("_errors", "_failed", "cancelled", "children", "completed", "daemons", "is_open", "joiner",
                 "spawned", "watchers")

    def __init__(self) -> None:
        super().__init__()
        self.is_open = False
        self.children: dict[Task[Any], None] = {}  # those that have not ended; a dict as an ordered set
        self.daemons: dict[Task[Any], None] = {}
        self.completed: list[Task[Any]] = []
        self.watchers: list[Completions] = []
        self.joiner: Task[Any] | None = None
        self.spawned: list[Task[Any]] = []
        self._errors: list[BaseException] = []
        self.cancelled = False
        self._failed = False

    def enter(self, task: Task[Any]) -> None:
        super().enter(task)
        self.is_open = True

    def spawn(self, code: Code[T], *, name: str | None = None, daemon: bool = False) -> Syscall[Task[T]]:
        """Start a task in the group that runs `code`; the answer is the `Task`. Otherwise as `kernel.spawn`.

        Any task may do this, also one of the group. A daemon works in the background: the group cancels it when the
        block and all other tasks have ended. In a group that is being cancelled, the new task is cancelled at once.
        Raises `RuntimeError` before the block is entered and after its end.
        """
        if type(code) is not CoroutineType or code.cr_running or code.cr_suspended:
            check_code(code, "spawn")  # kernel.spawn says why not always
        return SpawnChild(self, code, name, daemon)

    def cancel(self) -> None:
        """Cancel the block and every task in the group. This alone is no error: then the block ends without one."""
        if self.cancelled or not self.is_open:
            return
        self.cancelled = True
        for child in [*self.children, *self.daemons]:
            child.cancel()
        if self._inside:
            self._interrupt()

    def results(self) -> list[Any]:
        """The values that the tasks returned, in the order in which they were spawned; daemons are left out.

        Raises `RuntimeError` when the group has not ended or has failed, and when a task was cancelled, since that has
        returned nothing.
        """
        if self.is_open or not self.entered:
            raise RuntimeError(f"{self!r} has no results before its block has ended")
        if self._failed:
            raise RuntimeError("a task group that has failed or was cancelled has no results")
        for task in self.spawned:
            if task.cancelled():
                raise RuntimeError(f"{task} was cancelled and has no result")
        return [task.result() for task in self.spawned]

    def as_completed(self) -> Completions:
        """`async for task in group.as_completed():` gives each task when it has ended; daemons are left out.

        Tasks that ended before the loop come first. The loop ends when no task is left, those spawned meanwhile
        included. One task at a time may wait in a loop, else `RuntimeError`; for each loop call `as_completed` anew.
        """
        return Completions(self)

    def failed(self, error: BaseException) -> None:
        """A task of the group has failed."""
        if not isinstance(error, (KeyboardInterrupt, SystemExit)):
            self._errors.append(error)

    def ended(self, child: Task[Any], daemon: bool) -> None:
        """`child` has ended, in whatever way."""
        if daemon:
            del self.daemons[child]
        else:
            del self.children[child]
            self.completed.append(child)
            if self.watchers:
                watchers, self.watchers = self.watchers, []
                for watcher in watchers:
                    watcher.ended(child)
        if not self.children and self.joiner is not None and not self._unfinished():
            self.joiner.wake()
            self.joiner = None

    def _unfinished(self) -> bool:
        """Whether there are tasks to wait for. Daemons count only when the group has cancelled them."""
        return bool(self.children or self.cancelled and self.daemons)

    async def _join(self) -> BaseException | None:
        """Wait until every task has ended. Return the cancellation that came to the waiting task meanwhile, if any."""
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
                if self.cancelled:
                    return cancellation
                self.cancel()  # only daemons are left
        finally:
            del cancellation  # its traceback has this frame

    def _forget_tasks(self) -> None:
        """Let go of the tasks: the failure of one often refers to the group, through the frames of its traceback."""
        self._failed = True
        self.spawned.clear()
        self.completed.clear()

    def _repeat(self, cancellation: BaseException) -> None:
        """Failures go first: raise the cancellation in the task once more, where it suspends next."""
        task, section = self._task, self._around()
        assert task is not None
        if task.interruption is not None or task.cancel_requests <= self._requests:
            return  # one is on its way anyway; or nobody has cancelled this task, but one that it had waited for
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
                return False  # the task is being thrown away: it must not wait any more
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
            del task, cancellation  # else the error, whose traceback has this frame, would hold itself and the task

    def __repr__(self) -> str:
        unfinished = [str(task) for task in [*self.children, *self.daemons]]
        listed = ", ".join(unfinished[:5]) + (", ..." if len(unfinished) > 5 else "")
        return f"TaskGroup of {len(unfinished)}: {listed}" if unfinished else "TaskGroup without tasks"
