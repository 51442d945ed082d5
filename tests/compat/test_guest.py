"""This project's tasks on event loops of another make: asyncio's own, and uvloop's where it is installed."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import threading
from collections.abc import Callable, Coroutine, Generator, Iterator
from typing import Any

import pytest

import compat
import kernel
from compat import Task
from tests.compat.cancelling import cancel_answered
from tests.support.sockets import Pair

Gen = Generator[Any, Any, Any]
Run = Callable[[Coroutine[Any, Any, Any]], Any]

LOOPS = ["asyncio", pytest.param("uvloop", marks=pytest.mark.skipif(
    importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed"))]


def ours(code: Any, loop: asyncio.AbstractEventLoop | None = None) -> Any:
    """A task of this project's on the running loop, or on another."""
    return Task(code, loop=asyncio.get_running_loop() if loop is None else loop)


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Runs a coroutine in a task of ours on a fresh loop, and fails if the loop had something to complain of."""
    loop: asyncio.AbstractEventLoop
    if request.param == "uvloop":
        loop = importlib.import_module("uvloop").new_event_loop()
    else:
        loop = asyncio.SelectorEventLoop()
    complaints: list[object] = []
    loop.set_exception_handler(lambda loop, context: complaints.append(context))
    yield lambda code: loop.run_until_complete(asyncio.wait_for(ours(code, loop), 20))
    loop.close()
    assert complaints == []


def test_it_is_the_current_task_and_known(run: Run) -> None:
    async def main() -> tuple[bool, bool, bool]:
        task = asyncio.current_task()
        mine: object = await kernel.current_task()
        before = asyncio.current_task() is mine
        await asyncio.sleep(0)
        return before, asyncio.current_task() is task, task in asyncio.all_tasks()

    assert run(main()) == (True, True, True)


def test_it_waits_for_what_the_loop_makes(run: Run) -> None:
    async def main() -> list[Any]:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_later(0.001, future.set_result, 1)
        stock = loop.create_task(asyncio.sleep(0.001, 2))
        mine: asyncio.Future[int] = compat.Future(loop=loop)
        loop.call_soon(mine.set_result, 3)
        return [await future, await stock, await mine, await asyncio.to_thread(lambda: 4),
                *await asyncio.gather(asyncio.sleep(0, 5), ours(asyncio.sleep(0, 6)))]

    assert run(main()) == [1, 2, 3, 4, 5, 6]


def test_a_task_of_the_loop_s_waits_for_ours(run: Run) -> None:
    async def child() -> int:
        await kernel.sleep(0.001)
        return 1

    async def failing() -> None:
        await kernel.checkpoint()
        raise LookupError

    async def stock() -> int:
        assert type(asyncio.current_task()) is not Task
        with pytest.raises(LookupError):
            await ours(failing())
        return await ours(child())  # type: ignore[no-any-return]

    async def main() -> Any:
        return await asyncio.get_running_loop().create_task(stock())

    assert run(main()) == 1


def test_steps_alternate_with_those_of_the_loop_s_tasks(run: Run) -> None:
    order: list[str] = []

    async def steps(name: str) -> None:
        for i in range(3):
            order.append(f"{name}{i}")
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.wait([ours(steps("a")), asyncio.get_running_loop().create_task(steps("b")), ours(steps("c"))])

    run(main())
    assert order == ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]


def test_native_sleeps(run: Run) -> None:
    order: list[float] = []

    async def sleeper(seconds: float) -> None:
        await kernel.sleep(seconds)
        order.append(seconds)

    async def main() -> bool:
        loop = asyncio.get_running_loop()
        before = loop.time()
        await asyncio.gather(*[ours(sleeper(seconds)) for seconds in (0.05, 0.01, 0.03)])
        await kernel.sleep_until(before + 0.06)
        await kernel.sleep(-1)
        # A loop may round to its clock's milliseconds.
        return loop.time() - before > 0.05 and abs(await kernel.now() - loop.time()) < 1

    assert run(main())
    assert order == [0.01, 0.03, 0.05]


def test_native_waits_for_descriptors(run: Run, pair: Pair) -> None:
    left, right = pair

    async def reader() -> bytes:
        await kernel.wait_readable(left)
        return left.recv(1)

    async def main() -> list[bytes]:
        got = []
        for byte in b"a", b"b":
            task = ours(reader())
            await asyncio.sleep(0.005)
            assert not task.done()
            await kernel.wait_writable(right)
            right.send(byte)
            got.append(await task)
        return got

    assert run(main()) == [b"a", b"b"]


def test_reading_and_writing_one_descriptor(run: Run, pair: Pair) -> None:
    left, right = pair

    async def reader() -> bytes:
        await kernel.wait_readable(left)
        return left.recv(1)

    async def main() -> bytes:
        task = ours(reader())
        await asyncio.sleep(0)
        await kernel.wait_writable(left)
        left.send(b"y")
        right.send(b"x")
        return await task  # type: ignore[no-any-return]

    assert run(main()) == b"x"


def test_a_second_reader_of_a_descriptor_is_refused(run: Run, pair: Pair) -> None:
    left, right = pair

    async def reader() -> None:
        await kernel.wait_readable(left)

    async def main() -> None:
        first, second = ours(reader()), ours(reader())
        await asyncio.sleep(0.001)
        right.send(b"x")
        _, pending = await asyncio.wait([first, second], timeout=0.2)
        for task in pending:
            task.cancel()
        assert not pending
        assert isinstance(second.exception(), RuntimeError)

    run(main())


def test_native_threads(run: Run) -> None:
    async def main() -> tuple[Any, ...]:
        with pytest.raises(ZeroDivisionError):
            await kernel.run_in_thread(lambda: 1 // 0)
        return tuple([await kernel.run_in_thread(pow, 2, 10),
                      await kernel.run_in_thread(threading.current_thread) is threading.main_thread()])

    assert run(main()) == (1024, False)


def test_native_tasks_and_calls(run: Run) -> None:
    async def child(n: int) -> int:
        await kernel.sleep(0.001)
        return n

    def generator() -> Gen:
        yield
        yield kernel.sleep(0.001)
        return (yield from kernel.call(child(3)))

    async def main() -> list[int]:
        first = await kernel.spawn(child(1))
        return [await first, await kernel.call(child(2)), await (await kernel.spawn(generator()))]

    assert run(main()) == [1, 2, 3]


def test_native_tasks_wait_for_what_the_loop_has(run: Run) -> None:
    async def child(future: asyncio.Future[int]) -> int:
        await asyncio.sleep(0.001)
        return await future

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        future: Any = compat.Future(loop=loop)
        loop.call_later(0.01, future.set_result, 1)
        return await (await kernel.spawn(child(future)))

    assert run(main()) == 1


@pytest.mark.parametrize("wait", ["kernel.sleep", "asyncio.sleep", "descriptor", "thread", "stock future", "future",
                                  "task"])
def test_cancellation(run: Run, pair: Pair, wait: str) -> None:
    release = threading.Event()

    async def child() -> None:
        loop = asyncio.get_running_loop()
        if wait == "kernel.sleep":
            await kernel.sleep(60)
        elif wait == "asyncio.sleep":
            await asyncio.sleep(60)
        elif wait == "descriptor":
            await kernel.wait_readable(pair[0])
        elif wait == "thread":
            await kernel.run_in_thread(release.wait, 20)
        elif wait == "stock future":
            await loop.create_future()
        elif wait == "future":
            await compat.Future(loop=loop)
        else:
            await ours(asyncio.sleep(60))

    async def main() -> Any:
        task = ours(child())
        await asyncio.sleep(0.001)
        assert task.cancel("why")
        assert task.cancelling() == 1
        with pytest.raises(asyncio.CancelledError):
            await task
        release.set()
        await asyncio.sleep(0.01)  # and nothing comes of what was given up
        return task.cancelled()

    assert run(main()) is True


def test_a_thread_may_outlive_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    """Its value is of no use to anybody, as it is where the loop stays."""
    release, ended = threading.Event(), threading.Event()

    def work() -> None:
        release.wait(20)
        threading.Timer(0.05, ended.set).start()

    async def main() -> None:
        task = ours(kernel_thread())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])

    async def kernel_thread() -> None:
        await kernel.run_in_thread(work)

    loop = asyncio.SelectorEventLoop()
    loop.run_until_complete(ours(main(), loop))
    loop.close()
    release.set()
    assert ended.wait(20)
    assert caplog.records == []


def test_a_native_wait_given_up_does_not_disturb_the_next(run: Run) -> None:
    async def main() -> list[str]:
        log = []
        task: Any = asyncio.current_task()
        loop = asyncio.get_running_loop()
        loop.call_later(0.001, task.cancel)
        try:
            await kernel.sleep(0.02)
        except asyncio.CancelledError:
            task.uncancel()
            log.append("cancelled")
        future = loop.create_future()
        loop.call_later(0.05, future.set_result, "answer")
        log.append(await future)  # while the deadline given up comes
        return log

    assert run(main()) == ["cancelled", "answer"]


def test_asyncio_s_timeouts_and_groups_end_native_waits(run: Run) -> None:
    async def sleeper() -> None:
        await kernel.sleep(60)

    async def failing() -> None:
        await kernel.sleep(0.001)
        raise LookupError

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await kernel.sleep(60)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ours(sleeper()), 0.01)
        asyncio.get_running_loop().set_task_factory(lambda loop, coro, **kwargs: Task(coro, loop=loop, **kwargs))
        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                sleeping = group.create_task(sleeper())
                group.create_task(failing())
        assert type(sleeping) is Task and sleeping.cancelled()

    run(main())


def test_an_answer_on_its_way_is_not_lost_to_a_cancellation(run: Run) -> None:
    async def spawn(code: Coroutine[Any, Any, Any]) -> Task[Any]:
        return Task(code, loop=asyncio.get_running_loop())

    assert run(cancel_answered(spawn)) == (["mail", "cancelled"], True)


def test_streams(run: Run) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    async def main() -> bytes:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(b"hello\n")
        line = await reader.readline()
        writer.close()
        await writer.wait_closed()
        server.close()
        return line

    assert run(main()) == b"hello\n"


def test_a_thousand_tasks(run: Run) -> None:
    async def child(n: int) -> int:
        await asyncio.sleep(0)
        await kernel.checkpoint()
        return n

    async def main() -> Any:
        return await asyncio.gather(*[ours(child(n)) for n in range(1000)])

    assert run(main()) == list(range(1000))
