"""Small libraries that many programs use, on this project's loop: aiofiles, janus, aiostream, tenacity, aiocache."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.ecosystem.clean_run import run_cleanly

aiofiles = pytest.importorskip("aiofiles")
aiofiles_os = pytest.importorskip("aiofiles.os")
aiocache = pytest.importorskip("aiocache")
janus = pytest.importorskip("janus")
stream = pytest.importorskip("aiostream").stream
tenacity = pytest.importorskip("tenacity")


@pytest.mark.library("aiofiles", "files, lines, temporary files, os")
def test_aiofiles(tmp_path: Path) -> None:
    async def write(number: int) -> None:
        async with aiofiles.open(tmp_path / str(number), "w") as file:
            for line in range(50):
                await file.write(f"{number} {line}\n")

    async def read(number: int) -> list[str]:
        async with aiofiles.open(tmp_path / str(number)) as file:
            return [line async for line in file]

    async def main() -> None:
        await asyncio.gather(*map(write, range(20)))
        for number, lines in enumerate(await asyncio.gather(*map(read, range(20)))):
            assert lines == [f"{number} {line}\n" for line in range(50)]
        assert sorted(await aiofiles_os.listdir(tmp_path)) == sorted(map(str, range(20)))
        async with aiofiles.tempfile.NamedTemporaryFile("w+b") as file:
            await file.write(b"abc")
            await file.seek(1)
            assert await file.read() == b"bc"
            name = str(file.name)
        assert not os.path.exists(name)
        with pytest.raises(FileNotFoundError):
            await aiofiles.open(tmp_path / "missing")

    run_cleanly(main(), keeps=True)


@pytest.mark.library("janus", "a queue between a thread and tasks, both ways")
def test_janus() -> None:
    number = 500

    def serve(requests: Any, answers: Any) -> None:
        for _ in range(number):
            answers.put(requests.get(timeout=20) * 2, timeout=20)
            requests.task_done()

    async def main() -> None:
        requests, answers = janus.Queue(3), janus.Queue(3)
        thread = threading.Thread(target=serve, args=(requests.sync_q, answers.sync_q))
        thread.start()

        async def ask() -> None:
            for item in range(number):
                await requests.async_q.put(item)
            await requests.async_q.join()

        asking = asyncio.create_task(ask())
        assert [await answers.async_q.get() for _ in range(number)] == [item * 2 for item in range(number)]
        await asking
        waiting = asyncio.create_task(answers.async_q.get())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        for queue in requests, answers:
            await queue.aclose()
        thread.join()

    run_cleanly(main(), keeps=True)


@pytest.mark.library("aiostream", "map with tasks, merge, zip, chunks, time limits, early end")
def test_aiostream() -> None:
    closed = list[str]()

    async def numbers(name: str, seconds: float = 0.0) -> AsyncIterator[int]:
        try:
            for number in range(1000):
                await asyncio.sleep(seconds)
                yield number
        finally:
            closed.append(name)

    async def square(number: int) -> int:
        await asyncio.sleep(0.001 * (number % 3))
        return number * number

    async def main() -> None:
        squares = stream.map(numbers("mapped"), square, ordered=True, task_limit=10) | stream.take.pipe(50)
        assert await stream.list(squares) == [number * number for number in range(50)]
        merged = await stream.list(stream.merge(stream.range(100), stream.range(100, 200)))
        assert sorted(merged) == list(range(200))
        pairs = stream.zip(numbers("left"), numbers("right")) | stream.chunks.pipe(2) | stream.take.pipe(2)
        assert await stream.list(pairs) == [[(0, 0), (1, 1)], [(2, 2), (3, 3)]]
        with pytest.raises(asyncio.TimeoutError):
            await stream.list(stream.timeout(numbers("slow", 60), 0.02))
        assert sorted(closed) == ["left", "mapped", "right", "slow"]

    run_cleanly(main(), keeps=True)


@pytest.mark.library("tenacity", "a coroutine that is tried again, and given up")
def test_tenacity() -> None:
    calls = list[int]()

    @tenacity.retry(wait=tenacity.wait_fixed(0.001), stop=tenacity.stop_after_attempt(5),
                    retry=tenacity.retry_if_exception_type(ConnectionError))
    async def unreliable(failures: int) -> int:
        calls.append(failures)
        await asyncio.sleep(0)
        if len(calls) <= failures:
            raise ConnectionError(f"call {len(calls)}")
        return len(calls)

    async def main() -> None:
        assert await unreliable(3) == 4
        calls.clear()
        with pytest.raises(tenacity.RetryError) as caught:
            await unreliable(99)
        assert repr(caught.value.last_attempt.exception()) == "ConnectionError('call 5')"
        tries = 0
        with pytest.raises(ValueError, match="3"):
            async for attempt in tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(3), reraise=True):
                with attempt:
                    tries += 1
                    raise ValueError(tries)
        forever = asyncio.create_task(tenacity.AsyncRetrying(wait=tenacity.wait_fixed(60))(unreliable, 99))
        await asyncio.sleep(0.01)
        forever.cancel()
        with pytest.raises(asyncio.CancelledError):
            await forever

    run_cleanly(main(), keeps=True)


@pytest.mark.library("aiocache", "a cache in memory: times to live, decorators, locks, time limits")
def test_aiocache() -> None:
    calls = list[int]()

    async def main() -> None:
        cache = aiocache.Cache(aiocache.Cache.MEMORY)

        @aiocache.cached_stampede(lease=5, key_builder=lambda function, number: f"square {number}")
        async def square(number: int) -> int:
            calls.append(number)
            await asyncio.sleep(0.01)
            return number * number

        assert await asyncio.gather(*(square(number % 3) for number in range(30))) == [0, 1, 4] * 10
        assert sorted(calls) == [0, 1, 2], "those who come while it is computed wait for the first"
        await cache.set("passing", 1, ttl=0.02)
        await cache.set("lasting", 2)
        assert await cache.multi_get(["passing", "lasting"]) == [1, 2]
        async with asyncio.timeout(10):
            while await cache.exists("passing"):
                await asyncio.sleep(0.005)
        assert await cache.get("passing") is None and await cache.get("lasting") == 2
        await cache.clear()

    run_cleanly(main(), keeps=True)
