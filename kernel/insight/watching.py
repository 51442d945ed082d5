"""Watching a kernel at work: observers, and the stand-ins that report to them.

A kernel makes each step of a task through the task's context: a `TappedContext` in its place sees the step begin, and
the request that comes out. It puts each task whose wait is over into a queue: a `TappedQueue` in its place sees that. A
kernel that nobody watches has neither of them, so its steps and wakes cost nothing more. An observer can begin and end
at any time: the stand-ins come with the first one and go with the last.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextvars import Context
from threading import get_ident
from typing import Any

from ..core import Kernel
from ..deadlock import Deadlock
from ..devices import ReadyQueue, Tap
from ..failures import answered_twice
from ..syscalls import Syscall, checkpoint
from ..task import Task
from .causes import FROM_A_THREAD, cause_now, cause_of
from .events import Cause
from .finding import kernel_here
from .requests import is_future

CHECKPOINT = checkpoint()


class Observer:
    """Is told of what a kernel does. Override the methods of interest, and give an instance to `Kernel(observer=...)`,
    or to `kernel.insight.watch` while the kernel runs.

    The kernel calls the methods in its own thread, at once when something happens. That may be in the middle of a
    task's step, since a task that runs can wake another. The methods should not block. The kernel reports an exception
    from them to its exception hook, and goes on.
    """

    def spawn(self, task: Task[Any]) -> None:
        """`task` was made and is ready. `task.kernel.current` is the task that made it, if it was a task."""

    def answer(self, task: Task[Any], request: Syscall[Any], value: Any, error: BaseException | None) -> None:
        """`task` is about to get the answer to `request`: `value`, or `error`, which is raised in it.

        The answer to a future of asyncio's kind is what the future holds. `resume` follows.
        """

    def resume(self, task: Task[Any]) -> None:
        """`task` is about to run."""

    def syscall(self, task: Task[Any], request: Syscall[Any]) -> None:
        """`task` has made `request`. A bare `yield` is a `checkpoint()`."""

    def block(self, task: Task[Any], request: Syscall[Any]) -> None:
        """`request` could not be answered at once: `task` is blocked on it."""

    def wake(self, task: Task[Any]) -> None:
        """The wait of `task` is over, and it is ready.

        A task that was notified of a condition is not ready yet: `block` follows, as it waits for the lock.
        """

    def exit(self, task: Task[Any], value: Any, error: BaseException | None) -> None:
        """`task` is done: it has returned `value`, or has ended with `error`."""

    def deadlock(self, error: Deadlock) -> None:
        """Nothing can wake the blocked tasks: the kernel is about to raise `error` out of its run."""

    # For those that have to be quick: a way round the stand-in that calls the methods above. An observer that uses it
    # is called directly where it is alone.

    def ear(self, watch: Watch) -> Observer:
        """The object whose methods are called for the kernel of `watch`."""
        return self

    def attach(self, task: Task[Any]) -> None:
        """`task` was made: put a `StandIn` in the place of its context."""

    def adopt(self, task: Task[Any]) -> None:
        """The same for a task that was made before the observer came."""

    def renamed(self, task: Task[Any]) -> None:
        """`task` has another name now, since `asyncio.create_task` names some tasks after it has made them."""

    def queued(self, task: Task[Any]) -> None:
        """The wait of `task` is over; or it was put into the ready queue of an event loop for another reason."""

    def moved(self, task: Task[Any]) -> None:
        """After `queued`: `task` is not ready, but waits for what its `blocked_on` says now."""

    def attach_to(self, kernel: Kernel) -> Watch:
        """Begin to watch `kernel`. `Kernel(observer=...)` calls this."""
        return Watch.of(kernel).add(self)


EVENTS = ("spawn", "answer", "resume", "syscall", "block", "wake", "exit", "deadlock", "attach", "adopt", "renamed", "queued",
          "moved")
OF_STEPS = ("answer", "resume", "syscall", "block", "wake")


class Watching:
    """An observer at work, until `stop` is called or the `with` block ends."""

    def __init__(self, observer: Observer, kernel: Kernel) -> None:
        self._observer = observer
        self._kernel: Callable[[], Kernel | None] = weakref.ref(kernel)
        observer.attach_to(kernel)

    def stop(self) -> None:
        """Tell the observer of nothing more. To be called in the kernel's thread. Harmless when it has been called."""
        kernel = self._kernel()
        if kernel is not None and isinstance(kernel.tap, Watch):
            kernel.tap.remove(self._observer)

    def __enter__(self) -> Watching:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()


