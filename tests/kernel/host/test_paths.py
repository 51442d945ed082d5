"""Paths whose operations are carried out in threads."""

from __future__ import annotations

import pathlib
from collections.abc import Generator
from typing import Any

import pytest

from kernel import Path, run, timeout


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


def test_a_request_is_made_once(tmp_path: pathlib.Path) -> None:
    async def main() -> None:
        request = Path(tmp_path).exists()
        assert await request is True
        with pytest.raises(RuntimeError, match=r"task 1 'test_a_request.*' made the request .*, which was made before"):
            await request

    run(main())
