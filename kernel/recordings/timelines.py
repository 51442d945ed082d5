"""The timeline of a recording: a file in the Trace Event format, which ui.perfetto.dev and chrome://tracing show.

There a kernel is a process, and a task is a thread. The slices of a thread are the steps of the task, named by the
function that went on. Requests that were answered at once are slices inside of a step. A second row has the life of the
task, and in it what the task waited for. The last thread of a kernel is its loop: when it was idle, and what has woken
tasks and was no task. An arrow leads from who woke a task to what the task then did.

The axis is real time. A virtual clock stands still while tasks run, and jumps while all of them wait. So the axis of
such a kernel is its clock, and what happens at one instant of it is drawn at real speed from the instant on. Where the
next instant is nearer than that takes, it is drawn later.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from .moments import (ANSWERED, ASK, BLOCKED, CALLED, CLOCK, COUNTS, DEADLOCK, EXIT, IDLE, RESUME, SPAWN, WAKE, YIELDED, Moment)
from .reading import Data, Recording
from .rows import CANCELLED, NO_DESCRIPTORS, RAISED
from .rows import RETURNED as HAS_RETURNED

APART = 10_000  # nanoseconds between two values of a counter that may change with each step
DEEPEST = 16  # in the tree of tasks that is shown
HOW = {HAS_RETURNED: "returned", RAISED: "raised", CANCELLED: "was cancelled"}
AXES = {"real": "real time since the first kernel began",
        "virtual": "the kernel's clock; what happens at one instant of it is drawn at real speed from the instant on, and "
                   "the next instant is drawn later where that takes longer"}


def write_timeline(recording: Recording, stream: TextIO) -> None:
    """Write the timeline of `recording` to `stream`, one event a line. Raises what `stream.write` raises."""
    Timeline(recording, stream.write).write()


def quoted(text: str) -> str:
    """The text in JSON. Halves of surrogate pairs are written out, since readers refuse them."""
    return json.dumps(text.encode("utf-8", "backslashreplace").decode())


def microseconds(time: int) -> str:
    """A time in nanoseconds as the format has it."""
    return f"{time // 1000}.{time % 1000:03}"


class Axis:
    """Where on the axis the moments of one kernel are, in nanoseconds; none is before the one that came last."""

    def __init__(self, origin: int, shows: int, begin: int) -> None:
        self._origin = origin  # where the kernel begins
        self._shown = shows  # by its clock then
        self._ahead = -begin  # what to add to a moment's time
        self._last = 0

    def at(self, time: int) -> int:
        """Where the time of a moment is."""
        self._last = max(self._last, time + self._ahead)
        return self._last

    def jump(self, time: int, shows: int) -> None:
        """From `time` on the kernel's clock shows something else."""
        self._ahead = max(self._last, self._origin + shows - self._shown) - time


