"""Values of the multitasking network that were solved or measured before, elsewhere."""

from __future__ import annotations

import math

import pytest

from bioplaus.theory.multitasking import Solution, majority, solve

#: K, d, T; m/(1-d); free energy; eigenvalues of the Hessian.
STORING = [
    (2, 0.3, 0.2, [0.99954808, 0.25825954], -0.39645846, [0.60373484, 0.99552829]),
    (2, 0.8, 0.5, [0.84762291] * 2, -0.39550316, [0.39819786, 0.79638572]),
    (3, 0.3, 0.05, [1.0, 0.29996166, 0.08399306], -0.38536638, [0.76485629, 0.99847615, 1.0]),
    (3, 0.5, 0.1, [0.9991675, 0.49913781, 0.24908461], -0.33693764, [0.87733144, 0.94427416, 0.99442821]),
    (3, 0.7, 0.1, [0.95169887, 0.7449324, 0.53828839], -0.28686506, [0.80362369, 0.93009441, 0.99948452]),
    (3, 0.8, 0.6, [0.70328916] * 3, -0.45222771, [0.23314897] * 2 + [0.63449264]),
    (5, 0.8, 0.7, [0.50864303] * 5, -0.50721238, [0.09050687] * 4 + [0.47952744]),
]
#: K, d, T, M, r; exact m, n; m, n by the normal law; all over 1-d. Where the normal law is None the printed values came from 121-point
#: Gauss-Hermite sums, which are off in the fourth digit at this temperature; test_multitasking_oracles has those points by adaptive quadrature.
EXAMPLES = [
    (1, 0.0, 0.5, 20, 0.3, [0.68172579], [0.61805255], [0.68080327], [0.61162318]),
    (2, 0.3, 0.1, 40, 0.3, [0.84977719, 0.40192535], [0.76543853, 0.37215125], None, None),
    (2, 0.8, 0.5, 40, 0.3, [0.71376361] * 2, [0.66253075] * 2, [0.71411218] * 2, [0.66047623] * 2),
    (3, 0.4, 0.05, 40, 0.5, [0.96665019, 0.42063024, 0.19127037], [0.91442573, 0.40238708, 0.18273069], None, None),
]
#: Monte Carlo, N = 5000, the same rows: supervised m, n, unsupervised m, n, not divided by 1-d.
MEASURED = [
    ([0.6852], [0.6199], [0.6841], [0.6200]),
    ([0.5986, 0.2854], [0.5341, 0.2598], [0.5963, 0.2873], [0.5327, 0.2621]),
    ([0.1415, 0.1406], [0.1307, 0.1318], [0.1396, 0.1404], [0.1295, 0.1320]),
    ([0.5798, 0.2535, 0.1087], [0.5478, 0.2421, 0.1052], [0.5797, 0.2531, 0.1091], [0.5478, 0.2419, 0.1056]),
]
#: r, M; m at T = 0, K = 1, d = 0: exact, normal law.
ONE_PATTERN = [
    (0.1, 99, 0.682696, 0.682689),
    (0.1, 100, 0.682696, None),
    (0.2, 5, 0.365120, 0.351923),
    (0.2, 25, 0.692464, 0.692566),
    (0.5, 5, 0.792969, 0.803294),
    (0.5, 11, 0.931345, 0.944489),
    (0.8, 3, 0.944, 0.979079),
]
#: d; m/(1-d) at T = 0, K = 3, Monte Carlo with N = 20000, sorted.
ZERO_NOISE = [
    (0.2, [1.003, 0.194, 0.045]),
    (0.4, [1.001, 0.406, 0.167]),
    (0.5, [0.998, 0.504, 0.238]),
    (0.65, [0.954, 0.718, 0.473]),
    (0.8, [0.996, 0.817, 0.653]),
    (0.9, [0.974, 0.898, 0.813]),
]


@pytest.mark.parametrize(("K", "d", "T", "m", "f", "eigenvalues"), STORING)
def test_storing(K: int, d: float, T: float, m: list[float], f: float, eigenvalues: list[float]) -> None:
    state = solve(K, d, T)
    assert state.m == pytest.approx(m, abs=1e-8)
    assert state.n == pytest.approx(m, abs=1e-8)
    assert state.free_energy == pytest.approx(f, abs=1e-8)
    assert state.hessian_eigenvalues == pytest.approx(eigenvalues, abs=1e-8)
    assert (state.verdict, state.stable, state.rho) == ("stable", True, 0)
    assert state.example_eigenvalues == []
    assert state.residual < 1e-12
    assert state.iterations > 1


