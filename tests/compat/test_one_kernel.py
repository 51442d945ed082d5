"""There is one kernel underneath: native syscalls in asyncio's tasks, asyncio's futures in native ones, one clock."""

from __future__ import annotations

import asyncio
import collections
import gc
import os
import random
import socket
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

import compat
import kernel
from compat.events import EventLoop

Gen = Generator[Any, Any, Any]
Pair = tuple[socket.socket, socket.socket]
variable: ContextVar[str] = ContextVar("variable", default="unset")


def run(main: Coroutine[Any, Any, Any], **devices: Any) -> Any:
    """Run a program on a loop of ours with these devices of the kernel's; virtual time by default."""
    if not devices:
        devices["clock"] = kernel.VirtualClock()
    with compat.Runner(loop_factory=lambda: EventLoop(**devices)) as runner:
        return runner.run(main)


@pytest.fixture
def pair() -> Iterator[Pair]:
    left, right = socket.socketpair()
    left.setblocking(False)
    right.setblocking(False)
    yield left, right
    left.close()
    right.close()


# Native syscalls in asyncio's tasks


def test_native_syscalls_in_an_asyncio_task(pair: Pair) -> None:
    left, right = pair

    async def sub() -> int:
        await kernel.checkpoint()
        return 7

    async def main() -> None:
        loop = asyncio.get_running_loop()
        me = asyncio.current_task()
        mine: object = await kernel.current_task()
        assert mine is me
        assert await kernel.now() == loop.time()
        before = loop.time()
        await kernel.sleep(5)
        await kernel.sleep_until(before + 8)
        assert loop.time() - before == 8
        assert await kernel.call(sub()) == 7
        task = await kernel.spawn(sub(), name="sub")
        assert isinstance(task, compat.Task) and isinstance(task, asyncio.Task)
        assert (task.get_name(), await kernel.wait(task), await task) == ("sub", 7, 7)
        await kernel.wait_writable(left)
        waiting = asyncio.ensure_future(reader())
        await asyncio.sleep(0)
        right.send(b"x")
        assert await waiting == b"x"
        assert asyncio.current_task() is me

    async def reader() -> bytes:
        await kernel.wait_readable(left)
        return left.recv(1)

    run(main())


def test_a_thread_at_work_for_an_asyncio_task() -> None:
    async def main() -> Any:
        variable.set("mine")
        return await kernel.run_in_thread(lambda: (threading.current_thread() is not threading.main_thread(),
                                                   variable.get()))

    assert run(main(), clock=kernel.MonotonicClock()) == (True, "mine")


