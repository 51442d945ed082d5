"""Synchronisation between the tasks of one kernel: events, locks, semaphores, conditions, barriers.

All of them work alike. What a task makes is a syscall that is answered at once where it can be, and else leaves the
task in a line, first come, first served. Who releases hands over: the first in line owns the lock before it runs, so
nobody can slip in between, and a cancellation that reaches it afterwards finds an owner, who will release. A waiter
that is cancelled leaves the line in constant time and has nothing to give back.

A `Lock` and the syscall that waits for it are two objects. The syscall, one for all who wait, holds the state; the lock
refers to the syscall, and the syscall does not refer to the lock. Otherwise every lock would be a circle of the two,
which only the garbage collector takes apart.

Nothing here is for other threads: `UniversalQueue` and `Kernel.call_from_thread` are.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Generator
from inspect import iscoroutinefunction
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ..checks import check_count
from ..deadlock import Deadlock
from .scopes import ANSWERED, Shielded
from ..syscalls import Syscall, call

if TYPE_CHECKING:
    from ..core import Kernel
    from ..task import Task

T = TypeVar("T")

# The line of those who wait: an ordered set that gives up its first and any other in constant time. A plain dict does
# not: it looks for its first entry behind all those that were deleted there.
Line = OrderedDict["Task[Any]", T]


class Steps(Syscall[T]):
    """A request that is made of several, one after the other.

    `await` and `yield from` make them from the frame of the caller, `yield` on its task's stack.
    """

    __slots__ = ()

    def steps(self) -> Generator[Any, Any, T]:
        raise NotImplementedError

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        return call(self.steps()).execute(kernel, task)

    def __await__(self) -> Generator[Any, Any, T]:
        return self.steps()

    __iter__ = __await__


class EventWait(Syscall[None]):
    """Wait for an event; its state."""

    __slots__ = ("happened", "waiters")

    def __init__(self) -> None:
        self.happened = False
        self.waiters: dict[Task[Any], None] = {}  # a dict as an ordered set

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self.happened:
            return True
        self.waiters[task] = None
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self.waiters[task]

    def describe(self) -> str:
        return f"Event {'set' if self.happened else 'not set'}"

    def __repr__(self) -> str:
        return f"Wait({self.describe()})"


class Event:
    """Something that happens, once or, by way of `clear`, again and again; tasks wait for it."""

    __slots__ = ("_wait",)

    def __init__(self) -> None:
        self._wait = EventWait()

    def is_set(self) -> bool:
        return self._wait.happened

    def set(self) -> None:
        """Wake all who wait, in order; from now on nobody has to wait."""
        self._wait.happened = True
        waiters, self._wait.waiters = self._wait.waiters, {}
        for task in waiters:
            task.wake()

    def clear(self) -> None:
        """From now on tasks have to wait again. Those that `set` has woken go on all the same."""
        self._wait.happened = False

    def wait(self) -> Syscall[None]:
        """Wait until the event is set; answered at once when it is. Cancellation ends the wait at once."""
        return self._wait

    @property
    def waiters(self) -> Collection[Task[Any]]:
        """The tasks that wait."""
        return self._wait.waiters

    def __repr__(self) -> str:
        return self._wait.describe()


class Acquire(Syscall[None]):
    """Wait for a lock; its state."""

    __slots__ = ("depth", "kind", "line", "owner")

    def __init__(self, kind: type[Lock]) -> None:
        self.kind = kind
        self.owner: Task[Any] | None = None
        self.depth = 1  # how often the owner has acquired it
        self.line: Line[int] = OrderedDict()  # who waits, and how often each will have acquired it then

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self.owner is None:
            self.owner = task
            return True
        return self.taken(task)

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self.line[task]

    def taken(self, task: Task[Any]) -> bool:
        """Have `task` wait for the lock, which somebody holds."""
        if self.owner is task:
            raise Deadlock(f"{task} would wait for itself", [task], "(An RLock can be acquired again by its owner.)")
        self.line[task] = 1
        return False

    def hand_over(self) -> int:
        """Make the first that waits the owner, or nobody; return how often the owner so far had acquired it."""
        depth = self.depth
        if self.line:
            self.owner, self.depth = self.line.popitem(last=False)
            self.owner.wake()
        else:
            self.owner = None
            self.depth = 1
        return depth

    def enqueue(self, task: Task[Any], depth: int) -> None:
        """Have `task`, which is blocked on something else, wait for the lock instead."""
        self.line[task] = depth
        task.blocked_on = self

    def check_owner(self, action: str) -> None:
        """`RuntimeError` unless the running task holds the lock."""
        owner = self.owner
        if owner is None:
            raise RuntimeError(f"cannot {action} {self.describe()}, which nobody holds; acquire it first")
        who = owner.kernel.current
        if who is not owner:
            raise RuntimeError(f"{who or 'code outside of tasks'} cannot {action} {self.describe()}; "
                               "only the task that holds it can")

    def describe(self) -> str:
        if self.owner is None:
            return f"{self.kind.__name__} held by nobody"
        return f"{self.kind.__name__} held by {self.owner}{', which has ended' if self.owner.done() else ''}"

    def __repr__(self) -> str:
        return f"Acquire({self.describe()})"


class AcquireAgain(Acquire):
    """Wait for a lock that its owner can acquire again; its state."""

    __slots__ = ()

    def taken(self, task: Task[Any]) -> bool:
        if self.owner is task:
            self.depth += 1
            return True
        self.line[task] = 1
        return False


class Lock:
    """Held by one task at a time, which alone can release it.

    `async with lock:` or `await lock.acquire()` and `lock.release()`. The tasks that wait get it in the order in which
    they came. A task that acquires it a second time would wait for itself: that is a `Deadlock` at once.
    """

    __slots__ = ("request",)
    request_type: ClassVar[type[Acquire]] = Acquire

    def __init__(self) -> None:
        self.request = self.request_type(type(self))

    def locked(self) -> bool:
        return self.request.owner is not None

    def acquire(self) -> Syscall[None]:
        """Wait until the lock is free, and hold it; answered at once when it is. Cancellation ends the wait at once.

        Where the lock has been handed to a task before it is cancelled, it holds the lock and is told where it
        suspends next.
        """
        return self.request

    def release(self) -> None:
        """Hand the lock to the first that waits. `RuntimeError` in a task that does not hold it."""
        request = self.request
        owner = request.owner
        if owner is None or owner.kernel.current is not owner:
            request.check_owner("release")
        request.hand_over()

    @property
    def owner(self) -> Task[Any] | None:
        """The task that holds the lock."""
        return self.request.owner

    @property
    def depth(self) -> int:
        """How often its owner has acquired it."""
        return self.request.depth

    @property
    def waiters(self) -> Collection[Task[Any]]:
        """The tasks that wait for the lock."""
        return self.request.line

    def __aenter__(self) -> Syscall[None]:
        return self.request

    def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                  traceback: TracebackType | None) -> Awaitable[None]:
        self.release()
        return ANSWERED

    def __repr__(self) -> str:
        return self.request.describe()


class RLock(Lock):
    """A lock that its owner can acquire again; it is free when released as often."""

    __slots__ = ()
    request_type = AcquireAgain

    def release(self) -> None:
        """Undo one `acquire`; with the last, hand the lock on. `RuntimeError` in a task that does not hold it."""
        self.request.check_owner("release")
        if self.request.depth > 1:
            self.request.depth -= 1
        else:
            self.request.hand_over()


class AcquireSemaphore(Syscall[None]):
    """Wait for a unit of a semaphore; its state."""

    __slots__ = ("line", "value")

    def __init__(self, value: int) -> None:
        self.value = value
        self.line: Line[None] = OrderedDict()

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self.value > 0:
            self.value -= 1
            return True
        self.line[task] = None
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self.line[task]

    def describe(self) -> str:
        return f"Semaphore with {self.value} left, {len(self.line)} waiting"

    def __repr__(self) -> str:
        return f"Acquire({self.describe()})"


class Semaphore:
    """So many units, each held by whoever acquired it; a task that finds none waits, in order.

    `async with semaphore:` or `await semaphore.acquire()` and `semaphore.release()`, which any task may do. `maximum`,
    when given, is how many there can be: one release more is a `ValueError`.
    """

    __slots__ = ("_acquire", "maximum")

    def __init__(self, value: int = 1, *, maximum: int | None = None) -> None:
        check_count(value, 0, "a semaphore begins with 0 units or more")
        if maximum is not None:
            check_count(maximum, value, f"a semaphore that begins with {value} units has {value} or more at most")
        self.maximum = maximum
        self._acquire = AcquireSemaphore(value)

    @property
    def value(self) -> int:
        """How many units are left."""
        return self._acquire.value

    @property
    def waiters(self) -> Collection[Task[Any]]:
        """The tasks that wait for a unit."""
        return self._acquire.line

    def locked(self) -> bool:
        """Whether there is none left."""
        return self._acquire.value == 0

    def acquire(self) -> Syscall[None]:
        """Wait for a unit and take it; answered at once when there is one. Cancelled as `Lock.acquire` is."""
        return self._acquire

    def release(self) -> None:
        """Give a unit to the first that waits, or back."""
        request = self._acquire
        if request.line:
            request.line.popitem(last=False)[0].wake()
        elif request.value == self.maximum:
            raise ValueError(f"{self!r} was released more often than acquired")
        else:
            request.value += 1

    def __aenter__(self) -> Syscall[None]:
        return self._acquire

    def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                  traceback: TracebackType | None) -> Awaitable[None]:
        self.release()
        return ANSWERED

    def __repr__(self) -> str:
        return self._acquire.describe()


class Notification(Syscall[None]):
    """Release a condition's lock, and wait to be notified and to get the lock back."""

    __slots__ = ("_condition", "came", "depth")

    def __init__(self, condition: Condition) -> None:
        self._condition = condition
        self.came = False
        self.depth = 1

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        self.depth = self._condition.lock.request.hand_over()
        self._condition.waiters[task] = self
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self._condition.waiters[task]

    def __repr__(self) -> str:
        return f"Wait({self._condition!r})"


