"""The observer that records: it makes a row of each step, wake, spawn and end, while the program runs.

What is done for each step decides what recording costs. So a step is one row, and a request that the same line makes
again has its number already.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from itertools import repeat
from time import monotonic_ns
from types import CoroutineType, FrameType, GeneratorType, NoneType
from typing import Any, ClassVar

from ..deadlock import Deadlock
from ..devices import MonotonicClock
from ..insight.events import Cause
from ..insight.names import number
from ..insight.requests import (LIMIT, chain, has_frame, is_future, kind_of, shown, text_of, without_arguments,
                                without_state)
from ..insight.watching import Observer, StandIn, Watch, answer_to
from ..net.endpoints import Attempt
from ..snapshots.copying import Shape, cut, descriptor_of_call, descriptor_of_request
from ..snapshots.relations import place_in_request, tasks_behind, tasks_of_request
from ..syscalls import Call, Checkpoint, Sleep, Syscall
from ..task import Task
from .rows import (CANCELLED, CLOCK, COUNTS, EXIT, KINDS, NO_DESCRIPTORS, RAISED, RETURNED, SPAWN, STEP, UNKNOWN_CAUSE, WAIT,
                   WAKE)
from .tables import Tables
from .things import Things
from .writing import stack_definition

MANY = 50  # tasks that one request waits for, of which the recording has the numbers
TICK = 1_000_000  # nanoseconds between two rows with counts
PLAIN = frozenset([NoneType, type(iter(())), repeat])  # what code can be suspended in that has no frame
BEFORE = Cause("before", "what was before the recording")  # has made the tasks that are there when it begins


class Track(Observer):
    """Records one kernel."""

    def __init__(self, tables: Tables, watch: Watch) -> None:
        self.tables = tables
        self.data = tables.data
        self.define = tables.writer.definitions.append
        self.note: Callable[[tuple[int, ...]], None] = tables.writer.rows.extend
        kernel = watch.kernel
        self.kernel = kernel
        self._kernel_id = watch.kernel_id
        self._watch: Watch = weakref.proxy(watch)  # which holds this object
        self.number = next(tables.kernels)
        self.virtual = type(kernel.clock) is not MonotonicClock
        self._shows = self._clock()
        self._watched = getattr(kernel.poller, "watched", None)
        self.due = 0  # when the next tick is
        self._stacks: dict[tuple[Any, ...], Stack] = {}
        self._lines: dict[int, tuple[Any, dict[Any, int]]] = {}
        self._descriptor_causes: dict[int, int] = {}
        self.things = Things(kernel, self.number, tables, self.number_of)
        self.define({
            "kernel": self.number, "kind": "asyncio" if watch.is_loop else "native",
            "clock": "virtual" if self.virtual else "real", "at": monotonic_ns(), "shows": self._shows})
        self.looks = self.virtual  # whether there is anything to look at before and after each step
        self.context_type: type[RecordedContext] = type("Context", (RecordedContext,), {
            "__slots__": (), "track": self, "note": staticmethod(self.note)})
        if self.virtual:
            self._begin_to_look()

    def _begin_to_look(self) -> None:
        self.looks = True
        self.context_type.run = RecordedContext.run_and_look  # type: ignore[method-assign]  # of this kernel's own class

    def _clock(self) -> int:
        """What the kernel's clock shows, in nanoseconds."""
        return int(self.kernel.clock.now() * 1e9)

    def deadline(self, seconds: float, until: bool) -> int:
        """When a wait of so many seconds will be over, on the kernel's clock, in nanoseconds."""
        if not -1e9 < seconds < 1e9:  # for ever
            return 0
        return int((seconds if until else self.kernel.clock.now() + seconds) * 1e9)

    def look(self, now: int) -> None:
        """Note what has changed without a word: what a clock shows that is not the real one, and the state of things."""
        if self.virtual and (shows := self._clock()) != self._shows:
            self._shows = shows
            self.note((KINDS * self.number + CLOCK, now, shows))
        if self.things.live:
            try:
                self.things.look(now)
            except Exception as error:  # of a class of the program's
                self.kernel.report("what tasks wait at could not be recorded", error)

    # Tasks come and go.

    def attach(self, task: Task[Any]) -> None:
        try:
            cause = self._cause()
            if self.looks:
                self.look(monotonic_ns())
            self._join(task, cause)
        except Exception as error:  # of a name, for example, which may be an object of the program's
            self.kernel.report(f"that {task} was made could not be recorded", error)

    def adopt(self, task: Task[Any]) -> None:
        stand_in = self._join(task, self.tables.causes.number(BEFORE, self.tables.tasks))
        if task.blocked_on is not None:
            now = monotonic_ns()
            number, deadline, awaited = self.ask(stand_in, task.code, task.blocked_on)
            self.note((stand_in.head + WAIT, now, now, number, 0, deadline, awaited))

    def _join(self, task: Task[Any], cause: int) -> RecordedContext:
        tables = self.tables
        stand_in = self.context_type()
        stand_in.inner = task.context
        stand_in.since = None
        made = next(tables.made)
        stand_in.head = KINDS * made
        stand_in.task = weakref.ref(task)
        stand_in.pending = None
        stand_in.waiting = False
        tables.tasks[self._kernel_id, number(task)] = made
        code = task.code
        stand_in.code = code if type(code) is CoroutineType else None
        code = getattr(code, "cr_code", None) or getattr(code, "gi_code", None)
        stand_in.lines = self._lines.setdefault(id(code), (code, {}))[1]
        task.context = stand_in  # type: ignore[assignment]  # a stand-in
        name, suffix = task.name, 0
        if name.startswith("Task-") and name[5:].isdecimal():  # of asyncio's, which numbers them
            name, suffix = "Task-", int(name[5:])
        daemon = getattr(task, "daemon", False)
        key = id(code), name, daemon
        sort = tables.sorts.known.get(key) or tables.sorts.number(
            key, kernel=self.number, name=cut(name), daemon=daemon,
            place=None if code is None else [code.co_filename, code.co_firstlineno, code.co_qualname])
        self.note((stand_in.head + SPAWN, monotonic_ns(), cause, sort, task.id, suffix))
        return stand_in

    def renamed(self, task: Task[Any]) -> None:
        self.define({"renamed": self.number_of(task), "name": cut(str(task.name))})

    def queued(self, task: Task[Any]) -> None:
        stand_in: Any = task.context
        if type(stand_in) is not self.context_type:
            stand_in = self.stand_in_of(task)
        if not stand_in.waiting:
            return
        stand_in.waiting = False
        kernel = self.kernel
        if kernel.current is task:  # it is answered by way of the ready queue
            return
        if self.looks:
            self.look(monotonic_ns())
        self.note((stand_in.head + WAKE, monotonic_ns(), self._cause()))

    def _cause(self) -> int:
        """The number of the cause of what happens now."""
        current: Any = self.kernel.current
        if current is not None:
            return -self.number_of(current)
        event = self.kernel.firing
        if not isinstance(event, Attempt):
            return self.tables.causes.number(self._watch.cause(), self.tables.tasks)
        descriptor = event.endpoint.descriptor
        known = self._descriptor_causes.get(descriptor)
        if known is None:
            known = self._descriptor_causes[descriptor] = self.tables.causes.number(self._watch.cause(), self.tables.tasks)
        return known

    def exit(self, task: Task[Any], value: Any, error: BaseException | None) -> None:
        stand_in = self.stand_in_of(task)
        if error is None:
            how, text = RETURNED, 0 if value is None else self.text(value)
        else:
            how = CANCELLED if isinstance(error, task.cancelled_type) else RAISED
            text = self.error(error)
        self.note((stand_in.head + EXIT, monotonic_ns(), how, text))
        self.tables.ended(self._kernel_id, task.id)

    def deadlock(self, error: Deadlock) -> None:
        tasks = [self.number_of(task) for task in error.tasks]
        self.define({
            "deadlock": str(error) if self.data else type(error).__name__, "kernel": self.number, "time": monotonic_ns(), "tasks": tasks})

    def stand_in_of(self, task: Task[Any]) -> RecordedContext:
        """The stand-in that this observer has put in place for the context of `task`."""
        stand_in: Any = task.context
        while type(stand_in) is not self.context_type:
            stand_in = stand_in.inner
        return stand_in

    def number_of(self, task: Task[Any]) -> int:
        """The number of `task` in the recording."""
        return self.stand_in_of(task).head // KINDS

    # Steps.

    def text(self, value: Any) -> int:
        """The number of what is shown of a value."""
        if not self.data:
            text = f"<{type(value).__name__}>"
        elif value.__class__ is bytes:  # `echo` of the benchmarks
            text = repr(value) if len(value) <= LIMIT else f"{value[:LIMIT]!r}..."
        else:
            text = shown(value, LIMIT)
        return self.tables.texts.known.get(text) or self.tables.texts.number(text, value=text)

    def error(self, error: BaseException) -> int:
        text = type(error).__qualname__
        if self.data and (message := shown(str(error), LIMIT)[1:-1]):
            text += f": {message}"
        return self.tables.texts.number(text, value=text)

    def answered(self, stand_in: RecordedContext, thrown: bool, value: Any) -> int:
        """The number of the answer with which a task goes on; negative for an error."""
        request, stand_in.pending = stand_in.pending, None
        error: BaseException | None = value if thrown else None
        if request is not None:
            task = stand_in.task()
            if task is None:
                return 0
            value, error = answer_to(task, request, thrown, value)
        if error is not None:
            return -self.error(error)
        return 0 if value is None else self.text(value)

    def ask(self, stand_in: RecordedContext, code: Any, request: Any, place: Any = None) -> tuple[int, int, int]:
        """The numbers of the request and of what the task will wait at, and when its wait will be over by itself.

        `place` says where in its code the task is, if that is known.
        """
        stand_in.waiting = request is not None
        task = stand_in.task()
        assert task is not None  # it makes a step
        try:
            key = key_of(task, code) if place is None else (id(stand_in.lines), place)
            stack = self._stacks.get(key)
            if stack is None:
                stack = self._stacks[key] = Stack(self.tables, chain(task)[1])
            if isinstance(request, Attempt):
                number = stack.ask_again(self, task, request)
                if place is not None:
                    stand_in.operations.add(type(request))
                    stand_in.lines[place, type(request), request.endpoint.descriptor] = number
            elif request is None:
                number = stack.ask_again(self, task, request)
                if place is not None:
                    stand_in.lines[place] = number
            else:
                return stack.ask(self, stand_in, task, request)
            return number, 0, 0
        except Exception as error:  # of a class of the program's: it makes no difference to the task
            self.kernel.report(f"what {task} asks for could not be recorded", error)
            return 0, 0, 0

    def thing(self, thing: Any) -> int:
        """The number of what a task waits at."""
        if not self.looks:
            self._begin_to_look()
        return self.things.number(thing)

    def tick(self, now: int) -> None:
        """What is not done for each step: note how many tasks are ready, and the like."""
        kernel = self.kernel
        self.due = now + TICK
        descriptors = NO_DESCRIPTORS if self._watched is None else self._watched()
        late = getattr(kernel.timers, "late", 0.0)
        self.note((KINDS * self.number + COUNTS, now, len(kernel.ready), len(kernel.timers), descriptors, int(late * 1e9)))
        self.tables.writer.pack()


