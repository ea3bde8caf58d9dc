"""E5: archetypes in number proportional to N, learnt from noisy examples; at high load labels make a difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bioplaus.experiments.beside_theory import CRITERION, compared, exact, worst
from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["CLAIM"]

LEARNING = ("supervised", "unsupervised")
#: alpha, T, r, M of the rows, and m, x of theory for both ways of learning.
TABLE = {
    (0.05, 0.1, 0.6, 20): ((0.97749, 0.95048), (0.97367, 0.94832)),
    (0.02, 0.2, 0.3, 60): ((0.94525, 0.91334), (0.92327, 0.90146)),
    (0.03, 0.2, 0.8, 5): ((0.94833, 0.93937), (0.94767, 0.93902)),
    (0.05, 0.2, 0.5, 40): ((0.97425, 0.95121), (0.96793, 0.94696)),
}
ROOM = 0.015
#: Capacities at T = 0 under the normal law: learning, r, M, alpha_c; the first four have rho = .01, .05, .1, .2.
CAPACITIES = (
    ("supervised", 1 / math.sqrt(2), 100, 0.12912), ("supervised", 1 / math.sqrt(6), 100, 0.09915),
    ("supervised", 1 / math.sqrt(11), 100, 0.07154), ("supervised", 1 / math.sqrt(21), 100, 0.03876),
    ("supervised", 0.3, 100, 0.07103), ("unsupervised", 0.3, 100, 0.05262),
    ("supervised", 0.5, 100, 0.11315), ("unsupervised", 0.5, 100, 0.10770),
)  # fmt: skip
#: The figure: temperature and quality, the number of examples of the first panel, the load of the second.
T, R, M, ALPHA = 0.2, 0.3, 60, 0.02
LOADS = (0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.045, 0.055)
EXAMPLES = (10, 16, 24, 32, 40, 60, 90, 130, 180)
SETTINGS: dict[str, Any] = {"d": 0.0, "N": 3000, "start": "pure", "burn_in": 60, "sweeps": 60, "seed": 0}


@dataclass(frozen=True)
class Point:
    """Overlaps of one setting: with the archetype (m) and with what was learnt (x), one per sample, and theory's."""

    learning: str
    at: float
    m: list[float]
    x: list[float]
    theory: tuple[float, float]
    settings: dict[str, Any]


def _point(alpha: float, T: float, r: float, M: int, learning: str, samples: int, N: int, at: float = 0.0) -> Point:
    from bioplaus.theory.hopfield import high_load
    from bioplaus.theory.monte_carlo import monte_carlo

    settings = {**SETTINGS, "N": N, "K": round(alpha * N), "T": T, "r": r, "M": M, "learning": learning, "samples": samples}
    found, theory = monte_carlo(**settings), high_load(alpha, T, r=r, M=M, learning=learning)
    scale = math.sqrt(1 + theory.rho)  # x is measured with mean examples of second moment 1, n with 1 + rho
    m, x = [one[0] for one in found.values_m], [scale * one[0] for one in found.values_n]
    return Point(learning, at, m, x, (theory.m, theory.x), settings)


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.theory.hopfield import capacity

    N, samples = (600, 4) if quick else (SETTINGS["N"], 16)
    rows, steps = [], 6 if quick else 24
    for (alpha, T_, r, M_), targets in list(TABLE.items())[2 if quick else 0 : 3 if quick else None]:
        where = f"alpha={alpha:g}, T={T_:g}, r={r:g}, M={M_}"
        pair = [_point(alpha, T_, r, M_, learning, samples, N) for learning in LEARNING]
        for point, target in zip(pair, targets):
            rows += _rows(where, point, target, quick)
        rows.append(_separation(where, *pair))
    for learning, r, M_, edge in CAPACITIES[4:6] if quick else CAPACITIES:
        found = capacity(0.0, learning=learning, M=M_, r=r, law="gaussian")
        rho = (1 - r * r) / (M_ * r * r)
        settings = {"T": 0.0, "learning": learning, "M": M_, "r": r, "law": "gaussian"}
        rows.append(exact(f"capacity at T = 0, {learning}, r={r:.4g}, M={M_} (rho={rho:.3g})", edge, found, 5, **settings))
    few = samples if quick else 8
    loads = [_point(a, T, R, M, one, few, N, a) for one in LEARNING for a in (LOADS[1::4] if quick else LOADS)]
    counts = [_point(ALPHA, T, R, n, one, few, N, n) for one in LEARNING for n in (EXAMPLES[2:6:3] if quick else EXAMPLES)]
    note = f"Lines: theory, binomial law. Points: {few} samples of N={N} from the archetype; bars: one standard error."
    panels = [_against_load(loads, steps), _against_examples(counts, steps)]
    picture = Curves("", f"Archetypes learnt at high load: r={R}, T={T}", panels, note)
    remarks = (
        CRITERION,
        worst(rows),
        f"Simulated m and x: within {ROOM:g} of theory instead, the deviation that finite N was seen to make; gains of labels: within 4 "
        "standard errors of the paired difference. Capacities are of the normal law.",
        "In the figure samples of this size pass from retrieval to an overlap of about .25 over a range of loads; theory, of infinite N, jumps.",
    )
    return Report("overlap m or x", tuple(rows), picture, remarks, digits=4)