def test_an_exception_of_a_thread_reaches_the_asyncio_task() -> None:
    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await kernel.run_in_thread(lambda: 1 // 0)

    run(main(), clock=kernel.MonotonicClock())


def test_native_and_asyncio_sleepers_share_the_timers() -> None:
    order: list[str] = []

    async def native(seconds: float) -> None:
        await kernel.sleep(seconds)
        order.append(f"native {seconds}")

    async def foreign(seconds: float) -> None:
        await asyncio.sleep(seconds)
        order.append(f"asyncio {seconds}")

    async def main() -> None:
        await asyncio.gather(foreign(3), native(2), native(1), foreign(1.5))

    run(main())
    assert order == ["native 1", "asyncio 1.5", "native 2", "asyncio 3"]


def test_what_is_no_syscall_is_refused_in_each_world_s_words() -> None:
    class Bad:
        def __await__(self) -> Gen:
            yield 42

    async def bad() -> None:
        await Bad()

    async def main() -> None:
        with pytest.raises(RuntimeError, match="Task got bad yield: 42"):
            await asyncio.create_task(bad())
        with pytest.raises(TypeError, match="yielded 42, which is neither a syscall nor code to call"):
            await (await kernel.spawn(bad()))

    run(main())


def test_a_bad_argument_is_an_error_in_the_asyncio_task_alone() -> None:
    async def main() -> None:
        read, write = os.pipe()
        os.close(write)
        os.close(read)
        with pytest.raises(OSError):
            await kernel.wait_readable(read)
        await asyncio.sleep(0)

    run(main())


# Native tasks under the facade


def test_a_native_coroutine_waits_for_what_asyncio_has() -> None:
    async def child(future: asyncio.Future[int]) -> list[Any]:
        async with asyncio.timeout(10), asyncio.Lock():
            results = [await future, await asyncio.sleep(1, 2), *await asyncio.gather(asyncio.sleep(0, 3), modern())]
            results.append(await asyncio.wait_for(modern(), 1))
        queue: asyncio.Queue[int] = asyncio.Queue()
        queue.put_nowait(5)
        mine: object = await kernel.current_task()
        return [*results, await queue.get(), asyncio.current_task() is mine]

    async def modern() -> int:
        await asyncio.sleep(0.5)
        return 4

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_later(1, future.set_result, 1)
        return await (await kernel.spawn(child(future)))

    assert run(main()) == [1, 2, 3, 4, 4, 5, True]


def test_a_native_generator_waits_for_what_asyncio_has() -> None:
    def child(future: asyncio.Future[int]) -> Gen:
        first = yield from future
        second = yield asyncio.sleep(1, 2)
        third = yield from asyncio.ensure_future(asyncio.sleep(1, 3))
        yield
        fourth = yield sub()
        yield kernel.sleep(1)
        return [first, second, third, fourth]

    def sub() -> Gen:
        yield from kernel.checkpoint()
        return 4

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_soon(future.set_result, 1)
        return await (await kernel.spawn(child(future)))

    assert run(main()) == [1, 2, 3, 4]


def answer(done: bool, settle: Callable[[asyncio.Future[int]], object]) -> Any:
    """What a native generator gets that yields a future, as it is; or the class of the exception it gets."""
    got: list[Any] = []

    def child(future: asyncio.Future[int]) -> Gen:
        try:
            got.append((yield future))
        except BaseException as error:
            got.append(type(error))

    async def main() -> None:
        future = asyncio.get_running_loop().create_future()
        if done:
            settle(future)
        task = await kernel.spawn(child(future))
        await asyncio.sleep(0)
        if not done:
            settle(future)
        await task

    loop = EventLoop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    return got


@pytest.mark.parametrize("done", [
    True, False])
def test_yielding_a_future_gives_its_result(done: bool) -> None:
    assert answer(done, lambda future: future.set_result(1)) == [1]


@pytest.mark.parametrize("done", [True, False])
def test_yielding_a_future_raises_its_exception(done: bool) -> None:
    assert answer(done, lambda future: future.set_exception(LookupError())) == [LookupError]


@pytest.mark.parametrize("done", [
    True, False])
@pytest.mark.filterwarnings("ignore")
def test_yielding_a_future_raises_its_cancellation(done: bool) -> None:
    assert answer(done, lambda future: future.cancel()) == [asyncio.CancelledError]


def test_a_native_task_waits_for_a_future_of_the_stock_class() -> None:
    async def child(future: asyncio.Future[int]) -> int:
        return await future

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = asyncio.Future(loop=loop)
        assert type(future) is not compat.Future
        loop.call_later(1, future.set_result, 1)
        return await (await kernel.spawn(child(future)))

    assert run(main()) == 1


def test_the_native_task_has_a_copy_of_the_context() -> None:
    async def child() -> str:
        seen = variable.get()
        variable.set("child")
        return seen

    async def main() -> Any:
        variable.set("main")
        return await (await kernel.spawn(child())), variable.get()

    assert run(main()) == ("main", "main")


def test_asyncio_knows_native_tasks() -> None:
    async def main() -> bool:
        task = await kernel.spawn(asyncio.sleep(1), name="sleeper")
        assert "sleeper" in repr(task)
        known: set[Any] = asyncio.all_tasks()
        return task in known

    assert run(main()) is True


def test_a_failure_of_a_native_task_that_nobody_waits_for_is_reported() -> None:
    told: list[dict[str, Any]] = []

    async def child() -> None:
        raise LookupError("unseen")

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
        await kernel.spawn(child())
        await kernel.checkpoint()
        await kernel.checkpoint()
        gc.collect()

    run(main())
    assert [str(context["exception"]) for context in told] == ["unseen"]


def test_a_failure_of_a_native_task_is_raised_in_who_waits() -> None:
    async def child() -> None:
        await kernel.sleep(1)
        raise LookupError("seen")

    async def main() -> None:
        results = await asyncio.gather(await kernel.spawn(child()), asyncio.sleep(2), return_exceptions=True)
        assert [type(result) for result in results] == [LookupError, type(None)]

    run(main())


def test_a_native_task_lives_without_a_reference_to_it() -> None:
    ended: list[str] = []
    told: list[object] = []

    async def child() -> None:
        try:
            await kernel.Waitable()
        finally:
            ended.append("child")

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context["message"]))
        await kernel.spawn(child())
        await asyncio.sleep(0)
        gc.collect()
        ended.append("main")

    run(main())
    assert (ended, told) == (["main", "child"], [])


