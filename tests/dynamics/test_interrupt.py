"""Compiled runs that end early: by a flag, by an exception, and without trace of either where neither comes."""

from __future__ import annotations

import _thread
import signal
import time
from typing import Any

import numpy as np
import pytest

from bioplaus.dynamics import field, overlap, parallel
from bioplaus.dynamics.interrupt import interruptible

KERNELS = ("overlap", "field", "vectors", "couplings")


def run(kernel: str, stop: int) -> tuple[Any, Any]:
    """Run a chain of 9 neurons from a state that sign dynamics leaves at once; return flips and energies."""
    pattern, state = np.ones((1, 9), np.int8), np.ones((1, 9), np.int8)
    state[0, :3] = -1
    v, J = pattern[:, :, None].copy(), np.ones((1, 9, 9), np.float32)
    overlaps, energies, flips = np.full((1, 40, 1), 7.0), np.full((1, 40), 7.0), np.zeros((1, 40), np.int64)
    rest = (state, np.ones((1, 1, 9)), np.zeros(40), 1 / 9, np.ones(1, np.uint64))
    ends = (overlaps, energies, flips, np.full(1, stop, np.uint8))
    if kernel == "overlap":
        overlap.run(v, np.ones((1, 9)), *rest, 0, *ends)
    elif kernel == "field":
        field.run(J, *rest, 0, *ends)
    else:
        (parallel.run_vectors if kernel == "vectors" else parallel.run_couplings)(v if kernel == "vectors" else J, *rest, *ends)
    return flips, energies


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_raised_flag_ends_every_kernel_before_its_next_sweep(kernel: str) -> None:
    flips, energies = run(kernel, 1)
    assert not flips.any() and (energies == 7).all()
    flips, energies = run(kernel, 0)
    assert flips.sum() == 3 and energies[0, -1] == -0.5


def test_what_the_run_raises_arrives() -> None:
    def broken(stop: Any) -> None:
        raise ValueError("from inside")

    with pytest.raises(ValueError, match="from inside"):
        interruptible(broken)


def test_an_interrupt_raises_the_flag_and_waits() -> None:
    seen = []

    def long(stop: Any) -> None:
        _thread.interrupt_main()
        end = time.monotonic() + 20
        while not stop[0] and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(0.05)
        seen.append(int(stop[0]))

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            interruptible(long)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [1], "the run had ended, and by the flag"
