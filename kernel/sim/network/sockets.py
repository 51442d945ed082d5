"""`socket.socket` in a simulated run: a subclass of the real class, which opens nothing in the system.

In a thread without a run, calling the class makes a real socket, as always: while a run goes on in one thread, this
class stands in the module `socket` for all.
"""

from __future__ import annotations

import errno
import socket
import warnings
from collections.abc import Callable, Iterable
from threading import get_ident
from typing import Any, TypeVar

# A module that is imported in a run may keep the class for good, by `from socket import socket`. This one does that,
# and makes a subclass, so it is imported before any run.
try:
    import ssl as ssl
except ImportError:  # Python can be built without it
    ssl = None  # type: ignore[assignment]

from .datagrams import DatagramEndpoint
from .endpoints import DONTWAIT, TRUNC, WAITALL, Endpoint
from .opening import make_endpoint, separate
from .options import get_option, set_option
from .streams import StreamEndpoint
from .wires import FIRST, MOMENT, Network, failure, here

T = TypeVar("T")

RealSocket = socket.socket


class Kind(type(RealSocket)):  # type: ignore[misc]  # it is `type`
    """Real sockets count as instances, while the class stands in the place of the real one."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, RealSocket) if cls is SimulatedSocket else type.__instancecheck__(cls, instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, RealSocket) if cls is SimulatedSocket else type.__subclasscheck__(cls, subclass)


class SimulatedSocket(RealSocket, metaclass=Kind):
    """A socket of the simulated network."""

    __slots__ = ("_end", "_fd", "_network", "_timeout")

    _end: Endpoint
    _fd: int
    _network: Network
    _timeout: float | None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is SimulatedSocket and get_ident() not in here:
            return RealSocket(*args, **kwargs)
        made: Any = super().__new__(cls)
        made._fd = -1
        made._timeout = socket.getdefaulttimeout()
        return made

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        network = here.get(get_ident())
        if network is None:
            raise RuntimeError("a class of simulated sockets was used outside of the run that has made it")
        self._network = network
        self._io_refs = 0
        self._closed = False
        if fileno is not None:
            if not isinstance(fileno, int):
                raise TypeError(f"an integer is required, not {fileno!r}")
            if fileno < 0:
                raise ValueError("negative file descriptor")
            if fileno not in network.files:
                if fileno < FIRST:
                    raise network.world.refuse(f"socket.socket(fileno={fileno}), which is a descriptor of the system")
                raise failure(errno.EBADF)
            self._end, self._fd = network.files[fileno], fileno
            return
        if not all(isinstance(number, int) for number in (family, type, proto)):
            raise TypeError("the family, the type and the protocol of a socket are integers")
        family = socket.AF_INET if family == -1 else family
        type = socket.SOCK_STREAM if type == -1 else type
        type, blocking = separate(type)
        if not blocking:
            self._timeout = 0.0
        self._end = make_endpoint(network, family, type, max(proto, 0))
        self._fd = network.new_descriptor(self._end)

    @classmethod
    def of(cls, network: Network, endpoint: Endpoint) -> SimulatedSocket:
        """A socket with a descriptor of its own for `endpoint`."""
        made: SimulatedSocket = cls.__new__(cls)
        made._network, made._end = network, endpoint
        made._io_refs = 0
        made._closed = False
        made._fd = network.new_descriptor(endpoint)
        return made

    def __del__(self, warn: Any = warnings.warn) -> None:
        if self._fd >= 0 and self._network.open and self._network.files.get(self._fd) is self._end:
            warn(f"unclosed {self!r}", ResourceWarning, source=self)
            self._real_close()

    # What it is.

    family = property(lambda self: socket.AddressFamily(self._end.family))
    type = property(lambda self: socket.SocketKind(self._end.kind))
    proto = property(lambda self: self._end.proto)
    timeout = property(lambda self: self._timeout)

    def fileno(self) -> int:
        return self._fd

    def _open(self) -> Any:
        if self._fd < 0 or self._network.files.get(self._fd) is not self._end:
            raise failure(errno.EBADF)
        return self._end

    def _stream(self) -> StreamEndpoint:
        end = self._open()
        if not isinstance(end, StreamEndpoint):
            raise failure(errno.EOPNOTSUPP)
        return end

    def settimeout(self, value: float | None) -> None:
        if value is not None:
            value = value + 0.0  # a TypeError for what is no number
            if not value >= 0:
                raise ValueError("Timeout value out of range")
        self._open()
        self._timeout = value

    def gettimeout(self) -> float | None:
        return self._timeout

    def setblocking(self, flag: bool) -> None:
        self.settimeout(None if flag else 0.0)

    def getblocking(self) -> bool:
        return self._timeout != 0.0

    def get_inheritable(self) -> bool:
        self._open()
        return bool(self._end.options.get((-1, 0), False))

    def set_inheritable(self, inheritable: bool) -> None:
        self._open().options[-1, 0] = bool(inheritable)

    def _wait(self, attempt: Callable[[], T], ready: Callable[[], bool], call: str, flags: int = 0) -> T:
        """Do what `attempt` does, as blocking sockets do it, or as others do.

        With a time limit Python waits until the socket is ready, and only then makes the call.
        """
        network, clock, timeout = self._network, self._network.world.clock, self._timeout
        until = clock.time + (float("inf") if timeout is None else timeout)
        network.advance()
        while True:
            if timeout:
                network.block([self._end], ready, until - clock.time, call)
            try:
                return attempt()
            except BlockingIOError:
                if timeout == 0.0 or flags & DONTWAIT and timeout is None:
                    raise
            if timeout is None:
                network.block([self._end], ready, float("inf"), f"{call} on a socket that blocks")
            elif clock.time < until:  # the socket is ready, and the call does nothing: Python tries again and again
                clock.pass_time(MOMENT)
            else:
                raise TimeoutError("timed out")

    # Addresses and connections.

    def getsockname(self) -> Any:
        return self._open().address()

    def getpeername(self) -> Any:
        address = self._open().peer_address()
        if address is None:
            raise failure(errno.ENOTCONN)
        return address

    def bind(self, address: Any) -> None:
        self._open().bind(address)

    def listen(self, backlog: int = 128) -> None:
        self._stream().listen(int(backlog))

    def accept(self) -> tuple[socket.socket, Any]:
        end = self._stream()
        child = self._wait(end.accept, end.readable, "accept()")
        return SimulatedSocket.of(self._network, child), child.remote

    def connect(self, address: Any) -> None:
        end = self._open()
        self._network.advance()
        try:
            end.connect(address)
        except BlockingIOError as error:
            if self._timeout == 0.0 or error.errno != errno.EINPROGRESS:
                raise
            seconds = float("inf") if self._timeout is None else self._timeout
            self._network.block([end], lambda: end.state != "connecting", seconds, "connect() on a socket that blocks")
            if self._timeout is None:
                end.connect(address)  # which says how it has come out
            else:
                end.raise_error()  # as Python asks, by SO_ERROR

    def connect_ex(self, address: Any) -> int:
        try:
            self.connect(address)
        except socket.gaierror:
            raise
        except OSError as error:
            return error.errno or errno.EAGAIN
        return 0

    def shutdown(self, how: int) -> None:
        end = self._open()
        if how not in (socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR):
            raise failure(errno.EINVAL)
        self._network.advance()
        end.shutdown(how)

    # Sending.

    def send(self, data: Any, flags: int = 0) -> int:
        end = self._open()
        return int(self._wait(lambda: end.send(data, flags), end.writable, "send()", flags))

    def sendall(self, data: Any, flags: int = 0) -> None:
        view = memoryview(data).cast("B")
        begin = self._network.world.clock.time
        whole = self._timeout
        try:
            sent = self.send(view, flags)
            while sent < len(view):
                if whole:
                    self._timeout = begin + whole - self._network.world.clock.time
                    if self._timeout <= 0:
                        raise TimeoutError("timed out")
                sent += self.send(view[sent:], flags)
        finally:
            self._timeout = whole

    def sendto(self, data: Any, *args: Any) -> int:
        if not 1 <= len(args) <= 2:
            raise TypeError(f"sendto() takes 2 or 3 arguments ({1 + len(args)} given)")
        flags, address = (0, *args) if len(args) == 1 else args
        end = self._open()
        if isinstance(end, StreamEndpoint):
            if end.unix:
                raise failure(errno.EOPNOTSUPP if end.outbox is None else errno.EISCONN)
            return self.send(data, flags)
        return int(self._wait(lambda: end.send(data, flags, address), end.writable, "sendto()", flags))

    def sendmsg(self, buffers: Iterable[Any], ancdata: Iterable[Any] = (), flags: int = 0, address: Any = None) -> int:
        data = b"".join(memoryview(part).cast("B") for part in buffers)
        if list(ancdata):
            raise self._network.world.refuse("socket.sendmsg() with ancillary data")
        return self.send(data, flags) if address is None else self.sendto(data, flags, address)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        self._check_sendfile_params(file, offset, count)  # type: ignore[attr-defined]  # of the base class
        return self._sendfile_use_send(file, offset, count)  # type: ignore[attr-defined, no-any-return]

    # Receiving.

    def _receive(self, size: int, flags: int, call: str) -> tuple[bytes, Any, int]:
        """What was received, where it came from, and its full length."""
        if size < 0:
            raise ValueError(f"negative buffersize in {call}")
        end = self._open()
        flags = int(flags)
        if self._timeout is not None:  # the system's socket does not block, then, and Python waits
            flags &= ~WAITALL
        if self._timeout == 0.0:
            flags |= DONTWAIT
        if isinstance(end, DatagramEndpoint):
            return self._wait(lambda: end.receive(size, flags), end.readable, f"{call}()", flags)

        def enough() -> bool:
            inbox = end.inbox
            return bool(end.readable() and (not flags & WAITALL or inbox is None or inbox.ended
                                            or end.state != "connected" or len(inbox.arrived) >= size))
        data: bytes = self._wait(lambda: end.receive(size, flags), enough, f"{call}()", flags)
        return data, end.peer_address() or None if data and end.unix else None, len(data)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        return self._receive(bufsize, flags, "recv")[0] if bufsize else b""  # as Python, which does not ask then

    def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, Any]:
        data, source, _ = self._receive(bufsize, flags, "recvfrom")
        return data, source

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        return self._into(buffer, nbytes, flags, "recv_into")[0]

    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        return self._into(buffer, nbytes, flags, "recvfrom_into")

    def _into(self, buffer: Any, nbytes: int, flags: int, call: str) -> tuple[int, Any]:
        view = memoryview(buffer).cast("B")
        if nbytes < 0:
            raise ValueError(f"negative buffersize in {call}")
        if nbytes > len(view):
            raise ValueError("nbytes is greater than the length of the buffer")
        if not len(view) and call == "recv_into":
            return 0, None
        data, source, length = self._receive(nbytes or len(view), flags, call)
        view[:len(data)] = data
        return length if flags & TRUNC else len(data), source

    def recvmsg(self, bufsize: int, ancbufsize: int = 0, flags: int = 0) -> tuple[bytes, list[Any], int, Any]:
        data, source, length = self._receive(bufsize, flags, "recvmsg")
        return data, [], TRUNC if length > len(data) else 0, source

    def recvmsg_into(self, buffers: Iterable[Any], ancbufsize: int = 0,
                     flags: int = 0) -> tuple[int, list[Any], int, Any]:
        views = [memoryview(one).cast("B") for one in buffers]
        data, _, truncated, source = self.recvmsg(sum(len(view) for view in views), ancbufsize, flags)
        left = data
        for view in views:
            part, left = left[:len(view)], left[len(view):]
            view[:len(part)] = part
        return len(data), [], truncated, source

    # Options.

    def setsockopt(self, level: int, optname: int, value: Any, optlen: int | None = None) -> None:
        set_option(self._open(), level, optname, bytes(optlen or 0) if value is None else value)

    def getsockopt(self, level: int, optname: int, buflen: int = 0) -> Any:
        end = self._open()
        self._network.advance()
        return get_option(end, level, optname, buflen)

    # The end.

    def _real_close(self, _ss: Any = None) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0 and self._network.open and self._network.files.get(fd) is self._end:  # else a crash has closed it
            self._network.advance()
            self._network.close_descriptor(fd)

    def detach(self) -> int:
        self._closed = True
        fd, self._fd = self._fd, -1
        return fd

    def dup(self) -> SimulatedSocket:
        made = SimulatedSocket.of(self._network, self._open())
        made._timeout = self._timeout
        return made


SimulatedSocket.__name__, SimulatedSocket.__qualname__ = RealSocket.__name__, RealSocket.__qualname__
SimulatedSocket.__module__ = RealSocket.__module__


def is_of_another_host(owner: Any) -> bool:
    """Whether `owner`, which says that it was not closed, has its socket on another host than the program's.

    It goes on when the program ends, or has crashed before.
    """
    for attribute in "_transport", "_sock":
        owner = getattr(owner, attribute, owner)
    return type(owner) is SimulatedSocket and owner._end.life.host is not owner._network.main


def socketpair(network: Network, family: int | None = None, type: int = socket.SOCK_STREAM,
               proto: int = 0) -> tuple[socket.socket, socket.socket]:
    """`socket.socketpair` in a run."""
    family = socket.AF_UNIX if family is None else family
    if family != socket.AF_UNIX:
        raise failure(errno.EOPNOTSUPP)
    type, blocking = separate(type)
    ends: list[Any] = [make_endpoint(network, family, type, proto) for _ in range(2)]
    ends[0].pair_with(ends[1])
    one, other = (SimulatedSocket.of(network, end) for end in ends)
    if not blocking:
        one._timeout = other._timeout = 0.0
    return one, other


def fromfd(network: Network, fd: int, family: int, type: int, proto: int = 0) -> socket.socket:
    """`socket.fromfd` in a run."""
    if fd not in network.files:
        raise network.world.refuse(f"socket.fromfd({fd}), which is no descriptor of the simulated network")
    return SimulatedSocket.of(network, network.files[fd])


def close(network: Network, fd: int) -> None:
    """`socket.close` in a run."""
    if fd not in network.files:
        raise failure(errno.EBADF)
    network.close_descriptor(fd)
