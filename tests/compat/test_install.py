"""`compat.install()` and `compat.uninstall()`."""

from __future__ import annotations

import sys

import pytest

from tests.compat.installed import outcome

# What `install` may change: each attribute of asyncio, its modules, its policy's classes and those of streams, and how
# modules are imported.
SNAPSHOT = """
def snapshot():
    owners = [module for name, module in sorted(sys.modules.items()) if name.partition(".")[0] == "asyncio"]
    name = "BaseDefaultEventLoopPolicy" if sys.version_info < (3, 14) else "_BaseDefaultEventLoopPolicy"
    owners += [asyncio.unix_events._UnixDefaultEventLoopPolicy, getattr(asyncio.events, name)]
    owners += [asyncio.StreamReader, asyncio.StreamWriter, asyncio.StreamReaderProtocol]
    attributes = {(repr(owner), name): id(value) for owner in owners for name, value in vars(owner).items()}
    return attributes, list(sys.path_hooks)
"""


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
