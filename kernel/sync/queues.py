"""Queues between tasks: each item is in one place at a time, so no cancellation loses an item.

While a task waits for room, its item is still with that task. Then the item is in the queue. From the moment it is
handed to a task, it is with the task that gets it. So a task that is cancelled while it waits to put still has its
item, and one that waits to get has none yet. One to which an item was handed before it is cancelled gets the item, and
`Cancelled` is raised where it suspends next.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Generator
from types import MethodType
from typing import Any, Generic, TypeVar

from ..checks import check_count
from ..core import Kernel
from ..syscalls import Syscall
from ..task import Task
from .heaps import pop, push
from .waiting import Line

T = TypeVar("T")


class QueueClosed(Exception):
    """The queue is closed. Raised for an item that is put, and for a `get` when nothing is left."""


class QueueEmpty(Exception):
    """The queue has no item now: `get_nowait` would have to wait."""


class QueueFull(Exception):
    """The queue has no room now: `put_nowait` would have to wait."""


def show_size(number: int, maxsize: int) -> str:
    """How many items there are: "1 item", "0 of 3 items"."""
    return f"{number} of {maxsize} items" if maxsize else f"{number} item{'' if number == 1 else 's'}"


class Contents(Generic[T]):
    """The items of a queue, and the tasks that wait at it.

    The requests of tasks refer to this object and not to the queue, which keeps two requests for use again and again.
    If those referred to the queue in turn, only the garbage collector could free them.
    """

    __slots__ = ("admit", "getters", "items", "joiners", "kind", "limit", "maxsize", "putters", "take", "unfinished")

    def __init__(self, kind: type[Queue[T]], maxsize: int, items: Collection[T], admit: Callable[[T], object],
                 take: Callable[[], T]) -> None:
        self.kind = kind
        self.maxsize = maxsize
        self.items = items
        self.admit = admit
        self.take = take
        self.limit = maxsize  # -1 once the queue is closed: then there is never room
        self.unfinished = 0  # how many items were put and not reported by task_done
        self.getters: Line[Get[T]] = OrderedDict()  # nobody waits here while there is an item
        self.putters: Line[T] = OrderedDict()  # nobody waits here while there is room
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
        """Take an item, of which there is one, and put the item of the first task that waits for room."""
        item = self.take()
        if self.putters:
            self._let_in()
        return item

    def _let_in(self) -> None:
        """Put the item of the first task that waits for room; if it does not compare, throw the error, try the next."""
        while self.putters:
            task, item = self.putters.popitem(last=False)
            try:
                self.admit(item)
            except BaseException as error:
                task.throw(error)
                del task  # else the task and the error, whose traceback has this frame, would hold each other
            else:
                self.unfinished += 1
                return task.wake()

    def refusal(self) -> QueueClosed:
        """The error for a task that puts an item into a closed queue."""
        return QueueClosed(f"{self!r} takes nothing more")

    def __repr__(self) -> str:
        size = show_size(len(self.items), self.maxsize)
        return f"{self.kind.__name__} with {size}{', closed' if self.closed else ''}"


class Get(Syscall[T]):
    """Wait for an item. A queue has two of these, for `get` and for `async for`, and all who wait share them."""

    __slots__ = ("_when_closed", "contents")

    def __init__(self, contents: Contents[T], when_closed: type[Exception]) -> None:
        self.contents = contents
        self._when_closed = when_closed

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        contents = self.contents
        if contents.items:
            task.inbox = contents.fetch()
            return True
        if contents.closed:
            raise self.end()
        contents.getters[task] = self
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self.contents.getters[task]

    def __await__(self) -> Generator[Any, Any, T]:
        # Where there is an item, the task takes it without the kernel: the way there and back would be most of the cost
        # (`queue-1000` of the benchmarks).
        contents = self.contents
        if contents.items:
            return contents.fetch()
        return (yield self)  # type: ignore[no-any-return]

    def end(self) -> Exception:
        """The error for a task that waits when no item can come any more."""
        return self._when_closed(f"{self.contents!r} has nothing more to get")

    def __repr__(self) -> str:
        return f"<{self.contents!r}>.get()"


class Put(Syscall[None]):
    """Wait for room for an item."""

    __slots__ = ("_item", "contents")

    def __init__(self, contents: Contents[T], item: T) -> None:
        self.contents: Contents[Any] = contents
        self._item = item

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        contents = self.contents
        if contents.closed:
            raise contents.refusal()
        if contents.full():
            contents.putters[task] = self._item
            return False
        contents.put(self._item)
        return True

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self.contents.putters[task]

    def __repr__(self) -> str:
        return f"<{self.contents!r}>.put(...)"


class JoinQueue(Syscall[None]):
    """Wait until `task_done` has reported every item."""

    __slots__ = ("contents",)

    def __init__(self, contents: Contents[Any]) -> None:
        self.contents = contents

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if not self.contents.unfinished:
            return True
        self.contents.joiners[task] = None
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self.contents.joiners[task]

    def __repr__(self) -> str:
        return f"<{self.contents!r}, {self.contents.unfinished} not done>.join()"


class Queue(Generic[T]):
    """A queue: first in, first out. It holds `maxsize` items at most, or any number when that is 0.

    `async for item in queue:` gets items until the queue is closed and empty. Tasks that wait are served in order.
    Raises `TypeError` when `maxsize` is not an integer, and `ValueError` when it is negative.
    """

    __slots__ = ("_contents", "_get", "_next")

    def __init__(self, maxsize: int = 0) -> None:
        check_count(maxsize, 0, "a queue holds 0 (any number) or more items")
        self._contents = contents = Contents(type(self), maxsize, *self._store())
        self._get = Get(contents, QueueClosed)
        self._next = Get(contents, StopAsyncIteration)

    def _store(self) -> tuple[Collection[T], Callable[[T], object], Callable[[], T]]:
        """The container, and how to add an item and take the next: the kinds of queues differ only in this."""
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
        """Wait for room and put `item`; where there is room, the task does not wait.

        Raises `QueueClosed` when the queue is closed, also when it is closed while the task waits. Cancellation ends
        the wait at once; then the item is not in the queue.
        """
        contents = self._contents
        if contents.getters or contents.limit and contents.limit <= len(contents.items):
            await Put(contents, item)
        else:
            contents.admit(item)
            contents.unfinished += 1

    def get(self) -> Syscall[T]:
        """Wait for an item and take it; answered at once when there is one.

        Raises `QueueClosed` when the queue is closed and empty. Cancellation ends the wait at once. If the task had
        been handed an item before, it gets the item, and `Cancelled` is raised where it suspends next. The request that
        this returns can be awaited any number of times, each time for another item.
        """
        return self._get

    def put_nowait(self, item: T) -> None:
        """Put `item`, or raise `QueueFull` or `QueueClosed`. For code outside of tasks too, in the kernel's thread."""
        self._contents.put(item)

    def get_nowait(self) -> T:
        """Take an item, or raise `QueueEmpty`; `QueueClosed` when the queue is closed and empty."""
        if not self._contents.items:
            raise self._get.end() if self._contents.closed else QueueEmpty(f"{self!r} has nothing to get")
        return self._contents.fetch()

    def close(self) -> None:
        """Refuse new items from now on; items in the queue can still be got. Harmless when it is closed already.

        Tasks that wait to put an item, or to get one, get a `QueueClosed`; an `async for` that waits ends.
        """
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
        """Report that the work on one item is done. `ValueError` when it is called more often than items were put."""
        contents = self._contents
        if not contents.unfinished:
            raise ValueError(f"task_done() was called on {self!r} more often than items were put")
        contents.unfinished -= 1
        if not contents.unfinished:
            joiners, contents.joiners = contents.joiners, {}
            for task in joiners:
                task.wake()

    def join(self) -> Syscall[None]:
        """Wait until `task_done` was called once for each item that was put. Cancellation ends the wait at once."""
        return JoinQueue(self._contents)

    def qsize(self) -> int:
        """How many items are in the queue."""
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


class PriorityQueue(Queue[T]):
    """A queue that gives out its least item first.

    Items have to compare by `<`. When `put` finds that its item does not compare, it raises the comparison's exception,
    and the item is not in the queue. When `get` finds two such items, it raises the exception, and the queue stays as
    it was.
    """

    __slots__ = ()

    def _store(self) -> tuple[Collection[T], Callable[[T], object], Callable[[], T]]:
        heap: list[Any] = []
        return heap, MethodType(push, heap), MethodType(pop, heap)


class LifoQueue(Queue[T]):
    """A queue that gives out its newest item first."""

    __slots__ = ()

    def _store(self) -> tuple[Collection[T], Callable[[T], object], Callable[[], T]]:
        stack: list[T] = []
        return stack, stack.append, stack.pop
