"""compat's `gather`, and asyncio's `TaskGroup` on compat: a program sees what it sees on asyncio's own loop."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import random
import re
import sys
import weakref
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

import compat
from compat.gathering import gather

from .installed import outcome
from .loops import note_reports, run

Log = list[Any]
Scenario = Callable[[Any, Log], Coroutine[Any, Any, None]]
LIBRARIES = [pytest.param(asyncio, id="asyncio"), pytest.param(compat, id="compat")]
VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="nothing")


def seen(scenario: Scenario, library: Any) -> Log:
    log: Log = []

    async def main() -> None:
        reports = note_reports()
        await scenario(library, log)
        gc.collect()
        log.extend((report["message"].split(" at 0x")[0], repr(report.get("exception"))) for report in reports)

    if library is asyncio:
        asyncio.run(main())
    else:
        run(main())
    return log


def same(scenario: Scenario) -> Log:
    """What a scenario logs, which is the same on asyncio and on compat."""
    theirs, ours = seen(scenario, asyncio), seen(scenario, compat)
    assert ours == theirs
    return ours


async def ticks(log: Log, count: int = 12) -> None:
    """A bystander. Its steps in the log show where the others' are."""
    for tick in range(count):
        log.append(tick)
        await asyncio.sleep(0)


async def returns(value: Any, steps: int = 1) -> Any:
    for _ in range(steps):
        await asyncio.sleep(0)
    return value


async def fails(steps: int = 1, error: type[BaseException] = ValueError) -> None:
    await returns(None, steps)
    raise error(steps)


async def endless() -> None:
    await asyncio.get_running_loop().create_future()


async def logged(log: Log, awaitable: Any) -> None:
    """Log how the wait for `awaitable` ends."""
    try:
        log.append(("result", repr(await awaitable)))
    except BaseException as error:
        # In the repr of a group a task that has returned is missing one batch earlier than in asyncio's.
        log.append(("error", *(re.sub(r"tasks=\d+ ", "", repr(shown)) for shown in (error, *flat(error)))))


def flat(error: BaseException) -> tuple[BaseException, ...]:
    return error.exceptions if isinstance(error, BaseExceptionGroup) else ()


def foreign_task(loop: Any, code: Any, **more: Any) -> Any:
    return asyncio.tasks._PyTask(code, loop=loop, **more)  # type: ignore[attr-defined]


def settle(future: Any) -> None:
    if not future.done():
        future.set_result("settled")


def told(log: Log, name: str) -> Callable[[Any], None]:
    return lambda future: log.append(
        (name, future.cancelled() or re.sub(r"tasks=\d+ ", "", repr(future.exception() or future.result()))))


# The same by both, in an order that a seed decides

class Ordered(dict[Any, None]):
    """In the place of the set in which a group has its tasks, and cancels them in the order of their addresses."""

    def add(self, task: Any) -> None:
        self[task] = None

    def discard(self, task: Any) -> None:
        self.pop(task, None)


