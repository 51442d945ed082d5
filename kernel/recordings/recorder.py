"""The observer that records: it makes a row of each step, wake, spawn and end, while the program runs.

What is done for each step decides what recording costs. So a step is one row, and a request that the same line makes
again has its number already.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from itertools import repeat
from time import monotonic_ns
from types import CoroutineType, GeneratorType, NoneType
from typing import Any, ClassVar

from ..deadlock import Deadlock
from ..devices import MonotonicClock
from ..insight.events import Cause
from ..insight.names import label, number
from ..insight.requests import LIMIT, chain, error_text, has_frame, is_future, shown
from ..insight.watching import Observer, StandIn, Watch, answer_to
from ..net.endpoints import Attempt
from ..snapshots.copying import cut
from ..syscalls import Syscall
from ..task import Task
from .networks import NetworkTrack
from .questions import Question, Site, key_of
from .rows import (CANCELLED, CLOCK, COUNTS, EXIT, FIRST_TASK, KINDS, MOVED, NO_DESCRIPTORS, RAISED, RETURNED, SPAWN, STEP,
                   WAIT, WAKE)
from .tables import Tables
from .things import Things
from .writing import stack_definition

BY_QUEUE = 2  # how a task waits for an operation on a connection
MANY = 50  # tasks that one request waits for, of which the recording has the numbers
MOST_BYTES, MOST_SIMPLE = 2048, 500  # of the values, of each type, whose text is known without making it
MOST_SITES = 10_000  # places in the program that are known
TICK = 1_000_000  # nanoseconds between two rows with counts
TUPLE_ITERATOR = type(iter(()))  # what `checkpoint()` awaits
AWAIT = Syscall.__await__.__code__  # in which nearly all native requests are awaited
PLAIN = frozenset([NoneType, TUPLE_ITERATOR, repeat])  # what code can be suspended in that has no frame
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
        self.number = 0  # until there is a task
        self._is_loop = watch.is_loop
        tables.forget_kernel(self._kernel_id)  # another one, which is gone, had this identity
        self.virtual = type(kernel.clock) is not MonotonicClock
        self._shows = self._clock()
        self._watched = getattr(kernel.poller, "watched", None)
        self._network: NetworkTrack | None = None  # of a simulated kernel
        self.due = 0  # when the next tick is
        self._sites: dict[tuple[Any, ...], Site] = {}
        self._lines: dict[int, tuple[Any, dict[Any, int]]] = {}
        self._descriptor_causes: dict[int, int] = {}
        self._simple: dict[type, dict[Any, int]] = {bytes: {}, int: {}, str: {}}  # numbers of texts by values
        self.things = Things(kernel, tables, self.number_of)
        self._begun: Task[Any] | None = None  # the task that was running when the recording began, until it is known where
        self.looks = self.virtual  # whether there is anything to look at before and after each step
        self.context_type: type[RecordedContext] = type("Context", (RecordedContext,), {
            "__slots__": (), "track": self, "note": self.note})
        if self.virtual:
            self._begin_to_look()

    def _begin_to_look(self) -> None:
        self.looks = True
        if self._begun is None:
            self.context_type.run = RecordedContext.run_and_look  # type: ignore[method-assign]  # this kernel's own class

    def _clock(self) -> int:
        """What the kernel's clock shows, in nanoseconds."""
        return int(self.kernel.clock.now() * 1e9)

    def _deadline(self, seconds: float, until: bool) -> int:
        """When a wait of so many seconds will be over, on the kernel's clock, in nanoseconds."""
        if not -1e9 < seconds < 1e9:  # for ever
            return 0
        return int((seconds if until else self.kernel.clock.now() + seconds) * 1e9)

    def look(self, now: int, woken: Task[Any] | None = None) -> None:
        """Note what has changed without a word: what a clock shows that is not the real one, and the state of things."""
        self.look_at_clock(now)
        if self.things.live:
            try:
                self.things.look(now, woken)
            except Exception as error:  # of a class of the program's
                self._failed("what tasks wait at", error)

    def look_at_clock(self, now: int) -> None:
        if self.virtual and (shows := self._clock()) != self._shows:
            self._shows = shows
            self.note((KINDS * self.number + CLOCK, now, shows))

    # Tasks come and go.

    def attach(self, task: Task[Any]) -> None:
        try:
            cause = self._cause()
            if self.looks and self.number:
                self.look(monotonic_ns())
            self._join(task, cause)
        except Exception as error:  # of a name, for example, which may be an object of the program's
            self._failed("a new task", error)

    def adopt(self, task: Task[Any]) -> None:
        self._join(task, self.tables.causes.number(BEFORE, self.tables.tasks))
        if task.blocked_on is not None:
            self.moved(task)
        elif task is self.kernel.current:
            self._begun = task
            self.context_type.run = RecordedContext.run_first  # type: ignore[method-assign]  # as above

    def finish_first_step(self) -> None:
        """Note where the task is that was running when the recording began: nobody was told of the end of its step."""
        task, self._begun = self._begun, None
        self.context_type.run = (  # type: ignore[method-assign]  # as above
            RecordedContext.run_and_look if self.looks else RecordedContext.run)
        if task is not None and task.blocked_on is not None:
            self.moved(task)

    def _define_kernel(self) -> None:
        self.number = self.things.kernel_number = next(self.tables.kernels)
        self.define({"kernel": self.number, "kind": "asyncio" if self._is_loop else "native",
                     "clock": "virtual" if self.virtual else "real", "at": monotonic_ns(), "shows": self._shows})
        poller: Any = self.kernel.poller
        if hasattr(poller, "host_of"):
            self._network = NetworkTrack(self.tables, self, poller)

    def _join(self, task: Task[Any], cause: int) -> RecordedContext:
        tables = self.tables
        if not self.number:
            self._define_kernel()
        stand_in = self.context_type()
        stand_in.inner = task.context
        stand_in.since = None
        made = self.number_of(task)
        stand_in.head = KINDS * made
        stand_in.task = weakref.ref(task)
        stand_in.pending = None
        stand_in.waiting = False
        code = task.code
        stand_in.code = code if type(code) is CoroutineType else None
        code = getattr(code, "cr_code", None) or getattr(code, "gi_code", None)
        stand_in.lines = self._lines.setdefault(id(code), (code, {}))[1]
        task.context = stand_in  # type: ignore[assignment]  # a stand-in
        name, suffix = self._name(task), 0
        if name.startswith("Task-") and name[5:].isdecimal():  # of asyncio's, which numbers them
            name, suffix = "Task-", int(name[5:])
        daemon = getattr(task, "daemon", False)
        host = 0 if self._network is None else self._network.host_of(task)
        key = self.number, id(code), name, daemon, host
        sort = tables.sorts.known.get(key) or tables.sorts.number(
            key, kernel=self.number, name=name, daemon=daemon,
            place=None if code is None else [code.co_filename, code.co_firstlineno, code.co_qualname],
            **({"host": host} if host else {}))
        self.note((stand_in.head + SPAWN, monotonic_ns(), cause, sort, task.id, suffix))
        return stand_in

    def _name(self, task: Task[Any]) -> str:
        try:
            return cut(str(task.name))
        except Exception as error:
            self._failed("the name of a task", error)
            return "?"

    def renamed(self, task: Task[Any]) -> None:
        self.define({"renamed": self.number_of(task), "name": self._name(task)})

    def queued(self, task: Task[Any]) -> None:
        stand_in: Any = task.context
        if type(stand_in) is not self.context_type:
            stand_in = self.stand_in_of(task)
        waiting, stand_in.waiting = stand_in.waiting, False
        if waiting == BY_QUEUE and self.kernel.current is task:  # it is answered at once, by way of the ready queue
            return
        if self._begun is not None:
            self.finish_first_step()
        if not waiting:
            return
        if self.looks:
            self.look(monotonic_ns(), task)
        self.note((stand_in.head + WAKE, monotonic_ns(), self._cause()))

    def moved(self, task: Task[Any]) -> None:
        stand_in = self.stand_in_of(task)
        number, _, awaited = self.ask(stand_in, task.code, task.blocked_on)
        self.note((stand_in.head + MOVED, monotonic_ns(), number, awaited))

    def _cause(self) -> int:
        """The number of the cause of what happens now."""
        if self.kernel.current is not None:
            return -self.number_of(self.kernel.current)
        event = self.kernel.firing
        if not isinstance(event, Attempt):
            return self.tables.causes.number(self._watch.cause(), self.tables.tasks)
        descriptor = event.endpoint.descriptor
        known = self._descriptor_causes.get(descriptor)
        if known is None:
            known = self._descriptor_causes[descriptor] = self.tables.causes.number(self._watch.cause(), self.tables.tasks)
        return known

    def exit(self, task: Task[Any], value: Any, error: BaseException | None) -> None:
        how = RETURNED if error is None else CANCELLED if isinstance(error, task.cancelled_type) else RAISED
        try:
            text = self.error(error) if error is not None else 0 if value is None else self.text(value)
        except Exception as failure:
            text = self._failed("how a task ended", failure)
        self.note((KINDS * self.number_of(task) + EXIT, monotonic_ns(), how, text))
        self.tables.ended(self._kernel_id, task.id)

    def _failed(self, what: str, error: Exception) -> int:
        """Report that something could not be recorded, since an object of the program's fails. Returns the number 0."""
        self.kernel.report(f"{what} could not be recorded", error)
        return 0

    def deadlock(self, error: Deadlock) -> None:
        tasks = [self.number_of(task) for task in error.tasks]
        self.define({"deadlock": str(error) if self.data else type(error).__name__, "kernel": self.number,
                     "time": monotonic_ns(), "tasks": tasks})

    def stand_in_of(self, task: Task[Any]) -> RecordedContext:
        """The stand-in that this observer has put in place for the context of `task`."""
        stand_in: Any = task.context
        while type(stand_in) is not self.context_type:
            stand_in = stand_in.inner
        return stand_in

    def number_of(self, task: Task[Any]) -> int:
        """The number of `task` in the recording."""
        tasks = self.tables.tasks
        key = self._kernel_id, number(task)
        found = tasks.get(key)
        if found is None:  # another task waits for it, which was recorded before
            found = tasks[key] = next(self.tables.made)
        return found

    # Steps.

    def text(self, value: Any) -> int:
        """The number of what is shown of a value."""
        if not self.data:
            text = f"<{type(value).__name__}>"
        elif isinstance(value, Task) and id(value.kernel) == self._kernel_id:
            return FIRST_TASK + self.number_of(value)
        else:
            text = shown(value, LIMIT)
        number = self.tables.texts.known.get(text) or self.tables.texts.number(text, value=text)
        simple = self._simple.get(value.__class__)
        if simple is not None and (value.__class__ is int or len(value) <= MOST_BYTES):
            if len(simple) >= MOST_SIMPLE:
                simple.clear()
            simple[value] = number
        return number

    def error(self, error: BaseException) -> int:
        text = error_text(error, self.data)
        return self.tables.texts.number(text, value=text)

    def answered(self, stand_in: RecordedContext, thrown: bool, value: Any) -> int:
        """The number of the answer with which a task goes on; negative for an error."""
        if stand_in.pending is None and not thrown and (known := self._simple.get(value.__class__)) is not None:
            if value.__class__ is int or len(value) <= MOST_BYTES:
                number = known.get(value)  # `echo` of the benchmarks
                if number is not None:
                    return number
        request, stand_in.pending = stand_in.pending, None
        try:
            error: BaseException | None = value if thrown else None
            if request is not None:
                value, error = answer_to(stand_in.task(), request, thrown, value)
            if error is not None:
                return -self.error(error)
            if request is not None and stand_in.inside:
                return 0  # the library's function that awaits the future will give another one
            return 0 if value is None else self.text(value)
        except Exception as failure:
            return self._failed("an answer", failure)

    def ask(self, stand_in: RecordedContext, code: Any, request: Any, place: Any = None) -> tuple[int, int, int]:
        """The numbers of the request and of what the task will wait at, and when its wait will be over by itself.

        `place` says where in its code the task is, if that is known.
        """
        stand_in.waiting = BY_QUEUE if isinstance(request, Attempt) else request is not None
        task = stand_in.task()
        assert task is not None  # it makes a step
        try:
            key = key_of(task, code) if place is None else (id(code.cr_code), place)
            site = self._sites.get(key)
            if site is None:
                if len(self._sites) >= MOST_SITES:  # of functions that are made anew again and again
                    self._forget_sites()
                site = self._sites[key] = Site(chain(task)[1])
            always = site.key_of(task, request)
            number = None if always is None else site.known.get(always)
            if number is not None and not isinstance(request, Task):
                return number, 0, 0
            if number is not None and not request.done():
                if is_future(request):
                    stand_in.pending = request
                    stand_in.inside = False
                return number, 0, -self.number_of(request)
            question = site.question(task, request, self.data)
            number, deadline, awaited = self._number(task, site, question)
            if question.answers or question.inside:
                stand_in.pending = request
                stand_in.inside = question.inside
            if always is not None and not (isinstance(request, Task) and awaited >= 0):
                site.known[always] = number
                if place is not None and request is None:
                    stand_in.lines[place] = number
                elif place is not None and isinstance(request, Attempt):
                    stand_in.operations.add(type(request))
                    stand_in.lines[place, type(request), request.endpoint.descriptor] = number
            return number, deadline, awaited
        except Exception as error:  # of a class of the program's: it makes no difference to the task
            return self._failed("a request", error), 0, 0

    def _forget_sites(self) -> None:
        """Forget all places. Their keys are valid as long as the code objects are kept."""
        self._sites.clear()
        for _, lines in self._lines.values():
            lines.clear()
        self._lines.clear()

    def _number(self, task: Task[Any], site: Site, question: Question) -> tuple[int, int, int]:
        """The numbers of a question and of what the task will wait at, and when its wait will be over by itself."""
        details: dict[str, Any] = {name: True for name in ("calls", "yields", "queued", "inside") if getattr(question, name)}
        if question.descriptor is not None:
            details["descriptor"] = question.descriptor
        deadline = 0 if question.seconds is None else self._deadline(question.seconds, question.until)
        awaited = 0
        text = question.text
        if question.thing is not None:
            awaited = details["thing"] = self._thing(question.thing, task)
        elif question.tasks:
            tasks = [self.number_of(other) for other in question.tasks[:MANY]
                     if id(other.kernel) == self._kernel_id and not other.done()]
            if len(tasks) == 1 and text == f"wait({label(question.tasks[0])})":
                text, awaited = "wait", -tasks[0]  # many requests differ in nothing but the task
            else:
                details["tasks"] = tasks
        stack = self._stack(site)
        key = stack, text, question.kind, repr(details)
        known = self.tables.requests.known.get(key)
        if known is None:
            known = self.tables.requests.number(key, stack=stack, text=text, kind=question.kind, **details)
        return known, deadline, awaited

    def _stack(self, site: Site) -> int:
        """The number of the stack at a place in the program."""
        key = tuple((id(code), offset) for code, offset in site.spots)
        number = self.tables.stacks.known.get(key)
        if number is None:
            number = self.tables.stacks.add(key)
            self.define(stack_definition(number, site.spots))
        return number

    def _thing(self, thing: Any, task: Task[Any]) -> int:
        """The number of what a task waits at."""
        if not self.looks:
            self._begin_to_look()
        return self.things.number(thing, task)

    def tick(self, now: int) -> None:
        """What is not done for each step: note how many tasks are ready, and the like."""
        kernel = self.kernel
        self.due = now + TICK
        try:
            descriptors = NO_DESCRIPTORS if self._watched is None else self._watched()
        except Exception as error:
            descriptors = self._failed("how many descriptors are watched", error)
        late = getattr(kernel.timers, "late", 0.0)
        self.note((KINDS * self.number + COUNTS, now, len(kernel.ready), len(kernel.timers), descriptors, int(late * 1e9)))
        self.tables.writer.pack()


