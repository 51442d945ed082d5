"""A NATS server: subjects with wildcards, queue groups, headers, requests that nobody answers."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from typing import NamedTuple

INFO = {"server_id": "SIMULATED", "version": "2.10.0", "proto": 1, "headers": True, "max_payload": 1024 * 1024}
NO_RESPONDERS = b"NATS/1.0 503\r\n\r\n"


class Subscription:
    """What a client wants to have of a subject."""

    def __init__(self, client: asyncio.StreamWriter, subject: str, group: str, number: str) -> None:
        self.client = client
        self.pattern = subject.split(".")
        self.group = group
        self.number = number
        self.received = 0
        self.limit: int | None = None  # after so many messages it ends

    def wants(self, subject: str) -> bool:
        words = subject.split(".")
        for place, part in enumerate(self.pattern):
            if part == ">":
                return len(words) > place
            if place == len(words) or part not in ("*", words[place]):
                return False
        return len(words) == len(self.pattern)


class Message(NamedTuple):
    subject: str
    reply: str
    headers: bytes
    body: bytes

    def to(self, subscription: Subscription) -> bytes:
        """As it is sent."""
        words = [self.subject, subscription.number, *([self.reply] if self.reply else [])]
        if self.headers:
            words += [str(len(self.headers)), str(len(self.headers) + len(self.body))]
        else:
            words.append(str(len(self.body)))
        line = ("HMSG " if self.headers else "MSG ") + " ".join(words)
        return b"%s\r\n%s%s\r\n" % (line.encode(), self.headers, self.body)


class Nats:
    """The subscriptions of all clients, in the order in which they were made."""

    def __init__(self) -> None:
        self.subscriptions: dict[tuple[asyncio.StreamWriter, str], Subscription] = {}
        self._turn = count()  # for the members of groups
        self._clients = count(1)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"INFO %s\r\n" % json.dumps({**INFO, "client_id": next(self._clients)}).encode())
        try:
            while line := await reader.readline():
                await self._carry_out(line.decode().split(), reader, writer)
                await writer.drain()
        finally:
            for key in [key for key in self.subscriptions if key[0] is writer]:
                del self.subscriptions[key]

    async def _carry_out(self, words: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match words:
            case []:
                pass
            case ["CONNECT", *_]:
                pass  # nobody has to say who he is
            case ["PING"]:
                writer.write(b"PONG\r\n")
            case ["PONG"]:
                pass
            case ["SUB", subject, *group, number]:
                self.subscriptions[writer, number] = Subscription(writer, subject, "".join(group), number)
            case ["UNSUB", number]:
                self.subscriptions.pop((writer, number), None)
            case ["UNSUB", number, limit]:
                subscription = self.subscriptions.get((writer, number))
                if subscription is not None:
                    subscription.limit = int(limit)
                    self._end_at_limit(subscription)
            case ["PUB", subject, *reply, length]:
                body = (await reader.readexactly(int(length) + 2))[:-2]
                self._publish(writer, Message(subject, "".join(reply), b"", body))
            case ["HPUB", subject, *reply, of_headers, length]:
                both = (await reader.readexactly(int(length) + 2))[:-2]
                headers, body = both[:int(of_headers)], both[int(of_headers):]
                self._publish(writer, Message(subject, "".join(reply), headers, body))
            case _:
                writer.write(b"-ERR 'Unknown Protocol Operation'\r\n")
                writer.close()

    def _publish(self, sender: asyncio.StreamWriter, message: Message) -> None:
        groups: dict[str, list[Subscription]] = {}
        receivers = []
        for subscription in self.subscriptions.values():
            if subscription.wants(message.subject):
                if subscription.group:
                    groups.setdefault(subscription.group, []).append(subscription)
                else:
                    receivers.append(subscription)
        receivers += [members[next(self._turn) % len(members)] for members in groups.values()]
        for receiver in receivers:
            self._send(receiver, message)
        if message.reply and not receivers:
            for one in list(self.subscriptions.values()):
                if one.client is sender and one.wants(message.reply):
                    self._send(one, Message(message.reply, "", NO_RESPONDERS, b""))

    def _send(self, receiver: Subscription, message: Message) -> None:
        if not receiver.client.is_closing():
            receiver.client.write(message.to(receiver))
        receiver.received += 1
        self._end_at_limit(receiver)

    def _end_at_limit(self, subscription: Subscription) -> None:
        if subscription.limit is not None and subscription.received >= subscription.limit:
            self.subscriptions.pop((subscription.client, subscription.number), None)
