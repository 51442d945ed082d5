"""A socket listens and accepts."""

from __future__ import annotations

import errno
import socket

from kernel import sleep, wait_readable, wait_writable
from tests.support.socket_cases import (ANY_PORT, accept, bound, connect, fails, listening, make, pending_error,
                                        receive, receive_until_end)


async def test_nobody_to_accept() -> None:
    with listening() as listener, fails(errno.EAGAIN):
        listener.accept()


async def test_accepting_without_listening() -> None:
    with make() as sock:
        with fails(errno.EINVAL):
            sock.accept()
        sock.bind(ANY_PORT)
        with fails(errno.EINVAL):
            sock.accept()


async def test_datagrams_do_not_listen() -> None:
    with bound() as sock:
        with fails(errno.EOPNOTSUPP):
            sock.listen()
        with fails(errno.EOPNOTSUPP):
            sock.accept()


async def test_listening_without_an_address_gets_one() -> None:
    with make() as listener, make() as client:
        listener.listen()
        host, port = listener.getsockname()
        assert host == "0.0.0.0" and port > 0
        await connect(client, ("127.0.0.1", port))
        (await accept(listener)).close()


async def test_listening_again_changes_the_backlog() -> None:
    with listening() as listener, make() as client:
        listener.listen(1)
        listener.listen(50)
        await connect(client, listener.getsockname())
        (await accept(listener)).close()


async def test_a_bound_port_that_nobody_listens_at() -> None:
    with make() as sock, make() as client:
        sock.bind(ANY_PORT)
        with fails(errno.ECONNREFUSED):
            await connect(client, sock.getsockname())


async def test_an_accepted_socket_blocks_and_is_not_inherited() -> None:
    with listening() as listener, make() as client:
        await connect(client, listener.getsockname())
        await wait_readable(listener)
        server, address = listener.accept()
        with server:
            assert server.getblocking() and server.gettimeout() is None
            assert not server.get_inheritable()
            assert address == client.getsockname() == server.getpeername()
            assert (server.family, server.type, server.proto) == (socket.AF_INET, socket.SOCK_STREAM, 0)
            assert server.fileno() not in (listener.fileno(), client.fileno())


async def test_an_accepted_socket_has_the_default_timeout() -> None:
    with listening() as listener, make() as client:
        await connect(client, listener.getsockname())
        await wait_readable(listener)
        socket.setdefaulttimeout(7)
        try:
            server, _ = listener.accept()
        finally:
            socket.setdefaulttimeout(None)
        with server:
            assert server.gettimeout() == 7


async def test_connections_come_in_order() -> None:
    with listening() as listener:
        clients = [make() for _ in range(5)]
        for client in clients:
            await connect(client, listener.getsockname())
        for client in clients:
            with await accept(listener) as server, client:
                assert server.getpeername() == client.getsockname()


async def test_a_client_may_send_before_it_is_accepted() -> None:
    with listening() as listener, make() as client:
        await connect(client, listener.getsockname())
        client.send(b"early")
        client.close()
        with await accept(listener) as server:
            assert await receive_until_end(server) == b"early"


async def test_a_client_may_be_gone_before_it_is_accepted() -> None:
    with listening() as listener:
        with make() as client:
            await connect(client, listener.getsockname())
            own = client.getsockname()
        await wait_readable(listener)
        server, address = listener.accept()
        with server:
            assert address == own
            assert await receive(server) == b""


async def test_a_full_backlog_keeps_clients_waiting() -> None:
    with listening(backlog=0) as listener, make() as first, make() as second:
        await connect(first, listener.getsockname())
        assert second.connect_ex(listener.getsockname()) == errno.EINPROGRESS
        await sleep(0.1)
        assert second.connect_ex(listener.getsockname()) == errno.EALREADY
        assert pending_error(second) == 0
        with fails(errno.ENOTCONN):
            second.getpeername()
        with fails(errno.EAGAIN):
            second.recv(1)
        with fails(errno.EAGAIN):
            second.send(b"x")


async def test_a_full_backlog_lets_clients_in_later() -> None:
    with listening(backlog=0) as listener, make() as first, make() as second:
        await connect(first, listener.getsockname())
        assert second.connect_ex(listener.getsockname()) == errno.EINPROGRESS
        await sleep(0.1)
        (await accept(listener)).close()
        await wait_writable(second)  # after a second: it tries again
        assert pending_error(second) == 0
        with await accept(listener) as server:
            assert server.getpeername() == second.getsockname()


async def test_closing_a_listener_resets_who_waits_for_it() -> None:
    with make() as client:
        with listening() as listener:
            await connect(client, listener.getsockname())
            await wait_readable(listener)
        await wait_readable(client)
        with fails(errno.ECONNRESET):
            client.recv(1)


async def test_shutting_a_listener_down() -> None:
    with listening() as listener, make() as client:
        listener.shutdown(socket.SHUT_RDWR)
        with fails(errno.EINVAL):
            listener.accept()
        with fails(errno.ECONNREFUSED):
            await connect(client, listener.getsockname())


async def test_a_listener_does_not_connect_or_talk() -> None:
    with listening() as listener, listening() as other:
        with fails(errno.EISCONN):
            listener.connect(other.getsockname())
        with fails(errno.EPIPE):
            listener.send(b"x")
        with fails(errno.ENOTCONN):
            listener.recv(1)


async def test_who_is_connected_does_not_listen() -> None:
    with listening() as listener, make() as client:
        await connect(client, listener.getsockname())
        with await accept(listener):
            with fails(errno.EINVAL):
                client.listen()
            with fails(errno.EINVAL):
                client.accept()
            with fails(errno.EINVAL):
                client.bind(ANY_PORT)


async def test_a_duplicate_of_a_listener_accepts() -> None:
    with listening() as listener, make() as client, listener.dup() as other:
        listener.close()
        await connect(client, other.getsockname())
        (await accept(other)).close()


async def test_create_server() -> None:
    with socket.create_server(ANY_PORT) as server, make() as client:
        assert server.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 1
        assert server.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
        await connect(client, server.getsockname())
        (await accept(server)).close()
        with fails(errno.EADDRINUSE):
            socket.create_server(server.getsockname())


async def test_create_server_for_both_families() -> None:
    assert socket.has_dualstack_ipv6()
    with socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        for family, host in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
            with make(family) as client:
                await connect(client, (host, server.getsockname()[1]))
                (await accept(server)).close()