class Reacquire(Syscall[None]):
    """Wait for a lock that is to be held as often as it was before."""

    __slots__ = ("_acquire", "_depth")

    def __init__(self, acquire: Acquire, depth: int) -> None:
        self._acquire = acquire
        self._depth = depth

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self._acquire.owner is not None:
            self._acquire.enqueue(task, self._depth)
            return False
        self._acquire.owner, self._acquire.depth = task, self._depth
        return True


class ConditionWait(Steps[None]):
    """Wait for a condition, and hold its lock again afterwards in any case."""

    __slots__ = ("_condition",)

    def __init__(self, condition: Condition) -> None:
        self._condition = condition

    def steps(self) -> Generator[Any, Any, None]:
        condition = self._condition
        condition.lock.request.check_owner("wait on the condition of")
        task = condition.lock.owner
        assert task is not None
        notification, section = Notification(condition), Shielded()
        try:
            yield notification
        except task.cancelled_type:
            # The block around this will release the lock, so the task needs it back before it may go.
            section.enter(task)
            try:
                yield Reacquire(condition.lock.request, notification.depth)
            finally:
                section.leave()
            if notification.came:
                condition.notify()  # it was for one who can use it
            raise
        finally:
            del task, section  # or the exception would hold, by its traceback and this frame, the task that ends by it


