"""Snapshots of native programs: what they say of each task, in whichever state, and of the kernel."""

from __future__ import annotations

import gc
import json
import math
import os
import socket
import weakref
from collections.abc import AsyncIterator, Generator
from typing import Any

import pytest

from kernel import (Kernel, Lock, Queue, Syscall, Task, TaskGroup, VirtualClock, Waitable, call, checkpoint, open_connection, run,
                    serve, sleep, spawn, wait_readable)
from kernel.insight import snapshot, tasks
from kernel.snapshots import listing
from kernel.snapshots.copying import copy_kernel
from tests.support.collector import collector_off
from tests.support.paths import ROOT

Data = dict[str, Any]


async def asleep(seconds: float = 60) -> None:
    await sleep(seconds)


def by_name(taken: Data) -> dict[str, Data]:
    return {task["name"].rpartition(".")[2]: task for kernel in taken["kernels"] for task in kernel["tasks"]}


def test_where_no_kernel_runs() -> None:
    taken = snapshot()
    assert taken["kernels"] == [] and tasks() == []
    for text in listing.ps(taken), listing.tree(taken), listing.stack(taken), listing.locks(taken):
        assert text == "No kernel runs in this process.\n"
    assert "No kernel runs" in listing.everything(taken)


def test_the_process() -> None:
    taken = snapshot()
    assert taken["schema"] == 1 and taken["pid"] == os.getpid() and taken["directory"] == os.getcwd()
    assert json.loads(json.dumps(taken)) == taken


def test_every_key_is_in_the_documentation() -> None:
    keys: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            keys.update(value)
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            collect(inner)

    async def hold(first: Lock, second: Lock) -> None:
        async with first:
            await sleep(1)
            async with second:
                pass

    async def main() -> None:
        one, two = Lock(), Lock()
        async with TaskGroup() as group:
            await group.spawn(hold(one, two))
            await group.spawn(hold(two, one))
            await sleep(2)
            collect(snapshot())
            group.cancel()

    run(main(), clock=VirtualClock())
    text = (ROOT / "docs" / "dump.md").read_text()
    assert {"circles", "holders", "call"} <= keys
    assert {key for key in keys if f"| `{key}` |" not in text} == set()


def test_the_states_of_tasks() -> None:
    async def main() -> Data:
        await spawn(asleep(), name="blocked", daemon=True)
        await checkpoint()
        await spawn(asleep(), name="ready")
        return snapshot()

    taken = run(main(), clock=VirtualClock())
    (kernel,) = taken["kernels"]
    assert (kernel["kind"], kernel["state"], kernel["answered"], kernel["ready"], kernel["timers"]) == (
        "native", "running", True, 1, 1)
    main_task, blocked, ready = kernel["tasks"]
    assert [task["state"] for task in kernel["tasks"]] == ["running", "blocked", "ready"]
    assert [task["daemon"] for task in kernel["tasks"]] == [False, True, False]
    assert (blocked["kind"], blocked["waits_for"]) == ("time", "sleep(60)")
    assert ready["waits_for"] is None and ready["where"]["line"] == asleep.__code__.co_firstlineno
    assert main_task["where"]["line"] == main.__code__.co_firstlineno + 4 and main_task["where"]["file"] == __file__
    assert [task["id"] for task in kernel["tasks"]] == [1, 2, 3]


def test_tasks_are_those_of_this_kernel() -> None:
    async def main() -> list[Task[Any]]:
        other = await spawn(asleep(), name="other")
        found = tasks()
        assert found[1] is other
        return found

    assert [str(task) for task in run(main(), clock=VirtualClock())][1:] == ["task 2 'other'"]


def test_how_long_a_task_still_sleeps() -> None:
    async def main() -> Data:
        await spawn(asleep(10), name="ten")
        await spawn(asleep(math.inf), name="for ever")
        await sleep(4)
        return snapshot()

    found = by_name(run(main(), clock=VirtualClock()))
    assert found["ten"]["deadline"] == 6 and found["for ever"]["deadline"] is None


def test_the_descriptors_that_tasks_wait_for() -> None:
    async def readable(sock: socket.socket) -> None:
        await wait_readable(sock)

    async def client(port: int, streams: list[Any]) -> None:
        async with await open_connection("127.0.0.1", port) as stream:
            streams.append(stream)
            await stream.read_line()

    async def handle(stream: Any) -> None:
        await stream.read_all()

    async def main() -> Data:
        ours, theirs = socket.socketpair()
        streams: list[Any] = []
        with ours, theirs:
            async with await serve(handle, "127.0.0.1", 0) as server:
                one = await spawn(readable(ours), name="bare")
                two = await spawn(client(server.port, streams), name="stream")
                while not streams:
                    await sleep(0.001)
                await checkpoint()
                taken = snapshot()
                found = by_name(taken)
                assert found["bare"]["descriptor"] == ours.fileno() and found["bare"]["kind"] == "network"
                assert found["stream"]["descriptor"] == streams[0].fileno()
                assert taken["kernels"][0]["descriptors"] >= 3  # with the one that listens
                one.cancel()
                two.cancel()
                return taken

    run(main())


