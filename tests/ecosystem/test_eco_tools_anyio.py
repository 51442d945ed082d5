"""anyio on this project's loop: groups, cancel scopes, threads, streams, sub-processes, and its own pytest plugin."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import compat
from tests.ecosystem.clean_run import run_cleanly
from tests.support.interpreters import run_python
from tests.support.tls import client_context, server_context

anyio = pytest.importorskip("anyio")
from anyio import from_thread, to_thread  # noqa: E402
from anyio.streams.tls import TLSListener, TLSStream  # noqa: E402


groups = pytest.mark.library("anyio", "task groups and cancel scopes")
threads = pytest.mark.library("anyio", "to_thread, from_thread, capacity limiters, portals")
network = pytest.mark.library("anyio", "TCP, TLS, sub-processes")


@groups
def test_a_group_cancels_its_children_when_one_fails() -> None:
    ended = list[str]()

    async def sleeper(name: str, *, task_status: Any = anyio.TASK_STATUS_IGNORED) -> None:
        task_status.started(name)
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(name)

    async def failing() -> None:
        await anyio.sleep(0)
        raise ValueError("as the test wants it")

    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with anyio.create_task_group() as group:
                assert [await group.start(sleeper, name) for name in "abc"] == ["a", "b", "c"]
                group.start_soon(failing)
                await anyio.sleep_forever()
        assert [repr(error) for error in caught.value.exceptions] == ["ValueError('as the test wants it')"]
        assert sorted(ended) == ["a", "b", "c"]
        task = asyncio.current_task()
        assert task is not None and task.cancelling() == 0

    run_cleanly(main(), keeps=True)


@groups
def test_cancel_scopes_nest() -> None:
    async def main() -> list[str]:
        seen = list[str]()
        with anyio.move_on_after(0.02) as outer:
            with anyio.move_on_after(60) as inner:
                await anyio.sleep_forever()
            seen.append("not reached")
        seen.append(f"{outer.cancelled_caught} {inner.cancelled_caught}")
        with anyio.move_on_after(60) as outer:
            with anyio.move_on_after(0.02) as inner:
                await anyio.sleep_forever()
            seen.append("goes on after the inner one")
        seen.append(f"{outer.cancelled_caught} {inner.cancelled_caught}")
        with pytest.raises(TimeoutError):
            with anyio.fail_after(0.02):
                await anyio.sleep_forever()
        with anyio.CancelScope() as scope:
            scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.02)
                seen.append("shielded")
            await anyio.sleep(0)
            seen.append("not reached")
        seen.append(f"{scope.cancelled_caught}")
        async with asyncio.timeout(20):  # asyncio's own goes together with anyio's
            with anyio.move_on_after(0.02):
                await anyio.sleep_forever()
        return seen

    assert run_cleanly(main(), keeps=True) == ["True False", "goes on after the inner one", "False True", "shielded",
                                               "True"]


@groups
def test_cancellation_is_a_state() -> None:
    """A task that swallows the cancellation gets it again at each of its next waits, until it is out of the scope."""
    async def main() -> int:
        times = 0
        with anyio.CancelScope() as scope:
            scope.cancel()
            for _ in range(5):
                try:
                    await anyio.sleep_forever()
                except anyio.get_cancelled_exc_class():
                    times += 1
            await asyncio.get_running_loop().create_future()
        assert scope.cancelled_caught
        await anyio.sleep(0.001)
        return times

    assert run_cleanly(main(), keeps=True) == 5


@groups
def test_a_scope_cancels_another_task_and_streams_tell_of_the_end() -> None:
    async def main() -> None:
        send, receive = anyio.create_memory_object_stream[int](2)
        got = list[int]()
        scopes = list[Any]()

        async def consume() -> None:
            async with receive:
                async for item in receive:
                    got.append(item)

        async def produce() -> None:
            async with send:
                with anyio.CancelScope() as scope:
                    scopes.append(scope)
                    for item in range(100):
                        await send.send(item)
                    await anyio.sleep_forever()
                assert scope.cancelled_caught

        async with anyio.create_task_group() as group:
            group.start_soon(consume)
            group.start_soon(produce)
            with anyio.fail_after(10):
                while len(got) < 100:
                    await anyio.sleep(0)
            scopes[0].cancel()
            await anyio.wait_all_tasks_blocked()
        assert got == list(range(100))

    run_cleanly(main(), keeps=True)


@threads
def test_threads_both_ways() -> None:
    async def double(number: int) -> int:
        await anyio.sleep(0.001)
        assert asyncio.current_task() is not None and type(asyncio.get_running_loop()) is compat.EventLoop
        return number * 2

    def work(number: int) -> int:
        assert threading.current_thread() is not threading.main_thread()
        return int(from_thread.run(double, number)) + int(from_thread.run_sync(lambda: number))

    def fail() -> None:
        raise ValueError("from the thread")

    async def main() -> None:
        answers = list[int]()
        limiter = anyio.CapacityLimiter(3)
        at_work, most, lock = 0, 0, threading.Lock()

        def counted(number: int) -> int:
            nonlocal at_work, most
            with lock:
                at_work += 1
                most = max(most, at_work)
            try:
                return work(number)
            finally:
                with lock:
                    at_work -= 1

        async def call(number: int) -> None:
            answers.append(await to_thread.run_sync(counted, number, limiter=limiter))

        async with anyio.create_task_group() as group:
            for number in range(30):
                group.start_soon(call, number)
        assert sorted(answers) == [number * 3 for number in range(30)]
        assert most == 3 and limiter.borrowed_tokens == 0
        with pytest.raises(ValueError, match="from the thread"):
            await to_thread.run_sync(fail)

    run_cleanly(main(), keeps=True)


@threads
def test_a_thread_is_abandoned() -> None:
    async def main() -> None:
        release = threading.Event()
        with anyio.move_on_after(0.05) as scope:
            await to_thread.run_sync(release.wait, 20, abandon_on_cancel=True)
        assert scope.cancelled_caught
        release.set()

    run_cleanly(main(), keeps=True)


@threads
def test_a_portal_from_a_plain_program() -> None:
    async def loop() -> type:
        await anyio.sleep(0.001)
        return type(asyncio.get_running_loop())

    with from_thread.start_blocking_portal(backend_options={"loop_factory": compat.new_event_loop}) as portal:
        assert portal.call(loop) is compat.EventLoop
        futures = [portal.start_task_soon(anyio.sleep, 0.001) for _ in range(20)]
        assert [future.result(10) for future in futures] == [None] * 20
        stuck = portal.start_task_soon(anyio.sleep_forever)
        assert stuck.cancel()


@network
@pytest.mark.parametrize("secure", [False, True])
def test_tcp(secure: bool) -> None:
    server, client = server_context(), client_context() if secure else None
    sent = os.urandom(1024 * 1024)

    async def echo(stream: Any) -> None:
        async with stream:
            async for data in stream:
                await stream.send(data)

    async def talk(port: int) -> None:
        async with await anyio.connect_tcp("localhost", port, ssl_context=client, tls=secure,
                                           tls_standard_compatible=False) as stream:
            assert isinstance(stream, TLSStream) == secure
            async with anyio.create_task_group() as group:
                group.start_soon(stream.send, sent)
                received = bytearray()
                while len(received) < len(sent):
                    received += await stream.receive()
            assert bytes(received) == sent

    async def main() -> None:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        if secure:
            listener = TLSListener(listener, server, standard_compatible=False)
        async with listener, anyio.create_task_group() as group:
            group.start_soon(listener.serve, echo)
            async with anyio.create_task_group() as clients:
                for _ in range(5):
                    clients.start_soon(talk, port)
            group.cancel_scope.cancel()
        with pytest.raises(OSError):
            await anyio.connect_tcp("127.0.0.1", port)

    run_cleanly(main(), keeps=True)


@network
def test_a_sub_process() -> None:
    async def main() -> None:
        done = await anyio.run_process([sys.executable, "-c", "print(input()[::-1])"], input=b"stream\n")
        assert done.stdout == b"maerts\n"
        with pytest.raises(subprocess.CalledProcessError) as caught:
            await anyio.run_process([sys.executable, "-c", "import sys; sys.exit('no')"])
        assert (caught.value.returncode, caught.value.stderr) == (1, b"no\n")
        process = await anyio.open_process(["sleep", "60"])
        async with process:
            process.terminate()
            assert await process.wait() == -15

    run_cleanly(main(), keeps=True)


@groups
def test_anyio_starts_the_loop() -> None:
    async def main(argument: str) -> tuple[type, str]:
        return type(asyncio.get_running_loop()), argument

    options = {"loop_factory": compat.new_event_loop}
    assert anyio.run(main, "argument", backend_options=options) == (compat.EventLoop, "argument")


SUITE = """
import asyncio
import anyio
import compat
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio", {"loop_factory": compat.new_event_loop}

@pytest.fixture
async def number():
    await anyio.sleep(0)
    yield 42
    await anyio.sleep(0)

@pytest.mark.anyio
async def test_loop(number):
    assert number == 42 and type(asyncio.get_running_loop()) is compat.EventLoop
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep, 0.001)

@pytest.mark.anyio
async def test_that_fails(number):
    assert number == 41
"""


@pytest.mark.library("anyio", "its pytest plugin")
def test_the_pytest_plugin(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    status, out, err = run_python("-m", "pytest", "-p", "no:asyncio", "-q", "test_suite.py", cwd=tmp_path)
    assert status == 1 and "1 failed, 1 passed" in out, out + err
    assert "assert 42 == 41" in out
