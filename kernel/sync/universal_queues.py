"""Queues between tasks and threads: a mutex guards the queue, and a task is woken in the thread of its kernel."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from typing import Any, Generic, TypeVar

from ..checks import check_count, check_seconds, made_before
from ..core import Kernel
from ..syscalls import Syscall
from ..task import Task
from .queues import QueueClosed, QueueEmpty, QueueFull, show_size

T = TypeVar("T")


class Party:
    """A task or a thread that waits at a universal queue, to put an item or to get one."""

    def __init__(self, getting: bool, item: Any) -> None:
        self.getting = getting
        self.item = item  # the item to put, or the one that was got
        self.error: Exception | None = None
        self.served = False

    def invite(self, queue: UniversalQueue[Any]) -> bool:
        """Say that its turn has come. True when it has left the line; False when it will come and be served later.

        Called with the queue's mutex held, from any thread.
        """
        raise NotImplementedError


class WaitingThread(Party):
    """A thread at a universal queue, which blocks on `baton`. Whoever ends its wait serves it and releases `baton`."""

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

    `invite` may run in any thread, so it only has `_come` called in the thread of the task's kernel. There the task is
    served and woken in one call, so no cancellation can come between taking the item from the queue and giving it to
    the task.
    """

    def __init__(self, getting: bool, item: Any, kernel: Kernel, task: Task[Any]) -> None:
        super().__init__(getting, item)
        self._kernel = kernel
        self.task: Task[Any] | None = task
        self._invited = False
        kernel.calls.expected += 1

    def invite(self, queue: UniversalQueue[Any]) -> bool:
        if not self._invited:
            try:
                self._kernel.call_from_thread(self._come, queue)
            except RuntimeError:  # the task's kernel was closed
                queue.line(self).pop(self)
                return True
            self._invited = True
        return False

    def _come(self, queue: UniversalQueue[Any]) -> None:
        with queue.mutex:
            if self not in queue.line(self):
                return  # the task was cancelled since
            queue.serve(self)
            self._kernel.calls.expected -= 1
            task, self.task = self.task, None  # the task may end by the error, and has this object in a frame
            error, self.error = self.error, None
            assert task is not None
            if error is not None:
                task.throw(error)
            else:
                task.wake(self.item if self.getting else None)
            queue.go_on()

    def leave(self, queue: UniversalQueue[Any]) -> None:
        """The task is being cancelled."""
        self._kernel.calls.expected -= 1
        with queue.mutex:
            queue.line(self).pop(self)
            queue.go_on()


class Transfer(Syscall[T]):
    """A task's wait at a universal queue."""

    __slots__ = ("_getting", "_item", "_made", "_when_closed", "party", "queue")

    def __init__(self, queue: UniversalQueue[Any], getting: bool, item: Any, when_closed: type[Exception]) -> None:
        self.queue = queue
        self._getting = getting
        self._item = item
        self._when_closed = when_closed
        self._made = False

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if self._made:
            raise made_before(self, task)
        self._made = True
        queue = self.queue
        with queue.mutex:
            try:
                if self._getting:
                    task.inbox = queue.take()
                else:
                    queue.give(self._item)
                return True
            except (QueueEmpty, QueueFull):
                self.party = WaitingTask(self._getting, self._item, kernel, task)
                queue.line(self.party)[self.party] = self._when_closed
                return False
            except QueueClosed as error:
                raise self._when_closed(*error.args) from None

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        self.party.leave(self.queue)

    def __repr__(self) -> str:
        return f"<{self.queue!r}>.{'get()' if self._getting else 'put(...)'}"


