"""What spreading runs over processes gains and costs: 100 short digits runs in this process, by one worker, and by two.

    python benchmarks/sweep.py [--rounds 1] [--epochs 3] [--executor local|dask]

Five rates of counter-current learning, twenty seeds each, cut into the same packs every time. Printed: how much sooner two workers are done than
one (target: 1.8 x), and what the executor costs: the share of the time from the first job to the last result in which its one worker is at
no job (target: below 5 % of the work). Both also in a form that holds on a machine that others use: how many workers are at a job on
average, and processor seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from common import machine

from bioplaus.sweeping.cluster import run_on_dask
from bioplaus.sweeping.grammar import parse
from bioplaus.sweeping.grid import Grid
from bioplaus.sweeping.job import Job
from bioplaus.sweeping.local import run_here, run_local
from bioplaus.sweeping.plan import FILE, Plan, make_plan

RUNS = 100


@dataclass(frozen=True)
class Times:
    """Seconds of a sweep: in all, from its first job on, of workers at a job, and of processors."""

    whole: float
    at_work: float
    busy: float
    processor: float


def timed(plan: Plan, workers: int) -> Times:
    """Run a plan in an empty directory."""
    with tempfile.TemporaryDirectory() as folder:
        plan = replace(plan, root=folder)
        plan.path.mkdir()
        (plan.path / FILE).write_text("")
        began, first, before = time.perf_counter(), 0.0, os.times()

        def report(job: Job, share: float) -> None:
            nonlocal first
            first = first or time.perf_counter()

        grid = Grid(plan)
        if not workers:
            stream = run_here(grid.next, report)
        elif plan.options.executor == "dask":
            stream = run_on_dask(grid.next, workers, plan, report)
        else:
            stream = run_local(grid.next, workers, Path(plan.path), report)
        results, last = [], began
        for _, result in stream:
            results.append(result)
            last = time.perf_counter()
        assert not any(result["error"] for result in results)
        assert sum(len(result["records"]) for result in results) == RUNS
        used = sum(os.times()[:4]) - sum(before[:4])
        return Times(last - began, last - (first or began), sum(result["seconds"] for result in results), used)


def main() -> None:
    """Print the table and both ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--executor", default="local", choices=("local", "dask"))
    args = parser.parse_args()
    words = ["rule=ccl", "rule.lr=log(0.1,2,5)", f"seeds={RUNS // 5}", f"epochs={args.epochs}", "workers=2", f"executor={args.executor}"]
    plan = make_plan(parse(words))
    print(f"{machine()}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{RUNS} runs of {args.epochs} epochs in {len(plan.packs)} packs, executor {args.executor}\n")
    found: dict[str, list[Times]] = {name: [] for name in ("this process", "one worker", "two workers")}
    for _ in range(args.rounds):
        for workers, times in enumerate(found.values()):
            times.append(timed(plan, workers))
    print("| | s | s from the first job on | s at jobs, all workers | workers at a job | processor s |\n|---|---|---|---|---|---|")
    middle = {}
    for name, times in found.items():
        whole, at_work, busy, used = (statistics.median(getattr(one, key) for one in times) for key in ("whole", "at_work", "busy", "processor"))
        middle[name] = (whole, at_work, busy, used)
        print(f"| {name} | {whole:.1f} | {at_work:.1f} | {busy:.1f} | {busy / at_work:.2f} | {used:.1f} |")
    here, one, two = middle.values()
    print(f"\ntwo workers: {one[0] / two[0]:.2f} x one, {one[1] / two[1]:.2f} x from the first job on (target 1.8)")
    print(f"executor: one worker is at no job for {100 * (one[1] / one[2] - 1):.1f} % of the work (target < 5 %);", end=" ")
    print(f"processor seconds {100 * (one[3] / here[3] - 1):+.1f} %, the start of a process among them")


if __name__ == "__main__":
    main()
