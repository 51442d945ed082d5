"""The load generator: it sends messages to a server, and checks every byte that comes back.

It is the same for all servers. It runs in the process that measures, whose processor time does not count. Every
connection has one message on its way at a time.
"""

from __future__ import annotations

import random
import selectors
import socket
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

LONGEST_WAIT = 15.0  # seconds for anything to come back
NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
NOISE = random.Random(1).randbytes(1 << 20)


class WrongAnswer(Exception):
    """The server sent something else than it should have sent, or nothing."""


class Socket(Protocol):
    """What a connection needs of a socket, or of a pair of pipes."""

    def fileno(self) -> int: ...
    def send(self, data: memoryview, /) -> int: ...
    def recv_into(self, buffer: memoryview, /) -> int: ...
    def close(self) -> None: ...


class Conversation(ABC):
    """What the messages to a server are, and what their answers have to be."""

    def prepare(self, sock: socket.socket) -> None:
        """Do what comes before the first message, on a new socket, which still blocks."""

    @abstractmethod
    def request(self, connection: int, number: int) -> bytes:
        """The message that a connection sends after `number` answers."""

    @abstractmethod
    def answer(self, connection: int, number: int) -> bytes:
        """The answer to that message, in the form that `comparable` returns."""

    def comparable(self, answer: bytes | bytearray) -> bytes | bytearray:
        """The answer with each part that a server may choose (a date, say) replaced by something fixed and as long."""
        return answer


class Echo(Conversation):
    """Messages of one size come back as they are. They differ from message to message and from peer to peer."""

    def __init__(self, size: int) -> None:
        self.size = size

    def request(self, connection: int, number: int) -> bytes:
        start = (connection * 7919 + number * 104_729) % (len(NOISE) - self.size)
        return NOISE[start:start + self.size]

    def answer(self, connection: int, number: int) -> bytes:
        return self.request(connection, number)


class Connection:
    """One client, which has a message on its way or an answer to wait for."""

    def __init__(self, sock: Socket, index: int, conversation: Conversation) -> None:
        self.socket = sock
        self._index = index
        self._conversation = conversation
        self._number = 0
        self.unsent = memoryview(b"")
        self._expected = b""
        self._buffer = bytearray()
        self._arrived = 0

    def ask(self) -> None:
        """Begin to send the next message."""
        self.unsent = memoryview(self._conversation.request(self._index, self._number))
        self._expected = self._conversation.answer(self._index, self._number)
        if len(self._buffer) != len(self._expected):
            self._buffer = bytearray(len(self._expected))
        self._arrived = 0
        self._number += 1
        self.send()

    def send(self) -> None:
        """Send what can be sent now."""
        try:
            while self.unsent:
                self.unsent = self.unsent[self.socket.send(self.unsent):]
        except NOT_NOW:
            pass

    def receive(self) -> bool:
        """Take what has come, and return whether the answer is complete. `WrongAnswer` when it is wrong."""
        view = memoryview(self._buffer)
        try:
            while self._arrived < len(view):
                count = self.socket.recv_into(view[self._arrived:])
                if count == 0:
                    raise WrongAnswer(f"the server closed connection {self._index} after {self._number - 1} answers")
                self._arrived += count
        except NOT_NOW:
            return False
        answer = self._conversation.comparable(self._buffer)
        if answer != self._expected:
            wrong = next(at for at, (got, due) in enumerate(zip(answer, self._expected)) if got != due)
            raise WrongAnswer(f"answer {self._number} on connection {self._index} is wrong at byte {wrong}: "
                              f"{bytes(answer[wrong:wrong + 20])!r}, not {self._expected[wrong:wrong + 20]!r}")
        return True

    def check_silence(self) -> None:
        """`WrongAnswer` when more has come than was asked for."""
        extra = memoryview(bytearray(1))
        try:
            if self.socket.recv_into(extra):
                raise WrongAnswer(f"connection {self._index} got more than was asked for")
        except NOT_NOW:
            pass


def exchange(connections: Sequence[Connection], messages: int) -> float:
    """Send `messages` messages and wait for their answers; return the seconds that took.

    Each connection sends its next message when it has the answer to the one before. Raises `WrongAnswer` when an answer
    is wrong or does not come.
    """
    left = messages - len(connections)  # not asked yet
    open_ones = len(connections)
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        began = time.monotonic()
        for connection in connections:
            ask(selector, connection)
        while open_ones:
            ready = selector.select(LONGEST_WAIT)
            if not ready:
                raise WrongAnswer(f"{open_ones} connections got no answer in {LONGEST_WAIT:.0f} s")
            for key, events in ready:
                connection = key.data
                if events & selectors.EVENT_WRITE:
                    connection.send()
                    if not connection.unsent:
                        selector.modify(connection.socket, selectors.EVENT_READ, connection)
                if events & selectors.EVENT_READ and connection.receive():
                    if left > 0:
                        left -= 1
                        ask(selector, connection)
                    else:
                        open_ones -= 1
        took = time.monotonic() - began
    for connection in connections:
        connection.check_silence()
    return took


def ask(selector: selectors.BaseSelector, connection: Connection) -> None:
    connection.ask()
    if connection.unsent:
        selector.modify(connection.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, connection)


def connect(address: str | tuple[str, int], kind: int = socket.SOCK_STREAM,
            context: ssl.SSLContext | None = None) -> socket.socket:
    """A socket connected to a path or to a host and a port, with its TLS handshake done; it still blocks."""
    sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET, kind)
    try:
        sock.settimeout(LONGEST_WAIT)
        sock.connect(address)
        if sock.family == socket.AF_INET and kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            sock = context.wrap_socket(sock)
    except BaseException:
        sock.close()
        raise
    return sock
