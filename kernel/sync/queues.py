"""Queues between tasks, and between tasks and threads.

An item is in one place at a time: with the task that puts it, while that waits for room; in the queue; or with the task
that gets it, from the moment it is handed over. So a task that is cancelled while it waits has no item, or still has
its own, and one to which an item has been handed gets it before it is told of a cancellation.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Generator
from heapq import heappop, heappush
from types import MethodType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..checks import check_count, check_seconds, made_before
from .locks import Line
from ..syscalls import Syscall

if TYPE_CHECKING:
    from ..core import Kernel
    from ..task import Task

T = TypeVar("T")


class QueueClosed(Exception):
    """The queue is closed: nothing can be put, and all there was has been got."""


class QueueEmpty(Exception):
    """There is nothing that could be got without waiting."""


class QueueFull(Exception):
    """There is no room to put anything without waiting."""


class Contents(Generic[T]):
    """What is in a queue and who waits at it: what the queue shares with the requests of its tasks.

    The requests refer to the contents and not to the queue. The queue keeps some of them at hand, and would be a circle
    with them otherwise.
    """

    __slots__ = ("admit", "getters", "items", "joiners", "kind", "limit", "maxsize", "putters", "take", "unfinished")

    def __init__(self, kind: type[Queue[T]], maxsize: int, items: Collection[T], admit: Callable[[T], object],
                 take: Callable[[], T]) -> None:
        self.kind = kind
        self.maxsize = maxsize
        self.items = items
        self.admit = admit
        self.take = take
        self.limit = maxsize  # the same, until the queue is closed: then -1, and there is no room ever
        self.unfinished = 0  # put and not reported by task_done
        self.getters: Line[Get[T]] = OrderedDict()  # some only while there is no item
        self.putters: Line[T] = OrderedDict()  # some only while there is no room
        self.joiners: dict[Task[Any], None] = {}

    @property
    def closed(self) -> bool:
        return self.limit < 0

    def full(self) -> bool:
        return 0 < self.maxsize <= len(self.items)

    def put(self, item: T) -> None:
        """Put `item`, or raise `QueueFull` or `QueueClosed`."""
        if self.closed:
            raise self.refusal()
        if self.getters:
            self.getters.popitem(last=False)[0].wake(item)
        elif self.full():
            raise QueueFull(f"{self!r} has no room")
        else:
            self.admit(item)
        self.unfinished += 1

    def fetch(self) -> T:
        """Take an item that is there, and let in the next that had no room."""
        item = self.take()
        if self.putters:
            self._let_in()
        return item

    def _let_in(self) -> None:
        """Put the item of the first that waits for room, or of the next where that does not compare with the others."""
        while self.putters:
            task, item = self.putters.popitem(last=False)
            try:
                self.admit(item)
            except BaseException as error:
                task.throw(error)
                del task  # it may end by the error, whose traceback has this frame
            else:
                self.unfinished += 1
                return task.wake()

    def refusal(self) -> QueueClosed:
        """What is raised in who puts something when the queue is closed."""
        return QueueClosed(f"{self!r} takes nothing more")

    def __repr__(self) -> str:
        size = f"{len(self.items)} of {self.maxsize}" if self.maxsize else str(len(self.items))
        return f"{self.kind.__name__} with {size} items{', closed' if self.closed else ''}"


class Get(Syscall[T]):
    """Wait for an item; one object for all who do."""

    __slots__ = ("_contents", "_when_closed")

    def __init__(self, contents: Contents[T], when_closed: type[Exception]) -> None:
        self._contents = contents
        self._when_closed = when_closed

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        contents = self._contents
        if contents.items:
            task.inbox = contents.fetch()
            return True
        if contents.closed:
            raise self.end()
        contents.getters[task] = self
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self._contents.getters[task]

    def __await__(self) -> Generator[Any, Any, T]:
        # Where there is an item, the way to the kernel and back would be most of what it costs: `queue-1000` of the
        # benchmarks.
        contents = self._contents
        if contents.items:
            return contents.fetch()
        return (yield self)  # type: ignore[no-any-return]

    def end(self) -> Exception:
        """What is raised when no item can come any more."""
        return self._when_closed(f"{self._contents!r} has nothing more to get")

    def __repr__(self) -> str:
        return f"Get({self._contents!r})"


class Put(Syscall[None]):
    """Wait for room for an item."""

    __slots__ = ("_contents", "_item")

    def __init__(self, contents: Contents[T], item: T) -> None:
        self._contents: Contents[Any] = contents
        self._item = item

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        contents = self._contents
        if contents.closed:
            raise contents.refusal()
        if contents.full():
            contents.putters[task] = self._item
            return False
        contents.put(self._item)
        return True

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self._contents.putters[task]

    def __repr__(self) -> str:
        return f"Put({self._contents!r})"


class JoinQueue(Syscall[None]):
    """Wait until all items are done."""

    __slots__ = ("_contents",)

    def __init__(self, contents: Contents[Any]) -> None:
        self._contents = contents

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if not self._contents.unfinished:
            return True
        self._contents.joiners[task] = None
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self._contents.joiners[task]

    def __repr__(self) -> str:
        return f"Join({self._contents!r}, {self._contents.unfinished} items not done)"


class Queue(Generic[T]):
    """First in, first out; holds `maxsize` items at most, or any number when that is 0.

    `async for item in queue:` gets items until the queue is closed and empty. Those who wait are served in order.
    """

    __slots__ = ("_contents", "_get", "_next")

    def __init__(self, maxsize: int = 0) -> None:
        check_count(maxsize, 0, "a queue holds 0 (any number) or more items")
        self._contents = contents = Contents(type(self), maxsize, *self._store())
        self._get = Get(contents, QueueClosed)
        self._next = Get(contents, StopAsyncIteration)

    def _store(self) -> tuple[Collection[T], Callable[[T], object], Callable[[], T]]:
        """A container, and how to add an item and remove the next: what kinds of queues differ in."""
        items: deque[T] = deque()
        return items, items.append, items.popleft

    @property
    def maxsize(self) -> int:
        return self._contents.maxsize

    @property
    def closed(self) -> bool:
        return self._contents.closed

    @property
    def unfinished(self) -> int:
        """How many items were put and not reported by `task_done`."""
        return self._contents.unfinished

    async def put(self, item: T) -> None:
        """Wait for room and put `item`, at once when there is room.

        `QueueClosed` when the queue is closed, even while the task waits. Cancellation ends the wait at once, and the
        item is not in the queue then.
        """
        contents = self._contents
        if contents.getters or contents.limit and contents.limit <= len(contents.items):
            await Put(contents, item)
        else:
            contents.admit(item)
            contents.unfinished += 1

    def get(self) -> Syscall[T]:
        """Wait for an item and take it; answered at once when there is one.

        `QueueClosed` when the queue is closed and empty. Cancellation ends the wait at once; a task to which an item
        has been handed before gets it, and is told where it suspends next. What this returns can be awaited any number
        of times, each time for an item.
        """
        return self._get

    def put_nowait(self, item: T) -> None:
        """Put `item`, or raise `QueueFull` or `QueueClosed`. For code outside of tasks too, in the kernel's thread."""
        self._contents.put(item)

    def get_nowait(self) -> T:
        """Take an item, or raise `QueueEmpty`, or `QueueClosed` when none will come."""
        if not self._contents.items:
            raise self._get.end() if self._contents.closed else QueueEmpty(f"{self!r} has nothing to get")
        return self._contents.fetch()

    def close(self) -> None:
        """Take nothing more. What is in the queue can still be got; who waits to put or to get gets the error."""
        contents = self._contents
        if contents.closed:
            return
        contents.limit = -1
        getters, contents.getters = contents.getters, OrderedDict()
        for task, request in getters.items():
            task.throw(request.end())
        putters, contents.putters = contents.putters, OrderedDict()
        for task in putters:
            task.throw(contents.refusal())

    def task_done(self) -> None:
        """Report that an item that was got is dealt with; `ValueError` when there were no more."""
        contents = self._contents
        if not contents.unfinished:
            raise ValueError(f"task_done() was called on {self!r} more often than items were put")
        contents.unfinished -= 1
        if not contents.unfinished:
            joiners, contents.joiners = contents.joiners, {}
            for task in joiners:
                task.wake()

    def join(self) -> Syscall[None]:
        """Wait until `task_done` has been called for every item that was put. Cancellation ends the wait at once."""
        return JoinQueue(self._contents)

    def qsize(self) -> int:
        return len(self._contents.items)

    def empty(self) -> bool:
        return not self._contents.items

    def full(self) -> bool:
        return self._contents.full()

    def __aiter__(self) -> Queue[T]:
        return self

    def __anext__(self) -> Syscall[T]:
        return self._next

    def __repr__(self) -> str:
        return repr(self._contents)


