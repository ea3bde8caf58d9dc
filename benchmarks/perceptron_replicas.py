"""Twenty repetitions of a binary perceptron as replicas of one run, against one after the other: seconds, side by side.

    python -m benchmarks.perceptron_replicas [--threads 1 2]

N = 1001, alpha = 1, batches of P/20, ten epochs. Candidates take turns, so that a busy moment hits both.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from bioplaus import config, data
from bioplaus.answers.taught import LEARNER
from bioplaus.simulator import Simulator

RUN: dict[str, Any] = {**LEARNER, "data.N": 1001, "data.alpha": 1.0, "batch_size": 51, "rule.lr": 1.53, "epochs": 10, "run.save": False}
REPETITIONS, ROUNDS = 20, 3


def seconds(threads: int, seeds: range, clock: Callable[[], float]) -> float:
    """Return what the run of some seeds as replicas takes once data and networks are there."""
    settings = config.resolve({**RUN, "threads": threads, "seed": seeds.start, "seeds": len(seeds)})
    simulator = Simulator(settings, data.load(settings.data, settings.seed_list, 1))
    began = clock()
    simulator.run()
    return clock() - began


def main() -> None:
    """Print one row per number of threads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--cpu", action="store_true", help="seconds of the core rather than of the clock, for a busy machine; one thread")
    args = parser.parse_args()
    clock = time.process_time if args.cpu else time.perf_counter
    print(f"| threads | s, {REPETITIONS} as replicas | s, one after the other | ratio (goal 2) |\n|---|---|---|---|")
    for threads in args.threads:
        seconds(threads, range(2), clock)  # warms up
        together, single = [], []
        for _ in range(ROUNDS):
            together.append(seconds(threads, range(REPETITIONS), clock))
            single.append(sum(seconds(threads, range(seed, seed + 1), clock) for seed in range(REPETITIONS)))
        ours, theirs = statistics.median(together), statistics.median(single)
        print(f"| {threads} | {ours:.2f} | {theirs:.2f} | {theirs / ours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
