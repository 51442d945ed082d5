"""Who waits for whom: the tasks that a task waits for, the group it is in, and what it stands in line at.

A request of this library says so itself. A future of asyncio's does not: but the coroutine of asyncio's that awaits it
has what it waits for among its local variables. asyncio is not imported here. Its classes are known by the names that
they have had since Python 3.11, and where a name is missing, there is one relation less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import FrameType, MethodType
from typing import Any, NamedTuple

from ..insight.requests import plain
from ..sync.conditions import Notification
from ..sync.groups import Completions, Join, SpawnChild
from ..sync.queues import Get, JoinQueue, Put
from ..sync.universal_queues import Transfer
from ..task import Task

AnyTask = Task[Any]

# Functions that wait for tasks by way of a future of their own, with the local variable that has the tasks. A group and
# the iterator of `as_completed` have them in an attribute.
_COLLECTORS = {"_wait": "fs", "wait_for": "fut", "_cancel_and_wait": "fut", "__aexit__": "self._tasks",
               "_aexit": "self._tasks", "__anext__": "self._todo", "_wait_for_one": "self._todo"}

# Methods in which tasks wait in a line, with the attribute that has the line, of futures; None for a method that waits
# in one of another object, which is a part of its own.
_LINES = {("Lock", "acquire"): "_waiters", ("Semaphore", "acquire"): "_waiters", ("Event", "wait"): "_waiters",
          ("Condition", "wait"): "_waiters", ("Queue", "get"): "_getters", ("Queue", "put"): "_putters",
          ("Queue", "join"): None, ("Barrier", "wait"): None}
_METHODS = frozenset(method for _, method in _LINES)


class Place(NamedTuple):
    """What a task waits at, in a line with others."""

    thing: Any  # a lock, a queue or the like: the object that has the line
    call: str  # what the task does there: "acquire"
    line: Callable[[], Iterable[Any]]  # gives the tasks that do, or the futures that they wait for, first come first


_PLACES: dict[type, Callable[[Any], Place]] = {
    Get: lambda request: Place(request.contents, "get", lambda: request.contents.getters),
    Put: lambda request: Place(request.contents, "put", lambda: request.contents.putters),
    JoinQueue: lambda request: Place(request.contents, "join", lambda: request.contents.joiners),
    Notification: lambda request: Place(request.condition, "wait", lambda: request.condition.waiters),
    Transfer: lambda request: Place(request.queue, "get" if request.party.getting else "put",
                                    lambda: [getattr(party, "task", None)  # a thread waits there as well
                                             for party in list(request.queue.line(request.party))]),
}


def tasks_of_request(request: object) -> list[AnyTask]:
    """The tasks whose end a native request waits for."""
    if isinstance(request, Task):
        return [request]
    if isinstance(request, Join):
        return [*request.group.children, *(request.group.daemons if request.group.cancelled else ())]
    if isinstance(request, Completions):
        return list(request.group.children)
    return []


class Collector(NamedTuple):
    """Where a function of asyncio has the tasks that it waits for: in a variable of a frame, or an attribute of that."""

    frame: int  # its place among the frames
    variable: str
    attribute: str

    @staticmethod
    def find(frames: list[FrameType], first: int) -> Collector | None:
        """The innermost of these functions among `frames`, of which those from `first` on are a library's."""
        for place in range(len(frames) - 1, first - 1, -1):
            variable, _, attribute = _COLLECTORS.get(frames[place].f_code.co_name, "").partition(".")
            if variable and variable in frames[place].f_locals:
                return Collector(place, variable, attribute)
        return None

    def tasks(self, frames: list[FrameType]) -> list[AnyTask]:
        awaited = frames[self.frame].f_locals.get(self.variable)
        return tasks_behind(getattr(awaited, self.attribute, ()) if self.attribute else awaited)


def tasks_behind(awaited: Any) -> list[AnyTask]:
    """The tasks that something to wait for stands for: a task itself, those of a `gather`, the one inside a `shield`."""
    found: dict[AnyTask, None] = {}
    left, seen = [awaited], set()
    while left:
        one = left.pop()
        one = getattr(one, "future", one)  # the kernel's stand-in for a future of another make
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, Task):
            if not one.done():
                found[one] = None
        elif isinstance(one, (set, frozenset, list, tuple)):
            left.extend(one)
        elif getattr(one, "_children", None):  # those of a `gather`
            left.extend(reversed(one._children))
        else:
            left.extend(_shielded(one))
    return list(found)


def _shielded(outer: Any) -> list[Any]:
    """What is inside of a future that `asyncio.shield` has made: a function among its callbacks refers to it."""
    found = []
    for callback, _ in getattr(outer, "_callbacks", None) or ():
        code = getattr(callback, "__code__", None)
        if code is not None and code.co_name == "_outer_done_callback" and "inner" in code.co_freevars:
            found.append(callback.__closure__[code.co_freevars.index("inner")].cell_contents)
    return found


def parent_of(task: AnyTask) -> AnyTask | None:
    """The task that is in the block of the group in which `task` was spawned, if it was in one."""
    told = task.told_when_done
    if not told:
        return None
    for waiter in told if isinstance(told, (dict, list)) else (told,):
        if isinstance(waiter, partial):  # of a native group, in a task of asyncio's kind
            waiter = next((argument for argument in waiter.args if isinstance(argument, SpawnChild)), None)
        if isinstance(waiter, SpawnChild):
            return waiter.group.owner
        if isinstance(waiter, MethodType):  # of asyncio's TaskGroup
            parent = getattr(waiter.__self__, "_parent_task", None)
            if isinstance(parent, Task):
                return parent
    return None


def place_in_request(request: Any) -> Place | None:
    """What a native request waits at, if its task stands in a line there."""
    if type(request) in _PLACES:
        return _PLACES[type(request)](request)
    if isinstance(getattr(request, "waiters", None), Mapping):  # a lock and the like, perhaps of the program's own make
        return Place(request, plain(str(request)).rpartition(".")[2].partition("(")[0], lambda: request.waiters)
    return None


class PlaceInCall(NamedTuple):
    """Where a method of asyncio's has what its callers wait at: it is the `self` of a frame, or a part of that is."""

    frame: int  # its place among the frames
    call: str
    line_frame: int  # the same, for the object that has the line
    line: str

    @staticmethod
    def find(frames: list[FrameType], first: int) -> PlaceInCall | None:
        """The outermost of these methods among `frames`, of which those from `first` on are a library's."""
        found: PlaceInCall | None = None
        for place in range(len(frames) - 1, first - 1, -1):
            method = frames[place].f_code.co_name
            if method not in _METHODS or found is not None and found.call == "acquire":  # of the lock of a condition
                continue
            for kind in type(frames[place].f_locals.get("self")).__mro__:
                if kind.__module__.partition(".")[0] == "asyncio" and (kind.__name__, method) in _LINES:
                    line = _LINES[kind.__name__, method]
                    if line is not None:
                        found = PlaceInCall(place, method, place, line)
                    elif found is not None:
                        found = found._replace(frame=place, call=method)
                    break
        return found

    def place(self, frames: list[FrameType]) -> Place:
        line = frames[self.line_frame].f_locals["self"]
        thing = line if self.frame == self.line_frame else frames[self.frame].f_locals["self"]
        return Place(thing, self.call, partial(getattr, line, self.line))
