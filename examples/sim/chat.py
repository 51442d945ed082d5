"""A chat room on a host that crashes: each guest is to read each line once, and all of them in the same order.

    PYTHONPATH=. python3 examples/sim/chat.py

The room has each line on its disk before a guest reads it. A guest whose connection breaks connects again, asks for the
lines from the first one on that it has not read, and says its own line once more, if it has not read that. The line may
have come to the room, although nobody has said so. Then `Room` has it twice. A line has a number, and `MendedRoom` does
not take the same one again.

This is the native kernel. Nothing but `evening` knows of a simulation.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial

import kernel
from kernel import Event, Stream, TaskGroup, open_connection, serve, sleep, sometimes
from kernel.sim import world

PORT = 7000
LOG = "lines"  # a file
SCRIPT = {"ann": ["Hello!", "Is Cleo here?", "Bye, Bob."], "bob": ["Hi, Ann.", "She is late."]}


class Room:
    """Passes on the lines of each guest to all of them."""

    def __init__(self, disk: world.Disk) -> None:
        self.disk = disk
        self.lines = disk.read(LOG).splitlines(keepends=True) if LOG in disk.names() else []
        self.news = Event()  # set when there is one more line

    async def open(self) -> None:
        async with await serve(self.welcome, None, PORT) as server:
            await server.wait()

    async def welcome(self, stream: Stream) -> None:
        """Serve one guest, who first says how many lines it has read."""
        try:
            read = int(await stream.read_line())
            async with TaskGroup() as group:
                await group.spawn(self.tell(stream, read), daemon=True)
                async for line in stream:
                    if line.endswith(b"\n"):  # else the connection has broken within a line
                        self.hear(line)
        except* (OSError, ValueError):
            pass  # the connection has broken, perhaps before the guest has said anything

    async def tell(self, stream: Stream, read: int) -> None:
        while True:
            while read < len(self.lines):
                await stream.write_all(self.lines[read])
                read += 1
            await self.news.wait()

    def hear(self, line: bytes) -> None:
        """A guest says a line. Have it on the disk before anyone reads it."""
        self.disk.append(LOG, line)
        self.disk.sync(LOG)
        self.lines.append(line)
        news, self.news = self.news, Event()
        news.set()


class MendedRoom(Room):
    """Knows a line that it has heard before."""

    def hear(self, line: bytes) -> None:
        if line not in self.lines:  # a line has the name of who says it, and a number
            super().hear(line)


async def visit(name: str, read: list[bytes]) -> None:
    """A guest, who says the lines of the script one by one, each when it has read the one before.

    What it has read is on paper, so to say: a crash of its host takes nothing of that away.
    """
    lines = [json.dumps([name, number, text]).encode() + b"\n" for number, text in enumerate(SCRIPT[name])]
    while True:
        with suppress(OSError):
            async with await open_connection("room", PORT) as stream:
                await stream.write_all(b"%d\n" % len(read))
                await say_next(stream, lines, read)
                async for line in stream:
                    if line.endswith(b"\n"):
                        read.append(line)
                        if line in lines:
                            await say_next(stream, lines, read)
        await sleep(0.5)


async def say_next(stream: Stream, lines: list[bytes], read: list[bytes]) -> None:
    line = next((line for line in lines if line not in read), None)
    if line is not None:
        await stream.write_all(line)


async def evening(kind: type[Room]) -> None:
    room = world.host("room")
    room.run(lambda: kind(room.disk).open())  # also after a crash
    everyone: dict[str, list[bytes]] = {name: [] for name in SCRIPT}
    for name, read in everyone.items():
        world.host(name).run(partial(visit, name, read))
    await sleep(10)
    for name, read in everyone.items():
        twice = sorted({line for line in read if read.count(line) > 1})
        assert not twice, f"{name} has read a line twice: {twice[0].decode().strip()}"
    same = min(map(len, everyone.values()))  # one of them may have read more
    assert everyone["ann"][:same] == everyone["bob"][:same], "Ann and Bob have not read the same"
    sometimes("each has read all lines", same == sum(map(len, SCRIPT.values())))


if __name__ == "__main__":
    faults = ["crash", "reset"]
    print(kernel.explore(lambda: evening(Room), runs=500, faults=faults))
    print(kernel.explore(lambda: evening(MendedRoom), runs=500, faults=faults))
