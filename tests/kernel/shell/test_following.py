"""The tool's side of a live view: lines that a process has written, in order, and lines that none has written."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kernel import Lock, Queue, Task, TaskGroup, VirtualClock, run, sleep, spawn
from kernel.insight import snapshot
from kernel.insight.usage import Used
from kernel.serving.changes import Nonsense, Sender
from kernel.shell.following import Following, KernelMoment
from kernel.shell.gauges import bars
from kernel.shell.rows import COLUMNS, Choice, rows_of, short
from kernel.shell.top import table
from kernel.snapshots.reasons import reasons
from tests.support.live import line_of


def snapshots() -> list[dict[str, Any]]:
    """Of a program with locks, queues, a circle, a group, and tasks that are alike; tasks come and go in between."""
    taken: list[dict[str, Any]] = []

    async def take(first: Lock, second: Lock) -> None:
        async with first:
            await sleep(1)
            async with second:
                pass

    async def get(queue: Queue[None]) -> None:
        await queue.get()

    async def rest(seconds: float) -> None:
        await sleep(seconds)

    async def main() -> None:
        left, right, free, queue = Lock(), Lock(), Lock(), Queue[None]()
        async with TaskGroup() as group:
            await group.spawn(take(left, right), name="one")
            await group.spawn(take(right, left), name="other")
            await group.spawn(take(free, left), name="third")
            await group.spawn(get(queue), name="getter")
            for number in range(8):
                await group.spawn(rest(100), name=f"resting {number}")
            await group.spawn(rest(2.5), name="short")
            for _ in range(4):
                await sleep(0.75)
                taken.append(snapshot())
            await group.spawn(rest(100), name="late")
            await sleep(0)
            taken.append(snapshot())
            group.cancel()

    run(main(), clock=VirtualClock())
    return json.loads(json.dumps(taken))  # type: ignore[no-any-return]


SNAPSHOTS = snapshots()


def followed(**figures: Used) -> list[KernelMoment]:
    following, senders = Following(), list[Sender]()
    return [following.take(line_of(each, senders, 1.0, **figures)).kernels[0] for each in SNAPSHOTS]


def test_each_moment_is_the_snapshot() -> None:
    for moment, taken in zip(followed(), SNAPSHOTS):
        kernel = taken["kernels"][0]
        for name in "now", "state", "ready", "timers", "lag", "locks", "circles":
            assert moment.kernel[name] == kernel[name]
        assert list(moment.tasks) == [task["id"] for task in kernel["tasks"]]
        for mine, task in zip(moment.tasks.values(), kernel["tasks"]):
            assert {key: mine[key] for key in task if key not in ("deadline", "awaited_by", "where")} == {
                key: task[key] for key in task if key not in ("deadline", "awaited_by", "where")}
            deadline = None if mine["until"] is None else pytest.approx(mine["until"] - kernel["now"])
            assert task["deadline"] == deadline


def test_a_moment_does_not_change_when_the_next_line_comes() -> None:
    following, senders = Following(), list[Sender]()
    moments, copies = [], []
    for taken in SNAPSHOTS:
        moments.append(following.take(line_of(taken, senders)).kernels[0])
        copies.append(copy.deepcopy((moments[-1].tasks, moments[-1].kernel["locks"])))
    assert [(moment.tasks, moment.kernel["locks"]) for moment in moments] == copies


def test_a_task_s_share_of_the_time() -> None:
    following, senders = Following(), list[Sender]()
    shares = []
    for place, busy in enumerate((0.5, 0.75, 0.75, 1.5)):
        line = line_of(SNAPSHOTS[place], senders, 0.5, getter=Used(place, busy, 0.25, ""))
        kernel = following.take(line).kernels[0]
        shares.append(next(task["share"] for task in kernel.tasks.values() if task["name"] == "getter"))
    assert shares == [1.0, 0.5, 0.0, 1.5] and kernel.share == 1.0 and kernel.steps_per_second == 20


def test_a_kernel_that_goes_is_forgotten_and_told_of_anew() -> None:
    following = Following()
    first = line_of(SNAPSHOTS[0], [])
    assert len(following.take(first).kernels[0].tasks) == 14
    assert following.take({**first, "kernels": []}).kernels == []
    again = following.take(line_of(SNAPSHOTS[1], [])).kernels[0]
    assert len(again.tasks) == 14 and len(again.lags) == 1


def rows(kernel: KernelMoment, choice: Choice) -> list[str]:
    return [f"{'  ' * row.level}{row.task['name']}{'!' * row.again}{f' +{row.alike}' if row.alike else ''}"
            for row in rows_of(kernel, choice)]


def test_rows() -> None:
    kernel = followed(getter=Used(3, 0.5, 0.2, ""), third=Used(7, 0.25, 0.25, ""))[0]
    others = ["snapshots.<locals>.main", "one", "other"]
    sleeping = ["resting 0", "resting 1 +6", "short"]
    assert rows(kernel, Choice()) == ["getter", "third", *others, *sleeping]
    assert rows(kernel, Choice("LONGEST")) == ["third", "getter", *others, *sleeping]
    assert rows(kernel, Choice("STEPS", reversed=True)) == [*others, *sleeping, "getter", "third"]
    assert rows(kernel, Choice("ID", reversed=True))[:3] == ["short", "resting 7", "resting 6 +6"]
    assert rows(kernel, Choice("NAME"))[:4] == ["getter", "one", "other", "resting 0"]
    assert len(rows(kernel, Choice(all=True))) == 14
    assert rows(kernel, Choice(filter="RESTING 3")) == ["resting 3"] and rows(kernel, Choice(filter="?")) == []


def test_the_tree() -> None:
    kernel = followed()[2]  # there is a circle
    below = ["  one", "  other", "  third", "  getter", "  resting 0", "  resting 1 +6", "  short"]
    assert rows(kernel, Choice(tree=True)) == ["snapshots.<locals>.main", *below]
    assert rows(kernel, Choice(tree=True, filter="getter")) == ["snapshots.<locals>.main", "  getter"]


def test_why_a_task_waits() -> None:
    def reason(name: str) -> list[str]:
        task = next(task for task in kernel.tasks.values() if task["name"] == name)
        return [line.partition(" at ")[0] for line in reasons(kernel, task)]

    kernel = followed()[2]
    assert reason("third") == [
        "task 4 'third' is blocked on <Lock held by task 2 'one'>.acquire()",
        "└ until task 2 'one' releases it, which is blocked on <Lock held by task 3 'other'>.acquire()",
        "  └ until task 3 'other' releases it, which is blocked on <Lock held by task 2 'one'>.acquire()",
        "    └ until task 2 'one' releases it, which stands above: the tasks wait in a circle"]
    assert reason("getter")[1] == "└ until some task puts something into the Queue with 0 items"
    assert reason("short")[1] == "└ until its timer fires, in 0.2s"
    assert reason("snapshots.<locals>.main")[1] == "└ until its step ends: it does not wait"


def test_a_long_chain_is_cut() -> None:
    taken: list[dict[str, Any]] = []

    async def link(before: Task[None] | None) -> None:
        await (sleep(10) if before is None else before)

    async def main() -> None:
        last: Task[None] | None = None
        for _ in range(40):
            last = await spawn(link(last))
        await sleep(1)
        taken.append(snapshot())

    run(main(), clock=VirtualClock())
    kernel = Following().take(line_of(json.loads(json.dumps(taken[0])), [])).kernels[0]
    lines = list(reasons(kernel, kernel.tasks[41]))
    assert len(lines) == 22 and lines[-1].strip() == "└ and so on"


def test_bars_and_short_times() -> None:
    assert bars([0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 50], 100) == "▁▂▃▄▅▆▇██"
    assert bars([1.0, 0.0, 0.0], 2) == "▁▁" and bars([], 5) == ""
    assert [short(seconds) for seconds in (0, 1e-9, 0.0005, 0.0123, 0.5, 2, 7200)] == [
        "-", "1µs", "500µs", "12.3ms", "500ms", "2.0s", "2h00m"]


LINE = line_of(SNAPSHOTS[2], [])


def changed(change: Callable[[Any], object]) -> Any:
    line = copy.deepcopy(LINE)
    change(line)
    return line


@pytest.mark.parametrize("line", [
    None, [], "", 7, {}, {**LINE, "kernels": None}, {**LINE, "kernels": [7]}, {**LINE, "seconds": float("inf")},
    changed(lambda line: line["kernels"][0].pop("now")), changed(lambda line: line["kernels"][0]["tasks"][0].pop()),
    changed(lambda line: line["kernels"][0]["tasks"][0].append(1)), changed(lambda line: line["kernels"][0].update(stacks=[])),
    changed(lambda line: line["kernels"][0]["circles"][0][0].update(task=99)),
    changed(lambda line: line["kernels"][0].update(locks=[]))])
def test_nonsense(line: Any) -> None:
    with pytest.raises(Nonsense, match="^a line has other parts than it should have$|is not as it should be$"):
        Following().take(line)


def test_another_version() -> None:
    with pytest.raises(Nonsense, match="^the program writes version 2 of a live view, and this tool reads version 1$"):
        Following().take({**LINE, "schema": 2})


@pytest.mark.parametrize("seed", range(300))
def test_any_other_line_is_nonsense_or_can_be_shown(seed: int) -> None:
    chance = random.Random(seed)
    line = copy.deepcopy(LINE)
    for _ in range(chance.randint(1, 4)):
        holder, key = chance.choice(list(places(line)))
        holder[key] = chance.choice([None, -1, 0, 1, 1e308, 10**30, True, "", "\33[31m", "[red]", [], {}, [None], [[1, 2]]])
    following = Following()
    try:
        for _ in range(2):
            moment = following.take(line)
            for title in COLUMNS:
                for tree in False, True:
                    table(moment, Choice(title, tree=tree, all=True, filter=chance.choice(["", "o"])))
            for kernel in moment.kernels:
                for task in kernel.tasks.values():
                    list(reasons(kernel, task))
    except Nonsense:
        pass


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each place in a value from JSON: what holds it, and its key there."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from places(item)
