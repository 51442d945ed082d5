"""A recording as text, in the manner of strace: the lines that `Strace` writes while a program runs, afterwards.

The state of what a request is made to is left out: `Queue.get()`, where `Strace` has `<Queue with 0 items>.get()`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TextIO

from ..insight.requests import without_arguments
from ..insight.transcripts import Transcript, check_kinds, names
from ..snapshots.words import safe
from .moments import (ARRIVED, ASK, BLOCKED, CALLED, CLOCK, CRASHED, CUT, DEADLOCK, EXIT, HELD, LOST, OF_NETWORKS, RESUME,
                      RETURNED, SENT, SPAWN, STARTED, YIELDED, Moment)
from .reading import Data, Recording
from .rows import CANCELLED, RAISED, STOPPED

CANCELLATIONS = ("Cancelled", "CancelledError")  # the exceptions of a native task and of one of asyncio's


def write_text(recording: Recording, stream: TextIO, kinds: Collection[str] | None = None, *, durations: bool = False,
               relative: bool = False, task: str | None = None, data: bool = True) -> None:
    """Write what `recording` tells to `stream`. The arguments mean what they mean for `kernel.insight.Strace`.

    Each kernel of several has its own time, and a line says where its lines begin. The last line says where the
    recording is damaged, if it is. Raises `ValueError` for an unknown kind, and what `stream.write` raises.
    """
    check_kinds(kinds)
    Text(recording, stream, kinds, durations, relative, task, data).write()


class KernelText:
    """The lines of one kernel, and its clock."""

    def __init__(self, data: Data, begin: int, stream: TextIO, durations: bool, relative: bool) -> None:
        self.transcript = Transcript(stream.write, durations, relative)
        self.label = f"{data['kind']} kernel {data['kernel']}"
        self._start: int = data["at"] - begin
        self._first: int = data["shows"]
        self._shows = self._first
        self._virtual = data["clock"] == "virtual"

    def jump(self, shows: int) -> None:
        self._shows = shows

    def now(self, time: int) -> float:
        """The seconds that have passed, on the kernel's clock."""
        return (self._shows - self._first if self._virtual else time - self._start) / 1e9


class TaskText:
    """One task, and the requests that it has made and that are not answered: several, while it runs code it has called."""

    def __init__(self, data: Data, kernel: KernelText, host: str) -> None:
        self.kernel = kernel
        self.name = data["name"]
        self.number = data["number"]
        self.label = safe(f"task {self.number} '{self.name}'{host}")
        self.requests: list[tuple[int, bool, object]] = []  # each with whether it is a call, and its key
        self.running = False
        self.returned = False  # the code that it has called

    def __str__(self) -> str:
        return self.label


