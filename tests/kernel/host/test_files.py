"""Files and paths."""

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
from tests.support.injection import Injection, cancel_at_every_suspension


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0


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
        before = descriptors()
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
        assert descriptors() == before or descriptors() == 0
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
        before = descriptors()
        task = await spawn(writer())
        injection.watch(task)
        try:
            await task
        except Cancelled:
            assert injection.fired
        assert descriptors() == before
        assert not path.exists() or path.stat().st_size % 10 == 0

    assert cancel_at_every_suspension(scenario, deterministic=False) > 3


def test_operations_on_paths(tmp_path: pathlib.Path) -> None:
    async def main() -> None:
        base = Path(tmp_path)
        directory = base / "a" / "b"
        assert isinstance(directory, Path) and isinstance(directory.parent, Path) and directory.name == "b"
        assert not await directory.exists()
        await directory.mkdir(parents=True)
        with pytest.raises(FileExistsError):
            await directory.mkdir()
        await directory.mkdir(exist_ok=True)
        assert await directory.is_dir() and not await directory.is_file()
        file = directory / "file.txt"
        assert await file.write_text("text\n", encoding="utf-8") == 5
        assert await file.read_text("utf-8") == "text\n" and await file.read_bytes() == b"text\n"
        await file.chmod(0o600)
        assert (await file.stat()).st_mode & 0o777 == 0o600
        async with file.open("ab") as opened:
            await opened.write(b"more")
        assert await file.read_bytes() == b"text\nmore"
        await (base / "link").symlink_to(file)
        assert await (base / "link").is_symlink() and await (base / "link").readlink() == file
        assert isinstance(await (base / "link").readlink(), Path)
        assert await (base / "link").samefile(file) and (await (base / "link").lstat()).st_size != 9
        await (base / "hard").hardlink_to(file)
        assert (await file.stat()).st_nlink == 2
        assert await (base / "a" / ".." / "a").resolve() == Path(tmp_path.resolve()) / "a"
        moved = await file.rename(directory / "moved.txt")
        assert isinstance(moved, Path) and await moved.exists() and not await file.exists()
        await (base / "touched").touch()
        await (base / "touched").replace(directory / "touched")
        names = sorted([path.name async for path in directory.iterdir()])
        assert names == ["moved.txt", "touched"]
        found = [path async for path in base.rglob("*.txt")]
        assert found == [moved] and all(isinstance(path, Path) for path in found)
        assert [path async for path in base.glob("*/b")] == [directory]
        await moved.unlink()
        await (directory / "touched").unlink()
        await (directory / "touched").unlink(missing_ok=True)
        with pytest.raises(FileNotFoundError):
            await moved.unlink()
        await directory.rmdir()
        assert await Path.cwd() == Path(pathlib.Path.cwd()) and await Path.home() == Path(pathlib.Path.home())
        assert await Path("x").absolute() == Path(pathlib.Path("x").absolute())
        assert await Path("~").expanduser() == Path(pathlib.Path.home())
        assert await base.owner() == tmp_path.owner() and await base.group() == tmp_path.group()
        assert not any([await base.is_mount(), await base.is_socket(), await base.is_fifo(),
                        await base.is_block_device(), await base.is_char_device()])

    run(main())


def test_paths_in_generator_tasks_and_with_a_time_limit(tmp_path: pathlib.Path) -> None:
    def main() -> Generator[Any, Any, bool]:
        yield Path(tmp_path / "x").touch()
        answer = yield from Path(tmp_path / "x").exists()
        return answer

    assert run(main()) is True

    async def limited() -> str:
        async with timeout(30):
            return await Path(tmp_path / "x").read_text()

    assert run(limited()) == ""
