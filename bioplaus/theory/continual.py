"""Two tasks learnt one after the other by binary weights with fields: order parameters and errors (replica symmetry, Franz-Parisi potential).

A weight ``w_i = +1 or -1`` has mean ``m_i = tanh(t_i)``; N of them learn P = alpha N patterns labelled by a teacher B. Students m are drawn, at
inverse temperature beta, from ``prod_mu H(-k_mu)^beta``, with ``k = y (m . x)/sqrt(sum_i (1 - m_i^2))`` the stability of a pattern and H the
Gaussian tail; in a second task, with a teacher of overlap r0 and patterns of its own, times ``exp(-beta gamma KL(m || m_1))``, m_1 a student of
the first one (Li, Huang, Zou & Huang 2023, Phys. Rev. E 108, 014309, arXiv:2212.02846; equations derived anew).

::

    q = m . m'/N,  r = m . B/N,  Q = m . m/N,  p = sign(m) . B/N,  error = arccos(p)/pi
    phi = alpha G_E + G_S - r rh + q qh/2 - Q Qh

A first task has two branches: a poor one up to alpha of about 1.9, and one near the teacher from about 1.5 on; the stable one has the larger
phi. Branches are followed in alpha, never hit by the luck of a start. On the poor branch above alpha of about 1 replica symmetry does not hold:
it is the solution of these equations, not the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from scipy.optimize import brentq

from bioplaus.errors import ConfigError, SolverError
from bioplaus.theory.field_branch import Order, Step, followed, near
from bioplaus.theory.field_energy import Hats, hats
from bioplaus.theory.field_sites import Reference, first_sites, reference, second_sites
from bioplaus.theory.require import choice, number

__all__ = ["FirstTask", "SecondTask", "first_task", "left_by_first", "second_task", "transition"]

BETA = 20.0
#: Where each branch is entered: load, and order parameters from which plain iteration leads there.
_ENTRY = {"poor": (0.2, Order(0.1, 0.05, 0.3)), "good": (2.0, Order(0.978, 0.98875, 0.9782))}
#: Steps of alpha along a branch, the smallest one, and how far order parameters may move in one.
_STRIDE, _SMALLEST, _FURTHEST = 0.2, 5e-4, 0.25
#: Largest step of alpha2 along the branch of the first task.
_LATER_STRIDE = 0.25
#: Largest mismatch of d phi/d alpha and G_E, and the difference of alpha, in parts, that it is measured with.
_IDENTITY, _DIFFERENCE = 1e-3, 1e-4


@dataclass(frozen=True)
class FirstTask:
    """A state of learning one task.

    Attributes
    ----------
    q, r, Q, p
        Overlap of two students' m, of m and teacher, of m with itself, and of the signs of m and teacher.
    error
        Probability of a wrong label by the signs of m.
    phi
        Free entropy per weight; of two branches the stable one has the larger.
    G_E
        Its derivative by alpha.
    branch
        poor or good.
    residual
        Largest mismatch of the equations.
    """

    q: float
    r: float
    Q: float
    p: float
    error: float
    phi: float
    G_E: float
    branch: str
    residual: float


@dataclass(frozen=True)
class SecondTask:
    """A state after a second task: as `FirstTask`, with overlaps p_1, p_2 and errors of both tasks.

    Attributes
    ----------
    q, r, Q
        Of the second task's students; r with the second teacher.
    p_1, p_2
        Overlap of the signs of m with the first and the second teacher.
    error_1, error_2
        arccos(p_1)/pi, arccos(p_2)/pi.
    phi
        Free entropy per weight, up to what the first task fixes.
    residual
        Largest mismatch of the equations.
    """

    q: float
    r: float
    Q: float
    p_1: float
    p_2: float
    error_1: float
    error_2: float
    phi: float
    residual: float


def first_task(alpha: float, beta: float = BETA, branch: str = "stable") -> FirstTask:
    """Return the state of learning one task.

    Parameters
    ----------
    alpha
        Patterns per weight, alpha > 0.
    beta
        Inverse temperature, beta > 0.
    branch
        stable (of larger phi) | poor | good.

    Raises
    ------
    ConfigError
        If an argument is not allowed.
    SolverError
        If the branch does not exist there, or the equations were not solved; with the residual.
    """
    alpha, beta = _positive("alpha", alpha), _positive("beta", beta)
    choice("branch", branch, ("stable", "poor", "good"))
    if branch != "stable":
        return _checked(alpha, beta, branch)
    found: list[FirstTask] = []
    refusals: list[SolverError] = []
    for one in ("poor", "good"):
        try:
            found.append(_checked(alpha, beta, one))
        except SolverError as error:
            refusals.append(error)
    if not found:
        raise refusals[0]
    return max(found, key=lambda state: state.phi)


def left_by_first(alpha: float, beta: float = BETA) -> FirstTask:
    """Return the state that a second task starts from: the good branch where there is one, else the poor one; raises as `first_task`."""
    try:
        return first_task(alpha, beta, "good")
    except SolverError:
        return first_task(alpha, beta, "poor")


@cache
def transition(beta: float = BETA) -> float:
    """Return the load at which both branches of a first task have equal phi, about 1.650 at beta = 20."""

    def excess(alpha: float) -> float:
        good, poor = (_state(alpha, beta, _branch(alpha, beta, branch), branch) for branch in ("good", "poor"))
        return good.phi - poor.phi

    return float(brentq(excess, 1.55, 1.85, xtol=1e-6))


def second_task(
    alpha1: float, alpha2: float, r0: float, gamma: float, beta: float = BETA, branch: str = "stable"
) -> SecondTask:
    """Return the state after a second task, the first one learnt on its good branch where that exists, else on the poor one.

    Parameters
    ----------
    alpha1, alpha2
        Patterns per weight of each task, above 0.
    r0
        Overlap of the two teachers, in [-1, 1].
    gamma
        Strength of the pull to the first task, >= 0.
    beta
        Inverse temperature, beta > 0.
    branch
        stable (of what both tasks lead to, the one of larger phi) | first (what the first task left, followed as alpha2 rises from 0) |
        second (reached from the second task learnt).

    Raises
    ------
    ConfigError
        If an argument is not allowed.
    SolverError
        If the equations were not solved; with the residual.
    """
    alpha1, alpha2, beta = _positive("alpha1", alpha1), _positive("alpha2", alpha2), _positive("beta", beta)
    r0, gamma = number("r0", r0, -1, 1), number("gamma", gamma, 0)
    choice("branch", branch, ("stable", "first", "second"))
    before = left_by_first(alpha1, beta)
    law = reference(hats(before.q, before.r, before.Q, alpha1, beta))

    def at_load(load: float) -> Step:
        return lambda order: _second(order, load, beta, law, r0, gamma)

    left = Order(before.q * 0.95, r0 * before.r * 0.95, before.Q * 0.97)
    if branch == "first":
        return _second_state(*_kept(at_load, alpha2, left), alpha2, beta, law, r0, gamma)
    starts = {**({"first": left} if branch == "stable" else {}), "second": Order(0.95, 0.97, 0.952)}
    found: list[SecondTask] = []
    refusals: list[SolverError] = []
    for name, start in starts.items():
        try:
            at, gap = near(at_load(alpha2), start, f"second task, started from the {name}")
            found.append(_second_state(at, gap, alpha2, beta, law, r0, gamma))
        except SolverError as error:
            refusals.append(error)
    if not found:
        raise refusals[0]
    return max(found, key=lambda state: state.phi)


def _kept(at_load: Callable[[float], Step], alpha2: float, left: Order) -> tuple[Order, float]:
    """Return the state that grows out of the first task's as the load of the second one rises, and its residual."""
    order, gap, steps = left, 0.0, max(1, math.ceil(alpha2 / _LATER_STRIDE))
    for k in range(1, steps + 1):
        load = alpha2 * k / steps
        order, gap = near(at_load(load), order, f"second task, branch first at alpha2={load:g}")
    return order, gap


