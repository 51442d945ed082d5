"""What a simulated run cannot do is refused where the program does it."""

from __future__ import annotations

import _thread
import asyncio
import gc
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import resource_tracker
from typing import Any

import pytest

from kernel import Kernel, VirtualClock, open_process, simulate, sleep, spawn
from kernel.sim.refusals import Unsimulated, place
from kernel.sim.surroundings import Surroundings
from tests.support.descriptors import open_descriptors
from tests.support.interpreters import run_python

pytestmark = pytest.mark.usefixtures("no_warnings", "no_thread_is_left")


def around() -> Surroundings:
    return Surroundings(lambda: 0.0, lambda seconds: None, lambda: 1)


def use_a_pool() -> None:
    with ThreadPoolExecutor() as pool:
        pool.submit(print).result()


def use_processes() -> None:
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        pool.submit(print).result()


def thread() -> threading.Thread:
    return threading.Thread(target=print)


NO_NETWORK = ": it has a network of its own, for sockets that are made by socket.socket() in the run, or leave"
NO_PROCESSES = ": it has no other processes; give the program a stand-in for the call, or leave"
NO_ALARMS = ": it has no timers of the system's, which count real time; give the program a limit by timeout(), "
NO_THREADS = ": it has only simulated threads; call the function by run_in_thread(), asyncio.to_thread() or "

CALLS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "socket": (lambda: socket.socket(), "socket.socket()", NO_NETWORK),
    "socketpair": (lambda: socket.socketpair(), "socket.socketpair()", NO_NETWORK),
    "create_connection": (lambda: socket.create_connection(("localhost", 1)), "socket.getaddrinfo()", NO_NETWORK),
    "getaddrinfo": (lambda: socket.getaddrinfo("localhost", 1), "socket.getaddrinfo()", NO_NETWORK),
    "gethostbyname": (lambda: socket.gethostbyname("localhost"), "socket.gethostbyname()", NO_NETWORK),
    "run": (lambda: subprocess.run(["true"]), "subprocess.Popen()", NO_PROCESSES),
    "pipes": (lambda: subprocess.check_output(["true"]), "subprocess.Popen()", NO_PROCESSES),
    "system": (lambda: os.system("true"), "os.system()", NO_PROCESSES),
    "popen": (lambda: os.popen("true"), "subprocess.Popen()", NO_PROCESSES),
    "exec": (lambda: os.execv("/bin/true", ["true"]), "os.exec()", NO_PROCESSES),
    "pool": (use_a_pool, "threading.Thread.start()", NO_THREADS),
    "thread": (lambda: thread().start(), "threading.Thread.start()", NO_THREADS),
    "timer": (lambda: threading.Timer(1, print).start(), "threading.Thread.start()", NO_THREADS),
    "_thread": (lambda: _thread.start_new_thread(print, ()), "threading.Thread.start()", NO_THREADS),
}
if sys.platform != "win32":
    CALLS |= {"fork": (os.fork, "os.fork()", NO_PROCESSES),
              "alarm": (lambda: signal.alarm(60), "signal.alarm()", NO_ALARMS),
              "setitimer": (lambda: signal.setitimer(signal.ITIMER_REAL, 60), "signal.setitimer()", NO_ALARMS),
              "spawn": (lambda: os.posix_spawn("/bin/true", ["true"], {}), "os.posix_spawn()", NO_PROCESSES),
              "multiprocessing": (use_processes, "multiprocessing.Process.start()", NO_PROCESSES)}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_out_of_the_world_is_refused_with_its_line_and_what_to_do(name: str) -> None:
    function, call, remedy = CALLS[name]
    if name == "multiprocessing":  # else the tracker could not be started in the run, and a semaphore would be left
        resource_tracker.ensure_running()
    gc.collect()
    before = open_descriptors()
    with around() as run, pytest.raises(Unsimulated) as caught:
        function()
    error = caught.value
    assert str(error).startswith(f"a simulated run refuses {call} at {__file__}:") and remedy in str(error)
    assert error in run.refused
    del caught, error, run  # which hold, by a traceback, what the call has opened
    gc.collect()
    assert open_descriptors() == before


