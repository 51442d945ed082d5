"""A strict reader of timelines: it refuses what the description of the Trace Event format does not allow.

Viewers are lenient. They leave out what they cannot place, and nobody sees that it is missing.
"""

from __future__ import annotations

import io
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from kernel.recordings.reading import Recording
from kernel.recordings.timelines import write_timeline

Event = dict[str, Any]
SORTED = str.maketrans("", "", "\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NON-JOINER}")  # by which rows are sorted


@dataclass
class Slice:
    """A slice of a thread, or a span of a row: times are in microseconds."""

    name: str
    begin: float
    end: float
    args: dict[str, str]
    inside: list[Slice] = field(default_factory=list)

    @property
    def duration(self) -> float:
        return self.end - self.begin


class Timeline:
    """A timeline that was read. What it has of a task is by the task's name, as a viewer shows it."""

    def __init__(self, text: str) -> None:
        self.file = json.loads(text, object_pairs_hook=unique)
        assert set(self.file) == {"displayTimeUnit", "otherData", "traceEvents"}
        self._events: list[Event] = self.file["traceEvents"]
        self.processes: dict[int, str] = {}
        self.threads: dict[tuple[int, int], str] = {}  # in the order in which viewers show them
        self.slices: dict[str, list[Slice]] = defaultdict(list)  # by thread: its steps
        self._at: dict[tuple[int, int], list[Slice]] = defaultdict(list)  # the same by what the file calls the thread
        self.spans: dict[str, list[Slice]] = defaultdict(list)  # by row: lives, in which there are waits
        self.rows: list[str] = []  # of the spans, in the order in which viewers show them
        self.arrows: list[tuple[str, str, str, str]] = []  # from: the thread and the slice; to: the same
        self.instants: list[tuple[str, str]] = []
        self.counters: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._read_names()
        for event in self._events:
            check(event)
        timed = sorted((event for event in self._events if event["ph"] != "M"), key=lambda event: event["ts"])
        threads: dict[tuple[int, int], list[Slice]] = defaultdict(list)
        for event in timed:
            if event["ph"] == "X":
                self._read_slice(event, threads[event["pid"], event["tid"]])
            elif event["ph"] == "B":
                found = Slice(event["name"], event["ts"], -1, event["args"])
                threads[event["pid"], event["tid"]][0].inside.append(found)
                threads[event["pid"], event["tid"]].append(found)
            elif event["ph"] == "E":
                step, found = threads[event["pid"], event["tid"]]
                assert event["ts"] <= step.end
                found.end = event["ts"]
                found.args.update(event["args"])
                threads[event["pid"], event["tid"]].pop()
            elif event["ph"] == "i":
                self.instants.append((self.threads[event["pid"], event["tid"]], event["name"]))
            elif event["ph"] == "C":
                (unit, value), = event["args"].items()
                self.counters[f"{event['name']} {unit}"].append((event["ts"], value))
        self._read_spans([event for event in timed if event["ph"] in "nbe"])
        self._read_arrows([event for event in timed if event["ph"] in "sf"])

    def _read_names(self) -> None:
        order: dict[str, dict[tuple[int, int], int]] = {"process_sort_index": {}, "thread_sort_index": {}}
        threads = {}
        for event in self._events:
            if event["ph"] == "M":
                key = event["pid"], event["tid"]
                if event["name"] in order:
                    assert key not in order[event["name"]]
                    order[event["name"]][key] = event["args"]["sort_index"]
                elif event["name"] == "process_name":
                    assert event["pid"] not in self.processes
                    self.processes[event["pid"]] = event["args"]["name"]
                else:
                    assert event["name"] == "thread_name" and key not in threads
                    threads[key] = event["args"]["name"]
        places = order["thread_sort_index"]
        assert len(set(places.values())) == len(threads)
        assert sorted(threads, key=lambda key: key[1]) == sorted(threads, key=places.__getitem__)
        self.threads = {key: threads[key] for key in sorted(threads, key=places.__getitem__)}

    def _read_slice(self, event: Event, open: list[Slice]) -> None:
        """`open` are the slices of the thread that are not over."""
        found = Slice(event["name"], event["ts"], round(event["ts"] + event["dur"], 3), event.get("args", {}))
        if open:
            last, = open
            assert last.end <= found.begin, f"{last} is not over when {found} begins"
        open[:] = [found]
        self._at[event["pid"], event["tid"]].append(found)
        self.slices[self.threads[event["pid"], event["tid"]]].append(found)

    def _read_spans(self, events: list[Event]) -> None:
        rows: dict[tuple[int, str], str] = {}
        open: dict[tuple[int, str], list[Slice]] = defaultdict(list)
        for event in events:
            key = event["pid"], event["id2"]["local"]
            spans = open[key]
            if key not in rows:
                assert event["ph"] == "n", "the row would have the name of a wait"
                rows[key] = event["name"]
            elif event["ph"] == "b":
                span = Slice(event["name"], event["ts"], -1, event["args"])
                (spans[-1].inside if spans else self.spans[rows[key].translate(SORTED).removesuffix(" waits")]).append(span)
                spans.append(span)
            elif event["ph"] == "e":
                span = spans.pop()
                assert span.name == event["name"]
                span.end = event["ts"]
                span.args.update(event["args"])
        assert not any(open.values()), "a span has no end"
        self.rows = [row.translate(SORTED).removesuffix(" waits") for row in sorted(rows.values())]

    def _read_arrows(self, events: list[Event]) -> None:
        begun: dict[int, tuple[str, str]] = {}
        ids = set()
        for event in events:
            thread = self.threads[event["pid"], event["tid"]]
            at, = [found for found in self._at[event["pid"], event["tid"]] if found.begin <= event["ts"] < found.end or
                   found.begin == event["ts"] == found.end]
            if event["ph"] == "s":
                assert event["id"] not in ids
                ids.add(event["id"])
                at = next((one for one in at.inside if one.begin <= event["ts"] < one.end), at)
                begun[event["id"]] = thread, at.name
            else:
                assert event["bp"] == "e" and event["ts"] == at.begin
                self.arrows.append((*begun.pop(event["id"]), thread, at.name))
        assert not begun, "an arrow has no end"

    def waits(self, row: str) -> list[Slice]:
        """What a task waited for."""
        life, = self.spans[row]
        return life.inside


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs), f"a key twice: {pairs}"
    return found


