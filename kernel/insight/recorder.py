"""A flight recorder: the last events of a kernel, kept in memory, to be read when something has gone wrong.

Each event is a tuple in a ring, which forgets the oldest. Two kinds say when a task ran and when it waited: at the end
of a piece of a task's code comes what it has asked for, and when a wait ends comes who or what has ended it. The rest
follows from the order of the events. So recording takes less time than the steps of the tasks do.
"""

from __future__ import annotations

import os
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from types import CoroutineType, GeneratorType, NoneType, TracebackType
from typing import Any, TextIO

from ..deadlock import Deadlock
from ..failures import tell
from ..syscalls import Call, Spawn
from ..task import Task
from .causes import cause_by_task, who
from .events import Cause, Event, Who
from .explaining import History, Stretch
from .names import number
from .requests import program_place, text_of, without_state
from .watching import Observer, StandIn, Watch


class Recorder(Observer):
    """Keeps the last `size` events of the kernels that it observes; give it to `Kernel(observer=...)` or to `watch`.

    With `file`, a path or a stream for text, it writes them there when a kernel has a deadlock; when an exception ends
    the program, while it is used as a block; and, with `slow`, when a piece of a task's code has held the kernel for
    more than so many seconds. What it has written it forgets. `write` writes on demand.

    It keeps nothing of the program alive: of a wait it has the text, with the arguments, and of a task the number and
    the name. Answers are not kept. Raises `ValueError` for a size below 1 and for seconds below 0.
    """

    def __init__(self, size: int = 10_000, *, file: str | TextIO | None = None, slow: float = 0.0) -> None:
        if not size >= 1:
            raise ValueError(f"a recorder keeps 1 event or more, not {size!r}")
        if not slow >= 0:
            raise ValueError(f"slow= takes a number of seconds, not {slow!r}")
        self.ring: deque[tuple[Any, ...]] = deque(maxlen=size)
        self.slow = slow
        self._file = file

    def ear(self, watch: Watch) -> Observer:
        return (TimedLog if self.slow else Log)(self, watch)

    # What has been recorded.

    def events(self) -> Iterator[Event]:
        """The events that are in the ring, oldest first."""
        ring = list(self.ring)
        # By the name that a task had last. The spawner of a task may have had no name of its own in the ring.
        names = {task[:2]: task[2] for _, _, task, _, _, _ in ring}
        for time_, kind, task, detail, cause, since in ring:
            if cause is not None and not isinstance(cause, Cause):
                cause = cause_by_task(named(cause, names))
            yield Event(time_, kind, named(task, names), text_of_detail(kind, detail, names), cause, since)

    def why(self, task: Task[Any]) -> tuple[Stretch, ...]:
        """What `task` did since its first event, and for each wait who kept it waiting; see `explaining.py`.

        The lengths of the stretches add up to the time between that event and the task's end, or now.
        """
        found, end, blocked = who(task), task.kernel.clock.now(), ""
        if task.done():
            end = next((event.time for event in self.events() if event.task == found and event.kind == "exit"), end)
        elif task.blocked_on is not None:
            blocked = text_of(task, task.blocked_on)
        return History(self.events()).stretches(found, None, end, blocked=blocked)

    def clear(self) -> None:
        """Forget what has been recorded."""
        self.ring.clear()

    def write(self, stream: TextIO, reason: str = "on demand") -> None:
        """Write the events to `stream`, a line each, after a line with the `reason`."""
        stream.write(f"--- {len(self.ring)} events: {reason}\n")
        for event in self.events():
            stream.write(f"{event}\n")
        stream.flush()

    def write_out(self, reason: str) -> None:
        """Write the events to the file that was given, if there is one, and forget them."""
        if self._file is None:
            return
        try:
            if isinstance(self._file, (str, os.PathLike)):
                with open(self._file, "a", encoding="utf-8") as stream:
                    self.write(stream, reason)
            else:
                self.write(self._file, reason)
        except (OSError, ValueError) as error:
            tell("error", f"the recorder cannot write to {self._file!r}", error)
        self.clear()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        if error is not None and not isinstance(error, (Deadlock, KeyboardInterrupt, SystemExit)):
            self.write_out(f"{type(error).__name__}: {error}")


