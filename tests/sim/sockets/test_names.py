"""Names of hosts and services, and the addresses that they mean."""

from __future__ import annotations

import errno
import socket

import pytest

from tests.support.socket_cases import LOCALHOST, fails

INET, INET6, STREAM, DGRAM = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
TCP, UDP = socket.IPPROTO_TCP, socket.IPPROTO_UDP


def code_of(*args: object, **kwargs: object) -> int:
    """The number of the error of `getaddrinfo`."""
    with pytest.raises(socket.gaierror) as caught:
        socket.getaddrinfo(*args, **kwargs)  # type: ignore[arg-type]
    assert caught.value.errno is not None
    return caught.value.errno


async def test_a_numeric_address() -> None:
    assert socket.getaddrinfo(LOCALHOST, 80, type=STREAM) == [(INET, STREAM, TCP, "", (LOCALHOST, 80))]
    assert socket.getaddrinfo(LOCALHOST, 80, type=DGRAM) == [(INET, DGRAM, UDP, "", (LOCALHOST, 80))]
    assert socket.getaddrinfo("::1", 80, type=STREAM) == [(INET6, STREAM, TCP, "", ("::1", 80, 0, 0))]


async def test_all_types() -> None:
    assert socket.getaddrinfo(LOCALHOST, 80) == [(INET, STREAM, TCP, "", (LOCALHOST, 80)),
                                                 (INET, DGRAM, UDP, "", (LOCALHOST, 80)),
                                                 (INET, socket.SOCK_RAW, 0, "", (LOCALHOST, 80))]


async def test_a_protocol_chooses_the_type() -> None:
    assert socket.getaddrinfo(LOCALHOST, 80, proto=TCP) == [(INET, STREAM, TCP, "", (LOCALHOST, 80))]
    assert socket.getaddrinfo(LOCALHOST, 80, proto=UDP) == [(INET, DGRAM, UDP, "", (LOCALHOST, 80))]


async def test_enums_are_returned() -> None:
    family, kind, *_ = socket.getaddrinfo(LOCALHOST, 80)[0]
    assert isinstance(family, socket.AddressFamily) and isinstance(kind, socket.SocketKind)


async def test_ports_as_text_and_services() -> None:
    for port in 80, "80", b"80", "http":
        assert socket.getaddrinfo(LOCALHOST, port, type=STREAM)[0][4][1] == 80
    assert socket.getaddrinfo(LOCALHOST, None, type=STREAM)[0][4][1] == 0
    assert socket.getaddrinfo(LOCALHOST, "domain", type=DGRAM)[0][4][1] == 53


async def test_unknown_services() -> None:
    assert code_of(LOCALHOST, "no-such-service", type=STREAM) == socket.EAI_SERVICE
    assert code_of(LOCALHOST, "http", type=STREAM, flags=socket.AI_NUMERICSERV) == socket.EAI_NONAME


async def test_no_host_is_this_one() -> None:
    assert socket.getaddrinfo(None, 80, INET, STREAM) == [(INET, STREAM, TCP, "", (LOCALHOST, 80))]
    assert socket.getaddrinfo(None, 80, INET6, STREAM) == [(INET6, STREAM, TCP, "", ("::1", 80, 0, 0))]


async def test_no_host_is_all_addresses_for_a_server() -> None:
    passive = socket.AI_PASSIVE
    assert socket.getaddrinfo(None, 80, INET, STREAM, 0, passive) == [(INET, STREAM, TCP, "", ("0.0.0.0", 80))]
    assert socket.getaddrinfo(None, 80, INET6, STREAM, 0, passive) == [(INET6, STREAM, TCP, "", ("::", 80, 0, 0))]
    assert {family for family, *_ in socket.getaddrinfo(None, 80, type=STREAM, flags=passive)} == {INET, INET6}


async def test_localhost() -> None:
    assert socket.getaddrinfo("localhost", 80, INET, STREAM)[0] == (INET, STREAM, TCP, "", (LOCALHOST, 80))
    assert socket.gethostbyname("localhost") == LOCALHOST
    name, _, addresses = socket.gethostbyname_ex("localhost")
    assert name == "localhost" and LOCALHOST in addresses


async def test_a_name_may_be_bytes() -> None:
    assert socket.getaddrinfo(b"localhost", b"80", INET, STREAM)[0][4] == (LOCALHOST, 80)


async def test_the_canonical_name() -> None:
    assert socket.getaddrinfo(LOCALHOST, 80, INET, STREAM, 0, socket.AI_CANONNAME)[0][3] == LOCALHOST
    assert socket.getaddrinfo("localhost", 80, INET, STREAM, 0, socket.AI_CANONNAME)[0][3] == "localhost"


