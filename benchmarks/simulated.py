"""`python -m benchmarks.simulated`: what the simulated network costs, beside real loopback.

One program sends messages of 100 bytes and waits for each to come back, on the kernel's streams and on asyncio's. It
runs by `simulate`, in the quiet schedule, and on real sockets, so the difference is what the simulation costs. Then come
a thousand connections at once, and hosts that send each other datagrams for an hour of virtual time. Each figure is
the least processor time of a few runs in this process.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import compat
import kernel
from kernel.sim import world

Run = Callable[[Callable[[], Any]], object]  # runs a program
Ways = tuple[Run, Run]  # in simulation, and on real sockets

MESSAGE = b"." * 100
MANY = 1000  # connections
EACH = 5  # messages on each of them, there and back
STEPS = 100_000_000  # that a run may make: no limit here
HOUR = 3600.0
HOSTS = 5


async def echo(stream: kernel.Stream) -> None:
    while data := await stream.read():
        await stream.write_all(data)


async def talk(port: int, times: int) -> None:
    async with await kernel.open_connection("127.0.0.1", port) as stream:
        for _ in range(times):
            await stream.write_all(MESSAGE)
            await stream.read_exactly(len(MESSAGE))


async def native(connections: int, times: int) -> None:
    """The program on the kernel's streams."""
    async with await kernel.serve(echo, "127.0.0.1", 0, backlog=connections) as server:
        tasks = [await kernel.spawn(talk(server.port, times)) for _ in range(connections)]
        for task in tasks:
            await task


async def sockets(connections: int, times: int) -> None:
    """A socket alone: its `send` and the `recv` of its peer, without a task that waits."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as one:
        other, _ = server.accept()
        with other:
            one.setblocking(False)
            for _ in range(2 * connections * times):
                one.send(MESSAGE)
                other.recv(1000)


async def asyncio_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def asyncio_talk(port: int, times: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(times):
        writer.write(MESSAGE)
        await writer.drain()
        await reader.readexactly(len(MESSAGE))
    writer.close()
    await writer.wait_closed()


async def on_asyncio(connections: int, times: int) -> None:
    """The program on asyncio's streams."""
    async with await asyncio.start_server(asyncio_echo, "127.0.0.1", 0, backlog=connections) as server:
        port = server.sockets[0].getsockname()[1]
        await asyncio.gather(*(asyncio_talk(port, times) for _ in range(connections)))


async def leader(seconds: float, every: float) -> None:
    """One host asks four others every so often, by datagrams, whether they are there; each answers."""
    async def follow() -> None:
        async with await kernel.open_datagram("0.0.0.0", 7000) as questions:
            async for data, address in questions:
                await questions.send(data, address)

    async def listen(answers: kernel.Datagrams) -> None:
        async for _ in answers:
            pass

    followers = [world.host(f"follower-{number}") for number in range(1, HOSTS)]
    for host in followers:
        host.run(follow)
    async with await kernel.open_datagram("0.0.0.0", 7000) as answers:
        listener = await kernel.spawn(listen(answers))
        until = await kernel.now() + seconds
        while await kernel.now() < until:
            for host in followers:
                await answers.send(b"are you there?", (host.address, 7000))
            await kernel.sleep(every)
        await kernel.cancel(listener)


def best(times: int, run: Callable[[], object]) -> float:
    """The least seconds of processor time that `run()` took."""
    taken = []
    for _ in range(times):
        begin = time.process_time()
        run()
        taken.append(time.process_time() - begin)
    return min(taken)


def message(run: Run, program: Callable[..., Any], connections: int, times: int,
            runs: int) -> float:
    """Microseconds that each message takes, without what the program takes that sends none."""
    seconds = [best(runs, partial(run, partial(program, connections, count))) for count in (0, times)]
    return (seconds[1] - seconds[0]) / (2 * connections * times) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulated", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="of which the best counts")
    parser.add_argument("--messages", type=int, default=2000, help="there and back, on one connection")
    parser.add_argument("--hour", type=float, default=HOUR, help="of so many seconds")
    options = parser.parse_args()
    on_kernel: Ways = partial(kernel.simulate, most_steps=STEPS), lambda main: kernel.run(main())
    on_loop: Ways = partial(compat.simulate, most_steps=STEPS), lambda main: compat.run(main())
    for name, ways, program, connections, times in (
            ("sockets alone", on_kernel, sockets, 1, options.messages),
            ("the kernel's streams, 1 connection", on_kernel, native, 1, options.messages),
            (f"the kernel's streams, {MANY:,} connections", on_kernel, native, MANY, EACH),
            ("asyncio's streams, 1 connection", on_loop, on_asyncio, 1, options.messages),
            (f"asyncio's streams, {MANY:,} connections", on_loop, on_asyncio, MANY, EACH)):
        simulated, real = (message(run, program, connections, times, options.runs) for run in ways)
        print(f"{name}: {simulated:.1f} us a message, on real loopback {real:.1f} us", flush=True)
    for name, ways, program in ("kernel", on_kernel, native), ("asyncio", on_loop, on_asyncio):
        simulated, real = (best(options.runs, partial(run, partial(program, MANY, EACH))) for run in ways)
        print(f"{MANY:,} connections on the streams of {name}, from beginning to end: {simulated:.2f} s, on real loopback "
              f"{real:.2f} s", flush=True)
    for every in 1.0, 0.05:
        took = best(1, partial(on_kernel[0], partial(leader, options.hour, every)))
        count = 2 * (HOSTS - 1) * options.hour / every
        print(f"{options.hour:g} s of virtual time of {HOSTS} hosts, a heartbeat every {every:g} s: {took:.2f} s, "
              f"{took / count * 1e6:.1f} us for each of {count:,.0f} messages", flush=True)


if __name__ == "__main__":
    main()
