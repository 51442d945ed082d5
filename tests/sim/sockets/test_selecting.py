"""Blocking programs that ask which of their sockets are ready: `select`, `poll`, `epoll`, and `selectors` over them."""

from __future__ import annotations

import errno
import select
import selectors
import time

import pytest

from kernel import TaskGroup, run_in_thread, sleep
from tests.support.socket_cases import connected, fails, pair

READ, WRITE = select.POLLIN, select.POLLOUT


async def test_select() -> None:
    with pair() as (one, other):
        assert select.select([one], [one], [one], 0) == ([], [one], [])
        other.send(b"x")
        assert select.select([other, one], [], [], 5) == ([one], [], [])
        assert select.select([one.fileno()], [], []) == ([one.fileno()], [], [])


async def test_select_ends_after_its_time() -> None:
    with pair() as (one, _):
        began = time.monotonic()
        assert select.select([one], [], [], 0.05) == ([], [], [])
        assert time.monotonic() - began >= 0.04


async def test_select_with_a_closed_socket() -> None:
    with pair() as (one, _):
        one.close()
        with pytest.raises(ValueError):
            select.select([one], [], [], 0)


async def test_poll() -> None:
    with pair() as (one, other):
        poll = select.poll()
        poll.register(one, READ)
        assert poll.poll(0) == [] and poll.poll(10) == []
        other.send(b"x")
        assert poll.poll() == [(one.fileno(), READ)]
        poll.modify(one, READ | WRITE)
        assert poll.poll(1000) == [(one.fileno(), READ | WRITE)]
        one.recv(1)
        assert poll.poll(1000) == [(one.fileno(), WRITE)]
        poll.unregister(one)
        assert poll.poll(0) == []
        with pytest.raises(KeyError):
            poll.unregister(one)
        with fails(errno.ENOENT):
            poll.modify(one, READ)


async def test_poll_is_told_of_the_end_of_a_connection() -> None:
    with pair() as (one, other):
        poll = select.poll()
        poll.register(one, 0)
        other.close()
        assert poll.poll(1000) == [(one.fileno(), select.POLLHUP)]
        number = one.fileno()
        one.close()
        assert poll.poll(1000) == [(number, select.POLLNVAL)]


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="this system has no epoll")
async def test_epoll() -> None:
    with pair() as (one, other), select.epoll() as epoll:
        epoll.register(one, READ | WRITE)
        epoll.register(other.fileno(), READ)
        with fails(errno.EEXIST):
            epoll.register(one, READ)
        one.send(b"x")
        assert sorted(epoll.poll(1)) == sorted([(one.fileno(), WRITE), (other.fileno(), READ)])
        assert len(epoll.poll(1, 1)) == 1
        epoll.modify(one, WRITE | select.EPOLLONESHOT)
        other.recv(1)
        assert epoll.poll(1) == [(one.fileno(), WRITE)] and epoll.poll(0) == []
        epoll.unregister(other)
        with fails(errno.ENOENT):
            epoll.unregister(other)
        one.close()
        assert epoll.poll(0) == []


async def test_selectors() -> None:
    for name in "SelectSelector", "PollSelector", "EpollSelector", "DefaultSelector":
        if hasattr(selectors, name):  # some systems lack some
            use(getattr(selectors, name))


def use(make: type[selectors.DefaultSelector]) -> None:
    with pair() as (one, other), make() as selector:
        key = selector.register(one, selectors.EVENT_READ, "data")
        assert selector.select(0) == [] and selector.select(0.01) == []
        other.send(b"x")
        assert selector.select(5) == [(key, selectors.EVENT_READ)]
        key = selector.modify(one, selectors.EVENT_READ | selectors.EVENT_WRITE)
        assert selector.select() == [(key, selectors.EVENT_READ | selectors.EVENT_WRITE)]
        selector.unregister(one)
        assert not selector.get_map()


async def test_a_thread_waits_for_two_sockets_and_others_go_on() -> None:
    async with connected() as (client, server):
        with pair() as (one, other):
            waiting = run_in_thread(lambda: [sock is one for sock in select.select([server, one], [], [], 10)[0]])

            async def speak() -> None:
                await sleep(0.05)
                other.send(b"x")

            async with TaskGroup() as group:
                await group.spawn(speak())
                assert await waiting == [True]
