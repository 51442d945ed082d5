"""What the TCP servers have in common that send back what they get."""

from __future__ import annotations

from ..serving import Served
from ..traffic import Echo

CHUNK = 65536  # bytes that a server takes at a time
SIZES = {1: "1 B", 1024: "1 KiB", 65536: "64 KiB"}
COUNTS = (1, 100, 1000)


class EchoServer(Served):
    """A TCP server. Large messages are fewer, so that a round takes about as long for every size."""

    def __init__(self, name: str, words: str, size: int, connections: int, *, tls: bool = False) -> None:
        shown = SIZES[size]
        super().__init__(f"echo-{name}-{shown.replace(' ', '')}-{connections}", "io",
                         f"{words}, {shown}, {connections:,} connection{'s' if connections > 1 else ''}", Echo(size),
                         connections, 10_000 if size < CHUNK else 2000, tls)
