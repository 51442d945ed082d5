"""SQLAlchemy's asyncio part over three drivers. It runs synchronous code in greenlets that switch to await."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import ForeignKey, func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload

from tests.ecosystem.clean_run import run_cleanly, until
from tests.ecosystem.databases import Postgres, assert_kept, killed_under_load, sleeping

pytestmark = pytest.mark.library("SQLAlchemy", "ORM sessions, streaming, pool, cancellation, killed server; "
                                               "over asyncpg, psycopg and aiosqlite")


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    books: Mapped[list[Book]] = relationship(back_populates="author", cascade="all, delete-orphan")


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship(back_populates="books")


SERVERS: dict[str, dict[str, Any]] = {"asyncpg": {"connect_args": {"ssl": False}},
                                      "psycopg": {"connect_args": {"sslmode": "disable"}}}


@asynccontextmanager
async def engine_of(driver: str, request: pytest.FixtureRequest, tmp_path: Path, **options: Any) -> AsyncIterator[Any]:
    """An engine, for a database with empty tables."""
    if driver == "aiosqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url, options = server.url.replace("postgresql:", f"postgresql+{driver}:"), {**SERVERS[driver], **options}
    engine = create_async_engine(url, **options)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)
            await connection.run_sync(Base.metadata.create_all)
        yield engine
    finally:
        await engine.dispose()


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg", "aiosqlite"])
def test_sessions_of_the_orm(driver: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async def main() -> None:
        async with engine_of(driver, request, tmp_path) as engine:
            sessions = async_sessionmaker(engine, expire_on_commit=False)

            async def write(number: int) -> None:
                async with sessions.begin() as session:
                    books = [Book(title=f"book {book} of {number}") for book in range(4)]
                    session.add(Author(name=f"author {number}", books=books))

            if driver == "aiosqlite":  # SQLite has one writer at a time
                for number in range(50):
                    await write(number)
            else:
                await asyncio.gather(*map(write, range(50)))
            async with sessions() as session:
                query = select(Author).options(selectinload(Author.books)).order_by(Author.id)
                authors = (await session.scalars(query)).all()
                assert {author.name: sorted(book.title for book in author.books) for author in authors} == {
                    f"author {number}": [f"book {book} of {number}" for book in range(4)] for number in range(50)}
                authors[0].books.pop()
                authors[1].name = authors[2].name
                with pytest.raises(IntegrityError, match="(?i)unique"):
                    await session.commit()
                await session.rollback()
                assert await session.scalar(select(func.count()).select_from(Book)) == 200
                await session.refresh(authors[3], ["name", "books"])
                assert len(authors[3].books) == 4
            async with sessions.begin() as session, session.begin_nested() as savepoint:
                await session.execute(update(Book).values(title="lost"))
                await savepoint.rollback()
            async with sessions() as session:
                assert await session.scalar(select(func.count()).where(Book.title == "lost")) == 0

    run_cleanly(main(), keeps=True)


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg", "aiosqlite"])
def test_streamed_results(driver: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async def main() -> None:
        async with engine_of(driver, request, tmp_path) as engine:
            async with engine.begin() as connection:
                await connection.execute(Author.__table__.insert(), [{"name": str(number)} for number in range(3000)])
            async with AsyncSession(engine) as session:
                query = select(Author).order_by(Author.id).execution_options(yield_per=100)
                names = []
                async for batch in (await session.stream_scalars(query)).partitions():
                    assert len(batch) == 100
                    names += [author.name for author in batch]
                assert names == [str(number) for number in range(3000)]
            async with engine.connect() as connection:
                async with connection.stream(select(Author.name).order_by(Author.id)) as rows:
                    assert [(await rows.fetchone())[0] for _ in range(10)] == names[:10]
                # Left in the middle, the result does not stand in the way of the next.
                assert await connection.scalar(select(func.count()).select_from(Author)) == 3000

    run_cleanly(main(), keeps=True)


@pytest.mark.parametrize("driver", SERVERS)
def test_the_pool_and_cancellation(driver: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async def main() -> None:
        options = {"pool_size": 3, "max_overflow": 1, "pool_timeout": 0.05}
        observer = await asyncpg.connect(**request.getfixturevalue("postgres").arguments)
        async with engine_of(driver, request, tmp_path, **options) as engine:
            sessions = async_sessionmaker(engine)

            async def sleep() -> None:
                async with sessions() as session:
                    await session.execute(text("SELECT pg_sleep(600)"))

            for _ in range(3):
                tasks = [asyncio.create_task(sleep()) for _ in range(4)]
                await until(lambda: sleeping(observer, 4))
                with pytest.raises(TimeoutError, match="QueuePool limit of size 3 overflow 1 reached"):
                    await sleep()
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
                assert all(isinstance(error, asyncio.CancelledError) for error in ended), ended
                await until(lambda: engine.pool.checkedout() == 0)
                await until(lambda: sleeping(observer, 0))
            async with sessions() as session:
                assert await session.scalar(text("SELECT 5")) == 5
        await observer.close()

    run_cleanly(main(), keeps=True)


@pytest.mark.parametrize("driver", SERVERS)
def test_a_killed_server(driver: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    server: Postgres = request.getfixturevalue("postgres")

    async def main() -> None:
        async with engine_of(driver, request, tmp_path, pool_pre_ping=True) as engine:
            sessions = async_sessionmaker(engine)

            async def write(number: int) -> None:
                async with sessions.begin() as session:
                    session.add(Author(name=str(number)))

            # OSError is raised by asyncpg while it connects.
            async with killed_under_load(server, write, DBAPIError, OSError, enough=60) as confirmed:
                pass
            async with sessions() as session:
                assert_kept(confirmed, {int(name) for name in await session.scalars(select(Author.name))})

    run_cleanly(main(), keeps=True)
