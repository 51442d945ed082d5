"""asyncio's streams with our methods: a program sees what it sees with asyncio's own, on asyncio's loop and on ours."""

from __future__ import annotations

import asyncio
import gc
import random
import re
import sys
import weakref
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import compat
from compat.streams import quicken

from .installed import outcome

Log = list[Any]
Scenario = Callable[[Log], Coroutine[Any, Any, None]]
SEEDS = range(400)


@contextmanager
def quick() -> Iterator[None]:
    before = []

    def replace(owner: Any, name: str, value: Any) -> None:
        before.append((owner, name, vars(owner)[name]))
        setattr(owner, name, value)

    quicken(replace)
    try:
        yield
    finally:
        for entry in before:
            setattr(*entry)


def seen(scenario: Scenario, run: Callable[[Coroutine[Any, Any, None]], object]) -> Log:
    log: Log = []
    run(scenario(log))
    return log


def same(scenario: Scenario) -> Log:
    """What a scenario logs, which does not depend on whose methods and whose loop there are."""
    expected = seen(scenario, asyncio.run)
    assert seen(scenario, compat.run) == expected
    with quick():
        assert seen(scenario, asyncio.run) == expected
        assert seen(scenario, compat.run) == expected
    return expected


class Transport(asyncio.Transport):
    """Goes nowhere."""

    def __init__(self, log: Log, can_pause: bool = True) -> None:
        super().__init__()
        self.log = log
        self.can_pause = can_pause
        self.closing = False

    def pause_reading(self) -> None:
        if not self.can_pause:
            raise NotImplementedError
        self.log.append("paused")

    def resume_reading(self) -> None:
        self.log.append("resumed")

    def write(self, data: Any) -> None:
        self.log.append(data)

    def close(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def __repr__(self) -> str:
        return "<the transport>"


def shown(error: BaseException | None) -> Any:
    if error is None:
        return None
    return type(error), error.args, getattr(error, "partial", None), shown(error.__context__)


async def ticks(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def state(reader: Any) -> Any:
    waits = re.sub("cb=.*?]", "cb", repr(reader))  # 3.11 shows the callback of a task written in C by its address
    return waits, bytes(reader._buffer), reader._eof, reader._paused


# Reading, by programs that a seed decides on

READS: list[tuple[str, Any]] = [
    ("read", 1), ("read", 3), ("read", 100), ("read", -1), ("read", 0), ("read", True), ("read", None), ("read", 2.5),
    ("readexactly", 1), ("readexactly", 4), ("readexactly", 30), ("readexactly", 0), ("readexactly", -1),
    ("readexactly", 2.0), ("readexactly", "a"), ("readline", None), ("readline", None), ("__anext__", None),
    ("readuntil", b"\n"), ("readuntil", b"ab"), ("readuntil", b"abc"), ("readuntil", b""),
    ("readuntil", bytearray(b"b")), ("readuntil", "a"), ("readuntil", (b"\n", b"ab"))]
FEEDS = ["data"] * 8 + ["data and cancel", "cancel and data", "cancel", "cancel twice", "uncancel", "nothing", "eof",
                        "eof and data", "eof and error", "error", "data and error", "loop"]


class Plan:
    """What one program does. It makes all its decisions before it begins."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self.limit = chance.choice([1, 2, 5, 10, 64])
        self.can_pause = chance.random() < 0.7
        self.readers = [[chance.choice(READS) for _ in range(chance.randrange(1, 9))]
                        for _ in range(chance.choice([1, 1, 1, 2, 3]))]
        self.feeds = [(chance.choice(FEEDS), bytes(chance.choices(b"abc\n", (3, 3, 1, 1), k=chance.randrange(9))),
                       chance.randrange(3), chance.randrange(len(self.readers)))
                      for _ in range(chance.randrange(2, 20))]

    async def __call__(self, log: Log) -> None:
        reader: Any = asyncio.StreamReader(limit=self.limit, loop=asyncio.get_running_loop())
        reader.set_transport(Transport(log, self.can_pause))
        tasks = [asyncio.create_task(self.read(number, reader, log), name=str(number))
                 for number in range(len(self.readers))]
        for action, data, pause, number in self.feeds:
            log.append((action, state(reader)))
            self.feed(reader, action, data, tasks[number], log)
            log.append(state(reader))
            await ticks(pause)
        if not reader._eof:
            reader.feed_eof()
        await ticks(20)
        for task in tasks:
            task.cancel("at last")
        await asyncio.wait(tasks)
        log.append(state(reader))

    def feed(self, reader: Any, action: str, data: bytes, task: asyncio.Task[None], log: Log) -> None:
        for part in action.split(" and "):
            try:
                if part == "data":
                    reader.feed_data(data)
                elif part.startswith("cancel"):
                    log.append(task.cancel(data.decode() or None))
                    if part == "cancel twice":
                        log.append(task.cancel("again"))
                elif part == "uncancel":
                    log.append((task.cancel(), task.uncancel()))
                elif part == "eof":
                    reader.feed_eof()
                elif part == "error":
                    reader.set_exception(ConnectionResetError(data))
                elif part == "loop":
                    log.append(reader.at_eof())
            except AssertionError as error:
                log.append(shown(error))

    async def read(self, number: int, reader: Any, log: Log) -> None:
        for method, argument in self.readers[number]:
            arguments = () if argument is None and method != "read" else (argument,)
            try:
                result = await getattr(reader, method)(*arguments)
                log.append((number, method, argument, result, type(result)))
            except (Exception, asyncio.CancelledError) as error:
                log.append((number, method, argument, shown(error)))
                if error.args == ("at last",):
                    return


@pytest.mark.parametrize("seeds", [SEEDS[begin:begin + 40] for begin in SEEDS[::40]], ids=lambda seeds: str(seeds[0]))
def test_reading(seeds: range) -> None:
    for seed in seeds:
        same(Plan(seed))


def test_these_programs_see_every_kind_of_end() -> None:
    log = repr([seen(Plan(seed), asyncio.run) for seed in SEEDS])
    for end in ("already waiting", "LimitOverrunError", "IncompleteReadError", "StopAsyncIteration",
                "CancelledError", "Separator is not found", "Separator is found, but", "after feed_eof",
                "'paused'", "'resumed'", "ConnectionResetError", "TypeError", "ValueError",
                "waiter=<Future pending cb"):
        assert end in log, end


async def interfering(log: Log) -> None:
    """One task takes data from under another one, which has searched them already."""
    for read in asyncio.StreamReader.readline, asyncio.StreamReader.readuntil:
        reader = asyncio.StreamReader(loop=asyncio.get_running_loop())
        task = asyncio.create_task(read(reader))
        for data in b"abcdef", b"g\nh", b"\nij\n":
            await ticks(3)
            log.append(await reader.read(4) if data == b"g\nh" else None)
            reader.feed_data(data)
        log.append(await task)


def test_what_was_searched_is_not_searched_again() -> None:
    assert same(interfering) == [None, b"abcd", None, b"efg\nh\nij\n"] * 2


# Draining

class Drains:
    """Writers that drain, while the connection pauses, goes on, closes, fails."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self.has_reader = chance.random() < 0.8
        self.writers = [[chance.randrange(3) for _ in range(chance.randrange(1, 6))]
                        for _ in range(chance.randrange(1, 4))]
        self.events = [(chance.choice(["pause", "resume"] * 2 + ["close", "lost", "reset", "error", "cancel"]),
                        chance.randrange(3), chance.randrange(len(self.writers)))
                       for _ in range(chance.randrange(1, 10))]

    async def __call__(self, log: Log) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop) if self.has_reader else None
        protocol: Any = asyncio.StreamReaderProtocol(reader, loop=loop)  # type: ignore[arg-type]
        transport = Transport(log)
        protocol.connection_made(transport)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        tasks = [asyncio.create_task(self.drain(number, writer, log)) for number in range(len(self.writers))]
        for event, pause, number in self.events:
            log.append(event)
            if event == "pause" and not protocol._paused:
                protocol.pause_writing()
            elif event == "resume" and protocol._paused:
                protocol.resume_writing()
            elif event == "close":
                transport.close()
            elif event in ("lost", "reset"):
                protocol.connection_lost(None if event == "lost" else ConnectionResetError("by the peer"))
            elif event == "error" and reader is not None:
                reader.set_exception(OSError("broken"))
            elif event == "cancel":
                tasks[number].cancel()
            await ticks(pause)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        transport.close()

    async def drain(self, number: int, writer: asyncio.StreamWriter, log: Log) -> None:
        for pause in self.writers[number]:
            try:
                await writer.drain()
                log.append((number, "drained"))
            except Exception as error:
                log.append((number, shown(error)))
            await ticks(pause)


def test_draining() -> None:
    logs = [same(Drains(seed)) for seed in SEEDS]
    for event in "drained", "Connection lost", "by the peer", "broken":
        assert event in repr(logs)


# Real connections

async def conversation(log: Log) -> None:
    closed = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for line in reader:
            size = int(line)
            data = await reader.readexactly(size)
            writer.write(b"%d " % size + data + await reader.readuntil(b";"))
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        closed.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=1000)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for size in 1, 500, 5000, 300_000, 0:
            writer.write(b"%d\n" % size)
            await asyncio.sleep(0)
            writer.write(b"x" * size + b"yz;")
            await writer.drain()
            log.append((await reader.readuntil(b" "), len(await reader.readexactly(size)), await reader.read(1)))
            log.append(await reader.readline() if reader.at_eof() else await reader.readexactly(2))
        writer.write_eof()
        log.append(await reader.read())
        await closed.wait()
        writer.close()
        await writer.wait_closed()


