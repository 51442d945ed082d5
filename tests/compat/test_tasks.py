"""Tasks of the facade: how long they live, what is told of them, and what they refuse."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import weakref
from typing import Any

import pytest

import compat
from tests.compat.loops import Reports, note_reports


def run(main: Any) -> Reports:
    """Run `main` on a loop of ours and return what its exception handler was told."""
    async def noted() -> Reports:
        reports = note_reports()
        await main
        return reports

    reports: Reports = compat.run(noted())
    return reports


async def fail() -> None:
    raise ValueError("nobody looks")


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_failure_that_nobody_retrieves_is_reported_at_once(uncollected: None) -> None:
    async def main() -> None:
        reports = note_reports()
        asyncio.create_task(fail())
        await turns()
        assert [report["message"] for report in reports] == ["Task exception was never retrieved"]

    compat.run(main())


@pytest.mark.parametrize("turns_before", [0, 3], ids=["awaited", "done before it is awaited"])
def test_a_failed_task_is_not_kept_alive_by_its_own_traceback(uncollected: None, turns_before: int) -> None:
    async def main() -> None:
        task = asyncio.create_task(fail())
        await turns(turns_before)
        try:
            await task
        except ValueError:
            pass
        gone = weakref.ref(task)
        del task
        await turns()  # the step that a future has woken keeps it
        assert gone() is None

    assert run(main()) == []


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.11 calls it in the context of whoever frees the task")
def test_the_handler_of_a_lost_failure_is_called_in_the_context_of_the_task() -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="the loop's")
    seen = []

    async def named() -> None:
        name.set("the task's")
        raise ValueError

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: seen.append(name.get()))
        asyncio.create_task(named())
        await turns()
        gc.collect()

    compat.run(main())
    assert seen == ["the task's"]


def test_a_pending_task_that_is_thrown_away_is_reported_and_forgotten() -> None:
    async def wait_for_ever() -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        asyncio.create_task(wait_for_ever(), name="lost")
        await turns()
        gc.collect()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    reports = run(main())
    assert [report["message"] for report in reports] == ["Task was destroyed but it is pending!"]
    assert reports[0]["task"].get_name() == "lost"


def test_a_task_whose_init_was_not_called_goes_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    compat.Task.__new__(compat.Task)
    gc.collect()
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks are new in Python 3.12")
def test_an_eager_task_that_ends_at_once_is_known_while_it_runs() -> None:
    async def work() -> tuple[Any, bool]:
        task = asyncio.current_task()
        return task, task in asyncio.all_tasks()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        me = asyncio.current_task()
        loop.set_task_factory(compat.eager_task_factory)
        task = loop.create_task(work())
        assert task.done()
        assert task.result() == (task, True)
        assert asyncio.current_task() is me
        assert asyncio.all_tasks() == {me}
        assert isinstance(task, compat.Task)

    assert run(main()) == []


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks are new in Python 3.12")
def test_an_eager_task_in_a_context_that_is_entered_already_is_refused_to_who_makes_it() -> None:
    async def never() -> None:
        raise AssertionError("it cannot run")

    async def main() -> None:
        context = contextvars.copy_context()
        task: Any = compat.Task

        def inside() -> None:
            code = never()
            with pytest.raises(RuntimeError, match="already entered"):
                task(code, loop=asyncio.get_running_loop(), context=context, eager_start=True)
            code.close()

        context.run(inside)
        await turns()

    assert run(main()) == []


def test_what_is_no_context_is_refused_at_once_or_fails_the_task() -> None:
    async def main() -> None:
        code = turns()
        with pytest.raises((TypeError, AttributeError)):  # since 3.15; before, where asyncio would lose the task
            await compat.Task(code, loop=asyncio.get_running_loop(), context="context")  # type: ignore[arg-type]
        code.close()

    assert run(main()) == []


@pytest.mark.parametrize("debug", [False, True])
def test_the_exception_of_a_task_does_not_keep_the_task(debug: bool) -> None:
    """By its traceback and the frame of what ran the task; found by the tests of anyio's task groups."""

    async def fail() -> None:
        raise ValueError

    async def main() -> list[type]:
        task = asyncio.ensure_future(fail())
        await asyncio.wait([task])
        error = task.exception()
        del task
        return [type(referrer) for referrer in gc.get_referrers(error)]

    assert compat.run(main(), debug=debug) == asyncio.run(main(), debug=debug)
