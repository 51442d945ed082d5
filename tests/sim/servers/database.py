"""What the simulated PostgreSQL knows: one table `items (key text PRIMARY KEY, value bigint)`, and some statements.

A transaction that writes, or reads FOR UPDATE, has the table to itself until it ends. Each write notes how it is taken
back, so a transaction and a savepoint are rolled back by the notes that were made since.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

Rows = list[tuple[Any, ...]]
Run = Callable[["Session", Any], Awaitable[Rows]]


class Refused(Exception):
    """A statement has failed, with a code as PostgreSQL has it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Statement(NamedTuple):
    """A statement that was found in the table of those that are known."""

    parameters: tuple[str, ...]  # their types
    columns: dict[str, str]  # and their types
    run: Run
    words: tuple[str, ...]  # of the text, where it varies
    tag: str

    @property
    def ends_a_failed_transaction(self) -> bool:
        return self.tag in ("COMMIT", "ROLLBACK")


class Database:
    """What all sessions share."""

    def __init__(self) -> None:
        self.items: dict[str, int] = {}
        self.sessions: dict[int, Session] = {}
        self.owner: Session | None = None  # who has the table to itself
        self.waiting: deque[asyncio.Future[None]] = deque()

    def release(self, session: Session) -> None:
        if self.owner is session:
            self.owner = None
            while self.waiting:
                future = self.waiting.popleft()
                if not future.done():
                    future.set_result(None)
                    break


