"""A PostgreSQL server: the wire protocol, version 3, as asyncpg speaks it, over the statements of `database.py`.

Everybody may connect, and as any user. Statements come as simple queries, or parsed, bound and executed step by step,
with cursors. A query can be cancelled by a request on a connection of its own.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from .database import Database, Refused, Rows, Session, Statement, parse

START, CANCEL, TLS, ENCRYPTION = 196608, 80877102, 80877103, 80877104  # what a first packet may be
SECRET = 42

SETTINGS = {"server_version": "16.0", "server_encoding": "UTF8", "client_encoding": "UTF8", "TimeZone": "UTC",
            "standard_conforming_strings": "on", "integer_datetimes": "on", "DateStyle": "ISO, MDY"}

# Types: number, length, and the form of the binary values; none where they are as in text.
TYPES = {"int4": (23, 4, "!i"), "int8": (20, 8, "!q"), "float8": (701, 8, "!d"), "text": (25, -1, ""),
         "void": (2278, 4, "")}


def encode(value: Any, kind: str, binary: bool) -> bytes:
    form = TYPES[kind][2]
    return struct.pack(form, value) if binary and form else str(value).encode()


def decode(data: bytes, kind: str, binary: bool) -> Any:
    form = TYPES[kind][2]
    if binary and form:
        return struct.unpack(form, data)[0]
    return data.decode() if not form else float(data) if kind == "float8" else int(data)


class Packet:
    """The body of a message, which is read from its beginning on."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def bytes(self, length: int) -> bytes:
        self._place += length
        return self._data[self._place - length:self._place]

    def number(self, form: str = "!h") -> int:
        number: int = struct.unpack(form, self.bytes(struct.calcsize(form)))[0]
        return number

    def numbers(self) -> list[int]:
        return [self.number() for _ in range(self.number())]

    def text(self) -> str:
        end = self._data.index(b"\0", self._place)
        return self.bytes(end + 1 - self._place)[:-1].decode()


def text(value: str) -> bytes:
    return value.encode() + b"\0"


def formats(chosen: list[int], count: int) -> list[bool]:
    """Which of so many values are binary: none chosen means that all are text, and one stands for all."""
    return [bool(code) for code in (chosen * count if len(chosen) == 1 else chosen or [0] * count)]


class Portal:
    """A statement with its values, and how far its rows were fetched."""

    def __init__(self, statement: Statement, values: list[Any], binary: list[bool]) -> None:
        self.statement = statement
        self.values = values
        self.binary = binary
        self.rows: Rows | None = None
        self.fetched = 0


