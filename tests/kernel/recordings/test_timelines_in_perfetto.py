"""Timelines as Perfetto reads them, which is the viewer that most people open them with."""

from __future__ import annotations

from pathlib import Path

from kernel import Queue, checkpoint, spawn
from kernel.recordings.reading import Recording
from kernel.recordings.timelines import write_timeline
from tests.support.perfetto import in_perfetto, opened
from tests.support.programs import pool
from tests.support.timelines import timeline_of
from tests.support.transcripts import recorded

pytestmark = in_perfetto
SPANS = """select slice.name, ts, dur, depth from slice join process_track on process_track.id = track_id
           where process_track.name glob '*{row} waits' and dur > 0 order by ts, depth"""


def saved(recording: Recording, directory: Path) -> Path:
    file = directory / "timeline.json"
    with file.open("w", encoding="utf-8") as stream:
        write_timeline(recording, stream)
    return file


def test_it_understands_all_of_a_timeline(tmp_path: Path) -> None:
    recording = recorded(pool(), tmp_path)
    with opened(saved(recording, tmp_path)) as perfetto:
        assert perfetto.query("select name, value from stats where value > 0 and severity in ('error', 'data_loss')") == []
        expected = timeline_of(recording)
        assert perfetto.query("select name from process where upid > 0") == [["native kernel"]]
        threads = perfetto.query("select name from thread where utid > 0 order by tid")
        assert [name for name, in threads] == list(expected.threads.values())
        for thread, slices in expected.slices.items():
            assert perfetto.query(f"""
                select slice.name, ts, dur from slice join thread_track on thread_track.id = track_id
                join thread using (utid) where thread.name = "{thread}" and depth = 0 order by ts""") == [
                    [one.name, round(one.begin * 1000), round(one.duration * 1000)] for one in slices]
        for row in expected.rows:
            life, = expected.spans[row]
            assert perfetto.query(SPANS.format(row=row)) == [
                [one.name, round(one.begin * 1000), round(one.duration * 1000), int(one is not life)]
                for one in [life, *life.inside]]
        arrows = perfetto.query("""
            select waker.name, woken.name from flow join slice as waker on waker.id = slice_out
            join slice as woken on woken.id = slice_in""")
        assert sorted(arrows) == sorted([waker, woken] for _, waker, _, woken in expected.arrows)
        for counter, values in expected.counters.items():
            assert perfetto.query(f"""
                select ts, value from counter join process_counter_track as track on track.id = track_id
                where track.name = '{counter}' order by ts""") == [[round(time * 1000), value] for time, value in values]


def test_its_arguments_say_where_a_step_was_and_what_ended_a_wait(tmp_path: Path) -> None:
    with opened(saved(recorded(pool(), tmp_path), tmp_path)) as perfetto:
        found = perfetto.query("""select args.key, display_value from slice join args using (arg_set_id)
                                  where name = 'Lock.acquire()'""")
        assert ["args.ended by", "task 2 'a'"] in found and ["args.by the kernel's clock", "1.000000 s"] in found
        assert any(key == "args.at" and value.endswith(" in work") for key, value in found)


def test_the_rows_stand_in_the_order_of_the_tree_of_tasks(tmp_path: Path) -> None:
    with opened(saved(recorded(pool(), tmp_path), tmp_path)) as perfetto:
        rows = [row.translate(str.maketrans("", "", "\u200b\u200c")) for row in perfetto.rows(11)]
        assert rows[:4] == ["pool (1) 1", "└─ a (2) 2", "└─ b (3) 3", "the kernel's loop 4"]
        assert rows[4:7] == ["pool (1) waits", "└─ a (2) waits", "└─ b (3) waits"]
        assert rows[7:] == ["descriptors watched", "lag ms", "ready tasks", "timers set"]


def test_names_that_hold_anything_do_no_harm(tmp_path: Path) -> None:
    names = ["<script>", "\x1b[31m\x00", "half \ud83d", '"quoted" \\', "two\nlines", "\U0001f3a2"]

    async def main() -> None:
        queue: Queue[str] = Queue()
        for name in names:
            await spawn(take(queue), name=name)
        await checkpoint()
        for name in names:
            await queue.put(name)
        await checkpoint()

    async def take(queue: Queue[str]) -> str:
        return await queue.get()

    with opened(saved(recorded(main(), tmp_path), tmp_path)) as perfetto:
        assert perfetto.query("select name, value from stats where value > 0 and severity in ('error', 'data_loss')") == []
        assert perfetto.query("select count() from slice where name = 'Queue.get()' and dur > 0") == [[len(names)]]
        threads = [name for name, in perfetto.query("select name from thread where utid > 0 order by tid")]
        assert len(threads) == len(names) + 2 and "└─ <script> (2)" in threads and "└─ \U0001f3a2 (7)" in threads
