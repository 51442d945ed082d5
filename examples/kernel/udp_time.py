"""A time service over UDP, and a client, which prints the server's time and how far ahead that is.

    python3 -m kernel examples/kernel/udp_time.py serve 3700
    python3 -m kernel examples/kernel/udp_time.py ask 127.0.0.1 3700

The client sends a datagram with its own time. The server sends that back together with the server's time. The client
assumes, as NTP does, that the answer took half of the round trip. Datagrams get lost, so the client asks up to three
times, and waits a second for each answer.
"""

from __future__ import annotations

import argparse
import struct
import sys
import time
from signal import SIGINT, SIGTERM

from kernel import Datagrams, TaskGroup, catch_signals, open_datagram, timeout

QUESTION = struct.Struct("!4sd")  # b"TIME", the client's time in seconds since 1970
ANSWER = struct.Struct("!4sdd")  # b"time", the client's time again, the server's time


async def answer(datagrams: Datagrams) -> None:
    """Answer every question, and ignore every other datagram."""
    async for data, address in datagrams:
        if len(data) == QUESTION.size and data.startswith(b"TIME"):
            _, asked = QUESTION.unpack(data)
            await datagrams.send(ANSWER.pack(b"time", asked, time.time()), address)


async def serve_time(host: str, port: int) -> None:
    async with catch_signals(SIGTERM, SIGINT) as signals:
        async with await open_datagram(local_address=(host, port)) as datagrams, TaskGroup() as group:
            await group.spawn(answer(datagrams), daemon=True)
            print(f"listening on {host}:{datagrams.address[1]}", flush=True)
            async for _ in signals:
                break


async def ask(datagrams: Datagrams) -> tuple[float, float]:
    """Ask once; return how many seconds the server is ahead, and how many seconds the round trip took."""
    asked = time.time()
    await datagrams.send(QUESTION.pack(b"TIME", asked))
    async for data, _ in datagrams:
        now = time.time()
        if len(data) == ANSWER.size and data.startswith(b"time") and ANSWER.unpack(data)[1] == asked:
            there: float = ANSWER.unpack(data)[2]
            return there - (asked + now) / 2, now - asked
    raise AssertionError("a socket does not end")


async def ask_time(host: str, port: int, tries: int, patience: float) -> None:
    async with await open_datagram(host, port) as datagrams:
        for _ in range(tries):
            try:
                async with timeout(patience):
                    offset, trip = await ask(datagrams)
            except TimeoutError:
                continue
            there = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + offset))
            print(f"{there} UTC; the server is {offset * 1000:+.3f} ms ahead, the round trip took {trip * 1000:.3f} ms")
            return
    sys.exit(f"no answer from {host}:{port} to {tries} questions")


async def main() -> None:
    parser = argparse.ArgumentParser(description="A time service over UDP.")
    commands = parser.add_subparsers(dest="command", required=True)
    server = commands.add_parser("serve", help="answer questions")
    server.add_argument("port", type=int, help="the UDP port; 0 takes any that is free")
    server.add_argument("--host", default="127.0.0.1")
    client = commands.add_parser("ask", help="ask a server")
    client.add_argument("host")
    client.add_argument("port", type=int)
    client.add_argument("--tries", type=int, default=3, help="questions (default: %(default)s)")
    client.add_argument("--patience", type=float, default=1.0, help="seconds to wait for each (default: %(default)s)")
    options = parser.parse_args()
    if options.command == "serve":
        await serve_time(options.host, options.port)
        return
    try:
        await ask_time(options.host, options.port, options.tries, options.patience)
    except OSError as error:
        sys.exit(f"no answer: {error}")
