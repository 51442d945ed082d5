"""What `import compat` loads besides asyncio, and what a loop opens before it needs it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

import compat
from tests.support.descriptors import no_descriptors_left, open_descriptors
from tests.support.interpreters import run_python


def test_importing_compat_imports_nothing_slow_besides_asyncio() -> None:
    program = ("import asyncio, sys, typing\nbefore = set(sys.modules)\nimport compat\n"
               "print(*sorted(name for name in set(sys.modules) - before if name.partition('.')[0] not in "
               "('compat', 'kernel')))\n"
               "for other in ('kernel.net', 'kernel.host', 'kernel.workers', 'kernel.sync', 'compat.after_import',\n"
               "              'compat.installing', 'compat.legacy', 'compat.gathering', 'compat.tls', 'compat.pipes',\n"
               "              'compat.datagrams', 'compat.children', 'compat.guest_devices'):\n"
               "    assert other not in sys.modules, other\n")
    status, out, err = run_python("-S", "-c", program)
    assert (status, err) == (0, "")
    assert set(out.split()) <= {"__future__"}


SERVER = """
import asyncio, encodings.idna, sys  # a client of TLS needs that encoding
import compat
from tests.support.tls import client_context, server_context

async def answer(reader, writer):
    writer.write(await reader.readline())
    writer.close()

async def ask(port, tls):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context() if tls else None)
    writer.write(b"hello\\n")
    said = await reader.read()
    writer.close()
    return said

async def main(tls):
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_context() if tls else None)
    sys.meta_path.clear()
    port = server.sockets[0].getsockname()[1]
    connection = asyncio.create_task(ask(port, tls))
    print(await asyncio.wait_for(connection, 20))

compat.run(main({tls}))
"""


@pytest.mark.parametrize("tls", [False, True])
def test_a_server_that_can_import_nothing_any_more_serves_its_first_connection(tls: bool) -> None:
    """A server may give up its file system once it listens."""
    status, out, err = run_python("-c", SERVER.format(tls=tls))
    assert (status, out, err) == (0, "b'hello\\n'\n", "")


def test_compat_knows_the_names_that_it_loads_late() -> None:
    assert {*compat._LEGACY, "Task"} == set(compat.legacy.__all__)


def test_a_module_whose_names_are_all_loaded_has_no_getattr() -> None:
    """CPython would look up each name of `compat` more slowly."""
    program = """
import compat
assert compat.install is compat.installing.install and "legacy" not in vars(compat)
assert hasattr(compat, "__getattr__")
assert compat.sleep is compat.legacy.sleep and not hasattr(compat, "__getattr__")
assert getattr(compat, "async") is compat.async_
"""
    assert run_python("-c", program) == (0, "", "")


def test_a_loop_opens_three_descriptors_and_two_more_for_signals() -> None:
    before = open_descriptors()
    loop = compat.new_event_loop()
    assert open_descriptors() == before + 3
    for number in signal.SIGUSR1, signal.SIGUSR2:
        loop.add_signal_handler(number, print)
        assert open_descriptors() == before + 5
    loop.close()
    assert open_descriptors() == before and signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_a_handler_that_is_added_while_the_loop_runs_is_called_each_time() -> None:
    async def main() -> list[str]:
        loop, got = asyncio.get_running_loop(), list[str]()
        for name in "first", "second":
            came = asyncio.Event()
            loop.add_signal_handler(signal.SIGUSR1, came.set)
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            await asyncio.wait_for(came.wait(), 20)  # nothing else wakes the loop
            got.append(name)
            assert loop.remove_signal_handler(signal.SIGUSR1)
        return got

    assert compat.run(main()) == ["first", "second"]


def test_a_handler_that_cannot_be_added_leaves_the_loop_as_it_was() -> None:
    with asyncio.Runner(loop_factory=compat.new_event_loop) as runner:
        loop = runner.get_loop()
        with no_descriptors_left(), pytest.raises(OSError):
            loop.add_signal_handler(signal.SIGUSR1, print)
        assert runner.run(asyncio.sleep(0, "works")) == "works"
        loop.add_signal_handler(signal.SIGUSR1, print)
        assert loop.remove_signal_handler(signal.SIGUSR1)
    with pytest.raises(RuntimeError, match="closed"):
        loop.add_signal_handler(signal.SIGUSR1, print)


def test_a_handler_in_another_thread_is_refused_as_by_asyncio() -> None:
    def refused() -> str:
        loop = compat.new_event_loop()
        try:
            with pytest.raises(RuntimeError, match="main thread") as caught:
                loop.add_signal_handler(signal.SIGUSR1, print)
            return str(caught.value)
        finally:
            loop.close()

    assert compat.run(asyncio.to_thread(refused))


def test_debug_mode_has_signals_as_well() -> None:
    async def main() -> None:
        came = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, came.set)
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.wait_for(came.wait(), 20)

    compat.run(main(), debug=True)