def push(heap: list[Any], item: Any) -> None:
    """As `heappush`; but where `item` does not compare with one that is there, the heap stays as it was."""
    try:
        heappush(heap, item)
    except BaseException:
        # `item` has risen from the end of the heap to where the comparison failed.
        path = [len(heap) - 1]
        while path[-1] and heap[path[-1]] is not item:
            path.append((path[-1] - 1) // 2)
        for place, above in zip(reversed(path), reversed(path[:-1])):
            heap[place] = heap[above]
        heap.pop()
        raise


def pop(heap: list[Any]) -> Any:
    """As `heappop`; but where the items that are left do not compare, the heap stays as it was."""
    least, last = heap[0], heap[-1]
    try:
        return heappop(heap)
    except BaseException:
        # `last` has gone down from the top, and those on its way have risen by one.
        place = next(place for place, item in enumerate(heap) if item is last)
        while place:
            above = (place - 1) // 2
            heap[place] = heap[above]
            place = above
        heap[0] = least
        heap.append(last)
        raise


class PriorityQueue(Queue[T]):
    """A queue of which the least item is got first.

    Items have to compare by `<`. Where one does not, its `put` raises what the comparison raised, and the item is not
    in the queue; where that shows only when another item is got, `get` raises it, and the queue stays as it was.
    """

    __slots__ = ()

    def _store(self) -> tuple[Collection[T], Callable[[T], object], Callable[[], T]]:
        heap: list[Any] = []
        return heap, MethodType(push, heap), MethodType(pop, heap)


class LifoQueue(Queue[T]):
    """A queue of which the last item is got first."""

    __slots__ = ()

    def _store(self) -> tuple[Collection[T], Callable[[T], object], Callable[[], T]]:
        stack: list[T] = []
        return stack, stack.append, stack.pop


class Party:
    """One who waits at a universal queue, with an item to put or for one to get."""

    def __init__(self, getting: bool, item: Any) -> None:
        self.getting = getting
        self.item = item  # to be put, or what was got
        self.error: Exception | None = None
        self.served = False

    def invite(self, queue: UniversalQueue[Any]) -> bool:
        """Its turn has come: True when it is out of the line now, False when it will come by itself.

        Called with the queue's mutex held, from any thread.
        """
        raise NotImplementedError


class WaitingThread(Party):
    """A thread at a universal queue: whoever makes its wait end does its business for it."""

    def __init__(self, getting: bool, item: Any) -> None:
        super().__init__(getting, item)
        self.baton = threading.Lock()
        self.baton.acquire()

    def invite(self, queue: UniversalQueue[Any]) -> bool:
        queue.serve(self)
        self.baton.release()
        return True


class WaitingTask(Party):
    """A task at a universal queue.

    It is only told that its turn has come, and does its business in the thread of its kernel, where no cancellation can
    come between taking the item and having it.
    """

    def __init__(self, getting: bool, item: Any, kernel: Kernel, task: Task[Any]) -> None:
        super().__init__(getting, item)
        self._kernel = kernel
        self._task: Task[Any] | None = task
        self._invited = False
        kernel.calls_expected += 1

    def invite(self, queue: UniversalQueue[Any]) -> bool:
        if not self._invited:
            try:
                self._kernel.call_from_thread(self._come, queue)
            except RuntimeError:  # its kernel was closed
                queue.line(self).pop(self)
                return True
            self._invited = True
        return False

    def _come(self, queue: UniversalQueue[Any]) -> None:
        with queue.mutex:
            if self not in queue.line(self):
                return  # cancelled since
            queue.serve(self)
            self._kernel.calls_expected -= 1
            task, self._task = self._task, None  # which may end by the error, and has this object in its frames
            error, self.error = self.error, None
            assert task is not None
            if error is not None:
                task.throw(error)
            else:
                task.wake(self.item if self.getting else None)
            queue.go_on()

    def leave(self, queue: UniversalQueue[Any]) -> None:
        """The task is being cancelled."""
        self._kernel.calls_expected -= 1
        with queue.mutex:
            queue.line(self).pop(self)
            queue.go_on()


class Transfer(Syscall[T]):
    """A task's wait at a universal queue."""

    __slots__ = ("_getting", "_item", "_made", "_party", "_queue", "_when_closed")

    def __init__(self, queue: UniversalQueue[Any], getting: bool, item: Any, when_closed: type[Exception]) -> None:
        self._queue = queue
        self._getting = getting
        self._item = item
        self._when_closed = when_closed
        self._made = False

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self._made:
            raise made_before(self, task)
        self._made = True
        queue = self._queue
        with queue.mutex:
            try:
                if self._getting:
                    task.inbox = queue.take()
                else:
                    queue.give(self._item)
                return True
            except (QueueEmpty, QueueFull):
                self._party = WaitingTask(self._getting, self._item, kernel, task)
                queue.line(self._party)[self._party] = self._when_closed
                return False
            except QueueClosed as error:
                raise self._when_closed(*error.args) from None

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        self._party.leave(self._queue)

    def __repr__(self) -> str:
        return f"{'Get' if self._getting else 'Put'}({self._queue!r})"


class UniversalQueue(Generic[T]):
    """A queue between tasks and threads: each end can be used by tasks, of any kernels, and by ordinary threads.

    Tasks use `await queue.get()` and `await queue.put(item)`, threads `queue.get_from_thread()` and
    `queue.put_from_thread(item)`, which block the thread; the rest can be called from both, but not from a signal
    handler. All wait in one line at each end. A task that waits here is not taken for deadlocked, since a thread may
    come.
    """

    def __init__(self, maxsize: int = 0) -> None:
        check_count(maxsize, 0, "a queue holds 0 (any number) or more items")
        self.maxsize = maxsize
        self.closed = False
        self.mutex = threading.Lock()
        self._getters: OrderedDict[Party, type[Exception]] = OrderedDict()  # with what each gets when it is closed
        self._putters: OrderedDict[Party, type[Exception]] = OrderedDict()
        self._items: deque[T] = deque()

    def get(self) -> Syscall[T]:
        """In a task: as `Queue.get`. Cancellation ends the wait at once and leaves the item for the next.

        What this and `put` return can be awaited once: `RuntimeError` in who does so again.
        """
        return Transfer(self, True, None, QueueClosed)

    def put(self, item: T) -> Syscall[None]:
        """In a task: as `Queue.put`."""
        return Transfer(self, False, item, QueueClosed)

    def get_from_thread(self, timeout: float | None = None) -> T:
        """In a thread: block until there is an item, `timeout` seconds at most; else `TimeoutError`.

        Without limit for None or `math.inf`. `ValueError` for NaN and `TypeError` for what is not a number.
        `QueueClosed` when the queue is closed and empty. Not for a thread that runs a kernel, which would stand still.
        """
        seconds = math.inf if timeout is None else check_seconds(timeout, "get_from_thread")
        return self._transfer(True, None, seconds)  # type: ignore[no-any-return]  # it was put

    def put_from_thread(self, item: T, timeout: float | None = None) -> None:
        """In a thread: block until there is room, and put `item`; else as `get_from_thread`."""
        seconds = math.inf if timeout is None else check_seconds(timeout, "put_from_thread")
        self._transfer(False, item, seconds)

    def _transfer(self, getting: bool, item: Any, seconds: float) -> Any:
        """Get an item, or put the one given, in a thread."""
        party = None
        try:
            with self.mutex:
                try:
                    return self.take() if getting else self.give(item)
                except (QueueEmpty, QueueFull):
                    party = WaitingThread(getting, item)
                    self.line(party)[party] = QueueClosed
            if not party.baton.acquire(timeout=-1 if seconds > threading.TIMEOUT_MAX else max(0.0, seconds)):
                with self.mutex:
                    if not party.served:
                        self.line(party).pop(party)
                        raise TimeoutError(f"no {'item' if getting else 'room'} in {self!r} within {seconds:g} s")
        except BaseException:
            if party is not None:
                with self.mutex:  # Ctrl-C may have come at any moment
                    if getting and party.served and party.error is None:
                        self._items.appendleft(party.item)
                    self.line(party).pop(party, None)
                    self.go_on()
            raise
        if party.error is None:
            return party.item
        try:
            raise party.error
        finally:
            del party  # or the error would hold, by its traceback and this frame, the party that holds it

    def put_nowait(self, item: T) -> None:
        """Put `item`, or raise `QueueFull`, also when others wait for room already, or `QueueClosed`."""
        with self.mutex:
            self.give(item)

    def get_nowait(self) -> T:
        """Take an item, or raise `QueueEmpty`, also when others wait for one already, or `QueueClosed`."""
        with self.mutex:
            return self.take()

    def close(self) -> None:
        """Take nothing more. What is in the queue can still be got; who waits to put, or in vain to get, is told."""
        with self.mutex:
            self.closed = True
            self.go_on()

    def give(self, item: T) -> None:
        """Put `item` if that can be done at once; with the mutex held, as in all that follow."""
        if self.closed:
            raise QueueClosed(f"{self!r} takes nothing more")
        if self._putters or 0 < self.maxsize <= len(self._items):
            raise QueueFull(f"{self!r} has no room")
        self._items.append(item)
        self.go_on()

    def take(self) -> T:
        """Take an item if that can be done at once."""
        if self.closed and not self._items:
            raise QueueClosed(f"{self!r} has nothing more to get")
        if self._getters or not self._items:
            raise QueueEmpty(f"{self!r} has nothing to get")
        item = self._items.popleft()
        self.go_on()
        return item

    def go_on(self) -> None:
        """Let those in the lines do their business, as far as there are items and room."""
        while True:
            if self._getters and (self._items or self.closed):
                first = next(iter(self._getters))
            elif self._putters and (self.closed or len(self._items) < self.maxsize):
                first = next(iter(self._putters))
            else:
                return
            if not first.invite(self):
                return

    def serve(self, party: Party) -> None:
        """Do the business of one whose turn it is."""
        error = self.line(party).pop(party)
        party.served = True
        if party.getting and self._items:
            party.item = self._items.popleft()
        elif self.closed:
            party.error = error(f"{self!r} {'has nothing more to get' if party.getting else 'takes nothing more'}")
        else:
            self._items.append(party.item)

    def line(self, party: Party) -> OrderedDict[Party, type[Exception]]:
        """Where `party` waits, if it does."""
        return self._getters if party.getting else self._putters

    def qsize(self) -> int:
        return len(self._items)

    def __aiter__(self) -> UniversalQueue[T]:
        return self

    def __anext__(self) -> Syscall[T]:
        return Transfer(self, True, None, StopAsyncIteration)

    def __repr__(self) -> str:
        size = f"{len(self._items)} of {self.maxsize}" if self.maxsize else str(len(self._items))
        return f"UniversalQueue with {size} items{', closed' if self.closed else ''}"
