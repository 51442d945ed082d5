"""Nobody looks into the process of another user, but root."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from tests.support.interpreters import Outcome, Process, run_python
from tests.support.offered import Place

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")

OTHER, ANOTHER = 12345, 23456

# What is imported late is imported before: the other user may not be able to read where it is.
AS_OTHER = f"""\
import getopt, json, os, sys
from kernel.shell.command import main
os.setgroups([])
os.setgid({OTHER})
os.setuid({OTHER})
sys.exit(main())
"""

CONNECTING = """\
import os, socket, sys
os.setgroups([])
os.setuid(int(sys.argv[2]))
with socket.socket(socket.AF_UNIX) as tool:
    try:
        tool.connect(sys.argv[1])
        tool.sendall(b'{"ask": "hello"}\\n')
        print(tool.recv(1000)[:5])
    except OSError as error:
        print(type(error).__name__)
"""

PROGRAM = """\
import os, sys
from kernel import run, run_in_thread
import kernel.serving.answers, kernel.snapshots.snapshots
from kernel.insight import offer

async def main():
    print("ready", flush=True)
    await run_in_thread(sys.stdin.readline)

if len(sys.argv) > 1:
    os.setgroups([])
    os.setuid(int(sys.argv[1]))
offer()
run(main())
"""


@pytest.fixture
def others(place: Place) -> Place:
    """The place of the other user."""
    os.chown(place.runtime, OTHER, -1)
    for directory in place.runtime.parents:
        if directory.stat().st_uid == 0 and directory.stat().st_mode & 0o077 == 0:
            directory.chmod(0o711)  # made by pytest for root alone
    return place


def as_other(place: Place, *arguments: object, environment: Mapping[str, str] = {}) -> Outcome:
    return run_python("-c", AS_OTHER, *map(str, arguments), environment={**place.environment, **environment})


def asked_by(place: Place, process: Process, user: int) -> str:
    return run_python("-c", CONNECTING, place.socket_of(process.pid), str(user)).out.strip()


def test_another_user_cannot_look_into_root_s_process(place: Place) -> None:
    with place.started("-c", PROGRAM) as process:
        said = f"process {process.pid} belongs to the user 'root': only that user and root can look into it\n"
        for command in "ps", "tree", "stack", "locks", "dump", "strace":
            assert as_other(place, command, process.pid) == (2, "", f"trampoline {command}: {said}")
        assert as_other(place, "ps") == (0, "no process of yours can be looked into\n", "")
        assert place.command("ps", process.pid)[0] == 0


def test_another_user_cannot_connect(place: Place) -> None:
    with place.started("-c", PROGRAM) as process:
        assert asked_by(place, process, OTHER) == "PermissionError"  # the directory lets nobody in
        assert asked_by(place, process, 0) == "b'{\"pid'"


def test_another_user_who_gets_in_is_not_answered(place: Place, others: Place) -> None:
    """The directory has been opened after the process had looked at it."""
    with place.started("-c", PROGRAM, OTHER) as process:
        place.runtime.chmod(0o711)
        place.directory.chmod(0o777)
        place.socket_of(process.pid).chmod(0o777)
        assert asked_by(place, process, ANOTHER) in ("b''", "ConnectionResetError", "BrokenPipeError")
        assert asked_by(place, process, OTHER) == asked_by(place, process, 0) == "b'{\"pid'"


def test_root_and_the_user_can_look_into_the_user_s_process(others: Place) -> None:
    with others.started("-c", PROGRAM, OTHER) as process:
        assert others.directory.stat().st_uid == OTHER
        elsewhere = {"XDG_RUNTIME_DIR": ""}
        assert as_other(others, "ps", process.pid)[::2] == (0, "")
        # Root has another directory, and would find that of the user in the usual places.
        status, _, err = others.command("ps", process.pid, environment=elsewhere)
        assert status == 2 and "does not offer itself" in err
        os.chown(others.runtime, 0, -1)


def test_root_finds_the_user_s_process_in_the_usual_place(place: Place) -> None:
    with place.started("-c", PROGRAM, OTHER, environment={"XDG_RUNTIME_DIR": ""}) as process:
        assert place.command("ps", process.pid)[::2] == (0, "")
        assert str(process.pid) in place.command("ps").out


def test_a_process_that_has_given_up_its_rights(place: Place) -> None:
    """It offered itself as root, and root can look into it; its new user cannot: that would be a way into root's."""
    program = PROGRAM.replace("offer()\nrun", "run").replace("if len", "offer()\nif len")
    with place.started("-c", program, OTHER) as process:
        assert place.command("ps", process.pid)[::2] == (0, "")
        assert as_other(place, "ps", process.pid)[0] == 2
    assert not place.socket_of(process.pid).exists() or place.command("ps").err == ""


def test_a_socket_made_by_somebody_else(place: Place, others: Place) -> None:
    """In the user's own directory: the number is that of another process, which does not offer itself."""
    with place.started("-c", PROGRAM, OTHER) as process:
        with place.started("-c", "print('ready', flush=True); input()") as victim:
            place.socket_of(process.pid).rename(place.directory / f"{victim.pid}.sock")
            os.chown(place.runtime, 0, -1)
            os.chown(place.directory, 0, -1)
            status, out, err = place.command("ps", victim.pid)
            assert (status, out) == (2, "")
            assert f"was made by another process, not by process {victim.pid}; remove it" in err
