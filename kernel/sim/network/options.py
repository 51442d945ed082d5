"""The options of sockets: which there are, and what a program gets that has not set them."""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Any

from .endpoints import BUFFER, SMALLEST, Endpoint
from .wires import failure

SOCKET, TCP, IP, IPV6 = socket.SOL_SOCKET, socket.IPPROTO_TCP, socket.IPPROTO_IP, socket.IPPROTO_IPV6

# Which options there are at each level: those that Python has a name for.
_PREFIXES = {SOCKET: "SO_", TCP: "TCP_", IP: "IP_", IPV6: "IPV6_", socket.IPPROTO_UDP: "UDP"}
_KNOWN = {(level, value) for level, prefix in _PREFIXES.items() for name, value in vars(socket).items()
          if name.startswith(prefix) and isinstance(value, int)}


def _named(level: int, *names: str) -> set[tuple[int, int]]:
    """The options of those names, as far as this system has them."""
    return {(level, getattr(socket, name)) for name in names if hasattr(socket, name)}


_SWITCHES = {*_named(SOCKET, "SO_REUSEADDR", "SO_REUSEPORT", "SO_KEEPALIVE", "SO_BROADCAST", "SO_OOBINLINE",
                     "SO_DONTROUTE"), *_named(TCP, "TCP_NODELAY", "TCP_CORK"), *_named(IPV6, "IPV6_V6ONLY")}
_SIZES = _named(SOCKET, "SO_SNDBUF", "SO_RCVBUF")  # of which Linux shows twice what a program has set
_FIXED = _named(SOCKET, "SO_ERROR", "SO_TYPE", "SO_ACCEPTCONN", "SO_DOMAIN", "SO_PROTOCOL", "SO_PEERCRED")
_LINGER = (SOCKET, socket.SO_LINGER)
_DEFAULTS = {option: value for names, value in (
    (_named(TCP, "TCP_KEEPIDLE"), 7200), (_named(TCP, "TCP_KEEPINTVL"), 75), (_named(TCP, "TCP_KEEPCNT"), 9),
    (_named(TCP, "TCP_MAXSEG"), 1448), (_named(IP, "IP_TTL"), 64), (_named(IPV6, "IPV6_UNICAST_HOPS"), 64),
    (_SIZES, BUFFER)) for option in names}


def _check(end: Endpoint, level: int, name: int, wrong: int) -> None:
    """Raise the error of an option that a socket of this family and kind does not have."""
    if level != SOCKET and end.family == socket.AF_UNIX:
        raise failure(errno.EOPNOTSUPP)
    if level == TCP and end.transport != "stream":
        raise failure(wrong)
    if (level, name) not in _KNOWN:
        raise failure(errno.ENOPROTOOPT)


def set_option(end: Endpoint, level: int, name: int, value: Any) -> None:
    """`setsockopt`: `value` is a number or bytes."""
    _check(end, level, name, errno.ENOPROTOOPT)
    option = level, name
    if option in _FIXED:
        raise failure(errno.ENOPROTOOPT)
    if isinstance(value, int):
        if option == _LINGER:
            raise failure(errno.EINVAL)
    elif isinstance(value, str):
        raise TypeError(f"a bytes-like object or an integer is required, not {value!r}")
    else:
        value = bytes(value)
        if len(value) < 4:
            raise failure(errno.EINVAL)
        if len(value) == 4:
            value = int.from_bytes(value, "little", signed=True)
    if option in _SIZES:
        value = max(2 * value, SMALLEST)
    elif option in _SWITCHES:
        value = int(bool(value))
    end.options[option] = value


def get_option(end: Endpoint, level: int, name: int, size: int) -> Any:
    """`getsockopt`: a number, or bytes where a `size` is given."""
    _check(end, level, name, errno.EOPNOTSUPP)
    value = end.options.get((level, name), _DEFAULTS.get((level, name), 0))
    if level == SOCKET:
        if name == socket.SO_ERROR:
            value = end.take_error()
        elif name == socket.SO_TYPE:
            value = end.kind
        elif name == socket.SO_ACCEPTCONN:
            value = int(end.listening())
        elif name == getattr(socket, "SO_DOMAIN", None):
            value = end.family
        elif name == getattr(socket, "SO_PROTOCOL", None):
            value = end.protocol()
        elif name == getattr(socket, "SO_PEERCRED", None):
            value = struct.pack("iii", os.getpid(), os.getuid(), os.getgid())
        elif (level, name) == _LINGER:
            value = value or bytes(8)
    if isinstance(value, int):
        return value.to_bytes(4, "little", signed=True)[:size] if size else value
    return value[:size] if size else int.from_bytes(value[:4], "little", signed=True)
