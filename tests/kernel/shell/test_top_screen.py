"""`trampoline top` on the whole screen, driven key by key, while a program in another process runs."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kernel.shell.client import Conversation, Unreachable
from kernel.shell.rows import COLUMNS, Choice
from kernel.shell.top import moments
from tests.support.interpreters import LIMIT
from tests.support.live import WORKING, screen_of
from tests.support.offered import WAITING_ON_ASYNCIO, Place

pytest.importorskip("textual", reason="the whole screen needs Textual")
from kernel.shell.screen import LiveView  # noqa: E402

Test = Callable[["Driven"], Awaitable[None]]


class Driven:
    """A view, and the pilot that presses its keys."""

    def __init__(self, app: LiveView, pilot: Any, told: list[float]) -> None:
        self.app = app
        self.pilot = pilot
        self.told = told  # intervals

    @property
    def screen(self) -> str:
        return screen_of(self.app)

    async def until(self, text: str) -> str:
        """Wait until the text is on the screen, and return what is there."""
        return await self.until_true(lambda screen: text in screen, text)

    async def until_true(self, condition: Callable[[str], object], what: str = "") -> str:
        for _ in range(int(LIMIT / 0.05)):
            await self.pilot.pause(0.05)
            if condition(screen := self.screen):
                return screen
        raise AssertionError(f"{what!r} does not come:\n{self.screen}")

    async def press(self, *keys: str) -> str:
        await self.pilot.press(*keys)
        await self.pilot.pause()
        return self.screen

    def names(self) -> list[str]:
        """The names in the table, from the top."""
        return re.findall(r"^ *\d+  +(.*?)  +(?:blocked|ready|running) ", self.screen, re.MULTILINE)


def drive(pid: int, test: Test, size: tuple[int, int] = (150, 40), choice: Choice = Choice()) -> Any:
    """Run the view of the process, and the test on it; return what the view returns."""
    told: list[float] = []

    async def run() -> Any:
        with Conversation(pid) as asked:
            asked.ask({"ask": "top", "interval": 0.1, "data": True})

            def tell(seconds: float) -> None:
                told.append(seconds)
                asked.tell({"interval": seconds})

            app = LiveView(moments(asked, pid), tell, pid, 0.1, choice)
            async with app.run_test(size=size) as pilot:
                driven = Driven(app, pilot, told)
                await driven.until("kernel, ")
                await test(driven)
            asked.cut_off()
            app.reader.join(LIMIT)
            return app.return_value

    return asyncio.run(asyncio.wait_for(run(), 2 * LIMIT))


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "program.py"
    file.write_text(WORKING)
    return file


def test_the_table(place: Place, program: Path) -> None:
    async def test(view: Driven) -> None:
        screen = await view.until_true(lambda screen: re.search(r"ticker +\w+ +\S+ +[1-9]", screen))
        assert f"trampoline top {view.app.moment and view.app.moment.pid}" in screen and "every 0.1s" in screen
        assert re.search(r"native kernel, \w+: 14 tasks, \d+ ready, ", screen) and re.search(r"lag \d+\.\d+s [▁-█]", screen)
        assert view.names()[0] == "ticker" and "... and 8 more like it" in screen
        assert "[red]\\x1b[31mwaiter" in screen and "\x1b" not in screen
        assert re.search(r"waiter .*<Lock held by task 2 'holder'>.acquire\(\) +\S*program.py:8 in take", screen)

    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        drive(process.pid, test)
        assert process.poll() is None


def test_sorting_by_each_column_and_reversed(place: Place, program: Path) -> None:
    async def test(view: Driven) -> None:
        await view.press("a")
        for title in [*list(COLUMNS)[6:], *list(COLUMNS)[:6]]:  # from the one after BUSY%
            screen = await view.press("s")
            arrow = "▼" if COLUMNS[title].falling else "▲"
            assert view.app.choice.column == title and f"{title}{arrow}" in screen
            other = await view.press("r")
            assert f"{title}{'▲' if arrow == '▼' else '▼'}" in other
            await view.press("r")
        await view.press("S")
        assert view.app.choice.column == "STEPS"
        await view.press(*"SSSS")
        assert view.app.choice.column == "ID"
        assert [int(number) for number in re.findall(r"^ *(\d+)  ", view.screen, re.MULTILINE)] == list(range(1, 15))
        await view.press("r")
        assert [int(number) for number in re.findall(r"^ *(\d+)  ", view.screen, re.MULTILINE)] == list(range(14, 0, -1))
        await view.press("r", "s")
        assert view.names() == sorted(view.names())

    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        drive(process.pid, test)


def test_the_mouse_sorts_and_chooses(place: Place, program: Path) -> None:
    async def test(view: Driven) -> None:
        table = view.app.query_one("TaskTable")
        await view.pilot.click(table, offset=(1, 0))
        assert view.app.choice.column == "ID" and not view.app.choice.reversed
        await view.pilot.click(table, offset=(1, 0))
        assert view.app.choice.reversed
        await view.pilot.click(table, offset=(1, 0))
        await view.pilot.click(table, offset=(5, 2))
        await view.pilot.click(table, offset=(5, 2))
        await view.until("Why is it waiting?")
        assert "task 2 'holder'" in view.screen

    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        drive(process.pid, test)


def test_the_filter(place: Place, program: Path) -> None:
    async def test(view: Driven) -> None:
        await view.press("slash", *"LOCK h")
        assert view.names() == ["[red]\\x1b[31mwaiter"]  # by what it waits for; "q" and "s" are letters here
        await view.press("enter")
        assert view.names() == ["[red]\\x1b[31mwaiter"] and "only 'LOCK h'" in view.screen
        await view.press("escape")
        assert len(view.names()) == 6
        await view.press("slash", *"[/red]")
        assert view.names() == [] and "only '[/red]'" in view.screen
        await view.press("escape")
        await view.press("slash", *"take", "enter", "t")
        assert view.names() == ["main", "[red]\\x1b[31mwaiter"]  # and what it is below

    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        drive(process.pid, test)


def test_the_tree_and_all_tasks(place: Place, program: Path) -> None:
    async def test(view: Driven) -> None:
        screen = await view.press("t")
        assert re.search(r"^ *1  main ", screen, re.MULTILINE) and re.search(r"^ *2    holder ", screen, re.MULTILINE)
        await view.press("t", "a")
        assert len(view.names()) == 14 and "more like it" not in view.screen
        await view.press("a", "slash", *"1000", "enter")
        assert len(view.names()) == 2
        await view.press("end", "enter")  # on the line that stands for more
        assert view.app.choice.all and len(view.names()) == 10

    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        drive(process.pid, test)


def test_moving(place: Place, program: Path) -> None:
    async def test(view: Driven) -> None:
        table = view.app.query_one("TaskTable")
        seen = []
        for key in "down", "j", "up", "k", "pagedown", "pageup", "end", "home", "up":
            await view.press(key)
            assert table.row is not None
            seen.append(table.row.task["id"])
        assert seen == [2, 3, 2, 1, 8, 1, 14, 1, 1]
        await view.press("end")
        assert view.names()[-1] == "session 9" and "main" not in view.names()
        await view.press("home")
        left = view.screen
        await view.press("right")
        assert view.screen != left
        await view.press("left")
        assert view.names()[0] == "main"

    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        drive(process.pid, test, (70, 14), Choice("ID", all=True))


def test_a_task_and_why_it_waits(place: Place, program: Path) -> None:
    async def test(view: Driven) -> None:
        await view.press("down", "down", "enter")
        screen = await view.until("Why is it waiting?")
        assert "└ until task 2 'holder' releases it, which is blocked on <Event not set>.wait() " in screen
        assert "  └ until some task ends the wait at the Event not set" in screen
        assert "line 8, in take" in screen and "async with lock:" in screen and "[red]\\x1b[31mwaiter" in screen
        await view.press("escape")
        assert "Why is it waiting?" not in view.screen
        await view.press("down", "enter")
        screen = await view.until("└ until its timer fires, in 0.0s")
        steps = re.search(r"STEPS +([\d,]+)", screen)
        assert steps is not None
        await view.until_true(lambda screen: f"STEPS {steps[1]}" not in re.sub(" +", " ", screen))  # it goes on
        await view.press("q")
        assert "Why is it waiting?" not in view.screen and view.app.is_running

    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        drive(process.pid, test, choice=Choice("ID"))


def test_pause(place: Place, program: Path) -> None:
    async def test(view: Driven) -> None:
        for key in "p", "space":
            await view.press(key)
            paused = view.app.moment
            assert "PAUSED" in view.screen
            await view.until_true(lambda screen: view.app.latest is not paused)
            assert view.app.moment is paused
            await view.press(key)
            assert view.app.moment is not paused and "PAUSED" not in view.screen

    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        drive(process.pid, test)


def test_the_interval(place: Place, program: Path) -> None:
    async def test(view: Driven) -> None:
        await view.press("minus")
        assert view.told == []  # there is no shorter one
        await view.press("plus")
        assert view.told == [0.2] and "every 0.2s" in view.screen
        await view.press("plus", "minus", "minus")
        assert view.told == [0.2, 0.5, 0.2, 0.1] and "every 0.1s" in view.screen
        moment = view.app.moment
        await view.until_true(lambda screen: view.app.moment is not moment)  # it goes on

    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        drive(process.pid, test)


def test_help_and_colours(place: Place, program: Path) -> None:
    async def test(view: Driven) -> None:
        for key in "question_mark", "f1", "h":
            await view.press(key)
            screen = await view.until("The bars of the lag")
            assert all(title in screen for title in COLUMNS)
            await view.press("escape")
        assert view.app.current_theme.dark
        await view.press("d")
        assert not view.app.current_theme.dark
        await view.press("d")
        assert view.app.current_theme.dark

    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        drive(process.pid, test, (120, 60))


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
def test_quitting(place: Place, program: Path, key: str) -> None:
    async def test(view: Driven) -> None:
        if key == "ctrl+c":
            await view.press("enter")  # also while a text is shown
        await view.pilot.press(key)
        await view.pilot.pause()
        assert not view.app.is_running

    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        assert drive(process.pid, test) is None
        assert process.poll() is None


def test_a_process_that_ends(place: Place, program: Path) -> None:
    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        async def test(view: Driven) -> None:
            process.kill()
            for _ in range(int(LIMIT / 0.05)):
                if view.app.return_value is not None:
                    return
                await asyncio.sleep(0.05)

        failure = drive(process.pid, test)
        assert isinstance(failure, Unreachable) and failure.status == 1
        assert str(failure) == f"process {process.pid} has ended"


def test_a_process_that_is_stopped(place: Place, program: Path) -> None:
    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        async def test(view: Driven) -> None:
            process.send_signal(signal.SIGSTOP)
            await view.until("NO ANSWER for ")
            process.send_signal(signal.SIGCONT)
            await view.until_true(lambda screen: "NO ANSWER" not in screen)

        drive(process.pid, test)


def test_a_kernel_that_is_stuck(place: Place, program: Path) -> None:
    program.write_text("import time\nfrom kernel import sleep, spawn\nasync def stuck():\n    await sleep(0.2)\n    time.sleep(1000)\n"
                       "async def main():\n    print('ready', flush=True)\n    await (await spawn(stuck(), name='7'))\n")

    async def test(view: Driven) -> None:
        screen = await view.until("It makes no step: task 2 '7' holds it up at program.py:5 in stuck.")
        assert re.search(r"7 +running", screen)
        await view.press("end", "up", "enter")
        await view.until("What is it doing?")
        await view.press("escape", "enter")
        screen = await view.until("time.sleep(1000)")
        assert "└ until its step ends: it does not wait" in screen

    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        drive(process.pid, test, choice=Choice("ID", reversed=True))


def test_circles(place: Place, program: Path) -> None:
    program.write_text(WORKING.replace("        await never.wait()", "        await second[0]").replace(
        'await group.spawn(take(lock)', 'second.append(await group.spawn(take(lock)').replace('waiter")', 'waiter"))').replace(
        "async def hold", "second = []\nasync def hold"))

    async def test(view: Driven) -> None:
        assert "a circle of waits: c shows it" in view.screen
        await view.press("c")
        screen = await view.until("2 tasks wait in a circle:")
        assert "┌─► task 2 'holder' at " in screen and "waits for a Lock, held by" in screen

    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        drive(process.pid, test)


def test_no_circle_an_asyncio_program_and_a_kernel_that_is_the_only_one(place: Place, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(WAITING_ON_ASYNCIO)

    async def test(view: Driven) -> None:
        assert re.search(r"asyncio kernel, \w+: 4 tasks", view.screen) and set(view.names()) == {"Task-1", *(f"child-{n}" for n in range(3))}
        await view.press("n", "c")
        assert "No tasks wait in a circle." in view.screen

    with place.started("-m", "compat", program, cwd=program.parent) as process:
        drive(process.pid, test, (80, 24))


def test_a_task_that_waits_in_vain(place: Place, program: Path) -> None:
    program.write_text(WORKING.replace("    async with lock:\n        await never.wait()", "    await lock.acquire()").replace(
        "    while True:\n        await sleep(0.01)", "    await sleep(1000)"))

    async def test(view: Driven) -> None:
        assert "1 task waits in vain: c shows it" in view.screen
        await view.press("c")
        await view.until("    although its holder has ended")
        await view.press("escape", "slash", *"although", "enter", "enter")
        await view.until("└ and nothing is on its way that would wake it")

    with place.started("-m", "kernel", program, cwd=program.parent) as process:
        drive(process.pid, test, (80, 24))