def why(task: Task[Any]) -> tuple[Stretch, ...]:
    """What `task` did, and for each wait who kept it waiting: see `Recorder.why`, of the recorder that its kernel has.

    Raises `RuntimeError` when it has none, and `TypeError` for what is no task.
    """
    if not isinstance(task, Task):
        raise TypeError(f"why() takes a task, not {task!r}")
    for observer in getattr(task.kernel.tap, "observers", ()):
        if isinstance(observer, Recorder):
            return observer.why(task)
    raise RuntimeError(f"no recorder observes the kernel of {task}; run it with observer=Recorder()")


# What is asked for by what is no request: by a bare `yield`, and by code that is to be called.
_UNNAMED: dict[type, str] = {NoneType: "checkpoint", CoroutineType: "call", GeneratorType: "call", Call: "call"}


def named(task: tuple[int, int, str], names: dict[tuple[int, int], str]) -> Who:
    """The task that an event is about, by the name that it had last."""
    kernel, number, name = task
    return Who(kernel, number, names.get((kernel, number), name))


def text_of_detail(kind: str, detail: Any, names: dict[tuple[int, int], str]) -> str:
    """What is shown of an event's third part: of a request its class, at the end of a task that of its error."""
    if kind == "request":
        return _UNNAMED.get(detail) or str(detail.__qualname__)
    if isinstance(detail, tuple):
        return f"wait({named(detail, names)})"
    if kind == "exit":
        return "returned" if detail is NoneType else f"ended with {detail.__qualname__}"
    return str(detail)


class Log(Observer):
    """Writes the events of one kernel into the ring of a recorder."""

    def __init__(self, recorder: Recorder, watch: Watch) -> None:
        self.recorder = recorder
        self.note: Callable[[tuple[Any, ...]], None] = recorder.ring.append
        self.now = watch.kernel.clock.now
        self._kernel = watch.kernel
        self._kernel_id = watch.kernel_id
        self._texts: dict[tuple[type, type], str] = {}
        self._numbers_tasks = watch.is_loop  # an event loop has not numbered a task that it makes
        self._watch: Watch = weakref.proxy(watch)  # which holds this object

        class Context(RecordedContext):
            """The stand-in with what it needs for this kernel: in the class, so that no instance has to be given it."""

            __slots__ = ()
            log = self
            note = staticmethod(self.note)
            now = staticmethod(self.now)

        self.context_type: type[RecordedContext] = Context

    def attach(self, task: Task[Any]) -> None:
        # What `adopt` does, written out: the row `spawn` of the benchmarks.
        stand_in = self.context_type()
        stand_in.inner = task.context
        stand_in.request = stand_in.since = None
        if self._numbers_tasks:
            task.id = next(task.kernel.task_ids)  # as `number` would
        stand_in.who = who = (self._kernel_id, task.id, task.name)
        task.context = stand_in  # type: ignore[assignment]  # a stand-in
        current: Any = task.kernel.current
        try:
            cause = current.context.who
        except AttributeError:  # no task is running
            cause = self._watch.cause()
        self.note((self.now(), "spawn", who, "", cause, None))

    def adopt(self, task: Task[Any]) -> None:
        stand_in = self.context_type()
        stand_in.inner = task.context
        stand_in.request = task.blocked_on
        stand_in.since = None
        stand_in.who = (self._kernel_id, number(task), task.name)
        task.context = stand_in  # type: ignore[assignment]  # a stand-in

    def renamed(self, task: Task[Any]) -> None:
        self.stand_in_of(task).who = (self._kernel_id, number(task), task.name)

    def queued(self, task: Task[Any]) -> None:
        stand_in: Any = task.context
        if type(stand_in) is not self.context_type:
            stand_in = self.stand_in_of(task)
        request = stand_in.request
        if request is None:  # the task is new, or its wait began before it was recorded
            return
        try:
            detail = request.context.who  # a task, whose text can wait: `spawn` of the benchmarks
        except AttributeError:
            detail = self._text(task, request)
        current: Any = task.kernel.current
        try:
            cause = current.context.who
        except AttributeError:  # no task is running
            cause = self._watch.cause()
        self.note((self.now(), "wake", stand_in.who, detail, cause, stand_in.since))
        stand_in.request = stand_in.since = None

    def _text(self, task: Task[Any], request: Any) -> str:
        """The text of a request, without the state of what it is made to, which is already another one."""
        endpoint = getattr(request, "endpoint", None)
        if endpoint is None:
            return without_state(text_of(task, request))
        # An operation on a connection: to put its text together takes long in comparison with a message of `echo`.
        kind = type(request), type(endpoint)
        text = self._texts.get(kind)
        if text is None:
            text = self._texts[kind] = without_state(text_of(task, request))
        return text

    def exit(self, task: Task[Any], value: Any, error: BaseException | None) -> None:
        stand_in: Any = task.context
        if type(stand_in) is not self.context_type:
            stand_in = self.stand_in_of(task)
        self.note((self.now(), "exit", stand_in.who, error.__class__, None, None))

    def deadlock(self, error: Deadlock) -> None:
        self.recorder.write_out(f"Deadlock: {error}")

    def stand_in_of(self, task: Task[Any]) -> RecordedContext:
        """The stand-in that this log has put in place for the context of `task`."""
        stand_in: Any = task.context
        while type(stand_in) is not self.context_type:
            stand_in = stand_in.inner
        return stand_in


