"""Cancellations that get lost: asked for, and neither raised in the program nor taken back.

`task.cancel()` has one exception raised in the task, where it is suspended. What the program makes of it is the
program's business. But most waits are in a call of a library, `wait_for` say, and that call has the exception first.
When it keeps the exception, and the call ends without it, the program never hears of the cancellation and goes on.

How to tell who has caught an exception: its traceback begins at the frame where it has got to. So a task that is being
cancelled gets a stand-in for its context, which sees the exception thrown in, and afterwards looks where it is:

- It has left the task, or has come to a frame of the program: the cancellation has arrived.
- It is in the frame of a library that has been called by the program. That may be in order: a condition waits for its
  lock before it raises the exception, a group for its tasks. The call that the program has made decides when it ends.
  By then the exception has gone on, or another one is on its way, or the cancellation is lost.

The end of a group's block is such a call, too, when the exception has come to the block itself.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from functools import wraps
from threading import get_ident
from types import FrameType
from typing import Any, NamedTuple

from ..core import Kernel
from ..failures import drop_frame, traceback_of
from ..insight.names import label
from ..insight.requests import call_text, frames, of_library, place_of, program_place
from ..insight.watching import StandIn
from ..syscalls import CurrentTask
from ..task import Task

# A function of a library that keeps the exception, and raises a new one in its place when it has done its work. (Since
# Python 3.13 this one raises the same again.)
_RAISES_ANOTHER = "asyncio.locks", "Condition.wait"
# One that is given the exception by the program, at the end of a block, and raises it again after its work.
_IS_GIVEN_IT = "asyncio.taskgroups", "TaskGroup.__aexit__"
# Where that keeps an exception meanwhile, perhaps one that came before: of those that come later it takes no notice.
_KEPT = "propagate_cancellation_error"
_SHUTDOWN = "kernel.lifecycle"  # which cancels what is left, also of a program that has not come to its end

BY_EXPLORATION = "the exploration"  # who has asked, where no place of the program did


class LostCancellation(NamedTuple):
    """A cancellation of `task` that was swallowed by a library."""

    task: Task[Any]
    asked_at: str | None  # "main.py:12 in main"; None when no function of the program has asked for it itself
    call: str  # of the library: "wait_for(<Task ...>, 5)"
    place: str | None  # where the program has made that call; None when it is all that the task runs

    def __str__(self) -> str:
        who = "a callback" if self.asked_at is None else self.asked_at
        asked = f"{'by' if who in ('a callback', BY_EXPLORATION) else 'at'} {who}"
        place = ", which is all that the task runs" if self.place is None else f" at {self.place}"
        return f"the cancellation of {label(self.task)}, asked for {asked}, was swallowed by {self.call}{place}"


class Cancellations:
    """While inside, the cancellations of tasks of these classes are watched, in this thread; each loss is told once.

    `stop` is for the end of the program: what a shutdown cancels is not watched. The classes are those that define
    `cancel`: the kernel's `Task`, or that of the facade.
    """

    def __init__(self, tell: Callable[[LostCancellation], object], *classes: type[Task[Any]]) -> None:
        self.tell = tell
        self._classes = classes or (Task,)
        self._originals: list[tuple[type, str, Any]] = []
        self.thread: int | None = None  # in which cancellations are watched
        # To be told of each that is about to be asked for: of which task, with what message, where, and whether by a
        # block of that task. True: it has come already, and nothing is to be done.
        self.hear: Callable[[Task[Any], Any, str | None, bool], bool] | None = None

    def __enter__(self) -> Cancellations:
        self.thread = get_ident()
        for kind in self._classes:
            for name, stand_in in ("cancel", self._cancel), ("uncancel", self._uncancel):
                original = vars(kind)[name]
                self._originals.append((kind, name, original))
                setattr(kind, name, wraps(original)(stand_in(original)))
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
        while self._originals:
            setattr(*self._originals.pop())

    def stop(self) -> None:
        """Watch nothing more. Harmless when it has been called."""
        self.thread = None

    def _cancel(self, original: Any) -> Any:
        def cancel(task: Task[Any], msg: Any = None) -> bool:
            asker = sys._getframe(1)
            if self.thread != get_ident() or asker.f_globals.get("__name__") == _SHUTDOWN:
                return original(task, msg)  # type: ignore[no-any-return]  # of a method of this type
            place, by_library = place_of_asker(task.kernel, asker), of_library(asker)
            scope = asker.f_locals.get("self") if by_library else None
            # A group or a timeout that interrupts its own block decides itself what comes of that.
            by_block = task is getattr(scope, "_task", None) or task is getattr(scope, "_parent_task", None)
            # A scope of anyio's asks again and again, also for its own block: `origin` is the one that was cancelled.
            own = by_block or task is getattr(asker.f_locals.get("origin"), "_host_task", None)
            if self.hear is not None and self.hear(task, msg, place, own):
                return not task.done()
            asked: bool = original(task, msg)
            if asked and not by_block:
                self._asked(task, place, by_library)
            return asked
        return cancel

    def _uncancel(self, original: Any) -> Any:
        def uncancel(task: Task[Any]) -> int:
            witness: Any = task.context
            if type(witness) is Witness and not of_library(sys._getframe(1)):
                witness.release(task)  # the program has taken it back; scopes take back what they have asked for
            return original(task)  # type: ignore[no-any-return]  # of a method of this type
        return uncancel

    def ask(self, task: Task[Any]) -> None:
        """Cancel `task` for the exploration, which hears nothing of that itself."""
        hear, self.hear = self.hear, None
        try:
            asked = task.cancel()
        finally:
            self.hear = hear
        if asked:
            self._asked(task, BY_EXPLORATION, False)

    def _asked(self, task: Task[Any], place: str | None, by_library: bool) -> None:
        """A cancellation of `task` was asked for at `place`."""
        witness: Any = task.context
        if type(witness) is not Witness:
            witness = task.context = Witness(witness, task, self)  # type: ignore[assignment]  # a stand-in
        witness.asked(task, place, by_library)


def place_of_asker(kernel: Kernel, asker: FrameType) -> str | None:
    """Where the program has asked for a cancellation: in the function that was called last, or by a request."""
    frame: FrameType | None = asker
    while frame is not None and frame.f_code.co_name != "run_ready":  # of the kernel: beyond is who has begun the run
        if not of_library(frame):
            return place_of(frame.f_code, frame.f_lineno)
        frame = frame.f_back
    return None if kernel.current is None else program_place(kernel.current)


class Witness(StandIn):
    """Stands in for the context of a task that is being cancelled, until it is known what comes of it."""

    __slots__ = ("_asked_at", "_by_library", "_call", "_errors", "_given", "_place", "_request", "_task", "_text",
                 "_watch")

    def __init__(self, inner: Any, task: Task[Any], watch: Cancellations) -> None:
        self.inner = inner
        self.since = None
        self._task = weakref.ref(task)  # the task holds this object
        self._watch = watch
        self._forget()

    def _forget(self) -> None:
        self._errors: list[BaseException] = []  # those that were thrown into the task, and have not arrived
        self._call: FrameType | None = None  # the library's that has them
        self._given = False  # by the program; else the call was interrupted by them
        self._text = ""
        self._place: str | None = None

    def asked(self, task: Task[Any], place: str | None, by_library: bool) -> None:
        """A cancellation was asked for; those that are on their way have become one with it."""
        self._asked_at = place
        self._by_library = by_library
        self._request: Any = task.blocked_on  # to which the cancellation has been passed on, where that is a future

    def release(self, task: Task[Any]) -> None:
        """Leave the place: it is known what has come of the cancellation."""
        self._forget()
        self._request = None
        if task.context is self:  # type: ignore[comparison-overlap]
            task.context = self.inner

    def run(self, resume: Callable[[Any, Any], Any], code: Any, value: Any) -> Any:
        task = self._task()
        assert task is not None  # it is being run
        throw = type(code).throw
        error = value if resume is throw else cancellation_in(self._request, task.cancelled_type)
        expected = self._errors or error is not None or task.interruption is not None
        if self._watch.thread is None or not expected:
            # The program is over; or what the cancellation was passed on to has decided otherwise: a task, say.
            self.release(task)
            del task
            return self.inner.run(resume, code, value)
        before: list[FrameType] = []
        if isinstance(error, task.cancelled_type):
            before = frames(task)
            self._errors += (new for new in (*kept_in(before[-1:]), error) if new not in self._errors)
            resume, value = throw, error  # as the future would raise it; but now it is known
        lines = [frame.f_lineno for frame in before]
        self._request = None
        try:
            self._request = request = self.inner.run(resume, code, value)
        except StopIteration:
            self._look(task, before, lines)
            raise
        except BaseException as raised:
            drop_frame(raised)
            if not task.callers:
                self.release(task)  # the task ends by it, or by another exception: it has stopped
            elif not isinstance(raised, task.cancelled_type):
                self._look(task, before, lines)
            raise
        else:
            self._look(task, before, lines)
            return request
        finally:
            # An exception's traceback may have this frame, and would hold itself and the task.
            del task, error, value, before

    def _look(self, task: Task[Any], before: list[FrameType], lines: list[int]) -> None:
        """Where are the exceptions that were thrown in? `before` are the frames, with their lines, of that moment."""
        if not self._errors:
            return
        place: int | None = None  # among `before`, of the call that has them now
        if any(self._has_arrived(error) for error in self._errors):
            before = frames(task)
            lines = [frame.f_lineno for frame in before]
            place = next((place for place, frame in enumerate(before) if function_of(frame) == _IS_GIVEN_IT
                          and frame.f_locals.get("exc") in self._errors), None)
            if place is None:
                return self.release(task)
            self._given = True
        elif before:
            catcher: FrameType = traceback_of(self._errors[-1]).tb_frame  # type: ignore[union-attr]  # has not arrived
            place = before.index(catcher) if catcher in before else 0
            while place > 0 and of_library(before[place - 1]):
                place -= 1
            if place == 0 and (self._by_library or catcher not in before):
                return self.release(task)  # a library has asked for it and catches it, in a task of its own
            self._given = False
        if place is not None:
            self._call = before[place]
            self._place = place_of(before[place - 1].f_code, lines[place - 1]) if place > 0 else None
            self._text = call_text(next(frame for frame in before[place:] if frame.f_code.co_name != "__await__"))
        if self._call in frames(task) or type(self._request) is CurrentTask:
            return  # it has not ended, or the program may be about to call its task's `uncancel`
        if task.interruption is None and task.error is None:
            self._watch.tell(LostCancellation(task, self._asked_at, self._text, self._place))
            self.release(task)
        else:  # another is on its way
            self._forget()

    def _has_arrived(self, error: BaseException) -> bool:
        """Whether an exception that was thrown into the task has come to a frame of the program's, or is sure to."""
        entry = traceback_of(error)
        if entry is None or function_of(entry.tb_frame) == _RAISES_ANOTHER:
            return True
        if of_library(entry.tb_frame):
            return False
        while self._given and entry is not None and entry.tb_frame is not self._call:
            entry = entry.tb_next
        return entry is not None  # else it has not come out of the call that was given it


def kept_in(innermost: list[FrameType]) -> Iterator[BaseException]:
    """A cancellation that has come to a group before, and that the group raises at the end of its block."""
    for frame in innermost:
        if frame.f_globals.get("__name__") == _IS_GIVEN_IT[0] and (kept := frame.f_locals.get(_KEPT)) is not None:
            yield kept


def function_of(frame: FrameType) -> tuple[str, str]:
    return str(frame.f_globals.get("__name__")), frame.f_code.co_qualname


def cancellation_in(request: Any, kind: type[BaseException]) -> BaseException | None:
    """The cancellation that a task is about to be told by a future of asyncio's; None for anything else."""
    future = getattr(request, "future", request)  # the kernel's stand-in for one of another make has it
    if not hasattr(future, "_asyncio_future_blocking") or not future.done():
        return None
    if future.cancelled() or isinstance(getattr(future, "_exception", None), kind):  # as gather() does it
        try:
            future.result()
        except BaseException as error:
            drop_frame(error)
            return error
    return None
