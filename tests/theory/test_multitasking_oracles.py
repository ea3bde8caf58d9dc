"""The solution of the multitasking equations against explicit sums over the disorder and adaptive quadrature, written without the solver."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from bioplaus.theory.multitasking import solve


def patterns(K: int, d: float) -> Iterator[tuple[np.ndarray, float]]:
    for xi in itertools.product((-1, 0, 1), repeat=K):
        yield np.array(xi, dtype=float), math.prod(d if x == 0 else (1 - d) / 2 for x in xi)


def atoms(K: int, d: float, M: int, r: float) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Yield patterns xi, effective patterns v and their probability: (M + 1)^K counts for each of 3^K patterns."""
    up = (1 + r) / 2
    chances = [math.comb(M, k) * up**k * (1 - up) ** (M - k) for k in range(M + 1)]
    for xi, p in patterns(K, d):
        for counts in itertools.product(range(M + 1), repeat=K):
            v = xi * np.array([(2 * k - M) / (M * r) for k in counts])
            yield xi, v, p * math.prod(chances[k] for k in counts)


def hessian(f: Any, n: np.ndarray, step: float) -> np.ndarray:
    """Return the second derivatives of f at n: central differences at two steps, extrapolated to none."""

    def differences(step: float) -> np.ndarray:
        sides = step * np.eye(len(n))
        return np.array([[f(n + a + b) - f(n + a - b) - f(n - a + b) + f(n - a - b) for b in sides] for a in sides]) / (
            4 * step**2
        )

    return (4 * differences(step) - differences(2 * step)) / 3


def gradient(f: Any, n: np.ndarray, step: float) -> np.ndarray:
    return np.array([(f(n + a) - f(n - a)) / (2 * step) for a in step * np.eye(len(n))])


CASES = [
    {"K": 1, "d": 0.0, "T": 0.3, "M": 5, "r": 0.5},
    {"K": 2, "d": 0.3, "T": 0.2, "M": 4, "r": 0.6},
    {"K": 2, "d": 0.3, "T": 0.1, "M": 7, "r": 0.4, "normalise": False},
    {"K": 2, "d": 0.8, "T": 0.5, "M": 1, "r": 0.7},
    {"K": 3, "d": 0.5, "T": 0.15, "M": 3, "r": 0.8},
    {"K": 3, "d": 0.8, "T": 0.2, "M": 2, "r": 0.9, "start": "parallel"},
]


@pytest.mark.parametrize("case", CASES)
def test_binomial_law_against_explicit_sums(case: dict[str, Any]) -> None:
    state = solve(**case, learning="supervised")
    K, d, T, M, r = (case[key] for key in ("K", "d", "T", "M", "r"))
    g = 1 / (1 - d) if case.get("normalise", True) else 1.0
    second = 1 + (1 - r * r) / (M * r * r)
    points = list(atoms(K, d, M, r))
    n = (1 - d) * np.array(state.n)

    def f(n: np.ndarray) -> float:
        return g / 2 * second * n @ n - T * sum(p * math.log(2 * math.cosh(g * n @ v / T)) for _, v, p in points)

    t = [math.tanh(g * n @ v / T) for _, v, _ in points]
    assert sum(p * v * t for (_, v, p), t in zip(points, t)) / second == pytest.approx(n, abs=1e-11)
    assert sum(p * xi * t for (xi, _, p), t in zip(points, t)) / (1 - d) == pytest.approx(state.m, abs=1e-11)
    assert state.free_energy == pytest.approx(f(n), abs=1e-13)
    assert gradient(f, n, 1e-5) == pytest.approx(np.zeros(K), abs=1e-9)
    eigenvalues = np.linalg.eigvalsh(hessian(f, n, 5e-4)) / (g * second)
    assert state.hessian_eigenvalues == pytest.approx(eigenvalues, abs=1e-5)


def normal(function: Any, centre: float = 0.0) -> float:
    """Return E function(z), z normal, by adaptive quadrature on both sides of a kink or step at the centre."""

    def weighted(z: float) -> float:
        return function(z) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    cuts = sorted({-10.0, min(max(centre, -10.0), 10.0), 10.0})
    return sum(quad(weighted, a, b, epsabs=1e-13, epsrel=1e-13, limit=400)[0] for a, b in itertools.pairwise(cuts))


def ln2cosh(x: float) -> float:
    return abs(x) + math.log1p(math.exp(-2 * abs(x)))


def fields(n: np.ndarray, d: float, rho: float) -> Iterator[tuple[np.ndarray, float, float, float]]:
    for xi, p in patterns(len(n), d):
        if xi.any():
            yield xi, p, float(n @ xi), math.sqrt(rho * np.sum((n * xi) ** 2))


NORMAL = [
    (1, 0.0, 0.5, 20, 0.3),
    (2, 0.3, 0.1, 40, 0.3),
    (3, 0.4, 0.05, 40, 0.5),
    (2, 0.3, 0.004, 40, 0.4),
    (2, 0.7, 0.6, 500, 0.9),
]


