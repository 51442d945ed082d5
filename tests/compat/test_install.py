"""`compat.install()` and `compat.uninstall()`, each test in a process of its own, since they change the whole process."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PRELUDE = """
import asyncio, compat, sys, warnings
warnings.simplefilter("ignore")
OURS = compat.EventLoop

async def kind():
    return type(asyncio.get_running_loop())
"""
# What `install` may change: every attribute of asyncio, its modules, its policy's classes, and how modules are imported.
SNAPSHOT = """
def snapshot():
    owners = [module for name, module in sorted(sys.modules.items()) if name.partition(".")[0] == "asyncio"]
    name = "BaseDefaultEventLoopPolicy" if sys.version_info < (3, 14) else "_BaseDefaultEventLoopPolicy"
    owners += [asyncio.unix_events._UnixDefaultEventLoopPolicy, getattr(asyncio.events, name)]
    attributes = {(repr(owner), name): id(value) for owner in owners for name, value in vars(owner).items()}
    return attributes, list(sys.path_hooks)
"""


def outcome(program: str, *options: str) -> str:
    """What a program prints that ends well and has nothing to complain of."""
    done = subprocess.run([sys.executable, *options, "-c", PRELUDE + textwrap.dedent(program)], cwd=ROOT,
                          capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("expression", [
    "asyncio.run(kind())",
    "asyncio.Runner().run(kind())",
    "asyncio.Runner(loop_factory=None).run(kind())",
    "asyncio.new_event_loop().run_until_complete(kind())",
    "asyncio.events.new_event_loop().run_until_complete(kind())",
    "asyncio.SelectorEventLoop().run_until_complete(kind())",
    "asyncio.unix_events.SelectorEventLoop().run_until_complete(kind())",
    "asyncio.get_event_loop_policy().new_event_loop().run_until_complete(kind())",
    "asyncio.DefaultEventLoopPolicy().new_event_loop().run_until_complete(kind())",
    "compat.run(kind())",
])
def test_every_way_gives_our_loop(expression: str) -> None:
    before = f"print({expression} is OURS)" if "compat" not in expression else "print(False)"
    program = f"{before}\ncompat.install()\nprint({expression} is OURS)\ncompat.uninstall()\n{before}\n"
    assert outcome(program) == "False\nTrue\nFalse\n"


@pytest.mark.skipif(sys.version_info < (3, 13), reason="asyncio.EventLoop has come with Python 3.13")
def test_the_class_event_loop_is_ours() -> None:
    assert outcome("compat.install(); print(asyncio.EventLoop is OURS)\n"
                   "compat.uninstall(); print(asyncio.EventLoop is OURS)") == "True\nFalse\n"


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="get_event_loop() makes none any more")
def test_get_event_loop_makes_our_loop() -> None:
    assert outcome("compat.install(); print(type(asyncio.get_event_loop()) is OURS)") == "True\n"


def test_a_thread_gets_our_loop() -> None:
    program = """
        import threading
        compat.install()
        thread = threading.Thread(target=lambda: print(asyncio.run(kind()) is OURS))
        thread.start()
        thread.join()
        """
    assert outcome(program) == "True\n"


def test_a_class_that_tests_with_asyncio_gets_our_loop() -> None:
    program = """
        import unittest
        compat.install()
        class Case(unittest.IsolatedAsyncioTestCase):
            async def test(self):
                self.assertIs(await kind(), OURS)
        result = unittest.TestResult()
        Case("test").run(result)
        print(result.testsRun, result.errors, result.failures)
        """
    assert outcome(program) == "1 [] []\n"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks have come with Python 3.12")
def test_the_eager_task_factory_makes_our_tasks() -> None:
    program = """
        async def main():
            asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
            seen = []
            async def child():
                seen.append("ran")
                return asyncio.current_task()
            task = asyncio.create_task(child())
            return seen == ["ran"], type(task) is compat.Task, await task is task
        stock = asyncio.eager_task_factory
        compat.install()
        print(asyncio.run(main()))
        compat.uninstall()
        print(asyncio.eager_task_factory is stock, asyncio.tasks.eager_task_factory is stock)
        """
    assert outcome(program) == "(True, True, True)\nTrue True\n"


@pytest.mark.parametrize("calls", [["install()"], ["install(legacy=True)"], ["install()", "install(legacy=True)"],
                                   ["install(legacy=True)", "install()"], ["install()"] * 2,
                                   ["install(legacy=True)"] * 2], ids=" ".join)
def test_uninstall_restores_everything(calls: list[str]) -> None:
    lines = "\n".join(f"compat.{call}" for call in calls)
    program = f"""
