"""A port scanner: it finds the open TCP ports of this machine.

    python3 -m kernel examples/kernel/port_scanner.py --ports 1-1024,8000-9000

It tries 100 ports at a time. A port has half a second to accept the connection, and half a second to send a greeting.
The program prints the open ports in order, each with the name of the service that usually has the port, and with the
greeting. It accepts only addresses of this machine.
"""

from __future__ import annotations

import argparse
import ipaddress
import socket
import sys
import time

from kernel import Queue, TaskGroup, open_connection, timeout

BANNER = 80  # bytes; how much of a greeting is shown


def local_address(text: str) -> str:
    if not ipaddress.ip_address("127.0.0.1" if text == "localhost" else text).is_loopback:
        raise argparse.ArgumentTypeError(f"{text} is not an address of this machine")
    return text


def port_list(text: str) -> list[int]:
    """"22,80,8000-8010" as numbers, in order."""
    ports: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not 0 < int(first) <= int(last or first) < 65536:
            raise argparse.ArgumentTypeError(f"{part} is no range of ports from 1 to 65535")
        ports.update(range(int(first), int(last or first) + 1))
    return sorted(ports)


async def probe(host: str, port: int, patience: float) -> str | None:
    """The greeting at an open port, "" when none comes in time; None when the port is closed."""
    try:
        async with timeout(patience):
            stream = await open_connection(host, port)
    except OSError:  # TimeoutError is an OSError too
        return None
    async with stream:
        try:
            async with timeout(patience):
                return repr((await stream.read(BANNER)).decode(errors="replace").strip())
        except OSError:
            return ""


def service(port: int) -> str:
    try:
        return socket.getservbyport(port, "tcp")
    except OSError:
        return "?"


async def scan(host: str, ports: list[int], workers: int, patience: float) -> dict[int, str]:
    """The open ports, each with its greeting."""
    left: Queue[int] = Queue()
    for port in ports:
        left.put_nowait(port)
    left.close()
    found: dict[int, str] = {}

    async def work() -> None:
        async for port in left:
            greeting = await probe(host, port, patience)
            if greeting is not None:
                found[port] = greeting

    async with TaskGroup() as group:
        for _ in range(workers):
            await group.spawn(work())
    return found


async def main() -> None:
    parser = argparse.ArgumentParser(description="Find the open TCP ports of this machine.")
    parser.add_argument("--host", type=local_address, default="127.0.0.1", help="(default: %(default)s)")
    parser.add_argument("--ports", type=port_list, default="1-1024", help="such as 22,8000-8010 (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=100, help="ports to try at a time (default: %(default)s)")
    parser.add_argument("--patience", type=float, default=0.5, help="seconds for each port (default: %(default)s)")
    options = parser.parse_args()
    start = time.perf_counter()
    found = await scan(options.host, options.ports, options.workers, options.patience)
    for port, greeting in sorted(found.items()):
        print(f"{port:>5}  {service(port):<12} {greeting}".rstrip())
    print(f"{len(found)} of {len(options.ports)} ports of {options.host} are open; "
          f"{time.perf_counter() - start:.2f} s", file=sys.stderr)
