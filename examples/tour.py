"""A tour of the kernel in about three seconds: the requests that a task can make, one after another.

    python3 -m kernel examples/tour.py

Each chapter is one function, which prints what happens. Read the code along with the output.
"""

from __future__ import annotations

import socket
from collections.abc import Generator
from typing import Any

from kernel import (Cancelled, Task, cancel, checkpoint, current_task, now, sleep, sleep_until, spawn, wait,
                    wait_readable, wait_writable)

started = 0.0  # the time on the kernel's clock at which main began


async def tell(text: str) -> None:
    """Print `text`, with the time since the start and the name of the running task."""
    print(f"  {await now() - started:4.2f} s  {(await current_task()).name + ':':<10} {text}")


async def tasks() -> None:
    print("\n1. Tasks. spawn() starts one, sleep() blocks only the task that sleeps, wait() brings its result.")

    async def cook(dish: str, seconds: float) -> str:
        await tell(f"{dish} will take {seconds} s")
        await sleep(seconds)
        await tell(f"{dish} is done")
        return dish

    soup = await spawn(cook("soup", 0.4), name="Ann")
    bread = await spawn(cook("bread", 0.2), name="Bob")
    await tell(f"both are spawned, neither has run: Ann is {soup.state}, Bob is {bread.state}")
    meal = [await wait(soup), await bread]  # `await bread` is the same as `await wait(bread)`
    await tell(f"{' and '.join(meal)} after 0.4 s and not 0.6: they slept at the same time")


async def generators() -> None:
    print("\n2. Generators. What a task yields is a request to the kernel; any generator that yields them is a task.")

    def countdown(n: int) -> Generator[Any, Any, str]:
        while n:
            yield tell(f"{n}")  # yielding code, a coroutine or a generator, calls it on this task's own stack
            yield sleep(0.1)
            n -= 1
        yield  # a bare yield lets other tasks run
        return "lift-off"

    def mission() -> Generator[Any, Any, str]:
        answer: str = yield countdown(3)
        return answer

    rocket = await spawn(mission(), name="rocket")
    await tell(f"the generator returned {await rocket!r}")


async def cancellation() -> None:
    print("\n3. Cancellation. The task gets one exception, where it is suspended, and cleans up by try/finally.")

    async def dig() -> None:
        try:
            await tell("digging for an hour")
            await sleep(3600)
        finally:
            await tell("putting the spade away, for which there is time")
            await sleep(0.1)

    digger = await spawn(dig(), name="digger")
    await checkpoint()  # let the digger begin
    await tell(f"now it is {digger.state}, on {digger.blocked_on}; cancelling it")
    await cancel(digger)
    try:
        await digger
    except Cancelled:
        if not digger.cancelled():
            raise  # Ctrl-C has cancelled this task, not the digger
        await tell("the digger has ended, and who waits for it gets Cancelled")


async def ring(deadline: float, sleeper: Task[Any]) -> None:
    await sleep_until(deadline)
    await cancel(sleeper)


async def deadlines() -> None:
    print("\n4. Deadlines. A deadline is an alarm: a task that sleeps until then and cancels another.")

    async def work(seconds: float) -> str:
        await tell(f"{seconds} s of work")
        await sleep(seconds)
        return "finished"

    for seconds in 0.1, 10.0:
        worker = await spawn(work(seconds), name="worker")
        alarm = await spawn(ring(await now() + 0.3, worker), name="alarm")
        try:
            await tell(f"the worker has {await worker}, the alarm is not needed")
        except Cancelled:
            if not worker.cancelled():
                raise
            await tell("after 0.3 s the alarm has cancelled the worker")
        await cancel(alarm)


async def echo_once(listener: socket.socket) -> None:
    await wait_readable(listener)
    peer, _ = listener.accept()
    with peer:
        peer.setblocking(False)
        await tell("a connection; waiting for its words")
        await wait_readable(peer)
        words = peer.recv(1000)
        await tell(f"got {words!r}, sending it back")
        await wait_writable(peer)
        peer.send(words)


async def network() -> None:
    print("\n5. Sockets. wait_readable() and wait_writable() are all that the kernel knows of the network.")
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        listener.setblocking(False)
        client.setblocking(False)
        server = await spawn(echo_once(listener), name="server")
        client.connect_ex(listener.getsockname())
        await wait_writable(client)
        await tell("connected to the server, in the same thread")
        await sleep(0.2)
        client.send(b"hello, kernel")
        await wait_readable(client)
        await tell(f"the echo is {client.recv(1000)!r}")
        await server


async def main() -> None:
    global started
    started = await now()
    print("A tour of the kernel. Each line has the time, the task that prints it, and what it says.")
    for chapter in tasks, generators, cancellation, deadlines, network:
        await chapter()
    print("\nThat was the kernel. How a task makes one step: the method run() of Task, in kernel/task.py.")
