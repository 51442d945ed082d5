"""A process offers itself: where, for how long, and what becomes of it in the processes that it makes."""

from __future__ import annotations

import os
import re
import socket
import stat
import threading
from pathlib import Path

import pytest

from kernel.insight import offer, withdraw
from tests.support.interpreters import ended, next_line, run_python
from tests.support.offered import Place

def introduced(place: Place, pid: int | None = None) -> bool:
    """Whether the process answers."""
    return bool(place.answer(b'{"ask": "hello"}\n', pid)["pid"] == (os.getpid() if pid is None else pid))


def test_a_process_offers_itself_until_it_withdraws(place: Place) -> None:
    threads = threading.active_count()
    descriptors = os.listdir("/dev/fd")
    offer()
    path = place.socket_of(os.getpid())
    assert stat.S_ISSOCK(path.stat().st_mode) and stat.S_IMODE(place.directory.stat().st_mode) == 0o700
    assert introduced(place) and threading.active_count() == threads + 1
    withdraw()
    assert not path.exists() and threading.active_count() == threads and os.listdir("/dev/fd") == descriptors
    withdraw()
    offer()
    assert introduced(place)


def test_to_offer_twice_is_harmless(place: Place) -> None:
    offer()
    inode = place.socket_of(os.getpid()).stat().st_ino
    offer()
    assert place.socket_of(os.getpid()).stat().st_ino == inode and introduced(place)


def test_without_a_runtime_directory_it_is_in_tmp(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for useless in None, "relative/path", str(place.runtime / "missing"), "/" + "long/" * 30:
        if useless is None:
            monkeypatch.delenv("XDG_RUNTIME_DIR")
        else:
            monkeypatch.setenv("XDG_RUNTIME_DIR", useless)
        offer()
        assert Path(f"/tmp/trampoline-{os.geteuid()}/{os.getpid()}.sock").exists(), useless
        withdraw()


def test_a_runtime_directory_that_others_can_write_to_is_not_used(place: Place) -> None:
    place.runtime.chmod(0o777)
    offer()
    assert not place.directory.exists()


# Hostile directories and files


def test_a_directory_that_is_a_symbolic_link_is_refused(place: Place, tmp_path: Path) -> None:
    place.directory.symlink_to(tmp_path)
    tmp_path.chmod(0o700)
    with pytest.raises(PermissionError, match="it is a symbolic link; remove it"):
        offer()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("mode", [0o755, 0o710, 0o701, 0o777, 0o1777])
def test_a_directory_that_lets_others_in_is_refused(place: Place, mode: int) -> None:
    place.directory.mkdir()
    place.directory.chmod(mode)
    with pytest.raises(PermissionError, match=f"its mode {mode:04o} lets other users in"):
        offer()


def test_a_file_in_the_place_of_the_directory_is_refused(place: Place) -> None:
    place.directory.write_text("")
    with pytest.raises(PermissionError, match="it is not a directory"):
        offer()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_somebody_else_s_directory_is_refused(place: Place) -> None:
    place.directory.mkdir(0o700)
    os.chown(place.directory, 12345, -1)
    with pytest.raises(PermissionError, match="it belongs to the user 12345, not 0"):
        offer()


def test_a_refused_offer_leaves_nothing(place: Place) -> None:
    place.directory.write_text("")
    threads, descriptors = threading.active_count(), os.listdir("/dev/fd")
    with pytest.raises(OSError):
        offer()
    assert (threading.active_count(), os.listdir("/dev/fd")) == (threads, descriptors)


def stale(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))


def link(path: Path) -> None:
    path.symlink_to(path.parent.parent / "elsewhere")


def file(path: Path) -> None:
    path.write_text("")


@pytest.mark.parametrize("leave", [stale, link, file])
def test_what_is_left_in_the_place_of_the_socket_is_replaced(place: Place, leave: object) -> None:
    place.directory.mkdir(0o700)
    leave(place.socket_of(os.getpid()))  # type: ignore[operator]
    offer()
    assert introduced(place) and not (place.runtime / "elsewhere").exists()


def test_a_socket_at_which_another_process_listens_is_left_alone(place: Place) -> None:
    place.directory.mkdir(0o700)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(place.socket_of(os.getpid())))
        other.listen()
        with pytest.raises(FileExistsError, match="in use by another process"):
            offer()
        assert place.socket_of(os.getpid()).exists()


def test_a_directory_in_the_place_of_the_socket(place: Place) -> None:
    place.socket_of(os.getpid()).mkdir(parents=True)
    place.directory.chmod(0o700)
    with pytest.raises(OSError):
        offer()


# The environment variable


ASKED = {"TRAMPOLINE_INSIGHT": "1"}


def offered(place: Place, program: str, environment: dict[str, str] = ASKED) -> tuple[int, str, str]:
    return run_python("-c", program, environment={**place.environment, **environment})


@pytest.mark.parametrize("module", ["kernel", "compat"])
def test_the_variable_has_whoever_imports_the_kernel_offer_itself(place: Place, module: str) -> None:
    program = f"import os, {module}\nprint(os.listdir({str(place.directory)!r}) == [f'{{os.getpid()}}.sock'])"
    assert offered(place, program) == (0, "True\n", "")
    assert os.listdir(place.directory) == []  # removed at exit


