"""The address of a movie's page keeps the moment, so that a link leads to it. Nonsense in it does no harm."""

from __future__ import annotations

from typing import Any

import pytest


def test_the_address_follows_the_moment(screen: Any, recordings: Any) -> None:
    page = screen.open(recordings("pipeline"))
    page.keyboard.press("PageDown")
    page.wait_for_url("**#m=10")
    other = screen.open(recordings("pipeline"), address="#m=10")
    assert other.inner_text("#caption") == page.inner_text("#caption")
    other.evaluate("location.hash = '#m=20'")
    other.wait_for_selector("body[data-position='20']")


def test_the_address_keeps_the_kernel(screen: Any, recordings: Any) -> None:
    page = screen.open(recordings("threads"), address="#m=3&k=2")
    assert page.input_value("#kernel") == "2"
    assert page.evaluate("document.body.dataset.position") == "3"


@pytest.mark.parametrize("address, position", [
    ("#m=", "0"), ("#m=-5", "0"), ("#m=1e3", "last"), ("#m=99999999999999999999", "last"), ("#m=NaN", "0"),
    ("#m=<script>", "0"), ("#k=7&m=2", "2"), ("#%", "0"), ("#m=2.7", "2"), ("#m=Infinity", "last"), ("#m=3&m=4", "3")])
def test_nonsense_does_no_harm(address: str, position: str, screen: Any, recordings: Any) -> None:
    page = screen.open(recordings("deadlock"), address=address)
    last = page.inner_text("#position").split()[2]
    assert page.evaluate("document.body.dataset.position") == (last if position == "last" else position)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
