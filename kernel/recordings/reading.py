"""Reading a recording: its tables, and the moments in the order in which they were.

A file may be cut, since the program was killed, or damaged. It is read up to there, and `Recording.damage` says so. A
file that is no recording, or of a version that is not known here, is refused by `Unreadable`.
"""

from __future__ import annotations

import gc
import json
import os
import struct
import zlib
from base64 import b64decode
from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from ..serving.shapes import fits
from . import rows as row_kinds
from .definitions import HEADER, check
from .moments import (ANSWERED, ASK, BLOCKED, CALLED, CLOCK, COUNTS, DEADLOCK, EXIT, IDLE, OF_NETWORKS, RESUME, RETURNED, SPAWN, THING,
                      WAKE, YIELDED, Moment)
from .network_reading import NetworkReader
from .rows import FIRST_TASK, KINDS, LENGTHS, VERSION

Data = dict[str, Any]
MOST = 1 << 26  # bytes of the rows in one line
FIRST_WAIT = 1 << 32  # the numbers of requests that the file does not define begin here


class Unreadable(ValueError):
    """The file cannot be read; the message says why."""


class Recording:
    """What a file tells. Tasks, requests and the like are dicts, as the file defines them, by their numbers."""

    def __init__(self, header: Data) -> None:
        self.header = header
        self.kernels: dict[int, Data] = {}
        self.tasks: dict[int, Data] = {}
        self.stacks: dict[int, list[list[Any]]] = {}  # frames: file, line, function; the innermost is last
        self.sources: dict[str, str] = {}
        self.requests: dict[int, Data] = {}
        self.causes: dict[int, Data] = {}
        self.texts: dict[int, str] = {}
        self.things: dict[int, Data] = {}
        self.states: dict[int, Data] = {}
        self.hosts: dict[int, Data] = {}  # of simulated networks
        self.packets: dict[int, Data] = {}
        self.deadlocks: list[Data] = []
        self.moments: list[Moment] = []
        self.damage: str | None = None  # where the file ends too early, or is damaged
        self.end = 0  # nanoseconds

    def cause(self, number: int) -> str:
        """A cause in words: "task 3 'main'", "descriptor 7", "a timer"."""
        if number < 0:
            task = self.tasks.get(-number)
            return "a task" if task is None else f"task {task['number']} {task['name']!r}"
        cause = self.causes.get(number)
        if cause is None:
            return "code outside of the kernel"
        by = cause.get("by")
        if by is None:
            return str(cause["text"])
        private = cause["text"].rpartition(".")[2].startswith("_")  # the library's own, which says nothing to a reader
        return self.cause(by) if private else f"{self.cause(by)}, calling {cause['text']}"

    def was_before(self, cause: int) -> bool:
        """Whether it is the cause of tasks that were there when the recording began."""
        return cause > 0 and self.causes.get(cause, {}).get("kind") == "before"


def read(path: str | os.PathLike[str]) -> Recording:
    """Read the file. Raises `Unreadable`, and `OSError` when it cannot be opened."""
    collecting = gc.isenabled()
    gc.disable()  # there will be millions of objects and no garbage: to look for it would take as long as the reading
    try:
        return _read(path)
    finally:
        if collecting:
            gc.enable()


def _read(path: str | os.PathLike[str]) -> Recording:
    with open(path, "rb") as file:
        first = file.readline(1 << 24)
        try:
            header = json.loads(first)
            version = header["recording"]
            begins = version != VERSION or fits(header, HEADER)
        except (ValueError, TypeError, KeyError, RecursionError):
            begins = False
        if not begins:
            raise Unreadable(f"{os.fspath(path)} is no recording: its first line does not say so")
        if version != VERSION:
            raise Unreadable(f"{os.fspath(path)} is a recording of version {version!r}, and this program reads version "
                             f"{VERSION}: use the version of trampoline-kernel that has written it, or a newer one")
        reader = Reader(Recording(header))
        ended = False
        for number, line in enumerate(file, 2):
            try:
                if not line.endswith(b"\n"):
                    raise ValueError("it is cut")
                definition = json.loads(line)
                if not isinstance(definition, dict):
                    raise ValueError("it is no JSON object")
                ended = reader.take(definition)
            except Exception as error:
                reader.recording.damage = f"line {number} cannot be read ({error}); what comes after it is left out"
                break
            if ended:
                break
        else:
            reader.recording.damage = "the file ends before the recording does: the program was killed, or still runs"
        reader.finish()
        return reader.recording


