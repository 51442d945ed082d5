"""Unix sockets: names are paths, or abstract."""

from __future__ import annotations

import errno
import os
import socket
import stat

import pytest

from kernel import sleep, wait_readable, wait_writable
from tests.support.socket_cases import (accept, bound, connected, directory, fails, listening, make, pair,
                                        receive, receive_until_end)

UNIX = socket.AF_UNIX


async def test_by_a_path() -> None:
    with directory() as folder:
        path = str(folder / "s")
        with listening(path, family=UNIX) as listener, make(UNIX) as client:
            assert client.connect_ex(path) == 0  # at once
            with await accept(listener) as server:
                assert client.getpeername() == server.getsockname() == listener.getsockname() == path
                assert client.getsockname() == server.getpeername() == ""
                client.send(b"hello")
                assert await receive(server) == b"hello"
                client.close()
                assert await receive(server) == b""


async def test_a_path_may_be_bytes() -> None:
    with directory() as folder:
        path = os.fsencode(folder / "s")
        with listening(path, family=UNIX) as listener, make(UNIX) as client:
            client.connect(path)
            assert client.getpeername() == os.fsdecode(path)
            (await accept(listener)).close()


async def test_accept_tells_the_name_of_the_client() -> None:
    with directory() as folder, listening(str(folder / "s"), family=UNIX) as listener:
        with make(UNIX) as named, make(UNIX) as unnamed:
            named.bind(str(folder / "c"))
            for client, name in (named, str(folder / "c")), (unnamed, ""):
                client.connect(listener.getsockname())
                await wait_readable(listener)
                server, address = listener.accept()
                with server:
                    assert address == server.getpeername() == name


async def test_a_missing_path() -> None:
    with directory() as folder, make(UNIX) as client:
        with fails(errno.ENOENT):
            client.connect(str(folder / "missing"))
        with fails(errno.ENOENT):
            client.bind(str(folder / "missing" / "s"))


async def test_a_path_of_no_socket() -> None:
    with directory() as folder, make(UNIX) as client:
        (folder / "file").write_text("no socket")
        with fails(errno.ECONNREFUSED):
            client.connect(str(folder / "file"))
        with fails(errno.EADDRINUSE):
            client.bind(str(folder / "file"))


async def test_a_path_is_there_and_stays() -> None:
    with directory() as folder:
        path = folder / "s"
        with listening(str(path), family=UNIX):
            assert stat.S_ISSOCK(path.stat().st_mode)
            with make(UNIX) as other, fails(errno.EADDRINUSE):
                other.bind(str(path))
        assert path.exists()
        with make(UNIX) as client, fails(errno.ECONNREFUSED):
            client.connect(str(path))
        with make(UNIX) as other:
            with fails(errno.EADDRINUSE):
                other.bind(str(path))
            path.unlink()
            other.bind(str(path))
            assert path.exists()


async def test_a_path_that_was_removed_is_reached_no_more() -> None:
    with directory() as folder:
        path = folder / "s"
        with listening(str(path), family=UNIX) as listener, make(UNIX) as client:
            path.unlink()
            with fails(errno.ENOENT):
                client.connect(str(path))
            assert listener.getsockname() == str(path)


async def test_a_new_listener_takes_a_removed_path() -> None:
    with directory() as folder:
        path = folder / "s"
        with listening(str(path), family=UNIX) as old:
            path.unlink()
            with listening(str(path), family=UNIX) as new, make(UNIX) as client:
                client.connect(str(path))
                (await accept(new)).close()
                with fails(errno.EAGAIN):
                    old.accept()


async def test_a_renamed_path() -> None:
    with directory() as folder:
        with listening(str(folder / "old"), family=UNIX) as listener, make(UNIX) as client:
            (folder / "old").rename(folder / "new")
            client.connect(str(folder / "new"))
            assert client.getpeername() == str(folder / "old")
            (await accept(listener)).close()


async def test_a_bound_path_that_nobody_listens_at() -> None:
    with directory() as folder, make(UNIX) as sock, make(UNIX) as client:
        sock.bind(str(folder / "s"))
        with fails(errno.ECONNREFUSED):
            client.connect(str(folder / "s"))


async def test_a_path_that_is_too_long() -> None:
    with make(UNIX) as sock, pytest.raises(OSError):
        sock.bind("/tmp/" + "x" * 200)


async def test_bound_twice() -> None:
    with directory() as folder, make(UNIX) as sock:
        sock.bind(str(folder / "s"))
        with fails(errno.EINVAL):
            sock.bind(str(folder / "t"))


async def test_an_abstract_name() -> None:
    name = b"\0trampoline-%d" % os.getpid()
    with listening(name, family=UNIX) as listener, make(UNIX) as client, make(UNIX) as other:
        assert listener.getsockname() == name
        with fails(errno.EADDRINUSE):
            other.bind(name)
        client.connect(name.decode())
        assert client.getpeername() == name
        (await accept(listener)).close()
    with make(UNIX) as client, fails(errno.ECONNREFUSED):
        client.connect(name)


async def test_a_name_that_the_system_gives() -> None:
    with make(UNIX) as sock, make(UNIX) as other:
        sock.bind("")
        name = sock.getsockname()
        assert isinstance(name, bytes) and name[:1] == b"\0" and len(name) == 6
        other.bind("")
        assert other.getsockname() != name


