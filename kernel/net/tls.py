"""TLS as a channel: it encrypts what a stream sends, and decrypts what comes from the channel below.

The standard library's `ssl.SSLObject` does this work between two buffers in memory. The code here fills these buffers
from the channel below, and empties them into it.
"""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING

from .channels import CHUNK, ROUNDS, Channel, Data
from .endpoints import AGAIN, UNFINISHED, Attempt, Endpoint, Outcome

if TYPE_CHECKING:
    import ssl

RECORD = 16384  # bytes that a record of TLS holds at most
ENCRYPTED = CHUNK + 4096  # bytes to receive at a time: a message of 64 KiB, with what TLS adds to it


def is_context(value: object) -> bool:
    """Whether `value` is an `ssl.SSLContext`. There is none in a program that has not imported `ssl`."""
    return isinstance(value, getattr(sys.modules.get("ssl"), "SSLContext", ()))


class TLSChannel:
    """TLS over another channel. `Channel` says what `receive`, `send` and the other methods promise."""

    def __init__(self, below: Channel, context: ssl.SSLContext, server_side: bool, server_hostname: str | None,
                 early: bytes) -> None:
        global ssl
        import ssl  # here, to save start-up time: whoever has a context has imported it
        self.below = below
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self._incoming, self._outgoing, server_side, server_hostname)
        self._incoming.write(early)
        self._unsent: Data = b""  # encrypted bytes that the channel below has not taken yet
        self._decrypted = b""  # bytes that `end_writing` has decrypted, for the next reader
        self._more_below = False
        self._cut = False  # whether the channel below has ended
        self._established = False
        self._ended = False  # whether the peer has said that it will write no more
        self._failure: ssl.SSLError | None = None  # raised when all that came before it is read
        self._writing_ended = False

    def shake(self) -> bool:
        """Go on with the handshake. True when it is done; False when the peer has to send something first."""
        try:
            self.object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            self._try_to_flush()  # send the alert that tells the peer why
            raise
        self._established = True
        return True

    def feed(self) -> bool:
        """Receive from the channel below; False when nothing is there."""
        try:
            data = self.below.receive(ENCRYPTED)
        except BlockingIOError:
            return False
        self._more_below = len(data) == ENCRYPTED
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
                # All bytes in memory are decrypted. When more have come, they are in the channel below, whose
                # descriptor will be ready.
                if pieces and not self._more_below or not rounds or not self.feed():
                    break
                rounds -= 1
        if self._unsent or self._outgoing.pending:
            self._try_to_flush()  # reading may produce an answer of the protocol, for instance to a change of keys
        if pieces:
            return b"".join(pieces)
        if self._ended:
            return b""
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        raise BlockingIOError(errno.EAGAIN, "nothing has come")

    def _decrypt(self, limit: int) -> bytes:
        """Decrypt at most `limit` bytes. After b"", `_ended` or `_failure` may say why there are none."""
        if not (self._incoming.pending or self._cut or self.object.pending()):
            return b""  # OpenSSL would raise an exception, which takes longer than to decrypt 1 KiB: `echo-tls`
        try:
            piece = self.object.read(RECORD if limit > RECORD else limit)
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLZeroReturnError:
            piece = b""
        except ssl.SSLError as error:
            self._failure = error
            return b""
        if piece:
            return piece
        # Python 3.10 and 3.11 set OP_IGNORE_UNEXPECTED_EOF in every context if OpenSSL has it. Then a connection that
        # is cut off looks like an orderly end. But an orderly end is a message of the peer, which is received and
        # decrypted before the channel below ends. So an end that shows only after that is a cut.
        if self._cut:
            self._failure = ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the connection was cut off: EOF in violation of protocol")
        else:
            self._ended = True
        return b""

    @property
    def primed(self) -> bool:
        """Whether `receive` has something to give, or to raise, even if the descriptor never becomes ready again."""
        return bool(self._decrypted) or self._ended or self._failure is not None

    def send(self, data: Data, /) -> int:
        if self._writing_ended:
            raise BrokenPipeError(errno.EPIPE, "this side has ended its writing")
        if self._unsent or self._outgoing.pending:
            self.flush()
        view = data if len(data) <= CHUNK else memoryview(data)
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
                self._unsent = self._outgoing.read()
            sent = self.below.send(self._unsent)
            self._unsent = b"" if sent == len(self._unsent) else memoryview(self._unsent)[sent:]
        self.below.flush()

    def _flush_if_possible(self) -> bool:
        try:
            self.flush()
        except BlockingIOError:
            return False
        return True

    def _try_to_flush(self) -> None:
        """Send the protocol's own messages while nobody writes to the stream. A later write will show a failure."""
        try:
            self.flush()
        except OSError:
            pass

    def end_writing(self) -> None:
        """Send TLS's own end of writing; the connection below stays open in both directions."""
        if self._writing_ended:
            return
        # After this side's end, OpenSSL throws away bytes that were received and not decrypted: decrypt them now.
        while piece := self._decrypt(CHUNK):
            self._decrypted += piece
        self._say_goodbye()
        self._flush_if_possible()

    def _say_goodbye(self) -> None:
        self._writing_ended = True
        try:
            self.object.unwrap()
        except ssl.SSLError:
            pass  # the peer has not ended its writing yet, or the connection has failed and needs no end

    def close(self) -> None:
        if self._established and not self._writing_ended:
            self._say_goodbye()
        self._try_to_flush()
        self.below.close()


class Shake(Attempt[bool]):
    """Waits for the handshake; True when it is done, False when `Flush` has to send something first."""

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
    """Waits until the encrypted bytes of a handshake are sent."""

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
    """Carry out the handshake of `tls` on the descriptor of `stream`. Raises `ssl.SSLError` or another `OSError`."""
    while not await Shake(stream, tls):
        await Flush(stream, tls)
