"""What of a kernel is copied while the program stands still: what will have changed a moment later.

A copy has strings, numbers and code objects. It has no task, so it keeps none alive, and another thread may have it. It
is made by the kernel's own thread, between two steps or in the middle of one. Of a kernel that is stuck in a step it is
made by another thread, while the program goes on, perhaps: then a task may be missing, or be shown where it was before.
"""

from __future__ import annotations

import gc
import math
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from operator import attrgetter, itemgetter
from types import CodeType, FrameType
from typing import Any, NamedTuple

from ..core import Kernel
from ..insight.finding import kernel_here, kernel_of
from ..insight.free_waits import DONE, why_free, why_free_in_call
from ..insight.names import number
from ..insight.requests import (Signature, chain, is_future, kind_of, kind_of_call, of_library, place_key, place_of_call,
                                text_of)
from ..syscalls import Sleep
from ..task import Task
from .lines import Lines, LockCopy
from .relations import Collector, Place, PlaceInCall, parent_of, place_in_request, tasks_behind, tasks_of_request

_LOOKING = "kernel.insight", "kernel.serving", "kernel.snapshots"  # modules whose frames only look at the program

LONGEST = 500  # characters of a name or a text that are kept

Spot = tuple[CodeType, int, bool]  # a place in the code, as the offset of an instruction; and whether it is a library's


# What follows are plain tuples, since to make 10,000 objects of a class would take a fifth of the time of a copy. Tasks
# and locks are referred to by their numbers.

# What a blocked task waits for: its kind, its text, the tasks whose end is waited for, the lock or the like whose line
# the task is in, when the wait will be over on the kernel's clock, the descriptor, and why it is free if it is.
Wait = tuple[str, str, list[int], int | None, float | None, int | None, str | None]

# A task: its number, name and state, whether it is a daemon, its parent, since when it has waited (on the kernel's
# clock), what for, and where.
TaskCopy = tuple[int, str, str, bool, int | None, float | None, Wait | None, list[Spot]]


class KernelCopy(NamedTuple):
    """A kernel at the moment of the copy."""

    kind: str
    thread: int
    thread_name: str
    answered: bool  # it has made the copy itself
    now: float
    state: str
    ready: int
    timers: int
    descriptors: int | None
    lag: float | None
    stack: list[Spot]
    tasks: list[TaskCopy]
    locks: list[LockCopy]


def copy_kernel(kernel: Kernel, thread: int | None = None, data: bool = True, refused: bool = False,
                called: bool = False) -> KernelCopy:
    """Copy `kernel`, which runs in `thread`: in this one, if that is None. Without `data`, leave out all arguments.

    With `refused`, the running task counts as blocked on the request that it has just made, and that is refused to it.
    `called` says that this is a call that the kernel makes between two steps.
    """
    collecting = gc.isenabled()
    gc.disable()  # a collection would look at all tasks of the program, and take as long as the copy
    try:
        return Copier(kernel, threading.get_ident() if thread is None else thread, data, refused, called).copy()
    finally:
        if collecting:
            gc.enable()


def in_order(kernel: Kernel) -> list[Task[Any]]:
    """The tasks of `kernel` that are not done, by number.

    A task of asyncio's kind gets its number now. asyncio keeps these tasks in a set, and the numbers are not to differ
    from run to run. So they follow the names: "Task-2", "Task-10", and then those that the program has named.
    """
    tasks = kernel.everyone()
    try:
        return sorted(tasks, key=attrgetter("id"))
    except AttributeError:
        pass  # some are new
    new = [(not (name := str(task.name)).startswith("Task-"), len(name), name, task) for task in tasks
           if not hasattr(task, "id")]
    for *_, task in sorted(new, key=itemgetter(0, 1, 2)):
        task.id = next(kernel.task_ids)  # as `number` would do it, in half the time
    return sorted(tasks, key=attrgetter("id"))