def test_what_the_loop_leaves_behind_is_cancelled_at_its_end() -> None:
    ended: list[str] = []

    async def child() -> None:
        try:
            await kernel.sleep(3600)
        finally:
            ended.append("child")

    async def main() -> None:
        await kernel.spawn(child())
        await asyncio.sleep(0)

    run(main())
    assert ended == ["child"]


# Cancellation across the border


@pytest.mark.parametrize("make", [lambda: kernel.sleep(3600), lambda: asyncio.sleep(3600), lambda: kernel.Waitable(),
                                  lambda: asyncio.get_running_loop().create_future()],
                         ids=["kernel.sleep", "asyncio.sleep", "Waitable", "Future"])
@pytest.mark.parametrize("spawn", ["asyncio", "kernel"])
@pytest.mark.parametrize("by", ["asyncio", "kernel"])
def test_cancellation_is_asyncio_s_whoever_waits_for_what(make: Callable[[], Any], spawn: str, by: str) -> None:
    seen: list[object] = []

    async def child() -> None:
        try:
            await make()
        except asyncio.CancelledError as error:
            seen.append(error.args)
            raise

    async def main() -> Any:
        task: Any = asyncio.create_task(child()) if spawn == "asyncio" else await kernel.spawn(child())
        await asyncio.sleep(0)
        assert (await kernel.cancel(task, "why") if by == "kernel" else task.cancel("why")) is True
        assert task.cancelling() == 1
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancel() is False
        return task.cancelled()

    assert run(main()) is True
    assert seen == [("why",)]


@pytest.mark.parametrize("spawn", ["asyncio", "kernel"])
def test_waiting_for_a_descriptor_is_given_up(pair: Pair, spawn: str) -> None:
    left, right = pair

    async def child() -> None:
        await kernel.wait_readable(left)

    async def main() -> None:
        task: Any = asyncio.create_task(child()) if spawn == "asyncio" else await kernel.spawn(child())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        right.send(b"x")
        await kernel.wait_readable(left)  # and another may wait for it
        assert await asyncio.get_running_loop().sock_recv(left, 1) == b"x"

    run(main())


def test_timeouts_of_asyncio_end_native_waits(pair: Pair) -> None:
    async def main() -> float:
        start = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await kernel.sleep(3600)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(native(), 1)
        async with asyncio.timeout(5):
            await kernel.sleep(1)
        return asyncio.get_running_loop().time() - start

    async def native() -> None:
        await kernel.wait_readable(pair[0])

    assert run(main()) == 3


def test_a_task_group_of_asyncio_ends_native_waits() -> None:
    async def native() -> None:
        await kernel.sleep(3600)

    async def failing() -> None:
        await kernel.sleep(1)
        raise LookupError

    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(native()), group.create_task(failing())]
        assert [type(error) for error in caught.value.exceptions] == [LookupError]
        assert tasks[0].cancelled()

    run(main())


def test_a_native_task_that_is_cancelled_cancels_the_asyncio_task_it_waits_for() -> None:
    """As an asyncio task does; a native task elsewhere leaves alone whom it waits for."""
    async def main() -> tuple[bool, bool]:
        inner = asyncio.create_task(asyncio.sleep(3600))
        outer: Any = await kernel.spawn(waiter(inner))
        await asyncio.sleep(0)
        outer.cancel()
        await asyncio.wait([inner, outer])
        return inner.cancelled(), outer.cancelled()

    async def waiter(task: asyncio.Task[None]) -> None:
        await task

    assert run(main()) == (True, True)


@pytest.mark.parametrize("spawn", ["asyncio", "kernel"])
def test_an_answer_on_its_way_is_not_lost_to_a_cancellation(spawn: str) -> None:
    """It was handed over before the cancellation, and would be nobody's if it were dropped."""
    got: list[object] = []

    async def child(mailbox: kernel.Waitable[str]) -> None:
        got.append(await mailbox)
        try:
            await kernel.sleep(3600)
        except asyncio.CancelledError:
            got.append("cancelled")
            raise

    async def main() -> Any:
        mailbox: kernel.Waitable[str] = kernel.Waitable()
        task: Any = asyncio.create_task(child(mailbox)) if spawn == "asyncio" else await kernel.spawn(child(mailbox))
        await asyncio.sleep(0)
        mailbox.complete("mail")
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert run(main()) is True
    assert got == ["mail", "cancelled"]


