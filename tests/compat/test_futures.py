"""Futures of the facade where they differ from asyncio's by nature, and must not by behaviour."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

import compat


def test_a_task_is_a_future_by_whichever_module_it_is_asked(loop: compat.EventLoop) -> None:
    async def main() -> Any:
        return asyncio.current_task()

    task = loop.create_task(main())
    assert issubclass(compat.Task, compat.Future)
    for module in asyncio, compat:
        assert isinstance(task, module.Future)
        assert isinstance(task, module.Task)
        assert isinstance(loop.create_future(), module.Future)
        assert not isinstance(loop.create_future(), module.Task)
    assert isinstance(asyncio.Future(loop=loop), compat.Future)
    assert loop.run_until_complete(task) is task


@pytest.mark.parametrize("overridden", ["add_done_callback", "result"])
def test_a_future_is_waited_for_by_the_methods_its_class_overrides(loop: compat.EventLoop, overridden: str) -> None:
    calls = []

    def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(overridden)
        return getattr(compat.Future, overridden)(self, *args, **kwargs)

    future: Any = type("Noting", (compat.Future,), {overridden: noting})(loop=loop)

    async def waiting() -> Any:
        return await future

    task = loop.create_task(waiting())
    loop.call_soon(future.set_result, "mail")
    assert loop.run_until_complete(task) == "mail"
    assert calls


def test_repr_names_the_subclass_and_who_waits_as_asyncio_does(loop: compat.EventLoop) -> None:
    class Parcel(compat.Future[int]):
        pass

    parcel = Parcel(loop=loop)

    async def waiting() -> int:
        return await parcel

    task = loop.create_task(waiting(), name="waiting")
    loop.run_until_complete(asyncio.sleep(0))
    assert repr(parcel) == "<Parcel pending cb=[Task.task_wakeup()]>"
    assert f"wait_for={parcel!r}" in repr(task)
    parcel.set_result(1)
    assert repr(parcel) == "<Parcel finished result=1>"
    loop.run_until_complete(task)


def test_repr_of_a_future_that_contains_itself_ends(loop: compat.EventLoop) -> None:
    future = loop.create_future()
    future.set_result([future])
    assert "..." in repr(future)


def test_a_callback_may_complete_the_future_while_another_is_being_removed(loop: compat.EventLoop) -> None:
    future = loop.create_future()

    class Sly:
        def __eq__(self, other: object) -> bool:
            if not future.done():
                future.set_result(None)
            return other is remove_me

        __hash__ = object.__hash__

    def remove_me(done: object) -> None:
        """Too late to be removed when the removal has completed the future."""

    called: list[Any] = []
    future.add_done_callback(called.append)
    future.add_done_callback(remove_me)
    future.remove_done_callback(Sly())  # type: ignore[arg-type]
    assert repr(future) == "<Future finished result=None>"
    loop.run_until_complete(asyncio.sleep(0))
    assert called == [future]


def test_a_future_without_init_is_pending_and_of_no_loop() -> None:
    class Bare(compat.Future[int]):
        def __init__(self) -> None:
            """Forgets to call the base class."""

    bare = Bare()
    assert not bare.done() and not bare.cancelled()
    ask: Callable[[], object]
    for ask in bare.result, bare.exception:
        with pytest.raises(asyncio.InvalidStateError):
            ask()
    with pytest.raises(RuntimeError, match="Future object is not initialized"):
        bare.get_loop()


def test_stop_iteration_is_refused_as_this_python_refuses_it(loop: compat.EventLoop) -> None:
    def attempt(future: Any) -> str:
        try:
            future.set_exception(StopIteration(1))
        except TypeError as error:
            return repr(error)
        return repr(future.exception())

    assert attempt(loop.create_future()) == attempt(asyncio.Future(loop=loop))


@pytest.mark.skipif(sys.version_info < (3, 14), reason="call graphs are new in Python 3.14")
def test_call_graph_shows_who_waits_for_whom() -> None:
    graphs: dict[str, Any] = {}

    async def leaf(name: str) -> None:
        graphs[name] = getattr(asyncio, "capture_call_graph")()  # not known to mypy under an older Python

    async def awaiting() -> None:
        await asyncio.create_task(leaf("awaited"))

    async def main() -> None:
        await asyncio.create_task(awaiting(), name="awaiting")
        await asyncio.gather(leaf("gathered"))
        async with asyncio.TaskGroup() as group:
            group.create_task(leaf("grouped"))

    async def named() -> None:
        await asyncio.create_task(main(), name="main")

    compat.run(named())
    waiters = {name: [entry.future.get_name() for entry in graph.awaited_by] for name, graph in graphs.items()}
    assert waiters == {"awaited": ["awaiting"], "gathered": ["main"], "grouped": ["main"]}
    assert [entry.frame.f_code.co_name for entry in graphs["awaited"].call_stack] == ["leaf"]


@pytest.mark.parametrize("make", [asyncio.SelectorEventLoop, compat.new_event_loop])
def test_a_future_that_is_waited_for_cannot_be_completed_once_the_loop_is_closed(
        make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    loop = make()
    future = loop.create_future()

    async def wait() -> None:
        await future

    task = loop.create_task(wait())
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        future.set_result(None)
    task._log_destroy_pending = False  # type: ignore[attr-defined]
