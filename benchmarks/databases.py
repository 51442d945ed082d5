"""What a client of a database costs: redis-py on each event loop, with a real server.

The workload starts the `redis-server` that is installed. The server's processor time does not count.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .contenders import Contender
from .orders import Failed
from .workload import Figures, Meter, Timed

SERVER = "redis-server"
PORT = "BENCHMARK_REDIS_PORT"  # the environment variable by which a worker learns the port
PATIENCE = 10.0  # seconds for the server to listen


class Pipelines(Timed):
    """Ten tasks: each sends pipelines of 20 commands, and checks every answer."""

    needs = ("redis",)
    TASKS = 10
    COMMANDS = 10  # of each of two kinds

    def __init__(self) -> None:
        super().__init__("redis-pipelines", "applications", "redis-py, pipelines of 20 commands, 10 tasks", 2000, 20)

    @contextmanager
    def open(self, contender: Contender, quick: bool) -> Iterator[Callable[[], Figures]]:
        program = shutil.which(SERVER)
        if program is None:
            raise Failed(f"there is no {SERVER}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = subprocess.Popen([program, "--port", str(port), "--save", "", "--bind", "127.0.0.1"],
                                  stdout=subprocess.DEVNULL)
        try:
            await_port(port)
            os.environ[PORT] = str(port)
            with super().open(contender, quick) as turn:
                yield turn
        finally:
            server.terminate()
            server.wait()

    async def on_asyncio(self, meter: Meter) -> None:
        redis: Any = importlib.import_module("redis.asyncio")
        client = redis.Redis(port=int(os.environ[PORT]))

        async def work(task: int) -> None:
            for number in range(self.count // self.TASKS):
                pipeline = client.pipeline(transaction=False)
                values = [b"%d %d %d" % (task, number, key) for key in range(self.COMMANDS)]
                for key, value in enumerate(values):
                    pipeline.set(f"{task}:{key}", value)
                for key in range(self.COMMANDS):
                    pipeline.get(f"{task}:{key}")
                if await pipeline.execute() != [True] * self.COMMANDS + values:
                    raise AssertionError("the answers are not what was set")

        await asyncio.gather(*[client.ping() for _ in range(self.TASKS)])  # now ten connections are open
        with meter:
            await asyncio.gather(*[work(task) for task in range(self.TASKS)])
        await client.aclose()


def await_port(port: int) -> None:
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > limit:
                raise Failed(f"{SERVER} does not listen") from None
            time.sleep(0.02)


WORKLOADS = [Pipelines()]
