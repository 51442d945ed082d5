"""The callbacks of a task, of which the first lies in the task itself: asyncio's task calls them in the same order."""

from __future__ import annotations

import asyncio
import random
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import compat

from .loops import Reports, note_reports, run

Log = list[Any]


class Foreign(asyncio.tasks._PyTask):  # type: ignore  # asyncio's own, whichever is installed
    pass


KINDS: list[Any] = [Foreign, compat.Task]


async def returns(steps: int = 2) -> str:
    for _ in range(steps):
        await asyncio.sleep(0)
    return "value"


def noting(log: Log, name: object) -> Callable[[Any], None]:
    return lambda task: log.append((name, asyncio.current_task() is None))


async def waits(log: Log, name: object, task: Any) -> None:
    log.append((name, await task))


def same(scenario: Callable[[Any, Log, Reports], Any]) -> Log:
    """What a scenario logs, which is the same with asyncio's own task and with ours, on our loop."""
    logs: list[Log] = []
    for kind in KINDS:
        log: Log = []

        async def main(kind: Any = kind, log: Log = log) -> None:
            reports = note_reports()
            await scenario(lambda code: kind(code, loop=asyncio.get_running_loop()), log, reports)
            log.extend((report["message"].split("(")[0], repr(report["exception"])) for report in reports)

        run(main())
        logs.append(log)
    assert logs[0] == logs[1]
    return logs[1]


def test_callbacks_and_waiting_tasks_in_the_order_in_which_they_came() -> None:
    for seed in range(30):
        async def scenario(make: Any, log: Log, reports: Reports, seed: int = seed) -> None:
            chance = random.Random(seed)
            task = make(returns(8))
            others, callbacks = [], [noting(log, number) for number in range(3)]
            for number in range(chance.randrange(6)):
                await asyncio.sleep(0)
                action = chance.randrange(4)
                if action == 0:
                    others.append(asyncio.ensure_future(waits(log, f"waiter {number}", task)))
                elif action == 1:
                    log.append(task.remove_done_callback(chance.choice(callbacks)))
                else:
                    task.add_done_callback(chance.choice(callbacks))
                await asyncio.sleep(0)
                log.append(len([callback for callback, _ in task._callbacks or () if callback in callbacks]))
            await asyncio.wait([task, *others])

        same(scenario)


@pytest.mark.parametrize("which", [{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 1, 2}])
def test_a_callback_is_removed_wherever_it_is(which: set[int]) -> None:
    async def scenario(make: Any, log: Log, reports: Reports) -> None:
        task = make(returns())
        callbacks = [noting(log, number) for number in range(3)]
        for callback in [*callbacks, callbacks[1]]:
            task.add_done_callback(callback)
        log.append([task.remove_done_callback(callbacks[number]) for number in sorted(which)])
        log.append(len(task._callbacks or ()))
        await asyncio.wait([task])
        log.append((task._callbacks or None, task.remove_done_callback(callbacks[0])))

    log = same(scenario)
    assert [entry[0] for entry in log[2:-1]] == [number for number in (0, 1, 2, 1) if number not in which]


class Comparing:
    """A callback that equals 3, and whose first comparison does something."""

    def __init__(self, log: Log, action: Callable[[], object]) -> None:
        self.log, self.action = log, action

    def __call__(self, task: Any) -> None:
        self.log.append(("comparing", True))

    def __eq__(self, other: object) -> bool:
        action, self.action = self.action, lambda: None
        action()
        return other is self or other == 3

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("action", ["add", "remove", "remove itself"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_comparison_that_changes_the_callbacks(action: str, place: int) -> None:
    async def main() -> None:
        log: Log = []
        task = compat.Task(returns(), loop=asyncio.get_running_loop())
        first, second, late = (noting(log, name) for name in ("first", "second", "late"))
        actions: dict[str, Callable[[], object]] = {
            "add": lambda: task.add_done_callback(late),
            "remove": lambda: task.remove_done_callback(first),
            "remove itself": lambda: task.remove_done_callback(comparing),
        }
        comparing = Comparing(log, actions[action])
        callbacks: list[Any] = [first, second]
        callbacks.insert(place, comparing)
        for callback in callbacks:
            task.add_done_callback(callback)
        task.remove_done_callback(3)  # type: ignore[arg-type]  # which equals `comparing`
        await task
        await asyncio.sleep(0)
        names = [name for name, _ in log]
        expected = {"add": ["first", "second", "late"], "remove": ["second"], "remove itself": ["first", "second"]}
        assert names == expected[action]

    run(main())


@pytest.mark.parametrize("count", [1, 2])
def test_callbacks_that_fail_are_reported(count: int) -> None:
    def failing(task: Any) -> None:
        raise ValueError(task.result())

    async def scenario(make: Any, log: Log, reports: Reports) -> None:
        task = make(returns())
        for _ in range(count):
            task.add_done_callback(failing)
        for _ in range(6):
            log.append(len(reports))
            await asyncio.sleep(0)

    assert same(scenario)[-count:] == [("Exception in callback "
                                        "test_callbacks_that_fail_are_reported.<locals>.failing",
                                        "ValueError('value')")] * count


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("count", [1, 2])
def test_a_callback_that_ends_the_run(kind: Any, error: type[BaseException], count: int) -> None:
    log: Log = []

    def ends(task: Any) -> None:
        log.append("ends")
        raise error

    loop = compat.EventLoop()
    task = kind(returns(0), loop=loop)
    for _ in range(count):
        task.add_done_callback(ends)
    task.add_done_callback(noting(log, "later"))
    for _ in range(count):
        with pytest.raises(error):
            loop.run_forever()
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    assert log == [*["ends"] * count, ("later", True)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("debug", [False, True])
def test_a_callback_that_is_due_when_the_loop_stops_is_called_when_it_runs_again(kind: Any, debug: bool) -> None:
    log: Log = []
    loop = compat.EventLoop()

    async def stops() -> None:
        loop.stop()

    task = kind(stops(), loop=loop)
    task.add_done_callback(noting(log, "called"))
    loop.run_forever()
    assert task.done() and not log and not task._callbacks
    assert "cb=" not in repr(task)
    loop.set_debug(debug)
    task.add_done_callback(noting(log, "later"))
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    assert log == [("called", True), ("later", True)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_callback_that_is_due_when_the_loop_closes_is_forgotten(kind: Any) -> None:
    log: Log = []
    loop = compat.EventLoop()

    async def stops() -> None:
        loop.stop()

    task = kind(stops(), loop=loop)
    task.add_done_callback(noting(log, "called"))
    loop.run_forever()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        task.add_done_callback(noting(log, "later"))
    assert task.done() and task.result() is None and not log


def test_a_task_that_is_done_does_not_keep_the_task_that_waited_for_it() -> None:
    async def returns() -> None:
        await asyncio.sleep(0)

    async def waits(other: asyncio.Task[None]) -> None:
        await other

    async def main() -> bool:
        other = asyncio.create_task(returns())
        waiter = weakref.ref(asyncio.create_task(waits(other)))
        for _ in range(5):
            await asyncio.sleep(0)
        return other.done() and waiter() is None

    assert run(main())
