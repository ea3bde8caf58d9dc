"""Perforated dendrites on digits, 64-4-10, 5 seeds: a dendrite phase, and the whole experiment with its controls.

    python benchmarks/perforated.py [--rounds 2]

Times are those of the processor (one thread), so that other processes on the machine do not count; the clock on the wall stands beside them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import torch
from common import machine

from bioplaus import simulate

CYCLES, EPOCHS = 3, 80
#: seconds that each may take
PHASE, WHOLE = 1.0, 120.0
RUN: dict[str, Any] = {"rule": "perforated", "data": "digits", "seeds": 5, "run.figures": False, "probes": []}


def spent(run: Callable[[], Any]) -> tuple[float, float]:
    """Return seconds of the processor and on the wall."""
    cpu, wall = time.process_time(), time.perf_counter()
    run()
    return time.process_time() - cpu, time.perf_counter() - wall


def cycles(epochs: int) -> Callable[[], Any]:
    """Return a run of three cycles whose neuron phases last one epoch and whose dendrite phases last so many."""
    keys = {"rule.n_epochs_max": 1, "rule.p_epochs": epochs, "epochs": CYCLES * (epochs + 1) + 1, "rule.controls": False, "run.save": False}
    return lambda: simulate({**RUN, **keys})


def phase() -> tuple[float, float]:
    """Return what a dendrite phase of 80 epochs takes, with its measurements after each epoch; what a run costs otherwise cancels."""
    long, short = spent(cycles(EPOCHS)), spent(cycles(1))
    scale = EPOCHS / (EPOCHS - 1) / CYCLES
    return scale * (long[0] - short[0]), scale * (long[1] - short[1])


def whole() -> tuple[float, float]:
    """Return what `bioplaus simulate rule=perforated data=digits seeds=5` takes, all five controls included."""
    with tempfile.TemporaryDirectory() as folder:
        return spent(lambda: simulate({**RUN, "run.root": folder}))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{machine()}\n\n| what | processor s | wall s | target |\n|---|---|---|---|")
    phase()  # warms up
    for name, measured, target in (("a dendrite phase, 5 replicas", phase, PHASE), ("the whole experiment, all controls", whole, WHOLE)):
        found = [measured() for _ in range(args.rounds)]
        cpu, wall = (statistics.median(values) for values in zip(*found))
        print(f"| {name} | {cpu:.2f} | {wall:.2f} | < {target:g}: {'reached' if cpu < target else '**not reached**'} |", flush=True)


if __name__ == "__main__":
    main()
