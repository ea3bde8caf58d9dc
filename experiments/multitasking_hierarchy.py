"""E1: three diluted patterns without noise; the hierarchy of amplitudes, its end at d_c, and the majority vote beyond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bioplaus.experiments.beside_theory import CRITERION, compared, exact, worst
from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["CLAIM"]

#: Dilutions far from d_c and with enough entries per pattern, where agreement is asserted; the others are shown.
STRONG = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.7, 0.75, 0.8, 0.85, 0.9)
SHOWN = (0.58, 0.6, 0.61, 0.615, 0.62, 0.625, 0.63, 0.64, 0.66, 0.95)
FULL = {"K": 3, "T": 0.0, "N": 50_000, "start": "hierarchical", "burn_in": 40, "sweeps": 20, "samples": 16, "seed": 0}


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.theory.monte_carlo import monte_carlo
    from bioplaus.theory.multitasking import critical_dilution, hierarchical, majority

    size = {"N": 10_000, "samples": 4} if quick else {}
    grid = (0.2, 0.5, 0.8) if quick else tuple(sorted(STRONG + SHOWN))
    d_c = critical_dilution(3)
    found, rows = [], [exact("d_c of K=3, root of 1 - 2d + d^3", 0.6180339887, d_c, 10)]
    for d in grid:
        settings: dict[str, Any] = {**FULL, **size, "d": d}
        run = monte_carlo(**settings)
        found.append(run)
        theory = hierarchical(3, d) if d < d_c else majority(d)
        for k in range(3):
            values = [m[k] for m in run.values_m]
            rows.append(compared(f"d={d:g}, pattern {k + 1}", theory[k], values, settings, strong=d in STRONG))
    if not quick:
        rows.append(_end(grid, [run.m for run in found]))
    note = "Lines: theory at T = 0. " + (
        f"Points: {FULL['samples'] if not quick else 4} samples of N={settings['N']} from the hierarchical cue; bars: one standard error."
    )
    panels = [_panel(d_c, 0.0, 0.95, grid, found, "whole range"), _panel(d_c, 0.57, 0.67, grid, found, "around d_c")]
    picture = Curves("", "Three patterns at T = 0: hierarchy up to d_c = 0.618, majority vote beyond", panels, note)
    return Report("m/(1-d)", tuple(rows), picture, (CRITERION, worst(rows)), digits=4)


def _end(grid: Sequence[float], found: Sequence[Sequence[float]]) -> Measurement:
    """Return where the simulated overlaps stop being nearer to the hierarchy than to the majority state."""
    from bioplaus.theory.multitasking import hierarchical, majority

    def nearer(d: float, m: Sequence[float]) -> bool:
        def off(state: Sequence[float]) -> float:
            return sum((a - b) ** 2 for a, b in zip(m, state))

        return off(hierarchical(3, d)) < off(majority(d))

    last = max(d for d, m in zip(grid, found) if nearer(d, m))
    first = min(d for d in grid if d > last)
    note = f"nearer to the hierarchy up to d={last:g}, to the majority state from d={first:g} on; finite N rounds the transition"
    return Measurement("d_c as simulated: middle of the last and first d", "0.618", (last + first) / 2, note=note)


def _panel(d_c: float, low: float, high: float, grid: Sequence[float], found: Sequence[Any], title: str) -> Panel:
    """Return theory and simulation between two dilutions."""
    from bioplaus.theory.multitasking import hierarchical, majority

    steps = [low + (high - low) * i / 200 for i in range(201)]
    before, after = [*(d for d in steps if d < d_c), d_c - 1e-9], [d_c + 1e-9, *(d for d in steps if d > d_c)]
    there = [(d, run) for d, run in zip(grid, found) if low <= d <= high]
    series = []
    for k in range(3):
        line = [hierarchical(3, d)[k] for d in before] + [float("nan")] + [majority(d)[k] for d in after]
        series.append(Series(f"pattern {k + 1}", [*before, d_c, *after], line, colour=k))
        x, y = [d for d, _ in there], [run.m[k] for _, run in there]
        series.append(Series("", x, y, [run.m_se[k] for _, run in there], points=True, colour=k))
    return Panel("dilution d", "overlap m / (1 - d)", series, title=title, marks=[(d_c, "d_c")])


CLAIM = Claim(
    name="multitasking_hierarchy",
    title="Three diluted patterns at T = 0: hierarchy and its end",
    source="equations of state at T = 0; model of Agliari et al. 2023",
    target="m/(1-d) = (1, d, d^2) below d_c = 0.6180339887, the majority vote above",
    cost="1 min on one core",
    quick_cost="6 s",
    run=_run,
)
