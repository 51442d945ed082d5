"""What wakes a poller: two descriptors, which are closed once, and which nothing is written to after that."""

from __future__ import annotations

import gc
import os

import pytest

from kernel import Kernel
from kernel.devices.descriptor_poller import DescriptorPoller
from kernel.devices.wakers import Waker
from tests.support.descriptors import no_descriptors_left, open_descriptors


def test_a_wake_after_the_close_writes_into_no_other_file() -> None:
    waker = Waker()
    numbers = waker.source, waker.target
    waker.close()
    reader, writer = os.pipe()  # of the same numbers
    try:
        assert {reader, writer} == set(numbers)
        os.set_blocking(reader, False)
        waker.wake()
        with pytest.raises(BlockingIOError):
            os.read(reader, 1)
        waker.close()
        os.fstat(reader), os.fstat(writer)
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize("times", [1, 4096, 5000, 100_000])
def test_however_often_it_was_woken_one_drain_takes_it_all(times: int) -> None:
    waker = Waker()
    for _ in range(times):
        waker.wake()
    waker.drain()
    with pytest.raises(BlockingIOError):
        os.read(waker.source, 1)
    waker.close()


def test_a_kernel_that_is_not_closed_frees_its_descriptors_when_it_is_freed() -> None:
    before = open_descriptors()
    kernel = Kernel()
    assert open_descriptors() == before + 3
    del kernel
    gc.collect()
    assert open_descriptors() == before


def test_a_kernel_that_cannot_be_made_leaves_no_descriptor_open() -> None:
    before = open_descriptors()
    with no_descriptors_left(), pytest.raises(OSError):
        DescriptorPoller()
    gc.collect()
    assert open_descriptors() == before
