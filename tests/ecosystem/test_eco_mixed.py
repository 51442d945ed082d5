"""One program of both kinds: native tasks, groups, queues and time limits drive aiohttp's server and client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kernel import Event, Queue, TaskGroup, current_task, run_in_thread, sleep, spawn, timeout
from tests.ecosystem.clean_run import run_cleanly

aiohttp = pytest.importorskip("aiohttp")
from aiohttp import web  # noqa: E402

pytestmark = pytest.mark.library("aiohttp", "driven by native tasks: groups, queues, time limits, generators")

REQUESTS = 200
WORKERS = 8


@asynccontextmanager
async def serving(*routes: Any) -> AsyncIterator[tuple[str, Any]]:
    """The URL of an application, and a session of a client."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}", session
    finally:
        await runner.cleanup()


async def compute(number: int) -> int:
    async with timeout(20):
        await sleep(0.001)
        return await run_in_thread(pow, number, 2)


async def square(request: Any) -> Any:
    """A handler that has its work done by native means.

    In a task that it makes: what aiohttp runs a handler in is a task of asyncio's own class, which knows no syscalls.
    """
    return web.json_response(await asyncio.create_task(compute(int(request.query["n"]))))


def test_native_workers_share_a_queue_of_requests() -> None:
    """A producer, workers and a collector in one group; the pool of connections is the library's."""
    async def main() -> None:
        requests, answers = Queue[int](WORKERS), Queue[tuple[int, int]](WORKERS)

        async def produce() -> None:
            for number in range(REQUESTS):
                await requests.put(number)
            requests.close()

        async def work(session: Any) -> int:
            done = 0
            async for number in requests:
                async with session.get("/square", params={"n": number}) as response:
                    await answers.put((number, await response.json()))
                done += 1
            return done

        async def collect() -> dict[int, int]:
            return dict([await answers.get() for _ in range(REQUESTS)])

        async with serving(web.get("/square", square)) as (_, session):
            async with TaskGroup() as group:
                await group.spawn(produce())
                workers = [await group.spawn(work(session)) for _ in range(WORKERS)]
                collector = await group.spawn(collect())
            assert collector.result() == {number: number * number for number in range(REQUESTS)}
            assert sum(worker.result() for worker in workers) == REQUESTS
            assert all(worker.result() > 0 for worker in workers)

    run_cleanly(main(), keeps=True)


def test_a_native_time_limit_ends_a_request_and_the_handler() -> None:
    async def main() -> None:
        given_up = Event()

        async def wait() -> None:
            try:
                await sleep(3600)
            finally:
                given_up.set()

        async def stall(request: Any) -> Any:
            await asyncio.create_task(wait())

        async with serving(web.get("/stall", stall), web.get("/square", square)) as (_, session):
            with pytest.raises(TimeoutError):
                async with timeout(0.1):
                    await session.get("/stall")
            async with timeout(10):
                await given_up.wait()
            async with session.get("/square", params={"n": 3}) as response:
                assert await response.json() == 9

    run_cleanly(main(), keeps=True)


def test_a_native_group_cancels_the_requests_of_its_children() -> None:
    async def main() -> None:
        arrived, begun, ended = Event(), list[int](), list[int]()

        async def stall(request: Any) -> Any:
            begun.append(1)
            if len(begun) == 5:
                arrived.set()
            await asyncio.sleep(3600)

        async def ask(session: Any, number: int) -> None:
            try:
                await session.get("/stall")
            finally:
                ended.append(number)

        async def fail() -> None:
            await arrived.wait()
            raise ValueError("as the test wants it")

        async with serving(web.get("/stall", stall)) as (_, session):
            with pytest.raises(ExceptionGroup) as caught:
                async with TaskGroup() as group:
                    for number in range(5):
                        await group.spawn(ask(session, number))
                    await group.spawn(fail())
            assert repr(caught.value.exceptions) == "(ValueError('as the test wants it'),)"
            assert sorted(ended) == [0, 1, 2, 3, 4]
            async with asyncio.TaskGroup() as asyncios:  # and asyncio's group has children that wait natively
                slept = asyncios.create_task(nap())
            assert slept.result() == "slept"

    async def nap() -> str:
        await sleep(0.001)
        return "slept"

    run_cleanly(main(), keeps=True)


def test_a_websocket_between_native_queues() -> None:
    """A task that reads, one that writes, and the program between two queues, as one would write it natively."""
    async def echo(request: Any) -> Any:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        async for message in websocket:
            await websocket.send_str(message.data.upper())
        return websocket

    async def main() -> list[str]:
        outgoing, incoming = Queue[str](2), Queue[str](2)

        async def write(websocket: Any) -> None:
            async for text in outgoing:
                await websocket.send_str(text)
            await websocket.close()

        async def read(websocket: Any) -> None:
            async for message in websocket:
                await incoming.put(message.data)
            incoming.close()

        async with serving(web.get("/", echo)) as (_, session), session.ws_connect("/") as websocket:
            async with TaskGroup() as group:
                await group.spawn(write(websocket))
                await group.spawn(read(websocket))
                received = list[str]()
                for number in range(100):
                    await outgoing.put(f"message {number}")
                    received.append(await incoming.get())
                outgoing.close()
        return received

    assert run_cleanly(main(), keeps=True) == [f"MESSAGE {number}" for number in range(100)]


def test_a_generator_task_uses_the_library() -> None:
    """It yields native syscalls, coroutines of the library, and tasks of the loop."""
    async def request(session: Any, number: int) -> Any:
        return await session.get("/square", params={"n": number})

    def fetch(session: Any, number: int) -> Generator[Any, Any, int]:
        task = yield current_task()
        assert isinstance(task, asyncio.Task)
        response = yield request(session, number)
        try:
            yield sleep(0.001)
            answer = yield asyncio.create_task(response.json())
            return int(answer)
        finally:
            response.release()

    async def main() -> None:
        async with serving(web.get("/square", square)) as (_, session):
            tasks = [await spawn(fetch(session, number)) for number in range(20)]
            assert [await task for task in tasks] == [number * number for number in range(20)]

    run_cleanly(main(), keeps=True)