def test_a_conversation() -> None:
    assert len(same(conversation)) == 11


# Subclasses

async def overridden(log: Log) -> None:
    class Telling(asyncio.StreamReader):
        """Overrides what the base class calls of its own methods."""

        async def readuntil(self, separator: Any = b"\n") -> bytes:
            log.append("readuntil")
            return await super().readuntil(separator)

        async def _wait_for_data(self, name: str) -> None:
            log.append(name)
            await super()._wait_for_data(name)  # type: ignore[misc]  # private

        def exception(self) -> Any:
            log.append("exception")
            return super().exception()

    class Careful(asyncio.StreamReaderProtocol):
        async def _drain_helper(self) -> None:
            log.append("drain")
            await super()._drain_helper()  # type: ignore[misc]  # private

    loop = asyncio.get_running_loop()
    reader = Telling(limit=100, loop=loop)
    for data, read in ((b"a line\n", reader.readline), (b"abcd", lambda: reader.read(3)),
                       (b"efgh", lambda: reader.readexactly(5))):
        task = asyncio.create_task(read())
        await ticks(2)
        reader.feed_data(data)
        log.append(await task)
    plain = asyncio.StreamReader(loop=loop)
    for read_by, protocol in ((reader, asyncio.StreamReaderProtocol(reader, loop=loop)),
                              (plain, Careful(plain, loop=loop))):
        transport = Transport(log)
        protocol.connection_made(transport)
        await asyncio.StreamWriter(transport, protocol, read_by, loop).drain()
        transport.close()


