"""Thermal averages of one spin in a Gaussian field, accurate at every temperature down to zero.

With ``h = (A + S z)/T`` and z ~ N(0, 1): ``E tanh h``, ``E tanh^2 h``, the slope ``E[1 - tanh^2 h]/T`` and ``T E ln 2 cosh h``.
For S <= T the integrands are smooth and the trapezoid rule is exact to rounding. For S > T they turn within ``T/S`` of a kink: the limit T = 0
is taken off in closed form, and the rest, an integral over h, falls like ``exp(-2 h)``. No rule for z alone serves both ends.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import erf

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["log_cosh", "response"]

#: the trapezoid rule on [-9, 9]: what lies beyond weighs 2e-19
_Z = np.linspace(-9, 9, 97)
_WEIGHT = np.exp(-(_Z**2) / 2) / np.exp(-(_Z**2) / 2).sum()
#: Gauss-Legendre on [0, 20]: exp(-40) is left out
_LEGENDRE = np.polynomial.legendre.leggauss(64)
_H = 10 * (_LEGENDRE[0] + 1)
_FERMI = 10 * _LEGENDRE[1] * 2 / (np.exp(2 * _H) + 1)
_BELL = 10 * _LEGENDRE[1] / np.cosh(_H) ** 2
_LOG = 10 * _LEGENDRE[1] * np.log1p(np.exp(-2 * _H))


def _normal(x: Any) -> Any:
    return np.exp(-(np.minimum(np.abs(x), 40) ** 2) / 2) / math.sqrt(
        2 * math.pi
    )  # beyond 40 it is 0; the square of more might overflow


def response(A: NDArray[Any], S: float, T: float) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return ``E tanh h``, ``E tanh^2 h`` and the slope ``dE tanh h/dA = E[1 - tanh^2 h]/T``, each ``[n]``.

    Parameters
    ----------
    A
        Means of the field ``[n]``.
    S
        Standard deviation of the field, S >= 0.
    T
        Temperature, T >= 0. At T = 0 tanh is the sign, with sign(0) = 0; the slope is infinite where A = S = T = 0.
    """
    A = np.asarray(A, dtype=np.float64)
    if S == 0 and T == 0:
        sign = np.sign(A)
        return sign, sign**2, np.where(A == 0, np.inf, 0.0)
    if S <= T:
        value = np.tanh((A[:, None] + S * _Z) / T)
        square = value**2 @ _WEIGHT
        return value @ _WEIGHT, square, (1 - square) / T
    tau, w = (A / S)[:, None], T / S
    near, far = _normal(w * _H - tau), _normal(w * _H + tau)
    mean = erf(tau[:, 0] / math.sqrt(2)) - w * ((near - far) @ _FERMI)
    slope = (near + far) @ _BELL / S
    return mean, 1 - T * slope, slope


def log_cosh(A: NDArray[Any], S: float, T: float) -> NDArray[Any]:
    """Return ``T E ln 2 cosh h`` ``[n]``, whose derivative by A is ``E tanh h``; at T = 0 it is ``E|A + S z|``. Arguments as for `response`."""
    A = np.asarray(A, dtype=np.float64)
    if S <= T:
        field = np.abs(A[:, None] + S * _Z)
        return field @ _WEIGHT if T == 0 else (field + T * np.log1p(np.exp(-2 * field / T))) @ _WEIGHT
    tau, w = (A / S)[:, None], T / S
    mean = A * erf(tau[:, 0] / math.sqrt(2)) + 2 * S * _normal(tau[:, 0])
    return mean + w * T * ((_normal(w * _H - tau) + _normal(w * _H + tau)) @ _LOG)
