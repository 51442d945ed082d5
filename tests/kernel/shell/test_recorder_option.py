"""`--recorder FILE`: the last events of a program that ends badly, and since when its tasks wait."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.interpreters import run_python
from tests.support.offered import WAITING, WAITING_ON_ASYNCIO, Place

FAILING = {
    "-m kernel": "from kernel import sleep\nasync def main():\n    await sleep(0.001)\n    raise ValueError('a value')\n",
    "-m compat": "import asyncio\nasync def main():\n    await asyncio.sleep(0.001)\n    raise ValueError('a value')\n"
                 "asyncio.run(main())\n",
}


@pytest.mark.parametrize("start", FAILING)
def test_an_exception_that_ends_the_program(place: Place, tmp_path: Path, start: str) -> None:
    program, file = tmp_path / "program.py", tmp_path / "flight"
    program.write_text(FAILING[start])
    status, _, err = run_python(*start.split(), "--recorder", file, program, environment=place.environment)
    head, *lines = file.read_text().splitlines()
    assert status == 1 and "ValueError: a value" in err
    assert head.endswith("events: ValueError: a value") and head.count("---") == 1
    assert any("wake sleep(0.001) by a timer" in line for line in lines)
    assert any(line.endswith("exit ended with ValueError") for line in lines)


def test_a_deadlock(place: Place, tmp_path: Path) -> None:
    program, file = tmp_path / "program.py", tmp_path / "flight"
    program.write_text("from kernel import Queue\nasync def main():\n    await Queue().get()\n")
    status, _, err = run_python("-m", "kernel", "--recorder", file, program, environment=place.environment)
    text = file.read_text()
    assert status == 1 and "Deadlock" in err
    assert text.count("---") == 1 and "Deadlock: nothing is left" in text and "request Get" in text


def test_a_program_that_ends_well_leaves_the_file_empty(place: Place, tmp_path: Path) -> None:
    program, file = tmp_path / "program.py", tmp_path / "flight"
    file.write_text("from before")
    program.write_text("from kernel import sleep\nasync def main():\n    await sleep(0.001)\n")
    assert run_python("-m", "kernel", "--recorder", file, "--strace", "-o", "/dev/null", program,
                      environment=place.environment) == (0, "", "")
    assert file.read_text() == ""


def test_a_file_that_cannot_be_written(place: Place, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("async def main():\n    print('ran')\n")
    status, out, err = run_python("-m", "kernel", "--recorder", tmp_path / "no" / "file", program,
                                  environment=place.environment)
    assert (status, out) == (2, "") and f"cannot write to {tmp_path}/no/file: No such file or directory" in err


@pytest.mark.parametrize(("start", "text"), [("-m kernel", WAITING), ("-m compat", WAITING_ON_ASYNCIO)])
def test_a_listing_says_since_when_tasks_wait(place: Place, tmp_path: Path, start: str, text: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(text)
    with place.started(*start.split(), "--recorder", tmp_path / "flight", program) as process:
        status, out, _ = place.command("ps", process.pid)
        process.terminate()
    rows = {row.split()[1]: row.split()[3] for row in out.splitlines() if "child-" in row}
    assert status == 0 and rows and all(since.endswith("s") and since != "-" for since in rows.values())
