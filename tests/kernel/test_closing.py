"""The close of a kernel: everything is given back, also when something on the way fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kernel import Kernel, Waitable, checkpoint, spawn
from kernel.lifecycle import running_kernel

log: list[str] = []


@contextmanager
def sound(kernel: Kernel) -> Iterator[str]:
    try:
        yield "sound"
    finally:
        log.append("sound is released")


@contextmanager
def broken(kernel: Kernel) -> Iterator[str]:
    yield "broken"
    raise KeyboardInterrupt  # as when Ctrl-C comes while threads are being waited for


def test_a_release_that_is_interrupted_keeps_nothing_else_from_being_released() -> None:
    log.clear()
    reports: list[str] = []
    kernel = Kernel(exception_hook=lambda message, error: reports.append(message))
    wakeup = kernel.poller.wakeup_fd()
    assert wakeup >= 0

    async def failing() -> None:
        raise LookupError

    async def main() -> None:
        kernel.resource(sound)
        kernel.resource(broken)
        kept.append(await spawn(failing()))
        await checkpoint()

    kept: list[Waitable[None]] = []
    kernel.run(main())
    with pytest.raises(KeyboardInterrupt):
        kernel.close()
    assert log == ["sound is released"] and len(reports) == 1
    assert kernel.poller.wakeup_fd() == -1  # it is closed
    kernel.close()  # harmless
    for use in (lambda: kernel.call_from_thread(int), lambda: kernel.spawn(main()), lambda: kernel.run(main()),
                lambda: kernel.resource(sound)):
        with pytest.raises(RuntimeError, match="kernel is closed"):
            use()
    assert running_kernel() is None
