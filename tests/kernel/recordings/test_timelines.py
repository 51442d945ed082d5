"""The timeline of a recording: what viewers of the Trace Event format are given to show."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from kernel import Deadlock, Kernel, Lock, Queue, VirtualClock, checkpoint, run, sleep, spawn, timeout
from kernel.insight import record
from kernel.recordings.reading import read
from tests.support.programs import failures, pool
from tests.support.transcripts import recorded, recorded_call
from tests.support.timelines import timeline_of


async def naps(*seconds: float) -> None:
    for each in seconds:
        await sleep(each)


async def family(name: str, *children: Any) -> None:
    for child in children:
        await spawn(family(*child), name=child[0])
    await sleep(1)


async def sleepers() -> None:
    for seconds in range(1, 5):
        await spawn(naps(seconds))
    await sleep(10)


async def stuck() -> None:
    queue: Queue[int] = Queue()
    await queue.get()


async def named(name: str) -> None:
    """The main task and another one, by the name of which many texts are."""
    queue: Queue[str] = Queue()
    task = await spawn(failing(queue), name=name)
    await checkpoint()
    await queue.put(name)
    await task


async def failing(queue: Queue[str]) -> None:
    raise ValueError(await queue.get())


async def generation(rest: int) -> None:
    if rest:
        await (await spawn(generation(rest - 1), name=f"{rest - 1}"))


async def locking() -> None:
    lock = Lock()
    for _ in range(500):
        async with lock:
            pass


def test_each_task_has_a_row_in_the_order_of_the_tree(tmp_path: Path) -> None:
    timeline = timeline_of(recorded(family("root", ("a", ("b",), ("c", ("d",))), ("e", ("f",))), tmp_path))
    tasks = ["family (1)", "└─ a (2)", "└── b (4)", "└── c (5)", "└─── d (7)", "└─ e (3)", "└── f (6)"]
    assert list(timeline.threads.values()) == [*tasks, "the kernel's loop"]
    assert timeline.rows == tasks
    assert list(timeline.processes.values()) == ["native kernel"]


def test_steps_are_slices_with_where_they_began_and_stopped(tmp_path: Path) -> None:
    timeline = timeline_of(recorded(pool(), tmp_path))
    first, second, last = timeline.slices["└─ a (2)"]
    assert [step.name for step in (first, second, last)] == ["work"] * 3
    assert first.args["request"] == "Queue.get()" and "programs.py:" in first.args["from"]
    assert second.args["answer"] == "1" and second.args["from"] == first.args["to"]
    assert [(one.name, one.args["at"].rpartition(" in ")[2]) for one in second.inside] == [("Lock.acquire()", "work")]
    assert second.args["request"] == "sleep(1)"
    assert last.args["to"] == "its end" and "raised" in last.inside[-1].args


def test_waits_are_spans_in_the_life_of_a_task(tmp_path: Path) -> None:
    timeline = timeline_of(recorded(pool(), tmp_path))
    life, = timeline.spans["└─ b (3)"]
    assert life.name == "b (3)" and life.args["end"] == "returned"
    assert [(wait.name, wait.args["ended by"]) for wait in life.inside] == [
        ("Queue.get()", "task 1 'pool'"), ("Lock.acquire()", "task 2 'a'"), ("sleep(2)", "a timer")]
    assert life.inside[1].args["by the kernel's clock"] == "1.000000 s"


def test_arrows_lead_from_who_woke_a_task_to_what_it_then_did(tmp_path: Path) -> None:
    arrows = timeline_of(recorded(pool(), tmp_path)).arrows
    assert arrows[0] == ("the kernel's loop", "code outside of the kernel", "pool (1)", "pool")
    assert ("pool (1)", "TaskGroup.spawn(work(...))", "└─ a (2)", "work") in arrows
    assert ("pool (1)", "Queue.put(...)", "└─ a (2)", "work") in arrows
    assert ("└─ a (2)", "work", "└─ b (3)", "work") in arrows  # it has released the lock
    assert arrows[-1] == ("└─ b (3)", "work", "pool (1)", "pool")


def test_the_axis_of_a_virtual_clock_is_that_clock(tmp_path: Path) -> None:
    timeline = timeline_of(recorded(naps(1000, 0.5), tmp_path))
    first, second = timeline.waits("naps (1)")
    assert 1000e6 <= first.end < 1000.4e6 and 1000.5e6 <= second.end < 1000.9e6
    assert sum(step.duration for step in timeline.slices["naps (1)"]) < 0.4e6  # real time
    idle = [one for one in timeline.slices["the kernel's loop"] if one.name == "idle"]
    assert 1000.1e6 < sum(one.duration for one in idle) <= 1000.5e6


def test_instants_that_are_nearer_than_what_happens_at_them_takes_are_drawn_later(tmp_path: Path) -> None:
    timeline = timeline_of(recorded(naps(*[1e-9] * 100), tmp_path))
    steps = timeline.slices["naps (1)"]
    assert len(steps) == 101
    assert all(step.end < following.begin for step, following in zip(steps, steps[1:]))


def test_the_axis_of_the_real_clock_is_real_time(tmp_path: Path) -> None:
    timeline = timeline_of(recorded(naps(0.01), tmp_path, virtual=False))
    wait, = timeline.waits("naps (1)")
    assert 10e3 <= wait.duration < 10e6 and "by the kernel's clock" not in wait.args
    assert timeline.file["otherData"]["axis"] == {"native kernel 1": "real time since the first kernel began"}


def test_counters_of_ready_tasks_and_of_timers(tmp_path: Path) -> None:
    counters = timeline_of(recorded(sleepers(), tmp_path)).counters
    assert set(counters) <= {"ready tasks", "timers set", "descriptors watched", "lag ms"}
    assert max(value for _, value in counters["ready tasks"]) == 4 and counters["ready tasks"][-1][1] == 0
    for second in range(5):  # at 0.5 seconds, at 1.5 seconds and so on
        assert [value for time, value in counters["timers set"] if time < (second + 0.5) * 1e6][-1] == 5 - second


def test_the_counters_are_not_wrong_where_the_recording_counts(tmp_path: Path) -> None:
    """The kernel counts when a step has taken long. A timer that the step asks for is not set yet then."""
    async def program() -> None:
        async with timeout(100):
            for _ in range(3):
                begin = time.monotonic()
                while time.monotonic() - begin < 0.002:
                    pass
                await sleep(1)

    counters = timeline_of(recorded(program(), tmp_path)).counters
    for second in range(3):
        assert [value for moment, value in counters["timers set"] if moment < (second + 0.5) * 1e6][-1] == 2
    for values in counters["timers set"], counters["ready tasks"]:
        assert all(value != following for (_, value), (_, following) in zip(values, values[1:]))


def test_failures_and_deadlocks_are_marked(tmp_path: Path) -> None:
    timeline = timeline_of(recorded(failures(), tmp_path))
    assert timeline.instants == [("└─ failing (2)", "raised ValueError: a value")]
    ends = {life.name: life.args["end"] for lives in timeline.spans.values() for life in lives}
    assert ends == {"failures (1)": "returned", "failing (2)": "raised ValueError: a value", "other (3)": "was cancelled"}
    timeline = timeline_of(recorded(stuck(), tmp_path, raises=(Deadlock,)))
    assert ("the kernel's loop", "deadlock") in timeline.instants
    wait, = timeline.waits("stuck (1)")
    assert wait.name == "Queue.get()"


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\x1b[31m\x00\x7f", "half \ud83d of one",
                                  'say "hello" \\', "línea\n2", "\u2028\u202e", "\U0001f3a2"])
def test_names_and_values_may_hold_anything(name: str, tmp_path: Path) -> None:
    timeline = timeline_of(recorded(named(name), tmp_path, raises=(ValueError,)))
    shown = name.encode("utf-8", "backslashreplace").decode()
    assert list(timeline.threads.values())[1] == f"└─ {shown} (2)"
    assert f"wait(task 2 '{shown}')" in [wait.name for wait in timeline.waits("named (1)")] or name != "\U0001f3a2"


def test_several_kernels_are_several_processes(tmp_path: Path) -> None:
    def two_at_once() -> None:
        threads = [Thread(target=run, args=(naps(0.001),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run(naps(0.001), clock=VirtualClock())

    timeline = timeline_of(recorded_call(two_at_once, tmp_path))
    assert list(timeline.processes.values()) == ["native kernel 1", "native kernel 2", "native kernel 3"]
    assert [name for name in timeline.threads.values()] == ["naps (1)", "the kernel's loop"] * 3
    assert len({pid for pid, _ in timeline.threads}) == 3 and len({tid for _, tid in timeline.threads}) == 6


def test_a_recording_that_begins_and_ends_in_the_middle(tmp_path: Path) -> None:
    async def program() -> None:
        sleeper = await spawn(naps(2, 2), name="sleeper")
        await sleep(1)
        with record(tmp_path / "middle"):
            await sleep(2)
        await sleeper

    run(program(), clock=VirtualClock())
    timeline = timeline_of(read(tmp_path / "middle"))
    life, = timeline.spans["sleeper (2)"]
    assert [(wait.name, wait.args["ended by"]) for wait in life.inside] == [
        ("sleep(2)", "a timer"), ("sleep(2)", "the recording ends")]
    assert life.args["end"] == "the recording ends"
    step, = timeline.slices["sleeper (2)"]
    assert step.args["request"] == "sleep(2)"


def test_a_recording_that_is_cut_anywhere_gives_the_timeline_up_to_there(tmp_path: Path) -> None:
    recorded(pool(), tmp_path)
    whole = (tmp_path / "recording").read_bytes()
    cut = tmp_path / "cut"
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole) - 1, 7):
        cut.write_bytes(whole[:end])
        timeline = timeline_of(read(cut))
        assert timeline.file["otherData"]["damage"] != "none"


def test_ten_thousand_tasks_each_spawned_by_the_one_before(tmp_path: Path) -> None:
    timeline = timeline_of(recorded(generation(9_999), tmp_path))
    assert [name.rpartition(" (")[0].lstrip("└─ ") for name in timeline.threads.values()][1:-1] == [
        str(rest) for rest in range(9_998, -1, -1)]



def test_many_requests_in_one_step_stay_in_it(tmp_path: Path) -> None:
    step, = timeline_of(recorded(locking(), tmp_path)).slices["locking (1)"]
    assert [one.name for one in step.inside] == ["Lock.acquire()"] * 500


def test_an_empty_recording(tmp_path: Path) -> None:
    with record(tmp_path / "empty"):
        pass
    assert not timeline_of(read(tmp_path / "empty")).threads
    with record(tmp_path / "idle"), Kernel():
        pass
    assert not timeline_of(read(tmp_path / "idle")).slices
