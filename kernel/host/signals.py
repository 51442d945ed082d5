"""Signals of the operating system: a task can wait for them, and take them one by one."""

from __future__ import annotations

import signal
import threading
from collections import OrderedDict, deque
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from ..core import Kernel
from ..sync.blocks import ANSWERED
from ..sync.waiting import Line
from ..syscalls import Syscall
from ..task import Task


class Receivers:
    """Which blocks receive which signal in one kernel. While one does, `_on_signal` is the process's handler for it."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._receivers: dict[int, list[Signals]] = {}
        self._previous: dict[int, Any] = {}

    def add(self, number: int, receiver: Signals) -> None:
        if number not in self._receivers:
            self._previous[number] = signal.signal(number, self._on_signal)
            self._receivers[number] = []
        self._receivers[number].append(receiver)

    def remove(self, number: int, receiver: Signals) -> None:
        self._receivers[number].remove(receiver)
        if not self._receivers[number]:
            del self._receivers[number]
            self._restore(number)

    def _restore(self, number: int) -> None:
        previous = self._previous.pop(number)
        if signal.getsignal(number) == self._on_signal:  # else the program has set another handler meanwhile
            # None stands for a handler that was not installed from Python: Python cannot put it back.
            signal.signal(number, signal.SIG_DFL if previous is None else previous)

    def _on_signal(self, number: int, frame: object) -> None:
        self._kernel.call_from_thread(self._received, number)

    def _received(self, number: int) -> None:
        for receiver in self._receivers.get(number, ()):
            receiver.deliver(number)

    def close(self) -> None:
        for number in list(self._previous):
            self._restore(number)


@contextmanager
def receivers(kernel: Kernel) -> Iterator[Receivers]:
    """The kernel's receivers. When the kernel closes, it puts the former handlers back."""
    table = Receivers(kernel)
    # Python runs a signal's handler between two bytecodes. A signal that arrives just before the poller's system call
    # would wait until that call returns. So the interpreter writes a byte to this descriptor for each signal, and the
    # call returns at once. A descriptor that was set before belongs to the kernel or an event loop, and does the same.
    wakeup_fd = signal.set_wakeup_fd(kernel.poller.wakeup_fd(), warn_on_full_buffer=False)
    if wakeup_fd != -1:
        signal.set_wakeup_fd(wakeup_fd, warn_on_full_buffer=False)
    try:
        yield table
    finally:
        table.close()
        if wakeup_fd == -1:
            signal.set_wakeup_fd(-1)


class NextSignal(Syscall[signal.Signals]):
    """Wait for a signal that a block catches."""

    __slots__ = ("_signals", "_when_over")

    def __init__(self, signals: Signals, when_over: type[Exception]) -> None:
        self._signals = signals
        self._when_over = when_over

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        signals = self._signals
        if not signals.caught:
            raise self.end()
        if signals.kernel is not kernel:
            raise RuntimeError(f"{task} waits for signals that another kernel catches; call catch_signals() here too")
        if signals.pending:
            task.inbox = signals.pending.popleft()
            return True
        kernel.calls.expected += 1
        signals.line[task] = self
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        kernel.calls.expected -= 1
        del self._signals.line[task]

    def end(self) -> Exception:
        """The error for a task that waits when the block has ended."""
        return self._when_over(f"{self._signals!r} are not caught any more")

    def __repr__(self) -> str:
        return f"catch_signals({self._signals!r}).get()"


class EnterSignals(Syscall["Signals"]):
    """Begin to catch signals; answered at once."""

    __slots__ = ("_signals",)

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        self._signals.enter(kernel)
        task.inbox = self._signals
        return True

    def __repr__(self) -> str:
        return f"catch_signals({self._signals!r}).__aenter__()"


class Signals:
    """The signals caught by a block; made by `catch_signals`."""

    __slots__ = ("_numbers", "caught", "kernel", "line", "pending")

    def __init__(self, numbers: tuple[signal.Signals, ...]) -> None:
        self._numbers = numbers
        self.kernel: Kernel | None = None
        self.caught: list[int] = []
        self.pending: deque[signal.Signals] = deque()
        self.line: Line[NextSignal] = OrderedDict()

    def get(self) -> Syscall[signal.Signals]:
        """Wait for the next signal; the answer is its number, a `signal.Signals`. Cancellation ends the wait at once.

        Raises `RuntimeError` outside of the block, when the block ends meanwhile, and in a task of another kernel.
        """
        return NextSignal(self, RuntimeError)

    def enter(self, kernel: Kernel) -> None:
        """Begin to catch the signals: in the main thread, and once."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("catch_signals() works only in the main thread, where Python handles signals")
        if self.kernel is not None:
            raise RuntimeError(f"{self!r} cannot be entered twice; call catch_signals() again")
        self.kernel = kernel
        try:
            for number in self._numbers:
                kernel.resource(receivers).add(number, self)
                self.caught.append(number)
        except BaseException:
            self._restore()
            raise

    def _restore(self) -> None:
        assert self.kernel is not None
        while self.caught:
            self.kernel.resource(receivers).remove(self.caught.pop(), self)

    def deliver(self, number: int) -> None:
        """The process has received one of these signals: give it to the first task that waits, or keep it."""
        if self.line:
            assert self.kernel is not None
            self.kernel.calls.expected -= 1
            self.line.popitem(last=False)[0].wake(signal.Signals(number))
        else:
            self.pending.append(signal.Signals(number))

    def __aiter__(self) -> Signals:
        return self

    def __anext__(self) -> Syscall[signal.Signals]:
        return NextSignal(self, StopAsyncIteration)

    def __aenter__(self) -> Syscall[Signals]:
        return EnterSignals(self)

    def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                  traceback: TracebackType | None) -> Awaitable[None]:
        self._restore()
        self.pending.clear()
        assert self.kernel is not None
        self.kernel.calls.expected -= len(self.line)
        while self.line:
            task, request = self.line.popitem(last=False)
            task.throw(request.end())
        return ANSWERED

    def __repr__(self) -> str:
        return ", ".join(number.name for number in self._numbers)


def catch_signals(*numbers: int) -> Signals:
    """`async with catch_signals(SIGTERM, SIGHUP) as signals:` keeps these signals until the block's tasks take them.

    In the block, `async for number in signals:` takes the signals in the order of their arrival, and ends when the
    block does; `await signals.get()` takes one. If several blocks catch a signal, each of them gets it. When the last
    of them has ended, the signal does what it did before; signals that no task has taken are forgotten. The operating
    system merges signals of one number that arrive together. A task that waits for a signal is not taken for
    deadlocked.

    Raises `ValueError`, at the call, for what is not a signal. On entry it raises `RuntimeError` in any thread but the
    main thread, and `OSError` for a signal that cannot be caught.
    """
    if not numbers:
        raise ValueError("catch_signals() takes at least one signal")
    return Signals(tuple(dict.fromkeys(signal.Signals(number) for number in numbers)))