async def test_an_unknown_name() -> None:
    assert code_of("no-such-host.invalid", 80) in (socket.EAI_NONAME, socket.EAI_AGAIN)
    with pytest.raises(socket.gaierror):
        socket.gethostbyname("no-such-host.invalid")


async def test_a_name_where_a_number_has_to_be() -> None:
    assert code_of("localhost", 80, flags=socket.AI_NUMERICHOST) == socket.EAI_NONAME


async def test_an_address_of_the_other_family() -> None:
    assert code_of("::1", 80, INET) == socket.EAI_ADDRFAMILY
    assert code_of(LOCALHOST, 80, INET6) == socket.EAI_ADDRFAMILY
    assert code_of(LOCALHOST, 80, 12345) == socket.EAI_FAMILY


async def test_neither_host_nor_service() -> None:
    assert code_of(None, None) == socket.EAI_NONAME
    assert code_of("", 80) == socket.EAI_NONAME


async def test_mapped_addresses() -> None:
    assert socket.getaddrinfo("::ffff:127.0.0.1", 80, INET6, STREAM)[0][4] == ("::ffff:127.0.0.1", 80, 0, 0)
    mapped = socket.getaddrinfo(LOCALHOST, 80, INET6, STREAM, 0, socket.AI_V4MAPPED)
    assert mapped == [(INET6, STREAM, TCP, "", ("::ffff:127.0.0.1", 80, 0, 0))]


async def test_types_that_do_not_go_together() -> None:
    assert code_of(LOCALHOST, 80, 0, STREAM, UDP) == socket.EAI_SOCKTYPE
    assert code_of(LOCALHOST, 80, 0, 99) == socket.EAI_SOCKTYPE


async def test_short_forms_of_addresses() -> None:
    assert socket.getaddrinfo("127.1", 80, type=STREAM)[0][4] == (LOCALHOST, 80)
    assert socket.getaddrinfo("0:0:0:0:0:0:0:1", 80, type=STREAM)[0][4] == ("::1", 80, 0, 0)


async def test_back_to_names() -> None:
    numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    assert socket.getnameinfo((LOCALHOST, 80), numeric) == (LOCALHOST, "80")
    assert socket.getnameinfo(("::1", 80), numeric) == ("::1", "80")
    assert socket.getnameinfo((LOCALHOST, 80), socket.NI_NUMERICHOST) == (LOCALHOST, "http")
    assert socket.getnameinfo((LOCALHOST, 53), socket.NI_NUMERICHOST | socket.NI_DGRAM) == (LOCALHOST, "domain")
    assert socket.getnameinfo((LOCALHOST, 80), socket.NI_NUMERICSERV)[0] == "localhost"


async def test_back_to_names_from_a_name() -> None:
    with pytest.raises(socket.gaierror):
        socket.getnameinfo(("no-such-host.invalid", 80), 0)
    with pytest.raises(TypeError):
        socket.getnameinfo(LOCALHOST, 0)  # type: ignore[arg-type]


async def test_the_names_of_an_address() -> None:
    name, _, addresses = socket.gethostbyaddr(LOCALHOST)
    assert name == "localhost" and addresses == [LOCALHOST]


async def test_the_name_of_this_host() -> None:
    assert isinstance(socket.gethostname(), str) and socket.gethostname()
    assert isinstance(socket.getfqdn(), str)


async def test_services_and_protocols() -> None:
    assert socket.getservbyname("http", "tcp") == 80
    assert socket.getservbyport(80) == "http"
    assert socket.getprotobyname("tcp") == TCP
    with pytest.raises(OSError):
        socket.getservbyname("no-such-service")


async def test_addresses_as_bytes() -> None:
    assert socket.inet_aton(LOCALHOST) == b"\x7f\0\0\1"
    assert socket.inet_ntoa(b"\x7f\0\0\1") == LOCALHOST
    assert socket.inet_pton(INET6, "::1") == bytes(15) + b"\1"
    assert socket.inet_ntop(INET6, bytes(15) + b"\1") == "::1"
    with pytest.raises(OSError):
        socket.inet_aton("no address")
    assert socket.htons(80) != 80 and socket.ntohs(socket.htons(80)) == 80


async def test_connecting_by_an_unknown_name() -> None:
    with socket.socket() as sock, pytest.raises(socket.gaierror):
        sock.connect(("no-such-host.invalid", 80))
    with socket.socket() as sock, pytest.raises(socket.gaierror):
        sock.bind(("no-such-host.invalid", 80))
    with socket.socket() as sock, fails(errno.EADDRNOTAVAIL):
        sock.bind(("198.51.100.7", 0))
