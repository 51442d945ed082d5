"""What a program loads and starts before it needs it: as little as possible, and late imports fail at no bad moment."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

import kernel
from tests.support.interpreters import run_python
from tests.support.paths import ROOT

# Modules that a program of tasks does not use. Some, `socket` for example, take as long as a third of the kernel.
LATE = ["_ssl", "ast", "asyncio", "concurrent.futures", "contextlib", "enum", "importlib.util", "inspect", "ipaddress",
        "logging", "multiprocessing", "pathlib", "queue", "re", "signal", "socket", "ssl", "subprocess", "tokenize",
        "traceback"]
TASKS = """
import kernel

async def work(queue):
    async with kernel.timeout(10):
        await kernel.sleep(0.001)
    await queue.put(1)

async def sleeper():
    await kernel.sleep(1000)

async def main():
    queue, event, lock = kernel.Queue(), kernel.Event(), kernel.Lock()
    async with kernel.TaskGroup() as group:
        await group.spawn(work(queue))
        await queue.get()
        async with lock:
            event.set()
    await kernel.spawn(sleeper())
    await kernel.checkpoint()

"""


def python(program: str) -> str:
    """What `program` prints, in an interpreter whose own start-up has imported next to nothing."""
    status, out, err = run_python("-S", "-c", program)
    assert (status, err) == (0, "")
    return out


def loaded_late(program: str) -> set[str]:
    """Which of the modules in LATE `program` has loaded, besides those that `typing` and `threading` need."""
    return set(python(f"import sys, threading, typing\nbefore = set(sys.modules)\n{program}\n"
                      f"print(*[name for name in {LATE} if name in sys.modules and name not in before])").split())


def test_importing_the_kernel_imports_none_of_the_slow_modules() -> None:
    assert loaded_late("import kernel") == set()
    assert loaded_late("import ssl, logging, inspect") >= {"ssl", "logging", "inspect"}  # the test would notice


def test_nor_do_tasks_queues_timeouts_and_a_shutdown() -> None:
    # Ctrl-C is handled by `signal`, and `enum` comes with it.
    assert loaded_late(TASKS + "kernel.run(main())") <= {"enum", "signal"}
    assert loaded_late(TASKS + "import threading\nthread = threading.Thread(target=lambda: kernel.run(main()))\n"
                       "thread.start()\nthread.join()") == set()


def test_a_connection_needs_neither_ssl_nor_logging() -> None:
    program = """
import kernel

async def greet(stream):
    await stream.write_all(b"hello")

async def main():
    async with await kernel.serve(greet, "127.0.0.1", 0) as server:
        async with await kernel.open_connection("127.0.0.1", server.port) as stream:
            assert await stream.read_all() == b"hello"

kernel.run(main())
"""
    loaded = loaded_late(program)
    assert "socket" in loaded and not loaded & {"ssl", "logging", "concurrent.futures", "inspect", "ipaddress"}


def test_a_run_of_nothing_starts_no_thread_and_opens_three_descriptors() -> None:
    program = """
import os, threading
import kernel

async def main():
    return len(os.listdir("/dev/fd")), threading.active_count()

started = []
threading.Thread.start = started.append
before = len(os.listdir("/dev/fd"))
opened, threads = kernel.run(main())
print(opened - before, threads, len(started), len(os.listdir("/dev/fd")) - before)
"""
    assert python(program) == "3 1 0 0\n"


def test_every_public_name_can_be_had_in_every_way() -> None:
    for name in kernel.__all__:
        assert python(f"import kernel; print(kernel.{name}.__name__)") == f"{name}\n" or name == "Path"
    program = ("import kernel\nassert set(kernel.__all__) <= set(dir(kernel))\nfrom kernel import *\n"
               "print(all(globals()[name] is getattr(kernel, name) is vars(kernel)[name] for name in kernel.__all__))")
    assert python(program) == "True\n"
    assert pickle.loads(pickle.dumps(kernel.IncompleteRead)) is kernel.IncompleteRead


def test_a_name_that_does_not_exist_is_refused_as_by_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'kernel' has no attribute 'Strea'"):
        getattr(kernel, "Strea")
    assert not hasattr(kernel, "__wrapped__")
    status, _, err = run_python("-c", "from kernel import Strea")
    assert status == 1 and "ImportError: cannot import name 'Strea' from 'kernel'" in err


def test_a_substitute_for_a_name_that_was_not_used_yet_sticks() -> None:
    program = """
from unittest.mock import patch
import kernel
with patch("kernel.open_file", 1):
    import kernel.host.files
    print(kernel.open_file)
print(kernel.open_file is kernel.host.files.open_file)
kernel.serve = 2
import kernel.net.serving
print(kernel.serve)
"""
    assert python(program) == "1\nTrue\n2\n"


def test_threads_may_use_the_names_for_the_first_time_together() -> None:
    program = """
import sys, threading
sys.setswitchinterval(1e-6)
names = sys.argv[1:]
barrier = threading.Barrier(len(names))
failures = []

def use(name):
    barrier.wait()
    try:
        import kernel
        value = getattr(kernel, name)
        assert value is getattr(kernel, name)
    except BaseException as error:
        failures.append((name, error))

threads = [threading.Thread(target=use, args=(name,)) for name in names]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(failures)
"""
    for turn in range(5):
        names = kernel.__all__[turn::5] + kernel.__all__
        assert run_python("-c", program, *names) == (0, "[]\n", "")


FAILING = """
import os, resource, sys
import kernel

