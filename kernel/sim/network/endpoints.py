"""What a descriptor stands for: an endpoint, with its address, options and errors, as a system keeps it."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from .asked import Thread
from .names import look_up
from .paths import file_at, make_file, unix_address
from .wires import Network, failure

BUFFER = 65536  # bytes: SO_SNDBUF and SO_RCVBUF, unless the program sets them
SMALLEST = 2304  # bytes: what a system makes of less

# Numbers, since each `&` of an enumeration's members takes a microsecond: `python -m benchmarks.simulated`.
PEEK, DONTWAIT, WAITALL, TRUNC = (int(getattr(socket, f"MSG_{name}", 0)) for name in (
    "PEEK", "DONTWAIT", "WAITALL", "TRUNC"))

WILD = ("0.0.0.0", "::")
LEVEL = socket.SOL_SOCKET


class Endpoint:
    """An open socket, to which one descriptor or more belong."""

    transport: str  # "stream" or "datagram": what has ports of its own

    def __init__(self, network: Network, family: int, kind: int, proto: int) -> None:
        self.network = network
        self.life = network.here()
        self.family = family
        self.unix = family == socket.AF_UNIX
        self.kind = kind
        self.proto = proto
        self.descriptors: list[int] = []
        self.sleepers: list[Thread] = []  # threads that block on it
        self.options: dict[tuple[int, int], Any] = {}
        self.error = 0  # that waits to be told
        self.local: Any = "" if self.unix else None  # its address, when it is bound
        self._entry: Any = None  # where it is listed as bound
        self.asked_for_host = self.asked_for_port = False  # by the program, when it was bound
        self.life.endpoints[self] = None

    # What pollers and blocking calls ask.

    def readable(self) -> bool:
        raise NotImplementedError

    def writable(self) -> bool:
        raise NotImplementedError

    def hung_up(self) -> bool:
        """Whether nothing can be sent or received any more."""
        return False

    def changed(self) -> None:
        """What the two say may have changed."""
        for fd in self.descriptors:
            for poller in self.network.pollers:
                poller.touched[fd] = None
        while self.sleepers:
            self.sleepers.pop().wake()

    def close(self) -> None:
        """The last descriptor was closed."""
        self.life.endpoints.pop(self, None)
        self.unbind()

    def crashed(self) -> None:
        """The host crashes."""
        for fd in list(self.descriptors):
            self.network.close_descriptor(fd, told=False)

    def take_error(self) -> int:
        """The error that waits to be told; it is told once."""
        error, self.error = self.error, 0
        return error

    def raise_error(self) -> None:
        """Raise the error that waits to be told, if there is one."""
        if self.error:
            raise failure(self.take_error())

    # Addresses.

    def address(self) -> Any:
        """What `getsockname` says."""
        if self.local is not None:
            return self.local
        return ("0.0.0.0", 0) if self.family == socket.AF_INET else ("::", 0, 0, 0)

    def show(self, host: str, port: int) -> Any:
        """An address as sockets of this family show it."""
        if self.family == socket.AF_INET:
            return host, port
        return f"::ffff:{host}" if "." in host and not host.startswith("::") else host, port, 0, 0

    def bind(self, address: Any) -> None:
        if self.unix:
            return self._bind_path(address)
        host, port = self.check_address(address)
        if self.busy():
            raise failure(errno.EINVAL)
        if host not in WILD and self.network.find(host, self.life.host) is not self.life.host:
            raise failure(errno.EADDRNOTAVAIL, f"host {self.life.host.name!r} does not have the address {host!r}")
        self.asked_for_host, self.asked_for_port = host not in WILD, port != 0
        if port == 0:
            port = self.network.free_port(self.life.host)
        entry = self.life.host, self.transport, port
        for other in [*self.network.bound.get(entry, ()), *self.network.bound.get((*entry, "accepted"), ())]:
            if self._collides(other, host):
                raise failure(errno.EADDRINUSE)
        self.local = self.show(host, port)
        self._list(entry)

    def busy(self) -> bool:
        """Whether it has its address for good."""
        return self._entry is not None

    def _list(self, entry: Any) -> None:
        self._entry = entry
        self.network.bound.setdefault(entry, {})[self] = None

    def unbind(self) -> None:
        if self._entry is not None:
            others = self.network.bound.get(self._entry, {})
            if self in others:  # else its file is gone, and another one has the place
                del others[self]
                if not others:
                    del self.network.bound[self._entry]
            self._entry = None

    def option(self, name: int, level: int = LEVEL) -> int:
        return int(self.options.get((level, name), 0))

    def protocol(self) -> int:
        """What `SO_PROTOCOL` says."""
        if self.unix:
            return 0
        return socket.IPPROTO_TCP if self.transport == "stream" else socket.IPPROTO_UDP

    def _collides(self, other: Endpoint, host: str) -> bool:
        """Whether `other`, which is bound to the same port, leaves no room for this one at `host`."""
        if self.option(socket.SO_REUSEPORT) and other.option(socket.SO_REUSEPORT):
            return False
        if self.option(socket.SO_REUSEADDR) and other.option(socket.SO_REUSEADDR) and not other.listening():
            return False
        there = other.local[0]
        if self.family != other.family:
            return (self._dual(host) or other._dual(there)) and (host in WILD or there in WILD)
        return host == there or host in WILD or there in WILD

    def _dual(self, host: str) -> bool:
        """Whether it stands for all addresses of IPv4 as well, when bound to `host`."""
        return host == "::" and not self.option(socket.IPV6_V6ONLY, socket.IPPROTO_IPV6)

    def listening(self) -> bool:
        return False

    def check_address(self, address: Any) -> tuple[str, int]:
        """The host, as a number, and the port of an address; the errors are those of `socket`."""
        least, most = (2, 2) if self.family == socket.AF_INET else (2, 4)
        if not isinstance(address, tuple):
            raise TypeError(f"{'AF_INET' if most == 2 else 'AF_INET6'} address must be tuple, not "
                            f"{type(address).__name__}")
        if not least <= len(address) <= most:
            raise TypeError("AF_INET address must be a pair (host, port)" if most == 2 else
                            "AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])")
        host, port = address[:2]
        if isinstance(host, (bytes, bytearray)):
            host = bytes(host).decode("idna")
        if not isinstance(host, str):
            raise TypeError(f"str, bytes or bytearray expected, not {type(host).__name__}")
        if not isinstance(port, int):
            raise TypeError(f"an integer is required (got type {type(port).__name__})")
        if not 0 <= port <= 65535:
            raise OverflowError("bind(): port must be 0-65535.")
        return look_up(self.network, host, self.family), port

    def target(self, address: Any) -> tuple[Any, str, int]:
        """The host, its address and the port that something is sent to. `OSError` when nobody has the address."""
        host, port = self.check_address(address)
        if host in WILD:
            host = "127.0.0.1" if self.family == socket.AF_INET else "::1"
        if host == "255.255.255.255" and not self.option(socket.SO_BROADCAST):
            raise failure(errno.EACCES if self.transport == "datagram" else errno.ENETUNREACH)
        found = self.network.find(host, self.life.host)
        if found is None:
            raise failure(errno.ENETUNREACH, f"no host of the simulated world has the address {host}; "
                                             "kernel.sim.world.host(name) makes one")
        return found, host, port

    def source_address(self, target: Any, host: str) -> str:
        """The address that this endpoint has for a peer that it reaches at `host`."""
        if self.local is not None and self.local[0] not in WILD:
            return str(self.local[0])
        if target is not self.life.host:
            return self.life.host.address
        return "127.0.0.1" if host.startswith("127.") else host

    def takes(self, source: Any) -> bool:
        """Whether what is sent to its port from there is for it."""
        raise NotImplementedError

    def at_port(self, host: Any, address: str, port: int, source: Any = None) -> Any:
        """Who is bound to that port of `host`, and takes what is sent to `address`: the last, or None."""
        found = self.network.bound.get((host, self.transport, port), {})
        six = ":" in address and not address.startswith("::ffff:")
        for wild in False, True:
            for one in reversed(found):
                there = one.local[0]
                if one.takes(source) and (there == address and not wild or wild and (
                        there == "::" and (six or one._dual(there)) or there == "0.0.0.0" and not six)):
                    return one
        return None

    # Unix sockets. A path is a file, as on a real system; the abstract names of Linux are not.

    def _bind_path(self, path: Any) -> None:
        address = unix_address(path)
        if self.local:
            if isinstance(address, str) and os.path.lexists(address):
                raise failure(errno.EADDRINUSE)
            raise failure(errno.EINVAL)
        if not address:
            address = b"\0%05x" % self.network.free_port(self.life.host)
        file: Any = address
        if isinstance(address, str):
            file = make_file(address, {entry[2] for entry in self.network.bound if entry[1] == "unix"})
        entry = self.life.host, "unix", file
        if entry in self.network.bound:
            raise failure(errno.EADDRINUSE)
        self.local = address
        self._list(entry)

    def at_path(self, path: Any) -> Any:
        """The endpoint that is bound to a path, or an abstract name. `OSError` if there is none."""
        address = unix_address(path)
        file = address if isinstance(address, bytes) else file_at(address)
        for found in self.network.bound.get((self.life.host, "unix", file), ()):
            if found.kind != self.kind:
                raise failure(errno.EPROTOTYPE)
            return found
        raise failure(errno.ECONNREFUSED)