def _rows(where: str, point: Point, target: tuple[float, float], quick: bool) -> list[Measurement]:
    """Return the equations beside their table, and the simulation beside both."""
    rows = []
    for name, one, solved, values in zip("mx", target, point.theory, (point.m, point.x)):
        rows.append(exact(f"{name}, {where}, {point.learning}, equations", one, solved, 5, **point.settings))
        rows.append(compared(f"{name}, {where}, {point.learning}, simulated", one, values, point.settings, room=None if quick else ROOM))
    return rows


def _separation(where: str, supervised: Point, unsupervised: Point) -> Measurement:
    """Return how much labels gain in m; both networks learnt the same examples, so that samples are compared one by one."""
    gaps = [a - b for a, b in zip(supervised.m, unsupervised.m)]
    settings = {**supervised.settings, "learning": "supervised - unsupervised"}
    se = math.sqrt(sum((gap - sum(gaps) / len(gaps)) ** 2 for gap in gaps) / (len(gaps) - 1) / len(gaps))
    return compared(f"gain of labels in m, {where}", supervised.theory[0] - unsupervised.theory[0], gaps, settings, room=4 * se)


def _against_load(points: Sequence[Point], steps: int) -> Panel:
    from bioplaus.theory.hopfield import capacity, high_load

    series = []
    for colour, learning in enumerate(LEARNING):
        edge = capacity(T, learning=learning, M=M, r=R, law="binomial") * (1 - 1e-9)
        loads = [0.001 + (edge - 0.001) * (1 - (1 - i / steps) ** 2) for i in range(steps + 1)]
        line = [high_load(alpha, T, r=R, M=M, learning=learning).m for alpha in loads]
        series += [Series(learning, [*loads, edge, LOADS[-1]], [*line, 0.0, 0.0], colour=colour), _measured(points, learning, colour)]
    return Panel("load alpha = K/N", "overlap with the archetype, m", series, title=f"M = {M}", legend="lower left")


def _against_examples(points: Sequence[Point], steps: int) -> Panel:
    from bioplaus.theory.hopfield import high_load

    counts = sorted({round(10 * 19 ** (i / steps)) for i in range(steps + 1)} | set(range(28, 28 + 3 * steps // 4)))  # retrieval begins there
    series = []
    for colour, learning in enumerate(LEARNING):
        line = [high_load(ALPHA, T, r=R, M=n, learning=learning).m for n in counts]
        series += [Series(learning, counts, line, colour=colour), _measured(points, learning, colour)]
    return Panel("examples per archetype M", "overlap with the archetype, m", series, title=f"alpha = {ALPHA}", legend="lower right", log_x=True)


def _measured(points: Sequence[Point], learning: str, colour: int) -> Series:
    from bioplaus.stats import t_interval

    there = [point for point in points if point.learning == learning]
    mean, sd, _, _ = t_interval([list(column) for column in zip(*(point.m for point in there))])
    error = [float(one) / math.sqrt(len(there[0].m)) for one in sd]
    return Series("", [point.at for point in there], [float(one) for one in mean], error, points=True, colour=colour)


CLAIM = Claim(
    name="hopfield_learning",
    title="Archetypes at high load: learning with and without labels",
    source="replica-symmetric equations; models of Alemanno et al. 2022, Agliari et al. 2021",
    target="m and x of eight states within .015, gain of labels in m; capacities at T = 0 to 5 decimals",
    cost="6 min on one core",
    quick_cost="10 s",
    run=_run,
)
