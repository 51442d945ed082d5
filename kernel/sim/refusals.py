"""Refusals: what a simulated run cannot do is refused, with an error that names the call and its source line.

A run that talked to a real network, process or thread would not be the same the next time. Python tells an *audit hook*
of such calls before it makes them, also of those that a library written in C makes, and what the hook raises comes out
of the call. The first run of a process adds one hook, since a hook cannot be taken away again. The hook lets every call
pass that comes from a thread without a run. A few calls tell no hook; those are replaced while a run goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from threading import get_ident
from types import FrameType
from typing import Any

from ..devices.watchdog import package_of
from ..insight.finding import kernel_here
from ..insight.names import label
from ..insight.requests import program_place

NOWHERE = "no line of the program"
LEAVE_OUT = "or leave the program out of the exploring"
NO_NETWORK = f"it has a network of its own, for sockets that are made by socket.socket() in the run, {LEAVE_OUT}"
NO_DESCRIPTORS = f"it has only simulated sockets; make sockets, and pairs of them, inside of the run, {LEAVE_OUT}"
NO_PROCESSES = f"it has no other processes; give the program a stand-in for the call, {LEAVE_OUT}"
NO_LIBRARIES = f"a library in C does not see the network of the run; give the program a stand-in for the call, {LEAVE_OUT}"
NO_THREADS = ("it has only simulated threads; call the function by run_in_thread(), asyncio.to_thread() or "
              f"loop.run_in_executor(None, ...), {LEAVE_OUT}")

NO_ALARMS = ("it has no timers of the system's, which count real time; give the program a limit by timeout(), "
             f"loop.call_later() or sleep(), {LEAVE_OUT}")

# The events of the audit hook that are refused: what the program calls, and why that is refused.
REFUSED = {
    **{f"socket.{name}": (f"socket.{name}()", NO_NETWORK) for name in (
        "bind", "connect", "getaddrinfo", "gethostbyaddr", "gethostbyname", "getnameinfo", "sendmsg", "sendto",
        "socketpair")},
    "socket.__new__": ("socket.socket()", NO_NETWORK),
    **{f"os.{name}": (f"os.{name}()", NO_PROCESSES) for name in (
        "exec", "fork", "forkpty", "posix_spawn", "spawn", "startfile", "system")},
    "subprocess.Popen": ("subprocess.Popen()", NO_PROCESSES),
    "_posixsubprocess.fork_exec": ("multiprocessing.Process.start()", NO_PROCESSES),
    "_winapi.CreateProcess": ("multiprocessing.Process.start()", NO_PROCESSES),
    **{f"signal.{name}": (f"signal.{name}()", NO_ALARMS) for name in ("alarm", "setitimer")},
    "_thread.start_joinable_thread": ("threading.Thread.start()", NO_THREADS),
    "_thread.start_new_thread": ("threading.Thread.start()", NO_THREADS),
}

# Modules that start threads of the kernel's own, which watch the program or are simulated.
_MAY_START = frozenset(["kernel.devices.watchdog", "kernel.insight.stalls", "kernel.recordings.writing",
                          "kernel.serving.service", "kernel.sim.functions"])
_OURS = frozenset(["compat", "kernel"])
_LIBRARIES = sys.stdlib_module_names | _OURS


class Unsimulated(RuntimeError):
    """The program did in a simulated run what a run cannot simulate."""


class Refusals:
    """What was refused in a run. The program may have caught the errors, so look at them in any case."""

    def __init__(self) -> None:
        self.refused: list[Unsimulated] = []
        self.origin: str | None = None  # where the program has asked for what runs now, if that is not on the stack

    def refuse(self, what: str, why: str) -> Unsimulated:
        """Note that the program did `what`. The error, which the caller raises, says `why` that is refused."""
        frame, callee = _search()
        name = "" if callee is None else f"{callee.f_globals.get('__name__')}.{callee.f_code.co_qualname}"
        through = "" if name + "()" in ("()", what) or name.endswith(".__init__") else f" through {name}()"
        error = Unsimulated(f"a simulated run refuses {what} at {_show(frame, self.origin)}{through}: {why}")
        self.refused.append(error)
        return error


here: dict[int, Any] = {}  # the run that goes on in a thread, by the thread: its `Surroundings`, which are `Refusals`


@cache
def add_hook() -> None:
    """Have Python tell the audit hook, from now on."""
    sys.addaudithook(_look_at)


def _look_at(event: str, args: Any, refused: Any = REFUSED, here: dict[int, Any] = here,
             ident: Callable[[], int] = get_ident) -> None:
    """The audit hook. It is called until the interpreter has ended, so it does not count on the module's names."""
    if event in refused and (run := here.get(ident())) is not None:
        if event.startswith("_thread.") and _asker() in _MAY_START:
            return
        raise run.refuse(*refused[event])


def audited(event: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, which the audit hook is not told of, in a form that tells it."""
    def call(*args: Any, **kwargs: Any) -> Any:
        _look_at(event, ())
        return function(*args, **kwargs)
    return call


def _asker() -> object:
    """The module that starts a thread by `threading`."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") in (__name__, "threading"):
        frame = frame.f_back
    return None if frame is None else frame.f_globals.get("__name__")


def place() -> str:
    """Where the program is: "main.py:12 in main". The program is all but Python's library, the kernel and compat."""
    return _show(_search()[0])


def _search() -> tuple[FrameType | None, FrameType | None]:
    """The innermost frame of the program in this step, if there is one, and the frame of a library that it called."""
    callee: FrameType | None = None
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and (package := package_of(frame.f_globals)) in _LIBRARIES:
        if frame.f_code.co_name == "turn" and package in _OURS:  # what lies outside of it has not asked for this
            return None, None
        callee = None if frame.f_globals.get("__name__") == __name__ else frame
        frame = frame.f_back
    return (None, None) if frame is None else (frame, callee)


def _show(frame: FrameType | None, otherwise: str | None = None) -> str:
    if frame is None:  # that of a task is not on the stack while the kernel carries out what it has requested
        kernel = kernel_here()
        task = None if kernel is None else kernel.current
        return otherwise or (NOWHERE if task is None else f"{program_place(task)} ({label(task)})")
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}"
