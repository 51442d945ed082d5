"""Threads, processes, signals, files."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, suppress
from multiprocessing import get_context
from subprocess import DEVNULL, PIPE

from kernel import (Path, VirtualClock, call_in_kernel, catch_signals, limit_threads, now, open_file, open_process, run,
                    run_in_process, run_in_thread, run_process, sleep, spawn)

from .programs import HOUR, cancel_in, cancel_task_in, make, raise_error, until_done
from .rows import native

SOME = 500
FEW = 50  # starting a process takes milliseconds
TRUE, FALSE, CAT = ["/bin/true"], ["/bin/false"], ["/bin/cat"]


def give_one() -> int:
    return 1


@native("run_in_thread", SOME)
async def in_thread() -> None:
    await run_in_thread(give_one)


@in_thread.asyncio()
async def _() -> None:
    await asyncio.to_thread(give_one)


@native("run_in_thread fails", SOME)
async def failing_in_thread() -> None:
    with suppress(ValueError):
        await run_in_thread(raise_error)


@failing_in_thread.asyncio()
async def _() -> None:
    with suppress(ValueError):
        await asyncio.to_thread(raise_error)


@native("run_in_thread cancelled", SOME)
async def thread_cancelled() -> None:
    go_on = threading.Event()
    await cancel_in(lambda: run_in_thread(go_on.wait))
    go_on.set()


@thread_cancelled.asyncio()
async def _() -> None:
    go_on = threading.Event()
    await cancel_task_in(lambda: asyncio.to_thread(go_on.wait))
    go_on.set()


@native("run_in_thread cancelled, then fails", SOME)
async def thread_cancelled_that_fails() -> None:
    go_on = threading.Event()

    def fail_late() -> None:
        go_on.wait()
        raise ValueError("on purpose")

    await cancel_in(lambda: run_in_thread(fail_late))
    go_on.set()


@native("run_in_thread cancelled, not abandoned", SOME)
async def thread_not_abandoned() -> None:
    go_on = threading.Event()
    task = await spawn(make(lambda: run_in_thread(go_on.wait, abandon=False)))
    await sleep(0)
    task.cancel()
    go_on.set()
    while not task.done():
        await sleep(1e-6)


@native("run_in_thread cancelled in the line", SOME)
async def thread_cancelled_early() -> None:
    go_on = threading.Event()
    before = await limit_threads(1)
    task = await spawn(make(lambda: run_in_thread(go_on.wait)))
    await sleep(0)
    await cancel_in(lambda: run_in_thread(give_one))
    go_on.set()
    await task
    await limit_threads(before)


async def answer() -> int:
    await sleep(0)
    return 1


async def answer_in_asyncio() -> int:
    await asyncio.sleep(0)
    return 1


@native("call_in_kernel", SOME)
async def calling_in_kernel() -> None:
    await run_in_thread(call_in_kernel, now)
    await run_in_thread(call_in_kernel, answer)
    await run_in_thread(call_in_kernel, give_one)


@calling_in_kernel.asyncio()
async def _() -> None:
    loop = asyncio.get_running_loop()

    def ask() -> int:
        return asyncio.run_coroutine_threadsafe(answer_in_asyncio(), loop).result()

    await asyncio.to_thread(ask)


async def fail_answering() -> int:
    await sleep(0)
    raise ValueError("on purpose")


async def fail_answering_in_asyncio() -> int:
    await asyncio.sleep(0)
    raise ValueError("on purpose")


@native("call_in_kernel fails", SOME)
async def failing_in_kernel() -> None:
    for function in raise_error, fail_answering:
        with suppress(ValueError):
            await run_in_thread(call_in_kernel, function)


@failing_in_kernel.asyncio()
async def _() -> None:
    loop = asyncio.get_running_loop()

    def ask() -> int:
        return asyncio.run_coroutine_threadsafe(fail_answering_in_asyncio(), loop).result()

    with suppress(ValueError):
        await asyncio.to_thread(ask)


@asynccontextmanager
async def process_pool() -> AsyncIterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        yield pool


@native("run_in_process", SOME)
async def in_process() -> None:
    await run_in_process(os.getpid)


@in_process.asyncio(within=process_pool)
async def _(pool: ProcessPoolExecutor) -> None:
    await asyncio.get_running_loop().run_in_executor(pool, os.getpid)


@native("run_in_process fails", SOME)
async def failing_in_process() -> None:
    with suppress(FileNotFoundError):
        await run_in_process(os.stat, "/nowhere")


@failing_in_process.asyncio(within=process_pool)
async def _(pool: ProcessPoolExecutor) -> None:
    with suppress(FileNotFoundError):
        await asyncio.get_running_loop().run_in_executor(pool, os.stat, "/nowhere")


@native("run_process", FEW)
async def running_process() -> None:
    assert (await run_process(CAT, input=b"x")).stdout == b"x"


@running_process.asyncio()
async def _() -> None:
    process = await asyncio.create_subprocess_exec(*CAT, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    assert (await process.communicate(b"x"))[0] == b"x"


@native("run_process fails, check", FEW)
async def failing_process() -> None:
    with suppress(subprocess.CalledProcessError):
        await run_process(FALSE, check=True)


@native("run_process of no program", FEW)
async def missing_process() -> None:
    with suppress(FileNotFoundError):
        await run_process(["/nowhere"])


@missing_process.asyncio()
async def _() -> None:
    with suppress(FileNotFoundError):
        await asyncio.create_subprocess_exec("/nowhere", stdin=PIPE, stdout=PIPE, stderr=PIPE)


@native("run_process cancelled", FEW)
async def process_cancelled() -> None:
    task = await spawn(make(lambda: run_process(["/bin/sleep", "60"])))
    await sleep(0)
    task.cancel()
    while not task.done():
        await sleep(1e-6)


@process_cancelled.asyncio()
async def _() -> None:
    process = await asyncio.create_subprocess_exec("/bin/sleep", "60", stdout=PIPE, stderr=PIPE)
    await cancel_task_in(process.communicate)
    process.kill()
    await process.wait()


@native("run_process runs out of time", FEW)
async def process_timeout() -> None:
    with suppress(subprocess.TimeoutExpired):
        await run_process(["/bin/sleep", "60"], timeout=1e-6)


@native("open_process, wait", FEW)
async def opening_process() -> None:
    async with await open_process(CAT) as process:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@opening_process.asyncio()
async def _() -> None:
    process = await asyncio.create_subprocess_exec(*CAT, stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None
    process.stdin.close()
    await process.wait()


@native("open_process, left while it runs", FEW)
async def killing_process() -> None:
    async with await open_process(CAT):
        pass


@native("open_process, forgotten", FEW)
async def forgetting_process() -> None:
    await open_process(TRUE, stdin=DEVNULL, stdout=DEVNULL)
    await sleep(0.005)


@native("Process.wait cancelled", FEW)
async def process_wait_cancelled() -> None:
    async with await open_process(CAT) as process:
        await cancel_in(process.wait)


@native("catch_signals")
async def signals() -> None:
    async with catch_signals(signal.SIGUSR1) as caught:
        os.kill(os.getpid(), signal.SIGUSR1)
        await caught.get()


@signals.asyncio(on_compat="add_signal_handler")
async def _() -> None:
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.add_signal_handler(signal.SIGUSR1, future.set_result, None)
    os.kill(os.getpid(), signal.SIGUSR1)
    await future
    loop.remove_signal_handler(signal.SIGUSR1)


@native("catch_signals, wait cancelled")
async def signals_cancelled() -> None:
    async with catch_signals(signal.SIGUSR1) as caught:
        await cancel_in(caught.get)


@native("catch_signals, left while a task waits")
async def signals_left() -> None:
    async with catch_signals(signal.SIGUSR1) as caught:
        task = await spawn(make(caught.get))
        await sleep(0)
    await until_done(task)
    task.exception()


@native("catch_signals of what cannot be caught")
async def signals_refused() -> None:
    with suppress(OSError):
        async with catch_signals(signal.SIGKILL):
            pass


@asynccontextmanager
async def directory() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory() as path:
        yield path


@native("open_file, write, read", SOME, within=directory)
async def files(path: str) -> None:
    async with await open_file(f"{path}/file", "w+") as file:
        await file.write("a\nb\n")
        await file.seek(0)
        async for _ in file:
            pass


@native("open_file fails", SOME)
async def file_missing() -> None:
    with suppress(FileNotFoundError):
        await open_file("/nowhere")


@native("open_file cancelled", SOME)
async def file_cancelled() -> None:
    task = await spawn(make(lambda: open_file("/dev/null")))
    await sleep(0)
    task.cancel()
    while not task.done():
        await sleep(1e-6)


@native("Path", SOME, within=directory)
async def paths(directory: str) -> None:
    path = Path(directory) / "file"
    await path.write_bytes(b"x")
    await path.read_text()
    await path.stat()
    async for _ in Path(directory).iterdir():
        pass
    async for _ in Path(directory).glob("*"):
        break
    await path.unlink()


@native("Path fails", SOME)
async def path_missing() -> None:
    with suppress(FileNotFoundError):
        await Path("/nowhere").stat()
    with suppress(FileNotFoundError):
        await Path("/nowhere").read_bytes()


async def rest() -> None:
    await sleep(HOUR)


@native("a kernel in a thread", 100)
async def kernel_in_thread() -> None:
    await run_in_thread(lambda: run(rest(), clock=VirtualClock()))