class Text:
    """Goes through the moments."""

    def __init__(self, recording: Recording, stream: TextIO, kinds: Collection[str] | None, durations: bool,
                 relative: bool, pattern: str | None, data: bool) -> None:
        self._recording = recording
        self._stream = stream
        self._kinds = kinds
        self._pattern = pattern
        self._data = data
        self._recorded = recording.header["data"]  # whether values are in the recording; else only their types are
        begin = recording.header["begin"]
        self._kernels = {number: KernelText(kernel, begin, stream, durations, relative)
                         for number, kernel in recording.kernels.items()}
        self._current: KernelText | None = None  # whose line was written last
        self._tasks = {number: TaskText(task, self._kernels[task["kernel"]],
                                        f" on {self._host(task['host'])}" if task.get("host") else "")
                       for number, task in recording.tasks.items()}
        self._sent: dict[int, float] = {}  # when packets were
        self._texts: dict[int, str] = {}  # of requests
        self._events = {SPAWN: self._spawn, RESUME: self._resume, ASK: self._ask, EXIT: self._exit}

    def write(self) -> None:
        for moment in self._recording.moments:
            if moment.kind == CLOCK:
                self._kernels[moment.task].jump(moment.first)
            elif moment.kind == DEADLOCK:
                text = self._recording.deadlocks[moment.first]["deadlock"] if self._data else "Deadlock"
                self._of(self._kernels[moment.task]).note("\n".join(map(safe, text.splitlines())))
            elif moment.kind in OF_NETWORKS:
                if self._pattern is None and (self._kinds is None or "network" in self._kinds):
                    self._network(self._kernels[moment.task], moment)
            elif (handle := self._events.get(moment.kind)) is not None:
                task = self._tasks[moment.task]
                handle(task, task.kernel.now(moment.time), moment)
        if self._current is not None:
            self._current.transcript.finish()
        if self._recording.damage is not None:
            self._stream.write(f"+++ {safe(self._recording.damage)} +++\n")

    def _of(self, kernel: KernelText) -> Transcript:
        """The transcript of `kernel`, for a line that is about to be written."""
        if kernel is not self._current:
            if self._current is not None:
                self._current.transcript.finish()
            self._current = kernel
            if len(self._kernels) > 1:
                kernel.transcript.note(kernel.label)
        return kernel.transcript

    def _shows(self, task: TaskText, kind: str | None) -> bool:
        return names(self._pattern, task.name, task.number) and (self._kinds is None or kind in self._kinds)

    def _spawn(self, task: TaskText, now: float, moment: Moment) -> None:
        maker = self._tasks.get(-moment.first)
        if maker is not None and task.kernel.transcript.is_open(maker):
            return  # the answer to its request says so
        if self._recording.was_before(moment.first):
            return
        if self._shows(task, "task"):
            self._of(task.kernel).event(now, task.label, "made" if maker is None else f"made by {maker}")

    def _ask(self, task: TaskText, now: float, moment: Moment) -> None:
        number, outcome = moment.first, moment.second
        if outcome == RETURNED:
            task.returned = True
            return
        if not task.running:
            if not task.requests:  # it was made before the recording; else the task was moved into another line
                task.requests.append((number, False, object()))
            return
        key = object()
        task.requests.append((number, outcome == CALLED, key))
        task.returned = False
        task.running = outcome not in (BLOCKED, YIELDED)
        request = self._recording.requests.get(number)
        if self._shows(task, None if request is None else request["kind"]):
            self._of(task.kernel).ask(now, task, task.label, key, self._request(number))

    def _resume(self, task: TaskText, now: float, moment: Moment) -> None:
        task.running = True
        if not task.requests or task.requests[-1][1] and not task.returned:  # the first step, of the task or of a call
            return
        number, _, key = task.requests.pop()
        task.returned = False
        request = self._recording.requests.get(number)
        transcript = task.kernel.transcript
        if transcript.knows(key) or self._shows(task, None if request is None else request["kind"]):
            self._of(task.kernel).answer(now, task, task.label, key, self._request(number),
                                         self._answer(moment.first, number))

    def _exit(self, task: TaskText, now: float, moment: Moment) -> None:
        if self._shows(task, "task"):
            how, text = moment.first, moment.second
            if how == STOPPED:
                told = "was stopped: its host has crashed"
            elif how == CANCELLED:
                told = "was cancelled"
            elif how == RAISED:
                told = f"raised {self._error(text)}"
            else:
                told = f"returned {self._value(text)}" if text and self._data and self._recorded else "returned"
            self._of(task.kernel).event(now, task.label, told)

    def _network(self, kernel: KernelText, moment: Moment) -> None:
        """The line of a packet, a host or a partition."""
        kind, now, first, second = moment.kind, kernel.now(moment.time), moment.first, moment.second
        transcript = self._of(kernel)
        if kind == SENT:
            packet = self._recording.packets[first]
            self._sent[first] = now
            size = {0: "", 1: ", 1 byte"}.get(packet["size"], f", {packet['size']} bytes")
            carries = f": {packet['carries']}" if packet["carries"] and self._data else ""
            transcript.line(now, self._way(packet), f"packet {first}{size}: {safe(packet['text'] + carries)}\n")
        elif kind in (ARRIVED, HELD, LOST):
            packet = self._recording.packets[first]
            took = now - self._sent.get(first, now)  # a damaged file may have times that are wrong
            after = f" <{took:.6f}s>" if took > 0 else ""
            told = {ARRIVED: "has arrived", HELD: "is held up by a partition", LOST: "is lost"}[kind]
            transcript.event(now, self._way(packet), f"packet {first} {told}{after}")
        elif kind in (STARTED, CRASHED):
            address = self._recording.hosts[first]["address"]
            told = (f"is there, at {address}", "starts again", "crashes", "loses power")[second + 2 * (kind == CRASHED)]
            transcript.event(now, f"host {self._host(first)}", told)
        else:
            way = {"source": first, "target": second}
            transcript.event(now, self._way(way), "cut off" if kind == CUT else "no longer cut off")

    def _host(self, number: int) -> str:
        return safe(self._recording.hosts.get(number, {}).get("name", "?"))

    def _way(self, packet: Data) -> str:
        return f"{self._host(packet['source'])} -> {self._host(packet['target'])}"

    # What the numbers mean.

    def _request(self, number: int) -> str:
        text = self._texts.get(number)
        if text is None:
            request = self._recording.requests.get(number)
            if request is None:
                text = "a request"
            elif request.get("yields"):
                text = "checkpoint()"
            else:
                text = safe(request["text"] if self._data else without_arguments(request["text"]))
            self._texts[number] = text
        return text

    def _answer(self, answer: int, request: int) -> str:
        if answer < 0:
            error = self._error(-answer)
            return f"! {'cancelled' if error.partition(':')[0] in CANCELLATIONS else error}"
        if answer == 0:
            inside = self._recording.requests.get(request, {}).get("inside")
            return "..." if inside else "None"  # the function that awaits the future has not returned yet
        return self._value(answer)

    def _value(self, number: int) -> str:
        return safe(self._recording.texts.get(number, "?")) if self._data or not self._recorded else "..."

    def _error(self, number: int) -> str:
        text = safe(self._recording.texts.get(number, "?"))
        return text if self._data else text.partition(":")[0]
