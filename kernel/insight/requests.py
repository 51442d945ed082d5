"""What a task waits for, in the words of its author: the call that it made, and of what kind that is.

A native task waits on a request, whose repr reads as the call does: "sleep(1.5)". A task of asyncio's kind waits on a
future, which says nothing. But the future is awaited by a coroutine of the library, such as `Queue.get`, which the
program has called. So the call is found in the task's chain of awaits: it is the first frame of a library after the
last frame of the program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

from ..syscalls import Call, Checkpoint, CurrentTask, Now, Readiness, Sleep, Spawn, Syscall
from ..task import Task
from ..waitable import Waitable
from .names import label

# Whose frames are not the program's: ours, and those of the library whose place the facade takes.
LIBRARIES = frozenset(["asyncio", "compat", "kernel"])

LIMIT = 60  # characters of an argument or an answer that are shown

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")

# Each kind with the modules whose calls are of that kind; a module's name stands for those in its folder, too.
_MODULES = {
    "time": "asyncio.timeouts kernel.sync.timeouts",
    "task": "asyncio.taskgroups asyncio.tasks compat.gathering kernel.sync.groups kernel.sync.shields kernel.task",
    "sync": "asyncio.locks asyncio.mixins kernel.sync",
    "queue": "asyncio.queues kernel.sync.queues kernel.sync.universal_queues",
    "network": "asyncio.base_events asyncio.selector_events asyncio.sslproto asyncio.streams asyncio.unix_events "
               "compat.events compat.streams kernel.net",
    "thread": "asyncio.threads kernel.workers",
    "process": "asyncio.base_subprocess asyncio.subprocess kernel.host.processes kernel.workers.processes",
    "signal": "kernel.host.signals",
    "file": "kernel.host.files",
    "future": "asyncio.futures compat.futures kernel.waitable",
}
KINDS = (*_MODULES, "other")
_KIND_OF_MODULE = {module: kind for kind, modules in _MODULES.items() for module in modules.split()}
_KIND_OF_CLASS: dict[type, str] = {Sleep: "time", Checkpoint: "time", Now: "time", Readiness: "network", Spawn: "task",
                                   Call: "task", CurrentTask: "task"}


def frames(task: Task[Any]) -> Iterator[FrameType]:
    """The frames of the task's code that are suspended, outermost first: who awaits whom down to the request."""
    for code in [*(task.callers or ()), task.code]:
        while code is not None:
            frame = (getattr(code, "cr_frame", None) or getattr(code, "gi_frame", None)
                     or getattr(code, "ag_frame", None))
            if frame is not None:
                yield frame
            awaited = getattr(code, "cr_await", None)
            if awaited is None:
                awaited = getattr(code, "gi_yieldfrom", None)
            if awaited is None:
                awaited = getattr(code, "ag_await", None)
            code = awaited


def package(frame: FrameType) -> str:
    """The name of the top-level package that the frame's code is in."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def library_call(task: Task[Any]) -> FrameType | None:
    """The frame of the function of a library that the program has called, and in which the task waits."""
    called = None
    for frame in frames(task):
        if package(frame) not in LIBRARIES:
            called = None
        elif called is None and frame.f_code.co_name not in ("__await__", "__iter__"):  # of a future: no call
            called = frame
    return called


def is_future(request: object) -> bool:
    """Whether `request` is asyncio's idea of a wait: a future, or a task of that kind."""
    return hasattr(request, "_asyncio_future_blocking") or hasattr(request, "future")


def kind_of(task: Task[Any], request: object) -> str:
    """The kind of `request`, on which `task` is blocked or which it has just made: one of `KINDS`."""
    if (kind := _KIND_OF_CLASS.get(request.__class__)) is not None:
        return kind
    if is_future(request):
        frame = library_call(task)
        if frame is not None:
            if frame.f_code.co_name == "sleep":
                return "time"
            return _kind_of_module(str(frame.f_globals.get("__name__", "")))
    if isinstance(request, Task) or hasattr(request, "_children"):  # those of asyncio.gather
        return "task"
    return _kind_of_module(type(request).__module__)


def _kind_of_module(module: str) -> str:
    while module:
        if module in _KIND_OF_MODULE:
            return _KIND_OF_MODULE[module]
        module = module.rpartition(".")[0]
    return "other"


