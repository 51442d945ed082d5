"""What a recording tells, as lines to compare; and a witness that is told the same by the kernel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kernel import Observer, VirtualClock, run
from kernel.insight import record
from kernel.recordings import moments as kinds
from kernel.recordings.reading import Recording, read
from kernel.syscalls import Syscall
from kernel.task import Task

OUTCOMES = "answered", "yielded", "blocked", "called", "returned"
PACKETS = kinds.SENT, kinds.ARRIVED, kinds.HELD, kinds.LOST
ENDS = "returned", "raised", "was cancelled:", "was stopped"


def recorded(program: Callable[[], Any], file: Path, *, data: bool = True) -> Recording:
    """Record `program` on a kernel with a virtual clock."""
    with record(file, data=data):
        run(program(), clock=VirtualClock())
    recording = read(file)
    assert recording.damage is None
    return recording


def lines_of(recording: Recording, *, left_out: str = "counts") -> list[str]:
    """The moments in words, without real times."""
    return [line for moment in recording.moments if (line := line_of(recording, moment)).split()[0] not in left_out.split()]


def line_of(recording: Recording, moment: kinds.Moment) -> str:
    kind, _, subject, first, second, third, fourth = moment
    who = recording.tasks[subject]["name"] if kind in kinds.OF_TASKS else ""
    words: list[object] = [kinds.NAMES[kind], who]
    if kind in (kinds.SPAWN, kinds.WAKE):
        words += ["by", recording.cause(first)]
    elif kind == kinds.RESUME:
        words += ["again"] if second else []
        words += ["!" if first < 0 else "=", recording.texts[abs(first)]] if first else []
    elif kind == kinds.ASK:
        request = recording.requests.get(first)
        words += [] if request is None else [request["text"], f"at {recording.stacks[request['stack']][-1][2]}"]
        words += [OUTCOMES[second]]
        words += [f"until {third / 1e9:g}"] if third else []
        words += [f"thing {fourth}"] if fourth else []
    elif kind == kinds.EXIT:
        words += [ENDS[first], recording.texts.get(second, "")]
    elif kind == kinds.CLOCK:
        words += [f"{first / 1e9:g}"]
    elif kind == kinds.THING:
        words += [first, recording.states[second]["text"] if second else "forgotten"]
    elif kind in PACKETS:
        packet = recording.packets[first]
        words += [f"{name_of(recording, packet['source'])}->{name_of(recording, packet['target'])}", packet["text"], packet["carries"]]
    elif kind in (kinds.STARTED, kinds.CRASHED):
        words += [name_of(recording, first), *{kinds.STARTED: ["again"], kinds.CRASHED: ["without power"]}[kind][:second]]
    elif kind in kinds.OF_NETWORKS:
        words += [f"{name_of(recording, first)}->{name_of(recording, second)}"]
    return " ".join(str(word) for word in words if word != "")


def name_of(recording: Recording, host: int) -> str:
    return str(recording.hosts[host]["name"])


class Witness(Observer):
    """Notes what the kernel says that happens, in the way in which a recording has it."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int]] = []
        self.blocked: list[bool] = []  # of each request, whether it blocked its task

    def _note(self, event: str, task: Task[Any]) -> None:
        self.events.append((event, task.id))

    def spawn(self, task: Task[Any]) -> None:
        self._note("spawn", task)

    def resume(self, task: Task[Any]) -> None:
        self._note("resume", task)

    def syscall(self, task: Task[Any], request: Syscall[Any]) -> None:
        self._note("ask", task)

    def block(self, task: Task[Any], request: Syscall[Any]) -> None:
        self._note("block", task)

    def wake(self, task: Task[Any]) -> None:
        self._note("wake", task)

    def exit(self, task: Task[Any], value: Any, error: BaseException | None) -> None:
        self._note("exit", task)


def events_of(recording: Recording) -> list[tuple[str, int]]:
    """The same of a recording."""
    events = []
    for moment in recording.moments:
        if moment.kind in kinds.OF_TASKS and not (moment.kind == kinds.ASK and moment.first == 0):
            events.append((kinds.NAMES[moment.kind], recording.tasks[moment.task]["number"]))
    return events


def blocked_requests(recording: Recording) -> list[int]:
    """The tasks that were blocked, each as often as it was."""
    return [recording.tasks[moment.task]["number"] for moment in recording.moments
            if moment.kind == kinds.ASK and moment.second == kinds.BLOCKED]