class Words:
    """What the numbers of a recording mean, in JSON. Each is put together once."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._directory = recording.header.get("directory")
        self._requests: dict[int, str] = {}
        self._functions: dict[int, tuple[str, str]] = {}
        self._answers: dict[int, str] = {0: ""}
        self._causes: dict[int, str] = {}

    def request(self, number: int) -> str:
        found = self._requests.get(number)
        if found is None:
            request = self._recording.requests.get(number)
            found = self._requests[number] = quoted("a request" if request is None else request["text"])
        return found

    def place(self, number: int) -> tuple[str, str]:
        """The function that has made a request, and where that is: "main.py:12 in main"."""
        found = self._functions.get(number)
        if found is None:
            request = self._recording.requests.get(number, {})
            frames = self._recording.stacks.get(request.get("stack", 0))
            found = self._functions[number] = self.spot(frames[-1] if frames else None)
        return found

    def spot(self, frame: list[Any] | None) -> tuple[str, str]:
        """The same for a frame."""
        if frame is None:
            return '"?"', '"?"'
        file, line, function = frame
        if self._directory and file.startswith(f"{self._directory}{os.sep}"):
            file = os.path.relpath(file, self._directory)
        return quoted(function), quoted(f"{file}:{line} in {function}")

    def answer(self, number: int) -> str:
        """The argument that tells with which answer a task goes on; empty for None."""
        found = self._answers.get(number)
        if found is None:
            text = quoted(self._recording.texts.get(abs(number), "?"))
            found = self._answers[number] = f', "{"answer" if number > 0 else "raised"}": {text}'
        return found

    def cause(self, number: int) -> str:
        found = self._causes.get(number)
        if found is None:
            found = self._causes[number] = quoted(self._recording.cause(number))
        return found


class Counter:
    """A number over time that may change with each step, so not every value is written."""

    def __init__(self, write: Callable[[int, int], object]) -> None:
        self._write = write
        self._value = 0
        self._since = 0
        self._written: tuple[int, int] = (-APART, 0)  # when, and the value

    def add(self, time: int, change: int) -> None:
        if time - self._written[0] >= APART:
            self.flush()
        self._value += change
        self._since = time

    def flush(self) -> None:
        """Write the value that the number has, and since when."""
        if self._value != self._written[1]:
            self._write(self._since, self._value)
            self._written = self._since, self._value


class Kernel:
    """One kernel: its process on the timeline, its loop, and how many of its tasks are ready."""

    def __init__(self, number: int, pid: int, loop: int, axis: Axis, write: Callable[[str], object]) -> None:
        self.number = number
        self.pid = pid
        self.loop = loop  # the number of its thread
        self.axis = axis
        self.write = write
        self.ready = Counter(lambda time, value: self.count("ready", "tasks", time, str(value)))
        self._open: tuple[int, str, str] | None = None  # a slice of the loop: since when, and what is in it

    def open(self, time: int, category: str, name: str) -> None:
        """Begin a slice of the loop, until anything else happens in the kernel."""
        self._open = time, category, name

    def close(self, time: int) -> None:
        """End the slice of the loop that is open."""
        if self._open is not None:
            since, category, name = self._open
            self._open = None
            self.write(f'{{"ph": "X", "pid": {self.pid}, "tid": {self.loop}, "ts": {microseconds(since)}, '
                       f'"dur": {microseconds(time - since)}, "cat": "{category}", "name": {name}}}')

    def count(self, name: str, unit: str, time: int, value: str) -> None:
        self.write(f'{{"ph": "C", "pid": {self.pid}, "ts": {microseconds(time)}, "name": "{name}", '
                   f'"args": {{"{unit}": {value}}}}}')


class Lane:
    """One task: its thread on the timeline, and what of it is not over yet."""

    def __init__(self, number: int, tid: int, name: str, kernel: Kernel, spot: tuple[str, str]) -> None:
        self.kernel = kernel
        self.tid = tid
        self.name = name
        self.spot = spot  # where it is: the function, and the line in it
        self.ready: int | None = None  # since when it is ready,
        self.running: int | None = None  # or runs,
        self.waiting: int | None = None  # or is blocked
        self.alive = False
        self.begun = spot  # where it was when this step began
        self.answer = ""  # with which it has begun to run
        self.delay = 0  # until it ran, when it was ready
        self.asked: tuple[int, int] | None = None  # a request that is answered at once: when, and its number
        self.request = 0  # that it waits for
        self.inner: list[str] = []  # what has happened during this step
        self.arrow: tuple[int, int] | None = None  # from who has woken it: the thread, and when
        self._thread = f'"pid": {kernel.pid}, "tid": {tid}'
        self._id = f'"pid": {kernel.pid}, "tid": {tid}, "id2": {{"local": "{number}"}}'

    def event(self, phase: str, time: int, rest: str) -> str:
        return f'{{"ph": "{phase}", {self._thread}, "ts": {microseconds(time)}, {rest}}}'

    def span(self, phase: str, time: int, rest: str) -> str:
        """The beginning or the end of a span: of its life, or of a wait in it."""
        return f'{{"ph": "{phase}", {self._id}, "ts": {microseconds(time)}, {rest}}}'


class Timeline:
    """Goes through the moments and writes what each of them ends."""

    def __init__(self, recording: Recording, write: Callable[[str], object]) -> None:
        self._recording = recording
        self._stream = write
        self._words = Words(recording)
        self._arrows = 0
        self._first = True
        self._kernels: dict[int, Kernel] = {}
        self._lanes: dict[int, Lane] = {}
        self._events = {SPAWN: self._spawn, RESUME: self._resume, ASK: self._ask, WAKE: self._wake, EXIT: self._exit}

    def write(self) -> None:
        self._stream('{"displayTimeUnit": "ns", "otherData": ' + json.dumps(self._about()) + ',\n"traceEvents": [')
        self._name_all()
        for moment in self._recording.moments:
            handle = self._events.get(moment.kind)
            if handle is None:
                self._of_kernel(moment)
                continue
            lane = self._lanes.get(moment.task)
            if lane is not None:
                time = lane.kernel.axis.at(moment.time)
                lane.kernel.close(time)
                handle(lane, time, moment)
        self._end()
        self._stream("\n]}\n")

    def _put(self, event: str) -> None:
        self._stream(f"\n{event}" if self._first else f",\n{event}")
        self._first = False

    def _about(self) -> Data:
        """What the viewers show as information on the file."""
        header, kernels = self._recording.header, self._recording.kernels.values()
        return {"made by": "trampoline-kernel", "python": header.get("python"), "process": header.get("pid"),
                "program": " ".join(header.get("argv", ())).encode("utf-8", "backslashreplace").decode(),
                "axis": {f"{kernel['kind']} kernel {kernel['kernel']}": AXES[kernel["clock"]] for kernel in kernels},
                "damage": self._recording.damage or "none"}

    # Processes and threads.

    def _name_all(self) -> None:
        """Number the threads in the order of the tree of tasks, since Perfetto shows them by their numbers."""
        recording = self._recording
        trees = self._trees()
        number = 1
        begin = min((kernel["at"] for kernel in recording.kernels.values()), default=0) - recording.header["begin"]
        for place, (key, data) in enumerate(recording.kernels.items(), 1):
            tree = list(self._tree(trees, -key))
            axis = Axis(data["at"] - recording.header["begin"] - begin, data["shows"], begin)
            kernel = self._kernels[key] = Kernel(key, number, number + len(tree), axis, self._put)
            several = f" {key}" if len(recording.kernels) > 1 else ""  # viewers show the process's number
            self._name("process", kernel.pid, kernel.pid, f"{data['kind']} kernel{several}", place)
            for task, depth in tree:
                found = recording.tasks[task]
                lane = self._lanes[task] = Lane(task, number, quoted(f"{found['name']} ({found['number']})"), kernel,
                                                self._words.spot(found["place"]))
                branch = "" if depth == 0 else f"\N{BOX DRAWINGS LIGHT UP AND RIGHT}{'\N{BOX DRAWINGS LIGHT HORIZONTAL}' * depth} "
                self._name("thread", kernel.pid, lane.tid, f"{branch}{found['name']} ({found['number']})", number)
                number += 1
            self._name("thread", kernel.pid, kernel.loop, "kernel's loop", number)
            number += 1

    def _name(self, what: str, pid: int, tid: int, name: str, order: int) -> None:
        for title, detail in (("name", f'"name": {quoted(name)}'), ("sort_index", f'"sort_index": {order}')):
            self._put(f'{{"ph": "M", "pid": {pid}, "tid": {tid}, "name": "{what}_{title}", "args": {{{detail}}}}}')

    def _trees(self) -> dict[int, list[int]]:
        """The tasks that each task has spawned, and, by the negative number of a kernel, those that none has."""
        recording = self._recording
        children: dict[int, list[int]] = {}
        known: set[int] = set()
        for moment in recording.moments:
            if moment.kind == SPAWN and moment.task not in known:
                known.add(moment.task)
                kernel = recording.tasks[moment.task]["kernel"]
                parent = self._task_behind(moment.first)
                if parent not in known or recording.tasks[parent]["kernel"] != kernel:
                    parent = -kernel
                children.setdefault(parent, []).append(moment.task)
        return children

    def _task_behind(self, cause: int) -> int:
        """The task at the beginning of a chain of causes; 0 if there is none."""
        while cause > 0:
            cause = self._recording.causes.get(cause, {}).get("by", 0)
        return -cause

    @staticmethod
    def _tree(children: dict[int, list[int]], root: int) -> Iterator[tuple[int, int]]:
        """The tasks below `root`, each before those that it has spawned, and how deep it is."""
        rest = [(task, 0) for task in reversed(children.get(root, ()))]
        while rest:
            task, depth = rest.pop()
            yield task, depth
            rest += [(child, min(depth + 1, DEEPEST)) for child in reversed(children.get(task, ()))]

    # Moments of tasks.

    def _spawn(self, lane: Lane, time: int, moment: Moment) -> None:
        lane.alive = True
        cause = self._words.cause(moment.first)
        self._put(lane.event("i", time, f'"s": "t", "cat": "task", "name": "spawned", "args": {{"by": {cause}}}'))
        self._put(lane.span("b", time, f'"cat": "task", "name": {lane.name}, "args": {{"made by": {cause}}}'))
        self._make_ready(lane, time, moment.first)

    def _wake(self, lane: Lane, time: int, moment: Moment) -> None:
        if lane.waiting is not None:
            self._end_wait(lane, time, self._words.cause(moment.first))
        self._make_ready(lane, time, moment.first)

    def _make_ready(self, lane: Lane, time: int, cause: int) -> None:
        kernel = lane.kernel
        kernel.ready.add(time, 1)
        lane.ready = time
        waker = self._lanes.get(-cause)
        if waker is None or waker.running is None:
            kernel.open(time, "wake", self._words.cause(cause))
            lane.arrow = kernel.loop, time
        else:
            lane.arrow = waker.tid, time

    def _end_wait(self, lane: Lane, time: int, reason: str) -> None:
        assert lane.waiting is not None
        rest = f'"cat": "task", "name": {self._words.request(lane.request)}'
        place = self._words.place(lane.request)[1]
        self._put(lane.span("b", lane.waiting, f'{rest}, "args": {{"at": {place}}}'))
        self._put(lane.span("e", time, f'{rest}, "args": {{"ended by": {reason}}}'))
        lane.waiting = None

    def _resume(self, lane: Lane, time: int, moment: Moment) -> None:
        if lane.running is not None:
            if lane.asked is not None:  # a request that was answered at once, or code that it has called
                since, request = lane.asked
                lane.asked = None
                lane.inner.append(lane.event("X", since, (
                    f'"dur": {microseconds(time - since)}, "cat": "request", "name": {self._words.request(request)}, '
                    f'"args": {{"at": {self._words.place(request)[1]}{self._words.answer(moment.first)}}}')))
            return
        if lane.ready is not None:
            lane.kernel.ready.add(time, -1)
        elif lane.waiting is not None:
            self._end_wait(lane, time, self._words.cause(0))
        lane.delay = time - (time if lane.ready is None else lane.ready)
        lane.ready = None
        lane.running = time
        lane.answer = self._words.answer(moment.first)
        lane.begun, lane.inner = lane.spot, []
        if lane.arrow is not None:
            thread, since = lane.arrow
            lane.arrow = None
            self._arrows += 1
            rest = f'"cat": "wake", "name": "wakes", "id": {self._arrows}'
            self._put(f'{{"ph": "s", "pid": {lane.kernel.pid}, "tid": {thread}, "ts": {microseconds(since)}, {rest}}}')
            lane.inner.append(lane.event("f", time, f'"bp": "e", {rest}'))

    def _ask(self, lane: Lane, time: int, moment: Moment) -> None:
        request, outcome = moment.first, moment.second
        if lane.running is None:  # adopted while it waited
            if lane.ready is not None:
                lane.kernel.ready.add(time, -1)
                lane.ready = lane.arrow = None
        elif outcome in (ANSWERED, CALLED):
            lane.asked = time, request
        elif outcome in (BLOCKED, YIELDED):
            self._end_step(lane, time, f'"to": {self._words.place(request)[1]}, "request": {self._words.request(request)}')
        if request:
            lane.spot = self._words.place(request)
        if outcome == BLOCKED:
            lane.waiting, lane.request = time, request
        elif outcome == YIELDED:
            lane.kernel.ready.add(time, 1)
            lane.ready = time

    def _end_step(self, lane: Lane, time: int, end: str) -> None:
        since, lane.running, lane.asked = lane.running, None, None
        if since is None:
            return
        function, place = lane.begun
        self._put(lane.event("X", since, (
            f'"dur": {microseconds(time - since)}, "cat": "step", "name": {function}, '
            f'"args": {{"from": {place}, {end}{lane.answer}, "was ready for": "{microseconds(lane.delay)} µs"}}')))
        for event in lane.inner:
            self._put(event)

    def _exit(self, lane: Lane, time: int, moment: Moment) -> None:
        how, text = moment.first, self._recording.texts.get(moment.second)
        told = quoted(HOW[how] if text is None or how == CANCELLED else f"{HOW[how]} {text}")
        if how == RAISED:
            self._put(lane.event("i", time, f'"s": "t", "cat": "task", "name": {told}'))
        self._finish(lane, time, '"its end"', told)

    def _finish(self, lane: Lane, time: int, place: str, how: str) -> None:
        """End all that is open of a task."""
        self._end_step(lane, time, f'"to": {place}')
        if lane.waiting is not None:
            self._end_wait(lane, time, how)
        if lane.ready is not None:
            lane.kernel.ready.add(time, -1)
            lane.ready = None
        self._put(lane.span("e", time, f'"cat": "task", "name": {lane.name}, "args": {{"end": {how}}}'))
        lane.alive = False

    # Moments of kernels.

    def _of_kernel(self, moment: Moment) -> None:
        kernel = self._kernels.get(moment.task)
        if kernel is None:
            return
        if moment.kind == CLOCK:
            kernel.axis.jump(moment.time, moment.first)
            kernel.close(kernel.axis.at(moment.time))
        elif moment.kind == COUNTS:
            time = kernel.axis.at(moment.time)
            kernel.count("timers", "set", time, str(moment.second))
            if moment.third != NO_DESCRIPTORS:
                kernel.count("descriptors", "watched", time, str(moment.third))
            kernel.count("lag", "ms", time, f"{moment.fourth / 1e6:.6f}")
        elif moment.kind == IDLE:
            time = kernel.axis.at(moment.time)
            kernel.close(time)
            kernel.open(time, "loop", '"idle"')
        elif moment.kind == DEADLOCK:
            time = kernel.axis.at(moment.time)
            kernel.close(time)
            text = quoted(self._recording.deadlocks[moment.first]["deadlock"])
            self._put(f'{{"ph": "i", "s": "p", "pid": {kernel.pid}, "tid": {kernel.loop}, "ts": {microseconds(time)}, '
                      f'"cat": "kernel", "name": "deadlock", "args": {{"tasks": {text}}}}}')

    def _end(self) -> None:
        """End what is open where the recording ends."""
        for kernel in self._kernels.values():
            time = kernel.axis.at(self._recording.end)
            kernel.close(time)
            kernel.ready.flush()
        for lane in self._lanes.values():
            if lane.alive:
                self._finish(lane, lane.kernel.axis.at(self._recording.end), '"?"', '"the recording ends"')