class UniversalQueue(Generic[T]):
    """A queue between tasks and threads: first in, first out, at most `maxsize` items, or any number when that is 0.

    Tasks of any kernel use `await queue.get()` and `await queue.put(item)`. Ordinary threads use
    `queue.get_from_thread()` and `queue.put_from_thread(item)`, which block the thread. Both can call the other
    methods, but a signal handler may not. Those who wait to get, tasks and threads, form one line, and those who wait
    to put another. `async for item in queue:` gets items until the queue is closed and empty. A task that waits here is
    not taken for deadlocked, since a thread may still come. Raises for `maxsize` as `Queue` does.
    """

    def __init__(self, maxsize: int = 0) -> None:
        check_count(maxsize, 0, "a queue holds 0 (any number) or more items")
        self.maxsize = maxsize
        self.closed = False
        self.mutex = threading.Lock()
        self._getters: OrderedDict[Party, type[Exception]] = OrderedDict()  # each with the error for a closed queue
        self._putters: OrderedDict[Party, type[Exception]] = OrderedDict()
        self._items: deque[T] = deque()

    def get(self) -> Syscall[T]:
        """In a task: as `Queue.get`. Cancellation ends the wait at once and leaves the item for the next.

        The requests that this and `put` return can be awaited once; the second time raises `RuntimeError`.
        """
        return Transfer(self, True, None, QueueClosed)

    def put(self, item: T) -> Syscall[None]:
        """In a task: as `Queue.put`."""
        return Transfer(self, False, item, QueueClosed)

    def get_from_thread(self, timeout: float | None = None) -> T:
        """In a thread: block until there is an item, and return it; `TimeoutError` when none comes in `timeout` s.

        With None or `math.inf` there is no limit. Raises `ValueError` for NaN, `TypeError` for what is not a number,
        and `QueueClosed` when the queue is closed and empty. Do not call it in a thread that runs a kernel: the kernel
        would stand still.
        """
        seconds = math.inf if timeout is None else check_seconds(timeout, "get_from_thread")
        return self._transfer(True, None, seconds)  # type: ignore[no-any-return]  # it was put

    def put_from_thread(self, item: T, timeout: float | None = None) -> None:
        """In a thread: block until there is room, and put `item`. Otherwise as `get_from_thread`."""
        seconds = math.inf if timeout is None else check_seconds(timeout, "put_from_thread")
        self._transfer(False, item, seconds)

    def _transfer(self, getting: bool, item: Any, seconds: float) -> Any:
        """In a thread: get an item, or put the one given."""
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
                with self.mutex:  # Ctrl-C may have come at any moment: put an item back that was already taken
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
            del party  # else the error, whose traceback has this frame, and the party would hold each other

    def put_nowait(self, item: T) -> None:
        """Put `item`, or raise `QueueClosed`, or `QueueFull` when there is no room or others wait for room already."""
        with self.mutex:
            self.give(item)

    def get_nowait(self) -> T:
        """Take an item, or raise `QueueClosed`, or `QueueEmpty` when there is none or others wait for one already."""
        with self.mutex:
            return self.take()

    def close(self) -> None:
        """Refuse new items from now on. The items in the queue can still be got.

        `QueueClosed` is raised in those who wait to put, and in those who wait to get and find nothing left; an
        `async for` ends then.
        """
        with self.mutex:
            self.closed = True
            self.go_on()

    def give(self, item: T) -> None:
        """Put `item` if that can be done at once. This and the next four methods need the mutex to be held."""
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
        """Invite those in the lines, as far as there are items and room for them."""
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
        """Take `party`, whose turn it is, out of its line; get or put its item, or note the error of a closed queue."""
        error = self.line(party).pop(party)
        party.served = True
        if party.getting and self._items:
            party.item = self._items.popleft()
        elif self.closed:
            party.error = error(f"{self!r} {'has nothing more to get' if party.getting else 'takes nothing more'}")
        else:
            self._items.append(party.item)

    def line(self, party: Party) -> OrderedDict[Party, type[Exception]]:
        """The line that `party` belongs in."""
        return self._getters if party.getting else self._putters

    def qsize(self) -> int:
        """How many items are in the queue."""
        return len(self._items)

    def __aiter__(self) -> UniversalQueue[T]:
        return self

    def __anext__(self) -> Syscall[T]:
        return Transfer(self, True, None, StopAsyncIteration)

    def __repr__(self) -> str:
        size = show_size(len(self._items), self.maxsize)
        return f"UniversalQueue with {size}{', closed' if self.closed else ''}"
