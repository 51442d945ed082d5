"""`compat.install(legacy=True)`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compat.installed import outcome

NAMES = ["async_", "async", "coroutine", "JoinableQueue"]


@pytest.mark.parametrize("name", NAMES)
def test_legacy_puts_back_what_is_gone(name: str) -> None:
    program = f"""
        print(hasattr(asyncio, {name!r}))
        compat.install()
        print(hasattr(asyncio, {name!r}))
        compat.install(legacy=True)
        print(getattr(asyncio, {name!r}) is getattr(compat, {name!r}))
        compat.uninstall()
        print(hasattr(asyncio, {name!r}))
        """
    assert outcome(program) == "False\nFalse\nTrue\nFalse\n"


@pytest.mark.parametrize(("module", "name"), [
    ("tasks", "ensure_future"), ("tasks", "gather"), ("tasks", "wait"), ("tasks", "wait_for"), ("tasks", "sleep"),
    ("tasks", "shield"), ("tasks", "as_completed"), ("tasks", "Task"), ("tasks", "run_coroutine_threadsafe"),
    ("coroutines", "iscoroutine"), ("locks", "Lock"), ("locks", "Condition"), ("locks", "Event"),
    ("locks", "Semaphore"), ("queues", "Queue"), ("streams", "open_connection"), ("streams", "start_server"),
    ("streams", "open_unix_connection"), ("subprocess", "create_subprocess_exec"),
    ("subprocess", "create_subprocess_shell"), ("events", "get_event_loop")])
def test_legacy_reaches_the_modules_of_asyncio(module: str, name: str) -> None:
    """Old code says `from asyncio.tasks import ensure_future`, too."""
    program = f"""
        import asyncio.{module}
        compat.install(legacy=True)
        print(asyncio.{module}.{name} is compat.{name})
        """
    assert outcome(program) == "True\n"


@pytest.mark.parametrize(("module", "name"), [("coroutines", "coroutine"), ("tasks", "coroutine"), ("tasks", "async"),
                                              ("queues", "JoinableQueue")])
def test_legacy_puts_names_back_into_the_modules_they_were_in(module: str, name: str) -> None:
    """`from asyncio.coroutines import coroutine` was as common as the other."""
    program = f"""
        import asyncio.{module}
        compat.install(legacy=True)
        print(getattr(asyncio.{module}, {name!r}, None) is getattr(compat, {name!r}))
        """
    assert outcome(program) == "True\n"


def test_an_old_program_runs() -> None:
    program = """
        compat.install(legacy=True)
        import asyncio
        from asyncio import coroutine, JoinableQueue, get_event_loop

        @coroutine
        def worker(queue, lock, got):
            while True:
                item = yield from queue.get()
                with (yield from lock):
                    got.append((yield from asyncio.sleep(0, item, loop=asyncio.get_event_loop())))
                queue.task_done()

        @asyncio.coroutine
        def serve(reader, writer):
            writer.write((yield from reader.readline()))
            yield from writer.drain()
            writer.close()

        @asyncio.coroutine
        def main(loop):
            queue, lock, got = JoinableQueue(loop=loop), asyncio.Lock(loop=loop), []
            task = getattr(asyncio, "async")(worker(queue, lock, got), loop=loop)
            for i in range(3):
                yield from queue.put(i)
            yield from queue.join()
            task.cancel()
            done, pending = yield from asyncio.wait([task, asyncio.sleep(0)], loop=loop)
            server = yield from asyncio.start_server(serve, "127.0.0.1", 0, loop=loop)
            reader, writer = yield from asyncio.open_connection(*server.sockets[0].getsockname(), loop=loop)
            writer.write(b"hello\\n")
            line = yield from asyncio.wait_for(reader.readline(), 10, loop=loop)
            writer.close()
            server.close()
            me = asyncio.Task.current_task(loop=loop)
            return got, len(done), len(pending), task.cancelled(), line, me in asyncio.Task.all_tasks(loop=loop)

        loop = get_event_loop()
        print(type(loop) is OURS, loop.run_until_complete(main(loop)))
        loop.close()
        """
    assert outcome(program) == "True ([0, 1, 2], 2, 0, True, b'hello\\n', True)\n"


def test_modern_code_runs_beside_it() -> None:
    program = """
        compat.install(legacy=True)
        async def child(n):
            async with asyncio.Lock():
                await asyncio.sleep(0)
            return n
        async def main():
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(child(n)) for n in range(3)]
            async with asyncio.timeout(10):
                more = await asyncio.gather(*map(child, range(3)))
            done, _ = await asyncio.wait([asyncio.ensure_future(child(7))])
            queue = asyncio.Queue()
            queue.put_nowait(1)
            process = await asyncio.create_subprocess_exec("echo", "hi", stdout=asyncio.subprocess.PIPE)
            out, _ = await process.communicate()
            return [task.result() for task in tasks], more, done.pop().result(), await queue.get(), out
        warnings.simplefilter("error", DeprecationWarning)
        print(asyncio.run(main()))
        """
    assert outcome(program) == "([0, 1, 2], [0, 1, 2], 7, 1, b'hi\\n')\n"


def test_legacy_modules_are_imported(tmp_path: Path) -> None:
    (tmp_path / "old_library.py").write_text("import asyncio\n\ndef start(coro):\n    return asyncio.async(coro)\n")
    program = f"""
        sys.path.insert(0, {str(tmp_path)!r})
        sys.dont_write_bytecode = True
        try:
            import old_library
        except SyntaxError:
            print("no")
        compat.install(legacy=True)
        import old_library
        async def main():
            return await old_library.start(kind()) is OURS
        print(asyncio.run(main()))
        """
    assert outcome(program) == "no\nTrue\n"


@pytest.mark.parametrize("expression", [
    "isinstance(task, asyncio.Task)", "isinstance(future, asyncio.Future)", "isinstance(future, future_class)",
    "isinstance(asyncio.Lock(), lock_class)", "asyncio.isfuture(task)",
    "isinstance(task, asyncio.Future)", "isinstance(task, task_class)"])
def test_instances_stay_what_they_were_for_isinstance(expression: str) -> None:
    program = f"""
        future_class, task_class, lock_class = asyncio.Future, asyncio.Task, asyncio.Lock
        compat.install(legacy=True)
        async def main():
            task = asyncio.current_task()
            future = asyncio.get_running_loop().create_future()
            return {expression}
        print(asyncio.run(main()))
        """
    assert outcome(program) == "True\n"
