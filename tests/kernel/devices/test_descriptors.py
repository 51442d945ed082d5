"""Waiting for file descriptors, on every poller of this system."""

from __future__ import annotations

import os
import selectors
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

from kernel import (Cancelled, Kernel, Poller, Task, VirtualClock, call, checkpoint, now, run, sleep, spawn,
                    wait_readable, wait_writable)
from kernel.devices.protocols import Event
from kernel.devices.selector_poller import SelectorPoller

Gen = Generator[Any, Any, Any]
Pair = tuple[socket.socket, socket.socket]


makers: list[Callable[[], Poller]] = [SelectorPoller]
if sys.platform == "linux":
    from kernel.devices.epoll_poller import EpollPoller
    makers.insert(0, EpollPoller)


@pytest.fixture(params=makers, ids=lambda make: make.__name__)
def poller(request: pytest.FixtureRequest) -> Iterator[Poller]:
    """A poller; to be given to a kernel, which closes it."""
    made = request.param()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    left, right = socket.socketpair()
    left.setblocking(False)
    right.setblocking(False)
    with left, right:
        yield left, right


def fill(sender: socket.socket) -> int:
    """Write until the socket takes no more; return how many bytes it took."""
    sent = 0
    try:
        while True:
            sent += sender.send(bytes(65536))
    except BlockingIOError:
        return sent


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


def bystander_survives(bad: Callable[[], Any], errors: tuple[type[Exception], ...], poller: Poller) -> str:
    """Have one task make the bad request and another sleep meanwhile; return what the first one's error says."""
    async def culprit() -> str:
        try:
            await bad()
        except errors as error:
            return str(error)
        return "no error"

    async def bystander() -> float:
        for _ in range(3):
            await sleep(1)
        return await now()

    async def main() -> str:
        bystanding = await spawn(bystander())
        task = await spawn(culprit())
        message = await task
        assert await bystanding == 3.0 and not poller.watching()
        return message

    return run(main(), poller=poller, clock=VirtualClock())


each_wait = pytest.mark.parametrize("function", [wait_readable, wait_writable])


@each_wait
def test_a_descriptor_that_is_not_open_is_an_os_error_for_that_task_alone(
        function: Callable[[Any], Any], poller: Poller) -> None:
    read_end, write_end = os.pipe()
    os.close(write_end)
    os.close(read_end)
    message = bystander_survives(lambda: function(write_end), (OSError,), poller)
    assert f"descriptor {write_end}" in message and "Bad file descriptor" in message


@each_wait
@pytest.mark.parametrize("fd", [2**31 - 1, 2**31, 2**40])
def test_a_number_that_no_descriptor_can_have_is_an_error_for_that_task_alone(
        function: Callable[[Any], Any], fd: int, poller: Poller) -> None:
    assert bystander_survives(lambda: function(fd), (OSError, ValueError, OverflowError), poller) != "no error"


@each_wait
def test_a_closed_or_negative_descriptor_is_a_value_error_at_the_call(function: Callable[[Any], Any]) -> None:
    left, right = socket.socketpair()
    left.close()
    right.close()
    for closed in left, -1:
        with pytest.raises(ValueError, match="closed or invalid descriptor"):
            function(closed)
    with tempfile.TemporaryFile() as file:
        pass
    with pytest.raises(ValueError, match="closed"):
        function(file)


@each_wait
@pytest.mark.parametrize("thing", ["1", None, 1.0, object()])
def test_what_is_no_descriptor_is_a_type_error_at_the_call(function: Callable[[Any], Any], thing: Any) -> None:
    with pytest.raises(TypeError, match=rf"{function.__name__}\(\) takes a file descriptor or an object with fileno"):
        function(thing)


@pytest.mark.skipif(sys.platform != "linux", reason="only epoll refuses regular files")
@pytest.mark.parametrize("make", makers, ids=lambda make: make.__name__)
def test_a_regular_file_cannot_be_waited_for(make: Callable[[], Poller]) -> None:
    with tempfile.TemporaryFile() as file:
        message = bystander_survives(lambda: wait_readable(file), (OSError,), make())
        assert f"descriptor {file.fileno()}" in message


