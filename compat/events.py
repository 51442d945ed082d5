"""The event loop: asyncio's, with its scheduling, timers and readiness replaced by the kernel's.

The transports, TLS, sub-processes and name resolution of the standard library's loop need nothing else, so they stay as
each Python release has them. Every callback, timer, descriptor and task that the loop is given is in the kernel's
queues.
"""

from __future__ import annotations

import asyncio
import errno
import math
import os
import selectors
import sys
import threading
import time
from asyncio import base_events, futures, unix_events
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from kernel.calls import BACKLOG, MOMENT, POLL_INTERVAL
from kernel.checks import close_unstarted
from kernel.devices import Clock, Poller, ReadyQueue, Tracer
from kernel.lifecycle import running_kernel
from kernel.syscalls import Code

from .current import leave
from .current_loop import make_loops_by
from .futures import AsyncioTask, Future, init_future, new_future
from .generators import accepted
from .guest import AsyncioKernel
from .handles import DebugHandle, DebugTimerHandle, Handle, TimerHandle
from .tasks import NativeTask, Task
from .transports import MOST, USUAL, Reader, SocketTransport

if sys.version_info >= (3, 14):
    from .handles import ThreadSafeHandle

if TYPE_CHECKING:
    from mmap import mmap
    from typing import Self

T = TypeVar("T")


new_object = object.__new__
set_result_unless_cancelled: Any = futures._set_result_unless_cancelled  # type: ignore[attr-defined]
FEW = 4  # steps: before a larger batch, a look outside costs little in comparison
NO_HANDLE: Any = None  # what `call_soon` returns to a future, which does not look at the handle


class LoopKernel(AsyncioKernel):
    """The kernel of an event loop. Its tasks are asyncio tasks, and another thread may call at any time."""

    tapped_whole = True  # a tap sees all of the ready queue, since a callback wakes a task in a turn of its own
    told_slow = False  # whether it was told already, by `kernel.insight.stalls`, that what runs now takes long

    def __init__(self, loop: EventLoop, ready: ReadyQueue | None, clock: Clock | None, poller: Poller | None,
                 observer: Tracer | None) -> None:
        self._loop = loop
        super().__init__(ready=ready, clock=clock, poller=poller, observer=observer, exception_hook=self._tell_loop)
        self.calls.expected = 1
        self.debug = False  # as in the loop
        self.wakeup_context = Context()  # for callbacks that do not look at it: tasks, as callbacks of futures

    def _tell_loop(self, message: str, error: BaseException) -> None:
        self._loop.call_exception_handler({"message": message, "exception": error})

    def spawn(self, code: Code[T], name: str | None = None, daemon: bool = False,
              context: Context | None = None) -> NativeTask[T]:
        if self.closed:
            return super().spawn(code)  # type: ignore[return-value]  # raises
        return NativeTask(code, loop=self._loop, name=name, daemon=daemon, context=context)

    def use_queue(self, queue: ReadyQueue) -> None:
        self.ready = self.woken = self._loop._ready = queue
        if self.unchecked is not None:
            self.unchecked = queue

    def leave_task(self) -> None:
        if self.current is not None:
            self.current = None
            leave(self._loop, None)

    @property
    def loop(self) -> EventLoop:
        return self._loop

    def close(self) -> None:
        """Close, and let go of the loop, so that no garbage collector is needed to free the two."""
        super().close()
        self.exception_hook = None
        del self._loop

    def run_ready(self) -> None:
        """Run what is ready, batch by batch, until nothing is ready, or a look outside is due, or the turn is over.

        A batch is what one iteration of asyncio's loop runs: all that is ready at its beginning. asyncio looks at the
        descriptors and at the clock before each batch. The kernel leaves the look out before small batches, until they
        have made 61 steps, but not after a batch that has set a timer which is due at once. Before larger ones a look
        pays: what it lets in is then done at once, and `fetch-httpx` of the benchmarks has less to do in vain.
        """
        ready = self.ready
        batch, left = len(ready), POLL_INTERVAL
        try:
            if self.debug:
                return self._run_timed()
            while batch:
                # There is no look outside within a batch, however large. A descriptor whose callback is in the batch
                # is still ready, and the look would call its callback a second time.
                if batch == 1:
                    ready.popleft().run(self)
                else:
                    for _ in range(batch):
                        ready.popleft().run(self)
                if self.turn_ends:
                    break
                left -= batch
                batch = len(ready)
                if batch > FEW or batch > left:
                    break
        finally:
            self.current = None
            self.turn_ends = False
            leave(self._loop, None)

    def _run_timed(self) -> None:
        """Run one batch, and log the items that take long."""
        for _ in range(len(self.ready)):
            item = self.ready.popleft()
            begin = time.perf_counter()
            item.run(self)
            seconds = time.perf_counter() - begin
            if seconds >= self._loop.slow_callback_duration and not self.told_slow:
                base_events.logger.warning(  # type: ignore[attr-defined]
                    "Executing %s took %.3f seconds", shown(item), seconds)
            self.told_slow = False
            del item  # whoever keeps a traceback from it keeps this frame as well