class Connection:
    """A client that has started a session."""

    def __init__(self, session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.session = session
        self.reader = reader
        self.writer = writer
        self.statements: dict[str, Statement] = {}
        self.portals: dict[str, Portal] = {}
        self.skipping = False  # after an error, until the client says Sync
        self._messages: dict[bytes, Callable[[Packet], Awaitable[None]]] = {
            b"Q": self._query, b"P": self._parse, b"B": self._bind, b"D": self._describe, b"E": self._execute,
            b"C": self._close, b"S": self._sync, b"H": self._flush}

    def send(self, kind: bytes, body: bytes = b"") -> None:
        self.writer.write(kind + struct.pack("!i", len(body) + 4) + body)

    async def talk(self) -> None:
        self.send(b"R", struct.pack("!i", 0))
        for name, value in SETTINGS.items():
            self.send(b"S", text(name) + text(value))
        self.send(b"K", struct.pack("!ii", self.session.number, SECRET))
        self.ready()
        while True:
            await self.writer.drain()
            kind = await self.reader.readexactly(1)
            packet = Packet(await self.reader.readexactly(struct.unpack("!i", await self.reader.readexactly(4))[0] - 4))
            if kind == b"X":
                return
            if self.skipping and kind != b"S":
                continue
            try:
                if kind not in self._messages:
                    raise Refused("08P01", f"the simulated server does not know the message {kind!r}")
                await self._messages[kind](packet)
            except Refused as error:
                self.refuse(error)
                self.skipping = kind != b"Q"
                if kind == b"Q":
                    self.ready()

    def ready(self) -> None:
        self.send(b"Z", self.session.status.encode())

    def refuse(self, error: Refused) -> None:
        self.session.fail()
        fields = {"S": "ERROR", "V": "ERROR", "C": error.code, "M": str(error)}
        self.send(b"E", b"".join(key.encode() + text(value) for key, value in fields.items()) + b"\0")

    def describe_rows(self, statement: Statement, binary: list[bool]) -> None:
        if not statement.columns:
            self.send(b"n")
            return
        body = struct.pack("!h", len(statement.columns))
        for (name, kind), is_binary in zip(statement.columns.items(), binary):
            number, length, _ = TYPES[kind]
            body += text(name) + struct.pack("!ihihih", 0, 0, number, length, -1, is_binary)
        self.send(b"T", body)

    def send_rows(self, statement: Statement, rows: Rows, binary: list[bool]) -> None:
        for row in rows if statement.columns else []:
            body = struct.pack("!h", len(row))
            for value, kind, is_binary in zip(row, statement.columns.values(), binary):
                data = encode(value, kind, is_binary)
                body += struct.pack("!i", len(data)) + data
            self.send(b"D", body)

    def complete(self, statement: Statement, rows: Rows) -> None:
        counts = {"SELECT": f"SELECT {len(rows)}", "INSERT": f"INSERT 0 {len(rows)}", "UPDATE": f"UPDATE {len(rows)}",
                  "DELETE": f"DELETE {len(rows)}", "ROLLBACK TO": "ROLLBACK"}
        self.send(b"C", text(counts.get(statement.tag, statement.tag)))

    async def _query(self, packet: Packet) -> None:
        parts = [part for part in packet.text().split(";") if part.strip()]
        for part in parts:
            statement = parse(part)
            rows = await self.session.execute(statement, [])
            binary = [False] * len(statement.columns)
            if statement.columns:
                self.describe_rows(statement, binary)
            self.send_rows(statement, rows, binary)
            self.complete(statement, rows)
        if not parts:
            self.send(b"I")
        self.ready()

    async def _parse(self, packet: Packet) -> None:
        name = packet.text()
        self.statements[name] = parse(packet.text())
        self.send(b"1")

    async def _bind(self, packet: Packet) -> None:
        name = packet.text()
        statement = self._statement(packet.text())
        chosen = packet.numbers()
        values: list[Any] = []
        count = packet.number()
        if count != len(statement.parameters):
            raise Refused("08P01", f"{count} parameters were given, and the statement has {len(statement.parameters)}")
        for kind, binary in zip(statement.parameters, formats(chosen, count)):
            length = packet.number("!i")
            values.append(None if length < 0 else decode(packet.bytes(length), kind, binary))
        self.portals[name] = Portal(statement, values, formats(packet.numbers(), len(statement.columns)))
        self.send(b"2")

    async def _describe(self, packet: Packet) -> None:
        kind, name = packet.bytes(1), packet.text()
        if kind == b"S":
            statement = self._statement(name)
            numbers = [TYPES[parameter][0] for parameter in statement.parameters]
            self.send(b"t", struct.pack(f"!h{len(numbers)}i", len(numbers), *numbers))
            self.describe_rows(statement, [False] * len(statement.columns))
        else:
            portal = self._portal(name)
            self.describe_rows(portal.statement, portal.binary)

    async def _execute(self, packet: Packet) -> None:
        portal, most = self._portal(packet.text()), packet.number("!i")
        if portal.rows is None:
            portal.rows = await self.session.execute(portal.statement, portal.values)
        end = len(portal.rows) if most == 0 else portal.fetched + most
        rows, portal.fetched = portal.rows[portal.fetched:end], end
        self.send_rows(portal.statement, rows, portal.binary)
        if end < len(portal.rows):
            self.send(b"s")
        else:
            self.complete(portal.statement, rows)

    async def _close(self, packet: Packet) -> None:
        kind, name = packet.bytes(1), packet.text()
        if kind == b"S":
            self.statements.pop(name, None)
        else:
            self.portals.pop(name, None)
        self.send(b"3")

    async def _sync(self, packet: Packet) -> None:
        self.skipping = False
        if self.session.status == "I":
            self.portals.clear()
        self.ready()

    async def _flush(self, packet: Packet) -> None:
        pass  # everything is sent at once

    def _statement(self, name: str) -> Statement:
        if name not in self.statements:
            raise Refused("26000", f'prepared statement "{name}" does not exist')
        return self.statements[name]

    def _portal(self, name: str) -> Portal:
        if name not in self.portals:
            raise Refused("34000", f'portal "{name}" does not exist')
        return self.portals[name]


class Postgres:
    """The server; its database can be looked into."""

    def __init__(self) -> None:
        self.database = Database()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            length, code = struct.unpack("!ii", await reader.readexactly(8))
            packet = Packet(await reader.readexactly(length - 8))
            if code == START:
                break
            if code == CANCEL:
                session, secret = self.database.sessions.get(packet.number("!i")), packet.number("!i")
                if session is not None and secret == SECRET:
                    session.cancel()
                return
            if code not in (TLS, ENCRYPTION):
                return
            writer.write(b"N")  # not here
        session = Session(self.database)
        try:
            await Connection(session, reader, writer).talk()
        finally:
            session.end()
