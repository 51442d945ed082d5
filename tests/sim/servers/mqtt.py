"""An MQTT broker, version 3.1.1: topics with wildcards, messages at most once, at least once and exactly once, retained
messages, last wills. Sessions end with their connections, and whom the broker sends a message gets it once.
"""

from __future__ import annotations

import asyncio
import struct
from itertools import count
from typing import NamedTuple

# Packets, by their numbers.
CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(1, 8)
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = range(8, 15)


class Message(NamedTuple):
    topic: str
    body: bytes
    quality: int
    retain: bool


class Packet:
    """The body of a packet, which is read from its beginning on."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __bool__(self) -> bool:
        return bool(self._data)

    def rest(self) -> bytes:
        return self.bytes(len(self._data))

    def bytes(self, length: int) -> bytes:
        taken, self._data = self._data[:length], self._data[length:]
        return taken

    def number(self) -> int:
        return int.from_bytes(self.bytes(2), "big")

    def text(self) -> str:
        return self.bytes(self.number()).decode()


def matches(pattern: str, topic: str) -> bool:
    parts, words = pattern.split("/"), topic.split("/")
    for place, part in enumerate(parts):
        if part == "#":
            return True
        if place == len(words) or part not in ("+", words[place]):
            return False
    return len(parts) == len(words)


class Client:
    """A connection: what it has subscribed to, and what is to be sent when it ends without a word."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.patterns: dict[str, int] = {}  # and the quality that was asked for
        self.will: Message | None = None
        self.incomplete: dict[int, Message] = {}  # exactly-once messages that are not released yet
        self._numbers = count(1)

    def send(self, kind: int, body: bytes = b"", flags: int = 0) -> None:
        if self.writer.is_closing():
            return
        length, digits = len(body), b""
        while length or not digits:
            length, digit = divmod(length, 128)
            digits += bytes([digit | (128 if length else 0)])
        self.writer.write(bytes([kind << 4 | flags]) + digits + body)

    def send_message(self, message: Message, quality: int, retained: bool) -> None:
        quality = min(quality, message.quality)
        number = struct.pack("!H", next(self._numbers) % 65535 + 1) if quality else b""
        topic = message.topic.encode()
        self.send(PUBLISH, struct.pack("!H", len(topic)) + topic + number + message.body, quality << 1 | retained)


class Mqtt:
    """The clients, and what is retained."""

    def __init__(self) -> None:
        self.clients: dict[Client, None] = {}
        self.retained: dict[str, Message] = {}

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(writer)
        self.clients[client] = None
        try:
            while True:
                first = (await reader.readexactly(1))[0]
                length = shift = 0
                while True:
                    digit = (await reader.readexactly(1))[0]
                    length |= (digit & 127) << shift
                    shift += 7
                    if digit < 128:
                        break
                packet = Packet(await reader.readexactly(length))
                if first >> 4 == DISCONNECT:
                    client.will = None
                    return
                self._carry_out(client, first >> 4, first & 15, packet)
                await writer.drain()
        finally:
            del self.clients[client]
            if client.will is not None:
                self.publish(client.will)

    def _carry_out(self, client: Client, kind: int, flags: int, packet: Packet) -> None:
        if kind == CONNECT:
            self._connect(client, packet)
        elif kind == PUBLISH:
            quality = flags >> 1 & 3
            topic = packet.text()
            number = packet.bytes(2) if quality else b""
            message = Message(topic, packet.rest(), quality, bool(flags & 1))
            if quality == 2:
                client.incomplete[int.from_bytes(number, "big")] = message
                client.send(PUBREC, number)
                return
            self.publish(message)
            if quality == 1:
                client.send(PUBACK, number)
        elif kind == PUBREL:
            number = packet.bytes(2)
            released = client.incomplete.pop(int.from_bytes(number, "big"), None)
            if released is not None:
                self.publish(released)
            client.send(PUBCOMP, number)
        elif kind == PUBREC:
            client.send(PUBREL, packet.bytes(2), 2)
        elif kind == SUBSCRIBE:
            self._subscribe(client, packet)
        elif kind == UNSUBSCRIBE:
            number = packet.bytes(2)
            while packet:
                client.patterns.pop(packet.text(), None)
            client.send(UNSUBACK, number)
        elif kind == PINGREQ:
            client.send(PINGRESP)
        elif kind not in (PUBACK, PUBCOMP):
            client.writer.close()

    def _connect(self, client: Client, packet: Packet) -> None:
        protocol, version, flags = packet.text(), packet.bytes(1)[0], packet.bytes(1)[0]
        packet.number()  # how often it will send something at least
        packet.text()  # its name
        if (protocol, version) != ("MQTT", 4):
            client.send(CONNACK, b"\0\1")
            client.writer.close()
            return
        if flags & 4:
            topic, body = packet.text(), packet.bytes(packet.number())
            client.will = Message(topic, body, flags >> 3 & 3, bool(flags & 32))
        client.send(CONNACK, b"\0\0")

    def _subscribe(self, client: Client, packet: Packet) -> None:
        answer, chosen = packet.bytes(2), {}
        while packet:
            pattern = packet.text()
            chosen[pattern] = packet.bytes(1)[0]
            answer += bytes([chosen[pattern]])
        client.patterns.update(chosen)
        client.send(SUBACK, answer)
        for pattern, quality in chosen.items():
            for message in self.retained.values():
                if matches(pattern, message.topic):
                    client.send_message(message, quality, retained=True)

    def publish(self, message: Message) -> None:
        if message.retain:
            self.retained[message.topic] = message
            if not message.body:
                del self.retained[message.topic]
        for client in list(self.clients):
            qualities = [quality for pattern, quality in client.patterns.items() if matches(pattern, message.topic)]
            if qualities:
                client.send_message(message, max(qualities), retained=False)
