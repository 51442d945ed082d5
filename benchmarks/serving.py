"""How a server is measured: in a process of its own, by the processor time that it takes for a message.

The operating system counts the server's processor time, user and system, apart from the load generator's. So it does
not matter how fast the load generator is. The throughput is shown beside the figure; one process makes all of the load.
"""

from __future__ import annotations

import os
import resource
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from .accounting import resident_memory
from .contenders import Contender
from .orders import Failed, Worker, tell
from .traffic import Connection, Conversation, Socket, WrongAnswer, connect, exchange
from .workload import Figures, Workload

# A certificate and its private key in one file. It belongs to nobody, and only these benchmarks trust it.
CERTIFICATE = Path(__file__).resolve().parent / "certificate.pem"

Announce = Callable[[Any], None]  # tells the load generator the address, when the server can be reached there


class Served(Workload):
    """A server, and clients that send it messages and check the answers.

    The coroutine functions of a subclass get `announce`, call it with the server's address, and serve without end.
    """

    kind: int = socket.SOCK_STREAM

    def __init__(self, name: str, family: str, title: str, conversation: Conversation, connections: int, messages: int,
                 tls: bool = False) -> None:
        super().__init__(name, family, title, "µs")
        self.conversation = conversation
        self.connections = connections
        self.messages = messages
        self.tls = tls

    @contextmanager
    def open(self, contender: Contender, quick: bool) -> Iterator[Callable[[], Figures]]:
        with Worker(self.name, contender.name, quick) as worker:
            address = worker.ask()
            place = tuple(address) if isinstance(address, list) else address
            yield lambda: self.load(worker, place, 2 * self.connections if quick else self.messages)

    def load(self, worker: Worker, address: Any, messages: int) -> Figures:
        """One round: connect, have one message each answered, and then measure."""
        with ExitStack() as stack:
            try:
                connections = self.connect_all(stack, address)
                before = worker.ask("account")["seconds"]
                seconds = exchange(connections, messages)
                spent = worker.ask("account")["seconds"] - before
            except WrongAnswer as error:
                raise Failed(f"{error} ({worker.last_words()})") from error
        return {"value": spent * 1e6 / messages, "a second": messages / seconds}

    def connect_all(self, stack: ExitStack, address: Any) -> list[Connection]:
        """Make all the connections of a round, and have one message answered on each. `stack` closes them."""
        allow_descriptors()
        connections = [Connection(stack.enter_context(closing(self.connect(address))), index, self.conversation)
                       for index in range(self.connections)]
        exchange(connections, self.connections)
        return connections

    def connect(self, address: Any) -> Socket:
        """A connection that does not block."""
        sock = connect(address, self.kind, client_context() if self.tls else None)
        self.conversation.prepare(sock)
        sock.setblocking(False)
        return sock

    def work(self, contender: Contender, quick: bool) -> None:
        allow_descriptors()
        self.perform(contender, announce)


def announce(address: Any) -> None:
    """Tell the address, and from now on answer every order with the processor time taken so far and the memory in use.

    A thread answers the orders, and sleeps in between. When there are no more orders, it ends the process.
    """
    tell(address)
    threading.Thread(target=account, daemon=True).start()


def account() -> None:
    for _ in sys.stdin:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        tell({"seconds": usage.ru_utime + usage.ru_stime, "resident": resident_memory()})
    os._exit(0)


def allow_descriptors() -> None:
    """Raise the limit on open files as far as the system lets us, for 1,000 connections."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most if most != resource.RLIM_INFINITY else 65536, most))


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    context.check_hostname = False
    return context
