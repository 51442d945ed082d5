"""The end of faults by `world.calm`, a power failure of all hosts, and what becomes of hosts after the program."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

import compat
import kernel
from kernel import open_connection, open_datagram, serve, sleep
from kernel.sim import world

NAMES = "a", "b", "c"


async def talk() -> None:
    """Send something to all others, again and again; so there is something for faults to meet."""
    async with await open_datagram(local_address=(world.here().address, 1)) as socket:
        while True:
            for host in world.hosts():
                if host not in (world.here(), world.hosts()[0]):
                    await socket.send(b"hello", (host.address, 1))
            await sleep(0.5)


def test_calm_starts_what_has_crashed_and_ends_partitions() -> None:
    async def main() -> list[bool]:
        hosts = [world.host(name) for name in NAMES]
        for host in hosts:
            host.run(talk)
        hosts[0].crash()
        world.partition({"b"}, {"c"})
        before = [host.up for host in hosts]
        world.calm()
        return before + [host.up for host in hosts]

    assert kernel.simulate(main) == [False, True, True, True, True, True]


@pytest.mark.parametrize("seed", range(3))
def test_no_fault_strikes_after_that(seed: int) -> None:
    async def main() -> None:
        hosts = [world.host(name) for name in NAMES]
        starts: list[str] = []

        async def start() -> None:
            starts.append(world.here().name)
            await talk()

        for host in hosts:
            host.run(start)
        await sleep(3)
        kernel.sometimes("a host has crashed", len(starts) > len(NAMES))
        world.calm()
        await sleep(0.1)  # for what has met a fault already
        started = len(starts)
        await sleep(10)
        assert all(host.up for host in hosts) and len(starts) == started

    report = kernel.explore(main, runs=50, seed=seed, faults=["partition", "crash"])
    assert report and report.never == [], report


def test_all_hosts_may_lose_power_at_once() -> None:
    async def main() -> None:
        hosts = [world.host(name) for name in NAMES]
        for host in hosts:
            host.run(talk)
        for _ in range(20):
            await sleep(0.1)
            if not any(host.up for host in hosts):
                raise LookupError("nobody is left")

    report = kernel.explore(main, runs=500, seed=1, faults=["crash"])
    assert [failure.message for failure in report.failures] == ["LookupError: nobody is left"]
    assert "each host but 'main'" in report.story


def test_a_link_of_one_latency_meets_faults_as_well() -> None:
    async def main() -> None:
        async def hello() -> None:
            async with await serve(lambda stream: stream.write_all(b"hello"), None, 7) as server:
                await server.wait()

        world.host("db").run(hello)
        world.link("main", "db", latency=0.01)
        await sleep(0.1)
        for _ in range(3):
            with suppress(OSError):
                async with kernel.timeout(1), await open_connection("db", 7) as stream:
                    await stream.read()

    for fault in "partition", "crash":
        report = kernel.explore(main, runs=200, seed=1, faults=[fault], checks=["exception"])
        assert report, report


def test_who_is_started_again_knows_where_it_runs() -> None:
    async def main() -> None:
        wrong: list[str] = []

        def program(name: str) -> object:
            if world.here().name != name:
                wrong.append(name)
            return talk()

        for name in NAMES:
            world.host(name).run(lambda name=name: program(name))  # type: ignore[misc]  # a default of its own
        await sleep(5)
        assert not wrong

    report = kernel.explore(main, runs=100, seed=1, faults=["crash"])
    assert report, report


def test_the_end_of_the_program_cancels_nothing_on_other_hosts() -> None:
    told: list[object] = []

    async def for_ever() -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    async def main() -> None:
        task = world.host("db").run(for_ever)
        task.add_done_callback(told.append)
        await asyncio.sleep(1)

    compat.simulate(main)
    assert "cancelled" not in told


def test_a_host_may_crash_while_it_waits_for_a_future_of_asyncio() -> None:
    async def main() -> None:
        future: asyncio.Future[None] = asyncio.Future()

        async def wait() -> None:
            await future

        host = world.host("db")
        host.run(wait)
        await asyncio.sleep(1)
        host.crash()
        future.set_result(None)
        await asyncio.sleep(1)

    compat.simulate(main)
