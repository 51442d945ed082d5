"""The names of a simulated world: what `socket.getaddrinfo` and its like answer in a run.

Known are "localhost", the names of the hosts, what `world.names` has, and addresses as numbers. Errors are those of a
real system, which does not know a name either.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import lru_cache
from typing import Any

from .wires import Network

_real_service = socket.getservbyname
_KINDS = ((socket.SOCK_STREAM, socket.IPPROTO_TCP), (socket.SOCK_DGRAM, socket.IPPROTO_UDP), (socket.SOCK_RAW, 0))


def unknown(name: object) -> socket.gaierror:
    return socket.gaierror(socket.EAI_NONAME, f"Name or service not known: no host of the simulated world is called "
                                              f"{name!r}; kernel.sim.world.host(name) makes one")


@lru_cache(1000)
@lru_cache(1024)  # each datagram asks
def numeric(host: str) -> tuple[int, str] | None:
    """The family and the usual form of an address that is written as a number."""
    with suppress(OSError, ValueError, UnicodeError):
        return socket.AF_INET, socket.inet_ntoa(socket.inet_aton(host))
    with suppress(OSError, ValueError, UnicodeError):
        return socket.AF_INET6, socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6,
                                                                                   host.partition("%")[0]))
    return None


def addresses(network: Network, host: str) -> list[tuple[int, str]]:
    """The families and addresses of a host, in the order of a real system."""
    found = numeric(host)
    if found is not None:
        return [found]
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return [(socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")]
    address = network.names.get(host) or network.names.get(name)
    if address is None:
        raise unknown(host)
    return [numeric(address) or (socket.AF_INET, address)]


def look_up(network: Network, host: str, family: int) -> str:
    """The address of a host in one family, as `bind` and `connect` look it up themselves."""
    if host == "":
        return "0.0.0.0" if family == socket.AF_INET else "::"
    if host == "<broadcast>":
        return "255.255.255.255"
    for kind, address in addresses(network, host):
        if kind == family:
            return address
    raise socket.gaierror(socket.EAI_ADDRFAMILY, "Address family for hostname not supported")


def getaddrinfo(network: Network, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0,
                flags: int = 0) -> list[tuple[Any, ...]]:
    """`socket.getaddrinfo` in a run."""
    name = _text(host)
    number = _port(port, type, flags)
    if not name and (name is not None or port is None):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    if family not in (0, socket.AF_INET, socket.AF_INET6):
        raise socket.gaierror(socket.EAI_FAMILY, "ai_family not supported")
    if name is None:
        found: list[tuple[int, str]] = [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")]
        if not flags & socket.AI_PASSIVE:
            found = [(socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")]
    elif flags & socket.AI_NUMERICHOST and numeric(name) is None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    else:
        found = addresses(network, name)
    if family == socket.AF_INET6 and flags & socket.AI_V4MAPPED and not any(one[0] == family for one in found):
        found = [(family, f"::ffff:{address}") for _, address in found]
    chosen = [one for one in found if family in (0, one[0])]
    if not chosen:
        raise socket.gaierror(socket.EAI_ADDRFAMILY, "Address family for hostname not supported")
    kinds = [(kind, protocol) for kind, protocol in _KINDS
             if type in (0, kind) and (proto in (0, protocol) or not protocol and type)]
    if not kinds:
        raise socket.gaierror(socket.EAI_SOCKTYPE, "ai_socktype not supported")
    canonical = name or ""
    rows: list[tuple[Any, ...]] = []
    for kind_of_address, address in chosen:
        for kind, protocol in kinds:
            row = (address, number) if kind_of_address == socket.AF_INET else (address, number, 0, 0)
            shown = canonical if flags & socket.AI_CANONNAME and not rows else ""
            rows.append((socket.AddressFamily(kind_of_address), socket.SocketKind(kind), protocol or proto, shown, row))
    return rows


def _text(host: Any) -> str | None:
    if host is None or isinstance(host, str):
        if host:
            host.encode("idna")  # raises UnicodeError, as the real one does, for what is no name
        return host
    if isinstance(host, (bytes, bytearray)):
        return bytes(host).decode()
    raise TypeError("getaddrinfo() argument 1 must be string or None")


def _port(port: Any, type: int, flags: int) -> int:
    if port is None:
        return 0
    if isinstance(port, int):
        return port & 0xFFFF
    if isinstance(port, (bytes, bytearray)):
        port = bytes(port).decode()
    if not isinstance(port, str):
        raise OSError("Int or String expected")
    if port.isdecimal():
        return int(port) & 0xFFFF
    if flags & socket.AI_NUMERICSERV:
        raise unknown(port)
    try:
        return _real_service(port, "udp" if type == socket.SOCK_DGRAM else "tcp")
    except OSError:
        raise socket.gaierror(socket.EAI_SERVICE, "Servname not supported for ai_socktype") from None


def name_of_address(network: Network, address: str) -> str | None:
    """The name of the host with that address."""
    if address == "::1" or address.startswith("127."):
        return "localhost"
    return next((name for name, known in network.names.items() if known == address), None)


def getnameinfo(network: Network, sockaddr: Any, flags: int) -> tuple[str, str]:
    """`socket.getnameinfo` in a run."""
    if not isinstance(sockaddr, tuple):
        raise TypeError("getnameinfo() argument 1 must be a tuple")
    host, port = sockaddr[:2]
    found = numeric(host)
    if found is None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    name = None if flags & socket.NI_NUMERICHOST else name_of_address(network, found[1])
    if name is None and flags & socket.NI_NAMEREQD:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    service = str(port)
    if not flags & socket.NI_NUMERICSERV:
        with suppress(OSError):
            service = socket.getservbyport(port, "udp" if flags & socket.NI_DGRAM else "tcp")
    return name or found[1], service


def gethostbyname(network: Network, host: str) -> str:
    """`socket.gethostbyname` in a run."""
    return look_up(network, host, socket.AF_INET)


def gethostbyname_ex(network: Network, host: str) -> tuple[str, list[str], list[str]]:
    """`socket.gethostbyname_ex` in a run."""
    return host, [], [look_up(network, host, socket.AF_INET)]


def gethostbyaddr(network: Network, host: str) -> tuple[str, list[str], list[str]]:
    """`socket.gethostbyaddr` in a run."""
    address = addresses(network, host)[-1][1]
    name = name_of_address(network, address)
    if name is None:
        raise socket.herror(1, f"Unknown host: no host of the simulated world has the address {host!r}")
    return name, [], [address]