def watch(observer: Observer, kernel: Kernel | None = None) -> Watching:
    """Have `observer` told of what a kernel does from now on: of `kernel`, or of the one that runs in this thread.

    To be called in the kernel's thread: from a task, a callback, or by `kernel.call_from_thread`. The kernel of an
    event loop of `compat` is `loop.kernel`. Use the result as a block, or call its `stop`. Raises `RuntimeError` when
    no kernel runs here and none is given, and when the observer watches this kernel already; `TypeError` for what is no
    observer.
    """
    if not isinstance(observer, Observer):
        raise TypeError(f"watch() takes an instance of a class derived from kernel.Observer, not {observer!r}")
    kernel = kernel_here() if kernel is None else kernel
    if kernel is None:
        raise RuntimeError("watch() was called where no kernel runs: call it in a task, or give it the kernel")
    return Watching(observer, kernel)


def watch_all(observer: Observer | None) -> None:
    """Have `observer` told of what every kernel does that is made from now on in this process; None ends that."""
    Kernel.tracer = observer


class Watch:
    """A kernel that is watched: puts the stand-ins in place, and tells the observers."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel: Kernel = weakref.proxy(kernel)  # the kernel holds this object
        self.kernel_id = id(kernel)
        self.observers: dict[Observer, Observer] = {}  # each with the one that is told for it
        # The methods to call for each event: those that an observer has written.
        self.hears: dict[str, list[Callable[..., Any]]] = {event: [] for event in EVENTS}
        self.waiting: dict[Task[Any], Syscall[Any]] = {}  # the tasks that are blocked, and on what
        self.is_loop: bool = getattr(kernel, "tapped_whole", False)  # the kernel of an event loop
        self.queue = (LoopQueue if self.is_loop else TappedQueue)(kernel.ready, self)
        self._sees_steps = False  # whether any observer is told of steps
        self._below: Tap | None = kernel.tap  # another tracer's

    @staticmethod
    def of(kernel: Kernel) -> Watch:
        """The watch over `kernel`, which is made unless there is one."""
        return kernel.tap if isinstance(kernel.tap, Watch) else Watch(kernel)

    def add(self, observer: Observer) -> Watch:
        """Begin to tell `observer`."""
        if observer in self.observers:
            raise RuntimeError(f"{observer!r} watches this kernel already; end that first, or make another observer")
        self.observers[observer] = observer.ear(self)
        if len(self.observers) == 1:
            self.kernel.tap = self
            self.kernel.use_queue(self.queue)
        self._arrange()
        return self

    def remove(self, observer: Observer) -> None:
        """End to tell `observer`; with the last one the stand-ins go."""
        if observer not in self.observers:
            return
        del self.observers[observer]
        self._arrange()
        if not self.observers:
            self.waiting.clear()
            self.kernel.tap = self._below
            self.kernel.use_queue(self.queue.queue)

    def _arrange(self) -> None:
        """Have each event go to the observers that ask for it, and put the stand-ins for all contexts in place."""
        for event, methods in self.hears.items():
            methods[:] = [getattr(ear, event) for ear in self.observers.values()
                          if getattr(type(ear), event) is not getattr(Observer, event) or event in vars(ear)]
        self._sees_steps = any(self.hears[event] for event in OF_STEPS)
        vars(self).pop("attach", None)
        vars(self).pop("ended", None)
        if len(self.observers) == 1 and self.hears["attach"] and self._below is None and not self._sees_steps:
            ear, = self.observers.values()
            vars(self).update(attach=ear.attach, ended=ear.exit)  # called directly: `spawn` of the benchmarks
        for task in self.kernel.everyone():
            stand_in: Any = task.context
            pending = getattr(stand_in, "pending", ())
            if not pending and task.blocked_on is not None:
                pending = ((task.code, task.blocked_on),)
                self.waiting[task] = task.blocked_on
            task.context = getattr(stand_in, "context", stand_in)
            self.tell("adopt", task)
            self._tap(task, pending)

    def _tap(self, task: Task[Any], pending: tuple[tuple[Any, Syscall[Any]], ...]) -> None:
        if self._sees_steps:
            task.context = TappedContext(task.context, task, self, pending)  # type: ignore[assignment]  # a stand-in

    def attach(self, task: Task[Any]) -> None:
        self.tell("attach", task)
        self._tap(task, ())
        if self._below is not None:
            self._below.attach(task)
        self.tell("spawn", task)

    def ended(self, task: Task[Any], value: Any, error: BaseException | None) -> None:
        self.waiting.pop(task, None)
        if self._below is not None:
            self._below.ended(task, value, error)
        self.tell("exit", task, value, error)

    def renamed(self, task: Task[Any]) -> None:
        if self._below is not None:
            self._below.renamed(task)
        self.tell("renamed", task)

    def moved(self, task: Task[Any]) -> None:
        self.tell("queued", task)
        self.tell("wake", task)
        if self._below is not None:
            self._below.moved(task)
        assert task.blocked_on is not None
        self.waiting[task] = task.blocked_on
        self.tell("moved", task)
        self.tell("block", task, task.blocked_on)

    def deadlock(self, error: Deadlock) -> None:
        if self._below is not None:
            self._below.deadlock(error)
        self.tell("deadlock", error)

    def tell(self, event: str, *details: Any) -> None:
        """Call the observers' method `event`. If one fails, report that and go on."""
        for hear in self.hears[event]:
            try:
                hear(*details)
            except Exception as error:
                self.failed(event, details, error)

    def failed(self, event: str, details: tuple[Any, ...], error: Exception) -> None:
        """An observer has failed when it was told of an event: it makes no difference to the task."""
        self.kernel.report(f"the observer failed at {event}{details}", error)

    def blocked_since(self, task: Task[Any]) -> float | None:
        """When `task`, which is blocked, began to wait, on the kernel's clock; None when no observer has noted it."""
        stand_in: Any = None if task.blocked_on is None else task.context
        while isinstance(stand_in, StandIn):
            if stand_in.since is not None:
                return stand_in.since
            stand_in = stand_in.inner
        return None

    def cause(self) -> Cause:
        """The cause of what happens now."""
        return cause_now(self.kernel, self.queue.cause)