class Shape:
    """What tasks have in common that wait at the same place: the frames, and the library's call that they wait in."""

    def __init__(self, frames: list[FrameType]) -> None:
        libraries = [of_library(frame) for frame in frames]
        self.stack: list[Spot] = [(frame.f_code, frame.f_lasti, library) for frame, library in zip(frames, libraries)]
        self.call = place_of_call(frames, libraries)  # its place among the frames
        if self.call is not None:
            self.kind = kind_of_call(frames[self.call])
            self.signature = Signature(frames[self.call])
            self.collector = Collector.find(frames, self.call)
            self.place = PlaceInCall.find(frames, self.call)
            self.has_descriptor = self.kind in ("network", "process")


class Copier:
    """Makes one copy of one kernel."""

    def __init__(self, kernel: Kernel, thread: int, data: bool, refused: bool, called: bool) -> None:
        self._kernel = kernel
        self._thread = thread
        self._data = data
        self._current = None if refused else kernel.current
        self._running, self._in_step = running_stack(kernel, thread)
        # Whether a task that waits for what is free would have been woken by now. Not while something is ready, nor in
        # the middle of a function of the kernel's or of a lock's, in which a signal or an observer may look. The queue
        # of a guest, which is not found here, tells nothing.
        in_program = self._in_step and not any(library for _, _, library in self._running)
        between = refused or called or kernel.asleep or in_program
        self._settled = between and kernel_here() is kernel and not (kernel.ready or kernel.calls.waiting)
        self._since: Callable[[Task[Any]], float | None] | None = getattr(kernel.tap, "blocked_since", None)
        self._deadlines = deadlines(kernel)
        self._daemons = {task for task in kernel.by_age() if task.daemon}
        self._lines = Lines(kernel, data)
        self._shapes: dict[tuple[int, ...], Shape] = {}  # by the identities of the code and the places in it
        # What is known of native requests, by their identities: many tasks may wait in the same one.
        self._requests: dict[int, tuple[Wait, Place | None]] = {}

    def copy(self) -> KernelCopy:
        kernel = self._kernel
        everyone = in_order(kernel)
        tasks = [self._task(task) for task in everyone]
        native = not hasattr(kernel, "loop")
        in_callback = not (self._in_step or kernel.asleep) and not all(library for _, _, library in self._running)
        busy = self._current is not None or in_callback or len(kernel.ready) > 0
        watched = getattr(kernel.poller, "watched", None)
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        return KernelCopy(
            kind="native" if native else "asyncio", thread=self._thread, thread_name=names.get(self._thread, "?"),
            answered=self._thread == threading.get_ident(), now=float(kernel.clock.now()),
            state="shutting down" if native and kernel.main is None else "running" if busy else "idle",
            ready=len(kernel.ready), timers=len(kernel.timers), descriptors=None if watched is None else watched(),
            lag=getattr(kernel.timers, "late", None),  # a guest's loop does not tell
            stack=self._running if in_callback else [], tasks=tasks, locks=self._lines.read(everyone))

    def _task(self, task: Task[Any]) -> TaskCopy:
        try:
            frames = chain(task)[1]
            shape = self._shapes.get(key := place_key(frames))
            if shape is None:
                shape = self._shapes[key] = Shape(frames)
            stack, state, wait, since, request = shape.stack, "ready", None, None, task.blocked_on
            if task is self._current:
                state = "running"
                if self._in_step:
                    stack = stack[:-1] + self._running
            elif request is not None and (wait := self._wait(task, request, frames, shape)) is not None:
                state = "blocked"
                if self._since is not None:
                    since = self._since(task)
            parent = parent_of(task)
            name = task.name
            if type(name) is not str or len(name) > LONGEST:
                name = cut(str(name))
            above = None if parent is None else self._number(parent)
            return task.id, name, state, task in self._daemons, above, since, wait, stack
        except Exception as error:  # of an attribute of the program's, or since another thread goes on with the task
            return unreadable(task, error)

    def _wait(self, task: Task[Any], request: Any, frames: list[FrameType], shape: Shape) -> Wait | None:
        """What `task` waits for; None if the wait is over, and the task runs next."""
        if type(request) is Sleep:
            text = str(request) if self._data else text_of(task, request, False)
            return "time", text, [], None, self._deadlines.get(id(request)), None, None
        if not is_future(request):
            wait, place = self._requests.get(id(request)) or self._native_wait(task, request, frames)
            if place is not None:
                self._lines.join(task, place)
            return wait
        done = getattr(request, "future", request).done()
        free = None
        if self._settled and done:
            done, free = False, DONE
        elif self._settled and shape.call is not None and shape.kind != "time":
            free = why_free_in_call(frames[-1])
        if shape.call is None:
            return None if done else (kind_of(task, request), cut(text_of(task, request, self._data)),
                                      self._numbers(tasks_behind(request)), None, None, None, free)
        if shape.kind == "time" and not done:  # first, since many tasks sleep
            text = shape.signature.text(frames[shape.call], self._data)
            return "time", text, [], None, self._deadlines.get(id(request)), None, free
        place = None if shape.place is None else shape.place.place(frames)
        if done:
            if place is not None:
                self._lines.leave(task, place)
            return None
        call = frames[shape.call]
        tasks: list[Task[Any]] = []
        if shape.collector is not None:
            tasks = shape.collector.tasks(frames)
        elif place is None:
            tasks = tasks_behind(request)
        return (shape.kind, cut(shape.signature.text(call, self._data)), self._numbers(tasks),
                None if place is None else self._lines.join(task, place), self._deadlines.get(id(request)),
                descriptor_of_call(call) if shape.has_descriptor else None, free)

    def _native_wait(self, task: Task[Any], request: Any, frames: list[FrameType]) -> tuple[Wait, Place | None]:
        place = place_in_request(request)
        tasks = self._numbers(tasks_of_request(request))
        wait = (kind_of(task, request), cut(text_of(task, request, self._data)), tasks,
                None if place is None else self._lines.join(task, place), self._deadlines.get(id(request)),
                descriptor_of_request(request), why_free(request, lambda: frames[-1]) if self._settled else None)
        self._requests[id(request)] = wait, place
        return wait, place

    def _numbers(self, tasks: Iterable[Task[Any]]) -> list[int]:
        return [found for task in tasks if (found := self._number(task)) is not None]

    def _number(self, task: Task[Any]) -> int | None:
        return number(task) if task.kernel is self._kernel and not task.done() else None


