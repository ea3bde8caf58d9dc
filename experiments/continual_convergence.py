"""How long a binary perceptron takes to come to rest, over the load: full-batch gradient descent, a coarse grid."""

from __future__ import annotations

import math
from typing import Any

from bioplaus.answers.taught import LEARNER
from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["CLAIM", "time_of_rest"]

N, SEEDS, STEPS = 301, 5, 10000
LOADS = (1.0, 1.25, 1.5, 1.75, 2.0)
RATE = 0.01
#: updates between looks, updates that have to be quiet, and the standard deviation of the error that counts as quiet
EVERY, WINDOW, QUIET = 20, 1000, 5e-4


def time_of_rest(steps: list[int], eps: list[float], window: int = WINDOW, quiet: float = QUIET) -> int | None:
    """Return ``window +`` the first update t such that the error varies by less than ``quiet`` (standard deviation) over the next ``window``.

    None where it never does within the run.
    """
    from statistics import pstdev

    for i, t in enumerate(steps):
        if t + window > steps[-1]:
            return None
        if pstdev(value for step, value in zip(steps[i:], eps[i:]) if step <= t + window) < quiet:
            return window + t
    return None


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.rows import standard_error
    from bioplaus.experiments.taught import overlap_at_steps, row_of

    window = 100 if quick else WINDOW
    rows: list[Measurement] = []
    points = []
    for alpha in LOADS[::4] if quick else LOADS:
        size = 51 if quick else N
        P = round(alpha * size)
        # the published rate is one of summed changes
        own: dict[str, Any] = {"data.N": size, "data.alpha": alpha, "data.checked": 20, "batch_size": P, "rule.lr": RATE * P}
        own |= {"plasticity.momentum": 0.0, "epochs": 400 if quick else STEPS, "seeds": 3 if quick else SEEDS}
        settings = {**LEARNER, **own, "probes": ["overlap"], "probe_every": EVERY}
        steps, p = overlap_at_steps(settings, folder)
        found = [time_of_rest(steps, [math.acos(max(-1.0, min(1.0, v))) / math.pi for v in one.tolist()], window) for one in p]
        rested = sum(t is not None for t in found)
        note = f"{rested} of {len(found)} seeds come to rest within {own['epochs']:,} steps; p at the end {p[:, -1].mean():.3f}"
        values = [float(own["epochs"] if t is None else t) for t in found]
        rows.append(row_of(f"T_c at alpha = {alpha:g}", values, "no figure", settings, note))
        points.append((alpha, rows[-1].mean or 0.0, standard_error(rows[-1])))
    remarks = (
        f"T_c = {WINDOW:,} + the first update t after which eps = arccos(p)/pi varies by less than {QUIET:g} (standard deviation) over "
        f"{WINDOW:,} updates, looked at every {EVERY}; a seed that does not come to rest counts with all steps of its run. Full-batch gradient "
        f"descent, rate {RATE:g} of summed changes, no momentum, fields from N(0, 1).",
        f"published: N = 3,000 and alpha in steps of 0.02; here N = {N} and a coarse grid, for cost. One sign of {N} moves eps by more than "
        "that of a larger network would, so absolute times are not to be compared.",
    )
    x, y, bars = (list(values) for values in zip(*points))
    panel = Panel("load alpha", "updates until rest, T_c", [Series(f"learned, N = {N}", x, y, bars, points=True)])
    picture = Curves("", "How long the binary perceptron takes to come to rest", [panel], f"{SEEDS} seeds, bars are standard errors.")
    return Report("updates", tuple(rows), picture=picture, remarks=remarks, digits=0)


CLAIM = Claim(
    name="continual_convergence",
    title="Binary perceptron by variational learning: updates until rest over the load, a coarse grid",
    source="Li et al. 2022, arXiv:2212.02846 (definition, read off the published program)",
    target="a table, no figure: longest around the transition of theory (alpha about 1.5 to 1.9)",
    cost="3 min on one core",
    quick_cost="15 s",
    run=_run,
)
