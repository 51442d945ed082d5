"""Descriptors that are closed, or come to mean another file, while a task waits for them."""

from __future__ import annotations

import selectors
import socket
import threading

import pytest

from kernel import Poller, Syscall, checkpoint, run, spawn, wait_readable, wait_writable
from kernel.devices.selector_poller import SelectorPoller
from tests.support.descriptors import fill
from tests.support.sockets import Pair


async def attempt(request: Syscall[None]) -> str:
    """What the error of a request says, or that it was answered."""
    try:
        await request
    except OSError as error:
        return str(error)
    return "woken"


def test_a_descriptor_closed_while_it_is_waited_for_is_an_os_error(poller: Poller, pair: Pair) -> None:
    left, right = pair
    fd = left.fileno()

    async def main() -> None:
        task = await spawn(attempt(wait_readable(fd)))
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
@pytest.mark.parametrize("used", [False, True], ids=["idle", "waited for and ready"])
def test_a_number_that_changes_its_file_while_it_is_waited_for_is_an_os_error(poller: Poller, used: bool) -> None:
    """And the new file may be waited for before the last reader of its number has noticed."""
    old, other = socket.socketpair()
    fd = old.fileno()

    async def main() -> None:
        task = await spawn(attempt(wait_readable(fd)))
        await checkpoint()
        old.close()
        new, peer = socket.socketpair()
        with new, peer:
            assert new.fileno() == fd
            if used:
                peer.send(b"x")
                assert await receive(new) == b"x"
            assert f"descriptor {fd}" in await task

    with other:
        run(main(), poller=poller)


def test_a_descriptor_closed_while_a_duplicate_lives_hurts_nobody_else(poller: Poller, pair: Pair) -> None:
    left, right = pair
    fd = left.fileno()

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