def test_whose_child_a_task_is_and_who_awaits_it() -> None:
    async def wait_for(task: Task[None]) -> None:
        await task

    async def main() -> Data:
        alone = await spawn(asleep(), name="alone")
        async with TaskGroup() as outer:
            await outer.spawn(wait_for(alone), name="first")
            await outer.spawn(wait_for(alone), name="second")
            await outer.spawn(asleep(), name="daemon", daemon=True)
            await sleep(1)
            taken = snapshot()
            outer.cancel()
        return taken

    found = by_name(run(main(), clock=VirtualClock()))
    number = {name: task["id"] for name, task in found.items()}
    assert [found[name]["parent"] for name in ("first", "second", "daemon", "alone", "main")] == [1, 1, 1, None, None]
    assert found["first"]["awaits"] == [number["alone"]]
    assert found["alone"]["awaited_by"] == [number["first"], number["second"]]


def test_the_end_of_a_group_awaits_its_children() -> None:
    async def observe() -> Data:
        await sleep(1)
        return snapshot()

    async def main() -> Data:
        async with TaskGroup() as group:
            await group.spawn(asleep(2), name="child")
            observer = await group.spawn(observe(), name="observer")
        return observer.result()

    found = by_name(run(main(), clock=VirtualClock()))
    assert found["main"]["awaits"] == [2, 3] and found["child"]["awaited_by"] == [1]


def test_the_whole_chain_of_awaits() -> None:
    async def items() -> AsyncIterator[int]:
        await asleep()
        yield 1

    async def innermost() -> None:
        async for _ in items():
            pass

    def generator() -> Generator[Any, Any, None]:
        yield innermost()

    async def outermost() -> None:
        await call(generator())

    async def main() -> Data:
        task = await spawn(outermost(), name="deep")
        await sleep(1)
        taken = snapshot()
        task.cancel()
        return taken

    found = by_name(run(main(), clock=VirtualClock()))["deep"]
    functions = [place["function"].rpartition(".")[2] for place in found["stack"] if not place["library"]]
    assert functions == ["outermost", "generator", "innermost", "items", "asleep"]
    assert found["where"] == {key: found["stack"][-1][key] for key in ("file", "line", "function")}


def test_without_data() -> None:
    async def put(queue: Queue[str]) -> None:
        await queue.put("secret")

    async def main() -> Data:
        queue: Queue[str] = Queue(1)
        await queue.put("secret")
        await spawn(put(queue), name="putter")
        await spawn(asleep(1234), name="sleeper")
        await sleep(1)
        return snapshot(data=False)

    taken = run(main(), clock=VirtualClock())
    found = by_name(taken)
    assert found["putter"]["waits_for"] == "Queue.put(...)" and found["sleeper"]["waits_for"] == "sleep(...)"
    assert "secret" not in json.dumps(taken) and "1234" not in json.dumps(taken) and len(taken["argv"]) == 1


class Mute(Syscall[None]):
    """A request of a program, with a defect."""

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        pass

    def __repr__(self) -> str:
        raise ZeroDivisionError


class Loud(Mute):
    def __repr__(self) -> str:
        return "\x1b[2J" + "x" * 100_000


class Cheat(Mute):
    """One that is not what it seems."""

    waiters = property(lambda self: 1 // 0)


def test_defects_of_the_program_are_not_those_of_the_snapshot() -> None:
    async def make(request: Any) -> None:
        await request

    async def main() -> Data:
        requests: list[Any] = [Mute(), Loud(), Cheat(), Waitable()]
        for request in requests:
            await spawn(make(request), name=type(request).__name__)
        await spawn(asleep(), name="\x1b]0;title\x07\n" + "n" * 100_000)
        await spawn(asleep(), name=7)  # type: ignore[arg-type]
        await checkpoint()
        return snapshot()

    taken = run(main(), clock=VirtualClock())
    found = by_name(taken)
    assert found["Mute"]["waits_for"] == "<Mute, whose repr() fails>"
    assert found["Cheat"]["waits_for"] == "<cannot be read: ZeroDivisionError>"
    assert len(found["Loud"]["waits_for"]) < 1000 and found["7"]["state"] == "blocked"
    assert all(len(name) < 1000 for name in found)
    for text in listing.ps(taken), listing.tree(taken), listing.stack(taken), listing.everything(taken):
        assert text.replace("\n", "").isprintable() and len(text) < 20_000


def test_a_copy_keeps_no_task_alive() -> None:
    async def main() -> None:
        task = await spawn(asleep(), name="short")
        await checkpoint()
        copy = copy_kernel(task.kernel)
        task.cancel()
        alive = weakref.ref(task)
        del task
        await checkpoint()
        assert alive() is None and copy.tasks[1][1] == "short"

    with collector_off():
        run(main(), clock=VirtualClock())


def test_the_collector_is_on_afterwards_if_it_was_before() -> None:
    async def main() -> None:
        assert gc.isenabled()
        snapshot()
        assert gc.isenabled()
        gc.disable()
        try:
            snapshot()
            assert not gc.isenabled()
        finally:
            gc.enable()

    run(main())


def test_a_shutdown() -> None:
    seen: list[Data] = []

    async def stubborn() -> None:
        try:
            await sleep(60)
        finally:
            seen.append(snapshot())

    async def main() -> None:
        await spawn(stubborn())
        await checkpoint()

    run(main())
    assert seen[0]["kernels"][0]["state"] == "shutting down"
