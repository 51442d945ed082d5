"""Waiting for file descriptors, on every poller of this system."""

from __future__ import annotations

import socket
from collections.abc import Generator
from typing import Any

import pytest

from kernel import (Cancelled, Kernel, Poller, Task, VirtualClock, call, checkpoint, run, sleep, spawn, wait_readable,
                    wait_writable)
from kernel.devices.protocols import Event
from tests.support.descriptors import fill
from tests.support.sockets import Pair

Gen = Generator[Any, Any, Any]


def test_a_reader_is_woken_when_there_is_something_to_read(poller: Poller, pair: Pair) -> None:
    left, right = pair

    async def coroutine() -> bytes:
        await wait_readable(left)
        return left.recv(100)

    def generator() -> Gen:
        yield wait_readable(left.fileno())
        return left.recv(100)

    def delegating() -> Gen:
        yield from wait_readable(left)
        return left.recv(100)

    async def main() -> None:
        for code in coroutine, generator, delegating:
            task: Task[Any] = await spawn(code())
            await checkpoint()
            await sleep(5)
            assert task.state == "blocked" and str(task.blocked_on) == f"wait_readable({left.fileno()})"
            right.send(b"message")
            assert await task == b"message"

    run(main(), poller=poller, clock=VirtualClock())


def test_a_writer_is_woken_when_there_is_room(poller: Poller, pair: Pair) -> None:
    left, right = pair

    async def coroutine() -> None:
        await wait_writable(left)

    def generator() -> Gen:
        yield wait_writable(left.fileno())

    def delegating() -> Gen:
        yield from wait_writable(left)

    async def main() -> None:
        for code in coroutine, generator, delegating:
            await call(code())  # there is room
            left_over = fill(left)
            task: Task[Any] = await spawn(code())
            await sleep(5)
            assert task.state == "blocked" and str(task.blocked_on) == f"wait_writable({left.fileno()})"
            while left_over:
                left_over -= len(right.recv(65536))
            await task

    run(main(), poller=poller, clock=VirtualClock())


def test_the_end_of_the_stream_is_something_to_read(poller: Poller, pair: Pair) -> None:
    left, right = pair

    async def main() -> bytes:
        right.close()
        await wait_readable(left)
        return left.recv(100)

    assert run(main(), poller=poller) == b""


def test_what_has_not_been_read_is_still_there_at_the_next_wait(poller: Poller, pair: Pair) -> None:
    left, right = pair

    async def main() -> None:
        right.send(b"abc")
        for letter in b"abc":
            await wait_readable(left)
            await wait_readable(left)
            assert left.recv(1) == bytes([letter])

    run(main(), poller=poller)


def test_one_may_read_while_another_writes(poller: Poller, pair: Pair) -> None:
    left, right = pair
    woken: list[str] = []

    async def reader() -> None:
        await wait_readable(left)
        woken.append("reader")

    async def writer() -> None:
        await wait_writable(left)
        woken.append("writer")

    async def main() -> None:
        for first in "reader", "writer":
            left_over = fill(left)
            reading, writing = await spawn(reader()), await spawn(writer())
            await sleep(1)
            assert woken == []
            for turn in first, "writer" if first == "reader" else "reader":
                if turn == "reader":
                    right.send(b"x")
                    await reading
                    assert woken.pop() == "reader" and left.recv(10) == b"x"
                else:
                    while left_over:
                        left_over -= len(right.recv(65536))
                    await writing
                    assert woken.pop() == "writer"
                await sleep(1)
                assert woken == []

    run(main(), poller=poller, clock=VirtualClock())


def test_a_second_reader_is_told_who_waits_already_and_the_first_is_not_disturbed(poller: Poller, pair: Pair) -> None:
    left, right = pair

    async def reader() -> str:
        await wait_readable(left)
        return "woken"

    async def main() -> None:
        first = await spawn(reader(), name="the first")
        await checkpoint()
        with pytest.raises(RuntimeError, match=f"descriptor {left.fileno()} is waited for already"):
            await wait_readable(left)
        right.send(b"x")
        assert await first == "woken"
        await wait_readable(left)  # now it is free

    run(main(), poller=poller)


