"""One tool that has connected to this process: its request, a line of JSON, and what is still to be sent to it.

Nothing here waits. `serving` calls `handle` when the tool has sent something, or can be sent something.
"""

from __future__ import annotations

import json
import math
import select
import socket
import time
from collections.abc import Callable

from .answers import answer
from .asked import Refused, Stream
from .pieces import to_json
from .places import identity

LONGEST = 64 * 1024  # bytes of a request
PATIENCE = 10.0  # seconds that a tool has for its request, and later for each part of the answer


class Connection:
    """Reads the request, and sends the answer. `wake` has the serving thread come and look for more to send."""

    def __init__(self, sock: socket.socket, wake: Callable[[], object], patience: float) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._identity = identity(sock.fileno())
        self._wake = wake
        self._patience = patience
        self._received = bytearray()
        self._to_send = bytearray()
        self._stream: Stream | None = None
        self._ends = False  # when all is sent
        self._lives_until = time.monotonic() + patience

    def deadline(self) -> float:
        """When to give the tool up. A stream is for ever, and its tool may read nothing."""
        return math.inf if self._stream is not None and not self._ends else self._lives_until

    def due(self) -> float:
        """When there will be something to send that nobody is told of."""
        return math.inf if self._stream is None or self._to_send or self._ends else self._stream.due

    def events(self) -> int:
        """What to wait for."""
        if self._stream is not None and not self._to_send and not self._ends:
            self._take(self._stream)
        return (0 if self._ends else select.POLLIN) | (select.POLLOUT if self._to_send else 0)

    def _take(self, stream: Stream) -> None:
        try:
            self._to_send += stream.take().encode("utf-8", "backslashreplace")
        except Exception as error:  # as in `_answer`
            self._last_of(stream)
            self.refuse(f"the answer failed: {type(error).__name__}: {error}")

    def handle(self, events: int) -> bool:
        """Read, then send; False when the connection is over."""
        try:
            if not self.is_intact():
                return False
            if events & ~select.POLLOUT and not self._ends:
                self._receive()
            if self._to_send:
                self._send()
        except BlockingIOError:
            pass  # there is nothing to read after all, or no room to write
        except OSError:
            return False  # the tool has gone
        return not (self._ends and not self._to_send)

    def _receive(self) -> None:
        data = self.sock.recv(LONGEST)
        if self._stream is not None:
            if data:
                self._hear(self._stream, data)
            else:  # the tool has detached; it may still read
                self._finish(self._last_of(self._stream))
            return
        self._received += data
        line, end, _ = self._received.partition(b"\n")
        if end:
            self._answer(bytes(line))
        elif not data:
            self._ends = True
        elif len(self._received) > LONGEST:
            self.refuse(f"a request is one line of at most {LONGEST} bytes")

    def _hear(self, stream: Stream, data: bytes) -> None:
        try:
            stream.hear(data)
        except Refused as error:
            self._last_of(stream)
            self.refuse(str(error))

    def _answer(self, line: bytes) -> None:
        try:
            try:
                request = json.loads(line)
            except (ValueError, RecursionError):
                request = None
            if not isinstance(request, dict):
                raise Refused("a request is a JSON object on one line")
            answered = answer(request, self._wake)
        except Refused as error:
            self.refuse(str(error))
        except Exception as error:  # the tool shows it; the program has nothing to do with it
            self.refuse(f"the answer failed: {type(error).__name__}: {error}")
        else:
            if isinstance(answered, Stream):
                self._stream = answered
                self._to_send += b"{}\n"
            else:
                self._finish(answered)

    def refuse(self, reason: str) -> None:
        """Send an error, and end."""
        self._finish(to_json({"error": reason}))

    def _finish(self, text: str) -> None:
        self._to_send += text.encode("utf-8", "backslashreplace")
        self._ends = True
        self._lives_until = time.monotonic() + self._patience

    def _send(self) -> None:
        sent = self.sock.send(self._to_send)
        del self._to_send[:sent]
        self._lives_until = time.monotonic() + self._patience

    def end(self) -> None:
        """The tool has gone, or is to go: leave the kernels as they were."""
        if self._stream is not None and not self._ends:
            self._ends = True
            self._last_of(self._stream)

    @staticmethod
    def _last_of(stream: Stream) -> str:
        """End the stream; its last text, or why there is none."""
        try:
            return stream.end()
        except Exception as error:  # as in `_answer`
            return f"the answer failed: {type(error).__name__}: {error}\n"

    def close(self) -> None:
        """Close the socket, whatever is still to be sent."""
        if self.is_intact():
            self.sock.close()
        else:
            self.sock.detach()

    def is_intact(self) -> bool:
        """Whether the descriptor is still ours. The program may have closed it, and its number means another file."""
        return identity(self.sock.fileno()) == self._identity
