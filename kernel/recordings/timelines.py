"""The timeline of a recording: a file in the Trace Event format, which ui.perfetto.dev and chrome://tracing show.

There a kernel is a process, and a task is a thread. The slices of a thread are the steps of the task, named by the
function that went on. Requests that were answered at once are slices inside of a step. A second row has the life of the
task, and in it what the task waited for. The last thread of a kernel is its loop: when it was idle, and what has woken
tasks and was no task. An arrow leads from who woke a task to what the task then did.

The format knows no tree of threads. So the rows stand in the order of the tree of tasks, and their names show how deep
in it they are. `axes` says what the axis is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TextIO

from .axes import MEANINGS, Axis
from .host_lanes import HostLanes
from .lanes import KernelLane, TaskLane, microseconds
from .moments import (ANSWERED, ASK, BLOCKED, CALLED, CLOCK, COUNTS, DEADLOCK, EXIT, IDLE, OF_NETWORKS, RESUME, SPAWN,
                      WAKE, YIELDED, Moment)
from .reading import Data, Recording
from .rows import CANCELLED, NO_DEADLINE, NO_DESCRIPTORS, RAISED, RETURNED, STOPPED
from .trees import Tree
from .words import Words, quoted

HOW = {RETURNED: "returned", RAISED: "raised", CANCELLED: "was cancelled", STOPPED: "was stopped: its host has crashed"}


def write_timeline(recording: Recording, stream: TextIO) -> None:
    """Write the timeline of `recording` to `stream`, a text file in UTF-8. Raises what `stream.write` raises."""
    Timeline(recording, stream.write).write()


class Timeline:
    """Goes through the moments and writes what each of them ends."""

    def __init__(self, recording: Recording, write: Callable[[str], object]) -> None:
        self._recording = recording
        self._stream = write
        self._words = Words(recording)
        self._arrows = 0
        self._first = True
        self._kernels: dict[int, KernelLane] = {}
        self._lanes: dict[int, TaskLane] = {}
        self._hosts = HostLanes(recording, self._put)
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
                "axis": {f"{kernel['kind']} kernel {kernel['kernel']}": MEANINGS[kernel["clock"]] for kernel in kernels},
                "damage": self._recording.damage or "none"}

    # Processes and threads.

    def _name_all(self) -> None:
        """Number and name the rows. Perfetto shows threads in the order of their numbers."""
        recording = self._recording
        tree = Tree(recording)
        digits = (len(recording.tasks) + len(recording.kernels)).bit_length()
        pid = 1
        start = recording.header["begin"]
        begin = min((kernel["at"] for kernel in recording.kernels.values()), default=start) - start
        for order, (key, data) in enumerate(recording.kernels.items(), 1):
            places = list(tree.of(key))
            axis = Axis(data["at"] - start - begin, data["shows"], begin, data["clock"] == "virtual")
            kernel = KernelLane(pid, pid + len(places), axis, data["kind"] == "native", self._put)
            self._kernels[key] = kernel
            several = f" {key}" if len(recording.kernels) > 1 else ""  # else the number of the process says it
            self._name("process", kernel.pid, kernel.pid, quoted(f"{data['kind']} kernel{several}"), order)
            for tid, (key, depth) in enumerate(places, pid):
                task = recording.tasks[key]
                host = f" on {recording.hosts[task['host']]['name']}" if task.get("host") in recording.hosts else ""
                lane = self._lanes[key] = TaskLane(key, tid, f"{task['name']} ({task['number']}){host}", depth, kernel,
                                                   self._words.spot(task["place"]), digits)
                self._name("thread", pid, tid, lane.row, tid)
            self._name("thread", pid, kernel.loop, quoted("the kernel's loop"), kernel.loop)
            pid = kernel.loop + 1
            for machine in [host for host in recording.hosts.values() if host["kernel"] == data["kernel"]]:
                self._name("thread", kernel.pid, pid, quoted(f"host {machine['name']}"), pid)
                self._hosts.add(machine["host"], kernel, pid)
                pid += 1
            kernel.open(axis.at(data["at"] - start), "loop", '"begins"')

    def _name(self, what: str, pid: int, tid: int, name: str, order: int) -> None:
        for title, detail in (("name", f'"name":{name}'), ("sort_index", f'"sort_index":{order}')):
            self._put(f'{{"ph":"M","pid":{pid},"tid":{tid},"name":"{what}_{title}","args":{{{detail}}}}}')

    # Moments of tasks.

    def _spawn(self, lane: TaskLane, time: int, moment: Moment) -> None:
        lane.alive = True
        cause = self._words.cause(moment.first)
        self._put(lane.span("n", time, f'"name":{lane.sorted_row},"args":{{"spawned by":{cause}}}'))
        self._put(lane.span("b", time, f'"name":{lane.label},"args":{{"from":{lane.spot[1]}}}'))
        if not self._recording.was_before(moment.first):  # else nobody knows in which state it was
            self._make_ready(lane, time, moment.first)

    def _wake(self, lane: TaskLane, time: int, moment: Moment) -> None:
        if lane.waiting is not None:
            self._end_wait(lane, time, self._words.cause(moment.first))
        self._make_ready(lane, time, moment.first)

    def _make_ready(self, lane: TaskLane, time: int, cause: int) -> None:
        kernel = lane.kernel
        kernel.ready.add(time, 1)
        lane.ready = time
        waker = self._lanes.get(-cause)
        if waker is None or waker.running is None:
            kernel.open(time, "wake", self._words.cause(cause))
            lane.arrow = kernel.loop, time
        else:
            lane.arrow = waker.tid, time

    def _end_wait(self, lane: TaskLane, time: int, reason: str) -> None:
        assert lane.waiting is not None
        name, axis = self._words.request(lane.request), lane.kernel.axis
        place = self._words.place(lane.request)[1]
        took = f',"by the kernel\'s clock":"{(axis.shows - lane.showed) / 1e9:.6f} s"' if axis.virtual else ""
        self._put(lane.span("b", lane.waiting, f'"name":{name},"args":{{"at":{place}}}'))
        self._put(lane.span("e", time, f'"name":{name},"args":{{"ended by":{reason}{took}}}'))
        if lane.sleeping:
            lane.kernel.timers.wake(time)
        lane.waiting = None

    def _resume(self, lane: TaskLane, time: int, moment: Moment) -> None:
        if lane.running is not None:
            if lane.asked is not None:  # a request that was answered at once, or code that it has called
                since, request = lane.asked
                lane.asked = None
                # Not one event for both: Perfetto would have arrows begin here that begin in the step, after this.
                name, place = self._words.request(request), self._words.place(request)[1]
                lane.inside.append(lane.event("B", since, f'"cat":"request","name":{name},"args":{{"at":{place}}}'))
                lane.inside.append(lane.event("E", time, f'"args":{{{self._words.answer(moment.first)}}}'))
            return
        if lane.ready is not None:
            lane.kernel.ready.add(time, -1)
        elif lane.waiting is not None:
            self._end_wait(lane, time, self._words.cause(0))
        lane.delay = time - (time if lane.ready is None else lane.ready)
        lane.ready = None
        lane.running = time
        answer = self._words.answer(moment.first)
        lane.answer = answer and f",{answer}"
        lane.begun, lane.inside = lane.spot, []
        if lane.arrow is not None:
            thread, since = lane.arrow
            lane.arrow = None
            self._arrows += 1
            rest = f'"cat":"wake","name":"wakes","id":{self._arrows}'
            self._put(f'{{"ph":"s","pid":{lane.kernel.pid},"tid":{thread},"ts":{microseconds(since)},{rest}}}')
            lane.inside.append(lane.event("f", time, f'"bp":"e",{rest}'))

    def _ask(self, lane: TaskLane, time: int, moment: Moment) -> None:
        request, outcome = moment.first, moment.second
        if lane.running is None:  # when the recording begins, or at a condition, whose lock it waits for now
            if lane.ready is not None:
                lane.kernel.ready.add(time, -1)
                lane.ready = lane.arrow = None
        elif outcome in (ANSWERED, CALLED):
            lane.asked = time, request
        elif outcome in (BLOCKED, YIELDED):
            self._end_step(lane, time, f'"to":{self._words.place(request)[1]},"request":{self._words.request(request)}')
        if request:
            lane.spot = self._words.place(request)
        if outcome == BLOCKED:
            lane.waiting, lane.request, lane.showed = time, request, lane.kernel.axis.shows
            lane.sleeping = moment.third != NO_DEADLINE
            if lane.sleeping:
                lane.kernel.timers.sleep(time)
        elif outcome == YIELDED:
            lane.kernel.ready.add(time, 1)
            lane.ready = time

    def _end_step(self, lane: TaskLane, time: int, end: str) -> None:
        since, lane.running, lane.asked = lane.running, None, None
        if since is None:
            return
        function, place = lane.begun
        self._put(lane.slice(since, time, (
            f'"cat":"step","name":{function},'
            f'"args":{{"from":{place},{end}{lane.answer},"was ready for":"{microseconds(lane.delay)} µs"}}')))
        for event in lane.inside:
            self._put(event)

    def _exit(self, lane: TaskLane, time: int, moment: Moment) -> None:
        how, text = moment.first, self._recording.texts.get(moment.second)
        told = quoted(HOW[how] if text is None or how in (CANCELLED, STOPPED) else f"{HOW[how]} {text}")
        if how == RAISED:
            self._put(lane.event("i", time, f'"s":"t","cat":"task","name":{told}'))
        if lane.ready is not None:  # it was cancelled before it had begun
            lane.kernel.ready.add(time, -1)
        self._finish(lane, time, '"its end"', told)

    def _finish(self, lane: TaskLane, time: int, place: str, how: str) -> None:
        """End all that is open of a task."""
        self._end_step(lane, time, f'"to":{place}')
        if lane.waiting is not None:
            self._end_wait(lane, time, how)
        lane.ready = None
        self._put(lane.span("e", time, f'"name":{lane.label},"args":{{"end":{how}}}'))
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
            kernel.timers.count(time, moment.second)
            if moment.third != NO_DESCRIPTORS:
                kernel.count("descriptors", "watched", time, str(moment.third))
            kernel.count("lag", "ms", time, f"{moment.fourth / 1e6:.6f}")
        elif moment.kind == IDLE:
            time = kernel.axis.at(moment.time)
            kernel.close(time)
            kernel.open(time, "loop", '"idle"')
        elif moment.kind in OF_NETWORKS:
            self._hosts.take(kernel.axis.at(moment.time), moment)
        elif moment.kind == DEADLOCK:
            time = kernel.axis.at(moment.time)
            kernel.close(time)
            text = quoted(self._recording.deadlocks[moment.first]["deadlock"])
            self._put(f'{{"ph":"i","s":"p","pid":{kernel.pid},"tid":{kernel.loop},"ts":{microseconds(time)},'
                      f'"cat":"kernel","name":"deadlock","args":{{"tasks":{text}}}}}')

    def _end(self) -> None:
        """End what is open where the recording ends."""
        self._hosts.end(self._recording.end)
        for kernel in self._kernels.values():
            kernel.close(kernel.axis.at(self._recording.end))
            kernel.ready.flush()
            kernel.timers.flush()
        for lane in self._lanes.values():
            if lane.alive:
                self._finish(lane, lane.kernel.axis.at(self._recording.end), '"?"', '"the recording ends"')