def test_what_a_subclass_overrides_is_called() -> None:
    log = same(overridden)
    assert log.count("readuntil") == 2 and log.count("exception") == log.count("drain") == 1


# The future that a read waits for

async def watched(log: Log) -> None:
    reader: Any = asyncio.StreamReader(loop=asyncio.get_running_loop())
    for end in "data", "error", "cancel", "done and cancel":
        task: Any = asyncio.create_task(reader.read(10))
        await asyncio.sleep(0)
        waiter = task._fut_waiter
        log.append((waiter is reader._waiter, isinstance(waiter, asyncio.Future), asyncio.isfuture(waiter)))
        log.append((waiter.done(), waiter.cancelled(), waiter.get_loop() is asyncio.get_running_loop()))
        if sys.version_info >= (3, 12):
            log.append((repr(waiter), "wait_for=<Future pending cb=[Task.task_wakeup()]>" in repr(task)))
        if sys.version_info >= (3, 14):
            graph: Any = vars(asyncio)["capture_call_graph"]
            log.append((waiter._asyncio_awaited_by == {task}, [entry.future is task for entry in graph(waiter).awaited_by]))
        for ask in waiter.result, waiter.exception:
            with pytest.raises(asyncio.InvalidStateError) as caught:
                ask()
            log.append(str(caught.value))
        if end == "data":
            reader.feed_data(b"data")
        elif end == "error":
            reader.set_exception(OSError("broken"))
        elif end == "cancel":
            log.append((waiter.cancel("message"), waiter.cancel()))
        else:
            waiter.set_result(None)
            task.cancel()
        log.append((waiter.done(), waiter.cancelled(), repr(waiter)))
        with pytest.raises(asyncio.InvalidStateError) as caught:
            waiter.set_result(None)
        log.append(str(caught.value))
        try:
            log.append(shown(waiter.exception()))
        except asyncio.CancelledError:
            log.append("cancelled")
        for result in await asyncio.gather(task, return_exceptions=True):
            log.append(result if isinstance(result, bytes) else shown(result))
        reader._exception = None


def test_the_future_that_a_read_waits_for() -> None:
    same(watched)


async def driven_by_others(log: Log) -> None:
    """The code that reads is driven by somebody who is no task of ours, in a step of a task that may be one of ours."""

    def drive(code: Any, waits: Any = None) -> None:
        try:
            future = code.send(None) if waits is None or waits.exception() is None else code.throw(waits.exception())
        except (StopIteration, OSError) as end:
            log.append((type(end), end.args))
        else:
            future.add_done_callback(lambda future: drive(code, future))
            future.add_done_callback(log.append)
            log.append(future.remove_done_callback(log.append))

    async def by_task() -> None:
        try:
            log.append(await reader.read(10))
        except (OSError, asyncio.CancelledError) as error:
            log.append(shown(error))

    reader: Any = asyncio.StreamReader(loop=asyncio.get_running_loop())
    eager: dict[str, bool] = {"eager_start": True} if sys.version_info >= (3, 12) else {}
    for task_class in asyncio.tasks._CTask, asyncio.tasks._PyTask:  # type: ignore[attr-defined]
        for end in "data", "error", "cancel":
            task = task_class(by_task(), loop=asyncio.get_running_loop(), **eager)
            await ticks(2)
            if end == "data":
                reader.feed_data(b"data")
            elif end == "error":
                reader.set_exception(OSError("broken"))
            else:
                log.append(task.cancel("message"))
            log.append(state(reader)[1:])
            await asyncio.wait([task])
            reader._exception = None
    for end in "data", "error":
        drive(reader.read(10))
        reader.feed_data(b"data") if end == "data" else reader.set_exception(OSError("broken"))
        log.append("told")
        await ticks(3)


