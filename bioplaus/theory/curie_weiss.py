"""The Curie-Weiss ferromagnet ``E = -(N/2) m^2 - N h m``: mean field, and the exact average at finite N."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln, logsumexp

from bioplaus.theory.require import number, whole

__all__ = ["finite_size", "free_energy", "magnetisation", "susceptibility"]


def magnetisation(T: float, h: float = 0.0) -> float:
    """Return the largest root of ``m = tanh((m + h)/T)``; at T = 0 of ``m = sign(m + h)``.

    For h < 0 and T < 1 the largest root is the metastable one, as long as there is one.

    Parameters
    ----------
    T
        Temperature, T >= 0. The critical one is 1.
    h
        External field.

    Raises
    ------
    ConfigError
        If an argument is not a number that is allowed.

    Examples
    --------
    >>> print(f"{magnetisation(0.5):.10f}")
    0.9575040241
    """
    T, h = number("T", T, 0), number("h", h)
    if T == 0:
        return 1.0 if h > -1 else -1.0
    if h == 0 and T >= 1:
        return 0.0

    def excess(m: float) -> float:
        return math.tanh((m + h) / T) - m

    if T >= 1:
        return float(brentq(excess, -1.0, 1.0, xtol=1e-16, rtol=1e-15))
    turn = min(math.sqrt(1 - T), 1 - 2**-53)  # m -> T artanh m - m falls between -turn and turn, and rises elsewhere
    if T * math.atanh(turn) - turn > h:
        return float(brentq(excess, -1.0, -turn, xtol=1e-16, rtol=1e-15))
    return float(brentq(excess, turn, 1.0, xtol=1e-16, rtol=1e-15)) if excess(turn) > 0 else turn


def free_energy(T: float, h: float = 0.0) -> float:
    """Return the free energy per spin of the stable state, ``m^2/2 - T ln 2 cosh((m + h)/T)``; at T = 0 the energy ``-1/2 - |h|``.

    Its derivative by h is minus the magnetisation (of the sign of h).

    Raises
    ------
    ConfigError
        If an argument is not allowed: T >= 0.
    """
    T, h = number("T", T, 0), abs(number("h", h))
    m = magnetisation(T, h)
    field = m + h
    return m**2 / 2 - field - (T * math.log1p(math.exp(-2 * field / T)) if T > 0 else 0.0)


def susceptibility(T: float, h: float = 0.0) -> float:
    """Return ``dm/dh = (1 - m^2)/(T - (1 - m^2))`` at `magnetisation`; infinite at the critical point, 0 at T = 0.

    Raises
    ------
    ConfigError
        If an argument is not allowed: T >= 0.
    """
    softness = 1 - magnetisation(T, h) ** 2
    if softness == 0:
        return 0.0
    return softness / (T - softness) if softness < T else math.inf


def finite_size(N: int, T: float, h: float = 0.0) -> tuple[float, float]:
    """Return ``<|m|>`` and ``<m^2>`` of N spins, exactly.

    The sum over the N + 1 values of m, each with weight ``binomial(N, N (1 + m)/2) exp(N (m^2/2 + h m)/T)``, in logarithms.

    Parameters
    ----------
    N
        Number of spins, 1 <= N <= 10^6.
    T
        Temperature, T >= 0.
    h
        External field.

    Raises
    ------
    ConfigError
        If an argument is not allowed.

    Examples
    --------
    >>> print("{:.10f} {:.10f}".format(*finite_size(10, 1.0)))
    0.5063645113 0.3469438827
    """
    N, T, h = whole("N", N, 1, 10**6), number("T", T, 0), number("h", h)
    if T == 0:
        return 1.0, 1.0
    up = np.arange(N + 1)
    m = (2 * up - N) / N
    log_weight = N * ((m**2 - 1) / 2 + h * m) / T - gammaln(up + 1) - gammaln(N - up + 1)
    weight = np.exp(log_weight - logsumexp(log_weight))
    return float(weight @ np.abs(m)), float(weight @ m**2)
