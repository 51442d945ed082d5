"""Forgotten requests: in development mode a request that is made and never given to the kernel brings a warning.

Python warns of a coroutine that nobody awaits. It knows nothing of requests: a line `sleep(1)` without `await` does
nothing, silently. `track` has every request note where it was made, until it is given to the kernel: until it is
awaited, or is yielded and carried out. One that is thrown away before that warns, as a coroutine does:

    main.py:7: RuntimeWarning: sleep(1) was never awaited; it was made at main.py:7 in main

Three kinds of requests need thought:

- Most are made anew by each call. Their classes, also those of the program, are changed when the first object of each
  is made: that is after decorators such as `dataclass` have done their work.
- Some are made once and serve many calls: that of a lock's `acquire`, those of `checkpoint` and `now`. Here the call is
  what can be forgotten. So the call hands out a `Handed`, an object of its own that stands for the shared request. The
  same goes for what `wait`, `Server.wait` and `Process.wait` return. Looking into that (`done()`) is a use of it.
- A task, a future or a bare `Waitable` may go without anybody ever waiting for it. Nor is there a warning of a class of
  the program's that says `shared = True`: its objects serve many calls. The `wait` of an asyncio task returns the task.

Without development mode nothing of this is there, and nothing costs anything.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import cache, wraps
from types import CodeType, FrameType
from typing import Any

from .. import syscalls, waitable
from ..core import Kernel
from ..host.processes import Process
from ..net.serving import Server
from ..sync.barriers import Barrier
from ..sync.events import Event
from ..sync.locks import Lock
from ..sync.queues import Get, Queue
from ..sync.semaphores import Semaphore
from ..sync.waiting import WaitInLine
from ..syscalls import Checkpoint, CurrentTask, Now, Syscall
from ..task import Task
from ..waitable import Waitable
from .requests import is_future, of_library, place_of, plain

_PACKAGE = __name__.partition(".")[0]
_SHARED = (Waitable, WaitInLine, Get, Checkpoint, CurrentTask, Now)

# The calls that hand out something shared.
_FUNCTIONS = [(syscalls, "sleep"), (syscalls, "checkpoint"), (syscalls, "current_task"), (syscalls, "now"),
              (waitable, "wait")]
_METHODS = [(Lock, "acquire"), (Semaphore, "acquire"), (Event, "wait"), (Barrier, "wait"), (Queue, "get"),
            (Server, "wait"), (Process, "wait")]

# Where the requests were made that are not given to the kernel yet, by their identity: most have no room for it.
_made: dict[int, tuple[CodeType, int, dict[str, Any]]] = {}
_SEEN = "_seen_by_development_mode"  # an attribute of the classes of which an object was made


def track() -> None:
    """From now on, warn of requests that are thrown away without having been given to the kernel."""
    if "__new__" in vars(Syscall):
        return
    Syscall.__new__ = staticmethod(_new)  # type: ignore[assignment]
    for owner, name in _METHODS:
        setattr(owner, name, _handing_out(getattr(owner, name)))
    for module, name in _FUNCTIONS:
        function = getattr(module, name)
        for each in module, sys.modules[_PACKAGE]:  # the door has the name, too
            setattr(each, name, _handing_out(function))


def _new(cls: type[Syscall[Any]], *args: Any, **kwargs: Any) -> Any:
    """`Syscall.__new__`: makes the object, which `__init__` is about to fill."""
    if _SEEN not in vars(cls):
        setattr(cls, _SEEN, True)
        if not _is_shared(cls):
            _change(cls)
    make = super(Syscall, cls).__new__
    return make(cls) if make is object.__new__ else make(cls, *args, **kwargs)


def _is_shared(cls: type) -> bool:
    """Whether objects of `cls` serve many calls, or may go without anybody ever waiting for them."""
    return issubclass(cls, _SHARED) or is_future(cls) or getattr(cls, "shared", False)


def _change(cls: type[Syscall[Any]]) -> None:
    """Have the objects of `cls` note where they are made, that they are given, and that they are thrown away."""
    init, finish = _attribute(cls, "__init__"), _attribute(cls, "__del__")

    def __init__(self: Syscall[Any], *args: Any, **kwargs: Any) -> None:
        if init is not _attribute(object, "__init__"):
            _bound(init, self)(*args, **kwargs)
        elif (args or kwargs) and cls.__new__ is Syscall.__new__:
            raise TypeError(f"{cls.__name__}() takes no arguments")  # as Python says where neither method is defined
        if type(self) is cls:  # else a subclass is still at work, and may fail
            _note(self)

    def __del__(self: Syscall[Any]) -> None:
        try:
            _tell(self)
        finally:
            if finish is not None:
                _bound(finish, self)()

    setattr(cls, "__init__", __init__)
    setattr(cls, "__del__", __del__)
    for name in "execute", "__await__", "__iter__", "fire":  # the last where it serves as a listener or a timer only
        if (method := _attribute(cls, name)) is not None:
            setattr(cls, name, _giving(method))


def _attribute(cls: type, name: str) -> Any:
    """What `cls` has under `name`, not bound to anything: a function, or a `staticmethod`; None without it."""
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


def _bound(method: Any, request: Syscall[Any]) -> Any:
    """`method`, which comes from `_attribute`, to be called for `request`."""
    return method.__get__(request) if hasattr(method, "__get__") else method


def _giving(method: Any) -> Callable[..., Any]:
    """`method`, by which an object is given to the kernel."""

    def execute(self: Syscall[Any], *args: Any) -> Any:  # the name by which `failures.clear_execute` knows the frame
        _made.pop(id(self), None)
        return _bound(method, self)(*args)

    return execute


def _note(request: Syscall[Any]) -> None:
    """`request` was just made: note where, unless the library itself has made it, in no call of the program's."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and of_library(frame):
        frame = frame.f_back
    if frame is not None:
        _made[id(request)] = frame.f_code, frame.f_lineno, frame.f_globals