def is_code(request: Any) -> bool:
    """Whether a task that yields `request` calls it."""
    return hasattr(request, "send") and not isinstance(request, Syscall) and not is_future(request)


def key_of(task: Task[Any], code: Any) -> tuple[Any, ...]:
    """What is the same for tasks that are suspended at the same place, for a table that holds the code's objects."""
    key: tuple[Any, ...] = ()
    for piece in (*task.callers, code) if task.callers else (code,):
        while True:
            if piece.__class__ is CoroutineType:
                frame, piece = piece.cr_frame, piece.cr_await
            elif piece.__class__ is GeneratorType:
                frame, piece = piece.gi_frame, piece.gi_yieldfrom
            else:
                break
            if frame is not None:
                key = key, id(frame.f_code), frame.f_lasti
    if has_frame(piece.__class__):
        for frame in chain(task)[1]:  # there are other objects in it, such as async generators
            key = key, id(frame.f_code), frame.f_lasti
    return key


class Stack:
    """A place in the program where tasks ask, and what they have asked for there."""

    def __init__(self, tables: Tables, frames: list[FrameType]) -> None:
        self._shape = shape = Shape(frames)
        spots = [(code, offset) for code, offset, library in shape.stack if not library]
        spots = spots or [(code, offset) for code, offset, _ in shape.stack[-1:]]
        key = tuple((id(code), offset) for code, offset in spots)
        number = tables.stacks.known.get(key)
        if number is None:
            number = tables.stacks.add(key)
            tables.writer.definitions.append(stack_definition(number, spots))
        self.number = number
        self._known: dict[Any, int] = {}  # requests that are the same each time: the number by their class

    def ask_again(self, track: Track, task: Task[Any], request: Any) -> int:
        """The number of a request which has a text that is the same each time: a bare yield, an operation."""
        key = None if request is None else (type(request), request.endpoint.descriptor)
        known = self._known.get(key)
        if known is None:
            if request is None:
                text, kind = self._text(track, task, None)
                known = self._number(track, text, kind, yields=True)
            else:
                known = self._number(track, without_arguments(text_of(task, request)), "network", queued=True,
                                     descriptor=request.endpoint.descriptor)
            self._known[key] = known
        return known

    def ask(self, track: Track, stand_in: RecordedContext, task: Task[Any], request: Any) -> tuple[int, int, int]:
        """The numbers of another request and of what it waits at, and its deadline."""
        shape = self._shape
        if shape.call is not None and shape.kind == "network":
            return self._operation(track, task), 0, 0
        deadline, thing, tasks = 0, 0, []
        text, kind = self._text(track, task, request)
        descriptor: int | None = None
        details: dict[str, Any] = {}
        if request.__class__ is Checkpoint:
            details["yields"] = True
        elif request.__class__ is Sleep:
            deadline = track.deadline(request.seconds, request.until)
        elif request.__class__ is Call or is_code(request):
            details["calls"] = True
        elif not is_future(request):
            place = place_in_request(request)
            thing = 0 if place is None else track.thing(place.thing)
            tasks = tasks_of_request(request)
            descriptor = descriptor_of_request(request)
        else:
            if shape.call is None:
                stand_in.pending = request  # has the answer; a function of the library gives another one
                tasks = tasks_behind(request)
            else:
                frames = chain(task)[1]
                call = frames[shape.call]
                if kind == "time" and isinstance(delay := call.f_locals.get("delay"), (int, float)):
                    deadline = track.deadline(delay, False)
                place = None if shape.place is None else shape.place.place(frames)
                if place is not None:
                    thing = track.thing(place.thing)
                elif shape.collector is not None:
                    tasks = shape.collector.tasks(frames)
                else:
                    tasks = tasks_behind(request)
                if shape.has_descriptor:  # of a process
                    descriptor = descriptor_of_call(call)
        if len(tasks) == 1 and not thing and isinstance(request, Task) and shape.call is None:
            return self._number(track, "wait", "task"), 0, -track.number_of(tasks[0])
        if tasks:
            details["tasks"] = [track.number_of(other) for other in tasks[:MANY]
                                if other.kernel is task.kernel and not other.done()]
        if descriptor is not None:
            details["descriptor"] = descriptor
        if thing:
            details["thing"] = thing
        return self._number(track, text, kind, **details), deadline, thing

    def _operation(self, track: Track, task: Task[Any]) -> int:
        """The number of an operation on a connection in asyncio: `echo` of the benchmarks."""
        call = chain(task)[1][self._shape.call or 0]
        descriptor = descriptor_of_call(call)
        known = self._known.get(descriptor)
        if known is None:
            details = {} if descriptor is None else {"descriptor": descriptor}
            known = self._known[descriptor] = self._number(track, self._shape.signature.text(call, False), "network",
                                                           **details)
        return known

    def _text(self, track: Track, task: Task[Any], request: Any) -> tuple[str, str]:
        """The request as the program wrote it, and its kind."""
        shape = self._shape
        if shape.call is not None and (request is None or is_future(request)):
            return shape.signature.text(chain(task)[1][shape.call], track.data), shape.kind
        if request is None:
            return "yield", "time"
        if is_code(request):
            request = Call(request)
        return without_state(text_of(task, request, track.data)), kind_of(task, request)

    def _number(self, track: Track, text: str, kind: str, **details: Any) -> int:
        text = cut(text)
        key = self.number, text, *[tuple(value) if isinstance(value, list) else value for value in details.values()]
        known = track.tables.requests.known.get(key)
        return known or track.tables.requests.number(key, stack=self.number, text=text, kind=kind, **details)


