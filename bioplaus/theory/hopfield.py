"""The Hopfield network with K = alpha N patterns at temperature T (Amit, Gutfreund and Sompolinsky 1985, 1987; replica symmetry).

``m = E tanh h``, ``q = E tanh^2 h`` with ``h = beta (m + sqrt(alpha R) z)`` and z ~ N(0, 1); ``C = beta (1 - q)``, ``R = q/(1 - C)^2``. At T = 0
tanh is the sign and C its limit ``sqrt(2/(pi alpha R)) exp(-m^2/(2 alpha R))``, so that every equation there is in closed form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from bioplaus.theory.capacity import capacity, retrieval_line, retrieval_temperature
from bioplaus.theory.entry import STORING, Moments
from bioplaus.theory.high_load import HighLoad, high_load
from bioplaus.theory.pairs import glass, pair_load, pair_state
from bioplaus.theory.require import number
from bioplaus.theory.retrieval import solved
from bioplaus.theory.thermal import log_cosh

__all__ = [
    "HighLoad",
    "Hopfield",
    "capacity",
    "free_energy",
    "ground_state_crossing",
    "high_load",
    "retrieval_line",
    "retrieval_temperature",
    "solve",
    "spin_glass",
    "spin_glass_temperature",
]


@dataclass(frozen=True)
class Hopfield:
    """A state of the network.

    Attributes
    ----------
    m
        Overlap with the retrieved pattern; 0 for spin glass and paramagnet.
    q
        Edwards-Anderson parameter, E tanh^2; 0 for the paramagnet.
    R
        Variance of the noise in a spin's field over alpha (infinite for the spin glass of alpha = 0).
    C
        beta (1 - q), at T = 0 its limit.
    free_energy
        Free energy per neuron of ``E = -(1/2) sum over i, j of J_ij s_i s_j`` without i = j (with them it is alpha/2 less); at T = 0 the
        energy ``-m^2/2 - alpha (R - 1)/2``.
    alpha, T
        Load and temperature.
    residual
        Largest mismatch of the equations.
    """

    m: float
    q: float
    R: float
    C: float
    free_energy: float
    alpha: float
    T: float
    residual: float


def solve(alpha: float, T: float) -> Hopfield:
    """Return the retrieval state, or where there is none the state of `spin_glass`, with m = 0.

    Parameters
    ----------
    alpha
        Load K/N, alpha >= 0; 0 stands for a finite number of patterns.
    T
        Temperature, T >= 0.

    Raises
    ------
    ConfigError
        If an argument is not allowed.
    SolverError
        If the equations were not solved.

    Examples
    --------
    >>> state = solve(0.1, 0)
    >>> print(f"{state.m:.6f} {state.C:.6f} {state.R:.6f}")
    0.997999 0.020858 1.043059
    """
    alpha, T = number("alpha", alpha, 0), number("T", T, 0)
    found, s, residual = pair_state(STORING, alpha, T)
    return _state(found, s, alpha, T, residual)


def spin_glass(alpha: float, T: float) -> Hopfield:
    """Return the state with m = 0: spin glass below `spin_glass_temperature`, else paramagnet.

    Its energy at T = 0 is ``-1/pi - sqrt(2 alpha/pi)``.

    Parameters
    ----------
    alpha
        Load, alpha >= 0.
    T
        Temperature, T >= 0.

    Raises
    ------
    ConfigError
        If an argument is not allowed.
    SolverError
        If the equations were not solved.
    """
    alpha, T = number("alpha", alpha, 0), number("T", T, 0)
    load = pair_load(STORING)
    s, found = glass(load, alpha, T)
    residual = abs(math.sqrt(max(load(s, found.q, found.C), 0.0)) - math.sqrt(alpha)) if s > 0 else 0.0
    return _state(found, s, alpha, T, solved(residual, f"alpha={alpha:g} T={T:g} m=0"))


def spin_glass_temperature(alpha: float) -> float:
    """Return ``T_g = 1 + sqrt(alpha)``, where the paramagnet ends.

    Raises
    ------
    ConfigError
        If alpha < 0.
    """
    return 1 + math.sqrt(number("alpha", alpha, 0))


def ground_state_crossing() -> float:
    """Return the load at which, at T = 0, retrieval and spin glass have equal energies; below it the patterns are the ground states.

    Examples
    --------
    >>> print(f"{ground_state_crossing():.4f}")
    0.0519
    """

    def difference(alpha: float) -> float:
        return solve(alpha, 0.0).free_energy - spin_glass(alpha, 0.0).free_energy

    return float(brentq(difference, 0.01, 0.13, xtol=1e-13))


def free_energy(m: float, s: float, alpha: float, T: float, *, q: float, C: float) -> float:
    """Return the free energy per neuron of given order parameters; solutions of the equations are its stationary points.

    ``m^2/2 + alpha/2 + s^2 C/2 + (alpha/2) [T ln(1 - C) - q/(1 - C)] - T E ln 2 cosh(beta (m + s z))`` with ``s^2 = alpha R``: the form of
    Amit, Gutfreund and Sompolinsky (1987), written so that T = 0 is no special case.

    Parameters
    ----------
    m, s, q, C
        Overlap, noise s >= 0, 0 <= q <= 1, and C = beta (1 - q) below 1.
    alpha, T
        Load and temperature.
    """
    noise = T * math.log1p(-C) - q / (1 - C) if alpha > 0 else 0.0
    return m**2 / 2 + alpha / 2 + s**2 * C / 2 + alpha * noise / 2 - float(log_cosh(np.array([m]), s, T)[0])


def _state(found: Moments, s: float, alpha: float, T: float, residual: float) -> Hopfield:
    R = (
        0.0
        if found.q == 0
        else s**2 / alpha
        if alpha > 0 and s > 0
        else found.q / (1 - found.C) ** 2
        if found.m
        else math.inf
    )
    energy = free_energy(found.m, s, alpha, T, q=found.q, C=found.C)
    return Hopfield(found.m, found.q, R, found.C, energy, alpha, T, residual)
