"""Faults that the explorer draws: partitions, resets and crashes, which are choices as any other."""

from __future__ import annotations

from contextlib import suppress

import pytest

import compat
import kernel
from kernel import Stream, open_connection, serve, sleep
from kernel.sim import load, world


async def echo(stream: Stream) -> None:
    with suppress(OSError):
        while data := await stream.read(1000):
            await stream.write_all(data)


async def echo_server() -> None:
    async with await serve(echo, None, 7) as server:
        await server.wait()


async def careless() -> None:
    """A client that counts on its server."""
    world.host("db").run(echo_server)
    await sleep(1)
    async with await open_connection("db", 7) as stream, kernel.timeout(60):
        for _ in range(3):
            await stream.write_all(b"hello")
            assert await stream.read_exactly(5) == b"hello"


async def careful() -> None:
    """A client that tries again."""
    world.host("db").run(echo_server)
    await sleep(1)
    for _ in range(3):
        while True:
            try:
                async with kernel.timeout(10):
                    async with await open_connection("db", 7) as stream:
                        await stream.write_all(b"hello")
                        assert await stream.read_exactly(5) == b"hello"
                break
            except OSError:  # TimeoutError among them
                await sleep(1)
            except EOFError:
                await sleep(1)


@pytest.mark.parametrize("fault, words", [("reset", "does not arrive: its connection is reset"),
                                          ("crash", "meets a crash: at 1.00"), ("partition", "meets a partition")])
def test_a_fault_is_found_told_and_repeated(fault: str, words: str) -> None:
    program = careless

    async def impatient() -> None:
        async with kernel.timeout(1.9):
            await careless()

    if fault == "partition":
        program = impatient
    report = kernel.explore(program, runs=500, seed=3, faults=[fault], longest_stall=0.1)
    assert not report and words in report.story and report.tape is not None
    assert len([one for one in report.tape.deviations if one.kind == "packet"]) == 1
    tape = load(report.tape.text())
    assert tape.faults == (fault,)
    with pytest.raises((OSError, EOFError, kernel.sim.Failed)):
        kernel.simulate(program, tape=tape)


def test_without_faults_there_are_none() -> None:
    assert kernel.explore(careless, runs=300, seed=1)


def test_who_tries_again_stands_all_of_them() -> None:
    report = kernel.explore(careful, runs=300, seed=1, faults=["partition", "reset", "crash"])
    assert report, report


def test_two_runs_with_faults_are_the_same() -> None:
    for seed in range(10):
        kernel.sim.check_determinism(careful, seed=seed, faults=["partition", "reset", "crash"])


def test_a_host_without_a_program_does_not_crash_nor_does_the_program_s_own() -> None:
    async def main() -> None:
        async with await serve(echo, "127.0.0.1", 7):
            async with await open_connection("127.0.0.1", 7) as stream:
                await stream.write_all(b"hello")
                assert await stream.read_exactly(5) == b"hello"

    assert kernel.explore(main, runs=200, seed=1, faults=["crash"])


def test_unknown_faults_are_refused() -> None:
    for explore in kernel.explore, compat.explore:
        with pytest.raises(ValueError, match="there is no fault 'fire'; the faults are partition, reset, crash"):
            explore(careless, faults=["fire"])


@pytest.mark.parametrize("seed", range(6))
def test_a_fault_stays_with_its_packet_when_what_came_before_is_left_out(seed: int) -> None:
    async def twice() -> None:
        votes: list[bytes] = []

        async def count(stream: Stream) -> None:
            with suppress(OSError):
                async for line in stream:
                    votes.append(line)
                    await stream.write_all(b"thank you\n")

        async def hall() -> None:
            async with await serve(count, None, 80) as server:
                await server.wait()

        world.host("hall").run(hall)
        answer = b""
        while not answer:
            with suppress(OSError):
                async with await open_connection("hall", 80) as stream:
                    await stream.write_all(b"yes\n")
                    answer = await stream.read_line()
            await sleep(1)
        assert len(votes) == 1

    report = kernel.explore(twice, runs=500, seed=seed, faults=["reset"])
    assert report.tape is not None and len(report.tape.deviations) == 1, report