class StandIn:
    """Stands in for the context of a task: for the real one, or for another stand-in."""

    __slots__ = ("inner", "since")

    inner: Any
    since: float | None  # when the task made the request on which it is blocked, if that is noted

    @property
    def who(self) -> Any:
        """What a recorder keeps of the task."""
        return self.inner.who

    @property
    def context(self) -> Context:
        """The real one."""
        inner = self.inner
        return inner.context if isinstance(inner, StandIn) else inner

    def copy(self) -> Context:
        return self.inner.copy()  # type: ignore[no-any-return]  # of the real one, in the end


class TappedContext(StandIn):
    """Tells the observers of each step of a task, and of each request."""

    __slots__ = ("_task", "pending", "watch")

    def __init__(self, inner: Any, task: Task[Any], watch: Watch,
                 pending: tuple[tuple[Any, Syscall[Any]], ...]) -> None:
        self.inner = inner
        self.since = None
        self._task = weakref.ref(task)  # the task holds this object
        self.watch = watch
        # What the task has asked for and has not been given, each with the code that has asked: code that was called
        # asks before the call is answered.
        self.pending = pending

    def run(self, resume: Callable[[Any, Any], Any], code: Any, value: Any) -> Any:
        watch = self.watch
        hears = watch.hears
        if self.pending and self.pending[-1][0] is code:
            request = self.pending[-1][1]
            self.pending = self.pending[:-1]
            if hears["answer"]:
                watch.tell("answer", self._task(), request, *answer_to(self._task(), request, resume is type(code).throw, value))
        if hears["resume"]:
            watch.tell("resume", self._task())
        try:
            request = self.inner.run(resume, code, value)
        finally:
            del value  # it may be an exception, whose traceback has this frame: they would hold each other
        return TappedRequest(CHECKPOINT if request is None else request, self)