async def failing():
    raise LookupError("what went wrong")

async def main():
    plugs = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    try:
        while True:
            plugs.append(os.dup(0))
    except OSError:
        pass
    await kernel.spawn(failing(), name="the failing one")
    await kernel.checkpoint()
    await kernel.checkpoint()
    {then}

kernel.run(main())
"""


def test_a_failure_is_told_when_no_descriptor_is_free_to_import_logging_with() -> None:
    program = FAILING.format(then="print('logging' in sys.modules)")
    status, out, err = run_python("-S", "-c", program)
    assert (status, out) == (0, "False\n")
    assert "'the failing one' failed, and nobody waited for it" in err and "LookupError: what went wrong" in err
    assert 'in failing' in err


def test_a_later_failure_is_logged_when_descriptors_are_free_again() -> None:
    program = FAILING.format(then="""
    for plug in plugs:
        os.close(plug)
    await kernel.spawn(failing(), name="the later one")
    await kernel.checkpoint()
    await kernel.checkpoint()
    print('logging' in sys.modules)""")
    status, out, err = run_python("-S", "-c", program)
    assert (status, out) == (0, "True\n") and "'the later one' failed" in err and err.count("LookupError") >= 2


@pytest.mark.parametrize("without", ["sys.stderr.close()", "sys.stderr = None"])
def test_a_failure_does_no_harm_where_nobody_can_be_told(without: str) -> None:
    program = FAILING.format(then="").replace("    plugs = []", f"    plugs = []\n    {without}")
    assert run_python("-S", "-c", program) == (0, "", "")


def test_the_watchdog_names_the_task_when_no_descriptor_is_free() -> None:
    program = """
import os, resource, sys
import kernel

async def spinner():
    try:
        await kernel.sleep(1000)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        try:
            while True:
                os.dup(0)
        except OSError:
            pass
        while True:
            pass

async def main():
    await kernel.spawn(spinner(), name="the endless one")
    await kernel.checkpoint()

write, text = sys.stderr.write, []

def ended(part):
    text.append(part)
    if "in spinner" in part:
        print("".join(text), flush=True)
        os._exit(0)

sys.stderr.write = ended
kernel.run(main(), grace=0.01)
"""
    status, out, err = run_python("-S", "-c", program)
    assert status == 0 and "'the endless one' has been running for over 0.01 s without yielding" in out, err
    assert 'File "<string>", line' in out and "in spinner" in out


def test_a_failure_in_a_task_is_told_while_its_thread_imports_logging(tmp_path: Path) -> None:
    # The import runs code, in which Python may free a failed task, as its garbage collector does.
    (tmp_path / "logging.py").write_text("import told\ntold.now()\nraise ImportError('interrupted')\n")
    (tmp_path / "told.py").write_text("def now():\n    hook('in the middle', LookupError('what went wrong'))\n")
    program = """
import kernel, told
with kernel.Kernel() as made:
    told.hook = made.report
    import logging
"""
    status, _, err = run_python("-S", "-c", program, cwd=tmp_path)
    assert status == 1 and "in the middle" in err and "LookupError: what went wrong" in err


def test_a_failure_is_told_at_the_end_of_the_interpreter() -> None:
    program = """
import kernel

async def failing():
    raise LookupError("what went wrong")

made = kernel.Kernel()

async def main():
    global task
    task = await kernel.spawn(failing())
    await kernel.checkpoint()
    await kernel.checkpoint()

made.run(main())
# The interpreter frees the task when it takes this module apart.
"""
    status, _, err = run_python("-S", "-c", program)
    assert status == 0 and "failed, and nobody waited for it" in err and "LookupError: what went wrong" in err


@pytest.mark.parametrize("module", ["logging", "signal", "ssl", "queue", "socket", "pathlib", "traceback"])
def test_python_m_kernel_takes_no_file_of_the_program_for_the_librarys(module: str,
                                                                               tmp_path: Path) -> None:
    (tmp_path / f"{module}.py").write_text("raise SystemExit('the wrong module')\n")
    (tmp_path / "program.py").write_text("""
import kernel

async def failing():
    raise LookupError("what went wrong")

async def main():
    await kernel.spawn(failing())
    print(await kernel.run_in_thread(str, 1), (await kernel.run_process(["echo", "2"])).stdout)
""")
    status, out, err = run_python("-m", "kernel", str(tmp_path / "program.py"), environment={"PYTHONPATH": str(ROOT)})
    assert (status, out) == (0, "1 b'2\\n'\n") and "LookupError: what went wrong" in err


def test_info_is_dropped_where_nobody_can_have_asked_for_it() -> None:
    assert "logging" in sys.modules  # here, so a TLS handshake that fails is logged: tests/kernel/net/test_tls.py
    program = """
import ssl, sys
import kernel
from tests.support.tls import server_context

async def greet(stream):
    pass

async def main():
    async with await kernel.serve(greet, "127.0.0.1", 0, ssl=server_context()) as server:
        async with await kernel.open_connection("127.0.0.1", server.port) as stream:
            await stream.write_all(b"no handshake at all")
            await stream.read_all()
    print("logging" in sys.modules)

kernel.run(main())
"""
    assert python(program) == "False\n"
