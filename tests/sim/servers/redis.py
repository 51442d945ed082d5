"""A Redis server: strings, lists, hashes, expiry, transactions, blocking pops, publish and subscribe; RESP2 and RESP3.

A connection has two tasks. One reads commands, so that it notices the client's end while the other one waits in a
blocking pop. The other one carries them out in their order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from inspect import isawaitable, signature
from typing import Any

from .resp import Error, Push, Simple, encode, read_command

OK, QUEUED = Simple("OK"), Simple("QUEUED")
WRONG_TYPE = Error("WRONGTYPE Operation against a key holding the wrong kind of value")
AT_ONCE = {"MULTI", "EXEC", "DISCARD", "WATCH", "QUIT"}  # these are not queued in a transaction


class Client:
    """A connection, and what it has asked for."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.protocol = 2
        self.name = b""
        self.queued: list[list[bytes]] | None = None  # in a transaction
        self.spoiled = False  # the transaction has a command that was refused
        self.executing = False
        self.watched: dict[bytes, int] = {}  # the versions of keys
        self.channels: dict[bytes, None] = {}
        self.patterns: dict[bytes, None] = {}
        self.blocked: asyncio.Future[Any] | None = None
        self.ended = False

    def send(self, value: Any) -> None:
        if not self.writer.is_closing():
            self.writer.write(encode(value, self.protocol))

    @property
    def subscriptions(self) -> int:
        return len(self.channels) + len(self.patterns)


