"""What cannot be waited for is an error for the task that asks, and for no other."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import pytest

from kernel import Poller, VirtualClock, now, run, sleep, spawn, wait_readable, wait_writable


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
def test_a_regular_file_cannot_be_waited_for(poller: Poller) -> None:
    with tempfile.TemporaryFile() as file:
        message = bystander_survives(lambda: wait_readable(file), (OSError,), poller)
        assert f"descriptor {file.fileno()}" in message
