"""Task groups: tasks that all end before their block does."""

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
        child.add_waiter(self)
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
        code = "..." if self._code is None else show_code(self._code)  # it was handed to the task
        return f"<{self._group!r}>.spawn({code})"


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
        return f"<{self._group!r}>.__aexit__()"


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
        return f"<{self._group!r}>.as_completed()"


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
        return f"TaskGroup of {len(unfinished)}: {listed}" if unfinished else "TaskGroup without tasks"
