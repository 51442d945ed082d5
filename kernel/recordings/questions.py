"""What a task asks for, in the words of a recording; and the places in the program where tasks ask.

To find that out takes longer than the step of a small task. So what is the same at each visit of a place is kept.
"""

from __future__ import annotations

from types import CodeType, CoroutineType, FrameType, GeneratorType
from typing import Any, NamedTuple

from ..insight.requests import chain, has_frame, is_future, kind_of, text_of, without_arguments, without_state
from ..net.endpoints import Attempt
from ..snapshots.copying import Shape, cut, descriptor_of_call, descriptor_of_request
from ..snapshots.relations import place_in_request, tasks_behind, tasks_of_request
from ..syscalls import Call, Checkpoint, Sleep, Spawn, Syscall
from ..task import Task


class Question(NamedTuple):
    """A request, described."""

    text: str
    kind: str
    thing: Any = None  # the lock or the like that the task will wait at
    tasks: list[Task[Any]] = []  # whose end it waits for
    descriptor: int | None = None
    seconds: float | None = None  # how long it sleeps, or, if `until`, until when
    until: bool = False
    calls: bool = False  # code, on the task's own stack
    yields: bool = False  # only lets the others go on
    queued: bool = False  # is answered by way of the ready queue also if nothing has to be waited for
    answers: bool = False  # it is a future, which has the answer itself
    inside: bool = False  # a function of the library awaits a future, and goes on when the task does


def key_of(task: Task[Any], code: Any) -> tuple[Any, ...]:
    """What is the same for tasks that are suspended at the same place. Valid while somebody keeps the code objects."""
    key: tuple[Any, ...] = ()
    piece: Any = None
    for outermost in (*task.callers, code) if task.callers else (code,):
        piece = outermost
        while True:
            if piece.__class__ is CoroutineType:
                frame, piece = piece.cr_frame, piece.cr_await
            elif piece.__class__ is GeneratorType:
                frame, piece = piece.gi_frame, piece.gi_yieldfrom
            else:
                break
            if frame is not None:
                key = key, id(frame.f_code), frame.f_lasti
    if has_frame(piece.__class__):  # an async generator, for example
        for frame in chain(task)[1]:
            key = key, id(frame.f_code), frame.f_lasti
    return key


class Site:
    """A place in the program where tasks ask."""

    def __init__(self, frames: list[FrameType]) -> None:
        self._shape = shape = Shape(frames)
        program = [(code, offset) for code, offset, library in shape.stack if not library]
        # Where in the program this is. For a task of the library's own, where in its outermost function: that says what
        # the task is for, and the innermost one is mostly `Syscall.__await__`.
        self.spots: list[tuple[CodeType, int]] = program or [(code, offset) for code, offset, _ in shape.stack[:1]]
        self.known: dict[Any, int] = {}  # numbers of questions that are always the same: by what else they depend on

    def key_of(self, task: Task[Any], request: Any) -> Any:
        """What the question depends on besides the place, and the task that is waited for; None if on other things too."""
        if request is None:
            return "yield"
        if isinstance(request, Attempt):
            return type(request), request.endpoint.descriptor
        if isinstance(request, Spawn):
            code = getattr(request.code, "cr_code", None) if request.name is None else None
            return None if code is None else (request.daemon, code.co_qualname)
        if isinstance(request, Task) and self._shape.call is None:
            return "wait"
        if self._shape.call is not None and self._shape.kind == "network":  # a stream of asyncio's
            return descriptor_of_call(chain(task)[1][self._shape.call])
        return None

    def question(self, task: Task[Any], request: Any, data: bool) -> Question:
        """Describe `request`, which `task` has made here. Without `data`, leave out arguments."""
        if request is None:
            return Question(*self._call(task, data), yields=True) if self._shape.call is not None else (
                Question("checkpoint()", "time", yields=True))
        if isinstance(request, Attempt):
            text = without_arguments(text_of(task, request))
            return Question(cut(text), "network", descriptor=request.endpoint.descriptor, queued=True)
        if is_future(request):
            return self._future(task, request, data)
        if hasattr(request, "send") and not isinstance(request, Syscall):
            request = Call(request)  # as the kernel will
        text, kind = cut(without_state(text_of(task, request, data))), kind_of(task, request)
        if isinstance(request, Sleep):
            return Question(text, kind, seconds=request.seconds, until=request.until)
        if isinstance(request, Checkpoint):
            return Question(text, kind, yields=True)
        if isinstance(request, Call):
            return Question(text, kind, calls=True)
        place = place_in_request(request)
        return Question(text, kind, thing=None if place is None else place.thing, tasks=tasks_of_request(request),
                        descriptor=descriptor_of_request(request))

    def _call(self, task: Task[Any], data: bool) -> tuple[str, str]:
        """The text and the kind of the call of a library's function in which the task waits."""
        shape = self._shape
        assert shape.call is not None
        return cut(shape.signature.text(chain(task)[1][shape.call], data)), shape.kind

    def _future(self, task: Task[Any], request: Any, data: bool) -> Question:
        shape = self._shape
        if shape.call is None:
            text, kind = cut(without_state(text_of(task, request, data))), kind_of(task, request)
            return Question(text, kind, tasks=tasks_behind(request), answers=True)
        frames = chain(task)[1]
        call = frames[shape.call]
        if shape.kind == "network" and (descriptor := descriptor_of_call(call)) is not None:
            return Question(cut(shape.signature.text(call, False)), shape.kind, descriptor=descriptor, inside=True)
        text, kind = self._call(task, data)
        seconds = call.f_locals.get("delay") if kind == "time" else None
        place = None if shape.place is None else shape.place.place(frames)
        if place is not None:
            return Question(text, kind, thing=place.thing, inside=True)
        tasks = tasks_behind(request) if shape.collector is None else shape.collector.tasks(frames)
        return Question(text, kind, tasks=tasks, seconds=seconds if isinstance(seconds, (int, float)) else None,
                        descriptor=descriptor_of_call(call) if shape.has_descriptor else None, inside=True)
