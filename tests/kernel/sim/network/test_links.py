"""Links: how long packets take, what they lose, partitions, and what of that is a choice."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from random import Random
from typing import Any

import pytest

import kernel
from kernel import Stream, open_connection, open_datagram, serve, sleep, spawn, wait_readable
from kernel.sim import load, world


async def echo(stream: Stream) -> None:
    while data := await stream.read(100_000):
        await stream.write_all(data)


async def echo_server() -> None:
    async with await serve(echo, None, 7) as server:
        await server.wait()


async def connected() -> Stream:
    world.host("db").run(echo_server)
    await sleep(1)
    return await open_connection("db", 7)


def test_latency() -> None:
    async def main() -> float:
        world.host("db")
        world.link("main", "db", latency=0.25)
        async with await connected() as stream:
            begin = time.monotonic()
            await stream.write_all(b"x")
            await stream.read(1)
            return time.monotonic() - begin

    assert kernel.simulate(main) == 0.5
    assert kernel.explore(main, runs=50, seed=1)


def timed(draw: Callable[[Random], float]) -> Callable[[], Coroutine[Any, Any, list[float]]]:
    """A program that returns how long each of a few questions took on a link with that latency."""

    async def main() -> list[float]:
        world.host("db")
        world.link("main", "db", latency=draw)
        took = []
        async with await connected() as stream:
            for _ in range(5):
                begin = time.monotonic()
                await stream.write_all(b"x")
                await stream.read(1)
                took.append(time.monotonic() - begin)
        return took

    return main


def test_latency_by_a_distribution_comes_from_the_seed() -> None:
    runs: list[list[float]] = []
    main = timed(lambda random: random.expovariate(100))

    async def noted() -> None:
        runs.append(await main())
        assert max(runs[-1]) <= max(quiet)

    quiet = kernel.simulate(main)
    assert len(set(quiet)) == 5 and all(seconds > 0 for seconds in quiet)
    assert kernel.simulate(main) == quiet
    report = kernel.explore(noted, runs=200, seed=1)
    assert report.tape is not None and len(report.tape.deviations) == 1, report  # the seed
    failed = runs[-1]
    with pytest.raises(AssertionError):
        kernel.simulate(noted, tape=load(report.tape.text()))
    assert runs[-1] == failed


def test_latency_by_a_distribution_keeps_the_order_of_a_connection() -> None:
    async def main() -> None:
        seconds = iter([0.5, 0.1])
        async with await connected() as stream:
            world.link("main", "db", latency=lambda random: next(seconds, 0.0))
            begin = time.monotonic()
            for data in b"a", b"b":
                await stream.write_all(data)
            assert await stream.read(1) + await stream.read(1) == b"ab"
            assert round(time.monotonic() - begin, 6) == 0.5

    kernel.simulate(main)


@pytest.mark.parametrize("wrong", [-0.1, float("nan"), float("inf"), "soon", None])
def test_a_distribution_that_gives_no_seconds_is_refused_at_the_packet(wrong: Any) -> None:
    async def main() -> None:
        async with await connected() as stream:
            world.link("main", "db", latency=lambda random: wrong)
            await stream.write_all(b"x")
            world.link("main", "db")

    with pytest.raises(kernel.sim.Unsimulated, match=rf"refuses {wrong!r} as the latency of a packet from 'main' to 'db'"
                                                     r" at .*test_links.py:\d+ in .*: have the function latency="):
        kernel.simulate(main)


def test_bandwidth() -> None:
    async def main() -> float:
        world.host("db")
        world.link("main", "db", latency=0, bandwidth=1000)
        async with await connected() as stream:
            begin = time.monotonic()
            await stream.write_all(b"x" * 2000)
            received = 0
            while received < 2000:
                received += len(await stream.read(5000))
            return time.monotonic() - begin

    assert round(kernel.simulate(main), 6) == 4  # 2 s each way


@pytest.mark.parametrize("one_way", [False, True])
def test_a_partition_holds_up_what_is_sent_until_it_heals(one_way: bool) -> None:
    async def main() -> tuple[bytes, float]:
        async with await connected() as stream:
            world.partition({"db"}, ["main"], one_way=one_way)
            await stream.write_all(b"hello")
            await sleep(10)
            with pytest.raises(TimeoutError):
                async with kernel.timeout(10):
                    await stream.read(10)
            world.heal()
            begin = time.monotonic()
            return await stream.read(10), time.monotonic() - begin

    answer, seconds = kernel.simulate(main)
    assert answer == b"hello" and seconds < 0.01


def test_a_connection_that_is_begun_in_a_partition_is_made_when_it_heals_or_given_up() -> None:
    async def main() -> float:
        (await connected()).close()
        world.partition("main", "db")

        async def heal() -> None:
            await sleep(2)
            world.heal()

        await spawn(heal())
        (await open_connection("db", 7)).close()
        made = time.monotonic()
        world.partition("main", "db")
        with pytest.raises(TimeoutError, match="db"):
            await open_connection("db", 7)
        return made

    assert kernel.simulate(main) < 10


def test_a_partition_loses_datagrams() -> None:
    async def main() -> list[bytes]:
        received: list[bytes] = []

        async def receive() -> None:
            async with await open_datagram(local_address=(None, 9)) as datagrams:
                while True:
                    received.append((await datagrams.receive())[0])

        world.host("db").run(receive)
        await sleep(1)
        async with await open_datagram("db", 9) as datagrams:
            await datagrams.send(b"before")
            await sleep(1)
            world.partition(["main"], ["db"])
            await datagrams.send(b"lost")
            await sleep(1)
            world.heal()
            await datagrams.send(b"after")
            await sleep(1)
        return received

    assert kernel.simulate(main) == [b"before", b"after"]


def test_datagrams_are_lost_doubled_and_overtaken_only_where_a_link_has_loss() -> None:
    seen: set[tuple[bytes, ...]] = set()

    def program(loss: float) -> Any:
        async def main() -> None:
            received: list[bytes] = []

            async def receive() -> None:
                async with await open_datagram(local_address=(None, 9)) as datagrams:
                    while True:
                        received.append((await datagrams.receive())[0])

            world.host("db").run(receive)
            world.link("main", "db", latency=(0.01, 0.05), loss=loss)
            await sleep(1)
            async with await open_datagram("db", 9) as datagrams:
                for data in b"a", b"b":
                    await datagrams.send(data)
                await sleep(2)
            seen.add(tuple(received))
        return main

    assert kernel.explore(program(0.1), runs=300, seed=1)
    assert {(b"a", b"b"), (b"b",), (b"a",), (b"b", b"a"), (b"a", b"a", b"b")} <= seen
    seen.clear()
    assert kernel.explore(program(0), runs=300, seed=1)
    assert {len(one) for one in seen} == {2}


def test_bytes_may_come_in_two_pieces() -> None:
    async def main() -> None:
        async with await connected() as stream:
            await stream.write_all(b"hello")
            assert await stream.read(100) == b"hello"

    report = kernel.explore(main, runs=100, seed=1)
    assert not report
    assert re.search(r"at 1\.00\d+ s what (db:7 sends to main:32768|main:32768 sends to db:7) comes in two pieces",
                     report.story)


def test_an_answer_and_a_time_limit_race() -> None:
    async def main() -> None:
        async with await connected() as stream:
            requests = ["first", "second"]
            for request in requests:
                try:
                    async with kernel.timeout(0.02):
                        await stream.write_all(request.encode())
                        assert await stream.read(100) == request.encode()  # of the request before, if it came late
                except TimeoutError:
                    pass

    report = kernel.explore(main, runs=300, seed=2)
    assert not report and report.tape is not None and len(report.tape.deviations) <= 2, report
    with pytest.raises(AssertionError):
        kernel.simulate(main, tape=load(report.tape.text()))


def test_of_several_descriptors_any_may_come_first() -> None:
    orders: set[str] = set()

    async def main() -> None:
        order: list[str] = []

        async def wait(name: str, end: socket.socket) -> None:
            await wait_readable(end)
            order.append(name)

        with ExitStack() as stack:
            pairs = [[stack.enter_context(end) for end in socket.socketpair()] for _ in range(3)]  # never late
            async with kernel.TaskGroup() as group:
                for name, (here, _) in zip("abc", pairs):
                    await group.spawn(wait(name, here))
                await sleep(1)
                for _, there in pairs:
                    there.send(b"x")
        orders.add("".join(order))

    kernel.simulate(main)
    assert orders == {"abc"}
    assert kernel.explore(main, runs=100, seed=1)
    assert {"abc", "bac", "cab"} <= orders


def test_wrong_links_are_refused() -> None:
    async def main() -> None:
        world.host("db")
        wrong: list[dict[str, Any]] = [
            {"latency": (2, 1)}, {"latency": -1}, {"latency": float("inf")}, {"loss": 1}, {"loss": -0.1}, {"bandwidth": 0}]
        for arguments in wrong:
            with pytest.raises(ValueError):
                world.link("main", "db", **arguments)
        nobody = pytest.raises(ValueError, match=r"there is no host 'nobody' in this run; world.host\(name\) makes one")
        with nobody:
            world.link("main", "nobody")
        with nobody:
            world.partition({"main"}, {"nobody"})
        with socket.socket() as sock, pytest.raises(
                OSError, match=r"no host of the simulated world has the address 192.0.2.1.*world.host\(name\)"):
            sock.connect(("192.0.2.1", 80))
        with pytest.raises(OSError, match="192.0.2.1:80"):
            await open_connection("192.0.2.1", 80)

    kernel.simulate(main)