def unreadable(task: Task[Any], error: Exception) -> TaskCopy:
    """What stands in the place of a task's copy that could not be made."""
    try:
        name = cut(str(task.name))
    except Exception:
        name = "?"
    wait: Wait = "other", f"<cannot be read: {type(error).__name__}>", [], None, None, None, None
    return number(task), name, task.state, False, None, None, wait, []


def running_stack(kernel: Kernel, thread: int) -> tuple[list[Spot], bool]:
    """What the thread of `kernel` is executing, outermost first, without the kernel; and whether that is a task's."""
    spots: list[Spot] = []
    frame = sys._current_frames().get(thread)
    while frame is not None and kernel_of(frame) is not kernel:
        if frame.f_code is Task.run.__code__:
            return spots[::-1], True
        if not str(frame.f_globals.get("__name__", "")).startswith(_LOOKING):  # which only looks
            spots.append((frame.f_code, frame.f_lasti, of_library(frame)))
        frame = frame.f_back
    return spots[::-1], False


def deadlines(kernel: Kernel) -> dict[int, float]:
    """When what tasks sleep in will be over: by the identity of the timer, or of the future that a call completes."""
    found: dict[int, float] = {}
    for deadline, _, timer in list(kernel.timers.heap):
        if not timer.dead and deadline < math.inf:
            args = getattr(timer, "_args", None)  # of a call of an event loop
            found[id(args[0] if args else timer)] = deadline
    return found


def descriptor_of_request(request: object) -> int | None:
    """The descriptor that a native request waits for, if it does."""
    descriptor = getattr(request, "fd", getattr(getattr(request, "endpoint", None), "descriptor", None))
    return descriptor if isinstance(descriptor, int) and descriptor >= 0 else None


def descriptor_of_call(frame: FrameType) -> int | None:
    """The descriptor that a function of asyncio waits for, if it does: of a stream's transport, or of a socket."""
    local = frame.f_locals
    transport = getattr(local.get("self"), "_transport", None)
    descriptor = getattr(transport, "_sock_fd", None)
    sock = local.get("sock")
    if descriptor is None and isinstance(sock, socket.socket):
        descriptor = sock.fileno()
    return descriptor if isinstance(descriptor, int) and descriptor >= 0 else None


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
