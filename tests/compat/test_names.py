"""`import compat as asyncio`: which names are there, and whose they are."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

import pytest

import compat

# What asyncio calls so too, and this project has its own of: the loop, the future, the task, and what makes them.
OURS = {"EventLoop", "Future", "Runner", "SelectorEventLoop", "Task", "eager_task_factory", "get_event_loop",
        "new_event_loop", "run"}
# Where the legacy ways are let in; else as asyncio has them.
LEGACY = {"BoundedSemaphore", "Condition", "Event", "LifoQueue", "Lock", "PriorityQueue", "Queue", "Semaphore",
          "as_completed", "create_subprocess_exec", "create_subprocess_shell", "create_task", "ensure_future", "gather",
          "iscoroutine", "open_connection", "open_unix_connection", "run_coroutine_threadsafe", "shield", "sleep",
          "start_server", "start_unix_server", "wait", "wait_for"}
NAMES = sorted(asyncio.__all__)


def test_every_name_of_asyncio_is_there() -> None:
    assert len(NAMES) > 80
    assert [name for name in NAMES if not hasattr(compat, name)] == []
    assert set(NAMES) <= set(compat.__all__)


def test_the_task_group_is_there() -> None:
    assert compat.TaskGroup is asyncio.TaskGroup


@pytest.mark.parametrize("name", ["EventLoop", "JoinableQueue", "async_", "coroutine", "get_event_loop", "install",
                                  "new_event_loop", "uninstall"])
def test_and_these(name: str) -> None:
    assert callable(getattr(compat, name))
    assert name in compat.__all__


def test_all_names_exist_once() -> None:
    assert len(set(compat.__all__)) == len(compat.__all__)
    assert [name for name in compat.__all__ if not hasattr(compat, name)] == []


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OURS | LEGACY])
def test_the_rest_is_the_standard_library_s(name: str) -> None:
    assert getattr(compat, name) is getattr(asyncio, name)


@pytest.mark.parametrize("name", sorted(OURS | LEGACY))
def test_ours_take_the_place_of_asyncio_s(name: str) -> None:
    assert hasattr(compat, name) == (hasattr(asyncio, name) or name == "EventLoop")
    if hasattr(asyncio, name):
        assert getattr(compat, name) is not getattr(asyncio, name)


@pytest.mark.parametrize("name", sorted(LEGACY))
def test_what_lets_in_the_legacy_ways_is_otherwise_asyncio_s(name: str) -> None:
    """A subclass of the class, or a function that has the name and the docstring."""
    ours, theirs = getattr(compat, name), getattr(asyncio, name)
    assert ours.__name__ == theirs.__name__
    if isinstance(theirs, type):
        assert issubclass(ours, theirs)
    assert ours.__doc__ == theirs.__doc__ or name == "iscoroutine"


def test_both_loops_are_one_class() -> None:
    assert compat.SelectorEventLoop is compat.EventLoop
    assert issubclass(compat.EventLoop, asyncio.AbstractEventLoop)
    loop = compat.new_event_loop()
    loop.close()
    assert type(loop) is compat.EventLoop


def test_run_and_runner_make_our_loop() -> None:
    async def main() -> tuple[type[object], type[object], type[object]]:
        loop = compat.get_running_loop()
        return type(loop), type(compat.current_task()), type(loop.create_future())

    expected = compat.EventLoop, compat.Task, compat.Future
    assert compat.run(main()) == expected
    with compat.Runner() as runner:
        assert runner.run(main()) == expected
        assert type(runner.get_loop()) is compat.EventLoop


def test_run_makes_another_loop_when_told_to() -> None:
    async def main() -> type[object]:
        return type(asyncio.get_running_loop())

    theirs = asyncio.SelectorEventLoop
    run: Any = compat.run  # asyncio's own had no such argument in Python 3.11
    assert run(main(), loop_factory=theirs) is theirs
    with compat.Runner(loop_factory=theirs) as runner:
        assert runner.run(main()) is theirs


def test_asyncio_s_runner_takes_our_factory() -> None:
    async def main() -> type[object]:
        return type(asyncio.get_running_loop())

    with asyncio.Runner(loop_factory=compat.new_event_loop) as runner:
        assert runner.run(main()) is compat.EventLoop


@pytest.mark.parametrize("name", ["subprocess", "exceptions", "streams", "queues", "locks", "tasks", "futures",
                                  "coroutines", "protocols", "transports", "base_events", "events", "log"])
def test_the_modules_of_asyncio_are_there(name: str) -> None:
    theirs = importlib.import_module(f"asyncio.{name}")
    ours = getattr(compat, name)
    missing = [public for public in getattr(theirs, "__all__", ()) if not hasattr(ours, public)]
    assert missing == []
    if name == "subprocess":
        assert (ours.PIPE, ours.DEVNULL, ours.STDOUT) == (-1, -3, -2)
