"""The plane of dilution and temperature of K stored patterns: simulated points with the phase they show, and theory's lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bioplaus.pictures import Panel, Series

__all__ = ["CLEAR", "FAR", "HARDLY", "ZERO", "Point", "entries", "grid_points", "panel"]

#: Smallest Hessian eigenvalue lam of a state whose overlaps are compared, and of one whose phase is: a sample's noise in m/(1-d) is about
#: .007/lam here, and five equal overlaps spread over twice that, which must stay below ZERO.
FAR, CLEAR = 0.1, 0.15
#: Overlaps m/(1-d), or their differences, that are called 0. Where theory's lie between the other two, a point may be called either.
ZERO, SURELY, HARDLY = 0.1, 0.001, 0.15
DILUTIONS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
TEMPERATURES = (0.05, 0.15, 0.25, 0.4, 0.55, 0.7, 0.85, 1.1)
SIZE = {"start": "hierarchical", "burn_in": 100, "sweeps": 50, "samples": 2, "seed": 100}
LOOK = {"none": (None, "x"), "one pattern": (0, "o"), "hierarchy": (2, "^"), "all alike": (1, "s")}


@dataclass(frozen=True)
class Point:
    """A simulated point: what was found, what theory expects ("" where it was not solved), and whether the two must agree."""

    d: float
    T: float
    found: str
    expected: str
    clear: bool
    settings: dict[str, Any]


def entries(quick: bool) -> int:
    """Return how many entries of a pattern are not blank, on average: the noise of a sample is set by them, so N = entries/(1-d)."""
    return 2000 if quick else 20_000


def _phase(samples: Sequence[Sequence[float]], zero: float) -> str:
    """Return what samples recall: amplitudes sorted, since disorder may choose another order and other signs than the cue's."""
    largest, *rest = (sum(column) / len(samples) for column in zip(*(sorted(map(abs, m), reverse=True) for m in samples)))
    if largest < zero:
        return "none"
    if rest[0] < zero:
        return "one pattern"
    return "all alike" if largest - rest[-1] < zero else "hierarchy"


def grid_points(K: int, quick: bool) -> list[Point]:
    """Return simulations on a grid, all from the hierarchical cue."""
    from bioplaus.errors import SolverError
    from bioplaus.theory.monte_carlo import monte_carlo
    from bioplaus.theory.multitasking import solve

    points = []
    for d in DILUTIONS[1::3] if quick else DILUTIONS:
        for T in TEMPERATURES[1::2] if quick else TEMPERATURES:
            N = round(entries(quick) / (1 - d))
            settings: dict[str, Any] = {"K": K, "d": d, "T": T, "N": N, **SIZE}
            found = _phase(monte_carlo(**settings).values_m, ZERO)
            try:
                theory = solve(K, d, T)
                expected = _phase([theory.m], SURELY)
                clear = min(theory.hessian_eigenvalues) > CLEAR and expected == _phase([theory.m], HARDLY)
            except SolverError:  # so near a line that the iteration does not converge
                expected, clear = "", False
            points.append(Point(d, T, found, expected, clear, settings))
    return points


def panel(K: int, points: Iterable[Point]) -> Panel:
    """Return the diagram of K patterns."""
    from bioplaus.theory.multitasking import pure_boundary

    temperatures = [i / 200 for i in range(201)]
    series = [
        Series("T_c", [0.0, 0.95], [1.0, 1.0], colour=None),
        Series("d_pure(T)", [pure_boundary(T) for T in temperatures], temperatures, colour=0),
        Series("T*(d, K)", *_parallel_line(K), colour=1),
    ]
    for phase, (colour, marker) in LOOK.items():
        seen = [point for point in points if point.found == phase]
        x, y = [point.d for point in seen], [point.T for point in seen]
        series.append(Series(phase, x, y, points=True, colour=colour, marker=marker))
    return Panel("dilution d", "temperature T", series, title=f"K = {K}", legend="below")


def _parallel_line(K: int) -> tuple[list[float], list[float]]:
    """Return the border of the region where all patterns alike are stable: T*, and below d = 2/3 the upper end of the window too."""
    from bioplaus.errors import ConfigError
    from bioplaus.theory.multitasking import parallel_onset

    lower: list[tuple[float, float]] = []
    for d in [*(0.95 - 0.01 * i for i in range(25)), *(0.7 - 0.002 * i for i in range(60))]:
        try:
            lower.append((d, parallel_onset(d, K)))
        except ConfigError:  # stable at no temperature
            break
    upper = [(d, T) for d, onset in reversed(lower) if d < 2 / 3 and (T := _window_end(K, d, onset)) < 1]
    line = [*lower, *upper, (2 / 3, 1.0)]
    return [d for d, _ in line], [T for _, T in line]


def _window_end(K: int, d: float, onset: float) -> float:
    """Return the temperature above T* at which the state is unstable again; 1 where that is not seen between .01 above T* and .98."""
    from scipy.optimize import brentq

    from bioplaus.theory.multitasking import solve

    def smallest(T: float) -> float:
        return min(solve(K, d, T, start="parallel").hessian_eigenvalues)

    low, high = onset + 0.01, 0.98
    return float(brentq(smallest, low, high, xtol=1e-4)) if smallest(low) > 0 > smallest(high) else 1.0
