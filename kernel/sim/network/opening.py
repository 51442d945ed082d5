"""Which endpoints can be opened: by family, kind and protocol."""

from __future__ import annotations

import errno
import socket

from .datagrams import DatagramEndpoint
from .endpoints import Endpoint
from .streams import StreamEndpoint
from .wires import Network, failure

_NONBLOCK, _CLOEXEC = (int(getattr(socket, f"SOCK_{name}", 0)) for name in ("NONBLOCK", "CLOEXEC"))


def separate(kind: int) -> tuple[int, bool]:
    """The kind of a socket without the flags of Linux, and whether it is to block."""
    return kind & ~(_NONBLOCK | _CLOEXEC), not kind & _NONBLOCK


def make_endpoint(network: Network, family: int, kind: int, proto: int) -> Endpoint:
    """An endpoint of that family and kind. Raises what the system does for those that do not exist."""
    if family not in [*socket.AddressFamily]:
        raise failure(errno.EAFNOSUPPORT)
    if kind not in [*socket.SocketKind]:
        raise failure(errno.EINVAL)
    if family not in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX) or kind not in (
            socket.SOCK_STREAM, socket.SOCK_DGRAM):
        raise network.world.refuse(f"a socket of family {family} and kind {kind}")
    wanted = socket.IPPROTO_TCP if kind == socket.SOCK_STREAM else socket.IPPROTO_UDP
    if proto not in (0, wanted) or proto and family == socket.AF_UNIX:
        raise failure(errno.EPROTONOSUPPORT)
    make = StreamEndpoint if kind == socket.SOCK_STREAM else DatagramEndpoint
    return make(network, family, kind, proto)
