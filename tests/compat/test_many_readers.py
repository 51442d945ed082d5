"""Many descriptors that are ready at once, and one reader in the place of another."""

from __future__ import annotations

import asyncio
import os

import compat


def test_each_reader_is_called_once_for_what_has_come() -> None:
    calls: list[int] = []

    def read(fd: int) -> None:
        calls.append(fd)
        os.read(fd, 10)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for reader, writer in pipes:
            os.set_blocking(reader, False)
            loop.add_reader(reader, read, reader)
            os.write(writer, b"x")
        while len(calls) < len(pipes):
            await asyncio.sleep(0)
        for _ in range(1000):
            await asyncio.sleep(0)
        for reader, _ in pipes:
            loop.remove_reader(reader)

    pipes = [os.pipe() for _ in range(300)]
    compat.run(main())
    for reader, writer in pipes:
        os.close(reader)
        os.close(writer)
    assert sorted(calls) == sorted(reader for reader, _ in pipes)


def test_a_second_reader_takes_the_place_of_the_first() -> None:
    calls: list[str] = []
    reader, writer = os.pipe()

    def read(name: str) -> None:
        calls.append(name)
        os.read(reader, 10)

    async def main() -> bool:
        loop = asyncio.get_running_loop()
        loop.add_reader(reader, read, "first")
        loop.add_reader(reader, read, "second")
        os.write(writer, b"x")
        while not calls:
            await asyncio.sleep(0)
        return loop.remove_reader(reader)

    assert compat.run(main())
    os.close(reader)
    os.close(writer)
    assert calls == ["second"]
