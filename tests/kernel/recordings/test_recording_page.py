"""docs/recording.md: its example runs, and it names all that is in a recording."""

from __future__ import annotations

import re
from pathlib import Path

from kernel.recordings import rows
from kernel.recordings.definitions import HEADER, LINES
from kernel.recordings.moments import ASK
from tests.support.interpreters import run_python
from tests.support.paths import ROOT
from tests.support.programs import failures
from tests.support.sessions import save_programs
from tests.support.transcripts import recorded

PAGE = (ROOT / "docs/recording.md").read_text()


def test_the_example_reads_a_recording(tmp_path: Path) -> None:
    recording = recorded(failures(), tmp_path)
    example, = save_programs(PAGE, tmp_path)
    assert len((tmp_path / example).read_text().splitlines()) <= 26
    done = run_python(tmp_path / example, tmp_path / "recording")
    assert done.status == 0, done.err
    lines = [line.partition(" ")[2] for line in done.out.splitlines()]
    assert lines[0] == "failures is made" and lines[-1] == "failures returned"
    asked = [recording.requests[moment.first]["text"] for moment in recording.moments
             if moment.kind == ASK and moment.first]
    assert [line.partition("asks: ")[2] for line in lines if "asks: " in line] == [
        "wait" if text.startswith("wait(") else text for text in asked]
    assert "other was cancelled" in lines and "failing raised" in lines


def test_the_page_names_every_key() -> None:
    keys = {key for shape in (HEADER, *LINES.values()) for key in shape}
    assert {key for key in keys if f"`{key}`" not in PAGE} == set()


def test_the_page_has_every_kind_of_row() -> None:
    table = re.findall(r"^\| (\d+), (\w+) \| \w+ \| ([^|]+) \|", PAGE, re.MULTILINE)
    assert [(name, int(number)) for number, name, _ in table] == [(name, getattr(rows, name.upper())) for name in (
        "yield step wait spawn wake exit clock thing counts moved sent arrived held lost started crashed cut joined".split())]
    assert [1 + len(integers.split(", ")) for _, _, integers in table] == [*rows.LENGTHS, *rows.NETWORK_LENGTHS]
