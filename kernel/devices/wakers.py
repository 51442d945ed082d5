"""Waking a poller that waits in the operating system: another thread, or the interpreter at a signal, writes a byte."""

from __future__ import annotations

import os
import sys

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
        `import` shows. And no eventfd, since `signal.set_wakeup_fd` writes single bytes. The two ends are plain numbers:
        file objects would take 3 µs of the 70 of an empty run, the row `run`.
        """

        source = target = -1  # closed

        def __init__(self) -> None:
            if sys.platform == "linux":  # in one system call
                self.source, self.target = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            else:
                self.source, self.target = os.pipe()
                os.set_blocking(self.source, False)
                os.set_blocking(self.target, False)

        def wake(self) -> None:
            try:
                os.write(self.target, b"\0")
            except OSError:
                pass  # full of earlier calls: it will wake; or closed, between the caller's look at the kernel and now

        def drain(self) -> None:
            """Take out all that was written."""
            try:
                while len(os.read(self.source, 4096)) == 4096:
                    pass
            except BlockingIOError:
                pass

        def close(self) -> None:
            ends = self.source, self.target
            self.source = self.target = -1
            for end in ends:
                if end != -1:
                    os.close(end)

        __del__ = close  # of a kernel that nobody has closed
