"""Why something took so long: the stretches of a task's time, and for each wait who kept the task waiting.

A recorder knows what has ended each wait. If another task has, then what that task did during the wait explains the
wait, and so on. On each level the stretches follow one another without a gap, so their lengths add up to the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .events import Cause, Event, Who

DEPTH = 12  # levels of tasks that wait for tasks


class Stretch(NamedTuple):
    """A stretch of a task's time."""

    task: Who
    begin: float  # in seconds, on the kernel's clock
    end: float
    kind: str  # "ran", "was ready" (and others ran), "waited" or "not recorded"
    text: str  # what it waited for
    cause: Cause | None  # of the end of a wait; None while it lasts
    inner: tuple[Stretch, ...]  # of a wait that a task has ended: what that task did meanwhile

    @property
    def seconds(self) -> float:
        return self.end - self.begin


class History:
    """Recorded events, and what they say of each task."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._events = list(events)
        self._of: dict[Who, list[int]] = {}  # the places of each task's events in the list
        for place, event in enumerate(self._events):
            self._of.setdefault(event.task, []).append(place)

    def stretches(self, task: Who, begin: float | None, end: float, depth: int = 0,
                  blocked: str = "") -> tuple[Stretch, ...]:
        """What `task` did from `begin`, by default since its first event, to `end`; `blocked` says what it waits for."""
        found: list[Stretch] = []
        places = self._of.get(task, [])
        if not places:
            return (Stretch(task, end if begin is None else begin, end, "not recorded", "", None, ()),)
        first = self._events[places[0]]
        at = first.time if begin is None else begin
        if first.kind != "spawn" and first.since is None and at < first.time:
            found.append(Stretch(task, at, first.time, "not recorded", "", None, ()))
            at = first.time
        waiting = False  # whether the last event was a request
        for place in places:
            event = self._events[place]
            if event.kind == "slow" or event.time < at and event.kind != "request":
                waiting = False
                continue
            until = min(event.time, end)
            if event.kind == "wake":
                since = event.time if event.since is None else max(at, min(event.since, until))
                self._add(found, task, at, since, "ran")
                found += self._wait(task, since, until, event, depth)
                waiting = False
            elif event.kind in ("request", "exit"):
                ran = max(at, min(self._began(place), until))
                self._add(found, task, at, ran, "was ready")
                self._add(found, task, ran, until, "ran")
                waiting = event.kind == "request" and event.text != "checkpoint"
            at = max(at, until)
            if event.time >= end:
                break
        if at < end:
            kind = "waited" if waiting and blocked else "was ready"
            found.append(Stretch(task, at, end, kind, blocked if kind == "waited" else "", None, ()))
        return tuple(found)

    def _add(self, found: list[Stretch], task: Who, begin: float, end: float, kind: str) -> None:
        if begin < end:
            found.append(Stretch(task, begin, end, kind, "", None, ()))

    def _began(self, place: int) -> float:
        """When the piece of code began at whose end the event at `place` came: when the one before it had ended."""
        return self._events[place - 1].time if place else self._events[place].time

    def _wait(self, task: Who, begin: float, end: float, event: Event, depth: int) -> Iterable[Stretch]:
        if begin >= end:
            return
        waker = None if event.cause is None else event.cause.task()
        inner: tuple[Stretch, ...] = ()
        if waker is not None and waker != task and depth < DEPTH:
            inner = self.stretches(waker, begin, end, depth + 1)
        yield Stretch(task, begin, end, "waited", event.text, event.cause, inner)


def explain(stretches: Iterable[Stretch]) -> str:
    """The stretches as lines of text: how long each was, what the task did, and what ended it."""
    stretches = tuple(stretches)
    if not stretches:
        return ""
    first = stretches[0]
    seconds = sum(stretch.seconds for stretch in stretches)
    return "".join(f"{line}\n" for line in [f"{first.task}, {seconds:.6f}s:", *_lines(stretches, first.task, "  ")])


def _lines(stretches: Iterable[Stretch], of: Who, indent: str) -> Iterable[str]:
    for stretch in stretches:
        line = f"{indent}{stretch.seconds:.6f}s " + ("" if stretch.task == of else f"{stretch.task} ")
        if stretch.kind == "waited":
            end = "" if stretch.cause is None else f", until {stretch.cause} woke it"
            line += f"waited for {stretch.text}{end}"
        else:
            line += {"was ready": "was ready, while others ran"}.get(stretch.kind, stretch.kind)
        yield line
        yield from _lines(stretch.inner, of, indent + "  ")