def test_the_same_request_made_by_two_wakes_the_first(poller: Poller, pair: Pair) -> None:
    left, right = pair
    request = wait_readable(left)

    async def reader() -> str:
        await request
        return "woken"

    async def main() -> None:
        first, second = await spawn(reader()), await spawn(reader())
        with pytest.raises(RuntimeError):
            await second
        right.send(b"x")
        assert await first == "woken"

    run(main(), poller=poller)


def test_a_cancelled_wait_leaves_the_descriptor_free(poller: Poller, pair: Pair) -> None:
    left, right = pair

    async def reader() -> str:
        await wait_readable(left)
        return "woken"

    async def main() -> None:
        for _ in range(3):
            task = await spawn(reader())
            await checkpoint()
            task.cancel()
            with pytest.raises(Cancelled):
                await task
        assert not poller.watching()
        task = await spawn(reader())
        await checkpoint()
        right.send(b"x")
        assert await task == "woken"

    run(main(), poller=poller)


def test_a_reader_cancelled_beside_a_writer_takes_nothing_from_it(poller: Poller, pair: Pair) -> None:
    left, right = pair

    async def reader() -> None:
        await wait_readable(left)

    async def writer() -> str:
        await wait_writable(left)
        return "woken"

    async def main() -> None:
        left_over = fill(left)
        reading, writing = await spawn(reader()), await spawn(writer())
        await checkpoint()
        reading.cancel()
        while left_over:
            left_over -= len(right.recv(65536))
        assert await writing == "woken"

    run(main(), poller=poller)


class Watcher:
    """A listener that counts how often it is told."""

    def __init__(self, once: bool) -> None:
        self.once = once
        self.endpoint = None
        self.told = 0

    def fire(self, kernel: Kernel) -> None:
        self.told += 1

    def fail(self, kernel: Kernel, error: OSError) -> None:
        raise error


def test_a_listener_for_one_event_and_one_for_every_event_share_a_descriptor(poller: Poller, pair: Pair) -> None:
    left, right = pair
    once, always = Watcher(once=True), Watcher(once=False)
    with Kernel() as kernel:
        def poll() -> list[Event]:
            events = poller.poll(0.0)
            for event in events:
                event.fire(kernel)
            return events

        poller.watch(left.fileno(), False, once)
        poller.watch(left.fileno(), True, always)
        for round_ in range(1, 4):
            assert poll() == [always] and always.told == round_
        right.send(b"x")
        assert set(poll()) == {once, always}
        assert once.told == 1
        for _ in range(3):
            assert poll() == [always]
        assert once.told == 1 and always.told == 7
        assert poller.unwatch(left.fileno(), True) and not poller.unwatch(left.fileno(), False)
        assert poll() == [] and not poller.watching()


def test_many_descriptors_at_a_time_lose_nothing(poller: Poller) -> None:
    count = 400
    received: list[int] = []

    async def echo(stream: socket.socket, messages: int) -> None:
        for _ in range(messages):
            await wait_readable(stream)
            data = stream.recv(100)
            await wait_writable(stream)
            stream.send(data)

    async def client(stream: socket.socket, number: int, messages: int) -> None:
        for message in range(messages):
            await wait_writable(stream)
            stream.send(b"%d %d" % (number, message))
            await wait_readable(stream)
            assert stream.recv(100) == b"%d %d" % (number, message)
        received.append(number)

    async def main() -> None:
        pairs = [socket.socketpair() for _ in range(count)]
        tasks: list[Task[None]] = []
        for number, (left, right) in enumerate(pairs):
            left.setblocking(False)
            right.setblocking(False)
            tasks.append(await spawn(echo(left, 5)))
            tasks.append(await spawn(client(right, number, 5)))
        for task in tasks:
            await task
        for left, right in pairs:
            left.close()
            right.close()

    run(main(), poller=poller)
    assert sorted(received) == list(range(count))
