"""Files that are read and written in threads."""

from __future__ import annotations

import io
import os
import pathlib
import threading
from collections.abc import Generator
from typing import Any

import pytest

from kernel import (Cancelled, File, Path, TaskGroup, checkpoint, limit_threads, open_file, run, run_in_thread, sleep,
                    spawn, timeout)
from tests.support.descriptors import open_descriptors
from tests.support.injection import Injection, cancel_at_every_suspension


def test_reading_and_writing_text(tmp_path: pathlib.Path) -> None:
    async def main() -> None:
        name = tmp_path / "text"
        async with open_file(name, "w", encoding="utf-8") as file:
            assert isinstance(file, File)
            assert await file.write("eins\nzwei\n") == 10
            await file.writelines(["drei\n", "fünf"])
            await file.flush()
            assert name.read_text("utf-8") == "eins\nzwei\ndrei\nfünf"
        assert file.closed
        async with open_file(name, encoding="utf-8") as file:
            assert (file.name, file.mode, file.encoding, file.readable()) == (os.fspath(name), "r", "utf-8", True)
            assert await file.readline() == "eins\n"
            assert [line async for line in file] == ["zwei\n", "drei\n", "fünf"]
            await file.seek(0)
            assert await file.read(4) == "eins"
            position = await file.tell()
            assert await file.readlines() == ["\n", "zwei\n", "drei\n", "fünf"]
            await file.seek(position)
            assert (await file.read()).startswith("\nzwei")
            assert await file.read() == ""

    run(main())


def test_reading_and_writing_bytes(tmp_path: pathlib.Path) -> None:
    async def main() -> None:
        file = await open_file(tmp_path / "bytes", "w+b", buffering=0)
        await file.write(b"0123456789")
        assert await file.seek(-4, os.SEEK_END) == 6
        buffer = bytearray(3)
        assert await file.readinto(buffer) == 3 and buffer == b"678"
        await file.truncate(2)
        await file.seek(0)
        assert await file.read() == b"01" and os.fstat(file.fileno()).st_size == 2
        await file.close()
        with pytest.raises(ValueError, match="closed file"):
            await file.read()

    run(main())


def test_errors_are_those_of_open(tmp_path: pathlib.Path) -> None:
    async def main() -> None:
        with pytest.raises(FileNotFoundError, match="missing"):
            await open_file(tmp_path / "missing")
        with pytest.raises(IsADirectoryError):
            async with open_file(tmp_path):
                pass
        with pytest.raises(ValueError, match="mode"):
            await open_file(tmp_path / "missing", "q")
        async with open_file(tmp_path / "new", "w") as file:
            with pytest.raises(io.UnsupportedOperation):
                await file.read()
            with pytest.raises(AttributeError):
                file.nonsense

    run(main())


def test_generator_tasks_use_files_by_yield(tmp_path: pathlib.Path) -> None:
    def main() -> Generator[Any, Any, str]:
        file = yield open_file(tmp_path / "text", "w")
        yield file.write("by yield")
        yield from file.close()
        again = yield from open_file(tmp_path / "text")
        text: str = yield again.read()
        yield again.close()
        return text

    assert run(main()) == "by yield"


def test_the_kernel_goes_on_while_a_file_blocks(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    async def main() -> list[str]:
        log = list[str]()

        async def reader() -> None:
            async with open_file(tmp_path / "pipe") as file:
                log.append(await file.read())

        async with TaskGroup() as group:
            await group.spawn(reader())
            await sleep(0.05)
            log.append("meanwhile")
            async with open_file(tmp_path / "pipe", "w") as file:
                await file.write("through the pipe")
        return log

    assert run(main()) == ["meanwhile", "through the pipe"]


def test_a_write_under_way_is_not_abandoned(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    async def main() -> None:
        size = 1 << 20  # more than a pipe holds: the write blocks
        before = open_descriptors()
        reading = threading.Thread(target=lambda: received.append((tmp_path / "pipe").read_bytes()))

        async def writer() -> None:
            async with open_file(tmp_path / "pipe", "wb") as file:
                writing.append(1)
                await file.write(b"x" * size)
                await checkpoint()
                raise AssertionError("cancelled before this")

        received, writing = list[bytes](), list[int]()
        task = await spawn(writer())
        await sleep(0.05)
        task.cancel()  # while it is being opened
        reading.start()
        with pytest.raises(Cancelled):
            await task
        await run_in_thread(reading.join)
        assert open_descriptors() == before
        # It was open before the task was told; the write had not begun, or is whole.
        assert received[0] in (b"", b"x" * size)

    run(main())


def test_a_file_is_closed_however_often_its_task_is_cancelled(tmp_path: pathlib.Path) -> None:
    async def main() -> None:
        opened, gate = list[Any](), threading.Event()

        async def user() -> None:
            async with open_file(tmp_path / "file", "w") as file:
                opened.append(file)
                await sleep(30)

        async def occupant() -> None:
            await run_in_thread(gate.wait)

        await limit_threads(1)
        task = await spawn(user())
        async with timeout(30):
            while not opened:
                await sleep(0.001)
        other = await spawn(occupant())
        await checkpoint()
        for _ in range(3):  # the last two while it waits for a thread to close the file in
            task.cancel()
            await checkpoint()
            await checkpoint()
        gate.set()
        with pytest.raises(Cancelled):
            await task
        assert opened[0].closed
        await other

    run(main())


@pytest.mark.parametrize("style", ["async with", "await"])
def test_no_cancellation_leaves_a_file_open_or_half_written(tmp_path: pathlib.Path, style: str) -> None:
    async def scenario(injection: Injection) -> None:
        path = tmp_path / "file"
        await Path(path).unlink(missing_ok=True)

        async def writer() -> None:
            if style == "async with":
                async with open_file(path, "wb") as file:
                    for _ in range(3):
                        await file.write(b"0123456789")
            else:
                file = await open_file(path, "wb")
                try:
                    await file.write(b"0123456789")
                finally:
                    file.wrapped.close()

        await Path(path).exists()  # there is a thread by now
        before = open_descriptors()
        task = await spawn(writer())
        injection.watch(task)
        try:
            await task
        except Cancelled:
            assert injection.fired
        assert open_descriptors() == before
        assert not path.exists() or path.stat().st_size % 10 == 0

    assert cancel_at_every_suspension(scenario, deterministic=False) > 3


def test_an_opened_file_is_entered_once(tmp_path: pathlib.Path) -> None:
    """Else the second entry would take the first one's file away, which nobody would close."""
    (tmp_path / "file").write_text("text")

    async def main() -> None:
        opened = open_file(tmp_path / "file")

        async def second() -> None:
            async with opened:
                pass

        async with opened as file:
            with pytest.raises(RuntimeError, match="cannot be entered twice; call open_file.. again"):
                await second()
            assert await file.read() == "text"
        assert file.closed
        with pytest.raises(RuntimeError, match="cannot be entered twice"):
            await second()
        first, other = await opened, await opened  # to open it twice is no state of the request
        assert first is not other
        await first.close()
        await other.close()

    run(main())
