"""What asyncio has dropped since Python 3.4: that it works, and warns as the last Python to have it did.

The texts are those of Python 3.6 (`async`), 3.8 (locks, `Task.all_tasks`), 3.9 (`loop=`), 3.10 (`@coroutine`, `wait`)
and 3.13 (`get_event_loop`). Each warning is to point at the line that does the outdated thing.
"""

from __future__ import annotations

import asyncio
import importlib
import linecache
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT

compat: Any = importlib.import_module("compat")  # The type checker knows only what asyncio has today.

Gen = Generator[Any, Any, Any]
Make = Callable[[], Any]

COROUTINE = '"@coroutine" decorator is deprecated since Python 3.8, use "async def" instead'
LOOP = "The loop argument is deprecated since Python 3.8, and scheduled for removal in Python 3.10."
LOOP_OF_PROCESS = "The loop argument is deprecated since Python 3.8 and scheduled for removal in Python 3.10."
WAIT = ("The explicit passing of coroutine objects to asyncio.wait() is deprecated since Python 3.8, and scheduled for "
        "removal in Python 3.11.")
ASYNC = "asyncio.async() function is deprecated, use ensure_future()"
YIELD_FROM = "'with (yield from lock)' is deprecated use 'async with lock' instead"
AWAIT = "'with await lock' is deprecated use 'async with lock' instead"
ALL_TASKS = "Task.all_tasks() is deprecated since Python 3.7, use asyncio.all_tasks() instead"
CURRENT_TASK = "Task.current_task() is deprecated since Python 3.7, use asyncio.current_task() instead"
NO_LOOP = "There is no current event loop"


@contextmanager
def warned(text: str) -> Iterator[None]:
    """That the code inside gives exactly this one warning, and for a line of its own, marked with `# here`."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    # Others may come from the collection of what an earlier test has left behind.
    found = [entry for entry in caught if issubclass(entry.category, DeprecationWarning)]
    assert [str(entry.message) for entry in found] == [text]
    assert Path(found[0].filename) == Path(__file__)
    assert "# here" in linecache.getline(found[0].filename, found[0].lineno)


def quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """`@compat.coroutine` without its warning, for tests of something else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        decorated: Callable[..., Any] = compat.coroutine(function)
    return decorated


