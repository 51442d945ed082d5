"""What a simulated run finds around it: the time is the virtual clock's, and random numbers come from one seed.

Only the thread of the run sees this, and the threads in which it has functions called. Other threads, such as a
debugger's or the kernel's watchdog, get the real time and real randomness. It works by replacing attributes of modules:

- `time.time`, `monotonic`, `perf_counter` and their `_ns` forms show the virtual clock; `time.time` counts it from
  `START`. `time.sleep` lets virtual time pass: a step that blocks is a step that takes long.
- The functions of `random` use the seed, as do `random.Random()` and `random.seed()` without an argument,
  `random.SystemRandom`, `secrets`, `os.urandom`, `os.getrandom`, `uuid.uuid1`, `uuid.uuid4` and those after them. The
  seed is chosen when the program first asks for something random, so a program that does not ask has no such choice.

Some ways to the real world stay open, since nothing of Python can be replaced there:

- Who wrote `from time import monotonic`, or has it as a default argument, keeps the real clock. In the standard library
  these are `threading` and `queue`, whose waits take real time in the thread of the run and virtual time in its others,
  `sched` and `subprocess`. asyncio asks its loop for the time. The kernel and `compat` ask `kernel.clock`. In `compat`
  only debug mode asks `time.perf_counter`, to find slow steps, and recordings keep real time.
- `datetime.datetime.now()`, `time.localtime()` without an argument and its like, and `time.clock_gettime()` show real
  time.
- Who wrote `from random import random` or `getrandbits` gets numbers that are the same in every run, until something
  else in the program asks `random`; from then on they come from the seed.
- `from os import urandom`, the random numbers of `ssl` and those of numpy are real.
"""

from __future__ import annotations

import os
import queue
import random
import signal
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from random import Random
from threading import get_ident
from typing import Any, Protocol

if sys.platform != "win32":
    import _posixsubprocess

from .network import names, selecting, sockets
from .network.wires import Network
from .network.wires import here as networks
from .refusals import Refusals, add_hook, audited, here

START = 1_767_225_600  # what time.time() shows at 0 s of virtual time: 1 January 2026, 0:00 UTC
NODE = 0x010000000001  # in the place of the machine's address, for uuid1(); marked as made up, as RFC 9562 asks

_NANO = 1_000_000_000
_ABSENT: Any = object()

_shared: Random = random._inst  # whose methods the functions of `random` are
_unasked = Random(0).getstate()  # of `_shared`, before the seed is chosen


class OtherThread(Protocol):
    """A thread of the run, besides its own."""

    def pause(self, seconds: float) -> None:
        """Let the others go on, and come back after so many seconds of virtual time."""

    def wake(self) -> None:
        """End its pause."""

    def lock(self) -> Any:
        """What the thread waits at, in `threading.Condition.wait`: something like a `threading.Lock`."""