class Session:
    """A connection's state: its transaction, and what its statement waits for."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.number = max(database.sessions, default=100) + 1
        database.sessions[self.number] = self
        self.status = "I"  # as it is sent to the client: idle, in a transaction "T", or in a failed one "E"
        self.notes: list[tuple[str, int | None]] = []  # what each write of the transaction has replaced
        self.savepoints: dict[str, int] = {}  # how many notes there were
        self.awaited: asyncio.Future[Any] | None = None

    async def wait(self, what: Awaitable[Any]) -> None:
        """Wait for `what`. Raise `Refused` when the client cancels the statement by a cancel request."""
        self.awaited = asyncio.ensure_future(what)
        try:
            await asyncio.wait([self.awaited])
            if self.awaited.cancelled():
                raise Refused("57014", "canceling statement due to user request")
        finally:
            self.awaited.cancel()
            self.awaited = None

    def cancel(self) -> None:
        """A cancel request has come."""
        if self.awaited is not None:
            self.awaited.cancel()

    async def lock(self) -> None:
        while self.database.owner not in (None, self):
            woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.database.waiting.append(woken)
            await self.wait(woken)
        self.database.owner = self

    async def write(self, key: str, value: int | None) -> None:
        """Set a row, or delete it."""
        await self.lock()
        items = self.database.items
        self.notes.append((key, items.get(key)))
        if value is None:
            del items[key]
        else:
            items[key] = value

    def take_back(self, left: int = 0) -> None:
        """Roll back until so many notes are left."""
        while len(self.notes) > left:
            key, value = self.notes.pop()
            if value is None:
                del self.database.items[key]
            else:
                self.database.items[key] = value

    def end_transaction(self) -> None:
        self.status = "I"
        self.notes.clear()
        self.savepoints.clear()
        self.database.release(self)

    def end(self) -> None:
        """The connection has ended."""
        self.take_back()
        self.end_transaction()
        del self.database.sessions[self.number]

    async def execute(self, statement: Statement, values: list[Any]) -> Rows:
        """Carry out a statement, outside of a transaction as one of its own. Raise `Refused`."""
        if self.status == "E" and not statement.ends_a_failed_transaction and statement.tag != "ROLLBACK TO":
            raise Refused("25P02", "current transaction is aborted, commands ignored until end of transaction block")
        try:
            return await statement.run(self, [*statement.words, *values])
        except Refused:
            if self.status == "I":
                self.take_back()
            raise
        finally:
            if self.status == "I":
                self.end_transaction()

    def fail(self) -> None:
        """A statement was refused: if in a transaction, that can only be rolled back."""
        if self.status == "T":
            self.status = "E"


KNOWN: list[tuple[re.Pattern[str], tuple[str, ...], dict[str, str], Run]] = []


def known(pattern: str, *parameters: str, **columns: str) -> Callable[[Run], Run]:
    """The function carries out statements of this form. It gets the groups of the pattern, then the parameters."""
    def register(run: Run) -> Run:
        KNOWN.append((re.compile(pattern, re.IGNORECASE), parameters, columns, run))
        return run

    return register


def parse(text: str) -> Statement:
    """The statement of a text. Raise `Refused` if it is not known."""
    text = " ".join(text.strip().rstrip(";").split())
    for pattern, parameters, columns, run in KNOWN:
        if match := pattern.fullmatch(text):
            tag = "ROLLBACK TO" if text.upper().startswith("ROLLBACK TO") else text.split(" ")[0].upper()
            return Statement(parameters, columns, run, match.groups(), tag)
    raise Refused("42601", f"the simulated server does not know the statement {text!r}")


@known(r"SELECT (-?\d+)", value="int4")
async def select_number(session: Session, words: list[str]) -> Rows:
    return [(int(words[0]),)]


@known(r"SELECT \$1::int", "int4", value="int4")
@known(r"SELECT \$1::text", "text", value="text")
async def select_parameter(session: Session, values: list[Any]) -> Rows:
    return [(values[0],)]


@known(r"SELECT n FROM generate_series\(1, \$1\) AS n", "int4", n="int4")
async def series(session: Session, values: list[int]) -> Rows:
    return [(number,) for number in range(1, values[0] + 1)]


@known(r"SELECT pg_sleep\(([\d.]+)\)", pg_sleep="void")
@known(r"SELECT pg_sleep\(\$1\)", "float8", pg_sleep="void")
async def sleep(session: Session, values: list[Any]) -> Rows:
    await session.wait(asyncio.sleep(float(values[0])))
    return [("",)]


@known(r"SELECT pg_advisory_unlock_all\(\)", pg_advisory_unlock_all="void")
async def unlock_all(session: Session, values: list[Any]) -> Rows:
    return [("",)]


@known(r"CLOSE ALL")
@known(r"UNLISTEN \*")
@known(r"RESET ALL")
async def reset(session: Session, values: list[Any]) -> Rows:
    return []


@known(r"BEGIN(?: .*)?")
async def begin(session: Session, words: list[str]) -> Rows:
    session.status = "T"
    return []


@known(r"COMMIT")
async def commit(session: Session, words: list[str]) -> Rows:
    if session.status == "E":
        session.take_back()
    session.end_transaction()
    return []


@known(r"ROLLBACK")
async def rollback(session: Session, words: list[str]) -> Rows:
    session.take_back()
    session.end_transaction()
    return []


@known(r"SAVEPOINT (\w+)")
async def savepoint(session: Session, words: list[str]) -> Rows:
    session.savepoints[words[0]] = len(session.notes)
    return []


@known(r"RELEASE SAVEPOINT (\w+)")
async def release(session: Session, words: list[str]) -> Rows:
    del session.savepoints[words[0]]
    return []


@known(r"ROLLBACK TO (\w+)")
async def rollback_to(session: Session, words: list[str]) -> Rows:
    session.take_back(session.savepoints[words[0]])
    session.status = "T"
    return []


@known(r"INSERT INTO items VALUES \(\$1, \$2\)", "text", "int8")
async def insert(session: Session, values: list[Any]) -> Rows:
    key, value = values
    await session.lock()
    if key in session.database.items:
        raise Refused("23505", 'duplicate key value violates unique constraint "items_pkey"')
    await session.write(key, value)
    return [()]


@known(r"UPDATE items SET value = value \+ \$2 WHERE key = \$1 RETURNING value", "text", "int8", value="int8")
async def add(session: Session, values: list[Any]) -> Rows:
    key, by = values
    await session.lock()
    if key not in session.database.items:
        return []
    await session.write(key, session.database.items[key] + by)
    return [(session.database.items[key],)]


@known(r"DELETE FROM items WHERE key = \$1", "text")
async def delete(session: Session, values: list[str]) -> Rows:
    await session.lock()
    if values[0] not in session.database.items:
        return []
    await session.write(values[0], None)
    return [()]


@known(r"SELECT value FROM items WHERE key = \$1( FOR UPDATE)?", "text", value="int8")
async def select_item(session: Session, values: list[Any]) -> Rows:
    for_update, key = values
    if for_update:
        await session.lock()
    return [(value,) for one, value in session.database.items.items() if one == key]


@known(r"SELECT key, value FROM items ORDER BY key", key="text", value="int8")
async def select_items(session: Session, values: list[Any]) -> Rows:
    return sorted(session.database.items.items())
