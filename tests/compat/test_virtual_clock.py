"""asyncio's programs on a virtual clock."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

import kernel
from tests.compat.loops import run


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
