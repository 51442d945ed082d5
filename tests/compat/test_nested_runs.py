"""A kernel inside of a running event loop, and an event loop inside of a running kernel: refused, with the way out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import compat
import kernel
from tests.support.interpreters import run_python

OF_ASYNCIO: Any = asyncio.new_event_loop  # as it is before `install`
both_loops = pytest.mark.parametrize("loop_factory", [compat.new_event_loop, OF_ASYNCIO], ids=["compat", "asyncio"])


async def program() -> str:
    await kernel.sleep(0)
    return "ran"


async def asyncio_program() -> str:
    await asyncio.sleep(0)
    return "ran"


@both_loops
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_kernel_inside_of_an_event_loop_is_refused(loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def main() -> str:
        code: Any = program()
        with pytest.raises(RuntimeError, match=r"run\(\) was called inside the running event loop <.*>, which it would "
                                               r"block; use 'await asyncio.to_thread\(kernel.run, ...\)'"):
            kernel.run(code)
        assert code.cr_frame is None, "it was closed, so that nothing warns of it"
        with kernel.Kernel() as nested, pytest.raises(RuntimeError, match="inside the running event loop"):
            nested.run(program())
        return await asyncio.to_thread(kernel.run, program())

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert runner.run(main()) == "ran"
    assert kernel.run(program()) == "ran", "the loop does not run any more"


def test_what_cannot_be_run_gets_its_own_error_there_as_well() -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match="call it: run"):
            kernel.run(program)  # type: ignore[arg-type]  # which is the mistake

    compat.run(main())


def test_on_our_loop_the_program_just_awaits() -> None:
    assert compat.run(program()) == "ran"


def enter_runner() -> object:
    with compat.Runner() as runner:
        return runner.run(asyncio_program())


LOOP_IN_KERNEL: dict[str, Callable[[], object]] = {
    "compat.run": lambda: compat.run(asyncio_program()), "a Runner": lambda: compat.Runner().run(asyncio_program()),
    "a Runner that is entered": enter_runner,
}


@pytest.mark.parametrize("nested", LOOP_IN_KERNEL.values(), ids=LOOP_IN_KERNEL)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_an_event_loop_inside_of_a_kernel_is_refused(nested: Callable[[], object]) -> None:
    async def main() -> str:
        with pytest.raises(RuntimeError, match=r"inside a running kernel, which it would block; use "
                                               r"'await kernel.run_in_thread\(compat.run, ...\)'"):
            nested()
        return await kernel.run_in_thread(compat.run, asyncio_program())

    assert kernel.run(main()) == "ran"
    assert compat.run(asyncio_program()) == "ran", "the kernel does not run any more"


def test_a_loop_s_own_methods_are_refused_as_well() -> None:
    async def main() -> None:
        loop = compat.new_event_loop()
        with pytest.raises(RuntimeError, match="the event loop was run inside a running kernel"):
            loop.run_forever()
        with pytest.raises(RuntimeError, match="the event loop was run inside a running kernel"):
            loop.run_until_complete(loop.create_future())
        loop.close()

    kernel.run(main())


def test_a_process_that_is_forked_inside_of_a_kernel_can_run_either() -> None:
    """The kernel does not run there."""
    script = (
        "import compat, kernel, multiprocessing, asyncio\n"
        "def child():\n"
        "    compat.run(asyncio.sleep(0))\n"
        "    kernel.run(kernel.call(nothing()).__await__())\n"
        "async def nothing():\n    pass\n"
        "async def main():\n"
        "    process = multiprocessing.get_context('fork').Process(target=child)\n"
        "    process.start()\n"
        "    await kernel.run_in_thread(process.join)\n"
        "    print(process.exitcode)\n"
        "kernel.run(main())\n")
    assert run_python("-c", script) == (0, "0\n", "")


def test_a_kernel_does_not_import_asyncio_to_find_out() -> None:
    script = ("import sys, kernel\nasync def main():\n    return 'asyncio' in sys.modules\n"
              "print(kernel.run(main()), 'asyncio' in sys.modules)\n")
    assert run_python("-c", script) == (0, "False False\n", "")