@pytest.mark.parametrize("spawn", ["asyncio", "kernel"])
def test_a_byte_on_its_way_is_not_lost_to_a_cancellation(pair: Pair, spawn: str) -> None:
    left, right = pair
    got: list[bytes] = []

    async def child() -> None:
        await kernel.wait_readable(left)
        got.append(left.recv(1))

    async def main() -> None:
        task: Any = asyncio.create_task(child()) if spawn == "asyncio" else await kernel.spawn(child())
        await asyncio.sleep(0)
        right.send(b"x")
        loop: Any = asyncio.get_running_loop()
        loop.kernel.poll()  # the child is woken, and has not run yet
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelling() == 1

    run(main())
    assert got == [b"x"]


@pytest.mark.parametrize("spawn", ["asyncio", "kernel"])
def test_an_exception_on_its_way_is_not_lost_to_a_cancellation(spawn: str) -> None:
    got: list[str] = []

    async def child(mailbox: kernel.Waitable[str]) -> None:
        try:
            await mailbox
        except LookupError:
            got.append("error")
        await kernel.sleep(3600)

    async def main() -> bool:
        mailbox: kernel.Waitable[str] = kernel.Waitable()
        task: Any = asyncio.create_task(child(mailbox)) if spawn == "asyncio" else await kernel.spawn(child(mailbox))
        await asyncio.sleep(0)
        mailbox.fail(LookupError())
        task.cancel()
        await asyncio.wait([task])
        return bool(task.cancelled())

    assert run(main()) is True
    assert got == ["error"]


def test_a_cancellation_taken_back_in_time_is_none() -> None:
    async def child(mailbox: kernel.Waitable[int]) -> int:
        value = await mailbox
        await kernel.sleep(1)
        return value

    async def main() -> Any:
        mailbox: kernel.Waitable[int] = kernel.Waitable()
        task = asyncio.create_task(child(mailbox))
        await asyncio.sleep(0)
        mailbox.complete(3)
        task.cancel()
        assert task.uncancel() == 0
        return await task

    if hasattr(asyncio, "EventLoop"):  # Python 3.13, which has changed it
        assert run(main()) == 3


# The clock


