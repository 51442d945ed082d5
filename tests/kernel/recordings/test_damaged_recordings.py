"""Damaged recordings: each is read up to the damage, and what is read makes sense, so that no view of it fails."""

from __future__ import annotations

import io
import json
import random
import zlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from kernel.recordings.reading import Unreadable, read
from kernel.recordings.timelines import write_timeline
from tests.support.programs import pool
from tests.support.transcripts import recorded, text_of

LETTERS = b'0123456789abcdef",:{}[]-. \n\x00\xff'


def damaged(whole: bytes, chance: random.Random) -> bytes:
    """The file with a few other bytes, with some missing, or with a line too few or too many."""
    data = bytearray(whole)
    for _ in range(chance.choice([1, 1, 1, 3, 10])):
        place = chance.randrange(len(data))
        what = chance.randrange(5)
        if what < 3:
            data[place] = chance.choice(LETTERS)
        elif what == 3:
            del data[place:place + chance.randrange(1, 5)]
        else:
            lines = bytes(data).splitlines(True)
            line = lines.pop(chance.randrange(len(lines)))
            if chance.random() < 0.5:
                lines.insert(chance.randrange(len(lines)), line)
            data = bytearray(b"".join(lines))
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_no_view_fails_for_a_damaged_file(seed: int, tmp_path: Path) -> None:
    recorded(pool(), tmp_path)
    file = tmp_path / "recording"
    whole = file.read_bytes()
    chance = random.Random(seed)
    outcomes = {"refused": 0, "damaged": 0, "whole": 0}
    for _ in range(250):
        file.write_bytes(damaged(whole, chance))
        try:
            recording = read(file)
        except Unreadable:
            outcomes["refused"] += 1
            continue
        outcomes["whole" if recording.damage is None else "damaged"] += 1
        text_of(recording)
        stream = io.StringIO()
        write_timeline(recording, stream)
        json.loads(stream.getvalue())
    assert all(outcomes.values())


def with_line(file: Path, line: dict[str, Any]) -> str | None:
    """What reading says of the damage when `line` stands before the last one."""
    *lines, last = file.read_bytes().splitlines(True)
    changed = file.with_name("changed")
    changed.write_bytes(b"".join([*lines, json.dumps(line).encode() + b"\n", last]))
    return read(changed).damage


@pytest.mark.parametrize("line, word", [
    ({"cause": 7, "kind": "callback", "text": "f", "by": 7}, "a cause is its own cause"),
    ({"request": 1000, "stack": 1}, "its 'text' is missing or wrong"),
    ({"request": 1000, "stack": 1, "text": 5, "kind": "time"}, "its 'text' is missing or wrong"),
    ({"stack": 1000, "frames": [["main.py", 12]]}, "its 'frames' is missing or wrong"),
    ({"kernel": 1, "clock": "sundial", "kind": "native", "at": 0, "shows": 0}, "its 'clock' is missing or wrong"),
    ({"deadlock": "", "kernel": 12, "time": 0, "tasks": []}, "a row is about kernel 12, which is not defined"),
    ({"integers": 1, "data": "no base64"}, "cannot be read"),
    ({"integers": 8, "data": b64encode(zlib.compress(bytes(8))).decode()}, "cannot be read"),
])
def test_a_line_that_makes_no_sense_is_damage(line: dict[str, Any], word: str, tmp_path: Path) -> None:
    recorded(pool(), tmp_path)
    damage = with_line(tmp_path / "recording", line)
    assert damage is not None and word in damage and damage.endswith("what comes after it is left out")


def test_rows_that_unpack_to_more_than_memory_holds_are_damage(tmp_path: Path) -> None:
    recorded(pool(), tmp_path)
    packer = zlib.compressobj()
    packed = b"".join([packer.compress(bytes(1 << 24)) for _ in range(16)]) + packer.flush()
    damage = with_line(tmp_path / "recording", {"integers": 1 << 25, "data": b64encode(packed).decode()})
    assert damage is not None and "cannot be read" in damage


def test_a_line_of_a_kind_that_is_not_known_is_passed_over(tmp_path: Path) -> None:
    recorded(pool(), tmp_path)
    assert with_line(tmp_path / "recording", {"colour": 5}) is None