class Surroundings(Refusals):
    """While inside, in this thread: time comes from the virtual clock, randomness from a seed, and what a simulation
    cannot control is refused.

    `now` shows the virtual clock, in seconds, and `pass_time` is called with the seconds of a `time.sleep`. `seed` is
    called once at most. Without a `network` sockets are refused. Everything is as before at the end, also when the run
    fails or is interrupted. Raises `RuntimeError` when another thread of this process is in a simulated run.
    """

    def __init__(self, now: Callable[[], float], pass_time: Callable[[float], None], seed: Callable[[], int],
                 network: Network | None = None) -> None:
        super().__init__()
        self.network = network
        self.now = now
        self.pass_time = pass_time
        self._choose = seed
        self._seed: int | None = None
        self._source: Random | None = None
        self._asked = False  # whether `_shared` has a state of the program's
        self.threads: dict[int, OtherThread] = {}  # of the run, besides its own
        self._before: list[tuple[Any, str, Any]] = []  # what was in the places of the replacements
        self._state: tuple[Any, ...] = ()  # of `_shared`

    def __enter__(self) -> Surroundings:
        here[get_ident()] = self
        if len(here) > 1:  # all threads share `_shared`
            del here[get_ident()]
            raise RuntimeError("another thread of this process is in a simulated run; use a process for each of them")
        add_hook()
        if self.network is not None:
            networks[get_ident()] = self.network
        try:
            self._state = _shared.getstate()
            for owner, name, value in _REPLACEMENTS:
                self._before.append((owner, name, vars(owner).get(name, _ABSENT)))
                setattr(owner, name, value)
            _shared.setstate(_unasked)
        except BaseException:
            self._put_back()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        try:
            self._put_back()
        except BaseException:  # Ctrl-C came in between
            self._put_back()
            raise

    def _put_back(self) -> None:
        """Have all as it was before. It can be called again after an interruption."""
        while self._before:
            owner, name, value = self._before[-1]
            if value is not _ABSENT:
                setattr(owner, name, value)
            elif name in vars(owner):
                delattr(owner, name)
            self._before.pop()
        if self._state:
            _shared.setstate(self._state)
        for thread in [*self.threads, get_ident()]:
            here.pop(thread, None)
            networks.pop(thread, None)

    @contextmanager
    def in_thread(self, thread: OtherThread) -> Iterator[None]:
        """While inside, the calling thread is one of the run as well."""
        ident = get_ident()
        here[ident] = self
        self.threads[ident] = thread
        if self.network is not None:
            networks[ident] = self.network
        yield
        here.pop(ident, None)  # the run may have ended before
        networks.pop(ident, None)
        self.threads.pop(ident, None)

    # What the replacements ask.

    def sleep(self, seconds: float) -> None:
        number = isinstance(seconds, float) or hasattr(type(seconds), "__index__")
        if not (number and 0 <= seconds <= threading.TIMEOUT_MAX):
            _sleep(seconds)  # which raises the error
        thread = self.threads.get(get_ident())
        if thread is None:
            self.pass_time(seconds)
        else:
            thread.pause(seconds)

    def offset(self) -> float:
        """By how many seconds the clock of the host that runs is wrong."""
        return 0.0 if self.network is None else self.network.here().host.clock_offset

    def seed(self) -> int:
        """The seed of the run, which is chosen now at the latest."""
        if self._seed is None:
            self._seed = self._choose()
        return self._seed

    def source(self) -> Random:
        """Where random numbers come from, but for those of `_shared`."""
        if self._source is None:
            self._source = Random(f"source {self.seed()}")
        return self._source

    def ask(self, chosen: bool = True) -> None:
        """`_shared` is about to be used: give it the seed, unless it has a state already, or is being given one."""
        if not self._asked:
            if chosen:
                _shared.seed(self.seed())
            self._asked = True

    def reseed(self, generator: Random, a: Any = None, version: int = 2) -> None:
        """What `Random.seed` does."""
        _seed(generator, self.source().getrandbits(64) if a is None else a, version)

    def reseed_shared(self, a: Any = None, version: int = 2) -> None:
        self.ask(chosen=False)
        self.reseed(_shared, a, version)


_sleep, _seed = time.sleep, Random.seed


def _replacement(real: Callable[..., Any], simulated: Callable[..., Any]) -> Callable[..., Any]:
    """`real`, but in a run `simulated`, which gets the surroundings first.

    A module that is imported in a run may keep the replacement for ever. So it works in every run, and between them.
    """
    @wraps(real)
    def call(*args: Any, **kwargs: Any) -> Any:
        run = here.get(get_ident())
        return real(*args, **kwargs) if run is None else simulated(run, *args, **kwargs)
    return call


def _asking(real: Callable[..., Any], chosen: bool = True) -> Callable[..., Any]:
    """`real`, which uses the state of `_shared`, or gives it one that the program has chosen."""
    def simulated(run: Surroundings, *args: Any, **kwargs: Any) -> Any:
        run.ask(chosen)
        return real(*args, **kwargs)
    return _replacement(real, simulated)


def _networked(real: Callable[..., Any], simulated: Callable[..., Any]) -> Callable[..., Any]:
    """`real`, but in a run with a network `simulated`, which gets that first."""
    @wraps(real)
    def call(*args: Any, **kwargs: Any) -> Any:
        run = here.get(get_ident())
        return real(*args, **kwargs) if run is None or run.network is None else simulated(run.network, *args, **kwargs)
    return call


