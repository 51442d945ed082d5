"""A socket connects, or cannot."""

from __future__ import annotations

import errno
import socket

import pytest

from kernel import sleep, wait_readable, wait_writable
from tests.support.socket_cases import (ANY_PORT, LOCALHOST, accept, bound, closed_port, connect, connected, fails,
                                        listening, make, pending_error, receive, receive_exactly)


async def test_connecting_takes_a_while_and_then_succeeds() -> None:
    with listening() as listener, make() as client:
        with fails(errno.EINPROGRESS):
            client.connect(listener.getsockname())
        await wait_writable(client)
        assert pending_error(client) == 0
        with await accept(listener) as server:
            assert server.getpeername() == client.getsockname()
            assert server.getsockname() == client.getpeername() == listener.getsockname()


async def test_connect_again_after_success_is_zero_once() -> None:
    with listening() as listener, make() as client:
        assert client.connect_ex(listener.getsockname()) == errno.EINPROGRESS
        await wait_writable(client)
        assert client.connect_ex(listener.getsockname()) == 0
        assert client.connect_ex(listener.getsockname()) == errno.EISCONN
        with fails(errno.EISCONN):
            client.connect((LOCALHOST, closed_port()))


async def test_refused() -> None:
    with make() as client:
        assert client.connect_ex((LOCALHOST, closed_port())) == errno.EINPROGRESS
        await wait_writable(client)
        assert pending_error(client) == errno.ECONNREFUSED
        assert pending_error(client) == 0


async def test_refused_as_told_by_another_connect() -> None:
    address = LOCALHOST, closed_port()
    with make() as client:
        assert client.connect_ex(address) == errno.EINPROGRESS
        await wait_writable(client)
        with fails(errno.ECONNREFUSED):
            client.connect(address)
        assert pending_error(client) == 0


async def test_refused_as_told_by_recv() -> None:
    with make() as client:
        assert client.connect_ex((LOCALHOST, closed_port())) == errno.EINPROGRESS
        await wait_readable(client)
        with fails(errno.ECONNREFUSED):
            client.recv(1)
        assert client.recv(1) == b""


async def test_refused_as_told_by_send() -> None:
    with make() as client:
        assert client.connect_ex((LOCALHOST, closed_port())) == errno.EINPROGRESS
        await wait_writable(client)
        with fails(errno.ECONNREFUSED):
            client.send(b"x")
        with fails(errno.EPIPE):
            client.send(b"x")


async def test_a_refused_socket_can_connect_elsewhere() -> None:
    with listening() as listener, make() as client:
        with fails(errno.ECONNREFUSED):
            await connect(client, (LOCALHOST, closed_port()))
        # The first call after the refusal says that it was aborted, if nobody has.
        code = client.connect_ex(listener.getsockname())
        if code == errno.ECONNABORTED:
            code = client.connect_ex(listener.getsockname())
        assert code == errno.EINPROGRESS
        await wait_writable(client)
        assert pending_error(client) == 0
        (await accept(listener)).close()


async def test_nobody_is_connected_yet() -> None:
    with make() as client:
        with fails(errno.ENOTCONN):
            client.getpeername()
        with fails(errno.EPIPE):
            client.send(b"x")
        with fails(errno.ENOTCONN):
            client.recv(1)
        with fails(errno.ENOTCONN):
            client.shutdown(socket.SHUT_WR)
        assert pending_error(client) == 0


async def test_a_new_socket_is_readable_and_writable() -> None:
    with make() as client:  # it has hung up, as select() and poll() say of it
        await wait_writable(client)
        await wait_readable(client)


async def test_sending_while_connecting_waits() -> None:
    with listening() as listener, make() as client:
        assert client.connect_ex(listener.getsockname()) == errno.EINPROGRESS
        try:
            client.send(b"x")
        except BlockingIOError as error:
            assert error.errno == errno.EAGAIN
        await wait_writable(client)
        with await accept(listener) as server:
            client.send(b"y")
            assert (await receive(server)).endswith(b"y")


async def test_names_before_and_after() -> None:
    with make() as client, listening() as listener:
        assert client.getsockname() == ("0.0.0.0", 0)
        await connect(client, listener.getsockname())
        host, port = client.getsockname()
        assert host == LOCALHOST and port > 0
        assert client.getpeername() == listener.getsockname()
        with fails(errno.ENOTCONN):
            listener.getpeername()


async def test_the_peer_has_a_name_until_the_connection_has_ended() -> None:
    async with connected() as (client, server):
        server.close()
        assert await receive(client) == b""
        client.getpeername()
        client.shutdown(socket.SHUT_WR)
        for _ in range(1000):
            if has_peer(client):
                await sleep(0.01)
        with fails(errno.ENOTCONN):
            client.getpeername()