class ConditionWaitFor(Steps[T]):
    """Wait until a predicate is true."""

    __slots__ = ("_condition", "_predicate")

    def __init__(self, condition: Condition, predicate: Callable[[], T]) -> None:
        self._condition = condition
        self._predicate = predicate

    def steps(self) -> Generator[Any, Any, T]:
        while not (result := self._predicate()):
            yield from self._condition.wait()
        return result


class Condition:
    """A lock, and a place to wait in, without it, for a change that another task makes while holding it.

    `async with condition:` holds the lock, which is a new `Lock` or the one given (an `RLock` too). A task that is
    notified goes to the line of the lock; it does not run before it has it.
    """

    __slots__ = ("lock", "waiters")

    def __init__(self, lock: Lock | None = None) -> None:
        if not isinstance(lock, Lock | None):
            raise TypeError(f"Condition() takes a Lock or an RLock of this library, not {lock!r}")
        self.lock = Lock() if lock is None else lock
        self.waiters: Line[Notification] = OrderedDict()

    def locked(self) -> bool:
        return self.lock.locked()

    def acquire(self) -> Syscall[None]:
        """As `Lock.acquire`."""
        return self.lock.acquire()

    def release(self) -> None:
        """As `Lock.release`."""
        self.lock.release()

    def wait(self) -> Syscall[None]:
        """Release the lock, wait to be notified, and acquire the lock again; `RuntimeError` without it.

        Cancellation ends the wait; it is raised when the lock has been acquired again, and the notification that had
        come already, if one had, goes to the next that waits.
        """
        return ConditionWait(self)

    def wait_for(self, predicate: Callable[[], T]) -> Syscall[T]:
        """Wait until `predicate()` is true, asking it first and after each notification; the answer is its value.

        Raises `TypeError` for what is not a function, or is one of the `async def` kind, whose value is always true.
        """
        if not callable(predicate) or iscoroutinefunction(predicate):
            raise TypeError(f"wait_for() takes a plain function, which says whether to go on, not {predicate!r}")
        return ConditionWaitFor(self, predicate)

    def notify(self, n: int = 1) -> None:
        """Have the first `n` that wait go on, once they get the lock; `RuntimeError` without the lock."""
        check_count(n, 0, "notify() takes how many tasks are to go on")
        self.lock.request.check_owner("notify the condition of")
        for _ in range(min(n, len(self.waiters))):
            task, notification = self.waiters.popitem(last=False)
            notification.came = True
            self.lock.request.enqueue(task, notification.depth)
            if task.kernel.tap is not None:
                task.kernel.tap.moved(task)

    def notify_all(self) -> None:
        """Have all that wait go on, one after the other; `RuntimeError` without the lock."""
        self.notify(len(self.waiters))

    def __aenter__(self) -> Syscall[None]:
        return self.lock.acquire()

    def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                  traceback: TracebackType | None) -> Awaitable[None]:
        owner = self.lock.owner
        # A task that is thrown away while it waits to be notified does not hold the lock, and cannot wait for it.
        if kind is not GeneratorExit or owner is not None and owner.kernel.current is owner:
            self.lock.release()
        return ANSWERED

    def __repr__(self) -> str:
        return f"Condition of {self.lock!r}, {len(self.waiters)} waiting"


