"""Hosts of a simulated world: their names, tasks, clocks, crashes and restarts."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import pytest

import compat
import kernel
from kernel import Stream, current_task, open_connection, open_datagram, serve, sleep, spawn
from kernel.sim import Failed, world


async def echo(stream: Stream) -> None:
    while data := await stream.read(1000):
        await stream.write_all(data)


async def echo_server() -> None:
    async with await serve(echo, None, 7) as server:
        await server.wait()


def test_a_host_has_a_name_an_address_and_tasks() -> None:
    async def main() -> list[Any]:
        seen = [world.here().name]

        async def child() -> None:
            seen.append(f"{world.here().name} {socket.gethostname()}")

        async def program() -> None:
            await spawn(child())
            await sleep(1)
            seen.append(world.here().name)

        db = world.host("db")
        task = db.run(program, name="the program")
        assert task.name == "the program" and db.program is program and db.up
        await task
        assert [host.name for host in world.hosts()] == ["main", "db"] and world.host("db") is db
        return [*seen, db.address, socket.gethostbyname("db"), repr(db)]

    assert kernel.simulate(main) == ["main", "db db", "db", "10.0.0.2", "10.0.0.2", "<Host 'db' at 10.0.0.2>"]


def test_a_connection_leads_from_host_to_host() -> None:
    async def main() -> tuple[bytes, str, float]:
        world.host("db").run(echo_server)
        await sleep(1)
        begin = time.monotonic()
        async with await open_connection("db", 7) as stream:
            await stream.write_all(b"hello")
            return await stream.read(10), stream.name, round(time.monotonic() - begin, 6)

    # A look-up in a thread, there and back to connect, there and back with the bytes.
    assert kernel.simulate(main) == (b"hello", "the connection to db:7, at 10.0.0.2:7", 0.001 + 4 * 0.0005)


def test_a_socket_belongs_to_the_host_of_its_task_also_at_the_second_address() -> None:
    async def main() -> list[str]:
        peers: list[str] = []

        async def note(stream: Stream) -> None:
            peers.append(stream.name)

        async def client() -> None:
            world.names()["both"] = "10.0.0.1"
            async with await open_connection("both", 80):
                pass
            async with await open_datagram("both", 9) as datagrams:
                peers.append(datagrams.name)

        async with await serve(note, None, 80):
            await world.host("client").run(client)
            await sleep(1)
        return peers

    assert kernel.simulate(main) == ["the connection to 10.0.0.2:32768", "the datagram socket to 10.0.0.1:9"]


def test_loopback_is_another_on_each_host() -> None:
    async def main() -> None:
        world.host("db").run(echo_server)
        await sleep(1)
        with pytest.raises(ConnectionRefusedError):
            await open_connection("127.0.0.1", 7)
        with pytest.raises(ConnectionRefusedError):
            await open_connection("localhost", 7)

    kernel.simulate(main)


def test_a_clock_may_be_wrong() -> None:
    async def main() -> float:
        times: list[float] = []

        async def look() -> None:
            times.append(time.time())
            times.append(time.monotonic())

        await world.host("ahead", clock_offset=30).run(look)
        assert times[1] == time.monotonic() and time.time_ns() == round(time.time() * 1e9)
        return times[0] - time.time()

    assert kernel.simulate(main) == 30


def test_a_crash_stops_tasks_without_their_finally() -> None:
    async def main() -> list[str]:
        seen: list[str] = []

        async def child() -> None:
            try:
                await sleep(10)
            finally:
                seen.append("never")

        async def program() -> None:
            await spawn(child())
            try:
                while True:
                    seen.append("works")
                    await sleep(1)
            finally:
                seen.append("never")
                await sleep(1)

        db = world.host("db")
        task = db.run(program)
        await sleep(1.5)
        db.crash()
        await sleep(20)
        assert not db.up and task.cancelled() and repr(db).endswith("crashed>")
        return list(seen)

    assert kernel.simulate(main) == ["works", "works"]


def test_a_task_that_is_ready_does_not_run_after_the_crash() -> None:
    async def main() -> list[str]:
        seen: list[str] = []

        async def program() -> None:
            await sleep(1)
            seen.append("never")

        db = world.host("db")
        task = db.run(program)
        await sleep(1)  # the timer of this was added first, so this task is the first one that is ready
        assert task.blocked_on is None and not task.done()
        db.crash()
        await sleep(1)
        return seen

    assert kernel.simulate(main) == []


@pytest.mark.parametrize("power, expected", [(False, b""), (True, TimeoutError)])
def test_a_peer_hears_of_a_crash_unless_power_was_lost(power: bool, expected: Any) -> None:
    async def main() -> Any:
        db = world.host("db")
        db.run(echo_server)
        await sleep(1)
        async with await open_connection("db", 7) as stream:
            db.crash(power=power)
            try:
                async with kernel.timeout(60):
                    return await stream.read(10)
            except TimeoutError as error:
                return type(error)

    assert kernel.simulate(main) == expected


def test_after_a_restart_an_old_connection_is_reset_and_a_new_one_works() -> None:
    async def main() -> bytes:
        db = world.host("db")
        db.run(echo_server)
        await sleep(1)
        async with await open_connection("db", 7) as stream:
            db.crash(power=True)
            await sleep(5)
            db.restart()
            await stream.write_all(b"are you there?")
            with pytest.raises(ConnectionResetError):
                await stream.read(10)
        async with await open_connection("db", 7) as stream:
            await stream.write_all(b"again")
            return await stream.read(10)

    assert kernel.simulate(main) == b"again"


def test_transports_of_asyncio_may_have_been_open_at_a_crash() -> None:
    """The event loop, which all hosts share, still knows their descriptors, so no others get these numbers."""
    async def main() -> list[bytes]:
        answers = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())

        async def program() -> None:
            await (await asyncio.start_server(answer, None, 7)).serve_forever()

        db = world.host("db")
        db.run(program)
        for _ in range(3):
            await asyncio.sleep(1)
            reader, writer = await asyncio.open_connection("db", 7)
            writer.write(b"hello\n")
            answers.append(await reader.readline())
            db.restart()
            answers.append(await reader.read())
            writer.close()
        return answers

    assert compat.simulate(main) == [b"hello\n", b""] * 3


def test_a_host_without_power_lets_connections_time_out() -> None:
    async def main() -> float:
        db = world.host("db")
        db.run(echo_server)
        await sleep(1)
        db.crash(power=True)
        with pytest.raises(TimeoutError):
            await open_connection("db", 7)
        return time.monotonic()

    assert 60 < kernel.simulate(main) < 200


def test_a_host_may_crash_itself_which_ends_the_step() -> None:
    async def main() -> list[str]:
        seen: list[str] = []

        async def program() -> None:
            world.here().crash()
            seen.append("the step goes on")
            await sleep(1)
            seen.append("never")

        world.host("db").run(program)
        await sleep(5)
        return seen

    assert kernel.simulate(main) == ["the step goes on"]


def test_a_restart_of_a_host_that_is_up_crashes_it_first() -> None:
    async def main() -> list[int]:
        seen: list[int] = []

        async def program() -> None:
            for number in range(3):
                seen.append(number)
                await sleep(1)

        db = world.host("db")
        db.run(program)
        await sleep(1.5)
        await db.restart()
        return seen

    assert kernel.simulate(main) == [0, 1, 0, 1, 2]


def test_what_other_hosts_run_is_not_left_over() -> None:
    async def main() -> None:
        world.host("db").run(echo_server)
        await sleep(1)
        open_for_ever = await open_connection("db", 7)
        open_for_ever.close()

    kernel.simulate(main)

    async def leaves_its_own() -> None:
        await spawn(sleep_long())

    async def sleep_long() -> None:
        await sleep(100)

    with pytest.raises(Failed, match="left behind"):
        kernel.simulate(leaves_its_own)


def test_a_world_may_be_made_before_the_program_begins() -> None:
    def two_hosts() -> None:
        assert world.host("db").run(echo_server) is None
        world.link("main", "db", latency=0.25)
        with pytest.raises(RuntimeError, match="cannot crash before the program has begun"):
            world.host("db").crash()

    async def main() -> tuple[bytes, float]:
        await sleep(1)
        async with await open_connection("db", 7) as stream:
            await stream.write_all(b"hello")
            return await stream.read(10), round(time.monotonic(), 3)

    assert kernel.simulate(main, world=two_hosts) == (b"hello", 2.001)
    assert kernel.explore(main, runs=50, seed=1, world=two_hosts)
    with pytest.raises(TypeError, match="world= is a function"):
        kernel.simulate(main, world=world)  # type: ignore[arg-type]

    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        kernel.simulate(main, world=broken)
    assert socket.socket.__mro__[1].__module__ == "_socket"  # all is as before


def test_wrong_uses_say_what_to_do() -> None:
    async def main() -> Any:
        db = world.host("db")
        with pytest.raises(TypeError, match="takes a function that makes the program"):
            db.run(echo_server())  # type: ignore[arg-type]
        with pytest.raises(RuntimeError, match="has run nothing yet"):
            db.restart()
        with pytest.raises(TypeError, match="the name of a host"):
            world.host(7)  # type: ignore[arg-type]
        for name in "", "a b", "a:1":
            with pytest.raises(ValueError, match="a name without"):
                world.host(name)
        with pytest.raises(ValueError, match="clock_offset="):
            world.host("x", clock_offset=float("nan"))
        with pytest.raises(ValueError, match="cannot crash"):
            world.here().crash()
        db.run(echo_server)
        db.crash()
        with pytest.raises(RuntimeError, match="has crashed already"):
            db.crash()
        with pytest.raises(RuntimeError, match=r"has crashed; call its restart\(\)"):
            db.run(echo_server)

        async def restart_oneself() -> None:
            with pytest.raises(RuntimeError, match="cannot restart itself"):
                world.here().restart()

        await db.restart(restart_oneself)
        return db

    db = kernel.simulate(main)
    with pytest.raises(RuntimeError, match="outside of the simulated program"):
        db.crash()
    for function in world.hosts, world.here, world.names, world.heal, lambda: world.host("db"):
        with pytest.raises(RuntimeError, match="outside of a simulation"):
            function()

    async def use_an_old_host() -> None:
        with pytest.raises(ValueError, match="there is no host"):
            world.link("main", db)
        with pytest.raises(RuntimeError, match="made anew in each run"):
            db.crash()

    kernel.simulate(use_an_old_host)


async def name_of_current() -> str:
    return str((await current_task()).name)


def test_the_name_of_a_task_is_the_host_s() -> None:
    async def main() -> str:
        return str(await world.host("db").run(name_of_current))

    assert kernel.simulate(main) == "db"
