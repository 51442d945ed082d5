"""An echo server and three clients, all in one process and one thread.

    python3 -m kernel examples/movies/three_clients.py

Look at how few tasks are ready at a time. The acceptor waits for a connection, each handler waits for the words of its
client, and a client waits for its echo: each of these waits is for a descriptor. What one task writes makes another
one's descriptor readable. So the words go back and forth without a thread.
"""

from kernel import Stream, TaskGroup, open_connection, serve, sleep


async def echo(peer: Stream) -> None:
    while True:
        words = await peer.read()
        if not words:
            return  # the client has closed the connection
        await peer.write_all(words)


async def talk(port: int, pause: float) -> None:
    async with await open_connection("127.0.0.1", port) as server:
        for words in b"hello", b"goodbye":
            await sleep(pause)
            await server.write_all(words)
            await server.read()


async def main() -> None:
    async with await serve(echo, "127.0.0.1", 0) as server:
        async with TaskGroup() as clients:
            await clients.spawn(talk(server.port, 1), name="Ann")
            await clients.spawn(talk(server.port, 1.5), name="Bob")
            await clients.spawn(talk(server.port, 2), name="Cid")