def _in_other_threads(real: Callable[..., Any], simulated: Callable[..., Any]) -> Callable[..., Any]:
    """`real`, but in the other threads of a run `simulated`, which gets the surroundings and the thread."""
    def call(*args: Any) -> Any:
        run = here.get(get_ident())
        thread = None if run is None else run.threads.get(get_ident())
        return real(*args) if thread is None else simulated(run, thread)
    return call


def _all_replacements() -> Iterator[tuple[Any, str, Any]]:
    """Whose attribute is replaced in a run, its name, and by what."""
    for name in "monotonic", "perf_counter":
        yield time, name, _replacement(getattr(time, name), lambda run: run.now())
        name += "_ns"
        yield time, name, _replacement(getattr(time, name), lambda run: round(run.now() * _NANO))
    yield time, "time", _replacement(time.time, lambda run: START + run.offset() + run.now())
    yield time, "time_ns", _replacement(
        time.time_ns, lambda run: START * _NANO + round((run.offset() + run.now()) * _NANO))
    yield time, "sleep", _replacement(time.sleep, Surroundings.sleep)

    # The methods of `_shared` end in these two. The functions of `random` that are these two, and not methods written
    # in Python, have to be replaced as well.
    for name in "random", "getrandbits":
        replacement = _asking(getattr(_shared, name))
        yield _shared, name, replacement
        yield random, name, replacement
    yield random, "getstate", _asking(random.getstate)
    yield random, "setstate", _asking(random.setstate, chosen=False)
    yield random, "seed", _replacement(random.seed, Surroundings.reseed_shared)
    yield Random, "seed", _replacement(Random.seed, Surroundings.reseed)
    urandom = _replacement(os.urandom, lambda run, size: run.source().randbytes(size))
    yield os, "urandom", urandom
    yield random, "_urandom", urandom  # for SystemRandom, and so for `secrets`
    if hasattr(os, "getrandom"):
        yield os, "getrandom", _replacement(os.getrandom, lambda run, size, flags=0: run.source().randbytes(size))

    yield tempfile, "_name_sequence", None  # so that it is made anew, by the seed

    yield uuid, "getnode", _replacement(uuid.getnode, lambda run: NODE)
    yield uuid, "_generate_time_safe", None  # in C; without it uuid1() asks `time` and `random`
    for name in vars(uuid):
        if name.startswith("_last_"):  # what earlier runs were given, than which the next has to be larger
            yield uuid, name, None

    # What `threading.Condition.wait` asks, which all waits of `threading`, `queue` and `concurrent.futures` end in.
    lock = threading._allocate_lock  # type: ignore[attr-defined]
    yield threading, "_allocate_lock", _in_other_threads(lock, lambda run, thread: thread.lock())
    for module, name in (threading, "_time"), (queue, "time"):
        yield module, name, _in_other_threads(time.monotonic, lambda run, thread: run.now())

    yield socket, "socket", sockets.SimulatedSocket
    for name in "socketpair", "fromfd", "close":
        real = audited(f"socket.{name}", getattr(socket, name))
        yield socket, name, _networked(real, getattr(sockets, name))
    for name in "getaddrinfo", "getnameinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr":
        yield socket, name, _networked(getattr(socket, name), getattr(names, name))
    yield socket, "gethostname", _networked(socket.gethostname, lambda network: network.here().host.name)

    if "ssl" in sys.modules:  # as `sockets` has imported it, unless Python was built without it
        from .network import tls  # here, for the same reason

        yield from tls.replacements()
    for owner, name, simulated in selecting.replacements():
        replacement = _networked(getattr(owner, name), simulated)
        yield owner, name, staticmethod(replacement) if isinstance(owner, type) else replacement

    # Calls that do not tell the audit hook, or too late to be refused without leaving something open.
    if sys.platform != "win32":
        for name in "alarm", "setitimer":
            yield signal, name, audited(f"signal.{name}", getattr(signal, name))
        fork_exec = _posixsubprocess.fork_exec  # which `multiprocessing` calls
        yield _posixsubprocess, "fork_exec", audited("_posixsubprocess.fork_exec", fork_exec)
    if sys.version_info < (3, 12):
        start = audited("_thread.start_new_thread", threading._start_new_thread)  # type: ignore[attr-defined]
        yield threading, "_start_new_thread", start
        yield sys.modules["_thread"], "start_new_thread", start


_REPLACEMENTS = list(_all_replacements())
