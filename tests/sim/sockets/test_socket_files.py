"""The file of a Unix socket: by its inode a program knows whether it is still its own."""

from __future__ import annotations

import os
import socket
from typing import Any

from kernel.sim.network.paths import make_file
from tests.support.socket_cases import directory, listening


async def test_the_file_of_another_socket_at_the_same_path_has_another_inode() -> None:
    with directory() as folder:
        path = str(folder / "s")
        with listening(path, family=socket.AF_UNIX):
            inodes = {os.stat(path).st_ino}
            for _ in range(3):  # while the first is open, whose file is gone
                os.unlink(path)
                with listening(path, family=socket.AF_UNIX) as other:
                    assert os.stat(path).st_ino not in inodes
                    assert other.getsockname() == path and os.listdir(folder) == ["s"]


async def test_a_socket_whose_file_is_gone_is_closed_after_the_next_one() -> None:
    with directory() as folder:
        path = str(folder / "s")
        first = listening(path, family=socket.AF_UNIX)
        os.unlink(path)
        with listening(path, family=socket.AF_UNIX):
            first.close()
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)


class Taken(set[Any]):
    """Takes the first two that it is asked of for taken."""

    asked = 0

    def __contains__(self, known: object) -> bool:
        self.asked += 1
        return self.asked <= 2


def test_an_inode_that_is_taken_is_not_used() -> None:
    with directory() as folder:
        taken = Taken()
        assert make_file(str(folder / "s"), taken)[1] == os.stat(folder / "s").st_ino
        assert taken.asked == 3 and os.listdir(folder) == ["s"]