def deeper(place: Any, awaited: Any) -> Any:
    """The place in code that awaits `awaited` at `place`; None where it cannot be told so quickly."""
    while awaited.__class__ is CoroutineType:
        place = place, id(awaited.cr_code), awaited.cr_frame.f_lasti  # type: ignore[union-attr]  # it is suspended
        awaited = awaited.cr_await
    if awaited.__class__ is GeneratorType:
        if awaited.gi_code is AWAIT:
            return place
        if awaited.gi_yieldfrom is not None:
            return None
        return place, id(awaited.gi_code), awaited.gi_frame.f_lasti  # type: ignore[union-attr]  # as above
    return None if awaited.__class__ not in PLAIN and has_frame(awaited.__class__) else place


class RecordedContext(StandIn):
    """Records what the task does in each of its steps."""

    __slots__ = ("code", "head", "inside", "lines", "pending", "task", "waiting")

    track: Track
    note: Callable[[tuple[int, ...]], None]
    head: int  # the first number of the task's rows, but for the kind
    task: Callable[[], Task[Any] | None]
    code: Any  # of the task, if it is a coroutine
    lines: dict[Any, int]  # numbers of requests, by the place, and what the request is made to
    operations: ClassVar[set[type]] = set()  # classes of operations on connections, of which `lines` has numbers
    pending: Any  # what the task asks, if only that has the answer: a future
    inside: bool  # whether a function of the library awaits it
    waiting: int  # whether it waits; BY_QUEUE: for an operation, which may be answered at once

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
        if code is self.code:
            place = code.cr_frame.f_lasti
            if code.cr_await.__class__ is not TUPLE_ITERATOR:
                place = deeper(place, code.cr_await)
        if request is None:
            number = self.lines.get(place)
            if number is not None and not answer:
                self.note((self.head, begin, end, number))
                if end > self.track.due:
                    self.track.tick(end)
                return request
        elif request.__class__ in self.operations:
            number = self.lines.get((place, request.__class__, request.endpoint.descriptor))  # type: ignore[attr-defined]
            self.waiting = BY_QUEUE
        else:
            number = None
        if number is not None:
            self.note((self.head + STEP, begin, end, number, answer))
        else:
            number, deadline, waits_at = self.track.ask(self, code, request, place)
            if deadline or waits_at:
                self.note((self.head + WAIT, begin, end, number, answer, deadline, waits_at))
            else:
                self.note((self.head + STEP, begin, end, number, answer))
        if end > self.track.due:
            self.track.tick(end)
        return request

    def run_first(self, resume: Callable[[Any, Any], Any], code: Any, value: Any) -> Any:
        """In the place of `run`, after a step of which the recorder has seen only a part."""
        self.track.finish_first_step()
        try:
            return self.run(resume, code, value)  # which is another one now
        finally:
            del value  # as above

    def run_and_look(self, resume: Callable[[Any, Any], Any], code: Any, value: Any) -> Any:
        """In the place of `run`, where there is something to look at."""
        track = self.track
        track.look(monotonic_ns())
        if (task := self.task()) is not None:
            track.things.leave(task)
        try:
            return RecordedContext.run(self, resume, code, value)
        finally:
            del value  # as above
            track.look(monotonic_ns())
