"""A web service on several processors: uvicorn's workers, each of them a process with this project's event loop.

    python3 -m kernel examples/scale/service.py --workers 2

This starts the application below, with the command that one would use for a real service:

    python3 -m uvicorn service:application --app-dir examples/scale --workers 2 --loop compat:new_event_loop

Then it sends requests to the service over several connections at a time, stops it, and prints how many requests each
worker has answered, and on which event loop. The workers share one listening socket: a worker that has time accepts the
next connection.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from subprocess import PIPE
from typing import Any

from kernel import Queue, Stream, TaskGroup, open_connection, open_process, timeout

PATIENCE = 30.0  # seconds for the workers to start, for an answer, and for the service to end

Message = dict[str, Any]


async def application(scope: Message, receive: Callable[[], Awaitable[Message]],
                      send: Callable[[Message], Awaitable[None]]) -> None:
    """The application in every worker (ASGI 3.0): it does some work, and its answer names the worker and its loop."""
    if scope["type"] != "http":
        return  # the service starts or ends, and this application has nothing to prepare
    digest = hashlib.pbkdf2_hmac("sha256", scope["path"].encode(), b"salt", 2000).hex()
    answer = {"path": scope["path"], "digest": digest, "worker": os.getpid(),
              "loop": type(asyncio.get_running_loop()).__module__}
    body = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def wait_until_served(log: Stream, workers: int) -> int:
    """Read uvicorn's log until all workers have started; return the port."""
    port, started, said = None, 0, b""
    async with timeout(PATIENCE):
        async for line in log:
            said += line
            if found := re.search(rb"running on http://[^ ]+:(\d+)", line):
                port = int(found[1])
            started += b"startup complete" in line
            if port is not None and started == workers:
                return port
    raise RuntimeError(f"the service did not start:\n{said.decode(errors='replace')}")


async def ask(port: int, path: str) -> Message:
    """Send one request over a connection of its own, check the answer, and return it."""
    async with timeout(PATIENCE), await open_connection("127.0.0.1", port) as stream:
        await stream.write_all(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await stream.read_all()).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"the service answered {head.splitlines()[:1]}")
    answer: Message = json.loads(body)
    if answer["path"] != path:
        raise RuntimeError(f"asked for {path}, answered {answer['path']}")
    return answer


async def load(port: int, requests: int, connections: int) -> Counter[tuple[int, str]]:
    """Send `requests` requests, `connections` at a time; return how many each worker has answered, on which loop."""
    answered: Counter[tuple[int, str]] = Counter()
    paths: Queue[str] = Queue()
    for number in range(requests):
        paths.put_nowait(f"/{number}")
    paths.close()

    async def work() -> None:
        async for path in paths:
            answer = await ask(port, path)
            answered[answer["worker"], answer["loop"]] += 1

    async with TaskGroup() as group:
        for _ in range(connections):
            await group.spawn(work())
    return answered


async def main() -> None:
    parser = argparse.ArgumentParser(description="Serve with several processes, and see which of them answers.")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=400, help="(default: %(default)s)")
    parser.add_argument("--connections", type=int, default=16, help="requests at a time (default: %(default)s)")
    options = parser.parse_args()
    if options.workers < 2:
        parser.error("two workers or more: uvicorn starts no processes for one")
    command = [sys.executable, "-m", "uvicorn", "service:application", "--app-dir", str(Path(__file__).parent),
               "--workers", str(options.workers), "--loop", "compat:new_event_loop", "--port", "0", "--no-access-log"]
    async with await open_process(command, stderr=PIPE) as service, TaskGroup() as group:
        assert service.stderr is not None
        port = await wait_until_served(service.stderr, options.workers)
        await group.spawn(service.stderr.read_all(), daemon=True)  # else the service would block when the pipe is full
        answered = await load(port, options.requests, options.connections)
        service.terminate()
        async with timeout(PATIENCE):
            code = await service.wait()
    for (worker, loop), count in sorted(answered.items()):
        print(f"worker {worker}, on {loop}: {count} answers")
    print(f"{answered.total()} answers of {options.requests}; the service ended with code {code}")
