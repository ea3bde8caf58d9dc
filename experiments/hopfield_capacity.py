"""E6: the Hopfield network at high load without noise, retrieval up to alpha_c (Amit, Gutfreund and Sompolinsky)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bioplaus.experiments.beside_theory import CRITERION, compared, exact, worst
from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["CLAIM"]

#: m at T = 0 as the equations give it, to 6 decimals.
TABLE = {0.05: 0.999992, 0.08: 0.999557, 0.1: 0.997999, 0.12: 0.993223, 0.13: 0.987212}
LOADS = (0.02, 0.05, 0.07, 0.08, 0.09, 0.1, 0.11, 0.12, 0.125, 0.13, 0.135, 0.14, 0.145, 0.15, 0.16, 0.18, 0.2)
#: Highest load at which agreement is asserted: beyond, networks of this size leave retrieval now and then.
SAFE = 0.1
SIZES = (1000, 3000)
SETTINGS: dict[str, Any] = {"d": 0.0, "T": 0.0, "start": "pure", "burn_in": 150, "sweeps": 10, "samples": 16, "seed": 0}


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.theory import hopfield
    from bioplaus.theory.monte_carlo import monte_carlo

    rows = [exact("alpha_c at T = 0", 0.1379055665, hopfield.capacity(), 10)]
    rows += [exact("m at alpha_c", 0.9674171, hopfield.solve(hopfield.capacity() * (1 - 1e-14), 0.0).m, 6)]
    rows += [exact(f"m at alpha={alpha:g}, equations", m, hopfield.solve(alpha, 0.0).m, 6) for alpha, m in TABLE.items()]
    runs: dict[int, dict[float, Any]] = {}
    for N in (500,) if quick else SIZES:
        runs[N] = {}
        for alpha in (0.05, 0.1, 0.2) if quick else LOADS:
            settings: dict[str, Any] = {**SETTINGS, **({"samples": 4, "burn_in": 50} if quick else {}), "K": round(alpha * N), "N": N}
            found = runs[N][alpha] = monte_carlo(**settings)
            rows.append(_row(alpha, found, settings))
    samples = len(next(iter(runs[max(runs)].values())).values_m)
    note = f"Line: theory at T = 0. Points: overlaps from the pattern itself, {samples} samples each; bars: one standard error."
    picture = Curves("", "Hopfield network at T = 0: retrieval ends at alpha_c = 0.1379", [*_panels(runs)], note)
    remark = (
        f"Agreement is asserted up to alpha={SAFE:g}. Closer to alpha_c samples of these sizes leave retrieval now and then, and beyond it they "
        "keep an overlap of about .3 that the theory of infinite N (m = 0) does not have; both are known of finite networks."
    )
    return Report("overlap m", tuple(rows), picture, (CRITERION, worst(rows), remark), digits=4)


def _row(alpha: float, found: Any, settings: Mapping[str, Any]) -> Measurement:
    from bioplaus.theory import hopfield

    theory, values = hopfield.solve(alpha, 0.0).m, [m[0] for m in found.values_m]
    return compared(f"alpha={alpha:g}, N={settings['N']}", theory, values, settings, strong=alpha <= SAFE)


def _panels(runs: Mapping[int, Mapping[float, Any]]) -> Sequence[Panel]:
    from bioplaus.theory import hopfield

    edge = hopfield.capacity()
    loads = [0.002 + (edge - 0.002) * (1 - (1 - i / 120) ** 2) for i in range(120)] + [edge * (1 - 1e-12)]
    line = [hopfield.solve(alpha, 0.0).m for alpha in loads]
    return [
        _panel(runs, [*loads, edge, edge, 0.21], [*line, float("nan"), 0.0, 0.0], edge, "whole range", 0.0, "lower left"),
        _panel(runs, loads, line, edge, "far from alpha_c", 0.121, "lower left"),
    ]


def _panel(
    runs: Mapping[int, Mapping[float, Any]], loads: Sequence[float], line: Sequence[float], edge: float, title: str, high: float, legend: str
) -> Panel:
    """Return theory and simulation, up to a load if one is given."""
    shown = [(x, y) for x, y in zip(loads, line) if not high or x <= high]
    series = [Series("theory", [x for x, _ in shown], [y for _, y in shown], colour=None)]
    for colour, (N, found) in enumerate(runs.items()):
        there = [alpha for alpha in found if not high or alpha <= min(high, SAFE + 0.01)]
        means, errors = [found[alpha].m[0] for alpha in there], [found[alpha].m_se[0] for alpha in there]
        series.append(Series(f"N = {N}", there, means, errors, points=True, colour=colour, marker="s^"[colour], hollow=True))
    return Panel("load alpha = K/N", "overlap m", series, title=title, marks=[] if high else [(edge, "alpha_c")], legend=legend)


CLAIM = Claim(
    name="hopfield_capacity",
    title="Hopfield network at high load and T = 0, up to its capacity",
    source="Amit, Gutfreund & Sompolinsky 1985, 1987",
    target="m(alpha) of the replica-symmetric theory; alpha_c = 0.1379055665, m = 0.9674 there",
    cost="1 min on one core",
    quick_cost="5 s",
    run=_run,
)