def _positive(name: str, value: float) -> float:
    found = number(name, value, 0)
    if found == 0:
        raise ConfigError(f"{name}=0 must be above 0")
    return found


def _first(order: Order, alpha: float, beta: float) -> Order:
    found = first_sites(hats(*order, alpha, beta))
    return Order(found.q, found.r, found.Q)


@cache
def _entry(branch: str, beta: float) -> tuple[float, Order, float]:
    alpha, start = _ENTRY[branch]
    found, gap = near(lambda order: _first(order, alpha, beta), start, f"first task, {branch} branch at alpha={alpha:g}")
    return alpha, found, gap


#: Solutions along branches: (branch, beta, number of whole strides from the entry) -> load and solution.
_anchors: dict[tuple[str, float, int], tuple[float, Order, float]] = {}
#: Loads at which branches were found to end, (branch, beta) -> load and residual beyond: finding one takes seconds.
_ends: dict[tuple[str, float], tuple[float, float]] = {}


def _branch(alpha: float, beta: float, branch: str) -> tuple[Order, float]:
    """Return the solution at a load, followed along the branch from its entry.

    Raises
    ------
    SolverError
        If the branch ends before it.
    """
    if (branch, beta) in _ends:
        end, gap = _ends[branch, beta]
        if (alpha - end) * (end - _ENTRY[branch][0]) > 0:
            raise _ended(branch, beta)
    at, order, gap = _anchors.setdefault((branch, beta, 0), _entry(branch, beta))
    sign = 1 if alpha > at else -1
    whole = int(abs(alpha - at) / _STRIDE)
    for k in range(1, whole + 1):
        key = (branch, beta, sign * k)
        if key not in _anchors:
            target = _ENTRY[branch][0] + sign * k * _STRIDE
            _anchors[key] = (target, *_walked(at, order, target, beta, branch))
        at, order, gap = _anchors[key]
    return _walked(at, order, alpha, beta, branch) if alpha != at else (order, gap)


