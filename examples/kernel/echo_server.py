"""A TCP echo server with one task per connection, made with nothing but the kernel's own syscalls.

    python3 -m kernel examples/kernel/echo_server.py 7777

It listens on 127.0.0.1; with port 0 the system chooses a free port. Ctrl-C stops it as it stops any program (exit
status 130). SIGTERM is the ordinary way to stop a server (exit status 0). Both close the connections first.
"""

from __future__ import annotations

import errno
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from kernel import Task, current_task, sleep, spawn, wait_readable, wait_writable

CHUNK = 65536  # bytes read at a time
# The errors of accept() while the process or the system has no room for another connection.
NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


async def send_all(peer: socket.socket, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[peer.send(rest):]
        except BlockingIOError:
            await wait_writable(peer)


async def echo(peer: socket.socket) -> None:
    """Send back all that comes, until the peer ends the connection or is gone."""
    with peer:
        try:
            while True:
                # Wait before every recv(), even when there is more to read. Otherwise a peer that sends without a pause
                # would keep the other tasks from running.
                await wait_readable(peer)
                try:
                    data = peer.recv(CHUNK)
                except BlockingIOError:
                    continue  # the system said that it was readable, and then it was not
                if not data:
                    return
                await send_all(peer, data)
        except (ConnectionError, TimeoutError):
            pass  # the peer has reset the connection, or its host does not answer


async def accept(listener: socket.socket) -> None:
    """Start a task for each connection, until cancelled."""
    while True:
        await wait_readable(listener)
        try:
            peer, address = listener.accept()
        except (BlockingIOError, ConnectionError):
            continue  # the peer was gone before its connection was accepted
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            await sleep(0.05)  # the connection waits in the system's queue; meanwhile others may end
            continue
        peer.setblocking(False)
        await spawn(echo(peer), name=f"echo {address[0]}:{address[1]}")


@contextmanager
def stopped_by_sigterm(task: Task[object]) -> Iterator[None]:
    """Inside of the block SIGTERM cancels `task`; the block suppresses that cancellation."""
    terminated = False

    def on_sigterm(number: int, frame: object) -> None:
        nonlocal terminated
        terminated = True
        task.kernel.call_from_thread(task.cancel)

    previous = signal.signal(signal.SIGTERM, on_sigterm)
    try:
        yield
    except task.cancelled_type:
        if not terminated:
            raise
    finally:
        signal.signal(signal.SIGTERM, previous)


async def main() -> None:
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal() or int(sys.argv[1]) > 65535:
        sys.exit(f"usage: python -m kernel {sys.argv[0]} PORT")
    try:
        listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
    except OSError as error:
        sys.exit(f"cannot listen on port {sys.argv[1]}: {error.strerror}")
    with listener, stopped_by_sigterm(await current_task()):
        listener.setblocking(False)
        print("listening on {}:{}".format(*listener.getsockname()), flush=True)
        await accept(listener)
    print("stopped by SIGTERM", flush=True)
