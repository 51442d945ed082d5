"""TLS as a channel: what a stream sends is encrypted for the channel below, what comes from there is decrypted.

The standard library's `ssl.SSLObject` does the work between two buffers in memory; here is who fills and empties them.
"""

from __future__ import annotations

import errno
import ssl

from .channels import CHUNK, ROUNDS, Channel, Data
from .endpoints import AGAIN, UNFINISHED, Attempt, Endpoint, Outcome


class TLSChannel:
    """TLS over another channel; see `Channel` for what the methods promise."""

    def __init__(self, below: Channel, context: ssl.SSLContext, server_side: bool, server_hostname: str | None,
                 early: bytes) -> None:
        self.below = below
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self._incoming, self._outgoing, server_side, server_hostname)
        self._incoming.write(early)
        self._unsent = memoryview(b"")  # encrypted, and not yet taken by the channel below
        self._decrypted = b""  # before our end of writing, so that this could be told
        self._more_below = False
        self._cut = False  # the channel below has come to its end
        self._established = False
        self._ended = False  # the peer has said that it will write no more
        self._failure: ssl.SSLError | None = None  # to be raised when all that came before it has been read
        self._writing_ended = False

    def shake(self) -> bool:
        """Get on with the handshake; False when the peer has to say something first."""
        try:
            self.object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            self._try_to_flush()  # the alert that tells the peer why
            raise
        self._established = True
        return True

    def feed(self) -> bool:
        """Take what there is from the channel below; False when nothing is."""
        try:
            data = self.below.receive(CHUNK)
        except BlockingIOError:
            return False
        self._more_below = len(data) == CHUNK
        if data:
            self._incoming.write(data)
        else:
            self._cut = True
            self._incoming.write_eof()
        return True

    def receive(self, limit: int, /) -> bytes:
        if self._decrypted:
            data, self._decrypted = self._decrypted[:limit], self._decrypted[limit:]
            return data
        pieces: list[bytes] = []
        rounds = ROUNDS
        while limit > 0 and not self._ended and self._failure is None:
            piece = self._decrypt(limit)
            if piece:
                pieces.append(piece)
                limit -= len(piece)
            elif not (self._ended or self._failure):
                # All that has come is decrypted: the rest is still in the channel below, which so will be ready.
                if pieces and not self._more_below or not rounds or not self.feed():
                    break
                rounds -= 1
        self._try_to_flush()  # reading may make the protocol answer, to a change of keys for instance
        if pieces:
            return b"".join(pieces)
        if self._ended:
            return b""
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        raise BlockingIOError(errno.EAGAIN, "nothing has come")

    def _decrypt(self, limit: int) -> bytes:
        """At most `limit` bytes of what has come; b"" when there are none, which `_ended` or `_failure` may explain."""
        try:
            piece = self.object.read(limit)
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLZeroReturnError:
            piece = b""
        except ssl.SSLError as error:
            self._failure = error
            return b""
        if piece:
            return piece
        # Python 3.10 and 3.11 set OP_IGNORE_UNEXPECTED_EOF in every context if OpenSSL has it, and then a connection that
        # is cut off looks like an orderly end. But the end that a peer tells of is received, and decrypted, before the
        # channel below comes to its own end. So an end that shows only after that is a cut.
        if self._cut:
            self._failure = ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the connection was cut off: EOF in violation of protocol")
        else:
            self._ended = True
        return b""

    @property
    def primed(self) -> bool:
        """Whether `receive` would bring something although the descriptor might never be ready again."""
        return bool(self._decrypted) or self._ended or self._failure is not None

    def send(self, data: Data, /) -> int:
        if self._writing_ended:
            raise BrokenPipeError(errno.EPIPE, "this side has ended its writing")
        self.flush()
        view = memoryview(data)
        taken = 0
        for _ in range(ROUNDS):
            if taken == len(view):
                break
            taken += self.object.write(view[taken:taken + CHUNK])
            if not self._flush_if_possible():
                break
        return taken

    def flush(self) -> None:
        while self._unsent or self._outgoing.pending:
            if not self._unsent:
                self._unsent = memoryview(self._outgoing.read())
            self._unsent = self._unsent[self.below.send(self._unsent):]
        self.below.flush()

    def _flush_if_possible(self) -> bool:
        try:
            self.flush()
        except BlockingIOError:
            return False
        return True

    def _try_to_flush(self) -> None:
        """Send what the protocol has to say while the stream itself is not writing; a later write shows a failure."""
        try:
            self.flush()
        except OSError:
            pass

    def end_writing(self) -> None:
        """Send TLS's own end; the connection below stays open both ways."""
        if self._writing_ended:
            return
        # Once we have said so, OpenSSL throws away what it finds received and not decrypted.
        while piece := self._decrypt(CHUNK):
            self._decrypted += piece
        self._say_goodbye()
        self._flush_if_possible()

    def _say_goodbye(self) -> None:
        self._writing_ended = True
        try:
            self.object.unwrap()
        except ssl.SSLError:
            pass  # the peer has not said so yet, or the connection has failed and needs no end

    def close(self) -> None:
        if self._established and not self._writing_ended:
            self._say_goodbye()
        self._try_to_flush()
        self.below.close()


class Shake(Attempt[bool]):
    """Waits for the peer's side of a handshake; False when something has to be sent before."""

    __slots__ = ("tls",)
    call = "start_tls()"

    def __init__(self, stream: Endpoint, tls: TLSChannel) -> None:
        super().__init__(stream)
        self.tls = tls

    def attempt(self) -> Outcome[bool]:
        for _ in range(ROUNDS):
            done = self.tls.shake()
            try:
                self.tls.flush()
            except BlockingIOError:
                return False
            if done:
                return True
            if not self.tls.feed():
                return UNFINISHED
        return AGAIN


class Flush(Attempt[None]):
    """Waits until what TLS has to say is sent."""

    __slots__ = ("tls",)
    call = "start_tls()"
    outgoing = True

    def __init__(self, stream: Endpoint, tls: TLSChannel) -> None:
        super().__init__(stream)
        self.tls = tls

    def attempt(self) -> Outcome[None]:
        self.tls.flush()
        return None


async def handshake(stream: Endpoint, tls: TLSChannel) -> None:
    """Carry out the handshake of `tls` over the descriptor of `stream`."""
    while not await Shake(stream, tls):
        await Flush(stream, tls)