def shown(item: object) -> str:
    """What asyncio prints for something that it runs: for a handle that steps a task, the task."""
    if isinstance(item, asyncio.Handle):
        return base_events._format_handle(item)  # type: ignore[attr-defined, no-any-return]
    return repr(item)


class PollerView:
    """The kernel's poller, shown to asyncio's modules as a selector that they can ask who is registered."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        key = self.get(descriptor(fileobj))
        if key is None:
            raise KeyError(f"{fileobj!r} is not registered")
        return key

    def get(self, fd: int) -> selectors.SelectorKey | None:
        reader, writer = self._poller.listener(fd, False), self._poller.listener(fd, True)
        events = (selectors.EVENT_READ if reader else 0) | (selectors.EVENT_WRITE if writer else 0)
        return selectors.SelectorKey(fd, fd, events, (reader, writer)) if events else None

    def get_map(self) -> PollerView:
        return self

    def close(self) -> None:
        """Do nothing: the kernel closes its poller."""


class EventLoop(asyncio.SelectorEventLoop):
    """An asyncio event loop that runs on a kernel, which is `loop.kernel`. Use it as any other loop.

    `clock`, `ready`, `poller` and `observer` are the kernel's devices. With a `VirtualClock` a program's sleeps and
    timeouts take no time. `selector`, as in `asyncio.SelectorEventLoop`, does the polling in the place of epoll.
    """

    stand_in: ClassVar[type[EventLoop] | None] = None  # of what class loops of this class are made, in a simulation
    _closed = True  # until __init__ of the base class says otherwise: one that has failed before needs no close

    if TYPE_CHECKING:  # what is private to the base class, and used here
        _debug: bool
        _ready: ReadyQueue
        _stopping: bool
        _task_factory: Any
        _thread_id: int | None

        _csock: Any
        _internal_fds: int
        _ssock: Any

        def _check_callback(self, callback: object, method: str) -> None: ...
        def _check_closed(self) -> None: ...
        def _check_thread(self) -> None: ...
        def _ensure_fd_no_transport(self, fd: Any) -> None: ...

    def __new__(cls, *args: Any, **devices: Any) -> Self:
        return new_object(cls if cls is not EventLoop or cls.stand_in is None else cls.stand_in)  # type: ignore[return-value]

    def __init__(self, selector: selectors.BaseSelector | None = None, *, clock: Clock | None = None,
                 ready: ReadyQueue | None = None, poller: Poller | None = None,
                 observer: Tracer | None = None) -> None:
        if selector is not None:
            from kernel.devices.selector_poller import SelectorPoller  # here, to save start-up time
            poller = SelectorPoller(selector)
        self.kernel = LoopKernel(self, ready, clock, poller, observer)
        self.incoming: mmap | None = None  # where transports receive what they then hand on as bytes
        self.last_sockname: Any = None  # of the transport that was made last
        self._files: dict[int, Any] = {}  # watched objects: one that is closed does not know its number any more
        super().__init__(PollerView(self.kernel.poller))  # type: ignore[arg-type]  # all that is asked of a selector
        self._ready = self.kernel.ready
        if type(self).time is EventLoop.time:  # no subclass has changed it; saves a call: `call-later`
            self.time = self.kernel.clock.now  # type: ignore[method-assign]

    def set_debug(self, enabled: bool) -> None:
        super().set_debug(enabled)
        self.kernel.debug = enabled
        self.kernel.unchecked = None if enabled or self.is_closed() else self.kernel.ready

    def time(self) -> float:
        return self.kernel.clock.now()

    def _run_once(self) -> None:
        """One turn of the kernel. When the loop is to stop, only one batch, and no waiting."""
        if self._stopping:
            self.kernel.end_turn()
            self.kernel.turn(-math.inf)
        else:
            self.kernel.turn()

    def stop(self) -> None:
        super().stop()
        self.kernel.end_turn()

    def close(self) -> None:
        if self.is_closed():
            return
        if self.is_running():
            super().close()  # raises
        while self.kernel.ready:  # asyncio would call `clear`, which not every ready queue has
            self.kernel.ready.popleft()
        self._ready = deque()
        super().close()
        self.kernel.unchecked = None
        self.kernel.timers.heap.clear()
        self.kernel.close()

    def run_forever(self) -> None:
        if self._closed or self._thread_id is not None or asyncio._get_running_loop() is not None:
            # Python 3.13.0 would check too late, and take the running loop for one that has ended.
            self._check_closed()
            self._check_running()
        super().run_forever()

    def run_until_complete(self, future: Any) -> Any:
        return super().run_until_complete(accepted(future))

    def _check_running(self) -> None:
        super()._check_running()  # type: ignore[misc]  # of the base class
        if running_kernel() is not None:  # asked here as well, since a program asks six times: `run` of the benchmarks
            check_no_kernel("the event loop was run")

    # Scheduling

    def create_future(self) -> Future[Any]:
        future: Future[Any] = new_future(Future)  # a call of the class would look for the current loop
        init_future(future, loop=self)
        return future

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None,  # type: ignore[override]
                    **others: Any) -> Task[Any]:  # Python's versions differ
        if self._closed:
            self._check_closed()
        if self._task_factory is not None:
            if name is not None:
                others["name"] = name
            if context is not None:
                others["context"] = context
            return super().create_task(coro, **others)  # type: ignore[return-value]  # its type
        if others:
            task: Task[Any] = Task(coro, loop=self, name=name, context=context, **others)
        else:
            task = new_object(Task)  # quicker than a call of the class: `spawn` of the benchmarks
            task.start(coro, self, self.kernel, name, context)
        if self._debug and task._source_traceback:
            del task._source_traceback[-1]
        return task

    def call_soon(self, callback: Callable[..., object], *args: Any,  # type: ignore[override]  # no TypeVarTuple
                  context: Context | None = None) -> Handle:
        ready = self.kernel.unchecked
        if ready is None:
            return self._call_soon_checked(callback, args, context)
        if callback.__class__ is AsyncioTask:  # type: ignore[comparison-overlap]
            # A future wakes a task that waited for it: `pingpong` of the benchmarks.
            ready.append(callback)
            return NO_HANDLE
        handle: Handle = new_object(Handle)  # without a call of the class, and so of `__init__`: `call-soon`
        handle._callback = callback
        handle._args = args
        handle._loop = self
        handle._context = copy_context() if context is None else context
        ready.append(handle)
        return handle

    def _call_soon_checked(self, callback: Callable[..., object], args: tuple[Any, ...],
                           context: Context | None) -> Handle:
        self._check_closed()
        if callback.__class__ is AsyncioTask:  # type: ignore[comparison-overlap]
            self._ready.append(callback)
            return NO_HANDLE
        self._check_call(callback, "call_soon")
        handle = self._call_soon(callback, args, context)
        if handle._source_traceback is not None:
            del handle._source_traceback[-2:]
        return handle

    def _call_soon(self, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None) -> Handle:
        handle = (DebugHandle if self._debug else Handle)(callback, args, self, context)
        if handle._source_traceback is not None:
            del handle._source_traceback[-1]
        self._ready.append(handle)
        return handle

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any,  # type: ignore[override]
                   context: Context | None = None) -> TimerHandle:
        if delay is None:
            raise TypeError("delay must not be None")
        when = self.time() + delay
        if self.kernel.unchecked is None:
            return self._call_at(when, callback, args, context)
        if not delay > 0:
            check_time(delay, "call_later")
            self.kernel.end_turn()  # the timer fires before anything that the next batch makes ready
        timer: TimerHandle = new_object(TimerHandle)  # as in call_soon: `call-later`
        timer._when = when
        timer._callback = callback
        timer._args = args
        timer._loop = self
        if context is not None:
            timer._context = context
        elif callback is set_result_unless_cancelled:  # of `sleep`: it needs no context of its own, and so less memory
            timer._context = self.kernel.wakeup_context
        else:
            timer._context = copy_context()
        timer.dead = None
        self.kernel.timers.add(when, timer)
        return timer

    def call_at(self, when: float, callback: Callable[..., object], *args: Any,  # type: ignore[override]
                context: Context | None = None) -> TimerHandle:
        if when is None:
            raise TypeError("when cannot be None")
        return self._call_at(when, callback, args, context)

    def _call_at(self, when: float, callback: Callable[..., object], args: tuple[Any, ...],
                 context: Context | None) -> TimerHandle:
        self._check_call(callback, "call_at")
        if not when > self.time():
            check_time(when, "call_at")
            self.kernel.end_turn()
        timer = (DebugTimerHandle if self._debug else TimerHandle)(when, callback, args, self, context)
        if timer._source_traceback is not None:
            del timer._source_traceback[-2:]
        self.kernel.timers.add(when, timer)
        return timer

    def _check_call(self, callback: Callable[..., object], method: str) -> None:
        self._check_closed()
        if self._debug:
            self._check_thread()
            self._check_callback(callback, method)

    def _add_callback(self, handle: asyncio.Handle) -> None:
        if not handle.cancelled():
            self._ready.append(handle if isinstance(handle, Handle) else Handle(handle._run, (), self, None))

    if sys.version_info >= (3, 14):

        def call_soon_threadsafe(self, callback: Callable[..., object], *args: Any,  # type: ignore[override]
                                 context: Context | None = None) -> ThreadSafeHandle:
            self._check_closed()
            if self._debug:
                self._check_callback(callback, "call_soon_threadsafe")
            handle = ThreadSafeHandle(callback, args, self, context)
            if handle._source_traceback:
                del handle._source_traceback[-2:]  # this method, and the handle's own
            self._ready.append(handle)
            self._write_to_self()
            return handle

    def _write_to_self(self) -> None:
        self.kernel.wake_up()
        # A thread that does nothing but call has to wait here, where asyncio's loop slows it down by a system call.
        if len(self._ready) > BACKLOG and self._thread_id not in (None, threading.get_ident()):
            time.sleep(MOMENT)

    # The sockets by which the interpreter tells the loop of signals. asyncio makes them with each loop, since there other
    # threads use them as well. Without a signal handler they would be a third of the cost of `run-nothing`.

    def _make_self_pipe(self) -> None:
        self._ssock = self._csock = None
        self._internal_fds += 1

    def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: Any) -> None:  # type: ignore[override]
        if self._csock is None and not self.is_closed():
            super()._make_self_pipe()  # type: ignore[misc]
            self._internal_fds -= 1
        super().add_signal_handler(sig, callback, *args)

    def _close_self_pipe(self) -> None:
        if self._csock is None:
            self._internal_fds -= 1
        else:
            super()._close_self_pipe()  # type: ignore[misc]

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> Any:  # type: ignore[override]
        future = super().run_in_executor(executor, func, *args)
        self.kernel.calls.at_work += 1  # a virtual clock does not go on before it is done
        future.add_done_callback(self._executed)
        return future

    def _executed(self, future: object) -> None:
        self.kernel.calls.at_work -= 1

    # Descriptors

    def _add_reader(self, fd: Any, callback: Callable[..., object], *args: Any,
                    context: Context | None = None) -> Handle:
        return self._watch(fd, False, callback, args, context)

    def _add_writer(self, fd: Any, callback: Callable[..., object], *args: Any,
                    context: Context | None = None) -> Handle:
        return self._watch(fd, True, callback, args, context)

    def _remove_reader(self, fd: Any) -> bool:
        return self._unwatch(fd, False)

    def _remove_writer(self, fd: Any) -> bool:
        return self._unwatch(fd, True)

    def _watch(self, fd: Any, writing: bool, callback: Callable[..., object], args: tuple[Any, ...],
               context: Context | None) -> Handle:
        handle = Handle(callback, args, self, context)
        self.listen(fd, writing, handle)
        return handle

    def listen(self, fd: Any, writing: bool, listener: Handle | Reader) -> None:
        """Have `listener` told when `fd` is ready, in the place of another one, which is cancelled."""
        self._check_closed()
        number = descriptor(fd)
        if self.kernel.poller.listener(number, writing) is not None:
            self._unwatch(number, writing)
        self.kernel.poller.watch(number, writing, listener)
        if number is not fd:
            self._files[number] = fd
        elif self._files:
            self._files.pop(number, None)  # the object was closed, and its number is that of another file now

    def _unwatch(self, fd: Any, writing: bool) -> bool:
        if self.is_closed():
            return False
        number, poller = self._number(fd), self.kernel.poller
        listener = poller.listener(number, writing)
        if listener is None:
            return False
        other = poller.listener(number, not writing)
        poller.unwatch(number, writing)
        if isinstance(listener, (Handle, Reader)):
            listener.cancel()
        if poller.listener(number, not writing) is None:
            if self._files:
                self._files.pop(number, None)
            if isinstance(other, (Handle, Reader)):  # the poller has just given it up, since the file is closed
                other.cancel()
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return True

    def _number(self, fd: Any) -> int:
        """As `descriptor`; for a watched object that has been closed, the number that it had."""
        try:
            return descriptor(fd)
        except ValueError:
            for number, file in self._files.items():
                if file is fd:
                    return number
            raise

    # Transports. Those that few programs need are imported when the first is made, to save start-up time.

    def have_incoming(self) -> None:
        """Make the memory into which transports of sockets receive, unless it is there."""
        if self.incoming is None:
            from mmap import MAP_PRIVATE, mmap  # as said above
            self.incoming = mmap(-1, USUAL, flags=MAP_PRIVATE)  # its slices are bytes, without a second copy

    def _start_serving(self, protocol_factory: Any, sock: Any, sslcontext: Any = None, *args: Any,
                       **options: Any) -> None:
        # Not with the first connection: a server may have given up its file system by then.
        self.have_incoming()
        if sslcontext:
            from . import tls as tls  # as said above
        super()._start_serving(protocol_factory, sock, sslcontext, *args, **options)  # type: ignore[misc]

    def _make_socket_transport(self, sock: Any, *args: Any, **options: Any) -> SocketTransport:
        self._ensure_fd_no_transport(sock)
        return SocketTransport(self, sock, *args, **options)

    def _make_ssl_transport(self, rawsock: Any, protocol: Any, sslcontext: Any, waiter: Any = None, *,
                            server_side: bool = False, server_hostname: str | None = None,
                            ssl_handshake_timeout: float | None = None, ssl_shutdown_timeout: float | None = None,
                            **options: Any) -> Any:
        from .tls import TLSProtocol  # as said above
        self._ensure_fd_no_transport(rawsock)
        tls: Any = TLSProtocol(self, protocol, sslcontext, waiter, server_side, server_hostname,
                               ssl_handshake_timeout=ssl_handshake_timeout, ssl_shutdown_timeout=ssl_shutdown_timeout)
        SocketTransport(self, rawsock, tls, **options)
        return tls._app_transport

    @cached_property
    def encrypted(self) -> memoryview:
        """The buffer into which all TLS connections receive."""
        return memoryview(bytearray(MOST))

    def _make_datagram_transport(self, sock: Any, *args: Any, **options: Any) -> Any:
        from .datagrams import DatagramTransport  # as said above
        self._ensure_fd_no_transport(sock)
        return DatagramTransport(self, sock, *args, **options)

    def _make_read_pipe_transport(self, pipe: Any, protocol: Any, waiter: Any = None,
                                  extra: Any = None) -> Any:
        from .pipes import ReadPipeTransport  # as said above
        return ReadPipeTransport(self, pipe, protocol, waiter, extra)

    def _make_write_pipe_transport(self, pipe: Any, protocol: Any, waiter: Any = None,
                                   extra: Any = None) -> Any:
        from .pipes import WritePipeTransport  # as said above
        return WritePipeTransport(self, pipe, protocol, waiter, extra)

    # Processes

    async def _make_subprocess_transport(self, protocol: Any, args: Any, shell: bool, stdin: Any, stdout: Any,
                                         stderr: Any, bufsize: int, extra: Any = None, **kwargs: Any) -> Any:
        from .children import watch_child  # as said above
        waiter = self.create_future()
        transport = unix_events._UnixSubprocessTransport(  # type: ignore[attr-defined]
            self, protocol, args, shell, stdin, stdout, stderr, bufsize, waiter=waiter, extra=extra, **kwargs)
        watch_child(self, transport.get_pid(), transport._process_exited)
        try:
            await waiter
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException:
            transport.close()
            await transport._wait()
            raise
        return transport


def descriptor(fd: Any) -> int:
    """The number of a file descriptor or of an object with `fileno()`. Raises `ValueError`, as `selectors` does."""
    if not isinstance(fd, int):
        try:
            fd = int(fd.fileno())
        except (AttributeError, TypeError, ValueError):
            raise ValueError(f"Invalid file object: {fd!r}") from None
    if fd < 0:
        raise ValueError(f"Invalid file descriptor: {fd}")
    return int(fd)


def check_time(seconds: float, method: str) -> None:
    """Refuse NaN. Among the kernel's timers it would put others out of order."""
    if seconds != seconds:
        raise ValueError(f"{method}() takes a number of seconds, not NaN")


def check_no_kernel(what: str, main: object = None) -> None:
    """Where a native kernel runs in this thread, which a loop would block: close `main` and raise `RuntimeError`."""
    if running_kernel() is not None:
        close_unstarted(main)
        raise RuntimeError(f"{what} inside a running kernel, which it would block; use "
                           "'await kernel.run_in_thread(compat.run, ...)'")


def new_event_loop() -> EventLoop:
    """Make an event loop of this project's; to be given to `asyncio.Runner(loop_factory=...)` and the like."""
    return EventLoop()


make_loops_by(new_event_loop)


def __getattr__(name: str) -> Any:
    """Take any other name from asyncio's module of the same name."""
    return getattr(asyncio.events, name)
