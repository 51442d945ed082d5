"""Exception hooks for tests."""

from __future__ import annotations


def refuse(message: str, error: BaseException) -> None:
    """An exception hook for tests in which there is nothing to report."""
    raise AssertionError(f"reported: {message}: {error!r}")
