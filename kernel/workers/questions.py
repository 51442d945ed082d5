"""Questions: a function in a worker thread has its kernel call something, and waits for the answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar, copy_context
from queue import SimpleQueue
from typing import Any, ClassVar, TypeVar

from ..core import Kernel
from ..syscalls import Syscall
from ..task import Task
from .jobs import name_of

T = TypeVar("T")

home_of_thread: ContextVar[Home] = ContextVar("home_of_thread")  # set for a function in a pool's thread


class Question:
    """A call that a thread asks the kernel for, and the answer on its way back.

    The answer stands in a queue, from which the thread takes it out. An exception that stayed in this object would hold
    itself: the frames of its traceback refer to this object.
    """

    queue: ClassVar[type[Any]] = SimpleQueue

    __slots__ = ("_answers", "_args", "_context", "_function", "_task", "_withdrawn")

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._function = function
        self._args = args
        self._context = copy_context()
        self._task: Task[Any] | None = None
        self._withdrawn = False
        self._answers: SimpleQueue[tuple[Any, BaseException | None]] = self.queue()

    def answer(self) -> Any:
        """In the thread: block until there is an answer. Return its value, or raise its exception."""
        value, error = self._answers.get()
        if error is None:
            return value
        try:
            raise error
        finally:
            del error

    def serve(self, kernel: Kernel) -> None:
        """In the kernel: make the call. If it returns a syscall or code to run, make a task of that."""
        if self._withdrawn:
            return
        try:
            value = self._context.run(self._function, *self._args)
            if isinstance(value, (Syscall, Coroutine, Generator)):
                code = _make(value) if isinstance(value, Syscall) else value
                self._task = kernel.spawn(code, f"call_in_kernel({name_of(self._function)})", context=self._context)
                return self._task.add_waiter(self)
        except BaseException as error:
            self._answers.put((None, error))
            if not isinstance(error, Exception):
                raise
        else:
            self.wake(value)

    def withdraw(self) -> None:
        """Let the thread go on with a `RuntimeError`, unless there is an answer already."""
        self._withdrawn = True
        self._answers.put((None, RuntimeError(f"the kernel cancelled {name_of(self._function)}, or was closed before "
                                              "it answered")))

    def wake(self, value: object) -> None:
        """The call, or the task that makes it, has returned."""
        self._answers.put((value, None))

    def throw(self, error: BaseException) -> None:
        """The task that makes the call has failed or was cancelled."""
        task, self._task = self._task, None  # the task keeps the error
        assert task is not None
        if task.cancelled():
            self.withdraw()
        else:
            self._answers.put((None, error))


async def _make(request: Syscall[T]) -> T:
    return await request


class Home:
    """The way from the threads of a pool into their kernel. It is shut before the kernel stops answering."""

    question: ClassVar[type[Question]] = Question

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._ident = threading.get_ident()
        self._mutex = threading.Lock()
        self._asked: set[Question] = set()
        self._shut = False

    def ask(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """In a thread: have the kernel call `function(*args)`, and block until there is an answer."""
        if threading.get_ident() == self._ident:
            raise RuntimeError("call_in_kernel() was called in the kernel's own thread; call the function itself")
        question = self.question(function, args)
        with self._mutex:
            if self._shut:
                raise RuntimeError("the kernel is closing; nothing can be called in it any more")
            self._asked.add(question)
        try:
            self._kernel.call_from_thread(question.serve, self._kernel)
            return question.answer()
        finally:
            with self._mutex:
                self._asked.discard(question)

    def shut(self) -> None:
        """Refuse calls from now on, and let the threads that still wait go on with a `RuntimeError`."""
        with self._mutex:
            self._shut = True
            for question in self._asked:
                question.withdraw()


def call_in_kernel(function: Callable[..., Any], *args: Any) -> Any:
    """In a function that runs by `run_in_thread`: have its kernel call `function(*args)`, and return the value.

    The thread is blocked until then. If the function returns a coroutine or a generator, the kernel runs that as a task
    and the value of the task is returned. If it returns a syscall, the answer to that is returned:
    `call_in_kernel(queue.put, item)` blocks the thread until there is room. An exception is raised here. The function
    sees the context variables of the thread.

    Raises `RuntimeError` when the kernel is closing, when the task that makes the call is cancelled, and in any other
    thread, where `Kernel.call_from_thread` is the way.
    """
    home = home_of_thread.get(None)
    if home is None:
        raise RuntimeError("call_in_kernel() was called in a thread that was not started by run_in_thread()")
    return home.ask(function, args)
