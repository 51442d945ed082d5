"""The file of a recording: when it is written, cut, damaged, of another version; and what happens to it around forks."""

from __future__ import annotations

import errno
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel import Kernel, VirtualClock, checkpoint, current_task, run, sleep, spawn
from kernel.insight import Observer, record, watch_all
from kernel.recordings import moments as kinds
from kernel.recordings.reading import Unreadable, read
from tests.support.interpreters import run_python, started_python, next_line
from tests.support.recordings import events_of, lines_of


async def ticks(count: int = 3) -> None:
    for _ in range(count):
        await sleep(1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A recording of a small program."""
    with record(tmp_path / "recording"):
        run(ticks(), clock=VirtualClock())
    return tmp_path / "recording"


def test_a_file_has_a_json_object_on_each_line(file: Path) -> None:
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert lines[0]["recording"] == 1 and lines[0]["pid"] == os.getpid() and lines[0]["data"] is True
    assert list(lines[-1]) == ["end"]


def test_what_is_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in b"", b"hello\n", b"[1]\n", b'{"recording"', b"[" * 100_000, b"\xff\xfe\n", b'{"recording": 1}\n':
        path.write_bytes(content)
        with pytest.raises(Unreadable, match="is no recording"):
            read(path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")


def test_a_newer_version_is_said_with_both_numbers(file: Path) -> None:
    file.write_text(file.read_text().replace('"recording": 1', '"recording": 7', 1))
    with pytest.raises(Unreadable, match=r"of version 7, .* reads version 1: .*trampoline-kernel"):
        read(file)


def test_a_file_that_is_cut_anywhere_is_read_up_to_there(file: Path) -> None:
    whole, data = lines_of(read(file)), file.read_bytes()
    first = data.index(b"\n") + 1
    for length in range(first, len(data), 7):
        file.write_bytes(data[:length])
        recording = read(file)
        assert recording.damage is not None
        lines = lines_of(recording)
        assert lines == whole[:len(lines)]


def test_damage_in_the_middle(file: Path) -> None:
    whole, lines = len(read(file).moments), file.read_bytes().splitlines(keepends=True)
    for at in range(1, len(lines)):
        for rubbish in b"\x00\xff\n", b"{}}\n", b"[]\n", b'{"integers": 3, "data": "eJwDAAAAAAE="}\n', b'{"integers": 1, "data": 5}\n':
            file.write_bytes(b"".join([*lines[:at], rubbish, *lines[at + 1:]]))
            recording = read(file)
            assert recording.damage is not None and recording.damage.startswith(f"line {at + 1} cannot be read")
            assert len(recording.moments) <= whole


def test_a_killed_program_leaves_what_it_did(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("""if True:
        import kernel, time
        async def main():
            for _ in range(5):
                await kernel.sleep(0.001)
            while True:
                await kernel.sleep(0.2)
                print("beat", flush=True)
        """)
    with started_python("-m", "kernel", "--record", tmp_path / "recording", program) as process:
        assert [next_line(process) for _ in range(2)] == ["beat"] * 2
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    recording = read(tmp_path / "recording")
    assert recording.damage is not None and "the program was killed" in recording.damage
    assert [event for event, _ in events_of(recording)].count("resume") >= 7


def test_a_program_that_is_stuck_has_told_where(tmp_path: Path) -> None:
    """Nothing runs in the kernel, which could write. The thread does."""
    async def stuck() -> None:
        await spawn(ticks(0), name="before")
        await checkpoint()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if any(line == "exit before returned" for line in lines_of(read(tmp_path / "recording"))):
                return
            time.sleep(0.02)
        raise AssertionError("nothing was written")

    with record(tmp_path / "recording"):
        run(stuck())


def test_a_full_disk_ends_the_recording_and_not_the_program() -> None:
    with record("/dev/full") as recording:
        run(ticks(), clock=VirtualClock())
    assert recording.failure == os.strerror(errno.ENOSPC)


def test_the_command_line_says_what_went_wrong(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("""if True:
        import os, sys
        async def main():
            for fd in os.listdir("/proc/self/fd"):
                if os.path.realpath(f"/proc/self/fd/{fd}").endswith("recording"):
                    os.close(int(fd))
            print("done")
        """)
    assert run_python("-m", "kernel", "--record", "/dev/full", program) == (
        0, "done\n", f"python -m kernel: the recording is not complete: {os.strerror(errno.ENOSPC)}\n")
    assert run_python("-m", "kernel", "--record", tmp_path / "recording", program) == (
        0, "done\n", "python -m kernel: the recording is not complete: the program has closed its file\n")
    outcome = run_python("-m", "kernel", "--record", tmp_path / "no" / "recording", program)
    assert outcome.status == 2 and outcome.err.startswith(
        f"python -m kernel: cannot write to {tmp_path}/no/recording: No such file or directory")


def test_a_file_that_cannot_be_opened_leaves_nothing_behind(tmp_path: Path, no_thread_is_left: None) -> None:
    with pytest.raises(OSError):
        record(tmp_path)
    assert Kernel.tracer is None


@pytest.mark.usefixtures("no_thread_is_left", "nothing_in_the_log")
def test_it_can_be_stopped_twice_and_by_another_thread(tmp_path: Path) -> None:
    running, stopped = threading.Event(), threading.Event()

    async def main() -> None:
        running.set()
        while not stopped.is_set():
            await sleep(0.001)
        await sleep(0.01)
        watched.append((await current_task()).kernel.tap is not None)

    watched: list[bool] = []
    session = record(tmp_path / "recording")
    thread = threading.Thread(target=run, args=(main(),))
    thread.start()
    running.wait()
    session.stop()
    session.stop()
    size = (tmp_path / "recording").stat().st_size
    stopped.set()
    thread.join()
    assert (tmp_path / "recording").stat().st_size == size
    assert watched == [False] and read(tmp_path / "recording").damage is None


def test_two_recordings_at_once(tmp_path: Path) -> None:
    with record(tmp_path / "outer"):
        run(ticks(1), clock=VirtualClock())
        with record(tmp_path / "inner"):
            run(ticks(2), clock=VirtualClock())
        run(ticks(3), clock=VirtualClock())
    assert Kernel.tracer is None
    outer, inner = read(tmp_path / "outer"), read(tmp_path / "inner")
    assert len(outer.kernels) == 3 and len(inner.kernels) == 1
    assert [line for line in lines_of(outer) if line.startswith("clock")] == [f"clock {n}" for n in (1, 1, 2, 1, 2, 3)]
    assert [line for line in lines_of(inner) if line.startswith("clock")] == ["clock 1", "clock 2"]


def test_two_recordings_that_end_in_another_order(tmp_path: Path) -> None:
    first, second = record(tmp_path / "first"), record(tmp_path / "second")
    run(ticks(1), clock=VirtualClock())
    first.stop()
    run(ticks(2), clock=VirtualClock())
    second.stop()
    run(ticks(3), clock=VirtualClock())
    assert Kernel.tracer is None
    assert [len(read(tmp_path / name).kernels) for name in ("first", "second")] == [1, 2]


def test_a_tracer_that_came_later_stays(tmp_path: Path) -> None:
    observer = Observer()
    with record(tmp_path / "recording"):
        watch_all(observer)
    assert Kernel.tracer is observer
    watch_all(None)


def test_a_recording_in_a_task_leaves_the_kernel(tmp_path: Path) -> None:
    async def main() -> list[bool]:
        kernel = (await current_task()).kernel
        with record(tmp_path / "recording"):
            watched = [kernel.tap is not None]
            await checkpoint()
        return [*watched, kernel.tap is not None]

    assert run(main()) == [True, False]


def test_the_end_of_the_process_completes_it(tmp_path: Path) -> None:
    code = ("import sys, kernel\nfrom kernel.insight import record\nrecord(sys.argv[1])\n"
            "async def main(): await kernel.sleep(0.001)\nkernel.run(main())")
    assert run_python("-c", code, tmp_path / "recording") == (0, "", "")
    recording = read(tmp_path / "recording")
    assert recording.damage is None and [event for event, _ in events_of(recording)].count("resume") == 2


FORKING = """if True:
    import os, sys, warnings, kernel
    from kernel.insight import Observer, record, watch_all
    warnings.simplefilter("error")
    async def main():
        await kernel.sleep(0.001)
        child = os.fork()
        for _ in range(3):
            await kernel.sleep(0.001)
        watched = (await kernel.current_task()).kernel.tap is not None
        if child:
            os.waitpid(child, 0)
            print("parent", watched)
        else:
            print("child", watched, flush=True)
            os._exit(0)
    with record(sys.argv[1]):
        kernel.run(main())
    """


def test_a_fork_is_recorded_in_the_parent_only(tmp_path: Path) -> None:
    assert run_python("-c", FORKING, tmp_path / "recording") == (0, "child False\nparent True\n", "")
    recording = read(tmp_path / "recording")
    assert recording.damage is None and [event for event, _ in events_of(recording)].count("resume") == 6


def test_several_kernels_in_several_threads(tmp_path: Path) -> None:
    def many() -> Iterator[threading.Thread]:
        for _ in range(4):
            yield threading.Thread(target=lambda: run(ticks(200), clock=VirtualClock()))

    with record(tmp_path / "recording"):
        threads = list(many())
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    recording = read(tmp_path / "recording")
    assert recording.damage is None and sorted(recording.kernels) == [1, 2, 3, 4]
    resumed = [moment.task for moment in recording.moments if moment.kind == kinds.RESUME]
    assert [resumed.count(task) for task in sorted(recording.tasks)] == [201] * 4
    times = [moment.time for moment in recording.moments]
    assert times == sorted(times)