def test_the_error_names_the_call_of_the_program() -> None:
    def fetch() -> None:
        socket.create_connection(("localhost", 1))

    with around(), pytest.raises(Unsimulated) as caught:
        fetch()
    line = fetch.__code__.co_firstlineno + 1
    assert f"{__file__}:{line} in {fetch.__qualname__} through socket.create_connection()" in str(caught.value)
    assert isinstance(caught.value, RuntimeError) and not isinstance(caught.value, OSError)


def test_a_program_that_swallows_the_error_is_found_out() -> None:
    run = around()
    with run:
        for _ in range(2):
            try:
                socket.socket()
            except Exception:
                pass
    assert ["refuses socket.socket() at" in str(error) for error in run.refused] == [True, True]


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
def test_a_connection_of_a_loop_that_is_not_simulated_is_refused(address: str) -> None:
    loop = asyncio.new_event_loop()
    run = around()
    with run, pytest.raises(Unsimulated):
        loop.run_until_complete(asyncio.open_connection(address, 1))
    loop.close()
    assert run.refused


def test_a_sub_process_of_asyncio_is_refused() -> None:
    async def start() -> None:
        await asyncio.create_subprocess_exec("true", stdin=subprocess.PIPE)

    loop = asyncio.new_event_loop()
    with around() as run, pytest.raises(Unsimulated):
        loop.run_until_complete(start())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    assert "in test_a_sub_process_of_asyncio_is_refused.<locals>.start through" in str(run.refused[0])


def test_files_may_be_used(tmp_path: Any) -> None:
    with around() as run:
        (tmp_path / "a").write_text("b")
        assert (tmp_path / "a").read_text() == "b" and os.listdir(tmp_path) == ["a"]
    assert run.refused == []


def test_other_threads_may_do_what_they_like() -> None:
    begin, done = threading.Event(), list[str]()

    def work() -> None:
        begin.wait(30)
        socket.socket().close()
        other = threading.Thread(target=done.append, args=("thread",))
        other.start()
        other.join()

    worker = threading.Thread(target=work)
    worker.start()
    with around() as run:
        begin.set()
        worker.join()
    assert done == ["thread"] and run.refused == []


def test_all_is_allowed_again_after_a_run() -> None:
    with around():
        pass
    socket.socket().close()
    for end in socket.socketpair():
        end.close()
    worker = thread()
    worker.start()
    worker.join()
    assert run_python("-c", "").status == 0


def test_nothing_is_printed_by_an_interpreter_that_has_simulated() -> None:
    program = """if True:
        import socket
        from kernel.sim.surroundings import Surroundings

        class Late:
            def __del__(self, socket=socket.socket):
                socket().close()

        with Surroundings(lambda: 0.0, print, int):
            try:
                socket.socketpair()
            except RuntimeError:
                pass
        late = Late()
        late.me = late
    """
    assert run_python("-X", "dev", "-W", "error", "-c", program) == (0, "", "")


@pytest.mark.usefixtures("nothing_in_the_log")
def test_the_kernel_may_watch_its_own_shutdown() -> None:
    async def wait() -> None:
        await sleep(3600)

    async def main() -> None:
        await spawn(wait())
        await sleep(1)

    clock = VirtualClock()
    with Surroundings(clock.now, lambda seconds: None, lambda: 1) as run:
        with Kernel(clock=clock) as kernel:
            kernel.run(main())
    assert run.refused == []


def test_a_request_is_refused_at_the_line_that_makes_it() -> None:
    async def main() -> None:
        await open_process("true")

    with pytest.raises(Unsimulated) as caught:
        simulate(main)
    name = main.__qualname__
    place = f"{__file__}:{main.__code__.co_firstlineno + 1} in {name} (task 1 {name!r})"
    assert f"refuses subprocess.Popen() at {place}: " in str(caught.value)


def test_place_is_the_innermost_line_of_the_program() -> None:
    places = list[str]()
    list(map(lambda item: places.append(place()), [1]))
    places.append(place())
    line = test_place_is_the_innermost_line_of_the_program.__code__.co_firstlineno
    function = "test_place_is_the_innermost_line_of_the_program"
    assert places == [f"{__file__}:{line + 2} in {function}.<locals>.<lambda>", f"{__file__}:{line + 3} in {function}"]
