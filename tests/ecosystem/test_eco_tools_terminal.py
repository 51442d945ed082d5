"""Programs in the terminal, with input that the test types: Textual's applications and prompt_toolkit's prompts."""

from __future__ import annotations

import asyncio
import errno
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import compat
from tests.ecosystem.clean_run import run_cleanly, until
from tests.support.paths import ROOT

prompt_toolkit = pytest.importorskip("prompt_toolkit")
create_pipe_input = pytest.importorskip("prompt_toolkit.input").create_pipe_input
DummyOutput = pytest.importorskip("prompt_toolkit.output").DummyOutput
completion = pytest.importorskip("prompt_toolkit.completion")
Validator = pytest.importorskip("prompt_toolkit.validation").Validator
pytest.importorskip("textual")
from textual import work  # noqa: E402
from textual.app import App, ComposeResult  # noqa: E402
from textual.widgets import Button, Input, Label, ProgressBar  # noqa: E402


class Counter(App[int]):
    """Adds what is entered, in a worker; counts in a thread; ends with the sum."""

    BINDINGS = [("ctrl+t", "tick", "Tick"), ("ctrl+e", "end", "End")]

    def compose(self) -> ComposeResult:
        yield Input(id="number")
        yield Button("Add", id="add")
        yield Label("0", id="sum")
        yield ProgressBar(total=3, id="progress")

    def on_mount(self) -> None:
        self.sum = 0

    def action_tick(self) -> None:
        self.ticking = self.set_interval(0.01, self.tick)

    def tick(self) -> None:
        progress = self.query_one("#progress", ProgressBar)
        progress.advance(1)
        if progress.progress == 3:
            self.ticking.stop()

    def on_button_pressed(self, event: Any) -> None:
        self.add(int(self.query_one("#number", Input).value))

    @work(exclusive=True)
    async def add(self, number: int) -> None:
        assert type(asyncio.get_running_loop()) is compat.EventLoop
        await asyncio.sleep(0.01)
        self.sum += number
        self.count()

    @work(thread=True)
    def count(self) -> None:
        self.call_from_thread(self.query_one("#sum", Label).update, str(self.sum))

    def action_end(self) -> None:
        self.exit(self.sum)


@pytest.mark.library("textual", "an application driven by its pilot: keys, clicks, timers, workers, threads")
def test_textual() -> None:
    async def main() -> None:
        app = Counter()
        async with app.run_test() as pilot:
            await pilot.click("#number")
            await pilot.press("4", "2")
            assert app.query_one("#number", Input).value == "42"
            for shown in "42", "84":
                await pilot.click("#add")
                await until(lambda: str(app.query_one("#sum", Label).render()) == shown)
                await until(lambda: not app.query_one("#add", Button).has_class("-active"))  # can be clicked again
            await pilot.press("ctrl+t")
            await until(lambda: app.query_one("#progress", ProgressBar).progress == 3)
            await app.workers.wait_for_complete()
            await pilot.press("ctrl+e")
        assert app.return_value == 84

    run_cleanly(main(), keeps=True)


@pytest.mark.library("textual", "an application driven by its pilot: keys, clicks, timers, workers, threads")
def test_an_error_in_a_handler_ends_the_application() -> None:
    class Failing(App[None]):
        def on_key(self) -> None:
            raise ValueError("as the test wants it")

    async def main() -> None:
        with pytest.raises(ValueError, match="as the test wants it"):
            async with Failing().run_test() as pilot:
                await pilot.press("x")

    run_cleanly(main(), keeps=True)


@pytest.mark.library("prompt_toolkit", "prompts fed by a pipe: editing, history, completion in threads, validation")
def test_prompts() -> None:
    async def main() -> None:
        with create_pipe_input() as keys:
            session = prompt_toolkit.PromptSession(input=keys, output=DummyOutput())
            keys.send_text("hello\n")
            assert await session.prompt_async("> ") == "hello"
            keys.send_text("\x1b[A world\x01>> \n")  # the line before, more, and something at its beginning
            assert await session.prompt_async("> ") == ">> hello world"
            completer = completion.ThreadedCompleter(completion.WordCompleter(["trampoline"]))
            asking = asyncio.create_task(session.prompt_async("> ", completer=completer, complete_while_typing=False))
            keys.send_text("tram\t")
            await until(lambda: session.default_buffer.text == "trampoline")
            keys.send_text("\n")
            assert await asking == "trampoline"
            numbers = Validator.from_callable(str.isdigit, "not a number")
            keys.send_text("12x\n\x05\x7f\n")  # refused, then mended at its end
            assert await session.prompt_async("> ", completer=None, validator=numbers) == "12"

    run_cleanly(main(), keeps=True)


@pytest.mark.library("prompt_toolkit", "prompts fed by a pipe: editing, history, completion in threads, validation")
def test_prompts_that_end_otherwise() -> None:
    async def main() -> None:
        with create_pipe_input() as keys:
            session = prompt_toolkit.PromptSession(input=keys, output=DummyOutput())
            keys.send_text("abc\x03")
            with pytest.raises(KeyboardInterrupt):
                await session.prompt_async("> ")
            keys.send_text("\x04")
            with pytest.raises(EOFError):
                await session.prompt_async("> ")
            waiting = asyncio.create_task(session.prompt_async("> "))
            await asyncio.sleep(0.02)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            keys.send_text("still there\n")
            assert await session.prompt_async("> ") == "still there"

    run_cleanly(main(), keeps=True)


PROGRAM = """
import asyncio
from prompt_toolkit import PromptSession
from prompt_toolkit.patch_stdout import patch_stdout

async def tick():
    number = 0
    while True:
        await asyncio.sleep(0.02)
        number += 1
        print("tick", number)

async def main():
    ticking = asyncio.create_task(tick())
    with patch_stdout():
        answer = await PromptSession().prompt_async("who? ")
    ticking.cancel()
    print("hello", answer, "from", type(asyncio.get_running_loop()).__module__)

asyncio.run(main())
"""


@pytest.mark.library("prompt_toolkit", "a program at a terminal, which prints while it asks")
def test_at_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    ours, its = pty.openpty()
    with subprocess.Popen([sys.executable, "-m", "compat", tmp_path / "program.py"], stdin=its, stdout=its, stderr=its,
                          env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}, start_new_session=True) as run:
        os.close(its)
        try:
            said = read_until(ours, b"tick 3")
            os.write(ours, b"\x1b[1;1R")  # the answer to its question where the cursor is
            os.write(ours, b"you\r")
            said += read_until(ours, b"from compat.events")
            assert b"who? " in said and b"hello you" in said
            while read(ours):
                pass
            assert run.wait(20) == 0
        finally:
            if run.poll() is None:
                run.send_signal(signal.SIGKILL)
            os.close(ours)


def read(fd: int) -> bytes:
    try:
        return os.read(fd, 65536)
    except OSError as error:
        if error.errno != errno.EIO:  # the other end is closed
            raise
        return b""


def read_until(fd: int, end: bytes) -> bytes:
    """What comes from `fd`, which has to hold `end` before it ends itself."""
    said, limit = b"", time.monotonic() + 20
    while end not in said:
        data = read(fd)
        assert data and time.monotonic() < limit, said
        said += data
    return said
