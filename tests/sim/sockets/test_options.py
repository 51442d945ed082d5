"""Options of sockets: what programs set, and what they get."""

from __future__ import annotations

import errno
import os
import socket
import struct

import pytest

from tests.support.socket_cases import accept, bound, connect, fails, listening, make, pair

SOCKET, TCP, IPV6 = socket.SOL_SOCKET, socket.IPPROTO_TCP, socket.IPPROTO_IPV6


async def test_switches_are_off_and_can_be_set() -> None:
    with make() as sock:
        for level, option in ((SOCKET, socket.SO_REUSEADDR), (SOCKET, socket.SO_REUSEPORT),
                              (SOCKET, socket.SO_KEEPALIVE), (TCP, socket.TCP_NODELAY), (SOCKET, socket.SO_OOBINLINE)):
            assert sock.getsockopt(level, option) == 0
            sock.setsockopt(level, option, 1)
            assert sock.getsockopt(level, option) == 1
            sock.setsockopt(level, option, False)
            assert sock.getsockopt(level, option) == 0


async def test_a_switch_is_set_by_any_number() -> None:
    with make() as sock:
        sock.setsockopt(SOCKET, socket.SO_REUSEADDR, 5)
        assert sock.getsockopt(SOCKET, socket.SO_REUSEADDR) == 1


async def test_the_times_of_keeping_alive() -> None:
    with make() as sock:
        for option, default in (socket.TCP_KEEPIDLE, 7200), (socket.TCP_KEEPINTVL, 75), (socket.TCP_KEEPCNT, 9):
            assert sock.getsockopt(TCP, option) == default
            sock.setsockopt(TCP, option, 11)
            assert sock.getsockopt(TCP, option) == 11
        sock.setsockopt(TCP, socket.TCP_USER_TIMEOUT, 3000)
        assert sock.getsockopt(TCP, socket.TCP_USER_TIMEOUT) == 3000


async def test_what_a_socket_is() -> None:
    with make() as stream, make(kind=socket.SOCK_DGRAM) as datagrams, pair() as (left, _):
        for sock, family, kind, proto in ((stream, socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP),
                                          (datagrams, socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP),
                                          (left, socket.AF_UNIX, socket.SOCK_STREAM, 0)):
            assert sock.getsockopt(SOCKET, socket.SO_TYPE) == kind
            assert sock.getsockopt(SOCKET, socket.SO_DOMAIN) == family
            assert sock.getsockopt(SOCKET, socket.SO_PROTOCOL) == proto
            assert sock.getsockopt(SOCKET, socket.SO_ERROR) == 0
            assert sock.getsockopt(SOCKET, socket.SO_ACCEPTCONN) == 0
        with listening() as listener:
            assert listener.getsockopt(SOCKET, socket.SO_ACCEPTCONN) == 1


async def test_the_sizes_of_buffers_are_doubled() -> None:
    with make() as sock:
        for option in socket.SO_SNDBUF, socket.SO_RCVBUF:
            assert sock.getsockopt(SOCKET, option) > 10_000
            sock.setsockopt(SOCKET, option, 20_000)
            assert sock.getsockopt(SOCKET, option) == 40_000  # Linux counts what it needs itself
            sock.setsockopt(SOCKET, option, 0)
            assert 0 < sock.getsockopt(SOCKET, option) < 10_000


async def test_options_as_bytes() -> None:
    with make() as sock:
        sock.setsockopt(SOCKET, socket.SO_KEEPALIVE, (1).to_bytes(4, "little"))
        assert sock.getsockopt(SOCKET, socket.SO_KEEPALIVE, 4) == (1).to_bytes(4, "little")
        assert sock.getsockopt(SOCKET, socket.SO_LINGER, 8) == bytes(8)
        sock.setsockopt(SOCKET, socket.SO_LINGER, b"\1\0\0\0\5\0\0\0")
        assert sock.getsockopt(SOCKET, socket.SO_LINGER, 8) == b"\1\0\0\0\5\0\0\0"
        with fails(errno.EINVAL):
            sock.setsockopt(SOCKET, socket.SO_KEEPALIVE, b"x")
        with fails(errno.EINVAL):
            sock.setsockopt(SOCKET, socket.SO_LINGER, 1)