def test_an_asyncio_program_takes_no_time_on_a_virtual_clock() -> None:
    log: list[tuple[float, str]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def note(text: str) -> None:
            log.append((loop.time(), text))

        async def worker(name: str, seconds: float) -> None:
            for _ in range(3):
                await asyncio.sleep(seconds)
                note(name)

        loop.call_later(90, note, "call_later")
        loop.call_at(200, note, "call_at")
        await asyncio.gather(worker("hourly", 3600), worker("daily", 86400))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(50):
                await loop.create_future()
        note("timeout")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(loop.create_future(), 100)
        note("wait_for")
        done, pending = await asyncio.wait([asyncio.create_task(worker("late", 1000))], timeout=10)
        note(f"wait {len(done)} {len(pending)}")

    began = time.monotonic()
    run(main())
    assert time.monotonic() - began < 10
    day = 86400.0
    assert log == [(90, "call_later"), (200, "call_at"), (3600, "hourly"), (7200, "hourly"), (10800, "hourly"),
                   (day, "daily"), (2 * day, "daily"), (3 * day, "daily"), (3 * day + 50, "timeout"),
                   (3 * day + 150, "wait_for"), (3 * day + 160, "wait 0 1")]


@pytest.mark.parametrize("sleep", [asyncio.sleep, kernel.sleep])
def test_deadlines_of_one_time_come_in_the_order_they_were_set(sleep: Callable[[float], Any]) -> None:
    order: list[int] = []

    async def sleeper(number: int) -> None:
        await sleep(10)
        order.append(number)

    async def main() -> None:
        await asyncio.gather(*map(sleeper, range(100)))

    run(main())
    assert order == list(range(100))


def test_random_sleepers_wake_in_order() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    generator = random.Random(seed)
    delays = [generator.uniform(0, 1e6) for _ in range(1000)]
    woken: list[float] = []

    async def sleeper(seconds: float) -> None:
        await (asyncio.sleep if generator.random() < 0.5 else kernel.sleep)(seconds)
        woken.append(seconds)
        assert asyncio.get_running_loop().time() == seconds

    async def main() -> None:
        await asyncio.gather(*map(sleeper, delays))

    run(main())
    assert woken == sorted(delays)


def test_streams_work_on_a_virtual_clock() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await asyncio.sleep(3600)
            writer.write(line)
        writer.close()

    async def main() -> Any:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        lines = []
        for _ in range(3):
            writer.write(b"hello\n")
            lines.append(await reader.readline())
        writer.close()
        await writer.wait_closed()
        server.close()
        return lines, asyncio.get_running_loop().time()

    lines, now = run(main())
    assert lines == [b"hello\n"] * 3
    assert now == 3 * 3600


def test_the_clock_stands_still_while_a_native_thread_is_at_work() -> None:
    async def native() -> None:
        await kernel.run_in_thread(time.sleep, 0.05)

    async def main() -> float:
        await asyncio.wait_for(native(), 10)
        return asyncio.get_running_loop().time()

    assert run(main()) == 0


@pytest.mark.filterwarnings("ignore:The executor did not")
def test_the_clock_stands_still_while_an_executor_is_at_work() -> None:
    async def main() -> float:
        await asyncio.wait_for(asyncio.to_thread(time.sleep, 0.05), 10)
        return asyncio.get_running_loop().time()

    assert run(main()) == 0


# The other devices


class Watch(kernel.Observer):
    def __init__(self) -> None:
        self.seen: collections.Counter[str] = collections.Counter()

    def spawn(self, task: kernel.Task[Any]) -> None:
        self.seen["spawn"] += 1

    def resume(self, task: kernel.Task[Any]) -> None:
        self.seen["resume"] += 1

    def block(self, task: kernel.Task[Any], request: kernel.Syscall[Any]) -> None:
        self.seen["block"] += 1

    def wake(self, task: kernel.Task[Any]) -> None:
        self.seen["wake"] += 1

    def exit(self, task: kernel.Task[Any]) -> None:
        self.seen["exit"] += 1


async def observed() -> None:
    native = await kernel.spawn(asyncio.sleep(1))
    await native


def observe() -> dict[str, int]:
    watch = Watch()
    loop = EventLoop(clock=kernel.VirtualClock(), observer=watch)
    loop.run_until_complete(observed())
    loop.close()
    return dict(watch.seen)


def test_the_observer_sees_the_tasks_of_the_loop() -> None:
    assert observe() == {"spawn": 2, "resume": 5, "block": 2, "wake": 2, "exit": 2}


def test_a_loop_with_an_observer_can_be_closed() -> None:
    loop = EventLoop(observer=Watch())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert loop.is_closed()


class Shuffled:
    """A ready queue with what `kernel.ReadyQueue` asks for, and nothing more; the order is the seed's."""

    def __init__(self, seed: int) -> None:
        self._items: list[Any] = []
        self._random = random.Random(seed)

    def append(self, item: Any, /) -> None:
        self._items.append(item)

    def popleft(self) -> Any:
        return self._items.pop(self._random.randrange(len(self._items)))

    def __len__(self) -> int:
        return len(self._items)


class ClearableShuffled(Shuffled):
    """With the method that asyncio's `close` calls."""

    def clear(self) -> None:
        self._items.clear()


async def racing() -> tuple[int, ...]:
    order: list[int] = []

    async def racer(number: int) -> None:
        await asyncio.sleep(0)
        await kernel.checkpoint()
        order.append(number)

    await asyncio.gather(*map(racer, range(20)))
    return tuple(order)


def test_the_ready_queue_decides_on_the_order() -> None:
    orders = [run(racing(), ready=ClearableShuffled(seed)) for seed in (1, 1, 2)]
    assert all(sorted(order) == list(range(20)) for order in orders)
    assert orders[0] == orders[1] != orders[2]
    assert run(racing(), ready=collections.deque()) == tuple(range(20))


def test_a_ready_queue_needs_no_more_than_the_kernel_asks_for() -> None:
    loop = EventLoop(ready=Shuffled(1))
    try:
        assert sorted(loop.run_until_complete(racing())) == list(range(20))
    finally:
        loop.close()


def test_a_given_selector_does_the_polling(pair: Pair) -> None:
    import selectors

    class Counting(selectors.SelectSelector):
        calls = 0

        def select(self, timeout: float | None = None) -> Any:
            Counting.calls += 1
            return super().select(timeout)

    async def main() -> bytes:
        asyncio.get_running_loop().call_later(0.01, pair[1].send, b"x")
        await kernel.wait_readable(pair[0])
        return pair[0].recv(1)

    assert run(main(), selector=Counting()) == b"x"
    assert Counting.calls > 0


def test_a_loop_that_is_closed_can_be_collected() -> None:
    async def main() -> None:
        await kernel.sleep(0.001)
        await (await kernel.spawn(asyncio.sleep(0)))

    loop = compat.new_event_loop()
    loop.run_until_complete(main())
    loop.close()
    reference = weakref.ref(loop)
    del loop
    gc.collect()
    assert reference() is None