@pytest.mark.parametrize(("K", "d", "T", "M", "r"), NORMAL)
def test_normal_law_against_adaptive_quadrature(K: int, d: float, T: float, M: int, r: float) -> None:
    """At low T a Gauss-Hermite sum over z errs in the fourth digit; the second and third case are tables' points where it did."""
    state = solve(K, d, T, M=M, r=r, learning="supervised", law="gaussian")
    rho, b = state.rho, 1 / (T * (1 - d))
    n = (1 - d) * np.array(state.n)
    m, noise, stein = np.zeros(K), np.zeros(K), np.zeros(K)
    smooth = d**K * T * math.log(2)
    for xi, p, a, s in fields(n, d, rho):
        m += p * xi * normal(lambda z, a=a, s=s: math.tanh(b * (a + s * z)), -a / s)
        noise += p * xi**2 / s * normal(lambda z, a=a, s=s: z * math.tanh(b * (a + s * z)), -a / s)
        stein += p * xi**2 * b * normal(lambda z, a=a, s=s: 1 - math.tanh(b * (a + s * z)) ** 2, -a / s)
        smooth += p * T * normal(lambda z, a=a, s=s: ln2cosh(b * (a + s * z)), -a / s)
    assert state.m == pytest.approx(m / (1 - d), abs=1e-9)
    assert (1 + rho) * n == pytest.approx(m + rho * n * noise, abs=1e-9)
    assert (1 + rho) * n == pytest.approx(m + rho * n * stein, abs=1e-9)
    assert state.free_energy == pytest.approx((1 + rho) / (2 * (1 - d)) * n @ n - smooth, abs=1e-10)


@pytest.mark.parametrize("T", [0.05, 0.4])
def test_normal_law_hessian_by_finite_differences(T: float) -> None:
    d, M, r = 0.3, 40, 0.4
    state = solve(2, d, T, M=M, r=r, learning="supervised", law="gaussian")
    rho, b = state.rho, 1 / (T * (1 - d))

    def f(n: np.ndarray) -> float:
        smooth = sum(
            p * T * normal(lambda z, a=a, s=s: ln2cosh(b * (a + s * z)), -a / s) for _, p, a, s in fields(n, d, rho)
        )
        return (1 + rho) / (2 * (1 - d)) * n @ n - smooth

    n = (1 - d) * np.array(state.n)
    assert gradient(f, n, 1e-4) == pytest.approx(np.zeros(2), abs=1e-6)
    eigenvalues = np.linalg.eigvalsh(hessian(f, n, 2e-3)) * (1 - d) / (1 + rho)
    assert state.hessian_eigenvalues == pytest.approx(eigenvalues, abs=1e-5)


@pytest.mark.parametrize(
    ("K", "d", "T", "M", "r"), [(2, 0.3, 0.1, 3, 0.5), (1, 0.2, 0.3, 4, 0.4), (2, 0.8, 0.4, 2, 0.6)]
)
def test_eigenvalues_towards_single_examples(K: int, d: float, T: float, M: int, r: float) -> None:
    """The Hessian in all K M order parameters of the examples, by enumeration: the block once, each example eigenvalue M - 1 times."""
    state = solve(K, d, T, M=M, r=r, learning="unsupervised")
    entries = [(np.zeros(M), d)]
    for signs in itertools.product((-1, 1), repeat=M):
        up = signs.count(1)
        chance = sum(((1 + r) / 2) ** k * ((1 - r) / 2) ** (M - k) for k in (up, M - up)) / 2
        entries.append((np.array(signs, dtype=float), (1 - d) * chance))
    full = np.zeros((K * M, K * M))
    for rows in itertools.product(entries, repeat=K):
        h = sum(n * eta.mean() / r for n, (eta, _) in zip(state.n, rows))  # (1-d) n and g = 1/(1-d)
        eta = np.concatenate([eta for eta, _ in rows])
        full += math.prod(p for _, p in rows) * (1 - math.tanh(h / T) ** 2) * np.outer(eta, eta)
    full = np.eye(K * M) - full / (T * (1 - d) * (1 + state.rho) * r * r * M)
    expected = sorted(state.hessian_eigenvalues + state.example_eigenvalues * (M - 1))
    assert np.linalg.eigvalsh(full) == pytest.approx(expected, abs=1e-9)


def test_eigenvalue_towards_single_examples_by_the_normal_law() -> None:
    d, T, M, r = 0.2, 0.1, 30, 0.3
    state = solve(1, d, T, M=M, r=r, learning="unsupervised", law="gaussian")
    c, n = math.sqrt(state.rho), state.n[0]

    def spread(z: float) -> float:
        v = 1 + c * z
        return (1 - (r * v) ** 2) * (1 - math.tanh(n * v / T) ** 2)

    single = normal(spread, -1 / c)  # E[xi^2] = 1 - d cancels g
    assert state.example_eigenvalues == pytest.approx([1 - single / (T * (1 + state.rho) * r * r * (M - 1))], abs=1e-9)


def test_the_normal_law_is_the_limit_of_many_examples() -> None:
    def far(M: int) -> float:
        r = 1 / math.sqrt(1 + 0.2 * M)  # rho = 0.2
        exact, limit = (
            solve(2, 0.3, 0.2, M=M, r=r, learning="unsupervised", law=law) for law in ("binomial", "gaussian")
        )
        values = [state.hessian_eigenvalues + state.example_eigenvalues + state.m + state.n for state in (exact, limit)]
        return float(np.abs(np.subtract(*values)).max())

    assert far(200) < 5e-3
    assert 2.5 < far(50) / far(200) < 6  # the law of errors is 1/M