async def test_unknown_options() -> None:
    with make() as sock:
        with fails(errno.ENOPROTOOPT):
            sock.getsockopt(SOCKET, 9999)
        with fails(errno.ENOPROTOOPT):
            sock.setsockopt(TCP, 9999, 1)
        with pytest.raises(TypeError):
            sock.setsockopt(SOCKET, socket.SO_KEEPALIVE, "on")  # type: ignore[call-overload]
    with pair() as (left, _), fails(errno.EOPNOTSUPP):
        left.setsockopt(TCP, socket.TCP_NODELAY, 1)


async def test_options_of_tcp_on_a_socket_for_datagrams() -> None:
    with make(kind=socket.SOCK_DGRAM) as sock:
        with fails(errno.ENOPROTOOPT):
            sock.setsockopt(TCP, socket.TCP_NODELAY, 1)
        with fails(errno.EOPNOTSUPP):
            sock.getsockopt(TCP, socket.TCP_NODELAY)


async def test_an_accepted_socket_has_the_options_of_its_listener() -> None:
    with listening() as listener, make() as client:
        listener.setsockopt(SOCKET, socket.SO_KEEPALIVE, 1)
        listener.setsockopt(TCP, socket.TCP_NODELAY, 1)
        await connect(client, listener.getsockname())
        with await accept(listener) as server:
            assert server.getsockopt(SOCKET, socket.SO_KEEPALIVE) == 1
            assert server.getsockopt(TCP, socket.TCP_NODELAY) == 1
            assert client.getsockopt(TCP, socket.TCP_NODELAY) == 0


async def test_two_listeners_share_a_port() -> None:
    with make() as first, make() as second, make() as third:
        for sock in first, second:
            sock.setsockopt(SOCKET, socket.SO_REUSEPORT, 1)
        first.bind(("127.0.0.1", 0))
        second.bind(first.getsockname())
        first.listen()
        second.listen()
        with fails(errno.EADDRINUSE):
            third.bind(first.getsockname())


async def test_broadcasting_needs_permission() -> None:
    with bound(("", 0)) as sock:
        address = "255.255.255.255", sock.getsockname()[1]
        assert sock.getsockopt(SOCKET, socket.SO_BROADCAST) == 0
        with fails(errno.EACCES):
            sock.sendto(b"x", address)
        with fails(errno.EACCES):
            sock.connect(address)
        sock.setsockopt(SOCKET, socket.SO_BROADCAST, 1)
        assert sock.getsockopt(SOCKET, socket.SO_BROADCAST) == 1


async def test_ipv6_for_itself_or_for_both() -> None:
    with make(socket.AF_INET6) as sock:
        sock.setsockopt(IPV6, socket.IPV6_V6ONLY, 1)
        assert sock.getsockopt(IPV6, socket.IPV6_V6ONLY) == 1
        sock.bind(("::", 0))
        sock.listen()
        with make() as other:
            other.setsockopt(SOCKET, socket.SO_REUSEADDR, 1)  # a connection of another program may have ended there
            other.bind(("0.0.0.0", sock.getsockname()[1]))


async def test_ipv6_for_both_is_reached_by_ipv4() -> None:
    with make(socket.AF_INET6) as listener, make() as client, make() as other:
        listener.setsockopt(IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with fails(errno.EADDRINUSE):
            other.bind(("0.0.0.0", port))
        await connect(client, ("127.0.0.1", port))
        with await accept(listener) as server:
            assert server.getpeername()[0] == "::ffff:127.0.0.1"
            assert server.getpeername()[1] == client.getsockname()[1]


async def test_only_ipv6_is_not_reached_by_ipv4() -> None:
    with make(socket.AF_INET6) as listener, make() as client:
        listener.setsockopt(IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(("::", 0))
        listener.listen()
        with fails(errno.ECONNREFUSED):
            await connect(client, ("127.0.0.1", listener.getsockname()[1]))


async def test_types_of_service_and_hops() -> None:
    with make() as sock, make(socket.AF_INET6) as six:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x10)
        assert sock.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 0x10
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 7)
        assert sock.getsockopt(socket.IPPROTO_IP, socket.IP_TTL) == 7
        six.setsockopt(IPV6, socket.IPV6_UNICAST_HOPS, 9)
        assert six.getsockopt(IPV6, socket.IPV6_UNICAST_HOPS) == 9


async def test_credentials_of_a_pair() -> None:
    with pair() as (left, _):
        pid, uid, gid = struct.unpack("iii", left.getsockopt(SOCKET, socket.SO_PEERCRED, 12))
        assert (pid, uid, gid) == (os.getpid(), os.getuid(), os.getgid())
