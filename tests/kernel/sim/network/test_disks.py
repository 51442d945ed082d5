"""Disks: what a crash leaves of what was written."""

from __future__ import annotations

import pytest

import kernel
from kernel import sleep
from kernel.sim import world


def test_a_file_is_what_was_written() -> None:
    async def main() -> None:
        disk = world.here().disk
        disk.write("a", b"1")
        disk.append("a", b"2")
        disk.append("b", b"3")
        assert disk.read("a") == b"12" and disk.names() == ["a", "b"]
        disk.remove("a")
        assert disk.names() == ["b"]
        for call in disk.read, disk.remove:
            with pytest.raises(FileNotFoundError, match="the disk of host 'main' has no file 'a'"):
                call("a")
        disk.sync("a")  # that it is gone
        with pytest.raises(FileNotFoundError):
            disk.sync("a")

    kernel.simulate(main)


def test_a_crash_leaves_what_was_synced_and_by_choice_more() -> None:
    seen: set[bytes] = set()

    async def main() -> None:
        async def write() -> None:
            disk = world.here().disk
            if disk.names():
                seen.add(disk.read("log"))
                return
            disk.write("log", b"one,")
            disk.sync("log")
            disk.append("log", b"two,")
            disk.append("log", b"three,")
            await sleep(100)

        db = world.host("db")
        db.run(write)
        await sleep(1)
        db.crash()
        await db.restart()

    kernel.simulate(main)
    assert seen == {b"one,"}
    report = kernel.explore(main, strategy="exhaustive", bound=1)
    assert report and report.complete
    assert seen == {b"one,", b"one,tw", b"one,two,", b"one,two,thr", b"one,two,three,"}


def test_a_file_that_was_removed_and_not_synced_may_come_back() -> None:
    seen: set[bool] = set()

    async def main() -> None:
        async def write() -> None:
            disk = world.here().disk
            disk.write("a", b"1")
            disk.sync("a")
            disk.remove("a")
            await sleep(100)

        async def look() -> None:
            seen.add("a" in world.here().disk.names())

        db = world.host("db")
        db.run(write)
        await sleep(1)
        db.crash()
        await db.restart(look)

    assert kernel.explore(main, strategy="exhaustive", bound=1)
    assert seen == {True, False}