def test_a_descriptor_closed_while_it_is_waited_for_is_an_os_error(poller: Poller, pair: Pair) -> None:
    left, right = pair
    fd = left.fileno()

    async def reader() -> str:
        try:
            await wait_readable(fd)
        except OSError as error:
            return str(error)
        return "woken"

    async def main() -> None:
        task = await spawn(reader())
        await checkpoint()
        left.close()
        message = await task  # nothing else is going on: this is where a kernel would hang
        assert f"descriptor {fd}" in message
        assert not poller.watching()

    run(main(), poller=poller)


@pytest.mark.timeout(4)
def test_a_descriptor_closed_by_a_foreign_thread_after_a_long_silence_is_found_out(poller: Poller, pair: Pair) -> None:
    left, right = pair
    fd = left.fileno()

    async def main() -> None:
        with pytest.raises(OSError):
            await wait_readable(fd)

    closer = threading.Timer(1.5, left.close)
    closer.start()
    try:
        run(main(), poller=poller)
    finally:
        closer.join()


def test_a_number_that_has_come_to_mean_another_file_is_waited_for_as_that(poller: Poller) -> None:
    async def main() -> None:
        numbers = set()
        for message in b"one", b"two", b"three":
            left, right = socket.socketpair()
            numbers.add(left.fileno())
            with left, right:
                task = await spawn(receive(left))
                await checkpoint()
                right.send(message)
                assert await task == message
        assert len(numbers) == 1

    run(main(), poller=poller)


async def receive(stream: socket.socket) -> bytes:
    await wait_readable(stream)
    return stream.recv(100)


@pytest.mark.timeout(3)
def test_a_number_that_changes_its_file_while_it_is_waited_for_is_an_os_error(
        poller: Poller) -> None:
    old, other = socket.socketpair()
    fd = old.fileno()

    async def reader() -> str:
        try:
            await wait_readable(fd)
        except OSError as error:
            return str(error)
        return "woken"

    async def main() -> None:
        task = await spawn(reader())
        await checkpoint()
        old.close()
        new, peer = socket.socketpair()
        with new, peer:
            assert new.fileno() == fd
            assert f"descriptor {fd}" in await task

    with other:
        run(main(), poller=poller)


def test_a_new_file_may_be_waited_for_while_its_number_s_last_reader_has_not_noticed(poller: Poller) -> None:
    old, other = socket.socketpair()
    fd = old.fileno()

    async def reader() -> str:
        try:
            await wait_readable(fd)
        except OSError as error:
            return str(error)
        return "woken"

    async def main() -> None:
        task = await spawn(reader())
        await checkpoint()
        old.close()
        new, peer = socket.socketpair()
        with new, peer:
            assert new.fileno() == fd
            peer.send(b"x")
            assert await receive(new) == b"x"
            assert f"descriptor {fd}" in await task

    with other:
        run(main(), poller=poller)


def test_a_descriptor_closed_while_a_duplicate_lives_hurts_nobody_else(poller: Poller, pair: Pair) -> None:
    left, right = pair
    fd = left.fileno()

    async def attempt(request: Any) -> str:
        try:
            await request
        except OSError as error:
            return str(error)
        return "woken"

    async def main() -> None:
        fill(left)
        reading = await spawn(attempt(wait_readable(fd)))
        writing = await spawn(attempt(wait_writable(fd)))
        await checkpoint()
        with left.dup():
            left.close()
            right.send(b"x")
            assert await reading == "woken" or f"descriptor {fd}" in reading.result()
            assert f"descriptor {fd}" in await writing

    run(main(), poller=poller)


def test_select_survives_a_descriptor_that_is_closed_while_it_is_waited_for(pair: Pair) -> None:
    left, right = pair
    fd = left.fileno()

    async def reader() -> None:
        with pytest.raises(OSError):
            await wait_readable(fd)

    async def main() -> str:
        task = await spawn(reader())
        await checkpoint()
        left.close()
        await task
        return "survived"

    assert run(main(), poller=SelectorPoller(selectors.SelectSelector())) == "survived"


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