def text_of(task: Task[Any], request: object, data: bool = True) -> str:
    """`request`, on which `task` is blocked or which it has just made, as the call that the program wrote.

    Without `data` it is only the name of what was called, with "..." for the arguments.
    """
    if is_future(request) and not isinstance(request, Task):
        frame = library_call(task)
        if frame is not None:
            return call_text(frame, data)
        awaited = getattr(request, "future", request)
        children = getattr(awaited, "_children", None)  # what asyncio.gather has made
        if children:
            return f"gather({', '.join(name_of(child) for child in children)})"
        return name_of(awaited)
    if isinstance(request, Task):
        frame = library_call(task) if is_future(request) else None
        return f"wait({name_of(request)})" if frame is None else call_text(frame, data)
    try:
        text = f"wait({request})" if isinstance(request, Waitable) else str(request)
    except Exception:  # a defect in a class of the program's must not hide who waits
        return f"<{type(request).__qualname__}, whose repr() fails>"
    return plain(text) if data else without_arguments(text)


def call_text(frame: FrameType, data: bool = True) -> str:
    """The call of which `frame` is the function's frame: "Queue.get()", "sleep(1.5)"."""
    code, local = frame.f_code, frame.f_locals
    names = code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]
    method = names[:1] == ("self",) and "self" in local
    # By the class of the object, since the function may be one of a base that nobody knows.
    called = f"{type(local['self']).__name__}.{code.co_name}" if method else code.co_qualname
    if not data:
        return f"{called}(...)"
    defaults = defaults_of(frame, local, method)
    arguments: list[str] = []
    for place, name in enumerate(names[1:] if method else names):
        if name in local and not (name in defaults and local[name] is defaults[name]):
            value = shown(local[name])
            keyword = place + method >= code.co_argcount or len(arguments) < place
            arguments.append(f"{name}={value}" if keyword else value)
    if code.co_name == "__aexit__":
        arguments = []  # the exception with which the block has ended; what is waited for is the rest of the block
    return f"{called}({', '.join(arguments)})"


def defaults_of(frame: FrameType, local: dict[str, Any], method: bool) -> dict[str, Any]:
    """The default values of the arguments of the function whose frame this is, where the function can be found."""
    code = frame.f_code
    owner = type(local.get("self")) if method else None
    function = frame.f_globals.get(code.co_name) if owner is None else getattr(owner, code.co_name, None)
    if getattr(function, "__code__", None) is not code:
        return {}
    positional = function.__defaults__ or ()  # type: ignore[union-attr]  # it has the code, so it is a function
    names = code.co_varnames[:code.co_argcount]
    return {**dict(zip(names[len(names) - len(positional):], positional)),
            **(function.__kwdefaults__ or {})}  # type: ignore[union-attr]  # as above


def name_of(awaited: object) -> str:
    """What is waited for: a task by its label, a future by its class."""
    if isinstance(awaited, Task):
        return label(awaited)
    return f"<{type(awaited).__name__}>"


def shown(value: object, limit: int = LIMIT) -> str:
    """The repr of `value`, without addresses and cut at `limit` characters."""
    if isinstance(value, Task):
        return f"<{label(value)}>"
    if isinstance(value, (str, bytes)) and len(value) > limit:
        return f"{value[:limit]!r}..."  # without a repr of the whole, which may be large
    try:
        text = repr(value)
    except Exception:
        return f"<{type(value).__qualname__}, whose repr() fails>"
    text = plain(text)
    return text if len(text) <= limit else text[:limit] + "..."


def plain(text: str) -> str:
    """`text` on one line and without addresses, which mean nothing to a reader and differ from run to run."""
    return _ADDRESS.sub("", text.replace("\n", "\\n"))


def without_arguments(text: str) -> str:
    """A request's text without the arguments of the call, and without the state of the object it is made to."""
    name, _, rest = text.rpartition("(")
    if text.startswith("<"):
        return f"{text[1:].split()[0].rstrip('>')}.{name.rpartition('.')[2]}(...)"
    return f"{name.partition('(')[0] if name else text.partition('(')[0]}(...)"


def place_of(code: CodeType, line: int | None) -> str:
    """Where a frame is: "main.py:12 in main", with the path as Python knows it."""
    return f"{code.co_filename}:{line} in {code.co_qualname}"