def test_code_that_others_drive_can_read() -> None:
    same(driven_by_others)


async def stopped(log: Log) -> None:
    reader: Any = asyncio.StreamReader(loop=asyncio.get_running_loop())
    for error in StopIteration("text"), OSError:
        task = asyncio.create_task(reader.read(10))
        await asyncio.sleep(0)
        try:
            reader._waiter.set_exception(error)
        except TypeError as refusal:  # until Python 3.12
            log.append(str(refusal))
            reader.feed_eof()
        for result in await asyncio.gather(task, return_exceptions=True):
            log.append(result if isinstance(result, bytes) else shown(result))
        reader._eof = False


def test_errors_of_unusual_kinds() -> None:
    same(stopped)


def test_a_task_that_has_read_is_freed_at_once() -> None:
    async def main() -> None:
        reader: Any = asyncio.StreamReader(loop=asyncio.get_running_loop())
        for end in reader.feed_data, reader.set_exception, None:
            task = asyncio.create_task(reader.read(10))
            await asyncio.sleep(0)
            waits = weakref.ref(task)
            if end is None:
                task.cancel()
            else:
                end(b"data" if end == reader.feed_data else OSError("broken"))
            await asyncio.wait([task])
            task.cancelled() or task.exception()
            reader._exception = None
            del task
            await asyncio.sleep(0)
            assert waits() is None, end

    gc.disable()
    try:
        with quick():
            compat.run(main())
    finally:
        gc.enable()


def test_the_loop_is_closed_before_the_data_come() -> None:
    async def begin(readers: list[Any]) -> None:
        readers.append(asyncio.StreamReader(loop=asyncio.get_running_loop()))
        readers.append(asyncio.create_task(readers[0].read(10)))
        await asyncio.sleep(0)

    def told(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> str:
        readers: list[Any] = []
        loop = new_loop()
        loop.run_until_complete(begin(readers))
        loop.close()
        readers[1]._log_destroy_pending = False
        with pytest.raises(RuntimeError) as caught:
            readers[0].feed_data(b"data")
        return str(caught.value)

    with quick():
        assert told(compat.new_event_loop) == told(asyncio.SelectorEventLoop) == "Event loop is closed"


# Installing

METHODS = """
def methods():
    owners = asyncio.StreamReader, asyncio.StreamWriter, asyncio.StreamReaderProtocol
    return [(owner, sorted(vars(owner).items(), key=lambda item: item[0])) for owner in owners]
before = methods()
"""


def test_install_puts_the_methods_in_and_uninstall_takes_them_out() -> None:
    program = METHODS + """
import inspect
reader = asyncio.StreamReader.read
def changed():
    pairs = [pair for (_, then), (_, now) in zip(before, methods()) for pair in zip(then, now)]
    return [name for (name, then), (_, now) in pairs if then is not now]
compat.install()
print(changed())
new = asyncio.StreamReader.read
print(new.__module__, new.__qualname__, new.__doc__ == reader.__doc__, inspect.iscoroutinefunction(new))
print(inspect.signature(new) == inspect.signature(reader))
compat.uninstall()
print(changed())
"""
    assert outcome(program) == ("['read', 'readexactly', 'readline', 'readuntil', 'drain']\n"
                                "asyncio.streams StreamReader.read True True\nTrue\n[]\n")


def test_the_module_has_the_names_of_asyncio_s() -> None:
    program = """
compat.install()
print([name for name in dir(asyncio.streams) if getattr(compat.streams, name) is not getattr(asyncio.streams, name)
       and not name.startswith("__")])
"""
    assert outcome(program) == "[]\n"


def test_streams_that_exist_already_get_them_too() -> None:
    program = """
from asyncio import StreamReader, StreamReaderProtocol, StreamWriter
async def main():
    loop = asyncio.get_running_loop()
    reader = StreamReader(loop=loop)
    compat.install()
    protocol = StreamReaderProtocol(reader, loop=loop)
    task = asyncio.create_task(reader.readline())
    await asyncio.sleep(0)
    protocol.data_received(b"line\\n")
    print(type(reader) is asyncio.StreamReader, await task)
compat.run(main())
"""
    assert outcome(program) == "True b'line\\n'\n"