@pytest.mark.parametrize("row", EXAMPLES)
@pytest.mark.parametrize("learning", ["supervised", "unsupervised"])
def test_examples(row: tuple, learning: str) -> None:
    K, d, T, M, r, m, n, m_normal, n_normal = row
    state = solve(K, d, T, M=M, r=r, learning=learning)
    assert state.m == pytest.approx(m, abs=1e-8)
    assert state.n == pytest.approx(n, abs=1e-8)
    assert state.rho == pytest.approx({0.3: 0.505556 * 20 / M, 0.5: 0.075}[r], abs=1e-6)
    if m_normal is not None:
        state = solve(K, d, T, M=M, r=r, learning=learning, law="gaussian")
        assert state.m == pytest.approx(m_normal, abs=1e-8)
        assert state.n == pytest.approx(n_normal, abs=1e-8)


@pytest.mark.parametrize(("row", "measured"), list(zip(EXAMPLES, MEASURED)))
def test_examples_measured(row: tuple, measured: tuple) -> None:
    K, d, T, M, r = row[:5]
    state = solve(K, d, T, M=M, r=r, learning="supervised")
    for found, values in zip([state.m, state.n] * 2, measured):
        assert [(1 - d) * x for x in found] == pytest.approx(values, abs=4 / math.sqrt(5000))


def test_unsupervised_eigenvalues() -> None:
    state = solve(2, 0.3, 0.1, M=40, r=0.3, learning="unsupervised")
    assert state.hessian_eigenvalues == pytest.approx([0.29663, 0.99175], abs=1e-5)
    assert state.example_eigenvalues == pytest.approx([0.88104, 0.86103], abs=1e-5)
    assert state.stable


@pytest.mark.parametrize(("r", "M", "exact", "normal"), ONE_PATTERN)
def test_one_pattern_without_noise(r: float, M: int, exact: float, normal: float | None) -> None:
    assert solve(1, 0, 0, M=M, r=r, learning="supervised").m == pytest.approx([exact], abs=1e-6)
    if normal is not None:
        assert solve(1, 0, 0, M=M, r=r, learning="supervised", law="gaussian").m == pytest.approx([normal], abs=1e-6)


def _normal_without_noise(d: float, rho: float) -> Solution:
    M = 1000
    return solve(2, d, 0, M=M, r=1 / math.sqrt(1 + M * rho), learning="supervised", law="gaussian")


def test_noise_of_the_data_without_noise_of_the_neurons() -> None:
    assert _normal_without_noise(0.3, 0.01).m == pytest.approx([1, 0.3], abs=1e-6)
    assert _normal_without_noise(0.3, 0.1).m == pytest.approx([0.985498, 0.313513], abs=1e-6)
    assert _normal_without_noise(0.3, 0.5).m == pytest.approx([0.586885] * 2, abs=1e-6)
    exact = solve(2, 0.3, 0, M=161, r=0.2, learning="supervised", law="gaussian")
    assert exact.m == pytest.approx([0.9565, 0.3371], abs=1e-4)


@pytest.mark.parametrize(("d", "measured"), ZERO_NOISE)
def test_zero_noise_measured(d: float, measured: list[float]) -> None:
    state = solve(3, d, 0)
    expected = [1, d, d * d] if d < 0.618 else majority(d)
    assert state.m == pytest.approx(expected, abs=1e-12)
    assert state.m == pytest.approx(measured, abs=4 / math.sqrt(20_000 * (1 - d)))


def test_storing_measured() -> None:
    for K, d, T, m in [
        (2, 0.3, 0.2, [0.7012, 0.1678]),
        (3, 0.5, 0.1, [0.4966, 0.2498, 0.1319]),
        (3, 0.7, 0.05, [0.2867, 0.2290, 0.1568]),
    ]:
        assert [(1 - d) * x for x in solve(K, d, T).m] == pytest.approx(m, abs=4 / math.sqrt(10_000))
    assert [0.3 * x for x in solve(3, 0.7, 0.05).m] == pytest.approx([0.2865, 0.2235, 0.1605], abs=1e-4)


def test_weak_patterns_switch_off_as_noise_grows() -> None:
    """A pattern of amplitude d^(K-1) needs about T < d^(K-1)."""
    assert 0.7 * solve(3, 0.3, 0.05).m[2] == pytest.approx(0.0588, abs=1e-4)
    assert solve(3, 0.3, 0.3).m[2] == pytest.approx(0, abs=1e-8)
    on = [m > 1e-6 for m in solve(5, 0.2, 0.05).m]
    assert on == [True, True, False, False, False]