@pytest.mark.parametrize("value", ["", "0", None])
def test_without_it_nothing_more_is_imported_or_started(place: Place, value: str | None) -> None:
    program = ("import sys, threading, kernel\n"
               "print(threading.active_count(), {'socket', 'json', 'kernel.shell'} & {*sys.modules},\n"
               "      [name for name in sys.modules if name.startswith('kernel.insight')])\n")
    environment = {} if value is None else {"TRAMPOLINE_INSIGHT": value}
    status, out, err = offered(place, program, environment)
    assert (status, err) == (0, "") and not place.directory.exists()
    assert out == "1 set() []\n" or value is not None


def test_what_makes_it_impossible_is_said_in_one_line_if_the_variable_asks(place: Place) -> None:
    place.directory.write_text("")
    status, out, err = offered(place, "import kernel\nprint('goes on')")
    assert (status, out) == (0, "goes on\n")
    assert re.fullmatch(r"TRAMPOLINE_INSIGHT is set, but this process cannot be looked into: .*\n", err)


# Processes made by this one


@pytest.mark.filterwarnings("error")
def test_a_forked_child_does_not_offer_itself(place: Place) -> None:
    offer()
    with place.connected() as connection:
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            inherited = [fd for fd in map(int, os.listdir("/dev/fd")) if is_socket(fd)]
            os.write(write_end, f"{threading.active_count()} {len(inherited)}".encode())
            os._exit(0)
        os.waitpid(child, 0)
        # The test's own end of the connection is the one socket that is left, besides what was there before.
        threads, sockets = os.read(read_end, 100).split()
        os.close(read_end)
        os.close(write_end)
        assert threads == b"1" and int(sockets) == len([fd for fd in map(int, os.listdir("/dev/fd")) if is_socket(fd)]) - 2
        connection.sendall(b'{"ask": "hello"}\n')
        assert connection.recv(1000)  # the parent goes on with it
    assert introduced(place) and not place.socket_of(child).exists()


def is_socket(fd: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:
        return False


FORKING = """\
import os, sys, warnings
warnings.simplefilter("always")
import kernel
for _ in range(20):
    if os.fork() == 0:
        os._exit(os.path.exists(os.path.join(sys.argv[1], f"{os.getpid()}.sock")))
    assert os.waitstatus_to_exitcode(os.wait()[1]) == int(sys.argv[2])
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_fork_does_not_warn_and_the_parent_can_be_asked_afterwards(place: Place) -> None:
    program = FORKING.replace("import kernel", "from kernel.insight import offer\noffer()")
    with place.started("-c", program, place.directory, 0) as process:
        assert introduced(place, process.pid)
        assert ended(process) == (0, "", "")
    assert os.listdir(place.directory) == []


def test_a_forked_child_offers_itself_anew_if_the_variable_asks(place: Place) -> None:
    with place.started("-c", FORKING, place.directory, 1, environment=ASKED) as process:
        assert introduced(place, process.pid)
        assert ended(process) == (0, "", "")
    # Those that end by `os._exit` leave their sockets; whoever lists the processes removes them.
    assert len(os.listdir(place.directory)) == 20
    assert place.row_of(process.pid) is None
    assert os.listdir(place.directory) == []


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forks_in_several_threads_at_once(place: Place) -> None:
    offer()

    def fork() -> None:
        for _ in range(10):
            child = os.fork()
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)

    threads = [threading.Thread(target=fork) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert introduced(place) and [thread.name for thread in threading.enumerate()].count("kernel insight") == 1


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("environment", [{}, ASKED], ids=["not asked", "asked"])
def test_multiprocessing(place: Place, tmp_path: Path, method: str, environment: dict[str, str]) -> None:
    program = tmp_path / "program.py"
    program.write_text("import multiprocessing, os, sys\nfrom kernel import Queue\nfrom kernel.insight import offer\n"
                       "def work(directory):\n    return os.path.exists(os.path.join(directory, f'{os.getpid()}.sock'))\n"
                       "if __name__ == '__main__':\n    offer()\n"
                       f"    with multiprocessing.get_context({method!r}).Pool(2) as pool:\n"
                       "        print(pool.map(work, sys.argv[1:] * 2))\n")
    expected = f"[{bool(environment)}, {bool(environment)}]\n"
    assert run_python(program, place.directory, environment={**place.environment, **environment}) == (0, expected, "")


def test_after_exec_nobody_listens(place: Place) -> None:
    program = ("import os, sys\nfrom kernel.insight import offer\noffer()\n"
               "os.execv(sys.executable, [sys.executable, '-c', 'print(\"ready\", flush=True); input()'])\n")
    with place.started("-c", program) as process:
        status, _, err = place.command("ps", process.pid)
        assert status in (1, 2) and f"process {process.pid} does not offer itself" in err
        assert place.command("ps").err == ""


def test_a_program_that_closes_all_descriptors(place: Place) -> None:
    program = ("import os, sys\nfrom kernel.insight import offer\noffer()\nprint('ready', flush=True)\ninput()\n"
               "os.closerange(3, 1000)\nmine = [os.open('/dev/null', os.O_RDWR) for _ in range(10)]\n"
               "mine += [os.open(sys.argv[1], os.O_RDWR | os.O_CREAT) for _ in range(10)]\n"
               "print('closed', flush=True)\ninput()\n"
               "for fd in mine:\n    os.close(fd)\nprint(os.stat(sys.argv[1]).st_size, flush=True)\n")
    with place.started("-c", program, place.runtime / "file") as process:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        assert next_line(process) == "closed"
        assert "does not offer itself" in place.command("ps", process.pid).err
        process.stdin.write("\n")
        assert ended(process) == (0, "0\n", "")  # its own descriptors were still open, and nothing was written to them
    assert os.listdir(place.directory) == []
