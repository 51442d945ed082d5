"""The story of a movie: what it says of each moment, to the letter."""

from __future__ import annotations

import re
import textwrap
from typing import Any


def story(screen: Any, recording: Any) -> list[str]:
    """What is said of each moment, without the times that a real clock shows."""
    page = screen.open(recording)
    last = int(page.inner_text("#position").split()[2])
    said = []
    for _ in range(last):
        page.keyboard.press("ArrowRight")
        text = page.get_attribute(".row.now", "title")
        assert page.inner_text("#caption").split()[-1] == text.split()[-1]
        said.append(re.sub(r"\d[\d.]* (?:µs|ms)", "...", text) if recording.kernels[1]["clock"] == "real" else text)
    return said


def lines(text: str) -> list[str]:
    return textwrap.dedent(text).strip().splitlines()


def test_the_story_of_a_deadlock(screen: Any, recordings: Any) -> None:
    assert story(screen, recordings("deadlock")) == lines("""
        'main' is made, and is ready to run.
        The trampoline starts 'main': it runs for the first time.
        'main' asks: TaskGroup.__aenter__(). The kernel can answer at once.
        'main' has its answer at once, TaskGroup without tasks, and goes on.
        'main' asks for a new task: TaskGroup.spawn(transfer(...)). The kernel can answer at once.
        'main' starts 'Ann to Bob'. It goes to the end of the ready queue.
        'main' has its answer at once, <task 2 'Ann to Bob'>, and goes on.
        'main' asks for a new task: TaskGroup.spawn(transfer(...)). The kernel can answer at once.
        'main' starts 'Bob to Ann'. It goes to the end of the ready queue.
        'main' has its answer at once, <task 3 'Bob to Ann'>, and goes on.
        'main' waits for 'Ann to Bob' and 'Bob to Ann': TaskGroup.__aexit__(). They are not all done, so it is blocked.
        The trampoline starts 'Ann to Bob': it runs for the first time.
        'Ann to Bob' asks for Lock 1: Lock.acquire(). The kernel can answer at once.
        Nobody holds Lock 1 now.
        'Ann to Bob' holds Lock 1 now.
        'Ann to Bob' has its answer at once, and goes on.
        'Ann to Bob' asks to sleep: sleep(0.1). It is blocked until the clock shows 0.1 s.
        The trampoline starts 'Bob to Ann': it runs for the first time.
        'Bob to Ann' asks for Lock 2: Lock.acquire(). The kernel can answer at once.
        Nobody holds Lock 2 now.
        'Bob to Ann' holds Lock 2 now.
        'Bob to Ann' has its answer at once, and goes on.
        'Bob to Ann' asks to sleep: sleep(0.1). It is blocked until the clock shows 0.1 s.
        Nothing can run. The kernel waits: the next timer is due in 100 ms.
        The clock of this kernel jumps to 0.1 s, when the next timer is due. It is no real clock, so nobody has to wait.
        A timer wakes 'Ann to Bob': its time has come after 100 ms. It goes to the end of the ready queue.
        A timer wakes 'Bob to Ann': its time has come after 100 ms. It goes to the end of the ready queue.
        The trampoline resumes 'Ann to Bob' where it waited.
        'Ann to Bob' asks for Lock 2: Lock.acquire(). 'Bob to Ann' holds it, so it is blocked.
        The trampoline resumes 'Bob to Ann' where it waited.
        'Bob to Ann' asks for Lock 1: Lock.acquire(). 'Ann to Bob' holds it, so it is blocked.
        Deadlock: 'Ann to Bob' and 'Bob to Ann' wait for each other in a circle. None of them can ever go on.
        Code outside of the kernel cancels 'main'. It goes to the end of the ready queue.
        Code outside of the kernel cancels 'Ann to Bob'. It goes to the end of the ready queue.
        Code outside of the kernel cancels 'Bob to Ann'. It goes to the end of the ready queue.
        'main' goes on: the kernel raises Cancelled in it.
        'main' waits for 'Ann to Bob' and 'Bob to Ann': TaskGroup.__aexit__(). They are not all done, so it is blocked.
        'Ann to Bob' goes on: the kernel raises Cancelled in it.
        The code of 'Ann to Bob' has come to its end.
        Nobody holds Lock 1 now.
        'Ann to Bob' is done: it was cancelled.
        'Bob to Ann' goes on: the kernel raises Cancelled in it.
        The code of 'Bob to Ann' has come to its end.
        Nobody holds Lock 2 now.
        'Bob to Ann' wakes 'main': what it waited for is there. It goes to the end of the ready queue.
        'Bob to Ann' is done: it was cancelled.
        The trampoline resumes 'main' where it waited.
        The code of 'main' has come to its end.
        'main' is done: it was cancelled.
    """)


def test_the_story_of_an_old_program(screen: Any, recordings: Any) -> None:
    assert story(screen, recordings("legacy")) == lines("""
        'Task-1' is made, and is ready to run.
        The trampoline starts 'Task-1': it runs for the first time.
        'Task-1' starts 'Task-2'. It goes to the end of the ready queue.
        'Task-1' starts 'Task-3'. It goes to the end of the ready queue.
        'Task-1' waits for 'Task-2' and 'Task-3': gather(task 2 'Task-2', task 3 'Task-3'). They are not all done, so it is blocked.
        The trampoline starts 'Task-2': it runs for the first time.
        'Task-2' asks to sleep: sleep(0.02). It is blocked until the clock shows ....
        The trampoline starts 'Task-3': it runs for the first time.
        'Task-3' asks to sleep: sleep(0.01). It is blocked until the clock shows ....
        Nothing can run. The kernel waits: the next timer is due in ....
        A timer wakes 'Task-3': its time has come after .... It goes to the end of the ready queue.
        The trampoline resumes 'Task-3' where it waited.
        The code of 'Task-3' has come to its end.
        'Task-3' is done: it returned 'first'.
        Nothing can run. The kernel waits: the next timer is due in ....
        A timer wakes 'Task-2': its time has come after .... It goes to the end of the ready queue.
        The trampoline resumes 'Task-2' where it waited.
        The code of 'Task-2' has come to its end.
        'Task-2' is done: it returned 'second'.
        'Task-2' wakes 'Task-1': what it waited for is there after .... It goes to the end of the ready queue.
        The trampoline resumes 'Task-1' and hands it ['second', 'first'].
        The code of 'Task-1' has come to its end.
        'Task-1' is done.
    """)
