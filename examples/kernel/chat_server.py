"""A chat server with rooms, for `nc` or telnet: each client gives a name, and talks to everyone in its room.

    python3 -m kernel examples/kernel/chat_server.py 7777

Commands: /join ROOM, /rooms, /who, /quit; every other line goes to the room. Each client has two tasks. One reads the
client's lines. The other takes the lines for the client from a queue of 100, and writes them. When a client does not
read and its queue is full, the server disconnects it; so it holds nobody up. On SIGTERM and Ctrl-C the server says
goodbye to all clients, gives them a second to read it, and ends.
"""

from __future__ import annotations

import argparse
from signal import SIGINT, SIGTERM

from kernel import LimitOverrun, Queue, QueueClosed, QueueFull, Stream, TaskGroup, catch_signals, serve, timeout

LONGEST_LINE = 1024  # bytes
OUTBOX = 100  # lines that may wait for a client to read them
FAREWELL = 5.0  # seconds to read the last lines


class Client:
    """A client that has given its name, and is in a room."""

    def __init__(self, stream: Stream, name: str) -> None:
        self.stream = stream
        self.name = name
        self.room = "lobby"
        self.outbox: Queue[str] = Queue(OUTBOX)

    def tell(self, line: str) -> None:
        """Put a line into the client's queue. If the queue is full, disconnect the client: it reads too slowly."""
        try:
            self.outbox.put_nowait(line)
        except QueueFull:
            print(f"{self.name} reads too slowly and is disconnected", flush=True)
            self.stream.close()
        except QueueClosed:
            pass

    async def write(self) -> None:
        async for line in self.outbox:
            await self.stream.write_all(f"{line}\n".encode())


class Chat:
    """The clients, and the commands that they can give."""

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}

    def room(self, name: str) -> list[Client]:
        return [client for client in self.clients.values() if client.room == name]

    def announce(self, room: str, line: str) -> None:
        for client in self.room(room):
            client.tell(line)

    async def handle(self, stream: Stream) -> None:
        """Serve one connection, from the question for a name to the end."""
        try:
            await stream.write_all(b"Your name?\n")
            name = (await stream.read_line(LONGEST_LINE)).decode(errors="replace").strip()
            if not name or name in self.clients:
                await stream.write_all(b"That name is not free.\n")
                return
            client = self.clients[name] = Client(stream, name)
            try:
                async with TaskGroup() as group:
                    writer = await group.spawn(client.write(), name=f"write to {name}")
                    self.announce(client.room, f"* {name} has come")
                    await self.listen(client)
                    client.outbox.close()
                    async with timeout(FAREWELL):
                        await writer
            finally:
                del self.clients[name]
                self.announce(client.room, f"* {name} has left")
        except* (OSError, LimitOverrun) as errors:
            print(f"{stream.name} ended: {errors.exceptions[0]}", flush=True)

    async def listen(self, client: Client) -> None:
        while await client.stream.more():  # False also when the server shuts down
            line = await client.stream.read_line(LONGEST_LINE)
            words = line.decode(errors="replace").strip()
            command, _, argument = words.partition(" ")
            if command == "/quit":
                return
            if command == "/rooms":
                client.tell("* " + ", ".join(sorted({other.room for other in self.clients.values()})))
            elif command == "/who":
                client.tell("* " + ", ".join(sorted(other.name for other in self.room(client.room))))
            elif command == "/join" and argument:
                self.announce(client.room, f"* {client.name} goes to {argument}")
                client.room = argument
                self.announce(client.room, f"* {client.name} has come")
            elif words:
                self.announce(client.room, f"{client.name}: {words}")

    def say_goodbye(self) -> None:
        for client in self.clients.values():
            client.tell("* the server is closing; goodbye")
            client.outbox.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description="A chat server with rooms.")
    parser.add_argument("port", type=int, help="the TCP port; 0 takes any that is free")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    options = parser.parse_args()
    chat = Chat()
    async with catch_signals(SIGTERM, SIGINT) as signals:
        server = await serve(chat.handle, options.host, options.port)
        print(f"listening on {options.host}:{server.port}", flush=True)
        async for number in signals:
            print(f"closing on signal {number}", flush=True)
            break
        chat.say_goodbye()
        await server.shutdown(grace=1.0)