class RecordedContext(StandIn):
    """Records what the task does in each of its steps."""

    __slots__ = ("code", "head", "lines", "pending", "task", "waiting")

    track: Track
    note: Callable[[tuple[int, ...]], None]
    head: int  # the first number of the task's rows, but for the kind
    task: Callable[[], Task[Any] | None]
    code: Any  # of the task, if it is a coroutine
    lines: dict[Any, int]  # numbers of requests, by the place, and what the request is made to
    operations: ClassVar[set[type]] = set()  # classes of operations on connections, of which `lines` has numbers
    pending: Any  # what the task asks, if only that has the answer: a future
    waiting: bool

    def run(self, resume: Callable[[Any, Any], Any], code: Any, value: Any) -> Any:
        begin = monotonic_ns()
        answer = 0
        if value is not None or self.pending is not None:
            answer = self.track.answered(self, resume is type(code).throw, value)
        try:
            request = self.inner.run(resume, code, value)
        except BaseException:
            self.note((self.head + STEP, begin, monotonic_ns(), 0, answer))
            raise
        finally:
            del value  # it may be an exception, whose traceback has this frame: they would hold each other
        end = monotonic_ns()
        # Where the task is, down to the last coroutine: for that place the number of a bare yield is known, and that of
        # an operation on a connection. These are the rows `switch` and `echo` of the benchmarks.
        place: Any = None
        awaited: Any
        if code is self.code:
            place, awaited = code.cr_frame.f_lasti, code.cr_await
            while awaited.__class__ is CoroutineType:
                place, awaited = (place, id(awaited.cr_code), awaited.cr_frame.f_lasti), awaited.cr_await
            if awaited.__class__ is GeneratorType and awaited.gi_yieldfrom is None:
                place = place, id(awaited.gi_code), awaited.gi_frame.f_lasti
            elif awaited.__class__ not in PLAIN and has_frame(awaited.__class__):
                place = None
        if request is None:
            number = self.lines.get(place)
            if number is not None and not answer:
                self.note((self.head, begin, end, number))
                if end > self.track.due:
                    self.track.tick(end)
                return request
        elif request.__class__ in self.operations:
            number = self.lines.get((place, request.__class__, request.endpoint.descriptor))  # type: ignore[attr-defined]
            self.waiting = True
        else:
            number = None
        if number is not None:
            self.note((self.head + STEP, begin, end, number, answer))
        else:
            number, deadline, awaited = self.track.ask(self, code, request, place)
            if deadline or awaited:
                self.note((self.head + WAIT, begin, end, number, answer, deadline, awaited))
            else:
                self.note((self.head + STEP, begin, end, number, answer))
        if end > self.track.due:
            self.track.tick(end)
        return request

    def run_and_look(self, resume: Callable[[Any, Any], Any], code: Any, value: Any) -> Any:
        """In the place of `run`, where there is something to look at."""
        track = self.track
        track.look(monotonic_ns())
        try:
            return RecordedContext.run(self, resume, code, value)
        finally:
            del value  # as above
            track.look(monotonic_ns())
