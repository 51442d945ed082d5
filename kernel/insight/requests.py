"""What a task waits for, in the words of its author: the call that it made, and of what kind that is.

A native task waits on a request, whose repr reads as the call does: "sleep(1.5)". A task of asyncio's kind waits on a
future, which says nothing. But the future is awaited by a coroutine of the library, such as `Queue.get`, which the
program has called. So the call is found in the task's chain of awaits: it is the first frame of a library after the
last frame of the program.
"""

from __future__ import annotations

import gc
import re
from functools import lru_cache
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType
from typing import Any

from ..syscalls import Call, Checkpoint, CurrentTask, Now, Readiness, Sleep, Spawn, Syscall
from ..task import Task
from ..waitable import Waitable
from .names import label, number

# Whose frames are not the program's: ours, and those of the library whose place the facade takes.
LIBRARIES = frozenset(["asyncio", "compat", "kernel"])

FEW = 5  # tasks in a collection that are shown
MANY = 1000  # functions of which is kept how to write their calls
LIMIT = 60  # characters of an argument or an answer that are shown; of all arguments twice as many

_PLAIN = frozenset([bool, float, int, type(None)])  # their reprs are short, unless an int is long; and have no address
_MISSING: Any = object()
_OBJECT = re.compile(r"<(?:the )?([\w.]+).*?>\.(?=\w+\()")  # what a request is made to, as its text begins with
_WAITABLE = re.compile(r"^wait\(<([\w.]+) .*>\)$")
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
# What Python awaits in the place of an async generator or a coroutine, which it does not show by an attribute.
_WRAPPERS = frozenset(["anext_awaitable", "async_generator_asend", "async_generator_athrow", "coroutine_wrapper"])
_WRAPPED = (AsyncGeneratorType, CoroutineType)
_KIND_OF_CLASS: dict[type, str] = {Sleep: "time", Checkpoint: "time", Now: "time", Readiness: "network", Spawn: "task",
                                   Call: "task", CurrentTask: "task"}


def chain(task: Task[Any]) -> tuple[list[Any], list[FrameType]]:
    """Who awaits whom in a task, from its outermost code down to the request: the pieces of code, and their frames."""
    codes: list[Any] = []
    frames: list[FrameType] = []
    for outermost in (*task.callers, task.code) if task.callers else (task.code,):
        code = outermost
        while code is not None:
            kind = type(code)
            if kind is CoroutineType:  # nearly always, and a snapshot is to be quick
                frame, awaited = code.cr_frame, code.cr_await
            elif (names := _attributes(kind)) is None:  # type: ignore[arg-type]  # a type has a hash
                break
            elif names:
                frame, awaited = getattr(code, names[0]), getattr(code, names[1], None)
            else:
                frame, awaited = None, _wrapped(code)
            if frame is not None:
                codes.append(code)
                frames.append(frame)
            code = awaited
    return codes, frames


def frames(task: Task[Any]) -> list[FrameType]:
    """The frames of the task's code that are suspended, outermost first."""
    return chain(task)[1]


def place_key(frames: list[FrameType]) -> tuple[int, ...]:
    """Where code with these frames is suspended, as numbers: the functions that it is in, and how far it is in each."""
    key: list[int] = []
    for frame in frames:
        key += id(frame.f_code), frame.f_lasti
    return tuple(key)


@lru_cache(64)
def _attributes(kind: type) -> tuple[str, ...] | None:
    """The attributes in which objects of a type have their frame, and what they await.

    Empty for those that Python awaits in the place of others; None for all that have no frame.
    """
    pairs = ("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await")
    return next((pair for pair in pairs if hasattr(kind, pair[0])), () if kind.__name__ in _WRAPPERS else None)


def has_frame(kind: type) -> bool:
    """Whether objects of a type that code can await have a frame, or stand in the place of some that have."""
    return _attributes(kind) is not None


def _wrapped(code: Any) -> Any:
    """What is inside of an object that Python awaits in its place."""
    return next((inner for inner in gc.get_referents(code) if isinstance(inner, _WRAPPED)), None)


def of_library(frame: FrameType) -> bool:
    """Whether the frame's code is not the program's."""
    return _is_of_library(str(frame.f_globals.get("__name__", "")))


@lru_cache(1024)
def _is_of_library(module: str) -> bool:
    return module.partition(".")[0] in LIBRARIES


def library_call(task: Task[Any]) -> FrameType | None:
    """The frame of the function of a library that the program has called, and in which the task waits."""
    chain = frames(task)
    place = place_of_call(chain, [of_library(frame) for frame in chain])
    return None if place is None else chain[place]


def place_of_call(chain: list[FrameType], libraries: list[bool]) -> int | None:
    """The place of that frame in `chain`; `libraries` says of each frame whether it is of a library."""
    place = None
    for index in range(len(chain) - 1, -1, -1):
        if not libraries[index]:
            break
        if chain[index].f_code.co_name not in ("__await__", "__iter__"):  # of a future: no call
            place = index
    return place


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
            return kind_of_call(frame)
    if not isinstance(request, Syscall) and not is_future(request):
        return "task"  # code that is called
    if isinstance(request, Task) or hasattr(getattr(request, "future", request), "_children"):  # of asyncio.gather
        return "task"
    return _kind_of_module(type(request).__module__)


def kind_of_call(frame: FrameType) -> str:
    """The kind of the call of which `frame` is the function's frame."""
    if frame.f_code.co_name == "sleep":
        return "time"
    return _kind_of_module(str(frame.f_globals.get("__name__", "")))