def unpacked(count: int, data: str) -> Sequence[int]:
    """The integers of a line with rows."""
    unpacking = zlib.decompressobj()
    packed = unpacking.decompress(b64decode(data), MOST)  # not all of it: a few bytes may stand for any number
    if not unpacking.eof:
        raise ValueError("its rows are not complete")
    return struct.unpack(f"<{count}q", packed)


class Asked:
    """The request that a task has made last, while it is not known how that went on."""

    __slots__ = ("moment", "others", "request")

    def __init__(self, moment: list[int], request: Data | None, others: int) -> None:
        self.moment = moment
        self.request = request
        self.others = others  # steps that the kernel had made by then


class Reader:
    """Makes moments of rows. A row tells of a whole step, after it; its two moments go where they belong in time."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._begin = int(recording.header["begin"])
        self._moments: list[list[int]] = []
        self._asked: dict[int, Asked] = {}  # by task
        self._steps: dict[int, int] = {}  # by kernel
        self._sorts: dict[int, Data] = {}  # of tasks
        self._renamed: dict[int, str] = {}  # tasks, whose rows may come after the lines that rename them
        self._deadlocks: list[list[int]] = []  # moments, whose rows may come after the lines that define them
        self._waits: dict[tuple[int, int], int] = {}  # for tasks: the request, by the one of the file and the task
        self._network = NetworkReader(self._begin, recording.kernels, recording.texts, recording.tasks)
        recording.hosts, recording.packets = self._network.hosts, self._network.packets
        self._rows: dict[int, Callable[..., None]] = {
            row_kinds.YIELD: self._step, row_kinds.STEP: self._step, row_kinds.WAIT: self._step, row_kinds.SPAWN: self._spawn, row_kinds.WAKE: self._wake,
            row_kinds.EXIT: self._exit, row_kinds.CLOCK: self._clock, row_kinds.THING: self._thing,
            row_kinds.COUNTS: self._counts, row_kinds.MOVED: self._moved}

    def take(self, line: Data) -> bool:
        """Take one line; True if it is the last."""
        check(line)
        recording = self.recording
        if "integers" in line:
            self._take_rows(unpacked(line["integers"], line["data"]))
        elif "sort" in line:
            self._sorts[int(line["sort"])] = line
        elif "kernel" in line and "clock" in line:
            recording.kernels[int(line["kernel"])] = line
        elif "request" in line:
            recording.requests[int(line["request"])] = line
        elif "stack" in line:
            recording.stacks[int(line["stack"])] = line["frames"]
        elif "text" in line and "value" in line:
            recording.texts[int(line["text"])] = str(line["value"])
        elif "cause" in line:
            recording.causes[int(line["cause"])] = line
        elif "state" in line:
            recording.states[int(line["state"])] = line
        elif "deadlock" in line:
            self._check_kernel(line["kernel"])
            recording.deadlocks.append(line)
            self._deadlocks.append([DEADLOCK, line["time"] - self._begin, line["kernel"], len(recording.deadlocks) - 1, 0, 0, 0])
        elif "thing" in line:
            recording.things[int(line["thing"])] = line
        elif "file" in line:
            recording.sources[str(line["file"])] = str(line["source"])
        elif "network" in line:
            self._network.take(unpacked(line["network"], line["data"]))
        elif "host" in line:
            self._network.define(line)
        elif "renamed" in line:
            self._renamed[int(line["renamed"])] = str(line["name"])
        elif "end" in line:
            recording.end = line["end"] - self._begin
            return True
        return False

    def _take_rows(self, integers: Sequence[int]) -> None:
        at, end = 0, len(integers)
        while at < end:
            subject, kind = divmod(integers[at], KINDS)
            if kind >= len(LENGTHS):
                raise ValueError(f"there is a row of the unknown kind {kind}")
            until = at + LENGTHS[kind]
            self._rows[kind](integers[at + 1], subject, *integers[at + 2:until])
            at = until

    def _add(self, kind: int, time: int, subject: int, *details: int) -> list[int]:
        moment = [kind, time - self._begin, subject, *details, 0, 0, 0, 0][:7]
        self._moments.append(moment)
        return moment

    def _check_kernel(self, kernel: int) -> None:
        if kernel not in self.recording.kernels:
            raise ValueError(f"a row is about kernel {kernel}, which is not defined")

    def _kernel_of(self, task: int) -> int:
        found = self.recording.tasks.get(task)
        if found is None:
            raise ValueError(f"a row is about task {task}, which is not defined")
        return int(found["kernel"])

    def _spawn(self, time: int, task: int, cause: int, sort: int, number: int, suffix: int) -> None:
        known = self._sorts[sort]
        self._check_kernel(known["kernel"])
        name = f"{known['name']}{suffix}" if suffix else known["name"]
        self.recording.tasks[task] = {"task": task, "kernel": known["kernel"], "number": number, "name": name,
                                      "daemon": known["daemon"], "place": known["place"],
                                      **({"host": known["host"]} if known.get("host") else {})}
        self._add(SPAWN, time, task, cause)

    def _wake(self, time: int, task: int, cause: int) -> None:
        self._kernel_of(task)
        asked = self._asked.pop(task, None)
        if asked is not None:
            asked.moment[4] = BLOCKED
        self._add(WAKE, time, task, cause)

    def _moved(self, time: int, task: int, number: int, thing: int) -> None:
        self._kernel_of(task)
        moment = self._add(ASK, time, task, number, BLOCKED, 0, thing)
        self._asked[task] = Asked(moment, self.recording.requests.get(number), 0)

    def _exit(self, time: int, task: int, how: int, text: int) -> None:
        self._kernel_of(task)
        if how not in (row_kinds.RETURNED, row_kinds.RAISED, row_kinds.CANCELLED):
            raise ValueError(f"a task has ended in the unknown way {how}")
        self._settle(self._asked.pop(task, None))
        if text > FIRST_TASK:
            self.recording.texts[text] = ""  # as above
        self._add(EXIT, time, task, how, text)

    def _clock(self, time: int, kernel: int, shows: int) -> None:
        self._check_kernel(kernel)
        self._add(CLOCK, time, kernel, shows)

    def _thing(self, time: int, kernel: int, thing: int, state: int) -> None:
        self._check_kernel(kernel)
        self._add(THING, time, kernel, thing, state)

    def _counts(self, time: int, kernel: int, ready: int, timers: int, descriptors: int, lag: int) -> None:
        self._check_kernel(kernel)
        self._add(COUNTS, time, kernel, ready, timers, descriptors, lag)

    def _step(self, begin: int, task: int, end: int, number: int, answer: int = 0, deadline: int = 0, awaited: int = 0
              ) -> None:
        kernel = self._kernel_of(task)
        steps = self._steps[kernel] = self._steps.get(kernel, 0) + 1
        asked = self._asked.pop(task, None)
        goes_on = 0
        if asked is not None:
            outcome = self._outcome(asked, steps)
            asked.moment[4] = outcome
            goes_on = int(outcome in (ANSWERED, CALLED, RETURNED))
        if answer > FIRST_TASK:
            self.recording.texts[answer] = ""  # written at the end, when all names are known
        resumed = [RESUME, begin - self._begin, task, answer, goes_on, 0, 0]
        moments = self._moments
        place = len(moments)
        while place and moments[place - 1][1] > resumed[1]:  # what happened during the step
            place -= 1
        moments.insert(place, resumed)
        request = self.recording.requests.get(number)
        outcome = RETURNED if number == 0 else BLOCKED
        if awaited < 0:
            number = self._wait_for(number, -awaited)
        moment = self._add(ASK, end, task, number, outcome, deadline, max(awaited, 0))
        self._asked[task] = Asked(moment, request, steps)

    def _wait_for(self, number: int, awaited: int) -> int:
        """The number of a request of its own for a wait for one task: many differ in nothing but that."""
        key = number, awaited
        found = self._waits.get(key)
        if found is None:
            found = self._waits[key] = FIRST_WAIT + len(self._waits)
            self.recording.requests[found] = {**self.recording.requests[number], "request": found, "tasks": [awaited]}
        return found

    @staticmethod
    def _outcome(asked: Asked, steps: int) -> int:
        """How the request went on, after which the task has made a step without having been woken."""
        request = asked.request
        if request is None:
            return RETURNED if asked.moment[3] == 0 else YIELDED
        if request.get("calls"):
            return CALLED
        if request.get("yields") or request.get("queued") or steps != asked.others + 1:
            return YIELDED
        return ANSWERED

    @staticmethod
    def _settle(asked: Asked | None) -> None:
        """Nothing more is known of the task: it still waits, for its turn or for something else."""
        if asked is not None and asked.request is not None and asked.request.get("yields"):
            asked.moment[4] = YIELDED

    def finish(self) -> None:
        """Put the moments together."""
        for asked in self._asked.values():
            self._settle(asked)
        recording = self.recording
        self._moments = self._network.merged(self._moments)
        for task, name in self._renamed.items():
            if task in recording.tasks:
                recording.tasks[task]["name"] = name
        for (_, awaited), number in self._waits.items():
            recording.requests[number]["text"] += f"({recording.cause(-awaited)})"
        for answer in [answer for answer in recording.texts if answer > FIRST_TASK]:
            recording.texts[answer] = f"<{recording.cause(FIRST_TASK - answer)}>"
        for moment in self._deadlocks:
            insort(self._moments, moment, key=itemgetter(1))
        recording.moments = list(self._with_idle_times())
        if len(recording.kernels) > 1:  # whose threads may have been interrupted between a time and its row
            recording.moments.sort(key=itemgetter(1))
        if recording.moments:
            recording.end = max(recording.end, recording.moments[-1].time)

    def _is_outside(self, cause: int) -> bool:
        """Whether the kernel has waited for what has happened, and was not busy with something else before it."""
        found = self.recording.causes.get(cause)
        while found is not None and found.get("by") is not None:
            found = self.recording.causes.get(found["by"])
        return found is not None and found["kind"] in ("timer", "descriptor", "call")

    def _with_idle_times(self) -> Iterator[Moment]:
        """The moments, and in between those at which a kernel has nothing more to do."""
        able: dict[int, int] = {}  # by kernel: how many tasks run or are ready
        since: dict[int, int] = {}  # by kernel: when its last moment was; missing while it is idle
        tasks = self.recording.tasks
        for moment in self._moments:
            kind, time, kernel, first, second = moment[:5]
            if kind <= EXIT:
                kernel = tasks[kernel]["kernel"]
            if (kind == CLOCK or kind in (SPAWN, WAKE) and self._is_outside(first)) and kernel in since and (
                    not able.get(kernel)):
                yield Moment(IDLE, since.pop(kernel), kernel)
            yield Moment(*moment)
            if kind in (SPAWN, WAKE):
                able[kernel] = able.get(kernel, 0) + 1
            elif kind == ASK and second == BLOCKED or kind == EXIT:
                able[kernel] = able.get(kernel, 0) - 1
            if kind in (ASK, EXIT, DEADLOCK) or able.get(kernel) or kind in OF_NETWORKS and kernel in since:
                since[kernel] = time
