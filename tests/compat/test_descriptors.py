"""Descriptors and child processes of the facade where the system's own numbers are used again."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from typing import Any

import pytest

import compat


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
