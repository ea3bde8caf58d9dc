"""Compiled averages of tanh over a field that is normal, at any temperature.

With ``h = a + s z``, z ~ N(0, 1) and ``t = tanh(h / tau)``: where the noise is narrower than the step of tanh (s <= tau), Gauss-Hermite in z.
Where it is wider, Gauss-Hermite would need as many nodes as tanh is steep; there tanh is written as a sign smeared by the logistic law,
``tanh(h / tau) = E_u sign(h - tau u)`` with u of density sech^2(u)/2, so that the average over z is an error function and the one over u
is smooth: the trapezoid rule then converges exponentially, and tau = 0 is no special case.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from bioplaus.theory.quadrature import gauss_hermite

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["iterate", "nodes", "observe"]

_LN2 = math.log(2.0)


@cache
def nodes(smeared: bool) -> tuple[NDArray[Any], ...]:
    """Return nodes and weights in z, then in u; where no temperature smears the sign, one node u = 0 stands for all."""
    z, z_weight = gauss_hermite(101)
    u = 0.33 * np.arange(-55, 56) if smeared else np.zeros(1)  # error exp(-pi^2 / 0.33), tails exp(-36)
    u_weight = np.cosh(u) ** -2
    return z, z_weight, u, u_weight / u_weight.sum()


@numba.njit(cache=True)
def _moments(a: float, s: float, tau: float, z: Any, z_weight: Any, u: Any, u_weight: Any) -> tuple[float, ...]:
    """Return ``E t``, ``E z t``, and ``E z^k (1 - t^2) / tau`` for k = 0, 1, 2."""
    t0, t1, w0, w1, w2 = 0.0, 0.0, 0.0, 0.0, 0.0
    if s <= tau:
        for j in range(z.shape[0]):
            x = (a + s * z[j]) / tau
            decay = math.exp(-2 * abs(x))
            t = math.copysign((1 - decay) / (1 + decay), x) * z_weight[j]
            slope = 4 * decay / (1 + decay) ** 2 / tau * z_weight[j]
            t0 += t
            t1 += z[j] * t
            w0 += slope
            w1 += z[j] * slope
            w2 += z[j] * z[j] * slope
        return t0, t1, w0, w1, w2
    for j in range(u.shape[0]):
        step = (tau * u[j] - a) / s  # where in z the sign changes
        slope = u_weight[j] * math.sqrt(2 / math.pi) / s * math.exp(-step * step / 2)
        t0 -= u_weight[j] * math.erf(step / math.sqrt(2))
        w0 += slope
        w1 += step * slope
        w2 += step * step * slope
    return t0, s * w0, w0, w1, w2


@numba.njit(cache=True)
def _smooth(a: float, s: float, tau: float, z: Any, z_weight: Any, u: Any, u_weight: Any) -> float:
    """Return ``tau E ln 2 cosh(h / tau)``."""
    total = 0.0
    if s <= tau:
        for j in range(z.shape[0]):
            h = abs(a + s * z[j])
            total += z_weight[j] * (h + tau * math.log1p(math.exp(-2 * h / tau)))
        return total
    for j in range(u.shape[0]):  # the mean of |x|, x normal with mean a - tau u and deviation s
        step = (a - tau * u[j]) / s
        size = step * math.erf(step / math.sqrt(2)) + math.sqrt(2 / math.pi) * math.exp(-step * step / 2)
        total += u_weight[j] * s * size
    return total


@numba.njit(cache=True)
def _field(n: Any, xi: Any, rho: float) -> tuple[float, float]:
    """Return mean and deviation of the field of a neuron with entries xi."""
    a, power = 0.0, 0.0
    for mu in range(n.shape[0]):
        a += n[mu] * xi[mu]
        power += (n[mu] * xi[mu]) ** 2
    return a, math.sqrt(rho * power)


@numba.njit(cache=True)
def iterate(
    n: Any, xi: Any, weight: Any, rho: float, tau: float, rules: Any, tied: bool, tolerance: float, limit: int
) -> tuple[int, float]:
    """Iterate ``(1 + rho) n = E[xi t] + rho n E[xi^2 E(z t) / s]`` in place; return the iterations done and the last change.

    This form is ``E[v t]`` itself and contracts at every temperature; its Stein form ``(1 - t^2) / tau`` is stiff at low tau.
    Components that are equal (tied) or zero stay so: those symmetries are exact and must survive rounding.
    """
    z, z_weight, u, u_weight = rules
    new = np.empty_like(n)
    change = np.inf
    for count in range(1, limit + 1):
        new[:] = 0
        for p in range(xi.shape[0]):
            a, s = _field(n, xi[p], rho)
            if s > 0:
                t0, t1, _, _, _ = _moments(a, s, tau, z, z_weight, u, u_weight)
                for mu in range(n.shape[0]):
                    new[mu] += weight[p] * (xi[p, mu] * t0 + rho * n[mu] * xi[p, mu] ** 2 * t1 / s)
        new /= 1 + rho
        if tied:
            new[:] = new.mean()
        change = 0.0
        for mu in range(n.shape[0]):
            if n[mu] != 0:
                change = max(change, abs(new[mu] - n[mu]))
                n[mu] = new[mu]
        if change < tolerance:
            return count, change
    return limit, change


@numba.njit(cache=True)
def observe(
    n: Any, xi: Any, weight: Any, rho: float, tau: float, rules: Any, m: Any, curvature: Any, ties: Any, alive: Any
) -> float:
    """Add the averages at n to m ``[K]``, curvature and ties ``[K, K]``, alive ``[2, K]`` (no ties, ties); return ``tau E ln 2 cosh``.

    Given the field, the effective entry ``v_mu = xi_mu + sqrt(rho) zeta_mu`` is normal: zeta has mean ``e z`` with ``e = sqrt(rho) n |xi| / s``
    and covariance ``1 - e e^T``.
    """
    z, z_weight, u, u_weight = rules
    size = n.shape[0]
    smooth = 0.0
    e = np.zeros(size)
    for p in range(xi.shape[0]):
        a, s = _field(n, xi[p], rho)
        t0, w0, w1, w2 = 0.0, 0.0, 0.0, 0.0
        into, row = curvature, 0
        e[:] = 0
        if s > 0:
            t0, _, w0, w1, w2 = _moments(a, s, tau, z, z_weight, u, u_weight)
            smooth += weight[p] * _smooth(a, s, tau, z, z_weight, u, u_weight)
            for mu in range(size):
                e[mu] = math.sqrt(rho) * n[mu] * abs(xi[p, mu]) / s
        elif tau > 0:  # no field
            w0 = w2 = 1 / tau
            smooth += weight[p] * tau * _LN2
        else:
            w0 = w2 = 1.0
            into, row = ties, 1
        for mu in range(size):
            m[mu] += weight[p] * xi[p, mu] * t0
            alive[row, mu] += weight[p] * xi[p, mu] ** 2 * w0
            for nu in range(size):
                x, y = xi[p, mu], xi[p, nu]  # e is 0 where the entry is
                mean = x * y * w0 + math.sqrt(rho) * (x * e[nu] + y * e[mu]) * w1
                spread = e[mu] * e[nu] * (w2 - w0) + (x * x * w0 if mu == nu else 0.0)
                into[mu, nu] += weight[p] * (mean + rho * spread)
    return smooth