def has_peer(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


async def test_bound_before_connecting() -> None:
    with listening() as listener, make() as client:
        client.bind(ANY_PORT)
        own = client.getsockname()
        assert own[1] > 0
        await connect(client, listener.getsockname())
        with await accept(listener) as server:
            assert server.getpeername() == own


async def test_bound_to_all_addresses_then_connected() -> None:
    with listening(("0.0.0.0", 0)) as listener, make() as client:
        host, port = listener.getsockname()
        assert host == "0.0.0.0"
        client.bind(("", 0))
        assert client.getsockname()[0] == "0.0.0.0"
        await connect(client, (LOCALHOST, port))
        assert client.getsockname()[0] == LOCALHOST
        with await accept(listener) as server:
            assert server.getsockname() == (LOCALHOST, port)


async def test_to_all_addresses_is_to_this_host() -> None:
    with listening() as listener, make() as client:
        await connect(client, ("0.0.0.0", listener.getsockname()[1]))
        assert client.getpeername() == listener.getsockname()


async def test_by_the_name_of_the_host() -> None:
    with listening() as listener, make() as client:
        await connect(client, ("localhost", listener.getsockname()[1]))
        assert client.getpeername() == listener.getsockname()


async def test_other_loopback_addresses() -> None:
    with listening(("127.0.0.2", 0)) as listener, make() as client, make() as other:
        await connect(client, listener.getsockname())
        assert client.getpeername()[0] == "127.0.0.2"
        assert client.getsockname()[0] == LOCALHOST
        with fails(errno.ECONNREFUSED):
            await connect(other, (LOCALHOST, listener.getsockname()[1]))


async def test_to_its_own_port() -> None:
    with make() as client:
        client.bind(ANY_PORT)
        await connect(client, client.getsockname())  # a simultaneous open
        assert client.getpeername() == client.getsockname()
        client.send(b"hello")
        assert await receive_exactly(client, 5) == b"hello"


async def test_a_port_in_use() -> None:
    with listening() as listener, make() as other:
        with fails(errno.EADDRINUSE):
            other.bind(listener.getsockname())
        with fails(errno.EADDRINUSE):
            other.bind(("", listener.getsockname()[1]))
        other.bind(("127.0.0.2", listener.getsockname()[1]))


async def test_reusing_an_address() -> None:
    with make() as first, make() as second:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first.bind(ANY_PORT)
        second.bind(first.getsockname())  # two may be bound
        first.listen()
        with fails(errno.EADDRINUSE):  # but one listens
            second.listen()


async def test_a_port_is_free_after_its_listener() -> None:
    with listening() as listener:
        address = listener.getsockname()
    with make() as other:
        other.bind(address)
        assert other.getsockname() == address


async def test_a_port_stays_in_use_by_its_connections() -> None:
    with listening() as listener, make() as client:
        await connect(client, listener.getsockname())
        with await accept(listener) as server, make() as other:
            address = listener.getsockname()
            listener.close()
            with fails(errno.EADDRINUSE):
                other.bind(address)
            assert server.getsockname() == address


async def test_a_port_stays_in_use_for_a_while_after_its_connections() -> None:
    with make() as listener, make() as client:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(ANY_PORT)
        listener.listen()
        address = listener.getsockname()
        await connect(client, address)
        with await accept(listener) as server:
            server.close()  # first: so this side waits for what may still be on its way
            assert await receive(client) == b""
            client.close()
            listener.close()
            await sleep(0.1)
        with make() as again:
            with fails(errno.EADDRINUSE):
                again.bind(address)
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(address)


async def test_reusing_the_address_of_a_connection() -> None:
    with make() as listener, make() as client:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(ANY_PORT)
        listener.listen()
        address = listener.getsockname()
        await connect(client, address)
        with await accept(listener), make() as other, make() as second:
            listener.close()
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(address)
            other.listen()
            await connect(second, address)
            (await accept(other)).close()


async def test_bound_twice() -> None:
    with make() as sock:
        sock.bind(ANY_PORT)
        with fails(errno.EINVAL):
            sock.bind(ANY_PORT)


async def test_an_address_of_nobody() -> None:
    with make() as sock:
        with fails(errno.EADDRNOTAVAIL):
            sock.bind(("203.0.113.9", 0))


async def test_ports_of_datagrams_are_others() -> None:
    with listening() as listener, bound(listener.getsockname()) as datagrams:
        assert datagrams.getsockname() == listener.getsockname()


async def test_port_out_of_range() -> None:
    with make() as sock:
        for call in sock.bind, sock.connect:
            for port in -1, 65536:
                with pytest.raises(OverflowError):
                    call((LOCALHOST, port))


async def test_an_address_of_another_form() -> None:
    with make() as sock:
        for address in LOCALHOST, (LOCALHOST,), (LOCALHOST, 1, 2, 3, 4), (LOCALHOST, "1"), None, (1, 2):
            with pytest.raises(TypeError):
                sock.connect(address)  # type: ignore[arg-type]


async def test_over_ipv6() -> None:
    with listening(("::1", 0), family=socket.AF_INET6) as listener, make(socket.AF_INET6) as client:
        assert client.getsockname() == ("::", 0, 0, 0)
        await connect(client, listener.getsockname()[:2])
        with await accept(listener) as server:
            assert server.getpeername() == client.getsockname()
            assert client.getpeername() == listener.getsockname() == ("::1", listener.getsockname()[1], 0, 0)
            client.send(b"six")
            assert await receive_exactly(server, 3) == b"six"
        address = listener.getsockname()
    with fails(errno.ECONNREFUSED), make(socket.AF_INET6) as other:
        await connect(other, address)


async def test_the_other_family_is_refused() -> None:
    with listening() as listener, make(socket.AF_INET6) as client:
        with fails(errno.ECONNREFUSED):
            await connect(client, ("::1", listener.getsockname()[1]))


async def test_create_connection() -> None:
    with listening() as listener:
        with socket.create_connection(listener.getsockname(), timeout=10) as client:
            assert client.gettimeout() == 10
            with await accept(listener) as server:
                client.sendall(b"hello")
                assert await receive_exactly(server, 5) == b"hello"


async def test_create_connection_from_an_address() -> None:
    with listening() as listener:
        with socket.create_connection(listener.getsockname(), source_address=("127.0.0.3", 0)) as client:
            assert client.getsockname()[0] == "127.0.0.3"
            with await accept(listener) as server:
                assert server.getpeername() == client.getsockname()


async def test_create_connection_to_nobody() -> None:
    with fails(errno.ECONNREFUSED):
        socket.create_connection((LOCALHOST, closed_port()))