def _tell(request: Syscall[Any], finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
    """`request` is being thrown away: warn if it was not given to the kernel.

    At the end of the interpreter nothing is said: then modules throw away what they kept on purpose.
    """
    if finalizing() or (place := _made.pop(id(request), None)) is None:
        return
    code, line, module = place
    warnings.warn_explicit(f"{_text(request)} was never awaited; it was made at {place_of(code, line)}", RuntimeWarning,
                           code.co_filename, line, module.get("__name__"), module.setdefault("__warningregistry__", {}))


def _text(request: Syscall[Any]) -> str:
    """The call that has made `request`, as the program wrote it."""
    try:
        return plain(f"wait({request})" if isinstance(request, Waitable) else str(request))
    except Exception:  # a defect in a class of the program's must not hide what was forgotten
        return f"<{type(request).__qualname__}, whose repr() fails>"


def _handing_out(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, with what it returns handed out as an object of its own."""

    @wraps(function)
    def hand_out(*args: Any, **kwargs: Any) -> Any:
        request = function(*args, **kwargs)
        if isinstance(request, Handed):  # `wait(server.wait())`
            request = request.given_up()
        stand_in = _standing_for(type(request))  # type: ignore[arg-type]  # classes are hashable
        return request if stand_in is None else stand_in(request)

    return hand_out


class Handed(Syscall[Any]):
    """What one call has handed out, and what stands for a request that many calls share.

    It can be awaited or yielded as the request can, also more than once. The task is blocked on the request itself.
    """

    __slots__ = ("_request",)

    def __init__(self, request: Syscall[Any]) -> None:
        self._request = request

    @property  # type: ignore[misc]  # it is written nowhere
    def __class__(self) -> Any:
        """That of the request: for `isinstance` this is a request of its kind."""
        return type(self._request)

    def given_up(self) -> Syscall[Any]:
        """The request itself, for somebody who goes on with that."""
        _made.pop(id(self), None)
        return self._request

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        if task.blocked_on is self:  # else this is a part of another request, which the task has made
            task.blocked_on = self._request
        return self._request.execute(kernel, task)

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        self._request.abort(kernel, task)

    def __await__(self) -> Any:
        return self._request.__await__()

    def __iter__(self) -> Any:
        return iter(self._request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.given_up(), name)

    def __eq__(self, other: object) -> bool:
        return self._request == (other._request if isinstance(other, Handed) else other)

    def __hash__(self) -> int:
        return hash(self._request)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._request.__reduce_ex__(protocol)

    def __str__(self) -> str:
        return str(self._request)

    def __repr__(self) -> str:
        return repr(self._request)


@cache
def _standing_for(cls: Any) -> type[Handed] | None:
    """The class of what stands for a request of the class `cls`, of the same name, since observers show that.

    None where nothing has to: each object of the class is made by a call of its own, or they are futures.
    """
    if is_future(cls) or not _is_shared(cls):
        return None
    return type(cls.__name__, (Handed,), {"__slots__": (), "__module__": cls.__module__,
                                          "__qualname__": cls.__qualname__})
