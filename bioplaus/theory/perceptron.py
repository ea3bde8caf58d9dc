"""The perceptron with binary weights: a teacher's rule learnt by Gibbs sampling, and random labels stored (replica symmetry).

N weights ``w_i = +1 or -1``, P = alpha N random patterns. With ``H(x) = P(z > x)``, ``a = sqrt(q/(1 - q))``, E over z ~ N(0, 1):

Teacher and student at temperature 0 (Gyorgyi 1990; Sompolinsky, Tishby & Seung 1990), where the overlap q of two students is that of a student
and the teacher::

    q  = E tanh(sqrt(qh) z + qh),      qh = alpha/(pi (1 - q)) E exp(-a^2 z^2)/H(a z)
    s  = -qh (1 + q)/2 + E ln 2 cosh(sqrt(qh) z + qh) + 2 alpha E H(a z) ln H(a z)
    error: Gibbs arccos(q)/pi, Bayes arccos(sqrt q)/pi

Random labels (Krauth & Mezard 1989)::

    q  = E tanh^2(sqrt(qh) z),         qh = alpha/(1 - q) E (phi/H)^2(a z)
    s  = -qh (1 - q)/2 + E ln 2 cosh(sqrt(qh) z) + alpha E ln H(a z)

Both are solved along qh, on which q and then alpha follow without iteration; branches and where they end are read off that curve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from bioplaus.errors import ConfigError, SolverError
from bioplaus.theory.gauss_tail import hazard, log_tail, normal_nodes
from bioplaus.theory.require import choice, number

__all__ = ["Capacity", "Storage", "TeacherStudent", "Turn", "spinodal", "storage", "storage_capacity", "teacher_student", "transition"]

#: Smallest and largest qh of a branch.
_LEAST, _MOST = 1e-12, 1e3
_TOLERANCE = 1e-14


@dataclass(frozen=True)
class TeacherStudent:
    """A state of learning from a teacher.

    Attributes
    ----------
    q, q_hat
        Overlap of two students, which is that of student and teacher, in [0, 1], and the field's variance conjugate to it.
    entropy
        Logarithm of the number of weights that agree with all labels, over N.
    error_gibbs, error_bayes
        Probability that a student drawn at random, and the majority of all, gets a new label wrong.
    """

    q: float
    q_hat: float
    entropy: float
    error_gibbs: float
    error_bayes: float


@dataclass(frozen=True)
class Turn(TeacherStudent):
    """Where the state of learning from a teacher changes: the state there, and its load alpha."""

    alpha: float


@dataclass(frozen=True)
class Storage:
    """A state of storing random labels: overlap q of two solutions, its conjugate, and the entropy per weight (< 0: there is no solution)."""

    q: float
    q_hat: float
    entropy: float


@dataclass(frozen=True)
class Capacity:
    """Where the entropy of storing random labels is 0: load alpha, and q, q_hat there."""

    alpha: float
    q: float
    q_hat: float


def teacher_student(alpha: float, branch: str = "metastable") -> TeacherStudent:
    """Return the state of a student that learns from a teacher.

    Parameters
    ----------
    alpha
        Patterns per weight, alpha > 0.
    branch
        metastable: the state q < 1 as long as there is one, up to `spinodal` | stable: the state of larger entropy, which beyond `transition`
        is the teacher itself (q = 1, q_hat infinite).

    Raises
    ------
    ConfigError
        If alpha is not allowed.
    SolverError
        If the branch has ended before it.

    Examples
    --------
    >>> state = teacher_student(1.0)
    >>> print(f"{state.q:.6f} {state.entropy:.6f} {state.error_bayes:.6f}")
    0.560715 0.106108 0.230626
    """
    alpha = _load(alpha)
    choice("branch", branch, ("metastable", "stable"))
    if branch == "stable" and alpha > transition().alpha:
        return TeacherStudent(1.0, math.inf, 0.0, 0.0, 0.0)
    end = spinodal()
    if alpha > end.alpha:
        raise SolverError(f"alpha={alpha:g}: the state q < 1 ends at the spinodal, alpha={end.alpha:.6f}; branch=stable has q = 1 there")
    return _learnt(_root(lambda qh: _load_of_teacher(qh) - alpha, _LEAST, end.q_hat, "teacher_student"), alpha)


@cache
def transition() -> Turn:
    """Return where the teacher's own state becomes the stable one: the first-order transition, at which the entropy of q < 1 is 0.

    Examples
    --------
    >>> print(f"{transition().alpha:.6f} {transition().q:.6f}")
    1.244684 0.693760
    """
    return _turn(_root(lambda qh: _learnt(qh, _load_of_teacher(qh)).entropy, 0.1, spinodal().q_hat, "transition"))


@cache
def spinodal() -> Turn:
    """Return where the state q < 1 ends: the largest load of the curve, from which on message passing finds the teacher.

    Examples
    --------
    >>> print(f"{spinodal().alpha:.6f} {spinodal().q:.4f}")
    1.492632 0.8937
    """
    found = minimize_scalar(lambda qh: -_load_of_teacher(qh), bounds=(1.0, 8.0), method="bounded", options={"xatol": 1e-10})
    return _turn(float(found.x))


def storage(alpha: float) -> Storage:
    """Return the state of storing random labels.

    Parameters
    ----------
    alpha
        Labels per weight, 0 < alpha < 4/pi, where q reaches 1.

    Raises
    ------
    ConfigError
        If alpha is not allowed.
    SolverError
        If q has reached 1 before it.
    """
    alpha = _load(alpha)
    if alpha >= 4 / math.pi:
        raise SolverError(f"alpha={alpha:g} must be below 4/pi = {4 / math.pi:.6f}, where q reaches 1")
    most = _MOST
    while _load_of_labels(most) < alpha and most < 1e12:
        most *= 10
    return _stored(_root(lambda qh: _load_of_labels(qh) - alpha, _LEAST, most, "storage"), alpha)


@cache
def storage_capacity() -> Capacity:
    """Return the load beyond which random labels are stored by no weights: where the entropy of `storage` is 0.

    Examples
    --------
    >>> print(f"{storage_capacity().alpha:.6f}")
    0.833079
    """
    qh = _root(lambda qh: _stored(qh, _load_of_labels(qh)).entropy, 0.1, 10.0, "storage_capacity")
    return Capacity(_load_of_labels(qh), _overlap_of_labels(qh), qh)


def _load(alpha: float) -> float:
    found = number("alpha", alpha, 0)
    if found == 0:
        raise ConfigError("alpha=0 must be above 0: with no pattern nothing is learnt")
    return found


def _root(function: object, low: float, high: float, name: str) -> float:
    found, report = brentq(function, low, high, xtol=_TOLERANCE, rtol=1e-14, full_output=True)
    if not report.converged:
        raise SolverError(f"{name}: no root within {report.iterations} iterations, residual {abs(function(found)):.1e}")  # type: ignore[operator]
    return float(found)


def _overlap_of_teacher(qh: float) -> float:
    z, w = normal_nodes(1 / math.sqrt(qh), -math.sqrt(qh))
    return float(w @ np.tanh(math.sqrt(qh) * z + qh))


def _overlap_of_labels(qh: float) -> float:
    z, w = normal_nodes(1 / math.sqrt(qh))
    return float(w @ np.tanh(math.sqrt(qh) * z) ** 2)


def _load_of_teacher(qh: float) -> float:
    """Return the load at which qh solves the equations."""
    q = _overlap_of_teacher(qh)
    a = math.sqrt(q / (1 - q))
    z, w = normal_nodes(1 / a)
    return qh * math.pi * (1 - q) / float(w @ np.exp(-((a * z) ** 2) - log_tail(a * z)))


def _load_of_labels(qh: float) -> float:
    q = _overlap_of_labels(qh)
    a = math.sqrt(q / (1 - q))
    z, w = normal_nodes(1 / a)
    return qh * (1 - q) / float(w @ hazard(a * z) ** 2)


def _learnt(qh: float, alpha: float) -> TeacherStudent:
    root, q = math.sqrt(qh), _overlap_of_teacher(qh)
    a = math.sqrt(q / (1 - q))
    z, w = normal_nodes(1 / root, -root)
    t, v = normal_nodes(1 / a)
    logs = log_tail(a * t)
    entropy = -qh * (1 + q) / 2 + float(w @ np.logaddexp(root * z + qh, -root * z - qh)) + 2 * alpha * float(v @ (np.exp(logs) * logs))
    return TeacherStudent(q, qh, entropy, math.acos(q) / math.pi, math.acos(math.sqrt(q)) / math.pi)


def _stored(qh: float, alpha: float) -> Storage:
    root, q = math.sqrt(qh), _overlap_of_labels(qh)
    z, w = normal_nodes(1 / root)
    a = math.sqrt(q / (1 - q))
    t, v = normal_nodes(1 / a)
    entropy = -qh * (1 - q) / 2 + float(w @ np.logaddexp(root * z, -root * z)) + alpha * float(v @ log_tail(a * t))
    return Storage(q, qh, entropy)


def _turn(qh: float) -> Turn:
    alpha = _load_of_teacher(qh)
    return Turn(**vars(_learnt(qh, alpha)), alpha=alpha)
