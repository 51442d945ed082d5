"""`trampoline top` as a person starts it: in a terminal, which tmux is here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.interpreters import LIMIT
from tests.support.live import WORKING
from tests.support.offered import COMMAND, Place

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
pytest.importorskip("textual", reason="the whole screen needs Textual")


class Tmux:
    """A terminal of 100 columns and 30 lines."""

    def __init__(self, directory: Path) -> None:
        self._socket = str(directory / "tmux")

    def __call__(self, *arguments: str) -> str:
        # The variables by which tmux and Textual know a terminal may be set where the tests run.
        environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "COLORTERM", "NO_COLOR")}
        done = subprocess.run(["tmux", "-f", "/dev/null", "-S", self._socket, *arguments], capture_output=True, text=True,
                              env={**environment, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}, timeout=LIMIT)
        return done.stdout

    def until(self, condition: Callable[[str], object]) -> str:
        """Wait for what has to stand on the screen, and return all that does."""
        deadline = time.monotonic() + LIMIT
        while not condition(screen := self("capture-pane", "-p")):
            assert time.monotonic() < deadline, screen
            time.sleep(0.05)
        return screen


@pytest.fixture
def tmux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tmux]:
    terminal = Tmux(tmp_path_factory.mktemp("t"))
    yield terminal
    terminal("kill-server")


def test_a_person_looks_at_a_program(place: Place, tmp_path: Path, tmux: Tmux) -> None:
    (tmp_path / "program.py").write_text(WORKING)
    with place.started("-m", "kernel", "program.py", cwd=tmp_path) as process:
        environment = [f"{name}={value}" for name, value in {**place.environment, "PYTHONPATH": os.pathsep.join(sys.path)}.items()]
        command = ["env", *environment, sys.executable, COMMAND, "top", "--interval", "0.1", str(process.pid)]
        tmux("new-session", "-d", "-x", "100", "-y", "30", "sh")
        tmux("send-keys", " ".join(command) + "; echo status $?", "Enter")
        screen = tmux.until(lambda screen: "ticker" in screen and "lag " in screen and "q Quit" in screen)
        assert f" trampoline top {process.pid} · every 0.1s" in screen and "BUSY%▼" in screen
        assert "... and 8 more like it" in screen and "[red]\\x1b[31mwaiter" in screen
        tmux("send-keys", "s")
        tmux.until(lambda screen: "BUSY▼" in screen)
        tmux("send-keys", "/", "holder'>", "Enter")
        screen = tmux.until(lambda screen: "only \"holder'>\"" in screen and "ticker" not in screen)
        assert "[red]\\x1b[31mwaiter" in screen
        tmux("send-keys", "Enter")
        screen = tmux.until(lambda screen: "Why is it waiting?" in screen)
        assert "└ until task 2 'holder' releases it, which is blocked on <Event not set>.wait()" in screen
        tmux("send-keys", "Escape")
        tmux.until(lambda screen: "Why is it waiting?" not in screen)
        tmux("send-keys", "q")
        tmux.until(lambda screen: re.search("status 0$", screen, re.MULTILINE))  # perhaps after a prompt
        assert process.poll() is None
        tmux("send-keys", " ".join(command) + "; echo again $?", "Enter")
        tmux.until(lambda screen: "ticker" in screen and "lag " in screen)
        process.kill()
        process.wait()
        screen = tmux.until(lambda screen: re.search("again 1$", screen, re.MULTILINE))
        assert f"trampoline top: process {process.pid} has ended" in screen
