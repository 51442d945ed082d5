"""A connection pool over a link that stalls: who gives up leaves an answer behind, and the next user reads it.

    PYTHONPATH=. python3 examples/sim/pool.py

A user asks a database by a connection of the pool, and gives up after a second. On a good day the answer comes within
milliseconds. When the link stalls, the user gives up, and the pool puts the connection back. Then the answer comes. It
waits in the connection for the next user, who has asked something else. redis-py had this bug (CVE-2023-28858), and a
chat service showed people the titles of other people's chats.

The program is asyncio's. Nothing in the pool, its users or the database knows of a simulation.
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter

import compat
from kernel.sim import world

PORT = 6379


class Pool:
    """Connections to the database that nobody uses, for the next user."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._idle: list[tuple[StreamReader, StreamWriter]] = []

    async def get(self, key: str) -> str:
        """Ask the database for the value of `key`."""
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, PORT)
        try:
            return await ask(reader, writer, key)
        finally:
            self._idle.append((reader, writer))

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


class MendedPool(Pool):
    """Closes a connection that was given up, since nobody knows what will still come from it."""

    async def get(self, key: str) -> str:
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, PORT)
        try:
            value = await ask(reader, writer, key)
        except BaseException:
            writer.close()
            raise
        self._idle.append((reader, writer))
        return value


async def ask(reader: StreamReader, writer: StreamWriter, key: str) -> str:
    writer.write(f"{key}\n".encode())
    answer = await reader.readline()
    if not answer:
        raise ConnectionError("the database has closed the connection")
    return answer.decode().rstrip()


async def database() -> None:
    """A server that knows one value for each key."""

    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while key := (await reader.readline()).decode().rstrip():
                writer.write(f"the value of {key}\n".encode())
                await writer.drain()
        except ConnectionError:
            pass  # the client is gone
        finally:
            writer.close()

    async with await asyncio.start_server(handle, port=PORT) as server:
        await server.serve_forever()


async def three_users(kind: type[Pool]) -> None:
    world.host("db").run(database)
    world.link("main", "db", latency=(0.001, 2.0))
    pool = kind("db")
    for key in "ann", "bob", "cleo":
        try:
            async with asyncio.timeout(1):
                value = await pool.get(key)
        except OSError:
            continue  # a time limit, or the connection: the user asks again tomorrow
        assert value == f"the value of {key}", f"{key} was given {value}"
    pool.close()


if __name__ == "__main__":
    print(compat.explore(lambda: three_users(Pool), runs=500))
    print(compat.explore(lambda: three_users(MendedPool), runs=500, faults=["partition", "reset"]))
