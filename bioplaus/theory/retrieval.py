"""The retrieval branch of associative networks: solved from its signal-to-noise ratio, not by iteration.

A spin sees the field ``c u + s z`` with the signal ``c = x^(P-1)``, x = E u tanh, and a noise s that grows with the load. Fix t = c/s. Then x
solves one equation in one unknown, and the load that belongs to it follows. So the states at one temperature are a curve in t; its highest
load is the capacity, and a state at a given load is a bracketed root, near the fold as well as far from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from bioplaus.errors import SolverError
from bioplaus.theory.entry import Entry, Moments, moments

__all__ = ["Load", "Retrieval", "solved"]

#: (s, q, C) -> the load whose noise is s; negative where no load has it
Load = Callable[[float, float, float], float]
_LOWEST, _HIGHEST, _POINTS = 0.02, 100.0, 64
_TOLERANCE = 1e-9


class Retrieval:
    """Retrieval states of a network with P-spin interactions at one temperature.

    Parameters
    ----------
    law
        Law of u.
    T
        Temperature, T >= 0.
    load
        Load as a function of the noise s, q and C.
    P
        Order of the interaction: 2 for pairs.
    """

    def __init__(self, law: Entry, T: float, load: Load, P: int = 2) -> None:
        self.law, self.T, self.P = law, T, P
        self._load = load

    def state(self, t: float) -> tuple[float, Moments]:
        """Return the signal c > 0 of the largest x at signal-to-noise t, and the averages there; c = 0 where there is none.

        With c given, x(c) at constant t grows less than linearly: ``ln x^(P-1) - ln c`` has one peak (at c = 0 for P = 2) and falls behind it.
        """
        if self.T == 0:  # x depends on t alone
            free = moments(self.law, 1.0, 1 / t, 0.0)
            c = max(free.x, 0.0) ** (self.P - 1)
            return (c, moments(self.law, c, c / t, 0.0)) if c > 0 else (0.0, free)
        top = self._top(t)
        if self._excess(top, t) <= 0:
            return 0.0, moments(self.law, 0.0, 0.0, self.T)
        c = math.exp(brentq(self._excess, top, 1e-12, args=(t,), xtol=1e-15, rtol=1e-14))  # x <= 1, but for rounding
        return c, moments(self.law, c, c / t, self.T)

    def load(self, t: float) -> float:
        """Return the load of the state at signal-to-noise t; minus infinity where there is no state."""
        c, found = self.state(t)
        return self._load(c / t, found.q, found.C) if c > 0 else -math.inf

    @cached_property
    def capacity(self) -> tuple[float, float]:
        """The highest load with a retrieval state, 0 if there is none at all, and its t."""
        steps, loads = self._scan
        if not loads.max(initial=0.0) > 0:
            return 0.0, math.nan
        best = int(loads.argmax())
        sides = steps[max(best - 1, 0)], steps[min(best + 1, _POINTS - 1)]
        found = minimize_scalar(
            lambda y: -self.load(self._t(y)), bounds=sides, method="bounded", options={"xatol": 1e-9}
        )
        return max((-float(found.fun), self._t(found.x)), (float(loads[best]), self._t(steps[best])))

    def at(self, load: float) -> tuple[float, float, Moments] | None:
        """Return c, s and the averages of the state of largest t at this load; None beyond the capacity."""
        if load == 0:
            c, found = self.state(math.inf)
            return (c, 0.0, found) if c > 0 else None
        highest, low = self.capacity
        if load > highest:
            return None
        steps, loads = self._scan
        above = np.flatnonzero(loads >= load)
        if above.size:
            low = max(low, self._t(steps[above[-1]]))
        high = low * 1.01
        while self.load(high) >= load:
            high *= high / low

        def excess(log_t: float) -> float:
            return self.load(math.exp(log_t)) - load

        log_t = math.log(low)
        if excess(log_t) > 0:  # else the load is the capacity, to rounding
            log_t = brentq(excess, log_t, math.log(high), xtol=1e-15, rtol=1e-14)
        t = math.exp(log_t)
        c, found = self.state(t)
        return c, c / t, found

    def line(self, points: int) -> tuple[list[float], list[float]]:
        """Return loads from 0 to the capacity, denser towards it, where m falls like a square root, and m there; empty without retrieval."""
        highest = self.capacity[0]
        loads = [highest * (1 - (1 - i / (points - 1)) ** 2) for i in range(points)] if highest > 0 else []
        return loads, [0.0 if found is None else found[2].m for found in map(self.at, loads)]

    @cached_property
    def _scan(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps y and the loads at ``_t(y)``."""
        if math.isnan(self._first):
            return np.empty(0), np.empty(0)
        steps = np.linspace(0, math.sqrt(math.log(_HIGHEST * max(1.0, 1 / self._first))), _POINTS)
        return steps, np.array([self.load(self._t(y)) for y in steps])

    def _t(self, y: float) -> float:
        """Return t at a step: states begin at the first t like a square root, which is smooth in y."""
        return self._first * math.exp(y**2)

    @cached_property
    def _first(self) -> float:
        """The smallest t with a state; not a number where there is none, even without noise."""

        def margin(log_t: float) -> float:
            return self._excess(self._top(math.exp(log_t)), math.exp(log_t))

        if self.T == 0 or margin(math.log(_LOWEST)) > 0:
            return _LOWEST
        if margin(math.log(1e8)) <= 0:
            return math.nan
        return math.exp(brentq(margin, math.log(_LOWEST), math.log(1e8)))

    def _excess(self, log_c: float, t: float) -> float:
        """Return ``ln x^(P-1) - ln c``; a state is where it vanishes."""
        c = math.exp(log_c)
        return (self.P - 1) * math.log(max(moments(self.law, c, c / t, self.T).x, 1e-300)) - log_c

    def _top(self, t: float) -> float:
        """Return ln c where the excess is largest."""
        low = math.log(1e-8 if self.P == 2 else 1e-3 * self.T * min(1.0, t))
        if self.P == 2 or low >= 0:
            return min(low, 0.0)
        return float(
            minimize_scalar(
                lambda log_c: -self._excess(log_c, t), bounds=(low, 0.0), method="bounded", options={"xatol": 1e-7}
            ).x
        )


def solved(residual: float, where: str) -> float:
    """Return the residual of equations that are solved.

    Raises
    ------
    SolverError
        If it is above 1e-9.
    """
    if not residual <= _TOLERANCE:
        raise SolverError(
            f"the equations at {where} have the residual {residual:.1e}; try a slightly different load or T"
        )
    return residual
