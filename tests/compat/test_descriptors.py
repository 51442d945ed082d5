"""Descriptors that are closed while the loop watches them, and numbers that the system uses again."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
import threading
from typing import Any

import pytest

import compat
from tests.compat.loops import note_reports


def test_a_descriptor_closed_while_watched_is_reported() -> None:
    async def main() -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        told = loop.create_future()
        loop.set_exception_handler(lambda loop, context: told.set_result(context))
        left, right = socket.socketpair()
        loop.add_reader(left, lambda: None)
        left.close()
        with right:
            return await told  # type: ignore[no-any-return]

    assert compat.run(main())["message"] == "A watched file descriptor was closed"


def test_a_socket_closed_while_watched_gives_way_to_another_of_its_number() -> None:
    async def main() -> bytes:
        loop = asyncio.get_running_loop()
        left, right = socket.socketpair()
        number = left.fileno()
        loop.add_reader(number, lambda: None)
        left.close()
        again, peer = socket.socketpair()
        os.dup2(again.fileno(), number)
        arrived = loop.create_future()
        loop.add_reader(number, lambda: arrived.set_result(os.read(number, 100)))
        peer.send(b"mail")
        received: bytes = await arrived
        loop.remove_reader(number)
        if again.fileno() != number:
            os.close(number)
        for sock in again, peer, right:
            sock.close()
        return received

    assert compat.run(main()) == b"mail"


def test_without_pidfd_a_child_is_not_reaped_before_the_loop_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_pidfd(pid: int, flags: int = 0) -> int:
        raise OSError("an old system")

    monkeypatch.setattr(os, "pidfd_open", no_pidfd, raising=False)

    async def main() -> tuple[int | None, int, int]:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
        watchers = [thread for thread in threading.enumerate() if thread.name == f"child {process.pid}"]
        process.kill()
        for thread in watchers:
            thread.join(30)
        # The thread has seen it end, and the loop, busy here, not: the number still is that of the child.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        return process.returncode, len(watchers), await process.wait()

    assert compat.run(main()) == (None, 1, -9)


@pytest.mark.parametrize("writing", [False, True])
def test_a_closed_socket_is_taken_from_the_watched_ones(writing: bool) -> None:
    """It has no number any more, and is known as the object that was given to `add_reader`; found by anyio's suite."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        add, remove = (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
        first, second = socket.socketpair()
        number = first.fileno()
        with first, second:
            add(first, print)
        assert remove(first) is True
        with pytest.raises(ValueError, match="-1"):
            remove(first)
        assert remove(number) is False

    compat.run(main())


def test_a_closed_socket_does_not_stand_for_the_next_of_its_number() -> None:
    async def main() -> bytes:
        loop = asyncio.get_running_loop()
        closed, other = socket.socketpair()
        loop.add_reader(closed, print)
        number = closed.fileno()
        closed.close()
        other.close()
        left, right = socket.socketpair()
        with left, right:
            assert left.fileno() == number
            told = loop.create_future()
            loop.add_reader(left.fileno(), told.set_result, None)
            with pytest.raises(ValueError, match="-1"):
                loop.remove_reader(closed)
            right.send(b"x")
            async with asyncio.timeout(10):
                await told
            assert loop.remove_reader(left)
            return left.recv(1)

    assert compat.run(main()) == b"x"


@pytest.mark.parametrize("writing", [False, True])
def test_taking_one_of_two_listeners_from_a_closed_descriptor(writing: bool) -> None:
    """The other cannot be kept, which is an error, and is told once; found by tornado's suite."""

    async def main() -> list[object]:
        loop = asyncio.get_running_loop()
        told: list[Any] = note_reports()
        left, right = socket.socketpair()
        number = left.fileno()
        loop.add_reader(number, told.append, "readable")
        loop.add_writer(number, told.append, "writable")
        left.close()
        with pytest.raises(OSError) as raised:
            (loop.remove_writer if writing else loop.remove_reader)(number)
        assert raised.value.errno == errno.EBADF
        assert not loop.remove_reader(number)
        assert not loop.remove_writer(number)
        await asyncio.sleep(0.001)
        right.close()
        return told

    assert compat.run(main()) == asyncio.run(main()) == []
