"""The weights' part of the theory of binary weights with fields: from conjugates to order parameters, for one task and for a second one."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from bioplaus.theory._binary_kernels import sites
from bioplaus.theory.field_energy import Hats
from bioplaus.theory.gauss_tail import even_normal, legendre, steep_normal

__all__ = ["Reference", "Sites", "first_sites", "reference", "second_sites"]

Array = NDArray[np.float64]

#: Half width and steepness of the grid over z, its nodes, and nodes over each half of m.
_REACH, _STEEP, _POINTS, _HALF = 17.0, 7.0, 500, 400
#: Range and nodes of fields t of a first task, nodes over t of m, over the field's grid; range and nodes of x.
_FIELD, _REFERENCE_POINTS, _OWN_POINTS, _TABLE_POINTS, _X_REACH, _X_POINTS = 9.0, 300, 400, 1500, 8.5, 320


class Sites(NamedTuple):
    """Entropy term, and averages over weights: <m>^2, B <m>, <m^2>, B <sign m>; and <sign m> with the first task's teacher."""

    log: float
    q: float
    r: float
    Q: float
    p: float
    p_1: float


@cache
def _halves() -> tuple[Array, Array]:
    """Return nodes m over (-1, 1) and weights, Gauss and Legendre's on each half: the sign jumps in the middle."""
    u, w = legendre(_HALF)
    return np.concatenate([(u - 1) / 2, (u + 1) / 2]), np.concatenate([w, w]) / 2


@cache
def _tanh_grid(points: int) -> tuple[Array, Array, Array]:
    """Return fields t, ``m = tanh t`` and the weights of an integral over m, each half of t apart."""
    u, w = legendre(points // 2)
    t = np.concatenate([_FIELD * (u - 1) / 2, _FIELD * (u + 1) / 2])
    weight = np.concatenate([w, w]) * _FIELD / 2 / np.cosh(t) ** 2
    return t, np.tanh(t), weight


def _exponent(hats: Hats) -> tuple[float, Array, Array]:
    """Return the coefficients of m^2 and, over z, of m in the exponent of a first task, and the weights of z."""
    scale = math.sqrt(max(hats.q_hat, 1e-300))
    z, w = steep_normal(max(min(-hats.r_hat / scale, 8.0), -8.0), _REACH, _STEEP, _POINTS)
    return hats.Q_hat - hats.q_hat / 2, scale * z + hats.r_hat, w


def first_sites(hats: Hats) -> Sites:
    """Return the averages of a weight of a first task: over z, of the law of m in [-1, 1] with weight ``exp(g)``,

    ``g = (Qh - qh/2) m^2 + (sqrt(qh) z + rh) m``. The mean of m jumps with z where ``sqrt(qh) z + rh = 0``.
    """
    square, fields, w = _exponent(hats)
    m, weights = _halves()
    found = sites(square, fields, np.zeros_like(m), m, weights)
    p = float(w @ found[:, 3])
    return Sites(float(w @ found[:, 0]), float(w @ found[:, 1] ** 2), float(w @ found[:, 1]), float(w @ found[:, 2]), p, p)


class Reference(NamedTuple):
    """Law of what a first task has left in a weight: fields ``t = atanh m`` ``[n]``, and the share of each."""

    t: Array
    share: Array


def reference(hats: Hats) -> Reference:
    """Return the law of m under the first task's measure, the first teacher being +1: ``rho(m) = E_z exp(g)/(integral of exp(g))``."""
    t, m, weight = _tanh_grid(_REFERENCE_POINTS)
    square, fields, w = _exponent(hats)
    inner, inner_weight = _halves()
    norm = sites(square, fields, np.zeros_like(inner), inner, inner_weight)[:, 0]
    share = weight * (w @ np.exp(square * m**2 + fields[:, None] * m - norm[:, None]))
    return Reference(t, share / share.sum())


def second_sites(hats: Hats, of: Reference, r0: float, stiffness: float) -> Sites:
    """Return the averages of a weight of a second task, pulled to a first one's by ``stiffness`` times the Kullback-Leibler divergence.

    The law of m depends on the weight of the first task, on x and on the second teacher B through one field ``sqrt(qh) x + rh B + stiffness t``:
    averages are tabulated over that field and looked up.
    """
    scale = math.sqrt(max(hats.q_hat, 1e-300))
    t, m, weight = _tanh_grid(_OWN_POINTS)
    own = -stiffness * (m * t - np.logaddexp(t, -t) + math.log(2))
    x, gauss = even_normal(_X_REACH, _X_POINTS)
    most = _X_REACH * scale + abs(hats.r_hat) + stiffness * _FIELD
    width = 1 + 3 / (1 + abs(hats.Q_hat))
    grid = width * np.sinh(np.linspace(-1, 1, _TABLE_POINTS) * math.asinh(most / width))
    table = CubicSpline(grid, sites(hats.Q_hat - hats.q_hat / 2, grid, own, m, weight))
    total: Any = np.zeros(4)
    signs = {+1: np.zeros(4), -1: np.zeros(4)}
    squared = 0.0
    for teacher, chance in ((+1, (1 + r0) / 2), (-1, (1 - r0) / 2)):
        if chance == 0:
            continue
        fields = scale * x[:, None] + hats.r_hat * teacher + stiffness * of.t
        found = table(fields)
        both = chance * gauss[:, None] * of.share
        signs[teacher] = np.einsum("xt,xtk->k", both, found)
        squared += float(np.sum(both * found[:, :, 1] ** 2))
        total = total + signs[teacher]
    # what the divergence from the first task adds to the exponent and does not depend on m
    apart = -stiffness * float(of.share @ (np.logaddexp(of.t, -of.t) - math.log(2)))
    up, down = signs[+1], signs[-1]
    return Sites(float(total[0]) + apart, squared, float(up[1] - down[1]), float(total[2]), float(up[3] - down[3]), float(total[3]))