class BrokenBarrier(RuntimeError):
    """The barrier was aborted, or reset while a task waited at it."""


class BarrierWait(Syscall[int]):
    """Wait at a barrier; its state."""

    __slots__ = ("broken", "parties", "waiters")

    def __init__(self, parties: int) -> None:
        self.parties = parties
        self.broken = False
        self.waiters: dict[Task[Any], None] = {}  # a dict as an ordered set

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self.broken:
            raise BrokenBarrier(f"{task} cannot wait at {self.describe()}; reset it first")
        if len(self.waiters) + 1 < self.parties:
            self.waiters[task] = None
            return False
        waiters, self.waiters = self.waiters, {}
        for index, waiter in enumerate(waiters):
            waiter.wake(index)
        task.inbox = self.parties - 1
        return True

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self.waiters[task]

    def describe(self) -> str:
        return f"Barrier with {len(self.waiters)} of {self.parties} waiting{', broken' if self.broken else ''}"

    def __repr__(self) -> str:
        return f"Wait({self.describe()})"


class Barrier:
    """Where `parties` tasks wait for each other; then all go on, and the next round begins.

    A task that is cancelled while it waits leaves, and the others wait for another in its place.
    """

    __slots__ = ("_wait",)

    def __init__(self, parties: int) -> None:
        check_count(parties, 1, "a barrier is for 1 task or more")
        self._wait = BarrierWait(parties)

    @property
    def parties(self) -> int:
        return self._wait.parties

    @property
    def broken(self) -> bool:
        return self._wait.broken

    @property
    def waiters(self) -> Collection[Task[Any]]:
        """The tasks that wait."""
        return self._wait.waiters

    def wait(self) -> Syscall[int]:
        """Wait until the last of the parties comes; the answer says which of them this task was, from 0 on.

        The last one is answered at once. Raises `BrokenBarrier`. Cancellation ends the wait at once.
        """
        return self._wait

    def reset(self) -> None:
        """Begin a new round; who waits gets a `BrokenBarrier`."""
        self._break("was reset")
        self._wait.broken = False

    def abort(self) -> None:
        """Break the barrier until it is reset: a `BrokenBarrier` for who waits, and who comes."""
        self._break("was aborted")

    def _break(self, how: str) -> None:
        self._wait.broken = True
        waiters, self._wait.waiters = self._wait.waiters, {}
        for task in waiters:
            task.throw(BrokenBarrier(f"{task} waited at a barrier that {how}"))

    def __repr__(self) -> str:
        return self._wait.describe()
