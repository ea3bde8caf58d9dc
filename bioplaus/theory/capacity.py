"""Lines where the retrieval of stored pairs ends: the highest load at a temperature, the highest temperature at a load."""

from __future__ import annotations

from scipy.optimize import brentq, minimize_scalar

from bioplaus.theory.entry import entry
from bioplaus.theory.pairs import pair_load
from bioplaus.theory.require import number, whole
from bioplaus.theory.retrieval import Retrieval

__all__ = ["capacity", "retrieval_line", "retrieval_temperature"]


def capacity(
    T: float = 0.0, *, learning: str = "storing", M: int | None = None, r: float = 1.0, law: str = "gaussian"
) -> float:
    """Return alpha_c, the highest load K/N at which an archetype is retrieved; 0 for T >= 1.

    The fold of the equations of `bioplaus.theory.hopfield.high_load`; at T = 0 and storing that of Amit, Gutfreund and Sompolinsky (1987).

    Parameters
    ----------
    T
        Temperature, T >= 0.
    learning, M, r, law
        As for `high_load`.

    Raises
    ------
    ConfigError
        If an argument is not allowed.

    Examples
    --------
    >>> print(f"{capacity():.10f}")
    0.1379055665
    """
    of = entry(learning, M, r, law)
    return Retrieval(of, number("T", T, 0), pair_load(of)).capacity[0]


def retrieval_line(
    T: float = 0.0,
    *,
    learning: str = "storing",
    M: int | None = None,
    r: float = 1.0,
    law: str = "gaussian",
    points: int = 40,
) -> tuple[list[float], list[float]]:
    """Return loads alpha from 0 to `capacity`, and the overlap m of the retrieval state at each; both empty where nothing is retrieved.

    Parameters
    ----------
    T, learning, M, r, law
        As for `capacity`.
    points
        How many, at least 2.

    Raises
    ------
    ConfigError
        If an argument is not allowed.
    """
    of = entry(learning, M, r, law)
    return Retrieval(of, number("T", T, 0), pair_load(of)).line(whole("points", points, 2))


def retrieval_temperature(alpha: float) -> float:
    """Return T_M, the highest temperature at which one of alpha N stored patterns is retrieved; 0 where none is at any temperature.

    The line `capacity` turns back slightly near T = 0 (replica symmetry): its highest alpha is 0.13818, not alpha_c(0).

    Parameters
    ----------
    alpha
        Load, alpha >= 0. T_M(0) = 1.

    Raises
    ------
    ConfigError
        If alpha is not allowed.

    Examples
    --------
    >>> print(f"{retrieval_temperature(0.05):.6f}")
    0.542255
    """
    if number("alpha", alpha, 0) == 0:
        return 1.0
    low, high = 0.0, 1 - 1e-9
    if capacity() < alpha:
        turn = minimize_scalar(lambda T: -capacity(T), bounds=(0.0, 0.1), method="bounded", options={"xatol": 1e-6})
        if alpha > -turn.fun:
            return 0.0
        low = float(turn.x)
    if capacity(high) >= alpha:  # a load below 1e-18
        return high
    return float(brentq(lambda T: capacity(T) - alpha, low, high, xtol=1e-12))
