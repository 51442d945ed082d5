"""`--record`, `--timeline` and `--movie`, and what the console command makes of a recording."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kernel.recordings.reading import read
from tests.support.interpreters import run_python
from tests.support.offered import Place

PROGRAMS = {
    "run": "from kernel import sleep\nasync def main():\n    await sleep(0.001)\n    print('done')\n",
    "asyncio": "import asyncio\nasync def main():\n    await asyncio.sleep(0.001)\n    print('done')\nasyncio.run(main())\n",
}


@pytest.fixture(params=PROGRAMS)
def start(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    (tmp_path / "program.py").write_text(PROGRAMS[request.param])
    return str(request.param)


def test_a_recording_and_what_is_made_of_it(place: Place, tmp_path: Path, start: str) -> None:
    file = tmp_path / "a.rec"
    assert place.command(start, "--record", file, tmp_path / "program.py") == (0, "done\n", "")
    assert read(file).damage is None
    status, text, err = place.command("show", file)
    assert (status, err) == (0, "") and "sleep(0.001) = " in text and "+++ returned +++" in text
    assert place.command("show", "-e", "network", file) == (0, "", "")
    assert "sleep(0.001)" not in place.command("show", "--no-data", file).out
    assert place.command("timeline", file) == (0, f"{tmp_path}/a.json: open it at ui.perfetto.dev or chrome://tracing\n", "")
    assert {event["ph"] for event in json.loads((tmp_path / "a.json").read_text())["traceEvents"]} >= {"M", "X", "C"}
    assert place.command("movie", "-o", tmp_path / "b.html", file) == (
        0, f"{tmp_path}/b.html: open it in a browser\n", "")
    assert (tmp_path / "b.html").read_text().startswith("<!doctype html>")


def test_pictures_without_a_recording(place: Place, tmp_path: Path, start: str) -> None:
    timeline, movie = tmp_path / "t.json", tmp_path / "m.html"
    assert place.command(start, "--timeline", timeline, "--movie", movie, "--no-data", tmp_path / "program.py") == (
        0, "done\n", "")
    assert "sleep(...)" in timeline.read_text() and "sleep(0.001)" not in timeline.read_text()
    page = movie.read_text()
    assert '"data":false' in page and "sleep(...)" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.html", "program.py", "t.json"]


def test_the_pictures_of_a_program_that_fails(place: Place, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("async def main():\n    raise ValueError('a value')\n")
    status, _, err = place.command("run", "--movie", tmp_path / "m.html", tmp_path / "program.py")
    assert status == 1 and err.endswith("ValueError: a value\n") and "ValueError: a value" in (tmp_path / "m.html").read_text()


def test_what_cannot_be_read(place: Place, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "newer").write_text('{"recording": 2}\n')
    (tmp_path / "empty").write_text("")
    for command in "show", "timeline", "movie":
        def failure(*arguments: object) -> str:
            status, out, err = place.command(command, *arguments)
            assert (status, out) == (2, "") and err.startswith(f"trampoline {command}: ")
            return err.partition(": ")[2]

        assert failure(tmp_path / "none") == f"cannot read {tmp_path}/none: No such file or directory\n"
        assert failure(tmp_path) == f"cannot read {tmp_path}: Is a directory\n"
        for name in "text", "empty":
            assert failure(tmp_path / name) == f"{tmp_path}/{name} is no recording: its first line does not say so\n"
        assert "is a recording of version 2, and this program reads version 1" in failure(tmp_path / "newer")
        assert failure().startswith("give the file of one recording, ")
        assert failure("--nonsense").startswith("option --nonsense not recognized; see ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "newer", "text"]


def test_a_damaged_recording_is_shown_up_to_there_with_a_word(place: Place, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAMS["run"])
    file = tmp_path / "a.rec"
    assert place.command("run", "--record", file, tmp_path / "program.py").status == 0
    file.write_bytes(file.read_bytes()[:-5])
    status, out, err = place.command("show", file)
    assert status == 0 and "sleep(0.001)" in out
    assert err.startswith(f"trampoline show: {file}: line ") and "cannot be read" in err
    assert "cannot be read" in place.command("movie", file).err and "cannot be read" in (tmp_path / "a.html").read_text()


def test_a_program_without_a_kernel(place: Place, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("print('done')")
    file = tmp_path / "a.rec"
    assert place.command("asyncio", "--record", file, tmp_path / "program.py") == (0, "done\n", "")
    for command in "show", "movie", "timeline":
        status, _, err = place.command(command, file)
        assert (status, err) == (0, f"trampoline {command}: {file}: nothing happened: no kernel ran\n")


def test_pictures_that_cannot_be_written(place: Place, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAMS["run"])
    for option in "--timeline", "--movie", "--record":
        status, out, err = run_python("-m", "kernel", option, tmp_path / "no" / "file", tmp_path / "program.py",
                                      environment=place.environment)
        assert (status, out) == (2, "") and f"cannot write to {tmp_path}/no/file: No such file or directory" in err
    status, out, err = run_python("-m", "kernel", "--movie", "/dev/full", tmp_path / "program.py",
                                  environment=place.environment)
    assert (status, out) == (0, "done\n") and "no picture of the program was made: " in err


def test_a_picture_of_what_could_not_be_recorded(place: Place, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAMS["run"])
    (tmp_path / "limited.py").write_text(  # no file can have more than so many bytes: as on a disk that is full
        "import resource, signal, sys\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\nfrom kernel.shell.programs import main\n"
        "sys.exit(main(sys.argv[1:]))\n")
    status, out, err = run_python(tmp_path / "limited.py", "--movie", tmp_path / "m.html", tmp_path / "program.py",
                                  environment=place.environment)
    assert (status, out) == (0, "done\n") and "Traceback" not in err
    assert "the recording is not complete: File too large" in err and "no picture of the program was made: " in err


def test_values_can_be_left_out_only_while_the_program_runs(place: Place, tmp_path: Path) -> None:
    status, _, err = place.command("movie", "--no-data", tmp_path / "a.rec")
    assert status == 2 and "--no-data has to be given when the program is recorded" in err