def answer_to(task: Any, request: Any, thrown: bool, value: Any) -> tuple[Any, BaseException | None]:
    """The value and the error with which `task` goes on, which has made `request`."""
    if thrown:
        return None, value
    if is_future(request):  # the task is sent nothing, and asks the future
        future = getattr(request, "future", request)
        if future.cancelled():
            return None, task.cancelled_type()
        return getattr(future, "_result", None), getattr(future, "_exception", None)
    return value, None


class TappedRequest(Syscall[Any]):
    """Stands in for a request: carries it out, and tells the observers of it, and if it blocks the task."""

    __slots__ = ("_context", "_request")

    def __init__(self, request: Any, context: TappedContext) -> None:
        self._request = request
        self._context = context

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        request, context = self._request, self._context
        watch = context.watch
        task.blocked_on = request
        if not isinstance(request, Syscall):
            task.blocked_on = request = task.translate(request)
        context.pending += ((task.code, request),)
        if watch.hears["syscall"]:
            watch.tell("syscall", task, request)
        answered = request.execute(kernel, task)
        if answered and task.blocked_on is None:
            raise answered_twice(request, task)
        if task.blocked_on is not None and not answered:  # on the request, or on another that this has put in its place
            watch.waiting[task] = task.blocked_on
            if watch.hears["block"]:
                watch.tell("block", task, task.blocked_on)
        return answered


class TappedQueue:
    """Stands in for the queue into which a native kernel puts the tasks whose wait is over."""

    def __init__(self, queue: ReadyQueue, watch: Watch) -> None:
        self.queue = queue
        self.cause: Cause | None = None
        self._append = queue.append
        self._waiting = watch.waiting
        self._queued = watch.hears["queued"]
        self._watch: Watch = weakref.proxy(watch)  # which holds this object

    def append(self, item: Any, /) -> None:
        self._append(item)
        try:
            for hear in self._queued:
                hear(item)
        except Exception as error:
            self._watch.failed("queued", (item,), error)
        if self._waiting and self._waiting.pop(item, None) is not None:
            self._watch.tell("wake", item)

    def popleft(self) -> Any:
        return self.queue.popleft()

    def __len__(self) -> int:
        return len(self.queue)


class LoopQueue(TappedQueue):
    """Stands in for the ready queue of an event loop, in which there are callbacks, and tasks for other reasons.

    A callback wakes a task some time after the event that it belongs to. So the cause of each is kept until it has run.
    """

    def __init__(self, queue: ReadyQueue, watch: Watch) -> None:
        super().__init__(queue, watch)
        self._causes: dict[int, Cause] = {}  # by identity: the callbacks need not be hashable
        self._take = queue.popleft
        self._thread = get_ident()  # in which the loop runs

    def append(self, item: Any, /) -> None:
        if isinstance(item, Task) and not item.done():
            if item.kernel.current is item:  # it has yielded without a wait
                self._append(item)
            else:
                super().append(item)
            return
        if self._queued:  # before: another thread may be appending, and this one may run the callback at once
            elsewhere = get_ident() != self._thread
            self._causes[id(item)] = cause_of(item, FROM_A_THREAD if elsewhere else self._watch.cause())
        self._append(item)

    def popleft(self) -> Any:
        item = self._take()
        if self._causes:
            self._thread = get_ident()
            self.cause = self._causes.pop(id(item), None)
        elif self.cause is not None:
            self.cause = None
        return item
