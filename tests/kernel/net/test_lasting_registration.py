"""A stream stays registered with epoll between two reads: nobody waits in vain for that, or works for nothing."""

from __future__ import annotations

import gc
import os
import socket
import sys
import warnings

import pytest

from kernel import Stream, run, sleep, spawn
from kernel.devices.protocols import Event
from kernel.net.channels import SocketChannel
from tests.support.streams import echo

if sys.platform != "linux":
    pytest.skip("there is no epoll", allow_module_level=True)

from kernel.devices.epoll_poller import EpollPoller

MOST_LOOKS = 20  # what a kernel may take to do next to nothing; one that spins takes thousands
WHILE = 0.2  # seconds in which one that spins would


class Counting(EpollPoller):
    """Counts how often the system is asked, and told."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.armed = 0

    def poll(self, timeout: float | None) -> list[Event]:
        self.looks += 1
        return super().poll(timeout)

    def _arm(self, fd: int) -> None:
        self.armed += 1
        super()._arm(fd)


def connected() -> tuple[Stream, socket.socket]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    return Stream.of_socket(ours, "the peer"), theirs


async def receive(stream: Stream) -> bytes:
    return await stream.read()


def test_the_system_is_told_once_for_many_messages() -> None:
    poller = Counting()
    stream, peer = connected()

    async def main() -> None:
        task = await spawn(echo(stream))
        for number in range(100):
            await sleep(0.0001)  # now the stream is waited for
            peer.send(b"%d" % number)
            await sleep(0.001)
            assert peer.recv(100) == b"%d" % number
        peer.close()
        await task
        stream.close()

    run(main(), poller=poller)
    assert poller.armed < 10


def test_messages_that_nobody_reads_yet_do_not_keep_the_kernel_busy() -> None:
    poller = Counting()
    stream, peer = connected()

    async def main() -> bytes:
        peer.send(b"one")
        first = await stream.read()
        peer.send(b"two")
        await sleep(WHILE)
        async with stream:
            return first + await stream.read()

    with peer:
        assert run(main(), poller=poller) == b"onetwo"
    assert poller.looks < MOST_LOOKS


@pytest.mark.parametrize("closing", [True, False], ids=["closed", "thrown away"])
def test_a_stream_of_which_another_process_has_a_copy(closing: bool) -> None:
    """What epoll watches is the file, which lives on in the copy, and would be told of under the number for ever."""
    poller = Counting()
    stream, peer = connected()
    copy = os.dup(stream.fileno())

    async def main() -> tuple[bytes, bytes]:
        nonlocal stream
        peer.send(b"one")
        first = await stream.read()
        number = stream.fileno()
        if closing:
            stream.close()
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                del stream
                gc.collect()
        if not closing:
            peer.send(b"of no one's interest")
            await sleep(WHILE)
        other, its_peer = connected()
        assert other.fileno() == number  # which is why it matters
        task = await spawn(receive(other))
        await sleep(0)
        if closing:
            peer.send(b"of no one's interest")
        await sleep(WHILE)
        its_peer.send(b"two")
        with its_peer:
            async with other:
                return first, await task

    with peer:
        assert run(main(), poller=poller) == (b"one", b"two")
    os.close(copy)
    assert poller.looks < MOST_LOOKS


def test_a_stream_that_was_written_and_read_at_a_time_leaves_nothing_behind() -> None:
    """Waiting to write arms the descriptor in another way; closing it has to disarm it all the same."""
    poller = Counting()
    stream, peer = connected()
    copy = os.dup(stream.fileno())
    data = bytes(4_000_000)

    async def main() -> bytes:
        reading = await spawn(receive(stream))
        await sleep(0)  # now it waits, registered to stay
        writing = await spawn(write(stream))
        await sleep(0)
        peer.setblocking(False)
        left = len(data)
        while left:
            try:
                left -= len(peer.recv(1_000_000))
            except BlockingIOError:
                await sleep(0.001)
        await writing
        peer.send(b"one")
        assert await reading == b"one"
        number = stream.fileno()
        stream.close()
        other, its_peer = connected()
        assert other.fileno() == number
        task = await spawn(receive(other))
        await sleep(0)
        peer.send(b"of no one's interest")
        looks = poller.looks
        await sleep(WHILE)
        assert poller.looks - looks < MOST_LOOKS
        its_peer.send(b"two")
        with its_peer:
            async with other:
                return await task

    async def write(stream: Stream) -> None:
        await stream.write_all(data)

    with peer:
        assert run(main(), poller=poller) == b"two"
    os.close(copy)


@pytest.mark.parametrize("behind_its_back", [False, True])
def test_a_number_that_has_come_to_mean_another_stream(behind_its_back: bool) -> None:
    async def main() -> list[bytes]:
        received = []
        for _ in range(3):
            stream, peer = connected()
            with peer:
                for message in b"one", b"two":
                    task = await spawn(receive(stream))
                    await sleep(0)
                    peer.send(message)
                    received.append(await task)
            if behind_its_back:
                os.close(stream.fileno())
                kept.append(stream)
            else:
                stream.close()
        return received

    kept: list[Stream] = []
    assert run(main(), poller=Counting()) == [b"one", b"two"] * 3
    for stream in kept:
        with pytest.raises(OSError):
            stream.close()


def test_the_registration_of_one_stream_is_not_taken_for_that_of_the_next_with_its_number() -> None:
    """The program closes the descriptor of a stream itself. Its number comes to mean another file."""
    poller = Counting()
    stream, peer = connected()

    async def main() -> bytes:
        peer.send(b"one")
        assert await stream.read() == b"one"
        number = stream.fileno()
        assert isinstance(stream.channel, SocketChannel)
        os.close(stream.channel.socket.detach())
        other, its_peer = connected()
        assert other.fileno() == number
        task = await spawn(receive(other))
        await sleep(WHILE)
        its_peer.send(b"two")
        with its_peer:
            async with other:
                return await task

    with peer:
        assert run(main(), poller=poller) == b"two"
    assert poller.looks < MOST_LOOKS