def _walked(at: float, order: Order, target: float, beta: float, branch: str) -> tuple[Order, float]:
    """Return the solution at a load a stride away, in as many steps as it takes."""
    stride, gap = target - at, 0.0
    while at != target:
        then = target if abs(target - at) <= abs(stride) else at + stride
        found = followed(lambda one, load=then: _first(one, load, beta), order, _FURTHEST)  # type: ignore[misc]
        if found is None:
            stride /= 2
            if abs(stride) < _SMALLEST:
                _ends[branch, beta] = at, max(abs(a - b) for a, b in zip(_first(order, then, beta), order))
                raise _ended(branch, beta)
            continue
        at, (order, gap) = then, found
    return order, gap


def _ended(branch: str, beta: float) -> SolverError:
    end, gap = _ends[branch, beta]
    return SolverError(f"the {branch} branch of a first task ends near alpha={end:.4f} (beta={beta:g}); residual beyond it {gap:.1e}")


def _state(alpha: float, beta: float, solution: tuple[Order, float], branch: str) -> FirstTask:
    order, gap = solution
    conjugate = hats(*order, alpha, beta)
    found = first_sites(conjugate)
    phi = _free_entropy(order, conjugate, alpha, found.log)
    return FirstTask(*order, found.p, _error(found.p), phi, conjugate.G_E, branch, gap)


def _free_entropy(order: Order, conjugate: Hats, alpha: float, log: float) -> float:
    pulled = -order.r * conjugate.r_hat + order.q * conjugate.q_hat / 2 - order.Q * conjugate.Q_hat
    return alpha * conjugate.G_E + log + pulled


def _error(p: float) -> float:
    return math.acos(max(-1.0, min(1.0, p))) / math.pi


@cache
def _checked(alpha: float, beta: float, branch: str) -> FirstTask:
    """Return the state, of which phi changes with alpha as G_E says.

    Raises
    ------
    SolverError
        If it does not, or there is no such state.
    """
    solution = _branch(alpha, beta, branch)
    found = _state(alpha, beta, solution, branch)
    for sign in (1, -1):  # a branch may end on one side
        load = alpha * (1 + sign * _DIFFERENCE)
        beside = followed(lambda one, load=load: _first(one, load, beta), solution[0], _FURTHEST)  # type: ignore[misc]
        if beside is not None:
            other = _state(load, beta, beside, branch)
            slope, due = (other.phi - found.phi) / (load - alpha), (other.G_E + found.G_E) / 2
            if abs(slope - due) < _IDENTITY * max(1.0, abs(due)):
                return found
            raise SolverError(
                f"first task, {branch} branch at alpha={alpha:g}: d phi/d alpha is {slope:.5f} and should be G_E={due:.5f}; "
                f"residual {found.residual:.1e}"
            )
    raise SolverError(f"first task, {branch} branch: alpha={alpha:g} is where it ends; residual {found.residual:.1e}")


def _second(order: Order, alpha: float, beta: float, law: Reference, r0: float, gamma: float) -> Order:
    found = second_sites(hats(*order, alpha, beta), law, r0, beta * gamma)
    return Order(found.q, found.r, found.Q)


def _second_state(order: Order, gap: float, alpha: float, beta: float, law: Reference, r0: float, gamma: float) -> SecondTask:
    conjugate = hats(*order, alpha, beta)
    found = second_sites(conjugate, law, r0, beta * gamma)
    phi = _free_entropy(order, conjugate, alpha, found.log)
    return SecondTask(*order, found.p_1, found.p, _error(found.p_1), _error(found.p), phi, gap)
