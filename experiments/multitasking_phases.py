"""E2: where one pattern, a hierarchy, or all patterns alike are recalled, in the plane of dilution and temperature.

Lines are computed in closed form; eigenvalues of solved states place them once more, and simulations are done on both sides of each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bioplaus.experiments.beside_theory import CRITERION, compared, exact, worst
from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.experiments.phase_diagram import CLEAR, FAR, HARDLY, ZERO, entries, grid_points, panel
from bioplaus.pictures import Curves

__all__ = ["CLAIM"]

#: d_pure(T), and T*(d, K), from the derivation.
PURE = {0.2: 0.199855, 0.4: 0.382369, 0.6: 0.514122, 0.8: 0.603713}
PARALLEL = {
    (2, 0.7): 0.31255, (2, 0.8): 0.2004, (2, 0.9): 0.1000, (3, 0.7): 0.34993, (3, 0.8): 0.24324, (3, 0.9): 0.135,
    (5, 0.7): 0.3668, (5, 0.8): 0.28423, (5, 0.9): 0.18429,
}  # fmt: skip
DECIMALS = {0.2004: 4, 0.1: 4, 0.135: 3, 0.3668: 4}
#: K, d, T on both sides of a line, what is compared, and the line.
SIDES = (
    (3, 0.3, 0.8, "m1", "T_c = 1"), (3, 0.3, 1.25, "m1", "T_c = 1"), (3, 0.8, 1.25, "m1", "T_c = 1"),
    (2, 0.2, 0.4, "m2", "d_pure(.4) = .382"), (2, 0.55, 0.4, "m2", "d_pure(.4) = .382"),
    (3, 0.2, 0.4, "m2", "d_pure(.4) = .382"), (3, 0.6, 0.3, "m2", "d_pure(.3) = .294"),
    (2, 0.8, 0.1, "largest - smallest", "T*(.8, 2) = .200"), (2, 0.8, 0.4, "first - last", "T*(.8, 2) = .200"),
    (3, 0.8, 0.1, "largest - smallest", "T*(.8, 3) = .243"), (3, 0.8, 0.5, "first - last", "T*(.8, 3) = .243"),
    (5, 0.8, 0.1, "largest - smallest", "T*(.8, 5) = .284"), (5, 0.8, 0.55, "first - last", "T*(.8, 5) = .284"),
)  # fmt: skip
#: Below T* the patterns differ, but disorder may choose another order than the cue's: the sorted overlaps are compared there.
VALUES: dict[str, Callable[[list[float]], float]] = {
    "m1": lambda m: m[0],
    "m2": lambda m: m[1],
    "first - last": lambda m: m[0] - m[-1],
    "largest - smallest": lambda m: max(m) - min(m),
}
SIZE = {"start": "hierarchical", "burn_in": 60, "sweeps": 60, "samples": 16, "seed": 0}


def _smallest(K: int, d: float, T: float, start: str) -> float:
    from bioplaus.theory.multitasking import solve

    return min(solve(K, d, T, start=start).hessian_eigenvalues)


def _zero(function: Callable[[float], float], low: float, high: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(function, low, high, xtol=1e-10))


def _lines(quick: bool) -> list[Measurement]:
    """Return the lines as the eigenvalues of solved states place them."""
    rows = []
    for T, target in list(PURE.items())[: 1 if quick else None]:
        found = _zero(lambda d, T=T: _smallest(3, d, T, "pure"), 0.01, 0.66)  # type: ignore[misc]
        rows.append(exact(f"d_pure at T={T:g}, zero of the pure state's eigenvalue", target, found, 6, K=3, T=T))
    for (K, d), target in list(PARALLEL.items())[: 1 if quick else None]:
        found = _zero(lambda T, K=K, d=d: _smallest(K, d, T, "parallel"), 0.06, 0.6)  # type: ignore[misc]
        digits = DECIMALS.get(target, 5)
        rows.append(exact(f"T* at K={K}, d={d:g}, zero of the parallel state's eigenvalue", target, found, digits, K=K, d=d))
    return rows


def _sides(quick: bool, size: dict[str, Any]) -> list[Measurement]:
    """Return simulations on both sides of each line, beside the state that theory leads to from the same start."""
    from bioplaus.theory.monte_carlo import monte_carlo
    from bioplaus.theory.multitasking import solve

    rows = []
    for K, d, T, what, line in SIDES[3:5] if quick else SIDES:
        settings: dict[str, Any] = {"K": K, "d": d, "T": T, "N": round(entries(quick) / (1 - d)), **size}
        found, theory = monte_carlo(**settings), solve(K, d, T)
        value = VALUES[what]
        name = f"{what}, K={K}, d={d:g}, T={T:g} ({line})"
        strong = min(theory.hessian_eigenvalues) > FAR
        rows.append(compared(name, value(theory.m), [value(m) for m in found.values_m], settings, strong=strong))
    return rows


def _run(quick: bool, folder: str) -> Report:
    size = {**SIZE, **({"samples": 4} if quick else {})}
    rows = [*_lines(quick), *_sides(quick, size)]
    panels = []
    for K in (2,) if quick else (2, 3, 5):
        points = grid_points(K, quick)
        panels.append(panel(K, points))
        far = [point for point in points if point.clear]
        agreed = sum(point.found == point.expected for point in far)
        note = f"of all {len(points)} points, those near lines too, {sum(p.found == p.expected for p in points)} agree"
        target = f"{len(far)} clear points"
        name = f"simulated phases as in theory, K={K}"
        rows.append(Measurement(name, target, agreed, reached=agreed == len(far), settings=points[0].settings, note=note))
    remark = (
        f"Clear points: all eigenvalues of theory's state exceed {CLEAR:g}, and the overlaps, or differences, that decide are 0 or above "
        f"{HARDLY:g}; a simulated one is called 0 below {ZERO:g}."
    )
    size_words = f"{points[0].settings['samples']} samples of N = {entries(quick)}/(1-d)"
    note = f"Lines: theory. Points: what simulations recall from the hierarchical cue, {size_words} each (no error bars: a phase, not a number)."
    picture = Curves("", "Recalled states of K diluted patterns over dilution and temperature", panels, note)
    return Report("value", tuple(rows), picture, (CRITERION, worst(rows), remark), digits=4)


CLAIM = Claim(
    name="multitasking_phases",
    title="Phase diagram of diluted patterns: one, a hierarchy, or all alike",
    source="stability of the equations of state; model of Agliari et al. 2023",
    target="d_pure(T), T*(d, K) and T_c = 1 as derived; simulations agree on both sides",
    cost="6 min on one core",
    quick_cost="6 s",
    run=_run,
)
