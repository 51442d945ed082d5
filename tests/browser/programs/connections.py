"""An asyncio program: a server with three clients, a queue, gather and a timeout."""

import asyncio
import sys

import compat
from kernel.insight import record


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read(100))
    await writer.drain()
    writer.close()


async def client(port: int, number: int, results: asyncio.Queue[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello %d" % number)
    await results.put(await reader.read(100))
    writer.close()
    await writer.wait_closed()


async def main() -> None:
    results: asyncio.Queue[bytes] = asyncio.Queue()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(client(port, number, results), name=f"client {number}")
        for _ in range(3):
            await results.get()
    try:
        async with asyncio.timeout(0.01):
            await asyncio.gather(asyncio.sleep(5), asyncio.sleep(6))
    except TimeoutError:
        pass
    server.close()


with record(sys.argv[1]):
    compat.run(main())
