"""A movie of 100,000 moments, and one of 10,000 tasks that all wait: they open, and show what the recording says."""

from __future__ import annotations

from typing import Any

from kernel.recordings.moments import ASK, BLOCKED, EXIT, RESUME, SPAWN, WAKE, YIELDED, Moment
from kernel.recordings.reading import Recording
from tests.support.movies import SEEN, check, positions


def made(tasks: int) -> Recording:
    """A recording of nothing but tasks and their requests."""
    recording = Recording({"recording": 1, "begin": 0, "argv": ["large.py"], "data": True})
    recording.kernels[1] = {"kernel": 1, "kind": "native", "clock": "virtual", "at": 0, "shows": 0}
    recording.stacks[1] = [["large.py", 2, "work"]]
    recording.sources["large.py"] = "async def work():\n    await sleep(1)\n"
    recording.requests[1] = {"request": 1, "stack": 1, "text": "yield", "kind": "time", "yields": True}
    recording.requests[2] = {"request": 2, "stack": 1, "text": "sleep(1)", "kind": "time"}
    for number in range(1, tasks + 1):
        recording.tasks[number] = {"task": number, "kernel": 1, "number": number, "name": f"worker {number}",
                                   "daemon": False, "place": ["large.py", 1, "work"]}
        add(recording, SPAWN, number)
    return recording


def add(recording: Recording, kind: int, task: int, *details: int) -> None:
    moment = [kind, len(recording.moments) * 1000, task, *details, 0, 0, 0, 0]
    recording.moments.append(Moment(*moment[:7]))


def turns(tasks: int, rounds: int) -> Recording:
    recording = made(tasks)
    for _ in range(rounds):
        for number in range(1, tasks + 1):
            add(recording, RESUME, number)
            add(recording, ASK, number, 1, YIELDED)
    return recording


def crowd(tasks: int) -> Recording:
    """All sleep; then the first wakes and ends, and so on."""
    recording = made(tasks)
    for number in range(1, tasks + 1):
        add(recording, RESUME, number)
        add(recording, ASK, number, 2, BLOCKED, number * 1_000_000)
    for number in range(1, tasks + 1):
        add(recording, WAKE, number)
        add(recording, RESUME, number)
        add(recording, EXIT, number)
    return recording


def check_places(page: Any, recording: Recording, places: list[int]) -> None:
    wanted = dict(zip(sorted(places), positions(recording, only=places)))
    for position in places:
        page.evaluate(f"location.hash = '#m={position}'")
        page.wait_for_selector(f"body[data-position='{position}']")
        check(page.evaluate(SEEN), wanted[position], position)


def test_many_moments(screen: Any) -> None:
    recording = turns(20, 2500)
    page = screen.open(recording)
    last = len(recording.moments)
    check_places(page, recording, [last, 50_000, 49_999, 255, 256, 257, 99_000, 1, last - 1, 0])
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.body.dataset.position") == str(last - 1)
    page.click("#story .row.now")
    page.locator("#story").evaluate("list => list.scrollTop = 0")
    page.wait_for_selector("#story [data-moment='1']")
    assert page.locator("#story .row").count() < 60


def test_many_tasks(screen: Any) -> None:
    recording = crowd(10_000)
    page = screen.open(recording)
    check_places(page, recording, [10_000, 20_000, 30_000, 45_000, len(recording.moments)])
    page.evaluate("location.hash = '#m=30000'")
    page.wait_for_selector("body[data-position='30000']")
    assert page.get_attribute("#strip", "data-shows") == "counts"
    assert page.locator("[data-task]").count() < 100
    page.locator("[data-group=sleep] .more").click()
    assert "10,000 tasks" in page.inner_text("#tasks .heading")
    assert page.locator("[data-listed]").count() < 60
    page.locator("#tasks .rows").evaluate("list => list.scrollTop = list.scrollHeight")
    page.click("[data-listed='10000']")
    assert "sleep(1)" in page.inner_text("#chain")
