"""Threads of a test's own, in simulation: those in which CPython's tests have their servers and clients.

A simulated run refuses `threading.Thread.start()`, as it does not know what a program does in its threads. Those of
CPython's tests talk by sockets that block, wait in `select`, and tell the main thread by `threading.Event` that they
have ended. So here each becomes a function in a simulated thread of the run, which waits for the network as others do.
Only what happens in the test itself is replaced: `Thread.start`, `join` and `is_alive`, and what the main thread waits
at while no loop runs.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from kernel.sim import functions
from kernel.sim.runs import Run

_start, _join, _is_alive = threading.Thread.start, threading.Thread.join, threading.Thread.is_alive


class Call:
    """What a thread of the test's does."""

    def __init__(self, thread: threading.Thread) -> None:
        self.function: Callable[[], None] = thread.run
        self.name = thread.name.partition(" ")[0]
        self.future: Future[None] = Future()
        self.worker: functions.Thread | None = None
        self.turn = 0  # how often it was told when to go on


class Threads:
    """The threads of the test that goes on in `run`."""

    def __init__(self, run: Run) -> None:
        self.around = run._around
        self._run = run
        self.allocate: Callable[[], Any] = threading._allocate_lock  # type: ignore[attr-defined]
        self._calls: dict[threading.Thread, Call] = {}

    # What stands in the place of the methods of a thread.

    def start(self, thread: threading.Thread) -> None:
        target = getattr(thread, "_target", None)
        if getattr(target, "__module__", "").startswith(("asyncio.", "concurrent.")):
            return _start(thread)  # of an executor, which only a simulated loop can wait for: it is refused
        call = self._calls[thread] = Call(thread)
        self._begin(call)

    def join(self, thread: threading.Thread, timeout: float | None = None) -> None:
        call = self._calls.get(thread)
        if call is None:
            return _join(thread, timeout)
        self.wait(call.future.done, math.inf if timeout is None else timeout)

    def is_alive(self, thread: threading.Thread) -> bool:
        call = self._calls.get(thread)
        return _is_alive(thread) if call is None else not call.future.done()

    def wait(self, done: Callable[[], bool], seconds: float) -> bool:
        """Let virtual time pass in the calling thread, until it is `done`; whether it is, after so many seconds."""
        network, clock, thread = self._run.network, self._run.clock, self._run.thread()
        until = clock.time + seconds
        while not done() and clock.time < until:
            if thread is not None:
                thread.pause(functions.SOON)
                continue
            moment = min(network.next_time(), until)
            if moment == math.inf:
                raise self._run.refuse("a wait of the main thread that nothing ends")
            clock.pass_time(moment - clock.time)
            network.advance()
        return done()

    # When each of them goes on.

    def _begin(self, call: Call) -> None:
        run, now = self._run, self._run.clock.time
        near = run.options_after(now, run.longest_stall)
        value = run.choices.choose("thread", 1 + near, call.name) if near else 0
        later = run.deadline_after(now, value, run.longest_stall) if value else None
        self._wait(call, now + functions.SOON if later is None else later)

    def _wait(self, call: Call, moment: float) -> None:
        call.turn += 1
        turn = call.turn
        if moment < math.inf:
            self._run.network.at(moment, lambda: self._go_on(call) if call.turn == turn else None, call.name)

    def wake(self, call: Any) -> None:
        """The function waits no longer."""
        self._begin(call)

    def _go_on(self, call: Call) -> None:
        if call.worker is None:
            call.worker = functions.Thread(self, 0)  # type: ignore[arg-type]  # it needs no more of them
            call.worker.call = call  # type: ignore[assignment]
        try:
            pause = call.worker.go_on()
        except TimeoutError:
            call.future.set_exception(self.around.refuse(f"{call.name}, which waits for what is not simulated,", ""))
            return
        if pause is not None:
            self._wait(call, self._run.clock.time + pause)
        else:
            call.worker.end()

    def end(self) -> None:
        """The test has ended."""
        for call in self._calls.values():
            if call.worker is not None and not call.future.done():
                call.worker.end()


class Lock:
    """In the place of a `threading.Lock`."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._held = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self._held and blocking:
            self._threads.wait(lambda: not self._held, math.inf if timeout < 0 else timeout)
        got, self._held = not self._held, True
        return got

    def release(self) -> None:
        self._held = False

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self.release()


@contextmanager
def simulated_threads(run: Run) -> Iterator[None]:
    """While inside, the threads that the main thread starts are ones of the run, which has begun."""
    threads = Threads(run)
    make, real_lock = functions.Thread.__init__, threading.Lock

    def make_real(thread: functions.Thread, *args: Any) -> None:
        with patch.object(threading.Thread, "start", _start), patch.object(threading, "Lock", real_lock), \
                patch.object(threading, "_allocate_lock", threads.allocate):
            make(thread, *args)

    with (patch.object(functions.Thread, "__init__", make_real),
          patch.object(threading.Thread, "start", lambda thread: threads.start(thread)),
          patch.object(threading.Thread, "join", lambda thread, timeout=None: threads.join(thread, timeout)),
          patch.object(threading.Thread, "is_alive", lambda thread: threads.is_alive(thread)),
          patch.object(threading, "Lock", lambda: Lock(threads)),
          patch.object(threading, "_allocate_lock", lambda: Lock(threads))):
        try:
            yield
        finally:
            threads.end()
