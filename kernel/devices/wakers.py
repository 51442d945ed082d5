"""Waking a poller that waits in the operating system: another thread, or the interpreter at a signal, writes a byte."""

from __future__ import annotations

import os
import sys
from io import FileIO

if sys.platform == "win32":  # where a poller can wait for sockets only
    import socket

    class Waker:
        """A pair of sockets. What is written to one, by `wake` or as a byte to `target`, makes the other readable."""

        def __init__(self) -> None:
            self._sender, self._receiver = socket.socketpair()
            self._sender.setblocking(False)
            self._receiver.setblocking(False)
            self.source = self._receiver.fileno()
            self.target = self._sender.fileno()

        def wake(self) -> None:
            try:
                self._sender.send(b"\0")
            except OSError:
                pass  # full of earlier calls: it will wake; or closed, between the caller's look at the kernel and now

        def drain(self) -> None:
            """Take out all that was written."""
            try:
                while self._receiver.recv(4096):
                    pass
            except BlockingIOError:
                pass

        def close(self) -> None:
            self._sender.close()
            self._receiver.close()
            self.target = -1
else:

    class Waker:
        """A pipe. What is written to it, by `wake` or as a byte to `target`, makes `source` readable.

        Not a pair of sockets: a program of tasks alone does not need `socket`, which takes long to import, as the row
        `import` shows. And no eventfd, since `signal.set_wakeup_fd` writes single bytes.
        """

        def __init__(self) -> None:
            self.source, self.target = os.pipe()
            self._receiver, self._sender = FileIO(self.source, "r"), FileIO(self.target, "w")  # they own the two
            os.set_blocking(self.source, False)
            os.set_blocking(self.target, False)

        def wake(self) -> None:
            try:
                self._sender.write(b"\0")  # does nothing when the pipe is full of earlier calls: it will wake
            except (OSError, ValueError):
                pass  # closed, between the caller's look at the kernel and now

        def drain(self) -> None:
            """Take out all that was written."""
            while self._receiver.read(4096):
                pass

        def close(self) -> None:
            self._sender.close()
            self._receiver.close()
            self.target = -1