async def test_not_connected() -> None:
    with make(UNIX) as sock:
        with fails(errno.ENOTCONN):
            sock.getpeername()
        with fails(errno.ENOTCONN):
            sock.send(b"x")
        with fails(errno.EINVAL):
            sock.recv(1)
        with fails(errno.EINVAL):
            sock.accept()
        assert sock.getsockname() == ""


async def test_listening_without_a_name() -> None:
    with make(UNIX) as sock, fails(errno.EINVAL):
        sock.listen()


async def test_connected_twice() -> None:
    with directory() as folder, listening(str(folder / "s"), family=UNIX) as listener, make(UNIX) as client:
        client.connect(listener.getsockname())
        with fails(errno.EISCONN):
            client.connect(listener.getsockname())


async def test_a_full_backlog_refuses_for_now() -> None:
    with directory() as folder, listening(str(folder / "s"), family=UNIX, backlog=0) as listener:
        with make(UNIX) as first, make(UNIX) as second:
            first.connect(listener.getsockname())
            with fails(errno.EAGAIN):
                second.connect(listener.getsockname())
            (await accept(listener)).close()
            second.connect(listener.getsockname())


async def test_a_client_may_be_gone_before_it_is_accepted() -> None:
    with directory() as folder, listening(str(folder / "s"), family=UNIX) as listener:
        with make(UNIX) as client:
            client.connect(listener.getsockname())
            client.send(b"early")
        with await accept(listener) as server:
            assert await receive_until_end(server) == b"early"


async def test_closing_a_listener_resets_who_waits_for_it() -> None:
    with directory() as folder, make(UNIX) as client:
        with listening(str(folder / "s"), family=UNIX) as listener:
            client.connect(listener.getsockname())
        await wait_readable(client)
        with fails(errno.ECONNRESET):
            client.recv(1)


async def test_closing_with_unread_data() -> None:
    with directory() as folder:
        async with connected(UNIX, str(folder / "s")) as (client, server):
            client.send(b"unread")
            await wait_readable(server)
            server.close()
            await wait_readable(client)
            with fails(errno.ECONNRESET):
                client.recv(1)


async def test_datagrams_by_path() -> None:
    with directory() as folder, bound(str(folder / "a"), family=UNIX) as first:
        with bound(str(folder / "b"), family=UNIX) as second, make(UNIX, socket.SOCK_DGRAM) as unnamed:
            first.sendto(b"hello", str(folder / "b"))
            await wait_readable(second)
            assert second.recvfrom(10) == (b"hello", str(folder / "a"))
            unnamed.sendto(b"who", str(folder / "b"))
            await wait_readable(second)
            assert second.recvfrom(10) == (b"who", None)
            unnamed.connect(str(folder / "a"))
            unnamed.send(b"connected")
            assert await receive(first) == b"connected"
            assert unnamed.getpeername() == str(folder / "a")


async def test_datagrams_to_nobody() -> None:
    with directory() as folder, make(UNIX, socket.SOCK_DGRAM) as sock:
        path = str(folder / "s")
        with fails(errno.ENOENT):
            sock.sendto(b"x", path)
        bound(path, family=UNIX).close()
        with fails(errno.ECONNREFUSED):
            sock.sendto(b"x", path)
        with fails(errno.ENOTCONN):
            sock.send(b"x")


async def test_datagrams_to_who_is_connected_to_another() -> None:
    with directory() as folder, bound(str(folder / "a"), family=UNIX) as first:
        with bound(str(folder / "b"), family=UNIX) as second, bound(str(folder / "c"), family=UNIX) as third:
            first.connect(str(folder / "b"))
            with fails(errno.EPERM):
                third.sendto(b"x", str(folder / "a"))
            second.sendto(b"y", str(folder / "a"))
            assert await receive(first) == b"y"


async def test_datagrams_are_kept_until_the_queue_is_full() -> None:
    with directory() as folder, bound(str(folder / "a"), family=UNIX) as receiver:
        with make(UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(str(folder / "a"))
            count = 0
            try:
                while True:
                    sender.send(b"x")
                    count += 1
            except BlockingIOError:
                pass
            for _ in range(count):
                assert await receive(receiver) == b"x"  # none is lost
            await wait_writable(sender)
            sender.send(b"y")
            assert await receive(receiver) == b"y"


async def test_another_kind_of_socket() -> None:
    with directory() as folder, listening(str(folder / "s"), family=UNIX):
        with make(UNIX, socket.SOCK_DGRAM) as sock, fails(errno.EPROTOTYPE):
            sock.connect(str(folder / "s"))


async def test_datagrams_may_be_disconnected() -> None:
    with pair(kind=socket.SOCK_DGRAM) as (left, right):
        right.close()
        await sleep(0.1)
        with fails(errno.ECONNREFUSED):
            left.send(b"x")


async def test_descriptors_are_passed() -> None:
    with pair() as (left, right), pair() as (passed, other):
        assert socket.send_fds(left, [b"here"], [passed.fileno()]) == 4
        await wait_readable(right)
        data, fds, _, _ = socket.recv_fds(right, 10, 1)
        assert data == b"here" and len(fds) == 1
        with socket.socket(fileno=fds[0]) as received:
            passed.close()
            received.send(b"through")
            assert await receive(other) == b"through"