asyncio.get_event_loop_policy()
before = snapshot()
{lines}
print(snapshot() != before)
compat.uninstall()
print(snapshot() == before)
compat.uninstall()
print(snapshot() == before)
"""
    assert outcome(SNAPSHOT + program) == "True\nTrue\nTrue\n"


def test_uninstall_without_install_does_nothing() -> None:
    program = "before = snapshot()\ncompat.uninstall()\nprint(snapshot() == before)\n"
    assert outcome(SNAPSHOT + program) == "True\n"


def test_it_can_be_installed_again() -> None:
    program = """
        for _ in range(2):
            compat.install()
            print(asyncio.run(kind()) is OURS)
            compat.uninstall()
            print(asyncio.run(kind()) is OURS)
        """
    assert outcome(program) == "True\nFalse\n" * 2


def test_a_running_loop_is_left_alone() -> None:
    program = """
        async def main():
            loop = asyncio.get_running_loop()
            compat.install()
            await asyncio.sleep(0)
            inner = asyncio.new_event_loop()
            inner.close()
            compat.uninstall()
            return asyncio.get_running_loop() is loop, type(loop) is OURS, type(inner) is OURS
        print(asyncio.run(main()))
        """
    assert outcome(program) == "(True, False, True)\n"


FOREIGN = """
class Foreign(asyncio.SelectorEventLoop):
    pass
class Policy(asyncio.AbstractEventLoopPolicy if {abstract} else asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self): return Foreign()
    def get_event_loop(self): raise RuntimeError
    def set_event_loop(self, loop): pass
policy = Policy()
"""


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="policies are deprecated")
@pytest.mark.parametrize("abstract", [True, False], ids=["abstract", "inherited"])
def test_a_foreign_policy_is_put_aside_and_put_back(abstract: bool) -> None:
    program = """
asyncio.set_event_loop_policy(policy)
print(asyncio.run(kind()) is Foreign)
compat.install()
print(asyncio.run(kind()) is OURS)
compat.uninstall()
print(asyncio.get_event_loop_policy() is policy, asyncio.run(kind()) is Foreign)
"""
    assert outcome(FOREIGN.format(abstract=abstract) + program) == "True\nTrue\nTrue True\n"


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="policies are deprecated")
def test_a_policy_set_afterwards_is_respected() -> None:
    """The program has asked for it; and who has set it sets it back."""
    program = """
compat.install()
asyncio.set_event_loop_policy(policy)
print(asyncio.run(kind()) is Foreign)
asyncio.set_event_loop_policy(None)
print(asyncio.run(kind()) is OURS)
"""
    assert outcome(FOREIGN.format(abstract=True) + program) == "True\nTrue\n"


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="policies are deprecated")
def test_uninstall_leaves_a_policy_alone_that_was_set_afterwards() -> None:
    program = """
compat.install()
asyncio.set_event_loop_policy(policy)
compat.uninstall()
print(asyncio.get_event_loop_policy() is policy)
"""
    assert outcome(FOREIGN.format(abstract=True) + program) == "True\n"


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="policies are deprecated")
def test_uvloop_s_policy_is_put_aside_and_put_back() -> None:
    pytest.importorskip("uvloop")
    program = """
        import uvloop
        policy = uvloop.EventLoopPolicy()
        asyncio.set_event_loop_policy(policy)
        print(asyncio.run(kind()).__module__)
        compat.install()
        print(asyncio.run(kind()).__module__)
        compat.uninstall()
        print(asyncio.run(kind()).__module__)
        """
    assert outcome(program) == "uvloop\ncompat.events\nuvloop\n"


# legacy=True


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


def test_tasks_that_a_library_makes_itself_are_ours() -> None:
    """aiohttp's server runs its handlers in such, and native calls are to work there."""
    program = """
import compat, kernel
async def native():
    await kernel.sleep(0.001)
    return type(asyncio.current_task()) is compat.Task, isinstance(asyncio.current_task(), asyncio.Task)
async def main(): return await asyncio.Task(native(), loop=asyncio.get_running_loop())
stock = asyncio.Task
compat.install()
print(asyncio.run(main()), asyncio.tasks.Task is compat.Task)
compat.uninstall()
print(asyncio.Task is stock, asyncio.tasks.Task is stock)
"""
    assert outcome(program) == "(True, True) True\nTrue True\n"


def test_without_it_a_task_of_asyncio_s_own_class_refuses_native_calls() -> None:
    program = """
import kernel
async def native(): await kernel.sleep(0.001)
async def main():
    try:
        await asyncio.Task(native(), loop=asyncio.get_running_loop())
    except RuntimeError as error:
        return str(error)
print(compat.run(main()))
"""
    assert outcome(program) == "Task got bad yield: sleep(0.001)\n"
