"""A program on two hosts whose network shows all that can happen in one; and its recording."""

from __future__ import annotations

from pathlib import Path

import kernel
from kernel import Stream, open_connection, open_datagram, serve, sleep
from kernel.insight import record
from kernel.recordings.reading import Recording, read
from kernel.sim import world


async def echo(stream: Stream) -> None:
    while data := await stream.read(1000):
        await stream.write_all(data.upper())


async def server() -> None:
    async with await serve(echo, "0.0.0.0", 7) as listener:
        await listener.wait()


async def two_hosts() -> None:
    """A question and its answer, a packet that a partition holds, a datagram that it loses, a crash and a restart."""
    db = world.host("db")
    db.run(server)
    world.link("main", "db", latency=0.25)
    async with await open_connection(db.address, 7) as stream:
        await stream.write_all(b"hello")
        assert await stream.read(10) == b"HELLO"
        world.partition({"main"}, {"db"})
        await stream.write_all(b"again")
        async with await open_datagram(db.address, 9) as datagrams:
            await datagrams.send(b"lost")
        await sleep(1)
        world.heal()
        await sleep(1)
        db.crash()
        await sleep(1)
        db.restart()
        await sleep(1)
        db.crash(power=True)


def recorded_world(file: Path, *, data: bool = True) -> Recording:
    with record(file, data=data):
        kernel.simulate(two_hosts)
    recording = read(file)
    assert recording.damage is None
    return recording
