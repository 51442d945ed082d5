"""Queues between tasks and threads."""

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
        kernel.calls.expected += 1

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
            self._kernel.calls.expected -= 1
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
        self._kernel.calls.expected -= 1
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
        return f"<{self._queue!r}>.{'get()' if self._getting else 'put(...)'}"


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
        size = show_size(len(self._items), self.maxsize)
        return f"UniversalQueue with {size}{', closed' if self.closed else ''}"