def run(code: Coroutine[Any, Any, Any]) -> Any:
    return compat.run(code)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop of ours that is not the current one."""
    loop = compat.new_event_loop()
    yield loop
    loop.close()


@quiet
def answer() -> Gen:
    """A legacy coroutine."""
    yield from compat.sleep(0)
    return 42


def plain() -> Gen:
    """A generator that nothing was done to, which stops once as the loop allows."""
    yield
    return 42


@quiet
def failing() -> Gen:
    yield from compat.sleep(0)
    raise LookupError("failing")


async def coroutine() -> int:
    await compat.sleep(0)
    return 42


modern: Make = coroutine


GENERATORS = [pytest.param(answer, id="legacy-coroutine"), pytest.param(plain, id="generator")]


# The decorator


def test_coroutine_warns() -> None:
    def old() -> Gen:
        yield

    with warned(COROUTINE):
        compat.coroutine(old)  # here


def test_a_legacy_coroutine_may_yield_from_all_that_can_be_awaited() -> None:
    @quiet
    def main() -> Gen:
        loop = compat.get_event_loop()
        future = loop.create_future()
        loop.call_soon(future.set_result, 1)
        stock: asyncio.Future[int] = asyncio.Future()
        loop.call_soon(stock.set_result, 2)
        results = [(yield from future), (yield from stock), (yield from answer()), (yield from modern()),
                   (yield from loop.create_task(modern())), (yield from compat.sleep(0, 3)),
                   (yield from compat.gather(answer(), modern())),
                   (yield from compat.wait_for(answer(), 10))]
        yield
        return results

    assert compat.run(main()) == [1, 2, 42, 42, 42, 3, [42, 42], 42]


def test_a_legacy_coroutine_can_be_awaited() -> None:
    async def main() -> list[Any]:
        return [await answer(), await compat.shield(answer()), await compat.create_task(answer())]

    assert run(main()) == [42, 42, 42]


def test_an_exception_goes_through_both_kinds() -> None:
    async def middle() -> None:
        await failing()

    @quiet
    def main() -> Gen:
        with pytest.raises(LookupError, match="failing"):
            yield from compat.ensure_future(middle())
        return "caught"

    assert compat.run(main()) == "caught"


def test_a_cancellation_goes_through_both_kinds() -> None:
    seen: list[str] = []

    @quiet
    def inner() -> Gen:
        try:
            yield from compat.sleep(3600)
        except asyncio.CancelledError:
            seen.append("inner")
            raise

    async def outer() -> None:
        try:
            await inner()
        finally:
            seen.append("outer")

    async def main() -> Any:
        task = compat.create_task(outer())
        await compat.sleep(0)
        task.cancel()
        await compat.wait([task])
        return task.cancelled()

    assert run(main())
    assert seen == ["inner", "outer"]


def test_an_async_function_is_left_as_it_is() -> None:
    assert quiet(modern) is modern


def test_a_function_that_is_no_generator_becomes_a_coroutine_function() -> None:
    """What it returns is waited for if it can be: a future, a coroutine, a generator; else it is the result."""
    results: list[Callable[[], Any]] = [lambda: 42, lambda: modern(), lambda: answer(), lambda: plain(),
                                        lambda: compat.ensure_future(modern())]

    async def main() -> list[Any]:
        return [await quiet(function)() for function in results]

    assert run(main()) == [42] * 5


def test_it_passes_arguments_and_keeps_the_name() -> None:
    @quiet
    def add(a: int, *, b: int) -> int:
        """Adds."""
        return a + b

    assert (add.__name__, add.__doc__) == ("add", "Adds.")

    async def main() -> Any:
        return await add(1, b=2)

    assert run(main()) == 3


def test_methods_and_static_methods_can_be_decorated() -> None:
    class Thing:
        value = 5

        @quiet
        def method(self) -> Gen:
            yield from compat.sleep(0)
            return self.value

        @staticmethod
        @quiet
        def static() -> Gen:
            yield from compat.sleep(0)
            return 6

    async def main() -> Any:
        return await Thing().method(), await Thing.static()

    assert run(main()) == (5, 6)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="asyncio.iscoroutinefunction is deprecated")
def test_legacy_coroutine_functions_are_coroutine_functions() -> None:
    def function() -> None:
        pass

    assert compat.iscoroutinefunction(answer)
    assert compat.iscoroutinefunction(quiet(function))
    assert not compat.iscoroutinefunction(plain)


def test_generators_are_coroutines() -> None:
    generators = answer(), plain()
    assert [compat.iscoroutine(generator) for generator in generators] == [True, True]
    others: list[object] = [42, answer, None, modern]
    assert [compat.iscoroutine(other) for other in others] == [False] * 4
    modern_one = modern()
    assert compat.iscoroutine(modern_one)
    modern_one.close()


# Generators wherever a coroutine is accepted


@pytest.mark.parametrize("make", GENERATORS)
class TestGenerators:
    def test_run(self, make: Make) -> None:
        assert compat.run(make()) == 42

    def test_runner(self, make: Make) -> None:
        with compat.Runner() as runner:
            assert [runner.run(make()), runner.run(make())] == [42, 42]

    def test_run_until_complete(self, make: Make, loop: asyncio.AbstractEventLoop) -> None:
        assert loop.run_until_complete(make()) == 42

    def test_loop_create_task(self, make: Make, loop: asyncio.AbstractEventLoop) -> None:
        assert loop.run_until_complete(loop.create_task(make())) == 42

    def test_task(self, make: Make, loop: asyncio.AbstractEventLoop) -> None:
        generator = make()
        task = compat.Task(generator, loop=loop)
        assert task.get_coro() is generator
        assert loop.run_until_complete(task) == 42

    def test_create_task(self, make: Make) -> None:
        async def main() -> Any:
            task = compat.create_task(make(), name="old")
            assert task.get_name() == "old"
            return await task

        assert run(main()) == 42

    def test_ensure_future(self, make: Make, loop: asyncio.AbstractEventLoop) -> None:
        async def main() -> Any:
            return await compat.ensure_future(make())

        assert run(main()) == 42
        assert loop.run_until_complete(compat.ensure_future(make(), loop=loop)) == 42

    def test_gather(self, make: Make) -> None:
        async def main() -> Any:
            return await compat.gather(make(), modern(), make())

        assert run(main()) == [42, 42, 42]

    def test_gather_of_the_same_one_twice(self, make: Make) -> None:
        """As for coroutines: run once, and its result in both places."""
        async def main() -> Any:
            generator = make()
            return await compat.gather(generator, generator)

        assert run(main()) == [42, 42]

    def test_wait(self, make: Make) -> None:
        async def main() -> Any:
            with warned(WAIT):
                done, pending = await compat.wait([make(), make()])  # here
            return sorted(task.result() for task in done), pending

        assert run(main()) == ([42, 42], set())

    def test_wait_for(self, make: Make) -> None:
        async def main() -> Any:
            return await compat.wait_for(make(), 10), await compat.wait_for(make(), None)

        assert run(main()) == (42, 42)

    def test_shield(self, make: Make) -> None:
        async def main() -> Any:
            return await compat.shield(make())

        assert run(main()) == 42

    def test_as_completed(self, make: Make) -> None:
        async def main() -> Any:
            return [await each for each in compat.as_completed([make(), modern(), make()], timeout=10)]

        assert run(main()) == [42, 42, 42]

    def test_as_completed_of_the_same_one_twice(self, make: Make) -> None:
        async def main() -> Any:
            generator = make()
            return [await each for each in compat.as_completed([generator, generator])]

        assert run(main()) == [42]

    def test_run_coroutine_threadsafe(self, make: Make, loop: asyncio.AbstractEventLoop) -> None:
        results = []

        def work() -> None:
            results.append(compat.run_coroutine_threadsafe(make(), loop).result(10))
            loop.call_soon_threadsafe(loop.stop)

        thread = threading.Thread(target=work)
        thread.start()
        loop.run_forever()
        thread.join()
        assert results == [42]

    def test_async(self, make: Make, loop: asyncio.AbstractEventLoop) -> None:
        with warned(ASYNC):
            task = compat.async_(make(), loop=loop)  # here
        assert loop.run_until_complete(task) == 42
        with warned(ASYNC):
            task = getattr(compat, "async")(make(), loop=loop)  # here
        assert loop.run_until_complete(task) == 42

    @pytest.mark.skipif(sys.version_info < (3, 12), reason="the name is missing; see test_names.py")
    def test_task_group(self, make: Make) -> None:
        """Younger than what it is given here, and no less willing: it asks the loop."""
        async def main() -> Any:
            async with compat.TaskGroup() as group:
                task = group.create_task(make())
            return task.result()

        assert run(main()) == 42


def test_a_generator_can_be_waited_for_by_keyword() -> None:
    async def main() -> Any:
        return await compat.wait_for(fut=plain(), timeout=10)

    assert run(main()) == 42


def test_the_running_function_s_name_is_shown() -> None:
    async def main() -> str:
        task = compat.ensure_future(answer())
        shown = repr(task)
        await task
        return shown

    assert "coro=<answer()" in run(main())


def test_a_generator_can_be_shielded_by_keyword() -> None:
    async def main() -> Any:
        return await compat.shield(arg=plain())

    assert run(main()) == 42


@pytest.mark.parametrize("make", GENERATORS)
def test_a_task_of_a_generator_can_be_shown(make: Make, loop: asyncio.AbstractEventLoop) -> None:
    task = loop.create_task(make())
    try:
        assert f"{make.__name__}()" in repr(task)
    finally:
        loop.run_until_complete(task)


@pytest.mark.parametrize("make", GENERATORS)
def test_the_stack_of_a_generator_is_shown(make: Make, loop: asyncio.AbstractEventLoop) -> None:
    task: Any = loop.create_task(make())
    assert [frame.f_code.co_name for frame in task.get_stack()] == [make.__name__]
    loop.run_until_complete(task)
    assert task.get_stack() == []


def test_a_result_that_is_a_generator_is_left_alone() -> None:
    async def main() -> Any:
        generator = (i for i in range(3))
        return generator, await compat.sleep(0, generator)

    given, got = run(main())
    assert got is given


def test_what_is_no_coroutine_is_refused(loop: asyncio.AbstractEventLoop) -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match="An asyncio.Future, a coroutine or an awaitable is required"):
            compat.ensure_future(42)
        with pytest.raises(TypeError, match="a coroutine was expected, got 42"):
            compat.create_task(42)
        with pytest.raises(TypeError, match="A coroutine object is required"):
            compat.run_coroutine_threadsafe(42, loop)
        with pytest.raises(TypeError, match="future"):
            await compat.wait(compat.ensure_future(modern()))
        with pytest.raises(ValueError, match="empty"):
            await compat.wait([])

    run(main())


# loop= arguments


CLASSES = ["Lock", "Event", "Condition", "Semaphore", "BoundedSemaphore", "Queue", "LifoQueue", "PriorityQueue",
           "JoinableQueue"]


@pytest.mark.parametrize("name", CLASSES)
def test_classes_take_a_loop(name: str, loop: asyncio.AbstractEventLoop) -> None:
    with warned(LOOP):
        thing = getattr(compat, name)(loop=loop)  # here
    assert thing._loop is loop  # under which name libraries of the time look for it


@pytest.mark.parametrize("name", CLASSES)
def test_classes_without_a_loop_do_not_warn(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        getattr(compat, name)()
        getattr(compat, name)(loop=None)


def test_a_thing_of_another_loop_is_refused(loop: asyncio.AbstractEventLoop) -> None:
    with warned(LOOP):
        queue = compat.Queue(loop=loop)  # here

    async def main() -> None:
        with pytest.raises(RuntimeError, match="is bound to a different event loop"):
            await queue.get()

    run(main())


def test_classes_with_a_loop_do_their_work(loop: asyncio.AbstractEventLoop) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        queue = compat.Queue(1, loop=loop)
        semaphore = compat.Semaphore(2, loop=loop)
        event = compat.Event(loop=loop)
        condition = compat.Condition(loop=loop)

    async def producer() -> None:
        for i in range(3):
            await queue.put(i)
        await event.wait()
        async with condition:
            condition.notify_all()

    async def main() -> Any:
        task = compat.create_task(producer())
        items = [await queue.get() for _ in range(3)]
        async with semaphore, condition:
            event.set()
            await condition.wait()
        await task
        return items

    assert loop.run_until_complete(main()) == [0, 1, 2]


@pytest.mark.parametrize(("call", "expected"), [
    (lambda loop: compat.sleep(0, 42, loop=loop), 42),  # here
    (lambda loop: compat.gather(modern(), answer(), loop=loop), [42, 42]),  # here
    (lambda loop: compat.shield(modern(), loop=loop), 42),  # here
    (lambda loop: compat.shield(answer(), loop=loop), 42),  # here
    (lambda loop: compat.wait_for(modern(), 10, loop=loop), 42),  # here
    (lambda loop: compat.wait_for(answer(), 10, loop=loop), 42),  # here
], ids=["sleep", "gather", "shield", "shield-legacy", "wait_for", "wait_for-legacy"])
def test_functions_take_a_loop(loop: asyncio.AbstractEventLoop, call: Callable[[asyncio.AbstractEventLoop], Any],
                               expected: object) -> None:
    """Outside of any running loop, as it was the custom."""
    with warned(LOOP):
        awaitable = call(loop)
    assert loop.run_until_complete(awaitable) == expected


def test_gather_of_nothing_takes_a_loop(loop: asyncio.AbstractEventLoop) -> None:
    with warned(LOOP):
        future = compat.gather(loop=loop)  # here
    assert loop.run_until_complete(future) == []


def test_as_completed_takes_a_loop(loop: asyncio.AbstractEventLoop) -> None:
    with warned(LOOP):
        each = list(compat.as_completed([answer(), modern()], loop=loop))  # here
    assert [loop.run_until_complete(one) for one in each] == [42, 42]


def test_wait_takes_a_loop(loop: asyncio.AbstractEventLoop) -> None:
    async def main() -> Any:
        with warned(LOOP):
            done, _ = await compat.wait([loop.create_task(modern())], loop=loop)  # here
        return done.pop().result()

    assert loop.run_until_complete(main()) == 42


def test_ensure_future_takes_a_loop_as_ever(loop: asyncio.AbstractEventLoop) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        task = compat.ensure_future(modern(), loop=loop)
    assert loop.run_until_complete(task) == 42


def test_create_task_never_took_a_loop() -> None:
    async def main() -> None:
        unused = modern()
        with pytest.raises(TypeError, match="loop"):
            compat.create_task(unused, loop=compat.get_running_loop())
        unused.close()

    run(main())


def test_streams_take_a_loop(loop: asyncio.AbstractEventLoop, tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    async def main() -> list[bytes]:
        path = str(tmp_path / "socket")
        with warned(LOOP):
            tcp_server = await compat.start_server(serve, "127.0.0.1", 0, loop=loop)  # here
        with warned(LOOP):
            unix_server = await compat.start_unix_server(serve, path, loop=loop)  # here
        port = tcp_server.sockets[0].getsockname()[1]
        with warned(LOOP):
            tcp = await compat.open_connection("127.0.0.1", port, loop=loop)  # here
        with warned(LOOP):
            unix = await compat.open_unix_connection(path, loop=loop)  # here
        lines = []
        for reader, writer in tcp, unix:
            writer.write(b"hello\n")
            lines.append(await reader.readline())
            writer.close()
            await writer.wait_closed()
        for server in tcp_server, unix_server:
            server.close()
            await server.wait_closed()
        return lines

    assert loop.run_until_complete(main()) == [b"hello\n", b"hello\n"]


def test_a_client_of_a_stream_may_be_served_by_a_legacy_coroutine(loop: asyncio.AbstractEventLoop) -> None:
    @quiet
    def serve(reader: Any, writer: Any) -> Gen:
        line = yield from reader.readline()
        writer.write(line)
        yield from writer.drain()
        writer.close()

    async def main() -> Any:
        server = await compat.start_server(serve, "127.0.0.1", 0)
        reader, writer = await compat.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        try:
            return await compat.wait_for(reader.readline(), 2)
        finally:
            writer.close()
            server.close()

    assert loop.run_until_complete(main()) == b"hello\n"


def test_processes_take_a_loop(loop: asyncio.AbstractEventLoop) -> None:
    async def main() -> list[bytes]:
        pipe = {"stdout": subprocess.PIPE, "loop": loop}
        with warned(LOOP_OF_PROCESS):
            one = compat.create_subprocess_exec("echo", "one", **pipe)  # here
        with warned(LOOP_OF_PROCESS):
            two = compat.create_subprocess_shell("echo two", **pipe)  # here
        return [(await (await process).communicate())[0] for process in (one, two)]

    assert loop.run_until_complete(main()) == [b"one\n", b"two\n"]


# Locks


@pytest.mark.parametrize("name", ["Lock", "Condition", "Semaphore", "BoundedSemaphore"])
def test_with_yield_from_lock(name: str) -> None:
    @quiet
    def main() -> Gen:
        lock = getattr(compat, name)()
        with warned(YIELD_FROM):
            manager = yield from lock  # here
        with manager as nothing:
            inside = nothing is None and lock.locked()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with (yield from lock):
                inside = inside and lock.locked()
        return inside, lock.locked()

    assert compat.run(main()) == (True, False)


@pytest.mark.parametrize("name", ["Lock", "Condition", "Semaphore", "BoundedSemaphore"])
def test_with_await_lock(name: str) -> None:
    async def main() -> tuple[bool, bool]:
        lock = getattr(compat, name)()
        with warned(AWAIT):
            manager = await lock  # here
        with manager as nothing:
            inside = nothing is None and lock.locked()
        return inside, lock.locked()

    assert run(main()) == (True, False)


@pytest.mark.filterwarnings("ignore:'with")
def test_the_lock_is_released_by_an_exception_and_waited_for() -> None:
    order: list[str] = []

    async def main() -> None:
        lock = compat.Lock()

        @quiet
        def first() -> Gen:
            with (yield from lock):
                order.append("first")
                yield from compat.sleep(0)
                raise LookupError("inside")

        async def second() -> None:
            with await lock:
                order.append("second")

        results = await compat.gather(first(), second(), return_exceptions=True)
        assert [type(result) for result in results] == [LookupError, type(None)]
        assert not lock.locked()

    run(main())
    assert order == ["first", "second"]


@pytest.mark.filterwarnings("ignore:'with")
def test_waiting_for_the_lock_can_be_cancelled() -> None:
    async def main() -> Any:
        lock = compat.Lock()
        await lock.acquire()

        async def waiter() -> None:
            with await lock:
                raise AssertionError("nobody has released it")

        task = compat.create_task(waiter())
        await compat.sleep(0)
        task.cancel()
        await compat.wait([task])
        assert task.cancelled()
        lock.release()
        return lock.locked()

    assert run(main()) is False


def test_with_lock_alone_is_refused() -> None:
    with pytest.raises(RuntimeError, match='"yield from" should be used as context manager expression'):
        with compat.Lock():
            pass


def test_the_modern_way_does_not_warn() -> None:
    async def main() -> None:
        for lock in compat.Lock(), compat.Condition(), compat.Semaphore(), compat.BoundedSemaphore():
            async with lock:
                assert lock.locked()
            assert not lock.locked()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(main())


def test_joinable_queue() -> None:
    async def main() -> list[int]:
        queue: Any = compat.JoinableQueue()
        got = []

        @quiet
        def consumer() -> Gen:
            for _ in range(3):
                got.append((yield from queue.get()))
                queue.task_done()

        task = compat.create_task(consumer())
        for i in range(3):
            queue.put_nowait(i)
        await queue.join()
        await task
        return got

    assert run(main()) == [0, 1, 2]


# Task.all_tasks(), Task.current_task(), get_event_loop()


def test_current_task() -> None:
    async def main() -> bool:
        with warned(CURRENT_TASK):
            task = compat.Task.current_task()  # here
        return task is compat.current_task()

    assert run(main()) is True


def test_current_task_outside_of_tasks(loop: asyncio.AbstractEventLoop) -> None:
    found: list[object] = []

    def look() -> None:
        with warned(CURRENT_TASK):
            found.append(compat.Task.current_task())  # here
        loop.stop()

    loop.call_soon(look)
    loop.run_forever()
    assert found == [None]
    with warned(CURRENT_TASK):
        assert compat.Task.current_task(loop) is None  # here
    with warned(CURRENT_TASK):
        assert compat.Task.current_task(loop=loop) is None  # here


def test_all_tasks(loop: asyncio.AbstractEventLoop) -> None:
    with warned(ALL_TASKS):
        assert compat.Task.all_tasks(loop) == set()  # here
    task = loop.create_task(modern())
    with warned(ALL_TASKS):
        assert compat.Task.all_tasks(loop=loop) == {task}  # here

    async def main() -> Any:
        with warned(ALL_TASKS):
            tasks = compat.Task.all_tasks()  # here
        return tasks == {task, compat.current_task()}

    assert loop.run_until_complete(main())
    loop.run_until_complete(task)


def test_all_tasks_has_those_that_are_not_done(loop: asyncio.AbstractEventLoop) -> None:
    """Python 3.8 had in it those that were done as well, for as long as somebody kept them."""
    done, waiting = loop.create_task(modern()), loop.create_task(modern())
    loop.run_until_complete(done)
    another = loop.create_task(modern())
    with warned(ALL_TASKS):
        assert compat.Task.all_tasks(loop) - {waiting} == {another}  # here
    loop.run_until_complete(another)


def outcome(program: str, *options: str) -> tuple[str, str]:
    """Standard output and standard error of a program that has nothing set up."""
    done = subprocess.run([sys.executable, *options, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30)
    return done.stdout, done.stderr


def test_get_event_loop_makes_one_on_first_use() -> None:
    program = ("import compat as asyncio, warnings\n"
               "with warnings.catch_warnings(record=True) as caught:\n"
               "    warnings.simplefilter('always')\n"
               "    loop = asyncio.get_event_loop(); line = 4\n"
               "print([(w.category.__name__, str(w.message), w.lineno, w.filename) for w in caught])\n"
               "with warnings.catch_warnings():\n"
               "    warnings.simplefilter('error')\n"
               "    print(asyncio.get_event_loop() is loop, type(loop).__module__)\n"
               "async def main(): return asyncio.get_event_loop() is loop\n"
               "print(loop.run_until_complete(main()))\n"
               "loop.close()\n")
    assert outcome(program) == (f"[('DeprecationWarning', '{NO_LOOP}', 4, '<string>')]\n"
                                "True compat.events\nTrue\n", "")


def test_get_event_loop_does_not_replace_one_that_was_set(loop: asyncio.AbstractEventLoop) -> None:
    compat.set_event_loop(loop)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert compat.get_event_loop() is loop
    finally:
        compat.set_event_loop(None)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="asyncio does not remember it any more")
def test_get_event_loop_makes_none_after_set_event_loop_none() -> None:
    compat.set_event_loop(None)
    with pytest.raises(RuntimeError, match="There is no current event loop in thread 'MainThread'"):
        compat.get_event_loop()


def test_get_event_loop_makes_none_in_other_threads() -> None:
    errors: list[str] = []

    def look() -> None:
        try:
            compat.get_event_loop()
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=look, name="other")
    thread.start()
    thread.join()
    assert errors == ["There is no current event loop in thread 'other'."]


@pytest.mark.parametrize("expression", ["asyncio.Future()", "asyncio.gather()", "asyncio.ensure_future(c())",
                                        "asyncio.Task(c())", "asyncio.gather(c())"])
def test_what_asks_for_the_loop_first_makes_one_of_ours(expression: str) -> None:
    if sys.version_info >= (3, 14) and expression in ("asyncio.Future()", "asyncio.Task(c())"):
        pytest.skip("asyncio's own makes none")
    program = ("import compat as asyncio\n"
               "async def c(): pass\n"
               f"future = {expression}\n"
               "print(type(future.get_loop()).__module__)\n"
               "if not isinstance(future, asyncio.Task): getattr(future, '_children', None) or future.cancel()\n"
               "asyncio.get_event_loop().run_until_complete(asyncio.wait([future]))\n")
    assert outcome(program, "-W", "ignore") == ("compat.events\n", "")
