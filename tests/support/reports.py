"""Exception hooks for tests."""

from __future__ import annotations


class Reports(list[tuple[str, BaseException]]):
    """An exception hook that keeps what it is told."""

    def __call__(self, message: str, error: BaseException) -> None:
        self.append((message, error))

    @property
    def messages(self) -> list[str]:
        return [message for message, _ in self]

    @property
    def errors(self) -> list[BaseException]:
        return [error for _, error in self]


def refuse(message: str, error: BaseException) -> None:
    """An exception hook for tests in which there is nothing to report.

    The kernel logs that its hook has failed. So such a test has the fixture `nothing_in_the_log` as well.
    """
    raise AssertionError(f"reported: {message}: {error!r}") from error


def ignore(message: str, error: BaseException) -> None:
    """An exception hook for tests of something else than what is reported."""