@lru_cache(1024)
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


_signatures: dict[tuple[CodeType, type], Signature] = {}


def call_text(frame: FrameType, data: bool = True) -> str:
    """The call of which `frame` is the function's frame: "Queue.get()", "sleep(1.5)"."""
    key = frame.f_code, type(frame.f_locals.get("self"))
    signature = _signatures.get(key)
    if signature is None:
        if len(_signatures) > MANY:  # of functions that are made anew again and again
            _signatures.clear()
        signature = _signatures[key] = Signature(frame)
    return signature.text(frame, data)


class Signature:
    """How to write the calls of one function; made from the frame of one of them."""

    def __init__(self, frame: FrameType) -> None:
        code, local = frame.f_code, frame.f_locals
        self._name = code.co_qualname
        self._method = code.co_argcount > 0 and code.co_varnames[0] == "self" and "self" in local
        if self._method:
            self._name = code.co_name
            function = getattr(type(local["self"]), code.co_name, None)
        else:
            function = frame.f_globals.get(code.co_name)
        defaults = defaults_of(function) if getattr(function, "__code__", None) is code else {}
        names = code.co_varnames[self._method:code.co_argcount + code.co_kwonlyargcount]
        if code.co_name == "__aexit__":
            names = ()  # the exception with which the block has ended; what is waited for is the rest of the block
        self._parameters = [(name, place + self._method >= code.co_argcount, defaults.get(name, _MISSING))
                            for place, name in enumerate(names)]

    def text(self, frame: FrameType, data: bool) -> str:
        local = frame.f_locals
        # By the class of the object, since the function may be one of a base that nobody knows.
        called = f"{type(local['self']).__name__}.{self._name}" if self._method else self._name
        if not data:
            return f"{called}(...)"
        arguments: list[str] = []
        left_out = False
        for name, keyword, default in self._parameters:
            value = local.get(name, _MISSING)
            if value is _MISSING or value is default:
                left_out = True
            else:
                text = repr(value) if type(value) is float else shown(value)  # a snapshot is to be quick
                arguments.append(f"{name}={text}" if keyword or left_out else text)
        listed = ", ".join(arguments)
        return f"{called}({listed if len(listed) <= 2 * LIMIT else listed[:2 * LIMIT] + '...'})"


def defaults_of(function: Any) -> dict[str, Any]:
    """The default values of the arguments of a function."""
    code, positional = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[:code.co_argcount]
    return {**dict(zip(names[len(names) - len(positional):], positional)), **(function.__kwdefaults__ or {})}


def name_of(awaited: object) -> str:
    """What is waited for: a task by its label, a future by its class."""
    if isinstance(awaited, Task):
        return label(awaited)
    return f"<{type(awaited).__name__}>"


def shown(value: Any, limit: int = LIMIT) -> str:
    """The repr of `value`, without addresses and cut at `limit` characters."""
    if type(value) in _PLAIN and not (type(value) is int and value.bit_length() > 64):
        return repr(value)
    if isinstance(value, Task):
        return f"<{label(value)}>"
    if hasattr(type(value), "_asyncio_future_blocking"):
        return name_of(value)
    if type(value) in (list, set, tuple) and value and all(isinstance(one, Task) for one in value):  # given to `wait`
        listed = ", ".join(f"<{label(one)}>" for one in sorted(value, key=number)[:FEW])
        return f"{{{listed}{', ...' if len(value) > FEW else ''}}}"
    if isinstance(value, (str, bytes)) and len(value) > limit:
        return f"{value[:limit]!r}..."  # without a repr of the whole, which may be large
    try:
        text = repr(value)
    except Exception:
        return f"<{type(value).__qualname__}, whose repr() fails>"
    text = plain(text)
    return text if len(text) <= limit else text[:limit] + "..."


def error_text(error: BaseException, data: bool = True) -> str:
    """The class of an exception and, unless without `data`, what it says: on one line, and cut as `shown` cuts values."""
    name = type(error).__qualname__
    if not data:
        return name
    try:
        message = str(error)
    except Exception:
        return f"{name}: <its str() fails>"
    if not message:
        return name
    return f"{name}: {plain(repr(message[:LIMIT])[1:-1])}{'...' if len(message) > LIMIT else ''}"


def plain(text: str) -> str:
    """`text` on one line and without addresses, which mean nothing to a reader and differ from run to run."""
    if "\n" in text:
        text = text.replace("\n", "\\n")
    return _ADDRESS.sub("", text) if " at 0x" in text else text


def without_state(text: str) -> str:
    """A request's text without the state of the object it is made to: "Lock.acquire()"."""
    if text.startswith("<"):
        found = _OBJECT.match(text)
        return f"{found[1]}.{text[found.end():]}" if found else text
    return _WAITABLE.sub(r"wait(<\1>)", text) if text.startswith("wait(<") else text


def without_arguments(text: str) -> str:
    """A request's text without the arguments of the call, and without the state of the object it is made to."""
    name, _, arguments = without_state(text).partition("(")
    return f"{name}({'' if arguments == ')' else '...'})"


def place_of(code: CodeType, line: int | None) -> str:
    """Where a frame is: "main.py:12 in main", with the path as Python knows it."""
    return f"{code.co_filename}:{line} in {code.co_qualname}"


def program_place(task: Task[Any]) -> str:
    """Where the program is in the task's code: the innermost frame that is not a library's."""
    found = None
    for frame in frames(task):
        if found is None or not of_library(frame):
            found = frame
    return "its end" if found is None else place_of(found.f_code, found.f_lineno)
