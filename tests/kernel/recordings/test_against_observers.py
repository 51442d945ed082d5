"""Random programs, recorded and observed at once: the recording says what the observer was told."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernel.insight import watch_all
from kernel.recordings import moments as kinds
from kernel.recordings.reading import read
from kernel.recordings.sessions import Several
from kernel.recordings.states import State
from kernel.recordings.tapes import Tape
from tests.fuzz import native_vocabulary
from tests.fuzz.invariants import violations
from tests.fuzz.program import random_program
from tests.fuzz.source import source_of
from tests.support.recordings import Witness, blocked_requests, events_of


@pytest.mark.parametrize("seed", range(400, 440))
def test_random_programs_do_what_their_recordings_say(tmp_path: Path, seed: int) -> None:
    source = source_of(random_program(seed, native_vocabulary.KINDS), native_vocabulary.KINDS)
    witness, tape = Witness(), Tape(tmp_path / "recording")
    watch_all(Several([witness, tape]))
    try:
        assert violations(source, seed) is None
    finally:
        watch_all(None)
        tape.close()
    recording = read(tmp_path / "recording")
    assert recording.damage is None and tape.failure is None
    assert events_of(recording) == [event for event in witness.events if event[0] != "block"], source
    assert sorted(blocked_requests(recording)) == sorted(task for event, task in witness.events if event == "block")
    state = State(recording)
    for moment in recording.moments:
        if moment.kind == kinds.IDLE:
            assert not state.ready[moment.task] and not state.running[moment.task]
        state.apply(moment)
    assert state.ready == {1: []} == state.running and not state.blocked
    assert sorted(state.done) == sorted(recording.tasks)
