"""A server that is looked into while 50 clients ask it: each gets every answer, and nothing is left of the look."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from tests.support.interpreters import LIMIT, ended, next_line, started_python
from tests.support.offered import COMMAND, Place

CLIENTS = 50

# Both answer to a number with its square, and to "state" with what a look may have left: in the queue, at the kernel,
# and around the contexts of the tasks.
NATIVE = """\
import json
from kernel import current_task, serve, sleep

def state(kernel):
    return json.dumps([type(kernel.ready).__name__, str(kernel.tap), sorted({type(task.context).__name__ for task in kernel.everyone()})])

async def handle(stream):
    async for line in stream:
        if line == b"state\\n":
            answer = state((await current_task()).kernel)
        else:
            await sleep(0.001)
            answer = str(int(line) ** 2)
        await stream.write_all(answer.encode() + b"\\n")

async def main():
    server = await serve(handle, "127.0.0.1", 0)
    print("ready", flush=True)
    print(server.addresses[0][1], flush=True)
    await sleep(1000)
"""
ASYNCIO = """\
import asyncio
import json

def state(kernel):
    return json.dumps([type(kernel.ready).__name__, str(kernel.tap), sorted({type(task.context).__name__ for task in kernel.everyone()})])

async def handle(reader, writer):
    while line := await reader.readline():
        if line == b"state\\n":
            answer = state(asyncio.get_running_loop().kernel)
        else:
            await asyncio.sleep(0.001)
            answer = str(int(line) ** 2)
        writer.write(answer.encode() + b"\\n")
        await writer.drain()

async def main():
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print("ready", flush=True)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(1000)

asyncio.run(main())
"""


class Load:
    """Clients that ask without a pause, each on a connection of its own, and compare every answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._over = False
        self._answers = [0] * CLIENTS
        self._more = asyncio.Condition()

    async def __aenter__(self) -> Load:
        self._tasks = [asyncio.create_task(self._client(number)) for number in range(CLIENTS)]
        await self.progress()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._over = True
        await asyncio.gather(*self._tasks)  # raises what has failed

    async def _client(self, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while not self._over:
            asked = 1000 * number + self._answers[number] % 1000
            writer.write(b"%d\n" % asked)
            assert await reader.readline() == b"%d\n" % asked ** 2
            async with self._more:
                self._answers[number] += 1
                self._more.notify_all()
        writer.close()
        await writer.wait_closed()

    async def progress(self) -> None:
        """Wait until each client has got another two answers: the second one it has asked for from now on."""
        goal = [answers + 2 for answers in self._answers]
        async with asyncio.timeout(LIMIT), self._more:
            await self._more.wait_for(lambda: any(task.done() for task in self._tasks)
                                      or all(now >= then for now, then in zip(self._answers, goal)))
        assert not any(task.done() for task in self._tasks)

    async def state(self) -> object:
        """What the server says of itself."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(b"state\n")
        line = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return json.loads(line)


@pytest.mark.parametrize("module, program", [("kernel", NATIVE), ("compat", ASYNCIO)], ids=["native", "asyncio"])
def test_no_request_fails(place: Place, tmp_path: Path, module: str, program: str) -> None:
    file = tmp_path / "server.py"
    file.write_text(program)

    async def look() -> None:
        async with Load(int(next_line(server))) as load:
            before = await load.state()
            for command in "ps", "tree", "stack", "locks", "dump":
                status, out, err = await asyncio.to_thread(place.command, command, server.pid)
                assert (status, err) == (0, "") and out
                await load.progress()
            for arguments in [[], ["-c"], ["-e", "network", "-T", "-r"]]:
                with started_python(COMMAND, "strace", *arguments, "-p", str(server.pid),
                                    environment=place.environment) as tool:
                    while await load.state() == before:
                        pass  # it has not begun yet
                    await load.progress()
                    tool.send_signal(signal.SIGINT)
                    status, out, err = await asyncio.to_thread(ended, tool)
                assert (status, err) == (0, "") and out
                assert await load.state() == before
                await load.progress()

    with place.started("-m", module, file) as server:
        asyncio.run(look())
        assert server.poll() is None
        server.send_signal(signal.SIGINT)
        status, out, err = ended(server)
    assert (status, out) == (130 if module == "kernel" else -signal.SIGINT, "") and "KeyboardInterrupt" in err