NEEDED = {"M": {"args"}, "X": {"dur", "cat"}, "B": {"cat", "args"}, "E": {"args"}, "i": {"s", "cat"}, "C": {"args"},
          "n": {"id2", "cat", "args"}, "b": {"id2", "cat", "args"}, "e": {"id2", "cat", "args"}, "s": {"id", "cat"},
          "f": {"id", "cat", "bp"}}
NOT_IN = {"ts": "M", "tid": "C", "name": "E"}  # what all events have but one kind
OPTIONAL = {"X": {"args"}, "i": {"args"}}


def check(event: Event) -> None:
    """Assert that an event has what an event of its kind has, and nothing else."""
    phase = event["ph"]
    needed = NEEDED[phase] | {"ph", "pid"} | {key for key, without in NOT_IN.items() if phase != without}
    assert needed <= set(event) <= needed | OPTIONAL.get(phase, set()), event
    assert type(event.get("name", "E")) is str and event.get("name", "E")
    for key in {"pid", "tid", "id"} & set(event):
        assert type(event[key]) is int and event[key] > 0
    for key in {"ts", "dur"} & set(event):
        assert type(event[key]) in (int, float) and event[key] >= 0
    for name, value in event.get("args", {}).items():
        assert type(value) is (float if phase == "C" and name == "ms" else int if phase in "MC" and name != "name" else str)


def timeline_of(recording: Recording) -> Timeline:
    stream = io.StringIO()
    write_timeline(recording, stream)
    stream.getvalue().encode()  # which fails where a reader would
    return Timeline(stream.getvalue())