class RecordedContext(StandIn):
    """Records what the task asks for, and when. All that is done here is done in each step."""

    __slots__ = ("request", "who")

    log: Log
    note: Callable[[tuple[Any, ...]], None]
    now: Callable[[], float]
    request: Any  # what the task has asked for last, until the answer is on its way
    who: tuple[int, int, str]

    def run(self, resume: Callable[[Any, Any], Any], code: Any, value: Any) -> Any:
        try:
            self.request = request = self.inner.run(resume, code, value)
        finally:
            del value  # it may be an exception, whose traceback has this frame: they would hold each other
        self.since = now = self.now()
        if request.__class__ is not Spawn:  # the new task is recorded
            self.note((now, "request", self.who, request.__class__, None, None))
        return request


class TimedLog(Log):
    """Measures each piece of a task's code as well."""

    def attach(self, task: Task[Any]) -> None:
        Log.attach(self, task)
        self._measure(task)

    def adopt(self, task: Task[Any]) -> None:
        Log.adopt(self, task)
        self._measure(task)

    def _measure(self, task: Task[Any]) -> None:
        stand_in: Any = task.context
        stand_in.inner = TimedContext(stand_in.inner, task, self)

    def was_slow(self, task: Task[Any], seconds: float) -> None:
        """A piece of the task's code has held the kernel for so long."""
        place = program_place(task)
        self.note((self.now(), "slow", self.stand_in_of(task).who, f"for {seconds:.3f}s, up to {place}", None, None))
        self.recorder.write_out(f"{task} has held the kernel for {seconds:.3f} seconds, up to {place}")


class TimedContext(StandIn):
    """Tells the log of a piece of the task's code that takes long."""

    __slots__ = ("_log", "_task")

    def __init__(self, inner: Any, task: Task[Any], log: TimedLog) -> None:
        self.inner = inner
        self.since = None
        self._log = log
        self._task = weakref.ref(task)  # the task holds this object

    def run(self, resume: Callable[[Any, Any], Any], code: Any, value: Any) -> Any:
        begin = time.monotonic()  # real time: a virtual clock stands still while a task is busy
        try:
            return self.inner.run(resume, code, value)
        finally:
            del value  # as above
            seconds = time.monotonic() - begin
            if seconds > self._log.recorder.slow and (task := self._task()) is not None:
                self._log.was_slow(task, seconds)
