"""A kernel that is given nonsense, or closed or run while it runs already: refused at the call, and the run goes on."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from kernel import Kernel, checkpoint, run, sleep, spawn


async def count() -> int:
    await sleep(0.001)
    return 1


@pytest.mark.parametrize("grace, error", [("1", TypeError), (None, TypeError), (math.nan, ValueError)])
def test_a_grace_that_is_no_time(grace: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"Kernel\(\) takes a number of seconds"):
        Kernel(grace=grace)


def in_a_thread(function: Callable[[], object]) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


@pytest.mark.parametrize("call", [lambda function: function(), in_a_thread], ids=["inside", "in another thread"])
def test_a_running_kernel_is_neither_closed_nor_run(call: Callable[[Callable[[], object]], None]) -> None:
    def misuse() -> None:
        for wrong in kernel.close, lambda: kernel.run(count()):
            try:
                wrong()
            except RuntimeError as error:
                refusals.append(str(error))

    async def main() -> int:
        call(misuse)
        return await (await spawn(count()))

    refusals: list[str] = []
    with Kernel() as kernel:
        assert kernel.run(main()) == 1
        assert kernel.run(count()) == 1
    closing, running = refusals
    assert "while the kernel runs" in closing and "running" in running


def test_a_run_while_another_thread_imports_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncio.events", ModuleType("asyncio.events"))  # of which nothing is there yet
    assert run(count()) == 1


def test_nor_is_it_closed_by_a_task_that_ends_after_main() -> None:
    refusals: list[str] = []

    async def late(kernel: Kernel) -> None:
        try:
            await sleep(1000)
        finally:
            try:
                kernel.close()
            except RuntimeError as error:
                refusals.append(str(error))
            await checkpoint()
            refusals.append("ended")

    with Kernel() as kernel:
        async def main() -> None:
            await spawn(late(kernel))
            await checkpoint()

        kernel.run(main())
    assert len(refusals) == 2 and refusals[-1] == "ended"