class Plan:
    """What one run does. It makes all its decisions before it begins."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self.children = [(chance.randrange(5), chance.choice(["return"] * 6 + ["fail", "cancelled", "cancels itself",
                                                                            "cancels another", "starts another"]),
                          chance.random() < 0.2, chance.randrange(6)) for _ in range(chance.randrange(1, 8))]
        self.return_exceptions = chance.random() < 0.5
        self.repeated = chance.random() < 0.2
        self.actions = [(chance.choice(["child", "outer", "nobody", "nobody"]), chance.randrange(8))
                        for _ in range(chance.randrange(1, 7))]

    async def child(self, log: Log, number: int, tasks: list[Any], start: Callable[[Any], Any] | None) -> int:
        steps, end, swallows, other = self.children[number]
        for step in range(steps):
            log.append((number, step))
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                log.append((number, "is cancelled"))
                if not swallows:
                    raise
        if end == "fail":
            raise ValueError(number)
        if end == "cancelled":
            raise asyncio.CancelledError(f"by {number}")
        if end == "cancels itself":
            task = asyncio.current_task()
            assert task is not None
            task.cancel("late")
        elif end == "cancels another" and tasks:
            tasks[other % len(tasks)].cancel()
        elif end == "starts another" and start is not None:
            more = returns("more", other)
            try:
                start(more)
            except RuntimeError:
                more.close()  # before Python 3.13 a group that ends does not close what it refuses
                raise
        log.append((number, "returns"))
        return number

    def made(self, log: Log, tasks: list[Any]) -> Iterator[Any]:
        for number, (_, _, _, kind) in enumerate(self.children):
            coroutine = self.child(log, number, tasks, None)
            if kind == 0:
                future = asyncio.get_running_loop().create_future()
                asyncio.get_running_loop().call_soon(settle, future)
                coroutine.close()
                yield future
            elif kind < 4:
                yield coroutine
            else:
                task = asyncio.get_running_loop().create_task(coroutine)
                if kind == 5:
                    task.add_done_callback(told(log, f"child {number}"))
                tasks.append(task)
                yield task

    async def act(self, log: Log, tasks: list[Any], outer: Any) -> None:
        for whom, other in self.actions:
            log.append("tick")
            if whom == "outer":
                log.append(outer.cancel())
            elif whom == "child" and tasks:
                log.append(tasks[other % len(tasks)].cancel(msg="from outside"))
            await asyncio.sleep(0)

    async def gather(self, library: Any, log: Log) -> None:
        tasks: list[Any] = []
        given = list(self.made(log, tasks))
        if self.repeated:
            given.append(given[0])
        outer = library.gather(*given, return_exceptions=self.return_exceptions)
        outer.add_done_callback(told(log, "outer"))
        bystander = asyncio.ensure_future(ticks(log))
        await asyncio.gather(self.act(log, tasks, outer), logged(log, outer), bystander)
        await returns(None, 20)  # all have ended by then

    async def group(self, library: Any, log: Log) -> None:
        tasks: list[Any] = []

        async def parent() -> None:
            async with library.TaskGroup() as group:
                group._tasks = Ordered()
                for number in range(len(self.children)):
                    task = group.create_task(self.child(log, number, tasks, group.create_task), name=f"child {number}")
                    tasks.append(task)
                    if number % 3 == 0:
                        task.add_done_callback(told(log, f"child {number}"))
                    if self.children[number][3] == 5:
                        await asyncio.sleep(0)

        outer = asyncio.ensure_future(parent())
        bystander = asyncio.ensure_future(ticks(log))
        await asyncio.gather(self.act(log, tasks, outer), logged(log, outer), bystander)
        await returns(None, 20)  # all have ended by then


@pytest.mark.parametrize("what", ["gather", "group"])
def test_whatever_happens_a_program_sees_the_same(what: str, record_property: Callable[[str, object], None]) -> None:
    first = random.randrange(10**9)
    for seed in [*range(60), *range(first, first + 20)]:
        print("seed", seed)  # shown when the test fails
        same(getattr(Plan(seed), what))


# Particular moments

def test_tasks_that_end_in_one_batch_wake_the_waiter_in_the_place_of_the_last_one() -> None:
    async def scenario(library: Any, log: Log) -> None:
        bystander = asyncio.ensure_future(ticks(log))
        await logged(log, library.gather(*(returns(value, 3) for value in range(4))))
        await bystander

    assert ("result", "[0, 1, 2, 3]") in same(scenario)


@pytest.mark.parametrize("return_exceptions", [False, True])
def test_gather_inside_gather_with_failures(return_exceptions: bool) -> None:
    async def scenario(library: Any, log: Log) -> None:
        bystander = asyncio.ensure_future(ticks(log))
        inner = library.gather(fails(2), returns(1, 4), fails(4))
        outer = library.gather(inner, returns(2), library.gather(returns(3, 5)), return_exceptions=return_exceptions)
        await logged(log, outer)
        await bystander

    same(scenario)


@pytest.mark.parametrize("kind", ["eager", "asyncio's", "subclass"])
def test_task_factories(kind: str) -> None:
    class Noting(compat.Task[Any]):
        noted: Log = []

        def add_done_callback(self, fn: Any, /, *, context: Any = None) -> None:
            self.noted.append("callback")
            super().add_done_callback(fn, context=context)

    async def scenario(library: Any, log: Log) -> None:
        loop = asyncio.get_running_loop()
        factories: dict[str, Any] = {
            "eager": getattr(asyncio, "eager_task_factory", None),
            "asyncio's": foreign_task,
            "subclass": lambda loop, code, **more: Noting(code, loop=loop, **more),
        }
        if factories[kind] is None:
            pytest.skip("this Python has no eager tasks")
        bystander = asyncio.ensure_future(ticks(log, 20))
        loop.set_task_factory(factories[kind])
        Noting.noted = log
        await logged(log, library.gather(returns(1, 0), returns(2, 3), returns(3, 3)))
        await logged(log, library.gather(fails(0), returns(2, 3), return_exceptions=True))

        async def grouped() -> None:
            async with library.TaskGroup() as group:
                group.create_task(returns(1, 2))
                log.append(len(group._tasks))
                group.create_task(fails(0))
                log.append("the block goes on")
                await asyncio.sleep(0)
                log.append("and on")

        await logged(log, grouped())
        await bystander

    same(scenario)


def test_a_factory_that_fails_in_the_middle_leaves_nothing_to_report() -> None:
    async def scenario(library: Any, log: Log) -> None:
        def factory(loop: Any, code: Any, **more: Any) -> Any:
            if code is left_over:
                raise OSError("no more tasks")
            made.append(compat.Task(code, loop=loop, **more))
            return made[-1]

        made: Log = []
        left_over = fails()
        asyncio.get_running_loop().set_task_factory(factory)
        with pytest.raises(OSError):
            library.gather(fails(), left_over)
        asyncio.get_running_loop().set_task_factory(None)
        await asyncio.sleep(0.1)
        left_over.close()
        log.append(made.pop().done())

    assert same(scenario) == [True]


def test_a_factory_need_not_know_what_it_was_not_given() -> None:
    async def scenario(library: Any, log: Log) -> None:
        asyncio.get_running_loop().set_task_factory(lambda loop, code: compat.Task(code, loop=loop))
        async with library.TaskGroup() as group:
            task = group.create_task(returns("well"))
        log.append(task.result())

    assert same(scenario) == ["well"]


def test_a_subclass_is_told_of_every_task() -> None:
    async def scenario(library: Any, log: Log) -> None:
        class Telling(library.TaskGroup):  # type: ignore[misc]
            _running = _kernel = "names of its own"

            def _on_task_done(self, task: Any) -> None:
                log.append(("done", repr(task.exception() or task.result())))
                super()._on_task_done(task)

        async with Telling() as group:
            for value in range(3):
                group.create_task(returns(value, value))

    assert len(same(scenario)) == 3


def test_debug_switched_on_and_off_in_the_middle() -> None:
    async def scenario(library: Any, log: Log) -> None:
        loop = asyncio.get_running_loop()
        bystander = asyncio.ensure_future(ticks(log, 20))

        async def grouped() -> None:
            async with library.TaskGroup() as group:
                for value in range(3):
                    group.create_task(returns(value, value + 1))
                    loop.set_debug(value == 1)

        for debug in True, False:
            loop.set_debug(not debug)
            outer = library.gather(returns(1, 1), returns(2, 3), fails(3), return_exceptions=True)
            await asyncio.sleep(0)
            loop.set_debug(debug)
            await logged(log, outer)
            await logged(log, grouped())
        loop.set_debug(False)
        await bystander

    same(scenario)


def test_what_the_callback_calls_has_the_context_of_the_task_that_failed() -> None:
    class Future(compat.Future[None]):
        def cancel(self, msg: Any = None) -> bool:
            self.heard = VARIABLE.get()
            return super().cancel(msg)

    async def scenario(library: Any, log: Log) -> None:
        future = Future(loop=asyncio.get_running_loop())

        async def waits() -> None:
            await future

        async def parent() -> None:
            async with library.TaskGroup() as group:
                VARIABLE.set("the first one")
                group.create_task(waits())
                VARIABLE.set("the second one")
                group.create_task(fails(2))

        await logged(log, parent())
        log.append(future.heard)

    assert same(scenario)[-1] == "the second one"


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_group_that_lives_long_keeps_nothing_of_what_has_ended(library: Any, uncollected: None) -> None:
    class Value:
        pass

    left: Log = []

    async def main() -> None:
        async with library.TaskGroup() as group:
            group.create_task(returns(None, 300))
            values: Log = []
            for _ in range(20):
                value = Value()
                values.append(weakref.ref(value))
                VARIABLE.set(value)  # type: ignore[arg-type]
                task = group.create_task(returns(value, 2))
                values.append(weakref.ref(task))
                del value, task
                VARIABLE.set("nothing")
            await returns(None, 10)
            left.extend(value() for value in values if value() is not None)
            left.append(len(group._tasks))

    run(main())
    assert left == [1]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("fail", [False, True])
def test_nothing_is_left_to_the_garbage_collector(library: Any, fail: bool, uncollected: None) -> None:
    class Value:
        pass

    async def value(values: Log, steps: int) -> Value:
        made = Value()
        values.append(weakref.ref(made))
        return await returns(made, steps)  # type: ignore[no-any-return]

    async def main() -> None:
        values: Log = []
        failing = [fails(2)] if fail else []
        outer = library.gather(value(values, 1), value(values, 3), *failing, return_exceptions=True)
        values.append(weakref.ref(outer))
        await outer
        del outer
        try:
            async with library.TaskGroup() as group:
                group.create_task(value(values, 1))
                group.create_task(value(values, 2))
                if fail:
                    group.create_task(fails(3))
        except BaseExceptionGroup:
            pass
        if not fail:  # before Python 3.14 an exception of the group keeps the group
            values.append(weakref.ref(group))
        del group
        await returns(None, 3)
        assert len(values) == 5 + (not fail)
        assert not [value for value in values if value() is not None]

    run(main())


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("what", ["gather", "group"])
def test_a_child_that_ends_the_run(library: Any, error: type[BaseException], what: str) -> None:
    log: Log = []

    async def main() -> None:
        bystander = asyncio.ensure_future(ticks(log))
        if what == "gather":
            await logged(log, library.gather(returns(1, 2), fails(2, error), returns(2, 2), returns(3, 4)))
        else:
            async with library.TaskGroup() as group:
                for child in returns(1, 2), fails(2, error), returns(2, 2), returns(3, 4):
                    group.create_task(child)
        await bystander

    with pytest.raises(error), asyncio.Runner(loop_factory=compat.EventLoop) as runner:
        runner.run(main())
    assert log[:3] == [0, 1, 2]


def test_a_child_that_starts_tasks_in_its_group_while_the_group_ends() -> None:
    async def scenario(library: Any, log: Log) -> None:
        async def chain(group: Any, left: int) -> None:
            log.append(left)
            if left:
                group.create_task(chain(group, left - 1))

        bystander = asyncio.ensure_future(ticks(log))
        async with library.TaskGroup() as group:
            group.create_task(chain(group, 4))
            task = group.create_task(returns(None, 0))
            task.add_done_callback(lambda task: group.create_task(chain(group, 2)))
        log.append("all have ended")
        late = returns(None)
        with pytest.raises(RuntimeError, match="is finished"):
            group.create_task(late)
        late.close()
        await bystander

    same(scenario)


def test_misuse() -> None:
    async def scenario(library: Any, log: Log) -> None:
        group = library.TaskGroup()
        calls: Log = [(group.create_task, {}), (library.gather, {"bad": 1})]
        for call, arguments in calls:
            unused: Any = returns(1)
            try:
                call(unused, **arguments)
            except Exception as error:
                log.append(repr(error))
            unused.close()
        async with group:
            for wrong in {"bad": 1}, {"name": 3}, {}:
                unused = returns(1)
                try:
                    log.append(group.create_task(unused if wrong else 3, **wrong).get_name())
                except Exception as error:
                    # asyncio's class, which is written in C, has no method to name.
                    log.append((type(error), str(error).replace("Task.__init__()", "Task()")))
                    unused.close()
            log.append(repr(group))
        log.append(repr(group))
        with pytest.raises(TypeError):
            library.gather(3)
        log.append(repr(await library.gather()))

    same(scenario)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_callback_that_was_told_to_go_is_not_called(library: Any) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(returns(1, 2))
        outer = library.gather(task, returns(2, 1))
        [(callback, _)] = task._callbacks
        assert task.remove_done_callback(callback) == 1
        await task
        await asyncio.sleep(0.1)
        assert not outer.done()

    run(main())


def test_reprs_name_the_callback() -> None:
    async def scenario(library: Any, log: Log) -> None:
        task = asyncio.ensure_future(returns(1))
        outer = library.gather(task)
        log.append(repr(outer).split()[0])
        log.append("cb=[gather.<locals>._done_callback()" in repr(task))
        await outer
        async with library.TaskGroup() as group:
            log.append("cb=[TaskGroup._on_task_done()]" in repr(group.create_task(returns(1))))
            log.append(repr(group))

    assert same(scenario) == ["<_GatheringFuture", True, True, "<TaskGroup tasks=1 entered>"]


def test_another_thread_and_another_loop() -> None:
    async def scenario(library: Any, log: Log) -> None:
        async def inner() -> None:
            await logged(log, library.gather(returns(1), returns(2, 2)))
            async with library.TaskGroup() as group:
                tasks = [group.create_task(returns(value)) for value in range(3)]
            log.append([task.result() for task in tasks])

        def thread() -> None:
            for factory in compat.EventLoop, asyncio.SelectorEventLoop:
                with asyncio.Runner(loop_factory=factory) as runner:
                    runner.run(inner())

        await asyncio.gather(asyncio.to_thread(thread), inner())

    for library in asyncio, compat:
        log: Log = []
        with asyncio.Runner(loop_factory=compat.EventLoop) as runner:
            runner.run(scenario(library, log))
        assert log.count(("result", "[1, 2]")) == log.count([0, 1, 2]) == 3


def test_gather_of_tasks_where_no_loop_runs(loop: compat.EventLoop) -> None:
    tasks = [loop.create_task(returns(value)) for value in range(2)]
    assert loop.run_until_complete(gather(*tasks)) == [0, 1]


def test_a_loop_that_stops_between_the_last_return_and_its_callback() -> None:
    def stopped(library: Any) -> Log:
        log: Log = []
        loop = compat.EventLoop()

        async def stops() -> None:
            loop.stop()

        async def main() -> None:
            await logged(log, library.gather(returns(1, 0), returns(2, 0), stops()))

        task = loop.create_task(main())
        for _ in range(4):
            loop.run_forever() if not task.done() else None
            log.append(repr(task.done()))
            loop.call_soon(loop.stop)
        loop.run_until_complete(task)
        loop.close()
        return log

    assert stopped(compat) == stopped(asyncio)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_loop_that_is_closed_with_a_callback_due(library: Any) -> None:
    loop = compat.EventLoop()

    async def main() -> None:
        library.gather(returns(1, 0), returns(2, 0))
        await asyncio.sleep(0)
        loop.stop()

    task = loop.create_task(main())
    loop.run_forever()
    loop.close()
    assert task.done()


@pytest.mark.skipif(sys.version_info < (3, 14), reason="Python has it since 3.14")
def test_the_call_graph_shows_who_waits() -> None:
    async def scenario(library: Any, log: Log) -> None:
        def waiters(task: Any) -> list[str]:
            graph: Any = vars(asyncio)["capture_call_graph"](task)  # older Pythons' types do not have it
            return [entry.future.get_name() for entry in graph.awaited_by]

        async def gathering() -> None:
            await logged(log, library.gather(fails(1), tasks[0]))

        async def grouping() -> None:
            async with library.TaskGroup() as group:
                tasks.append(group.create_task(returns(1, 4)))

        for foreign in False, True:
            tasks: Log = [asyncio.ensure_future(returns(1, 9))]
            if foreign:
                asyncio.get_running_loop().set_task_factory(foreign_task)
            parents = [asyncio.create_task(gathering(), name="gathering"),
                       asyncio.create_task(grouping(), name="grouping")]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            log.append([waiters(task) for task in tasks])
            await returns(None, 5)
            log.append([waiters(task) for task in tasks])  # its gather has failed
            await asyncio.wait(parents)

    same(scenario)


def test_after_uninstall_asyncio_has_its_own_again() -> None:
    assert outcome("""
    gather = asyncio.gather

    async def child(value):
        await asyncio.sleep(0)
        return value

    async def main():
        return await asyncio.gather(child(1), child(2)), await gather(child(3)), await ours(child(4))

    compat.install()
    ours = asyncio.gather
    print(ours is not gather, ours is asyncio.tasks.gather)
    print(asyncio.run(main()))
    compat.uninstall()
    print(asyncio.gather is gather is asyncio.tasks.gather)
    print(asyncio.run(main()))
    """).splitlines() == ["True True", "([1, 2], [3], [4])", "True", "([1, 2], [3], [4])"]