class Redis:
    """The data and the clients. `delays` are the seconds that commands take, by their names."""

    def __init__(self, delays: Mapping[str, float] = {}) -> None:
        self.delays = delays
        self.values: dict[bytes, Any] = {}
        self.expiry: dict[bytes, float] = {}  # when each key expires, on the loop's clock
        self.versions: dict[bytes, int] = {}  # how often each key was changed
        self.blocked: dict[bytes, deque[asyncio.Future[Any]]] = {}
        self.clients: dict[Client, None] = {}

    # Connections.

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(writer)
        self.clients[client] = None
        commands: asyncio.Queue[list[bytes]] = asyncio.Queue()
        worker = asyncio.create_task(self._work(client, commands), name="redis worker")
        try:
            while command := await read_command(reader):
                commands.put_nowait(command)
            client.ended = True
            if client.blocked is not None and not client.blocked.done():
                client.blocked.set_result(None)  # else it would take an item to a client that has gone
            commands.put_nowait([])
            await worker
        finally:
            del self.clients[client]
            worker.cancel()
            await asyncio.wait([worker])

    async def _work(self, client: Client, commands: asyncio.Queue[list[bytes]]) -> None:
        while command := await commands.get():
            name = command[0].decode().upper()
            if name in self.delays:
                await asyncio.sleep(self.delays[name])
            client.send(await self._answer(client, name, command[1:]))
            try:
                await client.writer.drain()
            except ConnectionError:
                return
            if name == "QUIT":
                client.writer.close()

    async def _answer(self, client: Client, name: str, arguments: list[bytes]) -> Any:
        method = getattr(self, f"do_{name.lower()}", None)
        if method is None:
            return self._refuse(client, f"ERR unknown command '{name}'")
        try:
            signature(method).bind(client, *arguments)
        except TypeError:
            return self._refuse(client, f"ERR wrong number of arguments for '{name.lower()}' command")
        if client.queued is not None and name not in AT_ONCE:
            client.queued.append([name.encode(), *arguments])
            return QUEUED
        try:
            answer = method(client, *arguments)
            return await answer if isawaitable(answer) else answer
        except Error as error:
            return error
        except ValueError:
            return Error("ERR value is not an integer or out of range")

    def _refuse(self, client: Client, message: str) -> Error:
        client.spoiled = True
        return Error(message)

    def do_ping(self, client: Client, *text: bytes) -> Any:
        if client.subscriptions and client.protocol == 2:
            return [b"pong", b"".join(text)]
        return text[0] if text else Simple("PONG")

    def do_echo(self, client: Client, text: bytes) -> Any:
        return text

    def do_hello(self, client: Client, protocol: bytes = b"", *options: bytes) -> Any:
        if protocol not in (b"", b"2", b"3"):
            return Error("NOPROTO unsupported protocol version")
        client.protocol = int(protocol or client.protocol)
        return {b"server": b"redis", b"version": b"7.2.0", b"proto": client.protocol, b"id": 1, b"mode": b"standalone",
                b"role": b"master", b"modules": []}

    def do_client(self, client: Client, what: bytes, *arguments: bytes) -> Any:
        match what.upper():
            case b"SETNAME":
                client.name = arguments[0]
            case b"GETNAME":
                return client.name
            case b"SETINFO":
                pass
            case _:
                return Error(f"ERR unknown subcommand '{what.decode()}'")
        return OK

    def do_select(self, client: Client, number: bytes) -> Any:
        return OK if int(number) == 0 else Error("ERR DB index is out of range")

    def do_quit(self, client: Client) -> Any:
        return OK

    # Keys.

    def _get(self, key: bytes, kind: type, missing: Any = None) -> Any:
        """The value of a key, which is of that kind; `missing` if there is none."""
        if self.expiry.get(key, float("inf")) <= asyncio.get_running_loop().time():
            self._remove(key)
        value = self.values.get(key, missing)
        if not isinstance(value, kind) and value is not missing:
            raise WRONG_TYPE
        return value

    def _set(self, key: bytes, value: Any) -> None:
        self.values[key] = value
        self.versions[key] = self.versions.get(key, 0) + 1

    def _remove(self, key: bytes) -> bool:
        self.expiry.pop(key, None)
        self.versions[key] = self.versions.get(key, 0) + 1
        return self.values.pop(key, None) is not None

    def do_get(self, client: Client, key: bytes) -> Any:
        return self._get(key, bytes)

    def do_set(self, client: Client, key: bytes, value: bytes, *options: bytes) -> Any:
        words = [option.upper() for option in options]
        there = self._get(key, object) is not None
        if (b"NX" in words and there) or (b"XX" in words and not there):
            return None
        self._set(key, value)
        self.expiry.pop(key, None)
        for unit, seconds in ((b"EX", 1.0), (b"PX", 0.001)):
            if unit in words:
                self._expire(key, int(words[words.index(unit) + 1]) * seconds)
        return OK

    def do_del(self, client: Client, *keys: bytes) -> Any:
        return sum(self._get(key, object) is not None and self._remove(key) for key in keys)

    def do_exists(self, client: Client, *keys: bytes) -> Any:
        return sum(self._get(key, object) is not None for key in keys)

    def do_keys(self, client: Client, pattern: bytes) -> Any:
        return [key for key in list(self.values)
                if fnmatchcase(key.decode(), pattern.decode()) and self._get(key, object) is not None]

    def do_flushall(self, client: Client, *options: bytes) -> Any:
        for key in list(self.values):
            self._remove(key)
        return OK

    def do_incrby(self, client: Client, key: bytes, by: bytes) -> Any:
        value = int(self._get(key, bytes, b"0")) + int(by)
        self._set(key, str(value).encode())
        return value

    def do_incr(self, client: Client, key: bytes) -> Any:
        return self.do_incrby(client, key, b"1")

    def do_decr(self, client: Client, key: bytes) -> Any:
        return self.do_incrby(client, key, b"-1")

    def _expire(self, key: bytes, seconds: float) -> None:
        self.expiry[key] = asyncio.get_running_loop().time() + seconds

    def do_expire(self, client: Client, key: bytes, seconds: bytes) -> Any:
        if self._get(key, object) is None:
            return 0
        self._expire(key, int(seconds))
        return 1

    def do_ttl(self, client: Client, key: bytes) -> Any:
        if self._get(key, object) is None:
            return -2
        left = self.expiry.get(key, -1.0)
        return -1 if left < 0 else round(left - asyncio.get_running_loop().time())

    # Lists and hashes.

    def _push(self, key: bytes, values: Iterable[bytes], left: bool) -> int:
        items = self._get(key, deque, deque())
        (items.extendleft if left else items.extend)(values)
        self._set(key, items)
        length = len(items)
        waiting = self.blocked.get(key, deque())
        while waiting and key in self.values:
            future = waiting.popleft()
            if not future.done():
                future.set_result([key, self._pop(key, left=True)])
        return length

    def _pop(self, key: bytes, left: bool) -> Any:
        items = self._get(key, deque)
        if items is None:
            return None
        value = items.popleft() if left else items.pop()
        self._set(key, items)
        if not items:
            self._remove(key)
        return value

    def do_lpush(self, client: Client, key: bytes, *values: bytes) -> Any:
        return self._push(key, values, left=True)

    def do_rpush(self, client: Client, key: bytes, *values: bytes) -> Any:
        return self._push(key, values, left=False)

    def do_lpop(self, client: Client, key: bytes) -> Any:
        return self._pop(key, left=True)

    def do_rpop(self, client: Client, key: bytes) -> Any:
        return self._pop(key, left=False)

    def do_llen(self, client: Client, key: bytes) -> Any:
        return len(self._get(key, deque, deque()))

    def do_lrange(self, client: Client, key: bytes, first: bytes, last: bytes) -> Any:
        return list(self._get(key, deque, deque()))[int(first):None if last == b"-1" else int(last) + 1]

    async def do_blpop(self, client: Client, *arguments: bytes) -> Any:
        *keys, limit = arguments
        for key in keys:
            if self._get(key, deque) is not None:
                return [key, self._pop(key, left=True)]
        if client.executing or client.ended:
            return None
        client.blocked = asyncio.get_running_loop().create_future()
        for key in keys:
            self.blocked.setdefault(key, deque()).append(client.blocked)
        # A time limit that cancels what waits might come together with an item, and lose it.
        await asyncio.wait([client.blocked], timeout=float(limit) or None)
        if not client.blocked.done():
            client.blocked.set_result(None)
        return client.blocked.result()

    def do_hset(self, client: Client, key: bytes, *pairs: bytes) -> Any:
        fields = self._get(key, dict, {})
        before = len(fields)
        fields.update(zip(pairs[::2], pairs[1::2]))
        self._set(key, fields)
        return len(fields) - before

    def do_hget(self, client: Client, key: bytes, field: bytes) -> Any:
        return self._get(key, dict, {}).get(field)

    def do_hgetall(self, client: Client, key: bytes) -> Any:
        return dict(self._get(key, dict, {}))

    # Transactions.

    def do_multi(self, client: Client) -> Any:
        if client.queued is not None:
            return Error("ERR MULTI calls can not be nested")
        client.queued, client.spoiled = [], False
        return OK

    async def do_exec(self, client: Client) -> Any:
        if client.queued is None:
            return Error("ERR EXEC without MULTI")
        queued, client.queued = client.queued, None
        changed = any(self.versions.get(key, 0) != version for key, version in client.watched.items())
        client.watched.clear()
        if client.spoiled:
            return Error("EXECABORT Transaction discarded because of previous errors.")
        if changed:
            return None
        client.executing = True
        try:
            return [await self._answer(client, command[0].decode(), command[1:]) for command in queued]
        finally:
            client.executing = False

    def do_discard(self, client: Client) -> Any:
        if client.queued is None:
            return Error("ERR DISCARD without MULTI")
        client.queued = None
        client.watched.clear()
        return OK

    def do_watch(self, client: Client, *keys: bytes) -> Any:
        for key in keys:
            self._get(key, object)
            client.watched[key] = self.versions.get(key, 0)
        return OK

    def do_unwatch(self, client: Client) -> Any:
        client.watched.clear()
        return OK

    # Publish and subscribe.

    def do_publish(self, client: Client, channel: bytes, message: bytes) -> Any:
        receivers = 0
        for one in list(self.clients):
            if channel in one.channels:
                one.send(Push([b"message", channel, message]))
                receivers += 1
            for pattern in one.patterns:
                if fnmatchcase(channel.decode(), pattern.decode()):
                    one.send(Push([b"pmessage", pattern, channel, message]))
                    receivers += 1
        return receivers

    def _subscribe(self, client: Client, what: bytes, names: dict[bytes, None], chosen: Iterable[bytes]) -> Any:
        """Each name has an answer of its own."""
        for name in chosen:
            names[name] = None
            client.send(Push([what, name, client.subscriptions]))
        return Push([])

    def _unsubscribe(self, client: Client, what: bytes, names: dict[bytes, None], chosen: Iterable[bytes]) -> Any:
        """From all, if none is named."""
        for name in chosen or list(names):
            names.pop(name, None)
            client.send(Push([what, name, client.subscriptions]))
        return Push([])

    def do_subscribe(self, client: Client, *channels: bytes) -> Any:
        return self._subscribe(client, b"subscribe", client.channels, channels)

    def do_psubscribe(self, client: Client, *patterns: bytes) -> Any:
        return self._subscribe(client, b"psubscribe", client.patterns, patterns)

    def do_unsubscribe(self, client: Client, *channels: bytes) -> Any:
        return self._unsubscribe(client, b"unsubscribe", client.channels, channels)

    def do_punsubscribe(self, client: Client, *patterns: bytes) -> Any:
        return self._unsubscribe(client, b"punsubscribe", client.patterns, patterns)
